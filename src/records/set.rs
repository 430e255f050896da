//! Sets of records: what is there, and what is wanted.

use super::{Name, Owner, RecordData};
use crate::model::{DnsRecordType, DomainName, Ttl};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

/// The name of a type as zone files have it.
#[must_use]
pub const fn type_name(kind: DnsRecordType) -> &'static str {
    match kind {
        DnsRecordType::A => "A",
        DnsRecordType::Aaaa => "AAAA",
        DnsRecordType::Cname => "CNAME",
        DnsRecordType::Txt => "TXT",
        DnsRecordType::Mx => "MX",
        DnsRecordType::Caa => "CAA",
        DnsRecordType::Srv => "SRV",
        DnsRecordType::Ns => "NS",
    }
}

/// Which set: a name and a type. Ordered by name, then by the schema's order of types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordKey {
    /// The name.
    pub name: Name,
    /// The type.
    pub kind: DnsRecordType,
}

impl Ord for RecordKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let kind = |key: &Self| key.kind as u16;
        self.name
            .cmp(&other.name)
            .then_with(|| kind(self).cmp(&kind(other)))
    }
}

impl PartialOrd for RecordKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, type_name(self.kind))
    }
}

/// A set of records as it is in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSet {
    /// Which.
    pub key: RecordKey,
    /// How long resolvers may keep it. [`Ttl::Default`] for a set whose records do not agree.
    pub ttl: Ttl,
    /// Whether visitors go through the provider's proxy.
    pub proxied: bool,
    /// The data of each record.
    pub data: BTreeSet<RecordData>,
}

impl RecordSet {
    /// How its data is served, for people.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        Terms {
            ttl: self.ttl,
            proxied: self.proxied,
        }
    }
}

/// What a wanted set should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// This data.
    Data(BTreeSet<RecordData>),
    /// One CNAME to the address that the hosting provider gives the project, which may not be known yet.
    HostingTarget,
}

impl Content {
    /// The data, once the address of the project is known or where it is not needed.
    #[must_use]
    pub fn resolved(&self, target: Option<&Name>) -> Option<BTreeSet<RecordData>> {
        match self {
            Self::Data(data) => Some(data.clone()),
            Self::HostingTarget => {
                target.map(|target| BTreeSet::from([RecordData::Cname(target.clone())]))
            }
        }
    }

    /// Whether data is what is wanted, given the address of the project.
    #[must_use]
    pub fn is(&self, data: &BTreeSet<RecordData>, target: Option<&Name>) -> bool {
        match self {
            Self::Data(wanted) => wanted == data,
            Self::HostingTarget => {
                let mut found = data.iter();
                let only = (found.next(), found.next());
                matches!(only, (Some(RecordData::Cname(name)), None) if Some(name) == target)
            }
        }
    }
}

impl fmt::Display for Content {
    /// The data as people read it, with commas between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(data) => write_data(f, data),
            Self::HostingTarget => f.write_str("(the address of the hosting project)"),
        }
    }
}

/// Writes data as people read it, with commas between.
fn write_data(f: &mut fmt::Formatter<'_>, data: &BTreeSet<RecordData>) -> fmt::Result {
    for (index, data) in data.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{}", data.plain())?;
    }
    Ok(())
}

/// A set as a message declares it: its name may wait for the zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredSet {
    /// The name.
    pub owner: Owner,
    /// The type.
    pub kind: DnsRecordType,
    /// How long resolvers may keep it; [`Ttl::Default`] leaves it to the provider.
    pub ttl: Ttl,
    /// Whether visitors go through the provider's proxy.
    pub proxied: bool,
    /// What it should hold.
    pub content: Content,
}

impl DeclaredSet {
    /// The set that leads a name to the hosting project.
    #[must_use]
    pub fn leading(name: &DomainName, proxied: bool) -> Self {
        Self {
            owner: Owner::At(name.into()),
            kind: DnsRecordType::Cname,
            ttl: Ttl::Default,
            proxied,
            content: Content::HostingTarget,
        }
    }

    /// The set in a zone.
    #[must_use]
    pub fn within(&self, zone: &Name) -> WantedSet {
        WantedSet {
            key: RecordKey {
                name: self.owner.within(zone),
                kind: self.kind,
            },
            ttl: self.ttl,
            proxied: self.proxied,
            content: self.content.clone(),
        }
    }
}

/// A set as it should be in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedSet {
    /// Which.
    pub key: RecordKey,
    /// How long resolvers may keep it; [`Ttl::Default`] leaves it to the provider.
    pub ttl: Ttl,
    /// Whether visitors go through the provider's proxy.
    pub proxied: bool,
    /// What it should hold.
    pub content: Content,
}

impl WantedSet {
    /// Whether a set in the zone is as wanted, as far as this declares it. What is proxied has no TTL of its
    /// own.
    #[must_use]
    pub fn is(&self, found: &RecordSet, target: Option<&Name>) -> bool {
        let ttl = self.proxied || self.ttl == Ttl::Default || self.ttl == found.ttl;
        self.key == found.key
            && self.proxied == found.proxied
            && ttl
            && self.content.is(&found.data, target)
    }

    /// The set with its data, once the address of the project is known or where it is not needed.
    #[must_use]
    pub fn resolved(&self, target: Option<&Name>) -> Option<RecordSet> {
        Some(RecordSet {
            key: self.key.clone(),
            ttl: self.ttl,
            proxied: self.proxied,
            data: self.content.resolved(target)?,
        })
    }

    /// How its data is served, for people.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        Terms {
            ttl: self.ttl,
            proxied: self.proxied,
        }
    }
}

impl From<RecordSet> for WantedSet {
    fn from(set: RecordSet) -> Self {
        Self {
            key: set.key,
            ttl: set.ttl,
            proxied: set.proxied,
            content: Content::Data(set.data),
        }
    }
}

impl fmt::Display for RecordSet {
    /// The name, the type and the data as people read them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.key)?;
        write_data(f, &self.data)
    }
}

impl fmt::Display for WantedSet {
    /// The name, the type and the content as people read them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.content)
    }
}

/// How a set's data is served. [`Display`](fmt::Display) writes what is out of the ordinary, as ` (proxied)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long resolvers may keep it.
    pub ttl: Ttl,
    /// Whether visitors go through the provider's proxy.
    pub proxied: bool,
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.proxied, self.ttl) {
            (true, _) => f.write_str(" (proxied)"),
            (false, Ttl::Seconds(seconds)) => write!(f, " (ttl {seconds})"),
            (false, Ttl::Default | Ttl::Automatic) => Ok(()),
        }
    }
}
