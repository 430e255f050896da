//! Which site is started next.

use super::Schedule;
use super::event::{Account, Command, Why};
use super::site::{Lane, Place, Slot, Work};
use super::time::Time;
use std::sync::Arc;

/// Messages that may begin one after another while a look waits. Messages come first, but looks come: with as
/// few as one start in seventeen, 10,000 sites are through after 170,000 messages.
const STREAK: u32 = 16;

/// A run under way.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) work: Work,
    /// The accounts it may use; those of the site may be others by now.
    pub(super) accounts: Arc<[Account]>,
    pub(super) since: Time,
}

impl Schedule {
    /// Starts all that may be: nothing, when the end has begun, since then nothing is in line.
    pub(super) fn start(&mut self, out: &mut Vec<Command>) {
        while self.running.len() < self.options.bounds.jobs.max(1) {
            let Some(slot) = self.pick() else {
                return;
            };
            self.lift(slot);
            match self.circuits.obstacle(&self.sites[slot].accounts) {
                Some(account) => self.put(slot, Place::Held(account)),
                None => self.begin(slot, out),
            }
        }
    }

    /// The site whose turn it is.
    fn pick(&self) -> Option<Slot> {
        // One job of several is left to messages: they need not wait for the end of a long look.
        let most = self.options.bounds.jobs.saturating_sub(1).max(1);
        let look = || self.first(Lane::Looks).filter(|_| self.looks < most);
        let message = || self.first(Lane::Messages);
        if self.streak < STREAK {
            message().or_else(look)
        } else {
            look().or_else(message)
        }
    }

    /// The first in line of those that are ready and those that may go first for their account.
    fn first(&self, lane: Lane) -> Option<Slot> {
        let firsts = [self.ready.first(lane), self.circuits.first(lane)];
        let (_, slot) = firsts.into_iter().flatten().min()?;
        Some(slot)
    }

    /// Starts a lifted site.
    fn begin(&mut self, slot: Slot, out: &mut Vec<Command>) {
        let site = &mut self.sites[slot];
        let Some(mut work) = site.work.take() else {
            return;
        };
        work.attempts = work.attempts.saturating_add(1);
        if site.edge.is_some_and(|edge| edge <= self.now) {
            site.edge = None;
            if matches!(work.why, Why::Drift { .. }) {
                work.why = Why::Edge;
            }
        }
        site.unfinished |= !matches!(work.why, Why::Drift { .. });
        site.look = None;
        out.push(Command::Start {
            site: site.id.clone(),
            ticket: work.ticket,
            why: work.why,
            attempt: work.attempts,
        });
        let accounts = Arc::clone(&site.accounts);
        self.circuits.enter(slot, &accounts);
        match work.lane() {
            Lane::Messages => self.streak = self.streak.saturating_add(1),
            Lane::Looks => {
                self.streak = 0;
                self.looks += 1;
            }
        }
        let run = Run {
            work: *work,
            accounts,
            since: self.now,
        };
        self.running.insert(slot, run);
        self.put(slot, Place::Running);
    }
}
