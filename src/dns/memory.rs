//! Zones that are kept in memory: a real backend, held to the same contract as the others, for tests of what
//! stands above backends.

use super::{DnsBackend, DnsScope, Effect};
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::model::{DnsRecordType, SiteId};
use crate::observed::{ObservedSet, ObservedZone, OtherSet, Ownership};
use crate::plan::dns::{DnsAction, DnsChange};
use crate::records::{Capabilities, Name, RecordKey, RecordSet, ZoneRef};
use crate::words::count;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The backend. Clones share their contents.
#[derive(Clone, Debug)]
pub struct Memory {
    capabilities: Capabilities,
    zones: Arc<Mutex<BTreeMap<String, Zone>>>,
}

#[derive(Clone, Debug)]
struct Zone {
    name: Name,
    sets: BTreeMap<RecordKey, Marked>,
    others: Vec<OtherSet>,
}

/// A set and its mark: whose it is, empty for nobody's.
#[derive(Clone, Debug)]
struct Marked {
    set: RecordSet,
    owner: String,
}

impl Marked {
    fn ownership(&self, site: &SiteId) -> Ownership {
        match self.owner.as_str() {
            "" => Ownership::Unmarked,
            owner if owner == site.as_str() => Ownership::Ours,
            owner => Ownership::Foreign {
                owner: format!("site {owner}"),
            },
        }
    }
}

impl Memory {
    /// A provider that can do so much, without zones.
    #[must_use]
    pub fn new(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            zones: Arc::default(),
        }
    }

    /// What the provider can do.
    #[must_use]
    pub const fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Makes an empty zone; one of this id that is there is emptied.
    pub fn add_zone(&self, id: &str, name: &Name) {
        let zone = Zone {
            name: name.clone(),
            sets: BTreeMap::new(),
            others: Vec::new(),
        };
        self.zones().insert(id.to_owned(), zone);
    }

    /// Puts a set into a zone as somebody else would, marked as of `owner`; empty for nobody.
    pub fn put(&self, id: &str, set: RecordSet, owner: &str) {
        if let Some(zone) = self.zones().get_mut(id) {
            let owner = owner.to_owned();
            zone.sets.insert(set.key.clone(), Marked { set, owner });
        }
    }

    /// Puts a set into a zone that cannot be looked into.
    pub fn put_other(&self, id: &str, other: OtherSet) {
        if let Some(zone) = self.zones().get_mut(id) {
            zone.others.push(other);
        }
    }

    /// Takes a set out of a zone as somebody else would.
    pub fn take(&self, id: &str, key: &RecordKey) {
        if let Some(zone) = self.zones().get_mut(id) {
            zone.sets.remove(key);
        }
    }

    /// The sets of a zone with their owners.
    #[must_use]
    pub fn sets(&self, id: &str) -> Vec<(RecordSet, String)> {
        let zones = self.zones();
        let sets = zones
            .get(id)
            .into_iter()
            .flat_map(|zone| zone.sets.values());
        sets.map(|marked| (marked.set.clone(), marked.owner.clone()))
            .collect()
    }

    fn zones(&self) -> MutexGuard<'_, BTreeMap<String, Zone>> {
        self.zones.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Zone {
    fn observed(&self, id: &str, site: &SiteId) -> ObservedZone {
        let sets = self.sets.values().map(|marked| ObservedSet {
            set: marked.set.clone(),
            ownership: marked.ownership(site),
        });
        ObservedZone::of(id.into(), self.name.clone(), sets).with_others(self.others.clone())
    }

    /// Makes one change. Gives whether anything was changed.
    fn change(
        &mut self,
        change: &DnsChange,
        site: &SiteId,
        capabilities: &Capabilities,
    ) -> Result<bool, EdgeError> {
        let found = self.sets.get(change.key());
        let ownership = found.map(|found| found.ownership(site));
        let found = found.map(|found| &found.set).zip(ownership.as_ref());
        match Effect::of(change, found)? {
            Effect::Nothing => return Ok(false),
            Effect::Remove => {
                self.sets.remove(change.key());
            }
            Effect::Put(set) => {
                self.check(&set, capabilities)?;
                let owner = site.to_string();
                self.sets.insert(set.key.clone(), Marked { set, owner });
            }
        }
        Ok(true)
    }

    /// Refuses what a name server refuses.
    fn check(&self, set: &RecordSet, capabilities: &Capabilities) -> Result<(), EdgeError> {
        let RecordKey { name, kind } = &set.key;
        let no = |why: String| Err(EdgeError::rejected(format!("{}: {why}", set.key)));
        let apex = *name == self.name;
        if !name.is_within(&self.name) {
            return no(format!("not within the zone {}", self.name));
        }
        if apex && *kind == DnsRecordType::Cname && !capabilities.cname_flattening {
            return no("the zone's own name cannot be a CNAME".into());
        }
        let single = *kind != DnsRecordType::Cname || set.data.len() == 1;
        if set.data.is_empty() || !single || set.data.iter().any(|data| data.kind() != *kind) {
            return no("not the data of such a set".into());
        }
        let beside = self.sets.keys().find(|key| {
            let delegation = apex && key.kind == DnsRecordType::Ns;
            key.name == *name && !delegation && capabilities.exclude(*kind, key.kind)
        });
        if let Some(beside) = beside {
            return no(format!("cannot stand beside {beside}"));
        }
        let other = self.others.iter().find(|other| other.name == *name);
        match other {
            Some(other) if capabilities.exclude_unknown(*kind) => {
                no(format!("cannot stand beside {} {}", other.name, other.kind))
            }
            _ => Ok(()),
        }
    }
}

impl DnsBackend for Memory {
    async fn observe(&self, scope: &DnsScope) -> Result<Vec<ObservedZone>, EdgeError> {
        let zones = self.zones();
        let holding = |name: &Name| -> Option<&Name> {
            let names = zones.values().map(|zone| &zone.name);
            names
                .filter(|zone| name.is_within(zone))
                .max_by_key(|zone| zone.as_str().len())
        };
        let wanted = |id: &str, zone: &Zone| match &scope.zone {
            Some(ZoneRef::Id(wanted)) => wanted.as_str() == id,
            Some(ZoneRef::Name(wanted)) => *wanted == zone.name,
            None => scope
                .names
                .iter()
                .any(|name| holding(name) == Some(&zone.name)),
        };
        Ok(zones
            .iter()
            .filter(|(id, zone)| wanted(id, zone))
            .map(|(id, zone)| zone.observed(id, &scope.site))
            .collect())
    }

    /// All changes or none.
    async fn perform(&self, action: &DnsAction) -> Result<String, EdgeError> {
        let mut zones = self.zones();
        let zone = zones.get_mut(&action.zone_id).ok_or_else(|| {
            let message = format!("there is no zone {} any more", action.zone);
            EdgeError::new(EdgeErrorKind::Conflict, message)
        })?;
        let (mut after, mut made) = (zone.clone(), 0);
        for change in &action.changes {
            made += usize::from(after.change(change, &action.site, &self.capabilities)?);
        }
        *zone = after;
        Ok(format!("{} changed", count(made, "record set")))
    }
}
