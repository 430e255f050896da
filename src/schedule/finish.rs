//! What the end of a run leads to.

use super::circuit::Verdict;
use super::event::{Account, Class, Command, Ended, Finding, Health, Notice, Settlement, Why};
use super::options::{DriftMode, SHORTEST_REST};
use super::site::{Lane, Place, Slot, Work};
use super::start::Run;
use super::time::Time;
use super::{Schedule, Stage};
use crate::model::SiteId;
use std::time::Duration;

/// What comes of a failure.
enum Fate {
    Retry,
    Settle(Settlement),
}

impl Schedule {
    /// Takes in the end of a run. One that is not under way has ended before.
    pub(super) fn finish(&mut self, id: &SiteId, ended: Ended, out: &mut Vec<Command>) {
        let Some(slot) = self.sites.find(id) else {
            return;
        };
        let Some(run) = self.running.remove(&slot) else {
            return;
        };
        self.lift(slot);
        self.looks -= usize::from(run.work.lane() == Lane::Looks);
        self.judge(slot, &run, ended, out);
        let site = &mut self.sites[slot];
        site.place = Place::Resting;
        if site.drift.unwrap_or(self.options.drift.mode) != DriftMode::Off {
            site.look = Some(self.now + self.options.drift.wait(&mut self.random));
        }
        match ended {
            Ended::Completed { finding, next_edge } => {
                self.complete(slot, &run.work, finding, next_edge, out);
            }
            Ended::Failed {
                class, retry_after, ..
            } => self.fail(slot, run.work, class, retry_after, out),
            Ended::Interrupted => self.fail(slot, run.work, Class::Interrupted, None, out),
        }
        if self.sites[slot].forgotten {
            self.sites.remove(slot);
        } else {
            self.arrange(slot, out);
        }
    }

    /// Lets the circuits of all accounts that were used know.
    fn judge(&mut self, slot: Slot, run: &Run, ended: Ended, out: &mut Vec<Command>) {
        let blamed = match ended {
            Ended::Failed { account, .. } => account,
            Ended::Completed { .. } | Ended::Interrupted => None,
        };
        let others = run.accounts.iter().copied();
        let others = others.filter(|account| Some(*account) != blamed);
        for account in others.chain(blamed) {
            let verdict = verdict(account, ended);
            let breaker = &self.options.breaker;
            let freed = self
                .circuits
                .judge(self.now, (account, slot), verdict, breaker, out);
            for slot in freed.into_slots() {
                // Taken out of its line already.
                self.sites[slot].place = Place::Resting;
                self.put(slot, Place::Ready);
            }
        }
    }

    fn complete(
        &mut self,
        slot: Slot,
        work: &Work,
        finding: Finding,
        next_edge: Option<Time>,
        out: &mut Vec<Command>,
    ) {
        let site = &mut self.sites[slot];
        let earliest = self.now + SHORTEST_REST;
        let next_edge = next_edge.map(|edge| edge.max(earliest));
        site.edge = match work.why {
            // It changed nothing: what was due meanwhile still is.
            Why::Drift { repair: false } => [site.edge, next_edge].into_iter().flatten().min(),
            Why::Drift { repair: true } | Why::Message | Why::Resume | Why::Edge => next_edge,
        };
        site.unfinished = site.work.is_some() || finding == Finding::Awaiting;
        site.failure = None;
        settle(&site.id, work, Settlement::Completed, out);
        let health = match finding {
            Finding::AsAsked => Health::Good,
            Finding::Repaired => Health::Repaired,
            Finding::Drifted => Health::Drifted,
            Finding::Awaiting => Health::Awaiting,
        };
        self.become_known_as(slot, health, None, out);
    }

    fn fail(
        &mut self,
        slot: Slot,
        mut work: Work,
        class: Class,
        asked: Option<Duration>,
        out: &mut Vec<Command>,
    ) {
        self.sites[slot].failure = Some(class);
        match self.fate(slot, &work, class) {
            Fate::Retry => {
                let policy = &self.options.retry;
                let wait = policy.wait(work.attempts, asked, &mut self.random);
                work.not_before = self.now + wait;
                work.order = self.next_order();
                self.sites[slot].work = Some(Box::new(work));
            }
            Fate::Settle(settlement) => {
                let again = self.now + self.options.retry.max.max(SHORTEST_REST);
                let site = &mut self.sites[slot];
                settle(&site.id, &work, settlement, out);
                match settlement {
                    Settlement::Paused => site.look = Some(self.now),
                    // A service may be away for hours, and a name be verified as late: that is not left until the
                    // next look for drift, of which there may be none.
                    Settlement::Failed { .. }
                        if class.may_pass() && (site.unfinished || site.look.is_some()) =>
                    {
                        site.look = Some(site.look.map_or(again, |look| look.min(again)));
                        self.become_known_as(slot, Health::Failing, Some(class), out);
                    }
                    // A newer message may be what mends it.
                    Settlement::Failed { .. } if site.work.is_none() => {
                        self.become_known_as(slot, Health::Failing, Some(class), out);
                    }
                    _ => {}
                }
            }
        }
    }

    fn fate(&self, slot: Slot, work: &Work, class: Class) -> Fate {
        let site = &self.sites[slot];
        let attempts = work.attempts;
        let failed = Settlement::Failed { class, attempts };
        Fate::Settle(if !class.may_pass() {
            failed
        } else if let Some(by) = site.waiting() {
            Settlement::Superseded { by }
        } else if site.forgotten {
            Settlement::Forgotten
        } else if self.stage != Stage::Working {
            Settlement::Left
        } else if site.is_left_alone() {
            Settlement::Paused
        } else if attempts < self.options.retry.attempts {
            return Fate::Retry;
        } else {
            failed
        })
    }

    /// Tells people that a site is now otherwise than they know.
    fn become_known_as(
        &mut self,
        slot: Slot,
        health: Health,
        class: Option<Class>,
        out: &mut Vec<Command>,
    ) {
        let site = &mut self.sites[slot];
        if site.forgotten {
            return;
        }
        let before = std::mem::replace(&mut site.health, health);
        if let Some(notice) = notice(before, health, class) {
            let site = site.id.clone();
            out.push(Command::Notify { site, notice });
        }
    }
}

/// What the end of a run says about one of its accounts.
fn verdict(account: Account, ended: Ended) -> Verdict {
    match ended {
        Ended::Completed { .. } => Verdict::Works,
        Ended::Failed {
            class,
            retry_after,
            account: Some(blamed),
        } if blamed == account => {
            if class.breaks() {
                Verdict::Fails(retry_after)
            } else {
                Verdict::Works
            }
        }
        Ended::Failed { .. } | Ended::Interrupted => Verdict::Unknown,
    }
}

/// What people are told when a site's health changes.
fn notice(before: Health, now: Health, class: Option<Class>) -> Option<Notice> {
    if before == now {
        return None;
    }
    let told_well = matches!(before, Health::Good | Health::Repaired);
    match now {
        Health::Good => (!told_well).then_some(Notice::Recovery),
        Health::Failing => class.map(Notice::Failure),
        Health::Drifted => Some(Notice::Drift { repaired: false }),
        Health::Repaired if told_well => Some(Notice::Drift { repaired: true }),
        Health::Repaired => Some(Notice::Recovery),
        Health::Awaiting => Some(Notice::Awaiting),
    }
}

/// Answers the message of a run, if it has one.
fn settle(site: &SiteId, work: &Work, settlement: Settlement, out: &mut Vec<Command>) {
    if let Some(ticket) = work.ticket {
        let site = site.clone();
        out.push(Command::Settle {
            site,
            ticket,
            settlement,
        });
    }
}
