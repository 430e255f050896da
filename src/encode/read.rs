//! From JSON, YAML and TOML to documents.

use super::document::{Document, Unquoted};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;
use std::marker::PhantomData;
use thiserror::Error;

/// How deep YAML may be nested. The schema needs 8; JSON and TOML are bounded by their parsers (128 and 80).
const YAML_DEPTH: usize = 32;

/// How deep YAML aliases may lead to aliases, and how many parts they may stand for in all. Both together bound
/// what a small text can grow to.
const YAML_ALIAS_DEPTH: usize = 8;
const YAML_ALIAS_PARTS: usize = 250_000;

/// How many parts a YAML text may have. A full `dns` section of 1,000 records has 10,000.
const YAML_NODES: usize = 1_000_000;

/// The key under which the `toml` crate hands on a date or time.
const TOML_DATE: &str = "$__toml_private_datetime";

/// A text that is not of its form.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{message}", place(*line, *column))]
pub struct SyntaxError {
    /// The line, from 1; 0 when it is not known.
    pub line: usize,
    /// The column in characters, from 1; 0 when it is not known.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

fn place(line: usize, column: usize) -> String {
    if line == 0 {
        return String::new();
    }
    format!("line {line}, column {column}: ")
}

impl SyntaxError {
    /// An error at a byte of the text.
    fn at(text: &str, byte: usize, message: impl Into<String>) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            message: message.into(),
        }
    }

    fn json(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let whole = error.to_string();
        let told = format!(" at line {line} column {column}");
        Self {
            line,
            column: column.max(1),
            message: whole.strip_suffix(&told).unwrap_or(&whole).to_owned(),
        }
    }

    fn yaml(error: &serde_saphyr::Error) -> Self {
        let place = error.location();
        let known = |number: u64| usize::try_from(number).unwrap_or_default();
        let whole = error.without_snippet().to_string();
        // The library ends its messages with the place, which is given apart here, or with advice to programmers.
        let end = [" at line ", ", set DuplicateKeyPolicy"].map(|end| whole.find(end));
        let end = end.into_iter().flatten().min().unwrap_or(whole.len());
        let bounded = ["budget breached", "limit exceeded", "limits breached"];
        let message = if bounded.iter().any(|bound| whole.contains(bound)) {
            // The limits themselves would tell a writer nothing.
            "too much text, or anchors that multiply it beyond measure"
        } else {
            &whole[..end]
        };
        Self {
            line: place.map_or(0, |place| known(place.line())),
            column: place.map_or(0, |place| known(place.column())),
            message: message.to_owned(),
        }
    }
}

/// The text of bytes, less a byte order mark.
///
/// # Errors
/// The bytes are not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, SyntaxError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let good = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            Err(SyntaxError::at(good, good.len(), "not UTF-8"))
        }
    }
}

/// The documents of a JSON text: one object, several one after another (as in JSON Lines), or an array of
/// objects.
///
/// # Errors
/// The text is not JSON.
pub fn json(text: &str) -> Result<Vec<Document>, SyntaxError> {
    let mut documents = Vec::new();
    for node in serde_json::Deserializer::from_str(text).into_iter::<Node>() {
        match node.map_err(|error| SyntaxError::json(&error))?.document() {
            Document::List(list) => documents.extend(list),
            document => documents.push(document),
        }
    }
    Ok(documents)
}

/// The documents of a YAML text: one, or several between `---`.
///
/// # Errors
/// The text is not YAML, a key stands twice, or the text is too large or multiplied by aliases.
pub fn yaml(text: &str) -> Result<Vec<Document>, SyntaxError> {
    let nodes: Vec<YamlNode> = serde_saphyr::from_multiple_with_options(text, yaml_options())
        .map_err(|error| SyntaxError::yaml(&error))?;
    Ok(nodes.into_iter().map(|node| node.document(text)).collect())
}

fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: YAML_DEPTH,
            max_nodes: YAML_NODES,
            max_events: 2 * YAML_NODES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: YAML_ALIAS_PARTS,
            max_replay_stack_depth: YAML_ALIAS_DEPTH,
        },
        // YAML 1.2: `no`, `on` and `y` are texts.
        strict_booleans: true,
        // `!!binary` says that base64 follows, which a field for bytes reads by itself.
        ignore_binary_tag_for_string: true,
        // A commit such as 12e4567... would otherwise be refused as an infinite number.
        reject_non_finite_typeless_float: false,
        with_snippet: false,
    }
}

/// The document of a TOML text.
///
/// # Errors
/// The text is not TOML, or a key stands twice.
pub fn toml(text: &str) -> Result<Vec<Document>, SyntaxError> {
    match toml::from_str::<Node>(text) {
        Ok(node) => Ok(vec![node.document()]),
        Err(error) => {
            let byte = error.span().map_or(0, |span| span.start);
            Err(SyntaxError::at(text, byte, error.message()))
        }
    }
}

/// A value of any of the three forms, its parts read as `P`.
enum Raw<P> {
    Scalar(Document),
    List(Vec<P>),
    Map(Vec<(String, P)>),
}

impl<P> Raw<P> {
    fn document(self, part: impl Fn(P) -> Document) -> Document {
        match self {
            Self::Scalar(scalar) => scalar,
            Self::List(list) => Document::List(list.into_iter().map(part).collect()),
            Self::Map(map) => Document::Map(
                map.into_iter()
                    .map(|(key, value)| (key, part(value)))
                    .collect(),
            ),
        }
    }
}

/// A value of JSON or TOML.
struct Node(Raw<Self>);

impl Node {
    fn document(self) -> Document {
        match self.0 {
            Raw::Map(mut map) if map.len() == 1 && map[0].0 == TOML_DATE => map
                .pop()
                .map_or(Document::Null, |(_, date)| date.document()),
            raw => raw.document(Self::document),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Raw::deserialize(deserializer).map(Self)
    }
}

/// A value of YAML and where it stands, so that unquoted values can be taken as they were written.
struct YamlNode(Spanned<Raw<Self>>);

impl YamlNode {
    fn document(self, text: &str) -> Document {
        let span = self.0.defined.span();
        match self.0.value {
            Raw::Scalar(scalar) => as_written(scalar, slice(text, span).unwrap_or_default()),
            raw => raw.document(|part: Self| part.document(text)),
        }
    }
}

/// The characters at a place of the text.
fn slice(text: &str, span: serde_saphyr::Span) -> Option<&str> {
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let len = usize::try_from(span.byte_len()?).ok()?;
    Some(text.get(start..start.checked_add(len)?)?.trim())
}

/// Keeps what the author wrote of a value that YAML reads as something other than text.
fn as_written(scalar: Document, written: &str) -> Document {
    match scalar {
        Document::Bool(_) | Document::Integer(_) | Document::Float(_) if !written.is_empty() => {
            Document::Unquoted(Box::new(Unquoted {
                written: written.to_owned(),
                value: scalar,
            }))
        }
        // What is no finite number comes as one of these texts, whatever was written.
        Document::Text(text)
            if matches!(text.as_str(), ".inf" | "-.inf" | ".nan")
                && !written.is_empty()
                && !written.starts_with(['"', '\'', '|', '>']) =>
        {
            Document::Text(written.to_owned())
        }
        other => other,
    }
}

impl<'de> Deserialize<'de> for YamlNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de, P: Deserialize<'de>> Deserialize<'de> for Raw<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor(PhantomData))
    }
}

struct RawVisitor<P>(PhantomData<P>);

impl<'de, P: Deserialize<'de>> Visitor<'de> for RawVisitor<P> {
    type Value = Raw<P>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw<P>, E> {
        Ok(Raw::Scalar(Document::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw<P>, E> {
        Ok(Raw::Scalar(Document::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw<P>, E> {
        Ok(Raw::Scalar(Document::Integer(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw<P>, E> {
        Ok(Raw::Scalar(Document::Integer(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw<P>, E> {
        Ok(Raw::Scalar(Document::Float(value)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw<P>, E> {
        Ok(Raw::Scalar(Document::Text(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Raw<P>, E> {
        Ok(Raw::Scalar(Document::Text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw<P>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Raw::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw<P>, A::Error> {
        let mut values = Vec::new();
        while let Some(entry) = map.next_entry()? {
            values.push(entry);
        }
        Ok(Raw::Map(values))
    }
}

#[cfg(test)]
mod tests;
