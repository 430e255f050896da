//! Making changes: what is there is read first, so that doing it again does nothing, and what somebody else
//! changed meanwhile is not overwritten.

use super::wire::{Known, body};
use super::{CloudflareDns, sorted};
use crate::dns::Effect;
use crate::edge::EdgeError;
use crate::edge::cloudflare::{ApiError, Client, codes};
use crate::model::SiteId;
use crate::observed::{ObservedSet, ObservedZone};
use crate::plan::dns::{DnsAction, DnsChange};
use crate::records::{Name, RecordData, RecordKey, RecordSet};
use crate::words::count;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The most operations of one batch. Accounts may send different numbers; this many all may.
const BATCH: usize = 100;

/// Attempts where an answer was lost; each is preceded by a look.
const ATTEMPTS: usize = 3;

/// The records of a zone by set.
type Sets<'k> = BTreeMap<&'k RecordKey, Vec<&'k Known>>;

/// The calls that bring one set into the wanted state.
#[derive(Debug, Default)]
struct Operations {
    deletes: Vec<Value>,
    puts: Vec<Value>,
    posts: Vec<Value>,
}

impl Operations {
    fn len(&self) -> usize {
        self.deletes.len() + self.puts.len() + self.posts.len()
    }

    fn append(&mut self, mut other: Self) {
        self.deletes.append(&mut other.deletes);
        self.puts.append(&mut other.puts);
        self.posts.append(&mut other.posts);
    }

    fn batch(&self) -> Value {
        json!({ "deletes": self.deletes, "puts": self.puts, "posts": self.posts })
    }
}

impl CloudflareDns {
    /// Makes an action's changes.
    pub(super) async fn change(
        &self,
        client: &Client,
        action: &DnsAction,
    ) -> Result<String, EdgeError> {
        let mut attempt = 1;
        loop {
            let records = self.list(client, &action.zone_id, Duration::ZERO).await?;
            let (known, _) = sorted(&records, &action.site);
            let todo = todo(action, &by_set(&known))?;
            match send(client, action, todo).await {
                Ok(()) => return Ok(count(action.changes.len(), "record set")),
                Err(error) if lost(&error) && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(refused(error, action)),
            }
        }
    }
}

/// Whether what is there is to be read again: an answer was lost, or a record is there by now.
fn lost(error: &ApiError) -> bool {
    error.is_ambiguous()
        || codes::RECORD_EXISTS.iter().any(|code| error.has(*code))
        || error.has(codes::RECORD_NOT_FOUND)
}

fn refused(error: ApiError, action: &DnsAction) -> EdgeError {
    let error = EdgeError::from(error);
    EdgeError {
        message: format!("zone {}: {}", action.zone, error.message),
        ..error
    }
    .at("dns.records")
}

fn by_set(known: &[Known]) -> Sets<'_> {
    let mut sets = Sets::new();
    for record in known {
        sets.entry(&record.key).or_default().push(record);
    }
    sets
}

/// The operations that are left, change by change.
fn todo<'a>(
    action: &'a DnsAction,
    sets: &Sets<'_>,
) -> Result<Vec<(&'a DnsChange, Operations)>, EdgeError> {
    let mut todo = Vec::new();
    for change in &action.changes {
        let present = sets.get(change.key()).map_or(&[][..], Vec::as_slice);
        let whole = joined(present);
        let found = whole.as_ref().map(|found| (&found.set, &found.ownership));
        match Effect::of(change, found)? {
            Effect::Nothing => {}
            Effect::Remove => todo.push((change, removal(present))),
            Effect::Put(after) => todo.push((change, operations(&after, present, &action.site))),
        }
    }
    Ok(todo)
}

fn removal(present: &[&Known]) -> Operations {
    Operations {
        deletes: present.iter().map(|it| json!({ "id": it.id })).collect(),
        ..Operations::default()
    }
}

/// The operations that put a set in the place of what is there.
fn operations(after: &RecordSet, present: &[&Known], site: &SiteId) -> Operations {
    let mut operations = Operations::default();
    let mut missing: BTreeSet<&RecordData> = after.data.iter().collect();
    let mut spare = Vec::new();
    for record in present {
        if missing.remove(&record.data) {
            operations.puts.push(put(record, after, &record.data, site));
        } else {
            spare.push(*record);
        }
    }
    // A record that is not wanted any more becomes one that is: so there is no moment without either.
    let mut missing = missing.into_iter();
    for record in spare {
        match missing.next() {
            Some(data) => operations.puts.push(put(record, after, data, site)),
            None => operations.deletes.push(json!({ "id": record.id })),
        }
    }
    operations.posts = missing.map(|data| body(after, data, site)).collect();
    operations
}

fn put(record: &Known, after: &RecordSet, data: &RecordData, site: &SiteId) -> Value {
    let mut body = body(after, data, site);
    body["id"] = json!(record.id);
    body
}

/// The records of a set as one.
fn joined(present: &[&Known]) -> Option<ObservedSet> {
    let name = present.first()?.key.name.clone();
    let records = present.iter().map(|record| record.set());
    let zone = ObservedZone::of(String::new(), name, records);
    zone.sets.into_iter().next()
}

/// Sends operations in batches. Where a batch is refused, its changes are made one by one, so that one bad
/// record does not keep back the others; the first refusal is the error.
async fn send(
    client: &Client,
    action: &DnsAction,
    todo: Vec<(&DnsChange, Operations)>,
) -> Result<(), ApiError> {
    let path = format!("/zones/{}/dns_records/batch", action.zone_id);
    let mut refusal = None;
    for batch in batches(todo) {
        let mut whole = Operations::default();
        let single = batch.len() == 1;
        let mut parts = Vec::new();
        for operations in batch {
            parts.push(operations.batch());
            whole.append(operations);
        }
        match client
            .post::<serde::de::IgnoredAny>(&path, &whole.batch())
            .await
        {
            Ok(_) => {}
            Err(error) if lost(&error) || single => return Err(error),
            Err(_) => {
                for part in parts {
                    match client.post::<serde::de::IgnoredAny>(&path, &part).await {
                        Ok(_) => {}
                        Err(error) if lost(&error) => return Err(error),
                        Err(error) => refusal = refusal.or(Some(error)),
                    }
                }
            }
        }
    }
    refusal.map_or(Ok(()), Err)
}

/// Changes that go out together. What makes room goes with what takes it: changes of one name stay together.
fn batches(todo: Vec<(&DnsChange, Operations)>) -> Vec<Vec<Operations>> {
    let mut batches: Vec<(usize, Vec<Operations>)> = Vec::new();
    for name in grouped(todo) {
        let mut operations = Operations::default();
        for part in name {
            operations.append(part);
        }
        let size = operations.len();
        match batches.last_mut() {
            Some((length, batch)) if *length + size <= BATCH => {
                *length += size;
                batch.push(operations);
            }
            _ => batches.push((size, vec![operations])),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// The operations of each name together, in the order in which the names come first.
fn grouped(todo: Vec<(&DnsChange, Operations)>) -> Vec<Vec<Operations>> {
    let mut names: Vec<(&Name, Vec<Operations>)> = Vec::new();
    let mut places = BTreeMap::new();
    for (change, operations) in todo {
        let name = &change.key().name;
        let place = *places.entry(name).or_insert(names.len());
        match names.get_mut(place) {
            Some((_, there)) => there.push(operations),
            None => names.push((name, vec![operations])),
        }
    }
    names
        .into_iter()
        .map(|(_, operations)| operations)
        .collect()
}
