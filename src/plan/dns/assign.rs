//! Which zone each wanted set belongs to.

use super::Rules;
use crate::model::DnsRecordType;
use crate::observed::ObservedZone;
use crate::plan::Withheld;
use crate::records::{Content, DeclaredSet, Name, Owner, RecordKey, WantedSet, type_name};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What is wanted under one key.
#[derive(Clone, Debug)]
pub(super) enum Want {
    /// This set.
    Set(WantedSet),
    /// Nothing that makes sense, and why: the message contradicts itself.
    Contradiction(&'static str),
    /// Perhaps something: a set of `@` that may be meant for this zone. What is there is left as it is.
    Unclear,
}

/// What is wanted in one zone, by key.
pub(super) type Wanted = BTreeMap<RecordKey, Want>;

/// The zones with what is wanted in them.
pub(super) struct Assigned<'z> {
    /// Ordered by the zones' names.
    pub(super) zones: Vec<(&'z ObservedZone, Wanted)>,
    /// What has no place in them.
    pub(super) withheld: Vec<Withheld>,
}

impl<'z> Assigned<'z> {
    pub(super) fn of(declared: &[DeclaredSet], zones: &'z [ObservedZone], rules: &Rules) -> Self {
        let mut found = Zones::of(zones);
        let apex = found.apex(declared, rules.zone_given);
        let (mut withheld, mut unclear) = (Vec::new(), Vec::new());
        // Data that is given goes before the hosting project's address, which is only filled in.
        let (given, filled): (Vec<_>, Vec<_>) = declared
            .iter()
            .partition(|set| matches!(set.content, Content::Data(_)));
        for set in given.into_iter().chain(filled) {
            if apex.is_none() && set.owner == Owner::Apex {
                unclear.push(set.kind);
            }
            match found.place(set, apex.as_ref()) {
                Ok((zone, wanted)) => withheld.extend(add(wanted, set.within(zone), rules)),
                Err(reason) => withheld.push(unplaced(set, reason)),
            }
        }
        withheld.sort_by(|one, two| (&one.action, &one.reason).cmp(&(&two.action, &two.reason)));
        let mut zones: Vec<_> = found.unique.into_values().collect();
        for (zone, wanted) in &mut zones {
            exclude(wanted, rules);
            for &kind in &unclear {
                let name = zone.name.clone();
                let key = RecordKey { name, kind };
                wanted.entry(key).or_insert(Want::Unclear);
            }
        }
        Self { zones, withheld }
    }
}

fn unplaced(set: &DeclaredSet, reason: String) -> Withheld {
    let (owner, kind, content) = (&set.owner, type_name(set.kind), &set.content);
    Withheld {
        action: format!("set {owner} {kind} {content}"),
        reason,
        refused: true,
    }
}

/// The zones found, by name.
struct Zones<'z> {
    unique: BTreeMap<&'z Name, (&'z ObservedZone, Wanted)>,
    /// Names that several zones have, and how many: nothing tells which is meant.
    several: BTreeMap<&'z str, usize>,
    names: BTreeMap<&'z str, &'z Name>,
}

impl<'z> Zones<'z> {
    fn of(zones: &'z [ObservedZone]) -> Self {
        let mut found = Self {
            unique: BTreeMap::new(),
            several: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        for zone in zones {
            found.names.insert(zone.name.as_str(), &zone.name);
            *found.several.entry(zone.name.as_str()).or_default() += 1;
            found.unique.insert(&zone.name, (zone, Wanted::new()));
        }
        found.several.retain(|_, count| *count > 1);
        let several = &found.several;
        found
            .unique
            .retain(|name, _| !several.contains_key(name.as_str()));
        found
    }

    /// The zone with the longest name that a name lies in.
    fn holding(&self, name: &Name) -> Option<&'z Name> {
        name.and_parents()
            .find_map(|parent| self.names.get(parent).copied())
    }

    /// The zone that `@` is of: the one that the message names, or the one that all other names lie in.
    fn apex(&self, declared: &[DeclaredSet], zone_given: bool) -> Option<Name> {
        let names = declared.iter().filter_map(|set| set.owner.name());
        let mut zones = names.map(|name| self.holding(name)).peekable();
        if zone_given || zones.peek().is_none() {
            let mut all = self.names.values();
            return all
                .next()
                .filter(|_| all.next().is_none())
                .map(|only| (*only).clone());
        }
        let first = zones.next()??;
        zones.all(|zone| zone == Some(first)).then(|| first.clone())
    }

    /// The zone of a set.
    fn place(
        &mut self,
        set: &DeclaredSet,
        apex: Option<&Name>,
    ) -> Result<(&'z Name, &mut Wanted), String> {
        let name = match &set.owner {
            Owner::At(name) => name,
            Owner::Apex => apex.ok_or("no name tells which zone \"@\" is of: give dns.zoneId")?,
        };
        let zone = self.holding(name).ok_or(
            "no zone was found that holds it: make the zone at the provider, or check the \
             credential and dns.zoneId",
        )?;
        if let Some(count) = self.several.get(zone.as_str()) {
            return Err(format!(
                "there are {count} zones of the name {zone}: give the id of one as dns.zoneId"
            ));
        }
        match self.unique.get_mut(zone) {
            Some((_, wanted)) => Ok((zone, wanted)),
            None => Err(format!("the zone {zone} is gone")),
        }
    }
}

/// Adds a set to what is wanted in its zone. Gives what is not done because the message says otherwise.
fn add(wanted: &mut Wanted, set: WantedSet, rules: &Rules) -> Option<Withheld> {
    if set.content == Content::HostingTarget
        && let Some(other) = in_place(wanted, &set, rules)
    {
        return Some(Withheld {
            action: format!("set {set}"),
            reason: format!("the message declares {other} itself"),
            refused: false,
        });
    }
    match wanted.entry(set.key.clone()) {
        Entry::Vacant(place) => {
            place.insert(Want::Set(set));
        }
        Entry::Occupied(mut place) => join(place.get_mut(), set),
    }
    None
}

/// A set with data of its own that takes the place of one that would lead to the hosting project.
fn in_place<'w>(wanted: &'w Wanted, set: &WantedSet, rules: &Rules) -> Option<&'w RecordKey> {
    let given = |key: &RecordKey, want: &Want| {
        let excluded = rules.capabilities.exclude(key.kind, set.key.kind);
        let same_data = match want {
            Want::Set(other) => *key == set.key && other.content != Content::HostingTarget,
            Want::Contradiction(_) | Want::Unclear => false,
        };
        excluded || same_data
    };
    of_name(wanted, &set.key.name)
        .find(|(key, want)| given(key, want))
        .map(|(key, _)| key)
}

/// All that is wanted under one name.
fn of_name<'w>(
    wanted: &'w Wanted,
    name: &Name,
) -> impl Iterator<Item = (&'w RecordKey, &'w Want)> + use<'w> {
    // The first and the last type of the schema's order.
    let [first, last] = [DnsRecordType::A, DnsRecordType::Ns].map(|kind| RecordKey {
        name: name.clone(),
        kind,
    });
    wanted.range(first..=last)
}

/// Joins a set to one of the same key: the same name was written as `@` and in full.
fn join(want: &mut Want, set: WantedSet) {
    let Want::Set(one) = want else {
        return;
    };
    let agree = one.terms() == set.terms();
    let joined = match (&mut one.content, set.content) {
        (Content::Data(data), Content::Data(more)) => {
            data.extend(more);
            agree && (one.key.kind != DnsRecordType::Cname || data.len() == 1)
        }
        (Content::HostingTarget, Content::HostingTarget) => agree,
        (Content::Data(_), Content::HostingTarget) | (Content::HostingTarget, Content::Data(_)) => {
            false
        }
    };
    if !joined {
        *want = Want::Contradiction("the message declares it twice, in ways that do not agree");
    }
}

/// Marks sets of one name that cannot stand together. Most are found when the message is read; not those
/// that are written as `@` and in full.
fn exclude(wanted: &mut Wanted, rules: &Rules) {
    let cnames = wanted.keys().filter(|key| key.kind == DnsRecordType::Cname);
    let mut excluded = Vec::new();
    for cname in cnames {
        let others = of_name(wanted, &cname.name).map(|(key, _)| key);
        let before = excluded.len();
        excluded.extend(
            others
                .filter(|key| rules.capabilities.exclude(cname.kind, key.kind))
                .cloned(),
        );
        if excluded.len() > before {
            excluded.push(cname.clone());
        }
    }
    for key in excluded {
        let why = "the message declares a CNAME and other types of this name, which cannot stand \
                   together";
        wanted.insert(key, Want::Contradiction(why));
    }
}
