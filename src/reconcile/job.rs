//! What is to be done for a site, and what has been done.

use super::attempt::{Attempt, Failure};
use super::inbox::Asker;
use super::site::{Mode, Reconciler, Way};
use super::trace;
use crate::model::{Line, SiteId};
use crate::release::Digest;
use crate::report::{Cause, Outcome, Report, StepOutcome, StepReport};
use crate::schedule::{Ended, Finding, Ticket, Why};
use crate::stream::Spore;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument as _;

/// What of a site a job is about. Of two about the same the newer one counts; others do not touch each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// The website itself.
    Site,
    /// The preview of a branch.
    Preview(String),
    /// An order of the operator's, each by itself.
    Order(u64),
}

/// Something asked for about a site that has no report yet.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) lane: Lane,
    pub(super) ticket: Ticket,
    pub(super) what: What,
    pub(super) seq: u64,
    pub(super) request_id: Line<128>,
    pub(super) arrived: Instant,
    pub(super) asker: Asker,
    /// What earlier attempts have done.
    pub(super) done: Vec<StepReport>,
    /// How the last attempt ended that is followed by another.
    pub(super) last: Option<Report>,
}

/// What a job does.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// It carries out a message.
    Message(Arc<Spore>),
    /// It carries out again what was accepted.
    Refresh {
        /// Whether what belongs to nobody is taken over.
        adopt: bool,
    },
    /// It makes an earlier release live.
    Rollback(Option<String>),
    /// It protects the site, or no longer.
    Protect(bool),
}

/// One thing done in a run.
#[derive(Debug)]
pub(super) struct Done {
    /// The job's ticket and lane; `None` for what nobody asked for.
    pub(super) job: Option<(Ticket, Lane)>,
    /// What was carried out, as the store knows it: the branch of a preview or nothing, and the digest.
    pub(super) kept: Option<(String, Digest)>,
    /// Whether nobody asked for it, and it was not left over either.
    pub(super) look: bool,
    pub(super) attempt: Attempt,
}

impl Lane {
    /// Its name in the store; `None` for an order, which is not kept.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Site => Some(""),
            Self::Preview(branch) => Some(branch),
            Self::Order(_) => None,
        }
    }
}

impl What {
    /// Why it is done.
    fn cause(&self, why: Why) -> Cause {
        match self {
            Self::Message(spore) if spore.seq > 0 => cause(why),
            Self::Message(_) | Self::Refresh { .. } | Self::Rollback(_) | Self::Protect(_) => {
                Cause::Operator
            }
        }
    }

    /// The token of its message; empty where it has none.
    fn request_id(&self) -> &str {
        match self {
            Self::Message(spore) => spore.request_id.as_str(),
            Self::Refresh { .. } | Self::Rollback(_) | Self::Protect(_) => "",
        }
    }
}

impl Job {
    /// The beginning of a report about the job.
    pub(super) fn report(&self, site: &SiteId) -> Report {
        let mut report = Report::about(self.seq, Some(site.clone()), self.request_id.clone());
        report.elapsed = self.arrived.elapsed();
        if self.seq == 0 {
            report.cause = Cause::Operator;
        }
        report
    }

    /// Adds what earlier attempts have done to the report of the last one.
    pub(super) fn whole(&mut self, mut report: Report) -> Report {
        if self.done.is_empty() {
            return report;
        }
        if report.outcome == Outcome::Unchanged {
            report.outcome = Outcome::Applied;
        }
        report.steps.splice(0..0, self.done.drain(..));
        report
    }

    /// Keeps what an attempt has done that is followed by another.
    pub(super) fn remember(&mut self, report: Report) {
        let done = report.steps.iter();
        let done = done.filter(|step| step.outcome == StepOutcome::Done);
        self.done.extend(done.cloned());
        self.last = Some(report);
    }
}

impl Reconciler {
    /// Works on a site: the jobs given, one after another, or without any what was accepted for it. `number` says
    /// how many runs there have been for this, from 1.
    pub(super) async fn run_site(
        self: Arc<Self>,
        site: SiteId,
        jobs: Vec<(Ticket, Lane, What)>,
        why: Why,
        number: u32,
    ) -> Vec<Done> {
        if jobs.is_empty() {
            return self.run_kept(&site, why, number).await;
        }
        let mut done = Vec::with_capacity(jobs.len());
        for (ticket, lane, what) in jobs {
            let span = trace::site(&site, what.cause(why), what.request_id(), number);
            let work = self.run_job(&site, &lane, what);
            let (kept, attempt) = work.instrument(span.clone()).await;
            trace::ended(&span, &attempt);
            done.push(Done {
                job: Some((ticket, lane)),
                kept,
                look: false,
                attempt,
            });
        }
        done
    }

    async fn run_job(
        &self,
        site: &SiteId,
        lane: &Lane,
        what: What,
    ) -> (Option<(String, Digest)>, Attempt) {
        match what {
            What::Message(spore) => {
                let kept = lane.name().map(|lane| (lane.to_owned(), spore.digest));
                (kept, self.attempt(&spore, Way::asked(self.mode)).await)
            }
            What::Refresh { adopt } => (None, self.refresh(site, adopt).await),
            What::Rollback(wanted) => (None, self.roll_back(site, wanted.as_deref()).await),
            What::Protect(on) => (None, self.protect(site, on).await),
        }
    }

    /// Carries out what was accepted for a site: what is left to do, or all of it again.
    async fn run_kept(&self, site: &SiteId, why: Why, number: u32) -> Vec<Done> {
        let messages = match self.store.accepted_messages(site) {
            Ok(messages) => messages,
            Err(error) => return vec![Done::unread(site, super::site::state_error(error))],
        };
        let way = Way {
            mode: match why {
                Why::Drift { repair: false } => Mode::Plan,
                Why::Drift { repair: true } | Why::Message | Why::Resume | Why::Edge => self.mode,
            },
            closely: true,
            adopt: false,
        };
        let mut done = Vec::new();
        for message in messages {
            // A preview is over when it has been carried out once; of the website itself all is looked at.
            let wanted = message.lane.is_empty() || message.unfinished;
            let Some(spore) = Spore::again(&message.body).filter(|_| wanted) else {
                continue;
            };
            let span = trace::site(site, cause(why), spore.request_id.as_str(), number);
            let mut attempt = self.attempt(&spore, way).instrument(span.clone()).await;
            attempt.report.cause = cause(why);
            trace::ended(&span, &attempt);
            done.push(Done {
                job: None,
                kept: (way.mode == Mode::Apply).then_some((message.lane, spore.digest)),
                look: !message.unfinished,
                attempt,
            });
        }
        done
    }

    /// Carries out again what was accepted for a site, because the operator asks for it.
    async fn refresh(&self, site: &SiteId, adopt: bool) -> Attempt {
        let body = match self.store.accepted_messages(site) {
            Ok(messages) => messages.into_iter().find(|message| message.lane.is_empty()),
            Err(error) => return Attempt::failed(site, super::site::state_error(error)),
        };
        let Some(spore) = body.and_then(|message| Spore::again(&message.body)) else {
            let error = format!("nothing was accepted for site {site}");
            return Attempt::failed(site, crate::edge::EdgeError::rejected(error));
        };
        let way = Way {
            mode: self.mode,
            closely: true,
            adopt,
        };
        let mut attempt = self.attempt(&spore, way).await;
        attempt.report.cause = Cause::Operator;
        attempt
    }

    async fn protect(&self, site: &SiteId, on: bool) -> Attempt {
        if self.store.site(site).is_none() {
            let error = format!("site {site} is not known here");
            return Attempt::failed(site, crate::edge::EdgeError::rejected(error));
        }
        let mut report = Report::about(0, Some(site.clone()), Line::default());
        report.cause = Cause::Operator;
        match self.store.set_protected(site, on).await {
            Ok(()) => Attempt::of(report, Ok(())),
            Err(error) => Attempt::failed(site, super::site::state_error(error)),
        }
    }
}

impl Done {
    /// What was accepted cannot be read.
    fn unread(site: &SiteId, error: crate::edge::EdgeError) -> Self {
        Self {
            job: None,
            kept: None,
            look: false,
            attempt: Attempt::failed(site, error),
        }
    }
}

impl Attempt {
    /// One that came to nothing.
    fn failed(site: &SiteId, error: crate::edge::EdgeError) -> Self {
        let mut report = Report::about(0, Some(site.clone()), Line::default());
        report.cause = Cause::Operator;
        Self::of(report, Err(super::site::Stop::Edge(error)))
    }
}

/// What follows from all that was done in a run: what may pass is worth another attempt, whatever else failed.
pub(super) fn ended(
    done: &[Done],
    account: impl Fn(&str) -> Option<crate::schedule::Account>,
    next_edge: Option<crate::schedule::Time>,
) -> Ended {
    let failures = || done.iter().filter_map(|done| done.attempt.failure.as_ref());
    let passing = failures().find(|failure| failure.problem.class.may_pass());
    if let Some(failure) = passing.or_else(|| failures().next()) {
        let Failure {
            problem,
            retry_after,
            account: name,
        } = failure;
        return Ended::Failed {
            class: problem.class,
            retry_after: *retry_after,
            account: name.as_deref().and_then(account),
        };
    }
    let findings = done.iter().map(|done| done.attempt.finding(done.look));
    let finding = findings.fold(Finding::AsAsked, |all, one| match (all, one) {
        (Finding::AsAsked, one) => one,
        (all, _) => all,
    });
    Ended::Completed { finding, next_edge }
}

/// What a report says of why something was done.
#[must_use]
pub const fn cause(why: Why) -> Cause {
    match why {
        Why::Message => Cause::Message,
        Why::Resume => Cause::Resume,
        Why::Edge => Cause::Edge,
        Why::Drift { .. } => Cause::Drift,
    }
}
