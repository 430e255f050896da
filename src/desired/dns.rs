//! The DNS section of a message.

use crate::model::{
    DnsConfig, DnsDeletePolicy, DnsOwnership, DnsProvider, Domains, Fault, HostingProvider,
    SettingsName,
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

/// How the account at a DNS provider is called that records are kept with: the one of the credential, or that of
/// the website; `None` where no service is asked.
#[must_use]
pub fn dns_service(
    provider: DnsProvider,
    credential: Option<&SettingsName>,
    account: Option<&SettingsName>,
) -> Option<String> {
    match (provider, credential) {
        (DnsProvider::Cloudflare, Some(credential)) => {
            Some(format!("cloudflare/credential {credential}"))
        }
        (DnsProvider::Cloudflare, None) => {
            let account = account.map_or("default", SettingsName::as_str);
            Some(format!("cloudflare/{account}"))
        }
        (
            DnsProvider::None | DnsProvider::Rfc2136 | DnsProvider::Powerdns | DnsProvider::Route53,
            _,
        ) => None,
    }
}

impl DesiredDns {
    /// The section of a site of which no message is known: where its hosting provider is a DNS provider as well,
    /// its records may be there.
    #[must_use]
    pub const fn usual(hosting: HostingProvider) -> Option<Self> {
        match hosting {
            HostingProvider::CloudflarePages => Some(Self {
                provider: DnsProvider::Cloudflare,
                zone: None,
                credential: None,
                ownership: DnsOwnership::Marked,
                delete_policy: DnsDeletePolicy::Delete,
                sets: Vec::new(),
            }),
            HostingProvider::LocalStatic
            | HostingProvider::S3Static
            | HostingProvider::CriomosHost => None,
        }
    }

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
        let needed = dns.provider != DnsProvider::None && dns.zone.is_empty();
        if apex && !named && needed && domains.is_none() {
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
