//! Moving sites between the structures they wait in. Each is in at most one, and what it is in follows from
//! what is known of it: whatever changes a site lifts it out, changes it and lets it be arranged again. So
//! there is no wake-up that could be lost.

use super::event::{Command, Settlement, Why};
use super::options::DriftMode;
use super::site::{Place, Slot, Work};
use super::{Schedule, Stage};

impl Schedule {
    /// Takes a site out of what it waits in, and tells what that was. It has to be arranged again, or removed.
    pub(super) fn lift(&mut self, slot: Slot) -> Place {
        let site = &mut self.sites[slot];
        self.queued -= usize::from(site.is_queued());
        let before = site.place;
        let key = site.work.as_ref().map(|work| (work.lane(), work.order));
        if before != Place::Running {
            site.place = Place::Resting;
        }
        match (before, key) {
            (Place::Timed(at), _) => {
                self.timers.remove(&(at, slot));
            }
            (Place::Ready, Some(key)) => self.ready.remove(key),
            (Place::Held(account), Some(key)) => self.circuits.let_go(account, key),
            (Place::Ready | Place::Held(_), None) | (Place::Resting | Place::Running, _) => {}
        }
        before
    }

    /// Puts a lifted site where it belongs.
    pub(super) fn arrange(&mut self, slot: Slot, out: &mut Vec<Command>) {
        let site = &self.sites[slot];
        let idle = if self.stage != Stage::Working {
            Some(Settlement::Left)
        } else if site.is_left_alone() {
            Some(Settlement::Paused)
        } else {
            None
        };
        // The answers about one site are given in the order of its messages: first that of the run under way.
        let place = if site.place == Place::Running {
            Place::Running
        } else if let Some(settlement) = idle {
            if site.work.is_some() {
                // It is done as soon as the pause ends.
                self.sites[slot].look = Some(self.now);
            }
            self.settle_waiting(slot, settlement, out);
            Place::Resting
        } else {
            match (&site.work, site.due()) {
                (Some(work), _) if work.not_before > self.now => Place::Timed(work.not_before),
                (Some(_), _) => Place::Ready,
                (None, Some(due)) => Place::Timed(due),
                (None, None) => Place::Resting,
            }
        };
        self.put(slot, place);
    }

    /// Puts a lifted site into a place.
    pub(super) fn put(&mut self, slot: Slot, place: Place) {
        let site = &mut self.sites[slot];
        site.place = place;
        self.queued += usize::from(site.is_queued());
        let key = site.work.as_ref().map(|work| (work.lane(), work.order));
        match (place, key) {
            (Place::Timed(at), _) => {
                self.timers.insert((at, slot));
            }
            (Place::Ready, Some(key)) => self.ready.insert(key, slot),
            (Place::Held(account), Some(key)) => self.circuits.hold(account, key, slot),
            (Place::Ready | Place::Held(_), None) | (Place::Resting | Place::Running, _) => {}
        }
    }

    /// Drops what a lifted site has to do, and answers its message.
    pub(super) fn settle_waiting(
        &mut self,
        slot: Slot,
        settlement: Settlement,
        out: &mut Vec<Command>,
    ) {
        let site = &mut self.sites[slot];
        let work = site.work.take();
        if let Some(ticket) = work.and_then(|work| work.ticket) {
            let site = site.id.clone();
            out.push(Command::Settle {
                site,
                ticket,
                settlement,
            });
        }
    }

    /// Lets all get in line whose time has come.
    pub(super) fn wake(&mut self, out: &mut Vec<Command>) {
        if self.stage != Stage::Working {
            return;
        }
        self.circuits.wake(self.now, out);
        while let Some((at, slot)) = self.timers.first().copied()
            && at <= self.now
        {
            let order = self.next_order();
            self.lift(slot);
            if self.sites[slot].work.is_none() {
                let why = self.why(slot);
                self.sites[slot].work = Some(Box::new(Work::new(None, why, order)));
            }
            self.put(slot, Place::Ready);
        }
    }

    /// What there is to do for a site whose time has come.
    fn why(&self, slot: Slot) -> Why {
        let site = &self.sites[slot];
        if site.edge.is_some_and(|edge| edge <= self.now) {
            Why::Edge
        } else if site.unfinished {
            Why::Resume
        } else {
            let mode = site.drift.unwrap_or(self.options.drift.mode);
            let repair = mode == DriftMode::Repair;
            Why::Drift { repair }
        }
    }
}
