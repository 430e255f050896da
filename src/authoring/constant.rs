//! Messages that are constants in a Cap'n Proto file.
//!
//! The file is compiled to a `CodeGeneratorRequest`, which holds each constant with its type. `capnp eval
//! --packed`, the obvious other way, tells no type, and of a file with errors it writes what it could make out
//! before it fails.

use crate::edge::process::{Command, ProcessError};
use crate::encode::{self, Message};
use crate::model::Faults;
use crate::schema::FILES;
use crate::schema::spore_capnp::spore_config;
use capnp::message::ReaderOptions;
use capnp::schema_capnp::{code_generator_request, node, type_, value};
use capnp::traits::HasTypeId;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use thiserror::Error;

/// How long `capnp` may take; it takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a constant cannot be had.
#[derive(Debug, Error)]
pub enum ConstantError {
    /// The schema cannot be laid out for `capnp` to find.
    #[error("the schema cannot be written for capnp")]
    Schema(#[source] io::Error),
    /// `capnp` is not there, or found errors in the file.
    #[error(transparent)]
    Compiler(ProcessError),
    /// The file imports the schema from beside itself, where it is not.
    #[error("write import \"/spore.capnp\", with a slash, to use the schema of this program")]
    Import(#[source] ProcessError),
    /// `capnp` wrote something that cannot be understood.
    #[error("what capnp wrote cannot be read")]
    Output(#[from] capnp::Error),
    /// No constant was named.
    #[error("name a constant: FILE.capnp:CONSTANT{}", known(.0))]
    Unnamed(Vec<String>),
    /// There is no such constant.
    #[error("there is no constant {name:?}{}", known(known_names))]
    Unknown {
        /// The name.
        name: String,
        /// The constants of the file that are messages.
        known_names: Vec<String>,
    },
    /// The constant is something else.
    #[error("the constant {0:?} is neither a SporeConfig nor a List(SporeConfig)")]
    Type(String),
}

fn known(names: &[String]) -> String {
    if names.is_empty() {
        return "; it has no constant of type SporeConfig".into();
    }
    format!("; it has {}", names.join(", "))
}

/// What the compiler's failure means.
fn explained(error: ProcessError) -> ConstantError {
    match &error {
        ProcessError::Failed { stderr, .. } if stderr.contains("Import failed: spore.capnp") => {
            ConstantError::Import(error)
        }
        _ => ConstantError::Compiler(error),
    }
}

/// The messages of a constant: one, or those of a list.
///
/// # Errors
/// The file has errors, or the constant is not there or no message.
pub(super) fn messages(
    path: &Path,
    constant: Option<&str>,
) -> Result<Vec<Result<Message, Faults>>, ConstantError> {
    let bytes = compile(path)?;
    let mut options = ReaderOptions::new();
    // The size is bounded by what the program may write.
    options.traversal_limit_in_words(None);
    let message = capnp::serialize::read_message(&bytes[..], options)?;
    let constants = constants(message.get_root()?)?;
    let known_names = || {
        let configs = constants.iter().filter(|constant| constant.kind.is_some());
        configs.map(|constant| constant.name.to_owned()).collect()
    };
    let Some(name) = constant else {
        return Err(ConstantError::Unnamed(known_names()));
    };
    match constants.iter().find(|constant| constant.name == name) {
        Some(constant) => constant.messages(),
        None => Err(ConstantError::Unknown {
            name: name.to_owned(),
            known_names: known_names(),
        }),
    }
}

/// The compiled file. On any error `capnp compile` writes nothing and fails.
fn compile(path: &Path) -> Result<Vec<u8>, ConstantError> {
    let folder = schema_folder().map_err(ConstantError::Schema)?;
    let command = Command::new("capnp")
        .args(["compile", "-o-", "-I"])
        .arg(folder.path())
        .arg(path)
        .timeout(TIMEOUT)
        .hint("Debian: apt install capnproto; Nix: nixpkgs#capnproto; or write YAML, TOML or JSON");
    let output = command.run().map_err(explained)?;
    if !output.stderr.trim().is_empty() {
        tracing::warn!("capnp: {}", output.stderr.trim());
    }
    Ok(output.stdout)
}

/// What a constant is, if it is a message or several.
#[derive(Clone, Copy)]
enum Kind {
    One,
    Several,
}

struct Constant<'r> {
    name: &'r str,
    kind: Option<Kind>,
    value: value::Reader<'r>,
}

impl Constant<'_> {
    fn messages(&self) -> Result<Vec<Result<Message, Faults>>, ConstantError> {
        match (self.kind, self.value.which().map_err(capnp::Error::from)?) {
            (Some(Kind::One), value::Struct(value)) => {
                let config = value.get_as::<spore_config::Reader<'_>>()?;
                Ok(vec![encode::pack(config)])
            }
            (Some(Kind::Several), value::List(value)) => {
                let list = value.get_as::<capnp::struct_list::Reader<'_, spore_config::Owned>>()?;
                Ok(list.iter().map(encode::pack).collect())
            }
            _ => Err(ConstantError::Type(self.name.to_owned())),
        }
    }
}

/// The constants at the top of the compiled file.
fn constants(
    request: code_generator_request::Reader<'_>,
) -> Result<Vec<Constant<'_>>, ConstantError> {
    let mut constants = Vec::new();
    let Some(file) = request.get_requested_files()?.iter().next() else {
        return Ok(constants);
    };
    for node in request.get_nodes()? {
        if node.get_scope_id() != file.get_id() {
            continue;
        }
        if let node::Const(constant) = node.which().map_err(capnp::Error::from)? {
            let name = node
                .get_display_name()?
                .to_str()
                .map_err(capnp::Error::from)?;
            let prefix = node.get_display_name_prefix_length() as usize;
            constants.push(Constant {
                name: name.get(prefix..).unwrap_or(name),
                kind: kind(constant.get_type()?)?,
                value: constant.get_value()?,
            });
        }
    }
    Ok(constants)
}

fn kind(constant: type_::Reader<'_>) -> Result<Option<Kind>, capnp::Error> {
    Ok(match constant.which()? {
        type_::Struct(one) if is_config(one.get_type_id()) => Some(Kind::One),
        type_::List(list) => match list.get_element_type()?.which()? {
            type_::Struct(one) if is_config(one.get_type_id()) => Some(Kind::Several),
            _ => None,
        },
        _ => None,
    })
}

const fn is_config(id: u64) -> bool {
    id == <spore_config::Builder<'_> as HasTypeId>::TYPE_ID
}

/// A folder of this user's alone with the schema files, for imports; removed when dropped.
fn schema_folder() -> io::Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("mycelia-spore-schema-")
        .tempdir()?;
    for (name, text) in FILES {
        fs::write(folder.path().join(name), text)?;
    }
    Ok(folder)
}
