//! Records that a person enters.

use super::super::{Plan, Withheld};
use crate::desired::DesiredDns;
use crate::model::DnsProvider;
use crate::records::{Content, DeclaredSet, Owner, ZoneRef, type_name};

/// With `dns.provider = none` the records are shown for a person to enter.
pub(in super::super) fn by_hand(plan: &mut Plan, dns: &DesiredDns) {
    if dns.provider != DnsProvider::None {
        return;
    }
    for set in &dns.sets {
        let name = match (&set.owner, dns.zone.as_ref().and_then(ZoneRef::name)) {
            (Owner::Apex, Some(zone)) => zone.to_string(),
            (owner, _) => owner.to_string(),
        };
        for value in values(set) {
            plan.withheld.push(Withheld {
                action: format!("dns record {name} {} {value}", type_name(set.kind)),
                reason: "dns.provider is none: enter it where the zone is kept".into(),
                refused: false,
            });
        }
    }
}

/// The data of each record.
fn values(set: &DeclaredSet) -> Vec<String> {
    match &set.content {
        Content::Data(data) => data.iter().map(|data| data.plain().to_string()).collect(),
        content @ Content::HostingTarget => vec![content.to_string()],
    }
}
