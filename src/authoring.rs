//! From files that people write to packed messages.
//!
//! JSON, YAML and TOML are read by [`encode`]. A Cap'n Proto file is compiled by the installed `capnp`, and a
//! constant of type `SporeConfig` or `List(SporeConfig)` is taken from it. Such a file imports the schema by
//! `import "/spore.capnp"`, which finds the one built into this program wherever the file lies; the relative
//! `import "spore.capnp"` finds only a copy beside the file.

mod constant;

pub use constant::ConstantError;

use crate::encode::{self, Document, Message, SyntaxError};
use crate::model::{Faults, SiteId};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The longest text that is read, in bytes: 64 MiB, some hundreds of large messages.
pub const TEXT_MAX: usize = 64 * 1024 * 1024;

/// The form of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON: an object, several one after another, or an array of objects.
    Json,
    /// YAML: a document, or several between `---`.
    Yaml,
    /// TOML: one message.
    Toml,
}

impl Format {
    /// The form that a file name's ending tells.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }

    /// The documents of a text.
    ///
    /// # Errors
    /// The text is not of this form.
    pub fn read(self, text: &str) -> Result<Vec<Document>, SyntaxError> {
        match self {
            Self::Json => encode::json(text),
            Self::Yaml => encode::yaml(text),
            Self::Toml => encode::toml(text),
        }
    }
}

/// A message and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The message in the packed stream encoding.
    pub packed: Vec<u8>,
    /// The website it is about.
    pub site: SiteId,
    /// The file as it was named, with the message's number where it has several: `sites.yaml, message 2`.
    pub source: String,
}

/// Why a file cannot be encoded. None of its messages is given then.
#[derive(Debug, Error)]
pub enum AuthoringError {
    /// The file cannot be read.
    #[error("{name} cannot be read")]
    Read {
        /// The file.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is too long.
    #[error("{name}: more than {TEXT_MAX} bytes; write the messages to several files")]
    TooLong {
        /// The file.
        name: String,
    },
    /// Nothing tells the form of the text.
    #[error(
        "{name}: the form is not known; give --format json, yaml or toml, or FILE.capnp:CONSTANT"
    )]
    Format {
        /// The file.
        name: String,
    },
    /// The text is not of its form.
    #[error("{name} cannot be encoded")]
    Syntax {
        /// The file.
        name: String,
        /// What is wrong, and where.
        #[source]
        source: SyntaxError,
    },
    /// There is nothing in the file.
    #[error("{name}: there is no message in it")]
    Empty {
        /// The file.
        name: String,
    },
    /// Messages have faults.
    #[error("{}", listed(.0))]
    Faults(Vec<Faulty>),
    /// A constant of a Cap'n Proto file cannot be had.
    #[error("{name} cannot be encoded")]
    Constant {
        /// The file.
        name: String,
        /// Why.
        #[source]
        source: ConstantError,
    },
}

/// A message that has faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faulty {
    /// The file as it was named, with the message's number where it has several.
    pub source: String,
    /// All that is wrong.
    pub faults: Faults,
}

/// Faults one a line, with their codes and hints.
fn listed(messages: &[Faulty]) -> String {
    let mut lines = Vec::new();
    for message in messages {
        lines.push(format!("{}:", message.source));
        for fault in message.faults.as_slice() {
            lines.push(format!("  {fault} [{}]", fault.code));
            lines.extend(fault.hint.iter().map(|hint| format!("    hint: {hint}")));
        }
    }
    lines.join("\n")
}

/// What the name of a file to encode stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Stdin,
    Text(PathBuf),
    Constant { path: PathBuf, name: Option<String> },
}

impl Source {
    fn of(name: &str) -> Self {
        if name == "-" {
            return Self::Stdin;
        }
        let constant = |path: &str, name: Option<&str>| Self::Constant {
            path: path.into(),
            name: name.map(str::to_owned),
        };
        match name.rsplit_once(':') {
            Some((path, name)) if is_capnp(path) => constant(path, Some(name)),
            _ if is_capnp(name) => constant(name, None),
            _ => Self::Text(name.into()),
        }
    }
}

fn is_capnp(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "capnp")
}

/// The messages of a file. Its form is told by `format` or by its ending; `-` is standard input, and
/// `FILE.capnp:CONSTANT` a constant in a Cap'n Proto file.
///
/// # Errors
/// The file cannot be read, is not of its form, or a message in it has faults: then none is given.
pub fn encode_file(name: &str, format: Option<Format>) -> Result<Vec<Encoded>, AuthoringError> {
    let text = match Source::of(name) {
        Source::Constant {
            path,
            name: constant,
        } => return encode_constant(name, &path, constant.as_deref()),
        Source::Stdin => read(name, io::stdin().lock()),
        Source::Text(path) => match File::open(&path) {
            Ok(file) => read(name, file),
            Err(source) => Err(unreadable(name, source)),
        },
    }?;
    let format = format
        .or_else(|| Format::of(Path::new(name)))
        .ok_or_else(|| AuthoringError::Format { name: name.into() })?;
    encode_text(name, &text, format)
}

/// The messages of a text that was read from `name`.
///
/// # Errors
/// As those of [`encode_file`].
pub fn encode_text(
    name: &str,
    text: &[u8],
    format: Format,
) -> Result<Vec<Encoded>, AuthoringError> {
    let documents = encode::text(text)
        .and_then(|text| format.read(text))
        .map_err(|source| AuthoringError::Syntax {
            name: name.into(),
            source,
        })?;
    let messages = documents.iter().map(encode::message).collect();
    named(name, messages)
}

fn encode_constant(
    name: &str,
    path: &Path,
    constant: Option<&str>,
) -> Result<Vec<Encoded>, AuthoringError> {
    let messages = constant::messages(path, constant);
    let messages = messages.map_err(|source| AuthoringError::Constant {
        name: name.into(),
        source,
    })?;
    named(name, messages)
}

/// Names the messages of a file by where they come from.
fn named(
    name: &str,
    messages: Vec<Result<Message, Faults>>,
) -> Result<Vec<Encoded>, AuthoringError> {
    if messages.is_empty() {
        return Err(AuthoringError::Empty { name: name.into() });
    }
    let several = messages.len() > 1;
    let source = |number: usize| {
        if several {
            format!("{name}, message {number}")
        } else {
            name.to_owned()
        }
    };
    let (mut encoded, mut refused) = (Vec::new(), Vec::new());
    for (number, message) in (1..).zip(messages) {
        let source = source(number);
        match message {
            Ok(Message { packed, site }) => encoded.push(Encoded {
                packed,
                site,
                source,
            }),
            Err(faults) => refused.push(Faulty { source, faults }),
        }
    }
    if refused.is_empty() {
        Ok(encoded)
    } else {
        Err(AuthoringError::Faults(refused))
    }
}

fn read(name: &str, input: impl Read) -> Result<Vec<u8>, AuthoringError> {
    let mut text = Vec::new();
    let limit = u64::try_from(TEXT_MAX).unwrap_or(u64::MAX);
    match input.take(limit + 1).read_to_end(&mut text) {
        Ok(len) if len > TEXT_MAX => Err(AuthoringError::TooLong { name: name.into() }),
        Ok(_) => Ok(text),
        Err(source) => Err(unreadable(name, source)),
    }
}

fn unreadable(name: &str, source: io::Error) -> AuthoringError {
    AuthoringError::Read {
        name: name.into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_is_meant() {
        let constant = |path: &str, name: Option<&str>| Source::Constant {
            path: path.into(),
            name: name.map(str::to_owned),
        };
        for (name, source) in [
            ("-", Source::Stdin),
            ("a.yaml", Source::Text("a.yaml".into())),
            ("a:b.yaml", Source::Text("a:b.yaml".into())),
            ("a.capnp:blog", constant("a.capnp", Some("blog"))),
            ("x:y/a.capnp:blog", constant("x:y/a.capnp", Some("blog"))),
            ("x:y/a.capnp", constant("x:y/a.capnp", None)),
        ] {
            assert_eq!(Source::of(name), source, "{name}");
        }
    }

    #[test]
    fn more_than_the_limit_is_refused_and_not_cut() {
        let long = io::repeat(b' ').take(TEXT_MAX as u64 + 1);
        assert!(matches!(
            read("long.json", long),
            Err(AuthoringError::TooLong { .. })
        ));
        let just = io::repeat(b' ').take(TEXT_MAX as u64);
        assert_eq!(read("just.json", just).unwrap().len(), TEXT_MAX);
    }
}
