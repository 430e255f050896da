//! Values that are neither struct nor list.

use super::document::Document;
use super::suggest::suggestion;
use crate::model::Defect;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use capnp::dynamic_value::{self, Reader};
use capnp::introspect::{Type, TypeVariant};
use capnp::schema::EnumSchema;

/// Base64 (RFC 4648 section 4), its padding optional.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The largest whole number up to which floats hold every one: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value, ready for a message.
pub(super) enum Scalar<'d> {
    Plain(Reader<'static>),
    Text(&'d str),
    Data(Vec<u8>),
}

impl Scalar<'_> {
    /// Hands the value to `set`.
    pub(super) fn with<T>(self, set: impl FnOnce(Reader<'_>) -> T) -> T {
        match self {
            Self::Plain(value) => set(value),
            Self::Text(text) => set(Reader::Text(text.into())),
            Self::Data(bytes) => set(Reader::Data(&bytes)),
        }
    }
}

/// Reads a value as the schema types it.
pub(super) fn read(kind: Type, document: &Document) -> Result<Scalar<'_>, Defect> {
    match kind.which() {
        TypeVariant::Void => match document.value() {
            Document::Null | Document::Bool(true) => Ok(Scalar::Plain(Reader::Void)),
            _ => Err(wrong("null or true", document)),
        },
        TypeVariant::Bool => boolean(document),
        TypeVariant::Text => document.text().map(Scalar::Text).ok_or_else(|| {
            let wrong = wrong("a text", document);
            match document {
                Document::Bool(_) | Document::Integer(_) | Document::Float(_) => {
                    wrong.hint("put it in quotes")
                }
                _ => wrong,
            }
        }),
        TypeVariant::Data => data(document)
            .map(Scalar::Data)
            .ok_or_else(|| wrong("base64 text or a list of bytes (0 to 255)", document)),
        TypeVariant::Enum(schema) => enumerant(schema.into(), document),
        TypeVariant::Float32 | TypeVariant::Float64 => float(kind, document),
        _ => integer(kind, document),
    }
}

fn wrong(expected: &str, found: &Document) -> Defect {
    Defect::new(
        "wrong-type",
        format!("{expected} is expected here, not {found}"),
    )
}

fn boolean(document: &Document) -> Result<Scalar<'_>, Defect> {
    if let Document::Bool(value) = document.value() {
        return Ok(Scalar::Plain(Reader::Bool(*value)));
    }
    let wrong = wrong("true or false", document);
    Err(match document {
        Document::Text(_) => wrong.hint("write true or false, without quotes"),
        _ => wrong,
    })
}

fn enumerant(schema: EnumSchema, document: &Document) -> Result<Scalar<'_>, Defect> {
    let names = enumerant_names(schema);
    let Some(name) = document.text() else {
        return Err(wrong("the name of a choice", document)
            .hint(format!("write one of {}", names.join(", "))));
    };
    let numbered = (0u16..).zip(&names);
    let Some((number, _)) = numbered.into_iter().find(|(_, known)| **known == name) else {
        let mut defect = Defect::new("enum-unknown", format!("there is no choice {name:?}"));
        defect.hint = suggestion(name, &names);
        return Err(defect);
    };
    let value = dynamic_value::Enum::new(number, schema);
    Ok(Scalar::Plain(Reader::Enum(value)))
}

fn enumerant_names(schema: EnumSchema) -> Vec<&'static str> {
    let enumerants = schema.get_enumerants().ok();
    enumerants
        .into_iter()
        .flatten()
        .filter_map(|enumerant| enumerant.get_proto().get_name().ok()?.to_str().ok())
        .collect()
}

/// Bytes: a list of numbers, as Cap'n Proto's JSON form has them, or base64, broken into lines or not.
fn data(document: &Document) -> Option<Vec<u8>> {
    if let Document::List(items) = document.value() {
        return items.iter().map(byte).collect();
    }
    let mut text = document.text()?.to_owned();
    text.retain(|character| !character.is_ascii_whitespace());
    BASE64.decode(text).ok()
}

fn byte(document: &Document) -> Option<u8> {
    match document.value() {
        Document::Integer(value) => u8::try_from(*value).ok(),
        _ => None,
    }
}

fn integer(kind: Type, document: &Document) -> Result<Scalar<'_>, Defect> {
    let value = whole(document).ok_or_else(|| wrong("a whole number", document))?;
    let (least, most) = limits(kind);
    sized(kind, value).map(Scalar::Plain).ok_or_else(|| {
        Defect::new(
            "out-of-range",
            format!("{value} is not within {least} to {most}"),
        )
    })
}

/// A whole number. It may be written as text, as Cap'n Proto's JSON form has 64-bit ones, or with a fraction
/// of zero.
fn whole(document: &Document) -> Option<i128> {
    match document {
        Document::Integer(value) => Some(*value),
        Document::Text(text) => decimal(text),
        Document::Float(value) if value.fract() == 0.0 && value.abs() <= EXACT => {
            decimal(&format!("{value:.0}"))
        }
        Document::Unquoted(unquoted) => {
            whole(&unquoted.value).or_else(|| decimal(&unquoted.written))
        }
        _ => None,
    }
}

fn decimal(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The smallest and the largest number of a type.
fn limits(kind: Type) -> (i128, i128) {
    match kind.which() {
        TypeVariant::Int8 => (i8::MIN.into(), i8::MAX.into()),
        TypeVariant::Int16 => (i16::MIN.into(), i16::MAX.into()),
        TypeVariant::Int32 => (i32::MIN.into(), i32::MAX.into()),
        TypeVariant::Int64 => (i64::MIN.into(), i64::MAX.into()),
        TypeVariant::UInt8 => (0, u8::MAX.into()),
        TypeVariant::UInt16 => (0, u16::MAX.into()),
        TypeVariant::UInt32 => (0, u32::MAX.into()),
        _ => (0, u64::MAX.into()),
    }
}

/// A number as the field has it; `None` when it does not fit.
fn sized(kind: Type, value: i128) -> Option<Reader<'static>> {
    match kind.which() {
        TypeVariant::Int8 => value.try_into().ok().map(Reader::Int8),
        TypeVariant::Int16 => value.try_into().ok().map(Reader::Int16),
        TypeVariant::Int32 => value.try_into().ok().map(Reader::Int32),
        TypeVariant::Int64 => value.try_into().ok().map(Reader::Int64),
        TypeVariant::UInt8 => value.try_into().ok().map(Reader::UInt8),
        TypeVariant::UInt16 => value.try_into().ok().map(Reader::UInt16),
        TypeVariant::UInt32 => value.try_into().ok().map(Reader::UInt32),
        TypeVariant::UInt64 => value.try_into().ok().map(Reader::UInt64),
        _ => None,
    }
}

fn float(kind: Type, document: &Document) -> Result<Scalar<'_>, Defect> {
    let written = match document.value() {
        Document::Float(value) => value.to_string(),
        Document::Integer(value) => value.to_string(),
        // JSON has no numbers for "NaN", "Infinity" and "-Infinity".
        Document::Text(text) => text.clone(),
        _ => return Err(wrong("a number", document)),
    };
    let value = if matches!(kind.which(), TypeVariant::Float32) {
        written.parse().ok().map(Reader::Float32)
    } else {
        written.parse().ok().map(Reader::Float64)
    };
    value
        .map(Scalar::Plain)
        .ok_or_else(|| wrong("a number", document))
}
