//! The endpoints of DNS records.

use super::project::merge;
use super::record::Record;
use super::refusal::{self, Refusal};
use super::wire::{Answer, Request, Sizes};
use super::world::{World, Zone};
use serde_json::{Value, json};

/// The pages of a list of records; the most is the documented one of the API.
const SIZES: Sizes = Sizes {
    least: 1,
    most: 5_000_000,
    usual: 100,
    code: 6003,
};

const PARAMETERS: [&str; 16] = [
    "name",
    "name.exact",
    "type",
    "content",
    "content.exact",
    "proxied",
    "match",
    "comment",
    "comment.exact",
    "comment.contains",
    "comment.startswith",
    "comment.endswith",
    "page",
    "per_page",
    "order",
    "direction",
];

/// The endpoints below `dns_records`, but the batch.
pub(crate) fn answer(
    world: &mut World,
    request: &Request,
    zone: &str,
    rest: &[&str],
) -> Result<Answer, Refusal> {
    if let ("GET", []) = (request.method.as_str(), rest) {
        return list(&world.zones[zone], request);
    }
    request.only(&[])?;
    let mut editor = Editor::new(world, zone);
    let answer = match (request.method.as_str(), rest) {
        ("POST", []) => editor.post(&request.json()?)?,
        ("GET", [id]) => editor.find(id)?.view(),
        ("PUT", [id]) => editor.put(id, &request.json()?)?,
        ("PATCH", [id]) => editor.patch(id, &request.json()?)?,
        ("DELETE", [id]) => {
            editor.delete(id)?;
            json!({ "id": id })
        }
        _ => return Err(refusal::no_route(&request.path)),
    };
    editor.keep(world);
    Ok(Answer::result(answer))
}

fn list(zone: &Zone, request: &Request) -> Result<Answer, Refusal> {
    request.only(&PARAMETERS)?;
    if request.parameter("match").is_some_and(|it| it != "all") {
        return Err(refusal::bad_shape("the fake joins conditions only by all"));
    }
    let page = request.page(&SIZES)?;
    let found = zone
        .records
        .iter()
        .filter(|record| matches(record, request));
    Ok(Answer::list(found.map(Record::view).collect(), page))
}

fn matches(record: &Record, request: &Request) -> bool {
    let comment = record.comment.as_deref().unwrap_or_default().to_lowercase();
    let mut conditions = request.query.iter();
    conditions.all(|(name, value)| match name.as_str() {
        "name" | "name.exact" => record.name.eq_ignore_ascii_case(value),
        "type" => record.kind.eq_ignore_ascii_case(value),
        "content" | "content.exact" => record.content.eq_ignore_ascii_case(value),
        "proxied" => record.proxied.to_string() == *value,
        "comment" | "comment.exact" => comment == value.to_lowercase(),
        "comment.contains" => comment.contains(&value.to_lowercase()),
        "comment.startswith" => comment.starts_with(&value.to_lowercase()),
        "comment.endswith" => comment.ends_with(&value.to_lowercase()),
        _ => true,
    })
}

/// A copy of a zone that is changed, and kept only when all went well.
pub(crate) struct Editor {
    zone: Zone,
    ids: super::clock::Identifiers,
    now: String,
}

impl Editor {
    /// A copy of a zone.
    pub(crate) fn new(world: &World, zone: &str) -> Self {
        Self {
            zone: world.zones[zone].clone(),
            ids: world.ids,
            now: world.clock.stamp(),
        }
    }

    /// Makes the copy the zone.
    pub(crate) fn keep(self, world: &mut World) {
        world.ids = self.ids;
        world.zones.insert(self.zone.id.clone(), self.zone);
    }

    fn find(&self, id: &str) -> Result<&Record, Refusal> {
        let found = self.zone.records.iter().find(|record| record.id == id);
        found.ok_or_else(refusal::no_record)
    }

    /// Adds a record.
    pub(crate) fn post(&mut self, body: &Value) -> Result<Value, Refusal> {
        let record = Record::new(&self.zone, self.ids.short(), body, &self.now)?;
        record.check_beside(&self.zone.records)?;
        let view = record.view();
        self.zone.records.push(record);
        Ok(view)
    }

    /// Puts a record in the place of another one.
    pub(crate) fn put(&mut self, id: &str, body: &Value) -> Result<Value, Refusal> {
        let created_on = self.find(id)?.created_on.clone();
        let mut record = Record::new(&self.zone, id.to_owned(), body, &self.now)?;
        record.created_on = created_on;
        self.replace(record)
    }

    /// Changes some of a record's fields.
    pub(crate) fn patch(&mut self, id: &str, changes: &Value) -> Result<Value, Refusal> {
        let mut body = self.find(id)?.body();
        if changes.get("data").is_some() {
            body["data"] = Value::Null;
        }
        merge(&mut body, changes);
        self.put(id, &body)
    }

    fn replace(&mut self, record: Record) -> Result<Value, Refusal> {
        record.check_beside(&self.zone.records)?;
        let view = record.view();
        let mut records = self.zone.records.iter_mut();
        if let Some(place) = records.find(|it| it.id == record.id) {
            *place = record;
        }
        Ok(view)
    }

    /// Takes a record away.
    pub(crate) fn delete(&mut self, id: &str) -> Result<Value, Refusal> {
        let view = self.find(id)?.view();
        self.zone.records.retain(|record| record.id != id);
        Ok(view)
    }
}
