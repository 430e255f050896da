//! What the types of DNS records hold.

use super::refusal::Refusal;
use super::shape::{Shape, must};
use serde_json::Value;
use std::net::{Ipv4Addr, Ipv6Addr};

/// How a type's content is given.
pub(crate) enum Form {
    /// By `content`.
    Content,
    /// By `content` and `priority`.
    Prioritised,
    /// By `data` of this form; the fields in their order make the content.
    Data(&'static Shape),
}

const BYTE: &Shape = &Shape::Number(0, 255);
const WORD: &Shape = &Shape::Number(0, 65_535);
const TEXT: &Shape = &Shape::Text;

const CAA: Form = Form::Data(&Shape::Object(&[
    must("flags", BYTE),
    must("tag", TEXT),
    must("value", TEXT),
]));

const SRV: Form = Form::Data(&Shape::Object(&[
    must("priority", WORD),
    must("weight", WORD),
    must("port", WORD),
    must("target", TEXT),
]));

const SERVICE: Form = Form::Data(&Shape::Object(&[
    must("priority", WORD),
    must("target", TEXT),
    must("value", TEXT),
]));

const TLSA: Form = Form::Data(&Shape::Object(&[
    must("usage", BYTE),
    must("selector", BYTE),
    must("matching_type", BYTE),
    must("certificate", TEXT),
]));

const SSHFP: Form = Form::Data(&Shape::Object(&[
    must("algorithm", BYTE),
    must("type", BYTE),
    must("fingerprint", TEXT),
]));

const DS: Form = Form::Data(&Shape::Object(&[
    must("key_tag", WORD),
    must("algorithm", BYTE),
    must("digest_type", BYTE),
    must("digest", TEXT),
]));

/// The form of a type; `None` for a type that the fake does not know.
pub(crate) fn form(kind: &str) -> Option<Form> {
    Some(match kind {
        "A" | "AAAA" | "CNAME" | "NS" | "PTR" | "TXT" => Form::Content,
        "MX" => Form::Prioritised,
        "CAA" => CAA,
        "SRV" => SRV,
        "HTTPS" | "SVCB" => SERVICE,
        "TLSA" => TLSA,
        "SSHFP" => SSHFP,
        "DS" => DS,
        _ => return None,
    })
}

/// Whether the proxy can stand before records of a type.
pub(crate) fn proxiable(kind: &str) -> bool {
    ["A", "AAAA", "CNAME"].contains(&kind)
}

/// The content that data stand for.
pub(crate) fn content(kind: &str, data: &Value) -> String {
    let fields = data.as_object().into_iter().flatten();
    let words = fields.map(|(name, value)| match value.as_str() {
        Some(text) if kind == "CAA" && name == "value" => format!("\"{text}\""),
        Some(text) => text.to_owned(),
        None => value.to_string(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Refuses content that a type cannot have.
pub(crate) fn check_content(kind: &str, name: &str, content: &str) -> Result<(), Refusal> {
    let refused = |code, what: &str| {
        let message = format!("Content for {kind} record is invalid. Must be {what}.");
        Err(Refusal::new(400, code, message))
    };
    match kind {
        "A" if content.parse::<Ipv4Addr>().is_err() => refused(9005, "a valid IPv4 address"),
        "AAAA" if content.parse::<Ipv6Addr>().is_err() => refused(9006, "a valid IPv6 address"),
        "CNAME" if content.trim_end_matches('.') == name => {
            refused(9039, "another name than the record's")
        }
        "CNAME" | "NS" | "MX" | "PTR" if !is_host(content) => refused(9007, "a hostname"),
        "TXT" if content.is_empty() || content.len() > 2_048 => {
            refused(9009, "text of 1 to 2,048 bytes")
        }
        _ => Ok(()),
    }
}

/// Whether a text can be the name of a host, or the root for a null MX.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        let inner = |it| matches!(it, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(inner)
    };
    let bare = name.strip_suffix('.').unwrap_or(name);
    name == "." || (bare.len() <= 253 && bare.split('.').all(label))
}
