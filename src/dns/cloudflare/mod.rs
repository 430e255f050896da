//! Zones at Cloudflare.
//!
//! A record carries the mark of its site in its comment. Changes go out together, in the order that Cloudflare
//! keeps within one batch: deletions, changes, additions, all or none of them.

mod changes;
mod wire;

use crate::dns::{DnsBackend, DnsScope};
use crate::edge::EdgeError;
use crate::edge::cloudflare::{Client, Cloudflare};
use crate::model::{Parse, SettingsName, SiteId};
use crate::observed::{Look, ObservedZone, OtherSet};
use crate::plan::dns::DnsAction;
use crate::records::{Name, ZoneRef};
use crate::release::Digest;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex as Shared, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use wire::{Known, Record, Zone};

/// Zones on a page of the list, the most there can be (the API's documentation of `per_page`).
const ZONES_PER_PAGE: usize = 50;

/// Records on a page of the list. Up to 5,000,000 may be asked for; this many make an answer of about 2 MB.
const RECORDS_PER_PAGE: usize = 5000;

/// How long a list is believed where a site is only looked at in passing.
const BELIEVED: Duration = Duration::from_secs(60);

/// DNS at Cloudflare. Clones share what was read.
#[derive(Clone)]
pub struct CloudflareDns {
    cloudflare: Cloudflare,
    zones: Arc<Cache<Digest, Vec<Zone>>>,
    records: Arc<Cache<String, Vec<Record>>>,
}

impl fmt::Debug for CloudflareDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudflareDns")
            .field("cloudflare", &self.cloudflare)
            .finish_non_exhaustive()
    }
}

/// Lists that were read a short time ago, each by one reader at a time.
struct Cache<K, V>(Shared<HashMap<K, Arc<Mutex<Read<V>>>>>);

/// A list and when it was asked for; `None` before it was.
type Read<V> = Option<(Instant, Arc<V>)>;

impl<K: Hash + Eq, V> Cache<K, V> {
    fn new() -> Self {
        Self(Shared::default())
    }

    /// The list, read by `read` when there is none or it is too old.
    async fn get(
        &self,
        key: K,
        age: Duration,
        read: impl AsyncFnOnce() -> Result<V, EdgeError>,
    ) -> Result<Arc<V>, EdgeError> {
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(key).or_default())
        };
        // Who comes meanwhile waits for the same list instead of reading it again.
        let asked = Instant::now();
        let mut place = place.lock().await;
        if let Some((read, list)) = &*place
            && (read.elapsed() < age || *read >= asked)
        {
            return Ok(Arc::clone(list));
        }
        let began = Instant::now();
        let list = Arc::new(read().await?);
        *place = Some((began, Arc::clone(&list)));
        Ok(list)
    }

    fn forget(&self, key: &K) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.remove(key);
    }
}

impl CloudflareDns {
    /// DNS at Cloudflare as the operator's settings reach it.
    #[must_use]
    pub fn new(cloudflare: Cloudflare) -> Self {
        Self {
            cloudflare,
            zones: Arc::new(Cache::new()),
            records: Arc::new(Cache::new()),
        }
    }

    /// Calls with the credential that a message names, or with the account's token.
    fn client(
        &self,
        credential: Option<&SettingsName>,
        account: Option<&SettingsName>,
    ) -> Result<Client, EdgeError> {
        let client = match credential {
            Some(credential) => self.cloudflare.client(credential),
            None => self
                .cloudflare
                .account(account)
                .map(|account| account.client),
        };
        client.map_err(|error| error.at("dns.credential"))
    }

    /// The zones that the scope's names lie in, or the one it names.
    async fn zones(&self, client: &Client, scope: &DnsScope) -> Result<Vec<Zone>, EdgeError> {
        if let Some(ZoneRef::Id(id)) = &scope.zone {
            return match client.get(&format!("/zones/{id}")).await {
                Ok(zone) => Ok(vec![zone]),
                Err(error) if error.status() == Some(404) => Ok(Vec::new()),
                Err(error) => Err(error.into()),
            };
        }
        let age = match scope.look {
            Look::Passing => BELIEVED,
            Look::Closely | Look::History => Duration::ZERO,
        };
        let key = client.token().digest("cloudflare zones");
        let all = self
            .zones
            .get(key, age, async || {
                Ok(client.list::<Zone>("/zones", ZONES_PER_PAGE).await?)
            })
            .await?;
        let by_name = |name: &str| all.iter().find(|zone| zone.name == name);
        let mut found: BTreeMap<&str, &Zone> = BTreeMap::new();
        match &scope.zone {
            Some(ZoneRef::Name(name)) => {
                found.extend(by_name(name.as_str()).map(|zone| (zone.id.as_str(), zone)));
            }
            Some(ZoneRef::Id(_)) | None => {
                for name in &scope.names {
                    let zone = name.and_parents().find_map(by_name);
                    found.extend(zone.map(|zone| (zone.id.as_str(), zone)));
                }
            }
        }
        Ok(found.into_values().cloned().collect())
    }

    /// The records of a zone.
    async fn list(
        &self,
        client: &Client,
        zone: &str,
        age: Duration,
    ) -> Result<Arc<Vec<Record>>, EdgeError> {
        let path = format!("/zones/{zone}/dns_records");
        self.records
            .get(zone.to_owned(), age, async || {
                Ok(client.list::<Record>(&path, RECORDS_PER_PAGE).await?)
            })
            .await
    }
}

/// The records that can be looked into, and the sets that cannot.
fn sorted(records: &[Record], site: &SiteId) -> (Vec<Known>, Vec<OtherSet>) {
    let (mut known, mut others) = (Vec::new(), Vec::new());
    for record in records {
        match record.known(site) {
            Ok(record) => known.push(record),
            Err(other) => others.extend(other),
        }
    }
    others.sort();
    others.dedup();
    (known, others)
}

impl DnsBackend for CloudflareDns {
    async fn observe(&self, scope: &DnsScope) -> Result<Vec<ObservedZone>, EdgeError> {
        let client = self.client(scope.credential.as_ref(), scope.account.as_ref())?;
        let mut observed = Vec::new();
        for zone in self.zones(&client, scope).await? {
            let age = match scope.look {
                Look::Passing => BELIEVED,
                Look::Closely | Look::History => Duration::ZERO,
            };
            let records = self.list(&client, &zone.id, age).await?;
            let (known, others) = sorted(&records, &scope.site);
            let name = Name::parse(&zone.name).map_err(|defect| {
                EdgeError::rejected(format!("zone {}: {}", zone.name, defect.message))
            })?;
            let sets = known.iter().map(Known::set);
            observed.push(ObservedZone::of(zone.id, name, sets).with_others(others));
        }
        Ok(observed)
    }

    async fn perform(&self, action: &DnsAction) -> Result<String, EdgeError> {
        let client = self.client(action.credential.as_ref(), action.account.as_ref())?;
        let done = self.change(&client, action).await;
        self.records.forget(&action.zone_id);
        done
    }
}
