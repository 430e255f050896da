//! What the daemon shows of itself: values, taken at one moment.

use crate::model::SiteId;
use crate::schedule::{Class, Counts, Health, Why};
use crate::store::SiteRecord;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The daemon at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The moment.
    pub at: jiff::Timestamp,
    /// When the daemon was ready for its first message.
    pub started: jiff::Timestamp,
    /// Whether it ends: nothing further is started.
    pub draining: bool,
    /// How many sites there are of each sort.
    pub counts: Counts,
    /// The sites asked for, by id.
    pub sites: Vec<SiteView>,
    /// Accounts that are left alone for a while, by name.
    pub circuits: Vec<CircuitView>,
    /// What the accounts used so far may be asked now.
    pub budgets: Vec<BudgetView>,
    /// What was counted since the start.
    pub totals: Totals,
}

/// The allowance of requests of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetView {
    /// The account.
    pub account: String,
    /// How many requests may be sent now.
    pub remaining: u32,
    /// How many fit into one window of time.
    pub limit: u32,
}

/// Which sites a snapshot is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// This one.
    One(SiteId),
    /// None: numbers only.
    Numbers,
}

/// A site at one moment.
#[derive(Clone, Debug)]
pub struct SiteView {
    /// The site.
    pub site: SiteId,
    /// What is known of it; `None` when nothing was carried out for it yet.
    pub record: Option<Arc<SiteRecord>>,
    /// What it does.
    pub activity: Activity,
    /// What people were told about it.
    pub health: Health,
    /// How its last attempt failed; `None` when it did not, or before the daemon's first attempt.
    pub problem: Option<Problem>,
    /// Whether the configuration last accepted still has to be carried out.
    pub unfinished: bool,
    /// When that configuration was accepted.
    pub accepted_at: Option<jiff::Timestamp>,
}

/// What a site does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Nothing.
    Resting {
        /// Until then; `None` for a message.
        until: Option<jiff::Timestamp>,
    },
    /// Nothing, because it is to be left as it is.
    Paused,
    /// It waits for its turn.
    Ready,
    /// It failed and waits for another attempt.
    Retrying {
        /// When that is.
        at: jiff::Timestamp,
        /// How many it had.
        attempts: u32,
    },
    /// It waits for an account.
    Held {
        /// Which.
        account: String,
    },
    /// It is worked on.
    Running {
        /// What for.
        why: Why,
        /// Which attempt it is, from 1.
        attempt: u32,
        /// Since then.
        since: jiff::Timestamp,
    },
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is to be done about it.
    pub class: Class,
    /// What is wrong.
    pub message: String,
    /// What a person can do.
    pub hint: Option<String>,
}

/// An account that is not used as usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitView {
    /// The account.
    pub account: String,
    /// Until when it is left alone; `None` when one site tries it now.
    pub until: Option<jiff::Timestamp>,
}

/// What was counted since the start.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Messages that came.
    pub messages: u64,
    /// Reports by the name of their outcome.
    pub reports: BTreeMap<&'static str, u64>,
    /// Steps that were tried, by backend and the name of their outcome.
    pub steps: BTreeMap<(String, &'static str), u64>,
    /// Further attempts by the class of failure before.
    pub retries: BTreeMap<&'static str, u64>,
    /// Looks that found a site other than asked, and whether it was repaired.
    pub drifts: BTreeMap<bool, u64>,
    /// From the arrival of each message to its report.
    pub latency: Histogram,
}

/// The upper bounds of [`Histogram`]'s buckets in milliseconds: from an unchanged message to a long build.
pub const BOUNDS: [u64; 14] = [
    1, 2, 5, 10, 20, 50, 100, 250, 1_000, 5_000, 15_000, 60_000, 300_000, 1_800_000,
];

/// Durations by size.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// How many there were up to each of [`BOUNDS`] and above the one before; the last are those above all.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// All together.
    pub sum: Duration,
}

impl Histogram {
    /// Counts one.
    pub fn count(&mut self, duration: Duration) {
        let bucket = BOUNDS.partition_point(|bound| Duration::from_millis(*bound) < duration);
        self.buckets[bucket] += 1;
        self.sum = self.sum.saturating_add(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_holds_it() {
        let mut histogram = Histogram::default();
        for micros in [0, 1_000, 1_001, 20_000, 1_800_000_000, 1_800_000_001] {
            histogram.count(Duration::from_micros(micros));
        }
        let counted: Vec<(usize, u64)> = histogram
            .buckets
            .into_iter()
            .enumerate()
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(counted, [(0, 2), (1, 1), (4, 1), (13, 1), (14, 1)]);
        assert_eq!(histogram.sum, Duration::from_micros(3_600_022_002));
    }
}
