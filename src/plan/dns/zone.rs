//! What to do in one zone.

use super::assign::{Want, Wanted};
use super::place::{Decision, Place};
use super::{ChangeKind, DnsChange, Rules};
use crate::model::DnsRecordType;
use crate::observed::ObservedZone;
use crate::plan::Withheld;
use crate::records::{Name, RecordKey};
use crate::words;
use std::collections::BTreeMap;

/// The fewest sets a site must have in a zone for the change brake to look at it: below that, a percentage
/// says little.
const BRAKE_FROM: usize = 10;

/// How many sets a braked deletion names.
const NAMED: usize = 5;

/// The changes in a zone, in the order in which they can be made.
pub(super) fn changes(
    zone: &ObservedZone,
    wanted: &Wanted,
    rules: &Rules,
    withheld: &mut Vec<Withheld>,
) -> Vec<DnsChange> {
    let places = places(zone, wanted);
    let decisions = places.iter().map(|(name, place)| place.decide(name, rules));
    let mut changes = Vec::new();
    for decision in decisions {
        withheld.extend(told(&decision));
        changes.extend(ordered(decision.changes, rules));
    }
    changes.sort_by(|(one, _), (two, _)| one.cmp(two));
    let changes: Vec<DnsChange> = changes.into_iter().map(|(_, change)| change).collect();
    match brake(zone, &places, &changes, rules) {
        None => changes,
        Some(braked) => {
            withheld.push(braked);
            Vec::new()
        }
    }
}

/// What is wanted and what is there, by name.
fn places<'z>(zone: &'z ObservedZone, wanted: &'z Wanted) -> BTreeMap<&'z Name, Place<'z>> {
    let mut places: BTreeMap<&Name, Place<'_>> = BTreeMap::new();
    for (key, want) in wanted {
        let place = places.entry(&key.name).or_default();
        place.wanted.push((key, want));
    }
    for found in &zone.sets {
        let place = places.entry(&found.set.key.name).or_default();
        place.found.push(found);
    }
    for other in &zone.others {
        let place = places.entry(&other.name).or_default();
        place.others.push(&other.kind);
    }
    for (name, place) in &mut places {
        place.apex = **name == zone.name;
        place
            .found
            .sort_by(|one, two| one.set.key.cmp(&two.set.key));
        place.others.sort_unstable();
    }
    places
}

/// What the change brake withholds, if it takes hold: all changes of the zone. With only the deletions
/// withheld, the sets that were made would count the next time, and the brake would let go.
fn brake(
    zone: &ObservedZone,
    places: &BTreeMap<&Name, Place<'_>>,
    changes: &[DnsChange],
    rules: &Rules,
) -> Option<Withheld> {
    let owned = places.iter().map(|(name, place)| place.owned(name).count());
    let (owned, allowed) = (owned.sum::<usize>(), usize::from(rules.max_removed_percent));
    let deleted = changes
        .iter()
        .filter(|change| change.kind() == ChangeKind::Delete);
    let count = deleted.clone().count();
    if owned < BRAKE_FROM || count * 100 <= owned * allowed {
        return None;
    }
    let mut names: Vec<String> = deleted
        .take(NAMED)
        .map(|change| change.key().to_string())
        .collect();
    if count > NAMED {
        names.push(format!("{} more", count - NAMED));
    }
    Some(Withheld {
        action: format!(
            "change {} of {}",
            words::count(changes.len(), "record set"),
            zone.name
        ),
        reason: format!(
            "it would delete {count} of this site's {owned} sets there ({} %), more than \
             policy.max-removed-dns-percent = {allowed} allows: {}",
            (count * 100).div_ceil(owned),
            names.join(", ")
        ),
        refused: true,
    })
}

/// What of a decision people must be told.
fn told(decision: &Decision<'_>) -> impl Iterator<Item = Withheld> {
    let refused = decision.refused.iter().filter_map(|(key, want, reason)| {
        let action = match want {
            Want::Set(set) => format!("set {set}"),
            Want::Contradiction(_) => format!("set {key}"),
            // Told with those that have no place.
            Want::Unclear => return None,
        };
        Some(Withheld {
            action,
            reason: reason.clone(),
            refused: true,
        })
    });
    let staying = decision.staying.iter().map(|(found, why)| Withheld {
        action: format!("delete {}", found.set),
        reason: why.reason().into(),
        refused: false,
    });
    refused.chain(staying)
}

/// A change's place in the order.
type Order = (u8, RecordKey);

/// The changes under one name, each with its place in the order of the whole zone.
fn ordered(changes: Vec<DnsChange>, rules: &Rules) -> Vec<(Order, DnsChange)> {
    let made: Vec<DnsRecordType> = changes
        .iter()
        .filter(|change| change.kind() != ChangeKind::Delete)
        .map(|change| change.key().kind)
        .collect();
    let order = |change: &DnsChange| {
        let kind = change.key().kind;
        let excludes = |made: &DnsRecordType| rules.capabilities.exclude(*made, kind);
        let in_the_way = made.iter().any(excludes);
        let leads = matches!(
            kind,
            DnsRecordType::Mx | DnsRecordType::Srv | DnsRecordType::Ns
        );
        match (change.kind(), leads) {
            (ChangeKind::Delete, _) if in_the_way => 0,
            (ChangeKind::Create | ChangeKind::Update, false) => 1,
            (ChangeKind::Create | ChangeKind::Update, true) => 2,
            (ChangeKind::Delete, true) => 3,
            (ChangeKind::Delete, false) => 4,
        }
    };
    changes
        .into_iter()
        .map(|change| ((order(&change), change.key().clone()), change))
        .collect()
}
