//! Which entries are shown at an instant, and when that next changes.

use crate::model::Entry;
use jiff::Timestamp;

/// Whether an entry is shown at `now`: from `not_before` on, until just before `not_after`.
pub(super) fn visible(entry: &Entry, now: Timestamp) -> bool {
    let begun = entry.not_before.is_none_or(|before| before.0 <= now);
    let over = entry.not_after.is_some_and(|after| after.0 <= now);
    begun && !over
}

/// When one of the entries next appears or disappears, strictly after `now`.
pub(super) fn next_edge(entries: &[Entry], now: Timestamp) -> Option<Timestamp> {
    entries.iter().filter_map(|entry| edge(entry, now)).min()
}

fn edge(entry: &Entry, now: Timestamp) -> Option<Timestamp> {
    let before = entry.not_before.map(|before| before.0);
    let after = entry.not_after.map(|after| after.0);
    match (before, after) {
        // An empty span: the entry is never shown.
        (Some(before), Some(after)) if before >= after => None,
        (Some(before), _) if before > now => Some(before),
        (_, after) => after.filter(|after| *after > now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{self, EntryContent, Line};
    use proptest::prelude::*;

    fn entry(before: Option<i64>, after: Option<i64>) -> Entry {
        let at = |second| model::Timestamp(Timestamp::from_second(second).unwrap());
        Entry {
            content: EntryContent::Heading(Line::default()),
            not_before: before.map(at),
            not_after: after.map(at),
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_entry_is_shown_from_its_first_instant_to_before_its_last() {
        for (before, after, now, shown, next) in [
            (None, None, 5, true, None),
            (Some(5), None, 4, false, Some(5)),
            (Some(5), None, 5, true, None),
            (None, Some(5), 4, true, Some(5)),
            (None, Some(5), 5, false, None),
            (Some(5), Some(9), 1, false, Some(5)),
            (Some(5), Some(9), 5, true, Some(9)),
            (Some(5), Some(9), 9, false, None),
            (Some(9), Some(5), 1, false, None),
            (Some(9), Some(5), 7, false, None),
        ] {
            let entry = entry(before, after);
            assert_eq!(visible(&entry, second(now)), shown, "{entry:?} at {now}");
            let got = next_edge(std::slice::from_ref(&entry), second(now));
            assert_eq!(got, next.map(second), "{entry:?} at {now}");
        }
    }

    proptest! {
        /// Nothing changes until the edge, and something changes at it.
        #[test]
        fn the_edge_is_the_first_change(
            spans in prop::collection::vec((prop::option::of(0..40_i64), prop::option::of(0..40_i64)), 0..6),
            now in 0..40_i64,
        ) {
            let entries: Vec<_> = spans.iter().map(|&(before, after)| entry(before, after)).collect();
            let shown = |at| entries.iter().map(|entry| visible(entry, second(at))).collect::<Vec<_>>();
            let first = (now + 1..=41).find(|&at| shown(at) != shown(now));
            prop_assert_eq!(next_edge(&entries, second(now)), first.map(second));
        }
    }
}
