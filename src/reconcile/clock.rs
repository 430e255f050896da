//! The schedule's time, and that of the world.

use crate::schedule::Time;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// Turns moments into those of the schedule and back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Time {
        Time::after(self.origin.elapsed())
    }

    /// The moment to sleep until.
    pub(super) fn instant(&self, time: Time) -> Instant {
        let wait = Time::default().until(time);
        // Beyond what the clock can say is as good as never: the process does not live that long.
        let never = || self.origin + Duration::from_secs(u64::from(u32::MAX));
        self.origin.checked_add(wait).unwrap_or_else(never)
    }

    /// What the wall clock says at a moment, as far as it goes on as it does now.
    pub(super) fn wall(&self, time: Time) -> Timestamp {
        let (now, wall) = (self.now(), Timestamp::now());
        let ahead = |wait| SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let moment = if time >= now {
            wall.checked_add(ahead(now.until(time)))
        } else {
            wall.checked_sub(ahead(time.until(now)))
        };
        moment.unwrap_or(Timestamp::MAX)
    }

    /// The moment at which the wall clock says this; now, when it has passed.
    pub(super) fn time(&self, wall: Timestamp) -> Time {
        let wait = wall.duration_since(Timestamp::now());
        self.now() + Duration::try_from(wait).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_go_there_and_back() {
        let clock = Clock::new();
        for seconds in [0, 1, 86_400] {
            let wall = Timestamp::now() + SignedDuration::from_secs(seconds);
            let off = clock.wall(clock.time(wall)).duration_since(wall).abs();
            assert!(off < SignedDuration::from_millis(100), "{off}");
        }
        let past = Timestamp::now() - SignedDuration::from_hours(1);
        assert!(clock.time(past) <= clock.now());
        assert!(clock.wall(Time::default()) <= Timestamp::now());
        clock.instant(Time::after(Duration::MAX));
    }
}
