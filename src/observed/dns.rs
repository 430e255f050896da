//! What was found in DNS zones.

use super::Ownership;
use crate::model::Ttl;
use crate::records::{Name, RecordKey, RecordSet};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A zone and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedZone {
    /// What the provider knows it by; its name where it has no other.
    pub id: String,
    /// Its name.
    pub name: Name,
    /// Its sets, each key once.
    pub sets: Vec<ObservedSet>,
    /// Sets that are never changed, but may be in the way: of types this daemon does not know, or with data
    /// it cannot read. Those that a provider keeps by itself (SOA, DNSSEC) need not be given.
    pub others: Vec<OtherSet>,
}

/// A set in a zone, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedSet {
    /// The set.
    pub set: RecordSet,
    /// Who it belongs to.
    pub ownership: Ownership,
}

/// A set that this daemon cannot look into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OtherSet {
    /// Its name.
    pub name: Name,
    /// Its type as zone files have it, as `HTTPS`.
    pub kind: String,
}

impl ObservedZone {
    /// A zone of sets or single records: what has the same name and type is joined to one set. A set whose
    /// records differ in their TTL has none; one proxied record makes all proxied, as Cloudflare does.
    #[must_use]
    pub fn of(id: String, name: Name, found: impl IntoIterator<Item = ObservedSet>) -> Self {
        let mut sets: BTreeMap<RecordKey, ObservedSet> = BTreeMap::new();
        for found in found {
            match sets.entry(found.set.key.clone()) {
                Entry::Vacant(place) => {
                    place.insert(found);
                }
                Entry::Occupied(mut place) => place.get_mut().join(found),
            }
        }
        Self {
            id,
            name,
            sets: sets.into_values().collect(),
            others: Vec::new(),
        }
    }

    /// The same with sets that cannot be looked into.
    #[must_use]
    pub fn with_others(mut self, others: Vec<OtherSet>) -> Self {
        self.others = others;
        self
    }
}

impl ObservedSet {
    fn join(&mut self, other: Self) {
        let set = &mut self.set;
        if set.ttl != other.set.ttl {
            set.ttl = Ttl::Default;
        }
        set.proxied |= other.set.proxied;
        set.data.extend(other.set.data);
        let own = std::mem::replace(&mut self.ownership, Ownership::Unmarked);
        self.ownership = own.together(other.ownership);
    }
}

impl Ownership {
    /// Whose something is that has two parts: what is only partly ours is not ours, and what is partly
    /// somebody else's is theirs. Of two others the first in the alphabet is named.
    #[must_use]
    pub fn together(self, other: Self) -> Self {
        match (self, other) {
            (Self::Foreign { owner: one }, Self::Foreign { owner: two }) => Self::Foreign {
                owner: one.min(two),
            },
            (foreign @ Self::Foreign { .. }, _) | (_, foreign @ Self::Foreign { .. }) => foreign,
            (Self::Ours, Self::Ours) => Self::Ours,
            (Self::Unmarked, _) | (_, Self::Unmarked) => Self::Unmarked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DnsRecordType, Parse};
    use crate::records::RecordData;

    fn record(value: &str, ttl: u32, proxied: bool, ownership: Ownership) -> ObservedSet {
        ObservedSet {
            set: RecordSet {
                key: RecordKey {
                    name: Name::parse("www.spore.example").unwrap(),
                    kind: DnsRecordType::A,
                },
                ttl: Ttl::Seconds(ttl),
                proxied,
                data: [RecordData::parse(DnsRecordType::A, value).unwrap()].into(),
            },
            ownership,
        }
    }

    fn zone(records: impl IntoIterator<Item = ObservedSet>) -> ObservedZone {
        let name = Name::parse("spore.example").unwrap();
        ObservedZone::of("1".into(), name, records)
    }

    #[test]
    fn records_of_one_name_and_type_are_one_set() {
        let one = || record("192.0.2.1", 60, false, Ownership::Ours);
        let joined = zone([one(), record("192.0.2.2", 60, false, Ownership::Ours)]);
        let [set] = &joined.sets[..] else {
            panic!("{joined:?}")
        };
        assert_eq!(set.set.data.len(), 2);
        assert_eq!((set.set.ttl, set.set.proxied), (Ttl::Seconds(60), false));
        assert_eq!(set.ownership, Ownership::Ours);
        let mixed = zone([one(), record("192.0.2.2", 300, true, Ownership::Unmarked)]);
        assert_eq!(mixed.sets[0].set.ttl, Ttl::Default);
        assert!(mixed.sets[0].set.proxied);
        assert_eq!(mixed.sets[0].ownership, Ownership::Unmarked);
    }

    #[test]
    fn whose_the_whole_is_does_not_depend_on_the_order() {
        let foreign = |owner: &str| Ownership::Foreign {
            owner: owner.into(),
        };
        let cases = [
            (Ownership::Ours, Ownership::Ours, Ownership::Ours),
            (Ownership::Ours, Ownership::Unmarked, Ownership::Unmarked),
            (Ownership::Ours, foreign("a"), foreign("a")),
            (Ownership::Unmarked, foreign("a"), foreign("a")),
            (foreign("b"), foreign("a"), foreign("a")),
        ];
        for (one, two, expected) in cases {
            assert_eq!(one.clone().together(two.clone()), expected);
            assert_eq!(two.together(one), expected);
        }
    }
}
