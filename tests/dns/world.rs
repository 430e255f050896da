//! Sets, zones and rules written in short.
//!
//! A set is `NAME TYPE VALUE`, several values with ` | ` between, then perhaps ` @TTL` (`@auto` for an automatic
//! one) and ` proxied`. What is in a zone begins with whose it is: `ours`, `free` for nobody's, or another site.

use crate::common::site_id;
use mycelia_spore::dns::{DnsBackend, DnsScope};
use mycelia_spore::model::{
    DnsDeletePolicy, DnsOwnership, DnsProvider, DnsRecordType, Parse, SiteId, Ttl,
};
use mycelia_spore::observed::{Look, ObservedSet, ObservedZone, OtherSet, Ownership};
use mycelia_spore::plan::dns::{Difference, Rules, diff};
use mycelia_spore::records::{
    Capabilities, Content, DeclaredSet, Name, Owner, RecordData, RecordKey, RecordSet, type_name,
};

pub(crate) const ZONE: &str = "spore.example";

pub(crate) fn site() -> SiteId {
    site_id("blog")
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(crate) fn kind(text: &str) -> DnsRecordType {
    use DnsRecordType::{A, Aaaa, Caa, Cname, Mx, Ns, Srv, Txt};
    [A, Aaaa, Caa, Cname, Mx, Ns, Srv, Txt]
        .into_iter()
        .find(|kind| type_name(*kind) == text)
        .unwrap()
}

/// A wanted set. The value `HOSTING` is the address of the hosting project.
pub(crate) fn wanted(line: &str) -> DeclaredSet {
    let (rest, proxied) = match line.strip_suffix(" proxied") {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    let (rest, ttl) = match rest.rsplit_once(" @") {
        Some((rest, "auto")) => (rest, Ttl::Automatic),
        Some((rest, ttl)) => (rest, Ttl::Seconds(ttl.parse().unwrap())),
        None => (rest, Ttl::Default),
    };
    let mut parts = rest.splitn(3, ' ');
    let owner = match parts.next().unwrap() {
        "@" => Owner::Apex,
        text => Owner::At(name(text)),
    };
    let kind = kind(parts.next().unwrap());
    let content = match parts.next().unwrap() {
        "HOSTING" => Content::HostingTarget,
        values => Content::Data(
            values
                .split(" | ")
                .map(|value| RecordData::parse(kind, value).unwrap())
                .collect(),
        ),
    };
    DeclaredSet {
        owner,
        kind,
        ttl,
        proxied,
        content,
    }
}

/// A set as it is in the zone `spore.example`.
pub(crate) fn set(line: &str) -> RecordSet {
    let wanted = wanted(line).within(&name(ZONE));
    wanted.resolved(None).unwrap()
}

pub(crate) fn ownership(owner: &str) -> Ownership {
    match owner {
        "ours" => Ownership::Ours,
        "free" => Ownership::Unmarked,
        owner => Ownership::Foreign {
            owner: format!("site {owner}"),
        },
    }
}

pub(crate) fn found(line: &str) -> ObservedSet {
    let (owner, line) = line.split_once(' ').unwrap();
    ObservedSet {
        set: set(line),
        ownership: ownership(owner),
    }
}

/// A zone. Lines that begin with `other` are sets that cannot be looked into.
pub(crate) fn zone(zone: &str, lines: &[&str]) -> ObservedZone {
    let (others, sets): (Vec<&str>, Vec<&str>) =
        lines.iter().partition(|line| line.starts_with("other "));
    let others = others.iter().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        OtherSet {
            name: name(words[1]),
            kind: words[2].into(),
        }
    });
    ObservedZone::of(
        format!("id-{zone}"),
        name(zone),
        sets.into_iter().map(found),
    )
    .with_others(others.collect())
}

pub(crate) fn key(line: &str) -> RecordKey {
    let (owner, kind_name) = line.split_once(' ').unwrap();
    RecordKey {
        name: name(owner),
        kind: kind(kind_name),
    }
}

pub(crate) fn rules(provider: DnsProvider) -> Rules {
    Rules {
        capabilities: Capabilities::of(provider),
        zone_given: false,
        ownership: DnsOwnership::Marked,
        delete_policy: DnsDeletePolicy::Delete,
        max_removed_percent: 30,
        target: None,
    }
}

/// A server that keeps to the standard.
pub(crate) fn standard() -> Rules {
    rules(DnsProvider::Rfc2136)
}

pub(crate) fn cloudflare() -> Rules {
    rules(DnsProvider::Cloudflare)
}

/// A difference as lines: the changes, then what is withheld, with a `?` where nobody asked for it.
pub(crate) fn told(difference: &Difference) -> Vec<String> {
    let changes = difference.zones.iter().flat_map(|zone| &zone.changes);
    let withheld = difference.withheld.iter().map(|withheld| {
        let mark = if withheld.refused { '!' } else { '?' };
        format!("{mark} {}: {}", withheld.action, withheld.reason)
    });
    changes.map(ToString::to_string).chain(withheld).collect()
}

/// What is to be done in the zone `spore.example`.
pub(crate) fn lines(rules: &Rules, there: &[&str], lines: &[&str]) -> Vec<String> {
    let declared: Vec<DeclaredSet> = lines.iter().map(|line| wanted(line)).collect();
    told(&diff(&declared, &[zone(ZONE, there)], rules))
}

pub(crate) fn scope(zone: &str) -> DnsScope {
    DnsScope {
        site: site(),
        provider: DnsProvider::Cloudflare,
        zone: Some(mycelia_spore::records::ZoneRef::Name(name(zone))),
        credential: None,
        account: None,
        look: Look::Closely,
        names: [].into(),
    }
}

/// Carries out a difference; what waits for the hosting project leads to `target`.
pub(crate) async fn perform(
    backend: &impl DnsBackend,
    difference: &Difference,
    target: &Name,
) -> Result<(), mycelia_spore::edge::EdgeError> {
    for action in difference.actions(&site(), DnsProvider::Cloudflare, None, None) {
        backend.perform(&action.with_target(target)).await?;
    }
    Ok(())
}
