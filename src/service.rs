//! The daemon as a service of systemd: when it is ready, what it does, whether it still answers.

use crate::edge::systemd::{Manager, State};
use crate::reconcile::{Control, Snapshot, Which};
use crate::words::count;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often what the daemon does is told when no watchdog waits.
const STATUS_INTERVAL: Duration = Duration::from_secs(30);

/// The daemon as its service manager sees it. Without one nothing is told.
#[derive(Clone, Debug, Default)]
pub struct Service {
    manager: Manager,
}

impl Service {
    /// A service of this manager.
    #[must_use]
    pub const fn new(manager: Manager) -> Self {
        Self { manager }
    }

    /// Tells that the daemon takes messages: at the start, and when settings were taken in.
    pub fn ready(&self) {
        self.manager.tell(&[State::Ready]);
    }

    /// Tells that settings are taken in. [`ready`](Self::ready) must follow, whether or not they were good.
    pub fn reloading(&self) {
        self.manager.tell(&[State::Reloading]);
    }

    /// Tells that the daemon ends, and finishes what was begun.
    pub fn stopping(&self) {
        let status = State::Status("ending: what was begun is finished");
        self.manager.tell(&[State::Stopping, status]);
    }

    /// Tells what the daemon does, and that it is well while its loop answers in time, until `shutdown` or until it
    /// has ended. The watchdog is told twice in each of its times; when the loop has not answered within a quarter
    /// of one, it is left out.
    pub async fn watch(&self, control: Control, shutdown: impl Future<Output = ()>) {
        if !self.manager.listens() {
            return;
        }
        let watched = self.manager.watchdog();
        let every = watched.map_or(STATUS_INTERVAL, |time| time / 2);
        let mut ticks = interval(every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shutdown = pin!(shutdown);
        let mut told = String::new();
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                _ = ticks.tick() => {}
            }
            match timeout(every / 2, control.snapshot(Which::Numbers)).await {
                Ok(Ok(snapshot)) => self.well(&snapshot, &mut told),
                Ok(Err(_)) => return,
                Err(_) => tracing::error!("the loop does not answer: the watchdog is not told"),
            }
        }
    }

    fn well(&self, snapshot: &Snapshot, told: &mut String) {
        let watchdog = self.manager.watchdog().map(|_| State::Watchdog);
        let text = status(snapshot);
        let news = (text != *told).then_some(State::Status(&text));
        let states: Vec<State<'_>> = [watchdog, news].into_iter().flatten().collect();
        if !states.is_empty() {
            self.manager.tell(&states);
        }
        *told = text;
    }
}

/// What the daemon does, in one line for people.
#[must_use]
pub fn status(snapshot: &Snapshot) -> String {
    let counts = &snapshot.counts;
    let sites = counts.resting
        + counts.paused
        + counts.ready
        + counts.retrying
        + counts.held
        + counts.running;
    let parts = [
        (counts.running, "running"),
        (counts.queued, "waiting"),
        (counts.retrying + counts.held, "tried again later"),
        (counts.failing, "failing"),
        (counts.drifted, "drifted"),
        (counts.unapproved, "awaiting approval"),
        (counts.paused, "paused"),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let ending = if snapshot.draining { "ending; " } else { "" };
    let sites = count(sites, "site");
    if parts.is_empty() {
        format!("{ending}{sites}")
    } else {
        format!("{ending}{sites}: {}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Counts;

    #[test]
    fn the_status_says_what_there_is() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let mut snapshot = Snapshot {
            at: now,
            started: now,
            draining: false,
            counts: Counts::default(),
            sites: Vec::new(),
            circuits: Vec::new(),
            budgets: Vec::new(),
            totals: crate::reconcile::Totals::default(),
        };
        assert_eq!(status(&snapshot), "0 sites");
        snapshot.counts = Counts {
            resting: 7,
            running: 2,
            held: 1,
            queued: 5,
            failing: 3,
            ..Counts::default()
        };
        snapshot.draining = true;
        let expected = "ending; 10 sites: 2 running, 5 waiting, 1 tried again later, 3 failing";
        assert_eq!(status(&snapshot), expected);
    }
}
