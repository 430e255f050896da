//! What the operator decides about time and numbers.

use super::time::nanoseconds;
use fastrand::Rng;
use std::time::Duration;

/// The shortest time from the end of a run to a look that nobody asked for: whatever a backend or the settings
/// say, a site is not looked at in a loop without a pause.
pub const SHORTEST_REST: Duration = Duration::from_secs(1);

/// How sites are worked on. Numbers of 0 that would stop everything count as 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How many sites at once, and how many messages may wait.
    pub bounds: Bounds,
    /// How failures that may pass are tried again.
    pub retry: RetryPolicy,
    /// When an account is left alone.
    pub breaker: Breaker,
    /// How sites are looked at without being asked.
    pub drift: Drift,
}

/// How much goes on at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Sites worked on at once. With 1, one is finished before the next begins, in order of arrival.
    pub jobs: usize,
    /// Messages that may wait for their turn before reading is to stop. Reading goes on when half of them are
    /// gone.
    pub queue: usize,
}

impl Default for Bounds {
    /// 8 sites at once, 256 messages.
    fn default() -> Self {
        Self {
            jobs: 8,
            queue: 256,
        }
    }
}

/// How often a failure that may pass is tried again, and how long is waited in between: any time between
/// nothing and a bound that grows with each attempt ("full jitter"), so that many sites do not come back at
/// once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The bound of the first wait.
    pub first: Duration,
    /// By how much the bound is multiplied with each further attempt.
    pub factor: u32,
    /// What the bound does not grow beyond.
    pub max: Duration,
    /// Attempts in all, the first included.
    pub attempts: u32,
}

impl Default for RetryPolicy {
    /// 10 attempts, with waits of at most 1, 2, 4 ... 256 s: about four minutes in all, on average.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            factor: 2,
            max: Duration::from_secs(10 * 60),
            attempts: 10,
        }
    }
}

impl RetryPolicy {
    /// The longest wait after so many attempts.
    #[must_use]
    pub fn bound(&self, attempts: u32) -> Duration {
        let factor = self.factor.saturating_pow(attempts.saturating_sub(1));
        self.first.saturating_mul(factor).min(self.max)
    }

    /// How long to wait after so many attempts. What the other side asks for is waited for whole, and a part
    /// of the first bound on top, so that all whom it told the same do not come back in one moment.
    pub(super) fn wait(
        &self,
        attempts: u32,
        asked: Option<Duration>,
        random: &mut Rng,
    ) -> Duration {
        match asked {
            Some(asked) => asked.saturating_add(part(self.bound(1), random)),
            None => part(self.bound(attempts), random),
        }
    }
}

/// When an account is left alone, so that a thousand sites do not beat on a door that does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Failures of the account, one after another without a success between them, that open it.
    pub failures: u32,
    /// For how long no site of the account is started then; after it one goes first.
    pub open_for: Duration,
}

impl Default for Breaker {
    /// A minute after 5 failures.
    fn default() -> Self {
        Self {
            failures: 5,
            open_for: Duration::from_secs(60),
        }
    }
}

/// How sites are looked at without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The longest time from the end of one run to the next look, at least [`SHORTEST_REST`]. How soon the look
    /// then begins depends on what else waits.
    pub interval: Duration,
    /// By how much the time may be shorter, in per cent of it, at random: sites that were published together
    /// part. More than 100 counts as 100.
    pub jitter: u8,
    /// What is done about a difference, unless the site says otherwise.
    pub mode: DriftMode,
}

impl Default for Drift {
    /// Every 48 to 60 minutes, and what differs is repaired.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60 * 60),
            jitter: 20,
            mode: DriftMode::Repair,
        }
    }
}

impl Drift {
    /// How long to wait for the next look.
    pub(super) fn wait(&self, random: &mut Rng) -> Duration {
        let interval = self.interval.max(SHORTEST_REST);
        let jitter = u32::from(self.jitter.min(100));
        // Divided first: the interval may be as long as a duration can be.
        let least = interval.saturating_sub((interval / 100).saturating_mul(jitter));
        let least = least.max(SHORTEST_REST);
        least.saturating_add(part(interval.saturating_sub(least), random))
    }

    /// How long to wait for the first look at a site that was known before: anything up to the interval, so
    /// that all sites together are looked at evenly from then on.
    pub(super) fn first_wait(&self, random: &mut Rng) -> Duration {
        part(self.interval.max(SHORTEST_REST), random)
    }
}

/// What is done when a site is found other than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriftMode {
    /// It is made as asked.
    Repair,
    /// It is told.
    Report,
    /// It is not looked for.
    Off,
}

/// A random part of a duration, all parts alike.
fn part(whole: Duration, random: &mut Rng) -> Duration {
    Duration::from_nanos(random.u64(0..=nanoseconds(whole)))
}
