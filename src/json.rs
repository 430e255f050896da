//! From a message to JSON, by reflection.
//!
//! The rules are those of Cap'n Proto's own JSON form (`capnp convert packed:json`): enumerants by name and
//! unknown ones by number, 64-bit integers as strings, data as an array of bytes, null pointers left out, and
//! of a union only the member that is set.

use crate::schema::spore_capnp::spore_config;
use capnp::schema::Field;
use capnp::schema_capnp::field::NO_DISCRIMINANT;
use capnp::{dynamic_list, dynamic_struct, dynamic_value};
use serde_json::{Map, Value, json};
use thiserror::Error;

/// A message that cannot be shown as JSON.
#[derive(Debug, Error)]
#[error("{}{source}", prefix(path))]
pub struct JsonError {
    /// The field, as `dns.records[3].value`; empty for the message itself.
    pub path: String,
    /// What is wrong with it: a pointer that leads astray, a text that is not UTF-8.
    #[source]
    pub source: capnp::Error,
}

fn prefix(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}: ")
    }
}

impl From<capnp::Error> for JsonError {
    fn from(source: capnp::Error) -> Self {
        Self {
            path: String::new(),
            source,
        }
    }
}

impl JsonError {
    /// The same error, seen from one level further out.
    fn within(mut self, part: &str) -> Self {
        let dot = !self.path.is_empty() && !self.path.starts_with('[');
        self.path = format!("{part}{}{}", if dot { "." } else { "" }, self.path);
        self
    }
}

/// The JSON of a message.
///
/// # Errors
/// The message is damaged: a pointer leads out of it or a text is not UTF-8.
pub fn to_json(reader: spore_config::Reader<'_>) -> Result<Value, JsonError> {
    value(reader.into())
}

/// The JSON of any value of the schema: a report, or a part of a message.
///
/// # Errors
/// As those of [`to_json`].
pub fn to_value<'a>(reader: impl Into<dynamic_value::Reader<'a>>) -> Result<Value, JsonError> {
    value(reader.into())
}

fn value(reader: dynamic_value::Reader<'_>) -> Result<Value, JsonError> {
    use dynamic_value::Reader;
    Ok(match reader {
        Reader::Void => Value::Null,
        Reader::Bool(value) => json!(value),
        Reader::Int8(value) => json!(value),
        Reader::Int16(value) => json!(value),
        Reader::Int32(value) => json!(value),
        Reader::Int64(value) => json!(value.to_string()),
        Reader::UInt8(value) => json!(value),
        Reader::UInt16(value) => json!(value),
        Reader::UInt32(value) => json!(value),
        Reader::UInt64(value) => json!(value.to_string()),
        Reader::Float32(value) => float(value.into()),
        Reader::Float64(value) => float(value),
        Reader::Enum(value) => match value.get_enumerant()? {
            Some(known) => json!(known.get_proto().get_name()?.to_str().map_err(utf8)?),
            None => json!(value.get_value()),
        },
        Reader::Text(text) => json!(text.to_str().map_err(utf8)?),
        Reader::Data(bytes) => json!(bytes),
        Reader::Struct(reader) => object(reader)?,
        Reader::List(list) => array(list)?,
        Reader::AnyPointer(_) | Reader::Capability(_) => {
            return Err(capnp::Error::failed("has no JSON form".into()).into());
        }
    })
}

fn utf8(error: std::str::Utf8Error) -> capnp::Error {
    capnp::Error::failed(format!("not UTF-8: {error}"))
}

/// A float. JSON has no numbers for the last three, and Cap'n Proto gives them these names.
fn float(value: f64) -> Value {
    if value.is_finite() {
        json!(value)
    } else if value.is_nan() {
        json!("NaN")
    } else if value.is_sign_positive() {
        json!("Infinity")
    } else {
        json!("-Infinity")
    }
}

fn object(reader: dynamic_struct::Reader<'_>) -> Result<Value, JsonError> {
    let chosen = reader.which()?;
    let mut object = Map::new();
    for field in reader.get_schema().get_fields()? {
        let name = field.get_proto().get_name()?.to_str().map_err(utf8)?;
        // The chosen member of a union says by being there that it is chosen, even when it is a null pointer.
        let told = if in_union(field) {
            Ok(chosen == Some(field))
        } else {
            reader.has(field)
        };
        let inner = match told {
            Ok(true) => reader.get(field).map_err(JsonError::from).and_then(value),
            Ok(false) => continue,
            Err(error) => Err(error.into()),
        };
        object.insert(name.to_owned(), inner.map_err(|error| error.within(name))?);
    }
    Ok(Value::Object(object))
}

fn array(list: dynamic_list::Reader<'_>) -> Result<Value, JsonError> {
    let mut values = Vec::with_capacity(list.len() as usize);
    for index in 0..list.len() {
        let element = list.get(index).map_err(JsonError::from).and_then(value);
        values.push(element.map_err(|error| error.within(&format!("[{index}]")))?);
    }
    Ok(Value::Array(values))
}

/// Whether a field is a member of its struct's union.
pub(crate) fn in_union(field: Field) -> bool {
    field.get_proto().get_discriminant_value() != NO_DISCRIMINANT
}
