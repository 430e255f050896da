//! What operators and calls ask of the loop.

use super::control::{Order, SiteOrder};
use super::daemon::{Daemon, Ending};
use super::event::Happening;
use super::inbox::{Asker, Inbox};
use super::job::{Job, Lane, What};
use super::site::{Mode, Way};
use crate::model::SiteId;
use crate::report::{Outcome, Report};
use crate::schedule::Event;
use std::io::Write;
use std::sync::Arc;
use tokio::sync::oneshot;

impl<W: Write> Daemon<W> {
    pub(super) fn order(&mut self, order: Order, inbox: &Inbox) {
        match order {
            Order::Apply(spore, answer) => self.arrive(*spore, Asker::Call(answer)),
            Order::Plan(spore, answer) => {
                let reconciler = Arc::clone(&self.reconciler);
                self.asides.spawn(async move {
                    let attempt = reconciler.attempt(&spore, Way::asked(Mode::Plan)).await;
                    drop(answer.send(attempt.report));
                });
            }
            Order::Snapshot(which, answer) => drop(answer.send(self.snapshot(&which))),
            Order::Site(site, order, answer) => self.order_site(&site, order, answer),
            Order::Adopt(reconciler, options) => {
                self.reconciler = reconciler;
                self.decide_and_do(Event::Options(*options));
            }
            Order::Drain { now } => {
                self.summary.stopped = true;
                if self.ending == Ending::No {
                    self.end(inbox);
                }
                if now {
                    self.ending = Ending::Now;
                }
            }
        }
    }

    pub(super) fn order_site(
        &mut self,
        site: &SiteId,
        order: SiteOrder,
        answer: oneshot::Sender<Report>,
    ) {
        let Some(facts) = self.facts.get(site) else {
            drop(answer.send(super::unknown(site)));
            return;
        };
        let terms = facts.terms.clone();
        let what = match order {
            SiteOrder::Refresh => What::Refresh { adopt: false },
            SiteOrder::TakeOver => What::Refresh { adopt: true },
            SiteOrder::Rollback(wanted) => What::Rollback(wanted),
            SiteOrder::Protect(on) => What::Protect(on),
            SiteOrder::Suspend | SiteOrder::Resume => {
                return self.suspend(site, order == SiteOrder::Suspend, answer);
            }
            SiteOrder::Forget => return self.forget(site, answer),
        };
        let ticket = self.ticket();
        let job = Job {
            lane: Lane::Order(ticket.0),
            ticket,
            what,
            seq: 0,
            request_id: crate::model::Line::default(),
            arrived: std::time::Instant::now(),
            asker: Asker::Call(answer),
            done: Vec::new(),
            last: None,
        };
        self.enter(site.clone(), job, terms);
    }

    pub(super) fn suspend(
        &mut self,
        site: &SiteId,
        suspended: bool,
        answer: oneshot::Sender<Report>,
    ) {
        let (store, id) = (self.reconciler.store.clone(), site.clone());
        self.notes
            .push(Box::pin(async move { store.suspend(&id, suspended).await }));
        let site_id = site.clone();
        self.decide_and_do(if suspended {
            Event::Suspend { site: site_id }
        } else {
            Event::Resume { site: site_id }
        });
        let mut report = super::ordered(site);
        if suspended {
            report.outcome = Outcome::Paused;
        }
        drop(answer.send(report));
    }

    pub(super) fn forget(&mut self, site: &SiteId, answer: oneshot::Sender<Report>) {
        let doing = self.doings.entry(site.clone()).or_default();
        doing.forget.push(answer);
        let busy = !doing.running.is_empty() || self.running.values().any(|busy| busy == site);
        self.decide_and_do(Event::Forget { site: site.clone() });
        self.facts.remove(site);
        self.events.tell(Some(site), Happening::Forgotten);
        if !busy {
            self.forget_now(site);
        }
    }

    /// Forgets a site that nothing is under way for.
    pub(super) fn forget_now(&mut self, site: &SiteId) {
        let Some(doing) = self.doings.get_mut(site) else {
            return;
        };
        let answers = std::mem::take(&mut doing.forget);
        self.tidy(site);
        if answers.is_empty() {
            return;
        }
        let (store, id) = (self.reconciler.store.clone(), site.clone());
        self.notes.push(Box::pin(async move {
            let forgotten = store.forget(&id).await;
            for answer in answers {
                let report = match &forgotten {
                    Ok(()) => super::ordered(&id),
                    Err(error) => super::failed(super::ordered(&id), &error.to_string()),
                };
                drop(answer.send(report));
            }
            forgotten
        }));
    }
}
