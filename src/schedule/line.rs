//! Sites that wait for their turn.

use super::site::{Lane, Slot};
use std::collections::BTreeMap;

/// Sites in order, messages apart from looks.
#[derive(Debug, Default)]
pub(super) struct Line {
    messages: BTreeMap<u64, Slot>,
    looks: BTreeMap<u64, Slot>,
}

/// A place in a line: no two sites have the same.
pub(super) type Key = (Lane, u64);

impl Line {
    pub(super) fn insert(&mut self, (lane, order): Key, slot: Slot) {
        self.lane_mut(lane).insert(order, slot);
    }

    pub(super) fn remove(&mut self, (lane, order): Key) {
        self.lane_mut(lane).remove(&order);
    }

    /// The site whose turn is next, after its place.
    pub(super) fn first(&self, lane: Lane) -> Option<(u64, Slot)> {
        let (order, slot) = self.lane(lane).first_key_value()?;
        Some((*order, *slot))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.looks.is_empty()
    }

    /// All sites, in no order that counts.
    pub(super) fn into_slots(self) -> impl Iterator<Item = Slot> {
        self.messages.into_values().chain(self.looks.into_values())
    }

    const fn lane(&self, lane: Lane) -> &BTreeMap<u64, Slot> {
        match lane {
            Lane::Messages => &self.messages,
            Lane::Looks => &self.looks,
        }
    }

    const fn lane_mut(&mut self, lane: Lane) -> &mut BTreeMap<u64, Slot> {
        match lane {
            Lane::Messages => &mut self.messages,
            Lane::Looks => &mut self.looks,
        }
    }
}
