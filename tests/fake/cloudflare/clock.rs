//! The time and the identifiers that the fake gives out.

use jiff::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The machine's clock, moved forward by tests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    moved: Duration,
}

impl Clock {
    /// Moves the clock forward.
    pub(crate) fn advance(&mut self, time: Duration) {
        self.moved += time;
    }

    /// The time since 1970.
    pub(crate) fn since_epoch(self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + self.moved
    }

    /// The time as the service writes it, with microseconds.
    pub(crate) fn stamp(self) -> String {
        let microseconds = i64::try_from(self.since_epoch().as_micros()).unwrap();
        let stamp = Timestamp::from_microsecond(microseconds).unwrap();
        format!("{stamp:.6}")
    }

    /// The day, as `2026-11-22`.
    pub(crate) fn day(self) -> String {
        self.stamp()[..10].to_owned()
    }
}

/// Identifiers: the same ones in each run, and without a pattern that a client could rely on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Identifiers {
    given: u64,
}

impl Identifiers {
    /// 32 hexadecimal digits, as accounts, zones, records and tokens have them.
    pub(crate) fn short(&mut self) -> String {
        self.given += 1;
        let hash = blake3::hash(&self.given.to_be_bytes()).to_hex();
        hash[..32].to_owned()
    }

    /// A UUID, as projects, deployments and domains have them.
    pub(crate) fn uuid(&mut self) -> String {
        let digits = self.short();
        let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
        format!("{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..])
    }
}
