//! A DNS record, and the rules that it keeps to.

use super::record_types::{self, Form};
use super::refusal::{self, Refusal};
use super::shape::{Field, Shape, may, must};
use super::world::Zone;
use serde_json::{Value, json};

/// The longest comment, in characters: <https://developers.cloudflare.com/dns/manage-dns-records/reference/record-attributes/>.
const COMMENT: usize = 100;

const TEXT: &Shape = &Shape::Text;

const FIELDS: [Field; 9] = [
    must("type", TEXT),
    must("name", TEXT),
    may("content", TEXT),
    may("data", &Shape::Map(&Shape::Any)),
    may("priority", &Shape::Number(0, 65_535)),
    may("ttl", &Shape::Number(1, i64::MAX)),
    may("proxied", &Shape::Bool),
    may("comment", &Shape::Nullable(TEXT)),
    may("tags", &Shape::List(TEXT)),
];

/// A record as POST and PUT bring it.
const RECORD: &Shape = &Shape::Object(&FIELDS);

/// A DNS record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: String,
    /// The type, in upper case.
    pub(crate) kind: String,
    /// The whole name in lower case, without a closing dot.
    pub(crate) name: String,
    pub(crate) content: String,
    /// What the content is made of, for types that are given by their parts.
    pub(crate) data: Option<Value>,
    pub(crate) priority: Option<u64>,
    /// In seconds; 1 stands for automatic.
    pub(crate) ttl: u64,
    pub(crate) proxied: bool,
    pub(crate) comment: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) created_on: String,
    pub(crate) modified_on: String,
}

impl Record {
    /// The record that a body describes; what it leaves out has its usual value.
    pub(crate) fn new(zone: &Zone, id: String, body: &Value, now: &str) -> Result<Self, Refusal> {
        RECORD.check(body)?;
        let kind = body["type"].as_str().unwrap_or_default().to_owned();
        let name = full_name(body["name"].as_str().unwrap_or_default(), &zone.name)?;
        let (content, data, priority) = held(&kind, &name, body)?;
        let proxied = body["proxied"] == true;
        if proxied && !record_types::proxiable(&kind) {
            let message = format!("The record type {kind} cannot be proxied.");
            return Err(Refusal::new(400, 9004, message));
        }
        let tags = body["tags"].as_array().into_iter().flatten();
        let record = Self {
            id,
            kind,
            name,
            content,
            data,
            priority,
            ttl: ttl(zone, body["ttl"].as_u64().unwrap_or(1), proxied)?,
            proxied,
            comment: body["comment"]
                .as_str()
                .filter(|it| !it.is_empty())
                .map(Into::into),
            tags: tags.filter_map(Value::as_str).map(Into::into).collect(),
            created_on: now.to_owned(),
            modified_on: now.to_owned(),
        };
        record.check_notes()?;
        Ok(record)
    }

    /// The body that describes this record, for changes to be laid over.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({
            "type": self.kind,
            "name": self.name,
            "ttl": self.ttl,
            "proxied": self.proxied,
            "comment": self.comment,
            "tags": self.tags,
        });
        match &self.data {
            Some(data) => body["data"] = data.clone(),
            None => body["content"] = self.content.as_str().into(),
        }
        if let (Some(priority), None) = (self.priority, &self.data) {
            body["priority"] = priority.into();
        }
        body
    }

    fn check_notes(&self) -> Result<(), Refusal> {
        let comment = self.comment.as_deref().unwrap_or_default();
        if comment.chars().count() > COMMENT {
            let message = format!("Comments may be up to {COMMENT} characters long.");
            return Err(Refusal::new(400, 9300, message));
        }
        let tag = |tag: &&String| {
            let name = tag.split(':').next().unwrap_or_default();
            let inner = |it: u8| it.is_ascii_alphanumeric() || it == b'_' || it == b'-';
            name.is_empty() || !name.bytes().all(inner)
        };
        match self.tags.iter().find(tag) {
            None => Ok(()),
            Some(bad) => Err(refusal::bad_shape(&format!("{bad:?} is no tag"))),
        }
    }

    /// Refuses the record beside those that the zone has.
    pub(crate) fn check_beside(&self, records: &[Self]) -> Result<(), Refusal> {
        let others = records
            .iter()
            .filter(|it| it.id != self.id && it.name == self.name);
        let others: Vec<&Self> = others.collect();
        let same = |other: &&&Self| {
            other.kind == self.kind
                && other.content == self.content
                && other.priority == self.priority
        };
        if let Some(other) = others.iter().find(same) {
            return Err(self.exists_already(other));
        }
        let mut refusals = others.iter().filter_map(|other| self.excluded_by(other));
        refusals.next().map_or(Ok(()), Err)
    }

    /// Why another record of the name leaves no room for this one.
    fn excluded_by(&self, other: &Self) -> Option<Refusal> {
        let (code, message) = match (self.kind.as_str(), other.kind.as_str()) {
            ("CNAME", "A" | "AAAA" | "CNAME") => (
                81053,
                "An A, AAAA, or CNAME record with that host already exists.",
            ),
            ("A" | "AAAA", "CNAME") => (81054, "A CNAME record with that host already exists."),
            ("NS", "NS") => return None,
            ("NS", _) | (_, "NS") => (
                81056,
                "NS records cannot stand beside records of other types.",
            ),
            _ => return None,
        };
        Some(Refusal::new(400, code, message))
    }

    fn exists_already(&self, other: &Self) -> Refusal {
        let alike = self.ttl == other.ttl
            && self.proxied == other.proxied
            && self.comment == other.comment
            && self.tags == other.tags;
        if alike {
            Refusal::new(400, 81058, "An identical record already exists.")
        } else {
            Refusal::new(400, 81057, "The record already exists.")
        }
    }

    /// The record as answers show it.
    pub(crate) fn view(&self) -> Value {
        let mut view = json!({
            "id": self.id,
            "name": self.name,
            "type": self.kind,
            "content": self.content,
            "proxiable": record_types::proxiable(&self.kind),
            "proxied": self.proxied,
            "ttl": self.ttl,
            "settings": {},
            "meta": {},
            "comment": self.comment,
            "tags": self.tags,
            "created_on": self.created_on,
            "modified_on": self.modified_on,
        });
        if let Some(priority) = self.priority {
            view["priority"] = priority.into();
        }
        if let Some(data) = &self.data {
            view["data"] = data.clone();
        }
        view
    }
}

/// The whole name of a record, whose name may be given without the zone's.
fn full_name(name: &str, zone: &str) -> Result<String, Refusal> {
    let name = name.to_ascii_lowercase();
    let bare = name.strip_suffix('.').unwrap_or(&name);
    let full = match bare {
        "@" => zone.to_owned(),
        _ if bare == zone || bare.ends_with(&format!(".{zone}")) => bare.to_owned(),
        _ => format!("{bare}.{zone}"),
    };
    let label = |label: &str| {
        let inner = |it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(inner)
    };
    let rest = full.strip_prefix("*.").unwrap_or(&full);
    if full.len() > 253 || !rest.split('.').all(label) {
        return Err(Refusal::new(400, 9000, "DNS name is invalid."));
    }
    Ok(full)
}

type Held = (String, Option<Value>, Option<u64>);

/// The content of a body, its parts and its priority.
fn held(kind: &str, name: &str, body: &Value) -> Result<Held, Refusal> {
    let form = record_types::form(kind)
        .ok_or_else(|| refusal::bad_shape(&format!("the fake knows no records of type {kind}")))?;
    let lacks = |field: &str| refusal::bad_shape(&format!("a {kind} record lacks {field}"));
    let has_not = |field: &str| match body.get(field) {
        None => Ok(()),
        Some(_) => Err(refusal::bad_shape(&format!(
            "a {kind} record has no {field}"
        ))),
    };
    let priority = body["priority"].as_u64();
    if let Form::Data(shape) = form {
        has_not("content")?;
        has_not("priority")?;
        let data = body.get("data").ok_or_else(|| lacks("data"))?;
        shape.check(data)?;
        let data = shape.in_order(data);
        let content = record_types::content(kind, &data);
        let priority = data["priority"].as_u64();
        return Ok((content, Some(data), priority));
    }
    has_not("data")?;
    match form {
        Form::Prioritised if priority.is_none() => return Err(lacks("priority")),
        Form::Prioritised => {}
        _ => has_not("priority")?,
    }
    let content = body["content"].as_str().ok_or_else(|| lacks("content"))?;
    record_types::check_content(kind, name, content)?;
    Ok((content.to_owned(), None, priority))
}

/// The time to live that a record gets.
fn ttl(zone: &Zone, ttl: u64, proxied: bool) -> Result<u64, Refusal> {
    let least = if zone.enterprise { 30 } else { 60 };
    if ttl != 1 && !(least..=86_400).contains(&ttl) {
        let message =
            format!("Invalid TTL. Must be between {least} and 86,400 seconds, or 1 for Automatic.");
        return Err(Refusal::new(400, 9021, message));
    }
    Ok(if proxied { 1 } else { ttl })
}
