//! `[retry]`, `[breaker]` and `[drift]`: how the daemon keeps at it.

use super::{Keys, SettingsError};
use crate::schedule::{Breaker, Drift, DriftMode, Options, RetryPolicy};
use serde::Deserialize;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The longest time that may be said, in seconds: a month.
const LONGEST: u64 = 31 * 24 * 60 * 60;

/// How often sites are looked at when nothing else is said: a farm of 10,000 then asks its providers every other
/// second, which leaves most of what an account may ask to messages.
const INTERVAL: Duration = Duration::from_secs(6 * 60 * 60);

/// How failures that may pass are tried again.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RetryTable {
    attempts: Option<u32>,
    first_seconds: Option<u64>,
    max_seconds: Option<u64>,
}

/// When an account is left alone.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct BreakerTable {
    failures: Option<u32>,
    open_seconds: Option<u64>,
}

/// How sites are looked at without being asked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct DriftTable {
    mode: Option<Mode>,
    interval_seconds: Option<u64>,
    jitter_percent: Option<u8>,
}

/// What is done about a difference.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Repair,
    Report,
    Off,
}

impl From<Mode> for DriftMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Repair => Self::Repair,
            Mode::Report => Self::Report,
            Mode::Off => Self::Off,
        }
    }
}

impl Keys {
    pub(super) fn convergence(
        &self,
        jobs: usize,
        retry: &RetryTable,
        breaker: &BreakerTable,
        drift: &DriftTable,
    ) -> Result<Options, SettingsError> {
        let mut options = Options {
            retry: self.retry(retry)?,
            breaker: self.breaker(breaker)?,
            drift: self.drift(drift)?,
            ..Options::default()
        };
        options.bounds.jobs = jobs;
        Ok(options)
    }

    fn retry(&self, table: &RetryTable) -> Result<RetryPolicy, SettingsError> {
        let usual = RetryPolicy::default();
        let attempts = self.within("retry.attempts", table.attempts.map(u64::from), 1..=1000)?;
        Ok(RetryPolicy {
            attempts: attempts.map_or(usual.attempts, small),
            first: self.seconds("retry.first-seconds", table.first_seconds, 0, usual.first)?,
            max: self.seconds("retry.max-seconds", table.max_seconds, 0, usual.max)?,
            ..usual
        })
    }

    fn breaker(&self, table: &BreakerTable) -> Result<Breaker, SettingsError> {
        let usual = Breaker::default();
        let failures = self.within("breaker.failures", table.failures.map(u64::from), 1..=1000)?;
        let key = "breaker.open-seconds";
        Ok(Breaker {
            failures: failures.map_or(usual.failures, small),
            open_for: self.seconds(key, table.open_seconds, 1, usual.open_for)?,
        })
    }

    fn drift(&self, table: &DriftTable) -> Result<Drift, SettingsError> {
        let usual = Drift::default();
        let key = "drift.interval-seconds";
        let percent = table.jitter_percent.map(u64::from);
        let percent = self.within("drift.jitter-percent", percent, 0..=100)?;
        Ok(Drift {
            mode: table.mode.map_or(usual.mode, Into::into),
            interval: self.seconds(key, table.interval_seconds, 1, INTERVAL)?,
            jitter: percent.map_or(usual.jitter, |percent| {
                u8::try_from(percent).unwrap_or(u8::MAX)
            }),
        })
    }

    fn seconds(
        &self,
        key: &str,
        value: Option<u64>,
        least: u64,
        usual: Duration,
    ) -> Result<Duration, SettingsError> {
        let seconds = self.within(key, value, least..=LONGEST)?;
        Ok(seconds.map_or(usual, Duration::from_secs))
    }

    fn within(
        &self,
        key: &str,
        value: Option<u64>,
        allowed: RangeInclusive<u64>,
    ) -> Result<Option<u64>, SettingsError> {
        match value {
            Some(value) if !allowed.contains(&value) => {
                let (least, most) = allowed.into_inner();
                let message = format!("{value} is not within {least} to {most}");
                Err(self.wrong(key, message))
            }
            value => Ok(value),
        }
    }
}

/// A number that was checked to be small.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
