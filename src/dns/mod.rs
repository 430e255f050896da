//! DNS providers: who answers for a zone. One backend for each [`DnsProvider`], all with one interface.

pub mod cloudflare;
pub mod memory;

use crate::desired::dns_service;
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::model::{DnsProvider, SettingsName, SiteId};
use crate::observed::{Look, ObservedZone, Ownership};
use crate::plan::dns::{DnsAction, DnsChange};
use crate::records::{Name, RecordKey, RecordSet, ZoneRef};
use crate::schema::enumerant_name;
use cloudflare::CloudflareDns;
use std::collections::BTreeSet;

/// Where to look, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsScope {
    /// The site: whose mark counts as ours.
    pub site: SiteId,
    /// The provider.
    pub provider: DnsProvider,
    /// The zone; `None` for those with the longest names that end `names`.
    pub zone: Option<ZoneRef>,
    /// The credential; `None` for the provider's default one.
    pub credential: Option<SettingsName>,
    /// The account of the hosting provider, whose credential is the default one where both are the same
    /// company's.
    pub account: Option<SettingsName>,
    /// The names that sets are wanted under.
    pub names: BTreeSet<Name>,
    /// How closely to look.
    pub look: Look,
}

/// All that a DNS backend must do. It observes and performs; it never decides.
pub trait DnsBackend {
    /// The zones of a scope with all their sets. A zone that is not there is left out.
    ///
    /// # Errors
    /// The provider cannot be asked.
    fn observe(
        &self,
        scope: &DnsScope,
    ) -> impl Future<Output = Result<Vec<ObservedZone>, EdgeError>> + Send;

    /// Makes the changes of one zone and marks what it makes as the site's. Gives what was done, for people.
    ///
    /// Before a set is changed it is looked at again. One that is as it should be by now is left, so doing it
    /// again changes nothing more.
    ///
    /// # Errors
    /// A set is neither as it was planned for nor as it should be
    /// ([`Conflict`](EdgeErrorKind::Conflict)), or the provider said no. What was changed before stays.
    fn perform(&self, action: &DnsAction)
    -> impl Future<Output = Result<String, EdgeError>> + Send;
}

/// What a change comes to, given what is there when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It has been made already.
    Nothing,
    /// This set must be put in the place of what is there, and marked.
    Put(RecordSet),
    /// What is there must go.
    Remove,
}

impl Effect {
    /// Compares what is there with what the change was planned for: the check that every backend makes just
    /// before it changes a set. `found` is the set of the change's key, if there is one.
    ///
    /// # Errors
    /// [`Conflict`](EdgeErrorKind::Conflict): somebody changed the set since, or it is not this site's to
    /// change. [`Rejected`](EdgeErrorKind::Rejected): the address of the hosting project is not known.
    pub fn of(
        change: &DnsChange,
        found: Option<(&RecordSet, &Ownership)>,
    ) -> Result<Self, EdgeError> {
        let ours = found.is_some_and(|(_, ownership)| *ownership == Ownership::Ours);
        let after = match change.after() {
            None => None,
            Some(after) => Some(
                after
                    .resolved(None)
                    .ok_or_else(|| EdgeError::rejected(format!("{after} is not known yet")))?,
            ),
        };
        let found_set = found.map(|(set, _)| set);
        if found_set == after.as_ref() && (ours || found.is_none()) {
            return Ok(Self::Nothing);
        }
        let allowed = match (change, found) {
            (DnsChange::Create(_), None) => true,
            (DnsChange::Update { adopt, .. }, Some((_, Ownership::Unmarked))) => *adopt,
            (DnsChange::Update { .. } | DnsChange::Delete(_), Some(_)) => ours,
            (DnsChange::Create(_), Some(_))
            | (DnsChange::Update { .. } | DnsChange::Delete(_), None) => false,
        };
        if !allowed || found_set != change.before() {
            return Err(changed_since(change.key(), found));
        }
        Ok(after.map_or(Self::Remove, Self::Put))
    }
}

/// The conflict with somebody who changed a set at the same time.
fn changed_since(key: &RecordKey, found: Option<(&RecordSet, &Ownership)>) -> EdgeError {
    let now = match found {
        None => "is gone".into(),
        Some((_, Ownership::Foreign { owner })) => format!("belongs to {owner}"),
        Some((set, Ownership::Unmarked)) => format!("is now {set}, and carries no mark"),
        Some((set, Ownership::Ours)) => format!("is now {set}"),
    };
    EdgeError::new(
        EdgeErrorKind::Conflict,
        format!("{key} {now}: somebody changed it since it was looked at"),
    )
    .at("dns.records")
    .hint("send the message again: it is planned with what is there now")
}

/// The DNS backends of this daemon.
#[derive(Clone, Debug)]
pub struct DnsBackends {
    /// Cloudflare.
    pub cloudflare: CloudflareDns,
}

impl DnsBackends {
    /// Whether records are kept at this provider.
    #[must_use]
    pub const fn keep(provider: DnsProvider) -> bool {
        match provider {
            DnsProvider::Cloudflare => true,
            DnsProvider::None
            | DnsProvider::Rfc2136
            | DnsProvider::Powerdns
            | DnsProvider::Route53 => false,
        }
    }
}

impl DnsBackend for DnsBackends {
    async fn observe(&self, scope: &DnsScope) -> Result<Vec<ObservedZone>, EdgeError> {
        let observed = match scope.provider {
            DnsProvider::Cloudflare => self.cloudflare.observe(scope).await,
            DnsProvider::None => Ok(Vec::new()),
            DnsProvider::Rfc2136 | DnsProvider::Powerdns | DnsProvider::Route53 => {
                Err(missing(scope.provider))
            }
        };
        let (credential, account) = (scope.credential.as_ref(), scope.account.as_ref());
        let service = || dns_service(scope.provider, credential, account);
        observed.map_err(|error| error.of_account(service()))
    }

    async fn perform(&self, action: &DnsAction) -> Result<String, EdgeError> {
        let done = match action.provider {
            DnsProvider::Cloudflare => self.cloudflare.perform(action).await,
            DnsProvider::None
            | DnsProvider::Rfc2136
            | DnsProvider::Powerdns
            | DnsProvider::Route53 => Err(missing(action.provider)),
        };
        let (credential, account) = (action.credential.as_ref(), action.account.as_ref());
        let service = || dns_service(action.provider, credential, account);
        done.map_err(|error| error.of_account(service()))
    }
}

/// Says that a provider's backend is missing.
fn missing(provider: DnsProvider) -> EdgeError {
    EdgeError::unsupported(format!(
        "dns.provider = {} is not supported by this version",
        enumerant_name(provider)
    ))
    .at("dns.provider")
    .hint("with dns.provider = none the records are listed for a person to enter")
}
