//! One site.

use mycelia_spore::schedule::{Account, DriftMode, Health, Options, Terms, Ticket, Time, Why};
use std::sync::Arc;

/// All that is known of a site.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) accounts: Arc<[Account]>,
    pub(super) drift: Option<DriftMode>,
    pub(super) pauses: Pauses,
    pub(super) run: Option<Run>,
    /// The newest message, not begun with.
    pub(super) waiting: Option<Waiting>,
    /// What is tried again.
    pub(super) retry: Option<Retry>,
    /// The earliest and the latest moment of the next look.
    pub(super) look: Option<(Time, Time)>,
    pub(super) edge: Option<Time>,
    pub(super) unfinished: bool,
    pub(super) health: Health,
    /// Forgotten while a run was under way.
    pub(super) gone: bool,
}

/// Why a site is left alone.
#[derive(Debug)]
pub(super) struct Pauses {
    /// Its message says so.
    pub(super) asked: bool,
    /// The operator says so.
    pub(super) ordered: bool,
}

impl Pauses {
    pub(super) const fn any(&self) -> bool {
        self.asked || self.ordered
    }
}

#[derive(Debug)]
pub(super) struct Run {
    pub(super) ticket: Option<Ticket>,
    pub(super) why: Why,
    pub(super) attempt: u32,
    pub(super) accounts: Arc<[Account]>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) ticket: Ticket,
    pub(super) place: u64,
}

#[derive(Debug)]
pub(super) struct Retry {
    pub(super) ticket: Option<Ticket>,
    pub(super) why: Why,
    pub(super) attempts: u32,
    pub(super) place: u64,
    /// The earliest and the latest moment.
    pub(super) window: (Time, Time),
}

impl Life {
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            accounts: terms.accounts,
            drift: terms.drift,
            pauses: Pauses {
                asked: terms.paused,
                ordered: false,
            },
            run: None,
            waiting: None,
            retry: None,
            look: None,
            edge: None,
            unfinished: false,
            health: Health::Good,
            gone: false,
        }
    }

    pub(super) fn mode(&self, options: &Options) -> DriftMode {
        self.drift.unwrap_or(options.drift.mode)
    }

    /// Drops what it has to do, and gives the message that it was.
    pub(super) fn drop_work(&mut self) -> Option<Ticket> {
        let waiting = self.waiting.take().map(|it| it.ticket);
        let retry = self.retry.take().and_then(|it| it.ticket);
        waiting.or(retry)
    }

    /// It is in line: whatever moment chance chose has come.
    pub(super) fn fired(&mut self, now: Time) {
        if self.waiting.is_some() {
            return;
        }
        let edge = self.edge.is_some_and(|edge| edge <= now);
        if let Some(retry) = &mut self.retry {
            retry.window.1 = retry.window.1.min(now);
        } else if let Some(look) = self.look.as_mut().filter(|_| !edge) {
            look.1 = look.1.min(now);
        }
    }

    /// The earliest and the latest moment at which it is to be worked on, by what is known; `None` when nothing
    /// is to be done until there is a message.
    pub(super) fn window(&self, now: Time) -> Option<(Time, Time)> {
        if self.run.is_some() || self.pauses.any() {
            return None;
        }
        if self.waiting.is_some() {
            return Some((now, now));
        }
        if let Some(retry) = &self.retry {
            return Some(retry.window);
        }
        let edge = self.edge.map(|edge| (edge, edge));
        let windows = [self.look, edge].into_iter().flatten();
        windows.reduce(|one, two| (one.0.min(two.0), one.1.min(two.1)))
    }

    /// Whether a message waits for it.
    pub(super) fn has_message(&self) -> bool {
        let retry = self.retry.as_ref().and_then(|it| it.ticket);
        self.waiting.is_some() || retry.is_some()
    }

    /// What it is to be started with.
    pub(super) fn next(&self, now: Time, options: &Options) -> (Option<Ticket>, Why, u32) {
        let edge = self.edge.is_some_and(|edge| edge <= now);
        let drift = Why::Drift {
            repair: self.mode(options) == DriftMode::Repair,
        };
        if let Some(waiting) = &self.waiting {
            return (Some(waiting.ticket), Why::Message, 1);
        }
        if let Some(retry) = &self.retry {
            let upgraded = edge && matches!(retry.why, Why::Drift { .. });
            let why = if upgraded { Why::Edge } else { retry.why };
            return (retry.ticket, why, retry.attempts + 1);
        }
        let why = match (edge, self.unfinished) {
            (true, _) => Why::Edge,
            (false, true) => Why::Resume,
            (false, false) => drift,
        };
        (None, why, 1)
    }
}
