//! The records of a message as sets, with all that is wrong with them.

use super::{
    Capabilities, Content, DeclaredSet, Name, Owner, RecordData, set::type_name, zone::ZoneRef,
};
use crate::model::{
    Defect, DnsProvider, DnsRecord, DnsRecordType, Fault, Parse as _, RecordName, Ttl,
};
use std::collections::BTreeMap;

/// Groups the records of a message into sets, ordered by name and type. What cannot be right is left out and
/// its faults are added, in the order of the records.
///
/// What depends on the zone is only checked as far as its name is known.
#[must_use]
pub fn group(
    provider: DnsProvider,
    zone: Option<&ZoneRef>,
    records: &[DnsRecord],
    faults: &mut Vec<Fault>,
) -> Vec<DeclaredSet> {
    let mut grouping = Grouping {
        provider,
        zone: zone.and_then(ZoneRef::name),
        sets: BTreeMap::new(),
        faults: Vec::new(),
    };
    for (index, record) in records.iter().enumerate() {
        grouping.record(index, record);
    }
    grouping.neighbours();
    grouping.faults.sort_by_key(|(index, _)| *index);
    faults.extend(grouping.faults.into_iter().map(|(_, fault)| fault));
    grouping.sets.into_iter().map(Growing::into_set).collect()
}

/// Which set, in the order of names and then of types.
type Key = (Owner, u16);

struct Grouping<'m> {
    provider: DnsProvider,
    zone: Option<&'m Name>,
    sets: BTreeMap<Key, Growing>,
    /// Each with the record it is about.
    faults: Vec<(usize, Fault)>,
}

/// A set that records are still added to.
struct Growing {
    kind: DnsRecordType,
    /// The first record, with which the others must agree.
    first: usize,
    ttl: Ttl,
    proxied: bool,
    /// The data, and which record gave it.
    data: BTreeMap<RecordData, usize>,
}

impl Growing {
    fn into_set(((owner, _), growing): (Key, Self)) -> DeclaredSet {
        DeclaredSet {
            owner,
            kind: growing.kind,
            ttl: growing.ttl,
            proxied: growing.proxied,
            content: Content::Data(growing.data.into_keys().collect()),
        }
    }
}

impl Grouping<'_> {
    fn fault(&mut self, index: usize, field: &str, defect: Defect) {
        let fault = defect.at(format!("dns.records[{index}].{field}"));
        self.faults.push((index, fault));
    }

    /// Checks one record by itself and puts it into its set.
    fn record(&mut self, index: usize, record: &DnsRecord) {
        let owner = self.checked(index, "name", owner(&record.name, self.zone));
        let data = RecordData::parse(record.kind, record.value.as_str());
        let data = self.checked(index, "value", data);
        let cloudflare = self.provider == DnsProvider::Cloudflare;
        if record.ttl == Ttl::Automatic && !cloudflare {
            let defect = Defect::new(
                "out-of-range",
                "1, for automatic, is known to cloudflare alone",
            );
            self.fault(index, "ttl", defect.hint("give 30 to 86400, or none"));
        }
        if record.proxied {
            let _ = self.checked(index, "proxied", proxied(cloudflare, record.kind));
        }
        if let (Some(owner), Some(data)) = (owner, data) {
            self.add(index, record, owner, data);
        }
    }

    fn checked<T>(&mut self, index: usize, field: &str, result: Result<T, Defect>) -> Option<T> {
        result
            .map_err(|defect| self.fault(index, field, defect))
            .ok()
    }

    /// Puts a record into its set, with which it must agree.
    fn add(&mut self, index: usize, record: &DnsRecord, owner: Owner, data: RecordData) {
        let growing = self
            .sets
            .entry((owner, record.kind as u16))
            .or_insert_with(|| Growing {
                kind: record.kind,
                first: index,
                ttl: record.ttl,
                proxied: record.proxied,
                data: BTreeMap::new(),
            });
        let first = growing.first;
        let set = format!("dns.records[{first}] has the same name and type");
        let mut found = Vec::new();
        if growing.ttl != record.ttl {
            found.push(("ttl", conflict(format!("{set} and another ttl"))));
        }
        if growing.proxied != record.proxied {
            found.push(("proxied", conflict(format!("{set} and differs in this"))));
        }
        let same = growing.data.get(&data).copied();
        if let Some(same) = same {
            let message = format!("dns.records[{same}] is the same record");
            found.push(("value", Defect::new("record-duplicate", message)));
        } else if record.kind == DnsRecordType::Cname && first != index {
            let message = format!("{set}; a name has one CNAME");
            found.push(("value", conflict(message)));
        }
        growing.data.entry(data).or_insert(index);
        for (field, defect) in found {
            self.fault(index, field, defect);
        }
    }

    /// Checks the sets against each other, and what concerns a set as a whole.
    fn neighbours(&mut self) {
        let mut found = Vec::new();
        for ((owner, _), set) in &self.sets {
            if let Some(index) = lonely(set) {
                let defect = conflict(
                    "\"0 .\" says that no mail is taken: it stands alone, with preference 0",
                );
                found.push((index, "value", defect));
            }
            if set.kind == DnsRecordType::Cname {
                found.extend(self.beside(owner, set));
            }
        }
        for (index, field, defect) in found {
            self.fault(index, field, defect);
        }
    }

    /// What may not stand beside a CNAME.
    fn beside(&self, owner: &Owner, cname: &Growing) -> Vec<(usize, &'static str, Defect)> {
        let capabilities = Capabilities::of(self.provider);
        let of_name = self
            .sets
            .range((owner.clone(), 0)..=(owner.clone(), u16::MAX));
        let excluded = of_name.filter(|(_, set)| capabilities.exclude(cname.kind, set.kind));
        let mut found: Vec<_> = excluded
            .map(|(_, set)| {
                let (earlier, later) = if set.first < cname.first {
                    (set, cname)
                } else {
                    (cname, set)
                };
                let message = format!(
                    "dns.records[{}], of type {}, has the same name; the two cannot stand together",
                    earlier.first,
                    type_name(earlier.kind)
                );
                (later.first, "type", conflict(message))
            })
            .collect();
        if *owner == Owner::Apex && !capabilities.cname_flattening {
            let defect = conflict("the zone's own name cannot be a CNAME at this provider")
                .hint("give its addresses as records of type a and aaaa");
            found.push((cname.first, "type", defect));
        }
        found
    }
}

fn conflict(message: impl Into<String>) -> Defect {
    Defect::new("record-conflict", message)
}

/// The record that says that no mail is taken, if something contradicts it (RFC 7505 section 3).
fn lonely(set: &Growing) -> Option<usize> {
    let (data, index) = set
        .data
        .iter()
        .find(|(data, _)| matches!(data, RecordData::Mx { exchange: None, .. }))?;
    let alone = set.data.len() == 1 && matches!(data, RecordData::Mx { preference: 0, .. });
    (!alone).then_some(*index)
}

/// The name of a record, which must lie in the zone. The zone's own name is the apex, however it is written.
fn owner(name: &RecordName, zone: Option<&Name>) -> Result<Owner, Defect> {
    if name.as_str() == "@" {
        return Ok(Owner::Apex);
    }
    let name = Name::parse(name.as_str())?;
    match zone {
        Some(zone) if name == *zone => Ok(Owner::Apex),
        Some(zone) if !name.is_within(zone) => Err(Defect::new(
            "record-zone",
            format!("{name} is not within the zone {zone}"),
        )
        .hint(format!("write names in full, as www.{zone}"))),
        Some(_) | None => Ok(Owner::At(name)),
    }
}

/// Whether records of this type can be proxied.
fn proxied(cloudflare: bool, kind: DnsRecordType) -> Result<(), Defect> {
    let what = match kind {
        _ if !cloudflare => "only cloudflare has a proxy".into(),
        DnsRecordType::A | DnsRecordType::Aaaa | DnsRecordType::Cname => return Ok(()),
        DnsRecordType::Txt
        | DnsRecordType::Mx
        | DnsRecordType::Caa
        | DnsRecordType::Srv
        | DnsRecordType::Ns => format!(
            "records of type {} are not proxied, only A, AAAA and CNAME",
            type_name(kind)
        ),
    };
    Err(Defect::new("field-conflict", what).hint("leave it out"))
}

#[cfg(test)]
mod tests;
