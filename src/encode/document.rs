//! Documents: the values that JSON, YAML and TOML have in common.

use std::fmt;

/// A value of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A text.
    Text(String),
    /// A truth value or number that stood without quotes where the form of the text would also have
    /// allowed it to be meant as text (YAML): `version: 1.10`.
    Unquoted(Box<Unquoted>),
    /// Values in order.
    List(Vec<Self>),
    /// Values by key, in the order of the text. A key may stand twice; that is a fault, which is told with all
    /// others.
    Map(Vec<(String, Self)>),
}

/// A value that may be meant as it reads or as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Unquoted {
    /// The characters the author wrote: `1.10`, `0x1f`.
    pub written: String,
    /// What they mean where no text is expected: a truth value or a number.
    pub value: Document,
}

/// How many characters of a text are shown in a fault.
const SHOWN: usize = 40;

impl Document {
    /// The value where no text is expected.
    #[must_use]
    pub fn value(&self) -> &Self {
        match self {
            Self::Unquoted(unquoted) => &unquoted.value,
            other => other,
        }
    }

    /// The value where text is expected.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Unquoted(unquoted) => Some(&unquoted.written),
            _ => None,
        }
    }
}

/// What kind of value it is, for messages: `the number 3`.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "the number {value}"),
            Self::Float(value) => write!(f, "the number {value:?}"),
            Self::Unquoted(unquoted) => unquoted.value.fmt(f),
            Self::Text(text) => match text.char_indices().nth(SHOWN) {
                Some((end, _)) => write!(f, "the text {:?}...", &text[..end]),
                None => write!(f, "the text {text:?}"),
            },
            Self::List(_) => f.write_str("a list"),
            Self::Map(_) => f.write_str("an object"),
        }
    }
}
