//! Records that a person enters.

use super::super::{Plan, Withheld};
use crate::desired::{DesiredDns, DesiredSite};
use crate::records::{Content, DeclaredSet, Name, Owner, ZoneRef, type_name};

/// With `dns.provider = none`, records are shown for a person to enter. Without a `dns` section those are shown
/// that lead the site's names to its project, while names `wait` for them.
pub(in super::super) fn by_hand(
    plan: &mut Plan,
    desired: &DesiredSite,
    dns: Option<&DesiredDns>,
    target: Option<&Name>,
    wait: bool,
) {
    let reason = match dns {
        Some(_) => "dns.provider is none: enter it where the zone is kept",
        None if wait => {
            "the message has no dns section: enter it where the zone is kept, or let the message say \
             dns.provider = cloudflare"
        }
        None => return,
    };
    let zone = dns.and_then(|dns| dns.zone.as_ref());
    for set in desired.record_sets() {
        let name = match (&set.owner, zone.and_then(ZoneRef::name)) {
            (Owner::Apex, Some(zone)) => zone.to_string(),
            (owner, _) => owner.to_string(),
        };
        for value in values(&set, target) {
            plan.withheld.push(Withheld {
                action: format!("dns record {name} {} {value}", type_name(set.kind)),
                reason: reason.into(),
                refused: false,
            });
        }
    }
}

/// The data of each record.
fn values(set: &DeclaredSet, target: Option<&Name>) -> Vec<String> {
    match (&set.content, target) {
        (Content::Data(data), _) => data.iter().map(|data| data.plain().to_string()).collect(),
        (Content::HostingTarget, Some(target)) => vec![target.to_string()],
        (content @ Content::HostingTarget, None) => vec![content.to_string()],
    }
}
