//! All sites, and what is known of each.

use super::event::{Account, Class, Health, Record, Terms, Ticket, Why};
use super::options::DriftMode;
use super::time::Time;
use crate::model::SiteId;
use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// Where a site is kept in [`Sites`]. It stays the same while the site is known.
pub(super) type Slot = usize;

/// One site. There may be ten thousand, nearly all at rest: whatever a site at rest does not need is in a box.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) id: SiteId,
    pub(super) accounts: Arc<[Account]>,
    pub(super) drift: Option<DriftMode>,
    pub(super) pause: Pause,
    /// It is to go when its run ends.
    pub(super) forgotten: bool,
    /// The configuration last accepted still has to be carried out.
    pub(super) unfinished: bool,
    pub(super) health: Health,
    /// The last run's failure.
    pub(super) failure: Option<Class>,
    /// What is to be done next. While a run is under way, what comes after it.
    pub(super) work: Option<Box<Work>>,
    /// When it is looked at. A moment that has passed is one at which it was paused.
    pub(super) look: Option<Time>,
    /// When it will be other than it is now.
    pub(super) edge: Option<Time>,
    pub(super) place: Place,
}

/// Whether a site is to be left as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pause {
    /// Its configuration says so.
    pub(super) asked: bool,
    /// The operator says so.
    pub(super) ordered: bool,
}

/// The one structure that a site is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// None.
    Resting,
    /// The timers, under this moment.
    Timed(Time),
    /// The line of those that may start.
    Ready,
    /// The line of those that wait for this account.
    Held(Account),
    /// The runs under way.
    Running,
}

/// Something to be done.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) ticket: Option<Ticket>,
    pub(super) why: Why,
    /// Attempts begun.
    pub(super) attempts: u32,
    /// Its place in line.
    pub(super) order: u64,
    /// It is not started earlier.
    pub(super) not_before: Time,
}

/// Which line something waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Somebody waits for the answer.
    Messages,
    /// Nobody does.
    Looks,
}

impl Work {
    /// Something that is done as soon as it is its turn.
    pub(super) fn new(ticket: Option<Ticket>, why: Why, order: u64) -> Self {
        Self {
            ticket,
            why,
            attempts: 0,
            order,
            not_before: Time::default(),
        }
    }

    pub(super) const fn lane(&self) -> Lane {
        match self.ticket {
            Some(_) => Lane::Messages,
            None => Lane::Looks,
        }
    }
}

impl Site {
    fn new(id: SiteId) -> Self {
        Self {
            id,
            accounts: Arc::default(),
            drift: None,
            pause: Pause::default(),
            forgotten: false,
            unfinished: false,
            health: Health::Good,
            failure: None,
            work: None,
            look: None,
            edge: None,
            place: Place::Resting,
        }
    }

    /// Takes over what a configuration says.
    pub(super) fn agree(&mut self, terms: Terms) {
        self.accounts = terms.accounts;
        self.drift = terms.drift;
        self.pause.asked = terms.paused;
    }

    /// Takes over what was kept.
    pub(super) fn recall(&mut self, record: Record) {
        self.agree(record.terms);
        self.pause.ordered = record.suspended;
        self.unfinished = record.unfinished;
        self.edge = record.next_edge;
        self.health = record.health;
    }

    /// Drops all that is known of it; it is to go when its run ends.
    pub(super) fn forget(&mut self) {
        *self = Self {
            forgotten: true,
            place: self.place,
            ..Self::new(self.id.clone())
        };
    }

    /// Whether it is to be left as it is.
    pub(super) const fn is_left_alone(&self) -> bool {
        self.pause.asked || self.pause.ordered
    }

    /// The message that it has not begun with.
    pub(super) fn waiting(&self) -> Option<Ticket> {
        self.work.as_ref()?.ticket
    }

    /// Whether a message of its own takes a place in the queue. One that waits out a failure takes none: what
    /// ails one account must not stop the messages for others.
    pub(super) fn is_queued(&self) -> bool {
        matches!(self.place, Place::Ready | Place::Running) && self.waiting().is_some()
    }

    /// When it is next worked on without a message.
    pub(super) fn due(&self) -> Option<Time> {
        [self.look, self.edge].into_iter().flatten().min()
    }
}

/// All sites.
#[derive(Debug, Default)]
pub(super) struct Sites {
    slots: Vec<Site>,
    /// The slots whose sites are gone.
    free: Vec<Slot>,
    by_id: BTreeMap<SiteId, Slot>,
}

impl Sites {
    /// A site, if it is known.
    pub(super) fn find(&self, id: &SiteId) -> Option<Slot> {
        self.by_id.get(id).copied()
    }

    /// A site, known from now on.
    pub(super) fn enter(&mut self, id: SiteId) -> Slot {
        if let Some(slot) = self.find(&id) {
            return slot;
        }
        let site = Site::new(id.clone());
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot] = site;
            slot
        } else {
            self.slots.push(site);
            self.slots.len() - 1
        };
        self.by_id.insert(id, slot);
        slot
    }

    /// Forgets a site, which must be in no other structure any more.
    pub(super) fn remove(&mut self, slot: Slot) {
        self.by_id.remove(&self.slots[slot].id);
        self.free.push(slot);
    }

    /// All sites by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Site)> {
        self.by_id.values().map(|slot| (*slot, &self.slots[*slot]))
    }
}

impl Index<Slot> for Sites {
    type Output = Site;

    fn index(&self, slot: Slot) -> &Site {
        &self.slots[slot]
    }
}

impl IndexMut<Slot> for Sites {
    fn index_mut(&mut self, slot: Slot) -> &mut Site {
        &mut self.slots[slot]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Parse;

    #[test]
    fn a_site_at_rest_is_small() {
        let timer = size_of::<(Time, Slot)>();
        let name = size_of::<(SiteId, Slot)>();
        // A B-tree's nodes are at least half full (std's documentation of BTreeMap: B = 6, 5 to 11 entries).
        let most = size_of::<Site>() + 2 * (timer + name);
        assert!(
            most < 300,
            "{most} bytes, {} of them fixed",
            size_of::<Site>()
        );
    }
    #[test]
    fn the_slot_of_a_forgotten_site_is_used_again() {
        let name = |number: u32| SiteId::parse(&format!("site-{number}")).unwrap();
        let mut sites = Sites::default();
        let kept = sites.enter(name(0));
        for number in 1..100 {
            let slot = sites.enter(name(number));
            assert_eq!(slot, sites.enter(name(number)));
            sites.remove(slot);
        }
        assert_eq!((sites.slots.len(), sites.find(&name(0))), (2, Some(kept)));
        assert_eq!(sites.find(&name(99)), None);
    }
}
