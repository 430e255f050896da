//! The forms that request bodies may have.

use super::refusal::{self, Refusal};
use serde_json::Value;

/// The form of a JSON value.
pub(crate) enum Shape {
    Any,
    Bool,
    Text,
    /// A whole number between these two.
    Number(i64, i64),
    OneOf(&'static [&'static str]),
    List(&'static Shape),
    /// An object with any keys, and values of one form.
    Map(&'static Shape),
    /// An object with these fields and no others.
    Object(&'static [Field]),
    Nullable(&'static Shape),
}

/// A field of an object.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: &'static Shape,
    pub(crate) required: bool,
}

/// A field that may be left out.
pub(crate) const fn may(name: &'static str, shape: &'static Shape) -> Field {
    Field {
        name,
        shape,
        required: false,
    }
}

/// A field that must be there.
pub(crate) const fn must(name: &'static str, shape: &'static Shape) -> Field {
    Field {
        name,
        shape,
        required: true,
    }
}

impl Shape {
    /// Refuses a value of another form, and says where.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Refusal> {
        self.fault(value, "the body")
            .map_or(Ok(()), |fault| Err(refusal::bad_shape(&fault)))
    }

    /// An object's fields in the order in which they are described.
    pub(crate) fn in_order(&self, value: &Value) -> Value {
        let Self::Object(fields) = self else {
            return value.clone();
        };
        let fields = fields.iter().filter_map(|field| {
            let value = value.get(field.name)?;
            Some((field.name.to_owned(), value.clone()))
        });
        Value::Object(fields.collect())
    }

    fn fault(&self, value: &Value, at: &str) -> Option<String> {
        let wanted = match (self, value) {
            (Self::Any, _) | (Self::Bool, Value::Bool(_)) | (Self::Text, Value::String(_)) => {
                return None;
            }
            (Self::Nullable(shape), value) => {
                return (!value.is_null()).then(|| shape.fault(value, at)).flatten();
            }
            (Self::List(shape), Value::Array(items)) => {
                let mut items = items.iter().enumerate();
                return items.find_map(|(n, item)| shape.fault(item, &format!("{at}[{n}]")));
            }
            (Self::Map(shape), Value::Object(map)) => {
                let mut entries = map.iter();
                return entries.find_map(|(key, value)| shape.fault(value, &format!("{at}.{key}")));
            }
            (Self::Object(fields), Value::Object(map)) => return object_fault(fields, map, at),
            (Self::Number(least, most), value) => {
                let fits = value
                    .as_i64()
                    .is_some_and(|number| (*least..=*most).contains(&number));
                return (!fits)
                    .then(|| format!("{at} must be a whole number from {least} to {most}"));
            }
            (Self::OneOf(words), value) => {
                let fits = value.as_str().is_some_and(|text| words.contains(&text));
                return (!fits).then(|| format!("{at} must be one of {}", words.join(", ")));
            }
            (Self::Bool, _) => "a boolean",
            (Self::Text, _) => "a string",
            (Self::List(_), _) => "an array",
            (Self::Map(_) | Self::Object(_), _) => "an object",
        };
        Some(format!("{at} must be {wanted}"))
    }
}

fn object_fault(
    fields: &[Field],
    map: &serde_json::Map<String, Value>,
    at: &str,
) -> Option<String> {
    for field in fields {
        match map.get(field.name) {
            None if field.required => return Some(format!("{at} lacks {}", field.name)),
            None => {}
            Some(value) => {
                let fault = field.shape.fault(value, &format!("{at}.{}", field.name));
                if fault.is_some() {
                    return fault;
                }
            }
        }
    }
    let unknown = map
        .keys()
        .find(|key| fields.iter().all(|field| field.name != **key));
    unknown.map(|key| format!("{at} has the unknown field {key}"))
}
