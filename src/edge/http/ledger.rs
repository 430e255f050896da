//! The books of an allowance: who may send now, and if not, when. Pure; the time comes in as a value.

use super::fields::Left;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many quotas of a server are kept apart; the ones it names later count no more.
const QUOTAS_MAX: usize = 8;

/// Ends of a quota's window this near to one another are of one window: a server rounds to seconds.
const ROUNDING: Duration = Duration::from_secs(1);

/// Requests under way and requests of the last window.
///
/// A server counts a request at some moment between its start and its end, and which is not known. So a
/// request takes its place from its start until a window after its end: then, whenever the server counted,
/// no window of its has more than the limit.
#[derive(Debug)]
pub(super) struct Ledger {
    limit: usize,
    window: Duration,
    /// How many requests are under way.
    under_way: usize,
    /// When requests ended, oldest first, within the last window.
    ended: VecDeque<Instant>,
    /// What the server said of its quotas.
    quotas: Vec<Quota>,
    /// Until when the server wants no request.
    closed_until: Option<Instant>,
}

/// What the server said of one of its quotas, less what was sent since.
#[derive(Debug)]
struct Quota {
    name: String,
    left: u64,
    until: Instant,
}

/// Whether a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Now. It counts as under way.
    Granted,
    /// Not before this time.
    NotBefore(Instant),
    /// Not before one that is under way has ended.
    AfterAnother,
}

impl Ledger {
    /// Empty books of at most this many requests (at least one) in each window.
    pub(super) fn new(limit: u32, window: Duration) -> Self {
        Self {
            limit: at_least_one(limit),
            window,
            under_way: 0,
            ended: VecDeque::new(),
            quotas: Vec::new(),
            closed_until: None,
        }
    }

    /// Lets another number of requests (at least one) fit into a window.
    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = at_least_one(limit);
    }

    /// Asks to send one request.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        self.forget(now);
        let mut not_before = self.closed_until;
        for quota in self.quotas.iter().filter(|quota| quota.left == 0) {
            not_before = not_before.max(Some(quota.until));
        }
        if self.under_way + self.ended.len() >= self.limit {
            let Some(oldest) = self.ended.front() else {
                return Admission::AfterAnother;
            };
            not_before = not_before.max(oldest.checked_add(self.window));
        }
        if let Some(time) = not_before {
            return Admission::NotBefore(time);
        }
        self.under_way += 1;
        for quota in &mut self.quotas {
            quota.left = quota.left.saturating_sub(1);
        }
        Admission::Granted
    }

    /// Notes that a request has ended, in whatever way.
    pub(super) fn end(&mut self, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        self.ended.push_back(now);
        self.forget(now);
    }

    /// Notes what the answer to a request under way says of a quota.
    pub(super) fn learn(&mut self, told: &Left, now: Instant) {
        let Some(until) = now.checked_add(told.time) else {
            return;
        };
        // The server may not have counted the others that are under way.
        let others = self.under_way.saturating_sub(1) as u64;
        let left = told.requests.saturating_sub(others);
        self.forget(now);
        let room = self.quotas.len() < QUOTAS_MAX;
        let known = self.quotas.iter_mut().find(|it| it.name == told.name);
        match known {
            // Answers overtake one another: within one window the lowest number is the newest.
            Some(quota) if until <= quota.until + ROUNDING => quota.left = quota.left.min(left),
            Some(quota) => (quota.left, quota.until) = (left, until),
            None if room => self.quotas.push(Quota {
                name: told.name.clone(),
                left,
                until,
            }),
            None => {}
        }
    }

    /// Notes that the server wants no request for this long.
    pub(super) fn close(&mut self, time: Duration, now: Instant) {
        self.closed_until = self.closed_until.max(now.checked_add(time));
    }

    /// How many requests fit into one window.
    pub(super) fn limit(&self) -> u32 {
        u32::try_from(self.limit).unwrap_or(u32::MAX)
    }

    /// How many requests may be sent now.
    pub(super) fn remaining(&mut self, now: Instant) -> u32 {
        self.forget(now);
        if self.closed_until.is_some() {
            return 0;
        }
        let own = self.limit.saturating_sub(self.under_way + self.ended.len()) as u64;
        let told = self.quotas.iter().map(|quota| quota.left).min();
        u32::try_from(own.min(told.unwrap_or(u64::MAX))).unwrap_or(u32::MAX)
    }

    /// Drops what does not count any more.
    fn forget(&mut self, now: Instant) {
        let window = self.window;
        let over = |end: Instant| end.checked_add(window).is_some_and(|time| time <= now);
        while self.ended.front().copied().is_some_and(over) {
            self.ended.pop_front();
        }
        self.quotas.retain(|quota| quota.until > now);
        self.closed_until = self.closed_until.filter(|time| *time > now);
    }
}

fn at_least_one(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests;
