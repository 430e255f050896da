//! An allowance of requests that several share, as an account's token.

use super::fields::Left;
use super::ledger::{Admission, Ledger};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout_at;

/// An allowance: at most so many requests in each window of time. Clones share it.
///
/// It learns from the answers how much the server counts, since others may use the same token, and keeps
/// everybody from sending when the server asks for that. Who must wait is let through in order of arrival.
#[derive(Clone)]
pub struct Budget(Option<Arc<Shared>>);

struct Shared {
    /// Held by the first of those who wait. It is fair: the next is the one who came next.
    turn: tokio::sync::Mutex<()>,
    ledger: Mutex<Ledger>,
    /// Wakes the first of those who wait when the books have changed.
    changed: Notify,
}

/// One request of the allowance under way, until it is dropped.
pub(super) struct Permit(Option<Arc<Shared>>);

impl Budget {
    /// At most `limit` requests (at least one) in each window. Cloudflare's API allows an account 1,200 in 5
    /// minutes (developers.cloudflare.com/fundamentals/api/reference/limits).
    #[must_use]
    pub fn new(limit: u32, window: Duration) -> Self {
        Self(Some(Arc::new(Shared {
            turn: tokio::sync::Mutex::default(),
            ledger: Mutex::new(Ledger::new(limit, window)),
            changed: Notify::new(),
        })))
    }

    /// No bound, and nothing is learned.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self(None)
    }

    /// How many requests may be sent now; `None` when there is no bound.
    #[must_use]
    pub fn remaining(&self) -> Option<u32> {
        let shared = self.0.as_ref()?;
        Some(shared.ledger().remaining(Instant::now()))
    }

    /// How many requests fit into one window; `None` when there is no bound.
    #[must_use]
    pub fn limit(&self) -> Option<u32> {
        let shared = self.0.as_ref()?;
        Some(shared.ledger().limit())
    }

    /// Lets another number of requests (at least one) fit into a window. What was sent before counts.
    pub fn set_limit(&self, limit: u32) {
        if let Some(shared) = &self.0 {
            shared.ledger().set_limit(limit);
            shared.changed.notify_one();
        }
    }

    /// Waits until a request may be sent.
    ///
    /// # Errors
    /// How long it will be, when that is longer than `longest`.
    pub(super) async fn permit(&self, longest: Duration) -> Result<Permit, Duration> {
        let Some(shared) = &self.0 else {
            return Ok(Permit(None));
        };
        let _turn = shared.turn.lock().await;
        loop {
            let now = Instant::now();
            let admission = shared.ledger().admit(now);
            // A change before this line is kept for whoever listens next.
            let changed = shared.changed.notified();
            match admission {
                Admission::Granted => return Ok(Permit(Some(Arc::clone(shared)))),
                Admission::NotBefore(time) if time - now > longest => return Err(time - now),
                Admission::NotBefore(time) => at_most_until(time, changed).await,
                Admission::AfterAnother => changed.await,
            }
        }
    }
}

/// Waits for something, and not longer than until this time.
async fn at_most_until(time: Instant, something: impl Future<Output = ()>) {
    drop(timeout_at(time.into(), something).await);
}

impl Shared {
    /// The books. A panic elsewhere leaves them whole: they are changed in single steps.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Notes what the answer says of the server's quotas, and for how long it wants no more requests.
    pub(super) fn learn(&self, left: &[Left], closed: Option<Duration>) {
        let Some(shared) = &self.0 else {
            return;
        };
        let now = Instant::now();
        let mut ledger = shared.ledger();
        for told in left {
            ledger.learn(told, now);
        }
        if let Some(time) = closed {
            ledger.close(time, now);
        }
        drop(ledger);
        shared.changed.notify_one();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.ledger().end(Instant::now());
            shared.changed.notify_one();
        }
    }
}
