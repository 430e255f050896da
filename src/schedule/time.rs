//! Moments, as values.

use std::ops::Add;
use std::time::Duration;

/// A moment: nanoseconds since an origin that the caller chooses and keeps to, as the start of the process.
/// The range is 584 years; what lies beyond is its end.
///
/// Nanoseconds, so that turning a clock's time into a moment rounds nothing: a wait that another side asks for
/// is never cut short by a part of a millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The moment so long after the origin.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        Self(nanoseconds(duration))
    }

    /// How long it is until a later moment; nothing when that has passed.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(duration)))
    }
}

/// A duration in nanoseconds, as far as they go.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
