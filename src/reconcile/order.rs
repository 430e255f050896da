//! In which order reports leave.

use crate::report::Report;
use std::collections::VecDeque;

/// Messages of one stream between their arrival and their report: reports leave in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    /// One slot for each message without a report given, by ascending number.
    slots: VecDeque<Slot>,
}

#[derive(Debug)]
struct Slot {
    seq: u64,
    report: Option<Report>,
}

impl InOrder {
    /// Messages without a report given.
    pub(super) fn pending(&self) -> usize {
        self.slots.len()
    }

    /// Takes a place.
    pub(super) fn place(&mut self, seq: u64) {
        self.slots.push_back(Slot { seq, report: None });
    }

    /// Puts a report into its place.
    pub(super) fn put(&mut self, report: Report) {
        let place = self
            .slots
            .binary_search_by_key(&report.seq, |slot| slot.seq);
        if let Ok(index) = place {
            self.slots[index].report = Some(report);
        }
    }

    /// The next report whose turn has come.
    pub(super) fn pop(&mut self) -> Option<Report> {
        self.slots.front()?.report.as_ref()?;
        self.slots.pop_front()?.report
    }
}
