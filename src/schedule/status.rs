//! What a schedule looks like from outside.

use super::Schedule;
use super::event::{Account, CircuitState, Class, Health, Why};
use super::site::{Place, Site, Slot};
use super::time::Time;
use crate::model::SiteId;

/// One site, for the page that shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteStatus<'a> {
    /// Which.
    pub site: &'a SiteId,
    /// What it does.
    pub phase: Phase,
    /// What people were told about it.
    pub health: Health,
    /// How its last run failed; `None` when it did not.
    pub failure: Option<Class>,
    /// Whether the configuration last accepted still has to be carried out.
    pub unfinished: bool,
}

/// What a site does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing.
    Resting {
        /// Until then; `None` for a message.
        until: Option<Time>,
    },
    /// Nothing, because it is to be left as it is.
    Paused,
    /// It waits for its turn.
    Ready,
    /// It failed and waits for another attempt.
    Retrying {
        /// When that is.
        at: Time,
        /// How many it had.
        attempts: u32,
    },
    /// It waits for an account.
    Held {
        /// Which.
        account: Account,
    },
    /// It is worked on.
    Running {
        /// What for.
        why: Why,
        /// Which attempt it is, from 1.
        attempt: u32,
        /// Since then.
        since: Time,
    },
}

/// How many sites there are of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sites by phase: these six are all sites together.
    pub resting: usize,
    /// Sites that are to be left as they are.
    pub paused: usize,
    /// Sites that wait for their turn.
    pub ready: usize,
    /// Sites that wait for another attempt.
    pub retrying: usize,
    /// Sites that wait for an account.
    pub held: usize,
    /// Sites that are worked on.
    pub running: usize,
    /// Messages that wait for their turn.
    pub queued: usize,
    /// Sites that failed.
    pub failing: usize,
    /// Sites that differ from what was asked for.
    pub drifted: usize,
    /// Sites that wait for a person's approval.
    pub unapproved: usize,
}

impl Schedule {
    /// A site; `None` when it is not known.
    #[must_use]
    pub fn site(&self, site: &SiteId) -> Option<SiteStatus<'_>> {
        let slot = self.sites.find(site)?;
        Some(self.status(slot, &self.sites[slot]))
    }

    /// All sites by name.
    pub fn sites(&self) -> impl Iterator<Item = SiteStatus<'_>> {
        self.sites
            .iter()
            .map(|(slot, site)| self.status(slot, site))
    }

    /// The accounts whose circuits are not closed.
    pub fn circuits(&self) -> impl Iterator<Item = (Account, CircuitState)> {
        self.circuits.iter()
    }

    /// How many sites there are of each sort. It looks at all of them.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            queued: self.queued,
            ..Counts::default()
        };
        for site in self.sites() {
            *match site.phase {
                Phase::Resting { .. } => &mut counts.resting,
                Phase::Paused => &mut counts.paused,
                Phase::Ready => &mut counts.ready,
                Phase::Retrying { .. } => &mut counts.retrying,
                Phase::Held { .. } => &mut counts.held,
                Phase::Running { .. } => &mut counts.running,
            } += 1;
            match site.health {
                Health::Good | Health::Repaired => {}
                Health::Failing => counts.failing += 1,
                Health::Drifted => counts.drifted += 1,
                Health::Awaiting => counts.unapproved += 1,
            }
        }
        counts
    }

    fn status<'a>(&self, slot: Slot, site: &'a Site) -> SiteStatus<'a> {
        SiteStatus {
            site: &site.id,
            phase: self.phase(slot, site),
            health: site.health,
            failure: site.failure,
            unfinished: site.unfinished,
        }
    }

    fn phase(&self, slot: Slot, site: &Site) -> Phase {
        let run = self.running.get(&slot);
        match (site.place, run, &site.work) {
            (_, Some(run), _) => Phase::Running {
                why: run.work.why,
                attempt: run.work.attempts,
                since: run.since,
            },
            (Place::Ready, ..) => Phase::Ready,
            (Place::Held(account), ..) => Phase::Held { account },
            (Place::Timed(at), _, Some(work)) => Phase::Retrying {
                at,
                attempts: work.attempts,
            },
            (Place::Timed(at), _, None) => Phase::Resting { until: Some(at) },
            (Place::Resting | Place::Running, ..) if site.is_left_alone() => Phase::Paused,
            (Place::Resting | Place::Running, ..) => Phase::Resting { until: None },
        }
    }
}
