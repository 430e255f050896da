//! The DNS section of a message.

use crate::model::{
    DnsConfig, DnsDeletePolicy, DnsOwnership, DnsProvider, Domains, Fault, SettingsName,
};
use crate::records::{DeclaredSet, Name, Owner, ZoneRef, group};
use std::collections::BTreeSet;

/// The record sets to keep, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredDns {
    /// Who answers for the zone.
    pub provider: DnsProvider,
    /// The zone; `None` to find it by the sets' names.
    pub zone: Option<ZoneRef>,
    /// The credential; `None` for the provider's default one.
    pub credential: Option<SettingsName>,
    /// Which sets may be changed.
    pub ownership: DnsOwnership,
    /// What happens to owned sets that are no longer declared.
    pub delete_policy: DnsDeletePolicy,
    /// The sets, ordered by name and type.
    pub sets: Vec<DeclaredSet>,
}

impl DesiredDns {
    /// Checks the section; all faults are added.
    pub(super) fn from_config(
        dns: &DnsConfig,
        domains: Option<&Domains>,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let zone = match dns.zone.as_str() {
            "" => None,
            text => ZoneRef::parse(dns.provider, text)
                .map_err(|defect| faults.push(defect.at("dns.zoneId")))
                .ok(),
        };
        let sets = group(dns.provider, zone.as_ref(), &dns.records, faults);
        let apex = sets.iter().any(|set| set.owner == Owner::Apex);
        let named = sets.iter().any(|set| set.owner != Owner::Apex);
        if apex && !named && dns.zone.is_empty() && domains.is_none() {
            let message = "is required: no name tells which zone \"@\" is of";
            super::fault(faults, "missing", "dns.zoneId", message, None);
        }
        Self {
            provider: dns.provider,
            zone,
            credential: dns.credential.clone(),
            ownership: dns.ownership,
            delete_policy: dns.delete_policy,
            sets,
        }
    }

    /// The whole names of its sets, by which zones are found.
    #[must_use]
    pub fn names(&self) -> BTreeSet<Name> {
        let names = self.sets.iter().filter_map(|set| set.owner.name());
        names.cloned().collect()
    }
}
