//! Records and zones as Cloudflare's API has them.

use crate::model::{DnsRecordType, Parse, SiteId, Ttl};
use crate::observed::{ObservedSet, OtherSet, Ownership};
use crate::records::{Name, RecordData, RecordKey, RecordSet, type_name};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// The TTL that stands for "automatic" (the API's documentation of a record's `ttl`).
const AUTOMATIC: u32 = 1;

/// The beginning of a comment that marks a record as a site's.
const MARK: &str = "mycelia-spore site=";

/// The types that this program keeps.
const KINDS: [DnsRecordType; 8] = [
    DnsRecordType::A,
    DnsRecordType::Aaaa,
    DnsRecordType::Cname,
    DnsRecordType::Txt,
    DnsRecordType::Mx,
    DnsRecordType::Caa,
    DnsRecordType::Srv,
    DnsRecordType::Ns,
];

/// A zone.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) name: String,
}

/// A record.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    ttl: u32,
    #[serde(default, deserialize_with = "or_default")]
    proxied: bool,
    #[serde(default, deserialize_with = "or_default")]
    comment: String,
    #[serde(default)]
    priority: Option<u16>,
    #[serde(default, deserialize_with = "or_default")]
    data: Map<String, Value>,
}

/// A record that can be looked into.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) key: RecordKey,
    pub(super) data: RecordData,
    pub(super) ttl: Ttl,
    pub(super) proxied: bool,
    pub(super) ownership: Ownership,
}

impl Record {
    /// The record's typed form; as what it is in the way, where it has none.
    pub(super) fn known(&self, site: &SiteId) -> Result<Known, Option<OtherSet>> {
        let name = Name::parse(&self.name).map_err(|_| None)?;
        let other = |name: &Name| {
            Some(OtherSet {
                name: name.clone(),
                kind: self.kind.clone(),
            })
        };
        let kind = KINDS.into_iter().find(|kind| type_name(*kind) == self.kind);
        let kind = kind.ok_or_else(|| other(&name))?;
        let data = RecordData::parse(kind, &self.value(kind)).map_err(|_| other(&name))?;
        Ok(Known {
            id: self.id.clone(),
            key: RecordKey { name, kind },
            data,
            ttl: match self.ttl {
                AUTOMATIC => Ttl::Automatic,
                seconds => Ttl::Seconds(seconds),
            },
            proxied: self.proxied,
            ownership: ownership(&self.comment, site),
        })
    }

    /// The record's data as in a zone file. Types of several fields come apart in `data`, and MX with its
    /// preference beside the rest.
    fn value(&self, kind: DnsRecordType) -> String {
        let field = |name: &str| match self.data.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let fields = |names: &[&str]| {
            let fields: Option<Vec<String>> = names.iter().map(|name| field(name)).collect();
            fields.map(|fields| fields.join(" "))
        };
        let whole = match kind {
            DnsRecordType::Mx => {
                let preference = self.priority;
                preference.map(|preference| format!("{preference} {}", self.content))
            }
            DnsRecordType::Srv => fields(&["priority", "weight", "port", "target"]),
            DnsRecordType::Caa => field("value").and_then(|value| {
                let rest = fields(&["flags", "tag"])?;
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                Some(format!("{rest} \"{value}\""))
            }),
            DnsRecordType::A
            | DnsRecordType::Aaaa
            | DnsRecordType::Cname
            | DnsRecordType::Txt
            | DnsRecordType::Ns => None,
        };
        whole.unwrap_or_else(|| self.content.clone())
    }
}

impl Known {
    /// The record as a set of its own.
    pub(super) fn set(&self) -> ObservedSet {
        ObservedSet {
            set: RecordSet {
                key: self.key.clone(),
                ttl: self.ttl,
                proxied: self.proxied,
                data: [self.data.clone()].into(),
            },
            ownership: self.ownership.clone(),
        }
    }
}

/// Whose a record is, as its comment tells.
fn ownership(comment: &str, site: &SiteId) -> Ownership {
    let owner = comment
        .strip_prefix(MARK)
        .and_then(|rest| rest.split_whitespace().next());
    match owner {
        None => Ownership::Unmarked,
        Some(owner) if owner == site.as_str() => Ownership::Ours,
        Some(owner) => Ownership::Foreign {
            owner: format!("site {owner}"),
        },
    }
}

/// The body that makes a record or replaces one.
pub(super) fn body(set: &RecordSet, data: &RecordData, site: &SiteId) -> Value {
    let mut body = json!({
        "name": set.key.name.as_str(),
        "type": type_name(set.key.kind),
        "ttl": match set.ttl {
            // What is proxied has no TTL of its own.
            _ if set.proxied => AUTOMATIC,
            Ttl::Default | Ttl::Automatic => AUTOMATIC,
            Ttl::Seconds(seconds) => seconds,
        },
        "comment": format!("{MARK}{site}"),
    });
    let (field, value) = match data {
        RecordData::A(address) => ("content", json!(address.to_string())),
        RecordData::Aaaa(address) => ("content", json!(address.to_string())),
        RecordData::Cname(name) | RecordData::Ns(name) => ("content", json!(name.as_str())),
        RecordData::Txt(_) => ("content", json!(data.to_string())),
        RecordData::Mx {
            preference,
            exchange,
        } => {
            body["priority"] = json!(preference);
            let exchange = exchange.as_ref().map_or(".", Name::as_str);
            ("content", json!(exchange))
        }
        RecordData::Srv {
            priority,
            weight,
            port,
            target,
        } => {
            let target = target.as_ref().map_or(".", Name::as_str);
            (
                "data",
                json!({ "priority": priority, "weight": weight, "port": port, "target": target }),
            )
        }
        RecordData::Caa { flags, tag, value } => (
            "data",
            json!({ "flags": flags, "tag": tag, "value": String::from_utf8_lossy(value.as_ref()) }),
        ),
    };
    body[field] = value;
    if matches!(
        set.key.kind,
        DnsRecordType::A | DnsRecordType::Aaaa | DnsRecordType::Cname
    ) {
        body["proxied"] = json!(set.proxied);
    }
    body
}

/// What may be `null` where a value is expected.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
