//! What the loop shows of itself.

use super::daemon::{Daemon, Ending};
use super::view::{Activity, BudgetView, CircuitView, SiteView, Snapshot, Which};
use crate::schedule::{CircuitState, Phase, SiteStatus};
use std::io::Write;

impl<W: Write> Daemon<W> {
    /// The daemon as it is now.
    pub(super) fn snapshot(&self, which: &Which) -> Snapshot {
        let one = |status: Option<SiteStatus<'_>>| {
            status
                .map(|status| self.view(&status))
                .into_iter()
                .collect()
        };
        Snapshot {
            at: jiff::Timestamp::now(),
            started: self.started,
            draining: self.ending != Ending::No,
            counts: self.schedule.counts(),
            sites: match which {
                Which::All => self.schedule.sites().map(|site| self.view(&site)).collect(),
                Which::One(site) => one(self.schedule.site(site)),
                Which::Numbers => Vec::new(),
            },
            circuits: self.circuits(),
            budgets: self.budgets(),
            totals: self.totals.clone(),
        }
    }

    fn circuits(&self) -> Vec<CircuitView> {
        let circuits = self.schedule.circuits();
        let shown = circuits.filter_map(|(account, state)| {
            let until = match state {
                CircuitState::Closed => return None,
                CircuitState::Open { until } => Some(self.clock.wall(until)),
                CircuitState::HalfOpen => None,
            };
            let account = self.accounts.name(account).to_owned();
            Some(CircuitView { account, until })
        });
        shown.collect()
    }

    fn budgets(&self) -> Vec<BudgetView> {
        let budgets = self.reconciler.backends.budgets().into_iter();
        let shown = budgets.filter_map(|(account, budget)| {
            Some(BudgetView {
                account,
                remaining: budget.remaining()?,
                limit: budget.limit()?,
            })
        });
        let mut shown: Vec<BudgetView> = shown.collect();
        shown.sort_by(|one, two| one.account.cmp(&two.account));
        shown
    }

    fn view(&self, status: &SiteStatus<'_>) -> SiteView {
        let facts = self.facts.get(status.site);
        SiteView {
            site: status.site.clone(),
            record: self.reconciler.store.site(status.site),
            activity: self.activity(&status.phase),
            health: status.health,
            problem: facts.and_then(|facts| facts.problem.as_deref().cloned()),
            unfinished: status.unfinished,
            accepted_at: facts.map(|facts| facts.accepted_at),
        }
    }

    fn activity(&self, phase: &Phase) -> Activity {
        match *phase {
            Phase::Resting { until } => Activity::Resting {
                until: until.map(|until| self.clock.wall(until)),
            },
            Phase::Paused => Activity::Paused,
            Phase::Ready => Activity::Ready,
            Phase::Retrying { at, attempts } => Activity::Retrying {
                at: self.clock.wall(at),
                attempts,
            },
            Phase::Held { account } => Activity::Held {
                account: self.accounts.name(account).to_owned(),
            },
            Phase::Running {
                why,
                attempt,
                since,
            } => Activity::Running {
                why,
                attempt,
                since: self.clock.wall(since),
            },
        }
    }
}
