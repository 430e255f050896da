//! What to do in DNS zones: the difference between the sets that are wanted and those that are there.
//!
//! What holds for every difference:
//! - Only sets that carry this site's mark are changed or deleted; with `dns.ownership = adopt` unmarked ones
//!   of the same name and type are changed as well. What belongs to others is named and left.
//! - The zone's own name servers are never touched, nor are `_acme-challenge` names that the message does not
//!   declare: those come and go with certificates.
//! - Where more would be deleted at once than the operator's brake allows, the zone is left as it is.
//! - Nothing is deleted to make room for a set that cannot be made.

mod action;
mod assign;
mod by_hand;
mod change;
mod place;
mod zone;

pub use action::DnsAction;
pub(super) use by_hand::by_hand;
pub use change::{ChangeKind, DnsChange};

use super::{Policy, Withheld};
use crate::desired::DesiredDns;
use crate::model::{DnsDeletePolicy, DnsOwnership, DnsProvider, SettingsName, SiteId};
use crate::observed::ObservedZone;
use crate::records::{Capabilities, DeclaredSet, Name};
use assign::Assigned;

/// What decides of a difference, besides what is wanted and what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What the provider can do.
    pub capabilities: Capabilities,
    /// Whether the message names the zone; otherwise it is found by the sets' names.
    pub zone_given: bool,
    /// Which sets may be changed.
    pub ownership: DnsOwnership,
    /// What happens to sets of this site that are no longer wanted.
    pub delete_policy: DnsDeletePolicy,
    /// The change brake: the part of a site's sets in a zone, in per cent, that may be deleted at once. It
    /// is looked at from 10 sets on.
    pub max_removed_percent: u8,
    /// The address that the hosting provider gave the project; `None` while there is no project.
    pub target: Option<Name>,
}

impl Rules {
    /// The rules that a message and the operator make.
    #[must_use]
    pub const fn of(
        dns: &DesiredDns,
        policy: &Policy,
        capabilities: Capabilities,
        target: Option<Name>,
    ) -> Self {
        Self {
            capabilities,
            zone_given: dns.zone.is_some(),
            ownership: dns.ownership,
            delete_policy: dns.delete_policy,
            max_removed_percent: policy.max_removed_dns_percent,
            target,
        }
    }
}

/// What must be done to have the wanted sets, and what is not done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// The zones with changes, ordered by name.
    pub zones: Vec<ZoneDifference>,
    /// What was asked for and is not done, and why.
    pub withheld: Vec<Withheld>,
}

/// What must be done in one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneDifference {
    /// What the provider knows the zone by.
    pub id: String,
    /// The zone's name.
    pub name: Name,
    /// The changes in the order in which they can be made: what is in the way of a new set goes before it,
    /// and names are there before the mail servers, services and name servers that lead to them.
    pub changes: Vec<DnsChange>,
}

/// The difference between the sets that are wanted and those in the zones found. The order of either does
/// not matter. Sets of this site in these zones that are not wanted are deleted, as far as the rules allow.
#[must_use]
pub fn diff(wanted: &[DeclaredSet], zones: &[ObservedZone], rules: &Rules) -> Difference {
    let assigned = Assigned::of(wanted, zones, rules);
    let mut difference = Difference {
        zones: Vec::new(),
        withheld: assigned.withheld,
    };
    for (zone, wanted) in &assigned.zones {
        let changes = zone::changes(zone, wanted, rules, &mut difference.withheld);
        if !changes.is_empty() {
            difference.zones.push(ZoneDifference {
                id: zone.id.clone(),
                name: zone.name.clone(),
                changes,
            });
        }
    }
    difference
}

impl Difference {
    /// One action for each zone.
    #[must_use]
    pub fn actions(
        &self,
        site: &SiteId,
        provider: DnsProvider,
        credential: Option<&SettingsName>,
        account: Option<&SettingsName>,
    ) -> Vec<DnsAction> {
        let action = |zone: &ZoneDifference| DnsAction {
            site: site.clone(),
            provider,
            credential: credential.cloned(),
            account: account.cloned(),
            zone_id: zone.id.clone(),
            zone: zone.name.clone(),
            changes: zone.changes.clone(),
        };
        self.zones.iter().map(action).collect()
    }
}
