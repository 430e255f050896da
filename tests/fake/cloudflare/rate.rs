//! The rate limit: one budget for all clients of a user.

use super::refusal::Refusal;
use super::wire::Answer;
use std::time::Duration;

/// How many calls a window of time allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) calls: u32,
    /// Whole seconds.
    pub(crate) window: Duration,
}

impl Default for Rate {
    /// 1,200 calls in five minutes: <https://developers.cloudflare.com/fundamentals/api/reference/limits/>.
    fn default() -> Self {
        Self {
            calls: 1_200,
            window: Duration::from_secs(300),
        }
    }
}

/// How much of the present window is used up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Budget {
    begun: Duration,
    used: u32,
}

impl Budget {
    /// Counts a call at a time since 1970. Refuses it when the budget is used up; then a whole window must
    /// pass before the next one is let through.
    pub(crate) fn spend(&mut self, rate: Rate, now: Duration) -> Result<(), Refusal> {
        if now >= self.begun + rate.window {
            *self = Self {
                begun: now,
                used: 0,
            };
        }
        if self.used < rate.calls {
            self.used += 1;
            return Ok(());
        }
        if self.used == rate.calls {
            self.used += 1;
            self.begun = now;
        }
        let message = "Please wait and consider throttling your request speed";
        Err(Refusal::new(429, 971, message))
    }

    /// Writes what is left into an answer's headers, whose form is that of
    /// <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>.
    pub(crate) fn mark(&self, rate: Rate, now: Duration, answer: &mut Answer) {
        let left = rate.calls.saturating_sub(self.used);
        let passed = now.saturating_sub(self.begun);
        let seconds = rate
            .window
            .saturating_sub(passed)
            .as_secs_f64()
            .ceil()
            .max(1.0);
        let window = rate.window.as_secs();
        let calls = rate.calls;
        let policy = format!("\"default\";q={calls};w={window}");
        answer
            .headers
            .push(("ratelimit", format!("\"default\";r={left};t={seconds}")));
        answer.headers.push(("ratelimit-policy", policy));
        let told = answer
            .headers
            .iter()
            .any(|(name, _)| *name == "retry-after");
        if answer.status == 429 && !told && left == 0 {
            answer.headers.push(("retry-after", seconds.to_string()));
        }
    }
}
