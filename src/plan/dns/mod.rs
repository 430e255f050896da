//! What to do in DNS zones.

mod by_hand;

pub(super) use by_hand::by_hand;
