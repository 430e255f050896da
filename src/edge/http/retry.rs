//! When a request is sent again, as a pure decision.

use super::answer::Answer;
use super::error::Failure;
use std::time::Duration;

/// The longest time that is waited before sending again if the caller can do nothing better meanwhile: the
/// longest window of a provider (Cloudflare's 5 minutes, see [`super::Budget`]) and 10 s.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60 + 10);

/// How often a request is tried, and how long is waited in between: a random time between nothing and a
/// bound that doubles with each attempt, so that many clients do not come back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How many attempts there are in all.
    pub attempts: u32,
    /// The bound of the first wait.
    pub base: Duration,
    /// What the bound does not grow beyond.
    pub max: Duration,
    /// The longest time that is waited for a `Retry-After` or for the allowance. Who asks for more gets no more
    /// requests of this exchange, and the caller is told how long was asked.
    pub longest_wait: Duration,
}

impl Default for Retry {
    /// 5 attempts; waits of at most 0.5, 1, 2 and 4 s, or as long as is asked up to [`LONGEST_WAIT`].
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_millis(500),
            max: Duration::from_secs(30),
            longest_wait: LONGEST_WAIT,
        }
    }
}

/// How an attempt ended, as far as trying again is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With an answer of this status, and for how long it asks to wait.
    Status(u16, Option<Duration>),
    /// The server did not see it.
    NotSent,
    /// The server may have seen it and done as it asks.
    Unknown,
    /// In a way that would be the same again.
    Final,
}

impl End {
    /// How this attempt ended.
    pub(super) fn of(end: &Result<Answer, Failure>) -> Self {
        match end {
            Ok(answer) => Self::Status(answer.status, answer.retry_after()),
            Err(Failure::NotSent(_)) => Self::NotSent,
            Err(Failure::Unknown(_)) => Self::Unknown,
            Err(
                Failure::NoClient(_)
                | Failure::Exhausted(_)
                | Failure::TooLong(_)
                | Failure::Invalid(_),
            ) => Self::Final,
        }
    }

    /// Whether the server may have carried the request out.
    pub(super) const fn may_have_been_done(self) -> bool {
        !matches!(self, Self::NotSent | Self::Status(429, _))
    }

    /// Whether another attempt may help, and does no harm.
    const fn is_worth_another(self, repeatable: bool) -> bool {
        match self {
            // 429 refuses a request for its number alone: it was not carried out (RFC 6585 section 4).
            Self::NotSent | Self::Status(429, _) => true,
            // Errors of the server and of what is before it; 520 to 527 and 530 are Cloudflare's own
            // (developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors).
            Self::Status(500 | 502..=504 | 520..=527 | 530, _) | Self::Unknown => repeatable,
            Self::Status(..) | Self::Final => false,
        }
    }
}

impl Retry {
    /// How long to wait before the next attempt after so many; `None` when there is none. `chance` is
    /// between 0 and 1.
    pub(super) fn wait(
        &self,
        end: End,
        repeatable: bool,
        attempts: u32,
        chance: f64,
    ) -> Option<Duration> {
        if attempts >= self.attempts || !end.is_worth_another(repeatable) {
            return None;
        }
        match end {
            // An answer that asks for no time at all still gets some: it was an error.
            End::Status(_, Some(asked)) if !asked.is_zero() => {
                (asked <= self.longest_wait).then_some(asked)
            }
            _ => {
                let bound = self.bound(attempts);
                let wait = Duration::try_from_secs_f64(bound.as_secs_f64() * chance);
                Some(wait.unwrap_or(bound).min(bound))
            }
        }
    }

    /// The longest wait after so many attempts.
    fn bound(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const RETRY: Retry = Retry {
        attempts: 5,
        base: Duration::from_millis(500),
        max: Duration::from_secs(3),
        longest_wait: Duration::from_secs(60),
    };

    #[test]
    fn what_may_be_done_twice_is_tried_again() {
        let repeated: Vec<u16> = (100..=999)
            .filter(|status| End::Status(*status, None).is_worth_another(true))
            .collect();
        assert_eq!(
            repeated,
            [
                429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530
            ]
        );
        let sent_once: Vec<u16> = (100..=999)
            .filter(|status| End::Status(*status, None).is_worth_another(false))
            .collect();
        assert_eq!(sent_once, [429]);
        for (end, repeatable, once) in [
            (End::NotSent, true, true),
            (End::Unknown, true, false),
            (End::Final, false, false),
        ] {
            assert_eq!(end.is_worth_another(true), repeatable, "{end:?}");
            assert_eq!(end.is_worth_another(false), once, "{end:?}");
        }
    }

    #[test]
    fn waits_grow_up_to_a_bound() {
        let waits: Vec<_> = (1..=5)
            .map(|attempts| RETRY.wait(End::NotSent, true, attempts, 1.0))
            .collect();
        let seconds = |seconds| Some(Duration::from_secs_f64(seconds));
        assert_eq!(
            waits,
            [seconds(0.5), seconds(1.0), seconds(2.0), seconds(3.0), None]
        );
        assert_eq!(
            RETRY.wait(End::NotSent, true, 1, 0.0),
            Some(Duration::ZERO),
            "the whole wait is random"
        );
        let many = Retry {
            attempts: u32::MAX,
            ..RETRY
        };
        assert_eq!(many.wait(End::NotSent, true, 4000, 1.0), seconds(3.0));
    }

    #[test]
    fn the_server_may_ask_for_a_time() {
        let after = |asked| RETRY.wait(End::Status(429, Some(asked)), false, 1, 1.0);
        let seconds = Duration::from_secs;
        assert_eq!(after(seconds(7)), Some(seconds(7)));
        assert_eq!(after(RETRY.longest_wait), Some(RETRY.longest_wait));
        assert_eq!(after(RETRY.longest_wait + seconds(1)), None);
        assert_eq!(after(Duration::ZERO), Some(RETRY.base));
        let last = RETRY.wait(End::Status(503, Some(seconds(1))), true, 5, 1.0);
        assert_eq!(last, None);
    }
}
