//! What the loop does for sites, and what follows from how it ended.

use super::daemon::{Daemon, Doing};
use super::event::{Happening, class_name};
use super::job::{Done, Job, ended};
use super::site::Mode;
use crate::model::SiteId;
use crate::release::Digest;
use crate::report::{Cause, Outcome, Report};
use crate::schedule::{self, Ended, Event, Phase, Settlement, Ticket, Time, Why};
use std::io::Write;
use std::sync::Arc;
use tokio::task::{Id, JoinError};

impl<W: Write> Daemon<W> {
    pub(super) fn start(&mut self, site: SiteId, why: Why, attempt: u32) {
        self.events
            .tell(Some(&site), Happening::Started { why, attempt });
        let mut jobs = Vec::new();
        if let Some(doing) = self.doings.get_mut(&site) {
            doing.running.append(&mut doing.waiting);
            let running = doing.running.iter();
            jobs.extend(running.map(|job| (job.ticket, job.lane.clone(), job.what.clone())));
        }
        let reconciler = Arc::clone(&self.reconciler);
        let task = reconciler.run_site(site.clone(), jobs, why, attempt);
        let task = self.runs.spawn(task);
        self.running.insert(task.id(), site);
    }

    /// Takes in the end of a run. One that panicked is a defect: what it was to do is reported as failed, and
    /// the others go on.
    pub(super) fn ran(&mut self, ended: Result<(Id, Vec<Done>), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(site) = self.running.remove(&id) else {
            return;
        };
        let ended = match ended {
            Ok((_, done)) => self.done(&site, done),
            Err(error) => {
                tracing::error!(site = %site, "a run ended early: {error}");
                self.lost(&site, &error);
                Ended::Failed {
                    class: schedule::Class::Rejected,
                    retry_after: None,
                    account: None,
                }
            }
        };
        // What is still there of it gets in line again, before those that came later.
        if let Some(doing) = self.doings.get_mut(&site) {
            let later = std::mem::replace(&mut doing.waiting, std::mem::take(&mut doing.running));
            doing.waiting.extend(later);
        }
        if matches!(ended, Ended::Completed { .. }) {
            self.note_seen(&site);
        }
        self.decide_and_do(Event::Finished {
            site: site.clone(),
            ended,
        });
        self.tell_retry(&site);
        self.forget_now(&site);
        self.tidy(&site);
    }

    /// Takes in what a run did. What is over has its report now; what may pass stays.
    pub(super) fn done(&mut self, site: &SiteId, done: Vec<Done>) -> Ended {
        let edge = || self.reconciler.store.site(site)?.next_edge;
        let edge = self.lives.then(edge).flatten();
        let next_edge: Option<Time> = edge.map(|edge| self.clock.time(edge));
        let ended = ended(&done, |name| self.accounts.find(name), next_edge);
        let failure = done.iter().find_map(|done| done.attempt.failure.as_ref());
        let problem = failure.map(|failure| Box::new(failure.problem.clone()));
        if let Some(facts) = self.facts.get_mut(site) {
            facts.problem = problem;
        }
        for done in done {
            self.count_steps(&done.attempt.report);
            if done.attempt.failure.is_none()
                && let Some((lane, digest)) = &done.kept
            {
                self.note_settled(site, lane.clone(), *digest);
            }
            match &done.job {
                Some((ticket, _)) => self.done_for(site, *ticket, done),
                None => self.done_by_itself(site, done),
            }
        }
        ended
    }

    /// Takes in what was done of a job.
    pub(super) fn done_for(&mut self, site: &SiteId, ticket: Ticket, done: Done) {
        let may_pass = done.attempt.may_pass();
        let Some(doing) = self.doings.get_mut(site) else {
            return;
        };
        let of_job = |job: &Job| Some((job.ticket, job.lane.clone())) == done.job;
        let Some(index) = doing.running.iter().position(of_job) else {
            return;
        };
        if may_pass {
            doing.running[index].remember(done.attempt.report);
            return;
        }
        let mut job = doing.running.remove(index);
        debug_assert_eq!(job.ticket, ticket);
        let report = job.whole(done.attempt.report);
        self.answer(job, report);
    }

    /// Takes in what was done although nobody waits for it: those who read the reports are told what changed, what
    /// failed, and what was left over.
    pub(super) fn done_by_itself(&mut self, site: &SiteId, done: Done) {
        let report = done.attempt.report;
        if done.look && report.outcome == Outcome::Planned {
            *self.totals.drifts.entry(false).or_default() += 1;
        } else if report.cause == Cause::Drift && report.outcome == Outcome::Applied {
            *self.totals.drifts.entry(true).or_default() += 1;
        }
        let told = !done.look || report.outcome != Outcome::Unchanged;
        let again = done.attempt.failure.is_some_and(|failure| {
            let class = failure.problem.class;
            class.may_pass()
        });
        if told && !again {
            tracing::info!(site = %site, "{}", crate::schema::enumerant_name(report.outcome));
            self.emit(report);
        }
    }

    /// Tells that a site is tried again, if it is.
    pub(super) fn tell_retry(&mut self, site: &SiteId) {
        let Some(status) = self.schedule.site(site) else {
            return;
        };
        if let Phase::Retrying { at, attempts } = status.phase
            && let Some(problem) = self
                .facts
                .get(site)
                .and_then(|facts| facts.problem.as_deref())
        {
            let name = class_name(problem.class);
            *self.totals.retries.entry(name).or_default() += 1;
            let at = self.clock.wall(at);
            tracing::info!(site = %site, attempt = attempts, %at, "tried again: {}", problem.message);
            let what = Happening::Retrying {
                problem: problem.clone(),
                attempt: attempts,
                at,
            };
            self.events.tell(Some(site), what);
        }
    }

    /// Answers what a run was to do that ended without saying how.
    pub(super) fn lost(&mut self, site: &SiteId, error: &JoinError) {
        let Some(doing) = self.doings.get_mut(site) else {
            return;
        };
        for job in std::mem::take(&mut doing.running) {
            let report = super::lost(job.report(site), error);
            self.answer(job, report);
        }
    }

    /// Does with the jobs of a ticket what became of it.
    pub(super) fn settle(&mut self, site: &SiteId, ticket: Ticket, settlement: Settlement) {
        let Some(doing) = self.doings.get_mut(site) else {
            return;
        };
        let of_ticket = |job: &mut Job| job.ticket == ticket;
        let mut jobs: Vec<Job> = doing.running.extract_if(.., of_ticket).collect();
        jobs.extend(doing.waiting.extract_if(.., of_ticket));
        for mut job in jobs {
            let report = match settlement {
                Settlement::Superseded { by } => {
                    let Some(report) = self.superseded(site, &job, by) else {
                        job.ticket = by;
                        self.keep_waiting(site, job);
                        continue;
                    };
                    report
                }
                Settlement::Completed | Settlement::Failed { .. } => match job.last.take() {
                    Some(last) => job.whole(last),
                    None => job.report(site),
                },
                Settlement::Paused => super::paused(job.report(site)),
                Settlement::Forgotten => super::forgotten(job.report(site)),
                Settlement::Left => {
                    tracing::info!(site = %site, "left to the next daemon");
                    self.open_jobs -= 1;
                    continue;
                }
            };
            self.answer(job, report);
        }
    }

    /// The report of a job that a newer one about the same takes the place of; `None` when it is about something
    /// else.
    pub(super) fn superseded(&self, site: &SiteId, job: &Job, by: Ticket) -> Option<Report> {
        let waiting = &self.doings.get(site)?.waiting;
        let newer = waiting.iter().find(|newer| newer.ticket == by)?;
        (newer.lane == job.lane).then(|| {
            let why = format!(
                "message {} for the same site came before its turn",
                newer.seq
            );
            super::overtaken(job.report(site), why)
        })
    }

    /// Puts a job before those that came later.
    pub(super) fn keep_waiting(&mut self, site: &SiteId, job: Job) {
        if let Some(doing) = self.doings.get_mut(site) {
            let place = doing.waiting.len().saturating_sub(1);
            doing.waiting.insert(place, job);
        }
    }

    /// Forgets that nothing is under way.
    pub(super) fn tidy(&mut self, site: &SiteId) {
        if self.doings.get(site).is_some_and(Doing::at_rest) {
            self.doings.remove(site);
        }
    }

    pub(super) fn note_settled(&self, site: &SiteId, lane: String, digest: Digest) {
        if self.reconciler.mode == Mode::Plan {
            return;
        }
        let (store, id) = (self.reconciler.store.clone(), site.clone());
        let note = async move { store.settle(&id, &lane, digest).await };
        self.notes.push(Box::pin(note));
    }

    /// Notes that a site was looked at of which an earlier daemon left steps without an end.
    pub(super) fn note_seen(&mut self, site: &SiteId) {
        for step in self.interrupted.remove(site).unwrap_or_default() {
            let store = self.reconciler.store.clone();
            self.notes.push(Box::pin(async move {
                store
                    .resolve_interrupted(step, "the site was looked at again")
                    .await
            }));
        }
    }
}
