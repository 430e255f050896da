//! From text to messages.
//!
//! JSON, YAML and TOML are read to [`Document`]s, and these are checked against the schema by reflection: the
//! schema is the only description of the fields. A document is checked whole, and then once more as the daemon
//! itself checks messages, before one byte goes out.

mod document;
mod fill;
mod read;
mod scalar;
mod suggest;

pub use document::{Document, Unquoted};
pub use read::{SyntaxError, json, text, toml, yaml};

use crate::desired::DesiredSite;
use crate::model::{Defect, Fault, Faults, SiteId, SporeConfig};
use crate::schema::MESSAGE_WORDS;
use crate::schema::spore_capnp::spore_config;
use capnp::message::{Builder, HeapAllocator};
use capnp::serialize_packed;

/// A message that the daemon would accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its bytes in the packed stream encoding, in Cap'n Proto's canonical form: equal contents have equal
    /// bytes, whatever form they were written in.
    pub packed: Vec<u8>,
    /// The website it is about.
    pub site: SiteId,
}

/// Fills a struct of any type from a document, checked against the schema alone. What is at fault is left out.
///
/// # Errors
/// All that is wrong: keys that the schema does not have or that stand twice, values of the wrong type.
pub fn fill<'a>(
    root: impl Into<capnp::dynamic_value::Builder<'a>>,
    document: &Document,
) -> Result<(), Faults> {
    Faults::of(fill::fill(root, document)).map_or(Ok(()), Err)
}

/// The packed message of a document.
///
/// # Errors
/// As those of [`message`].
pub fn to_message(document: &Document) -> Result<Vec<u8>, Faults> {
    message(document).map(|message| message.packed)
}

/// The message of a document, and whom it is about.
///
/// # Errors
/// All that is wrong: keys that the schema does not have or that stand twice, values of the wrong type, and
/// whatever the daemon would find at fault.
pub fn message(document: &Document) -> Result<Message, Faults> {
    let mut message = Builder::new_default();
    let mut faults = fill::fill(message.init_root::<spore_config::Builder<'_>>(), document);
    let read = message
        .get_root_as_reader::<spore_config::Reader<'_>>()
        .map_err(|error| malformed(&error))
        .and_then(pack);
    match read {
        Ok(packed) => Faults::of(faults).map_or(Ok(packed), Err),
        Err(more) => {
            let more = more.into_vec().into_iter();
            let own: Vec<Fault> = more.filter(|it| !is_consequence(it, &faults)).collect();
            faults.extend(own);
            Faults::of(faults).map_or_else(|| Err(unexplained()), Err)
        }
    }
}

/// The packed form of a message that was built elsewhere, after the checks of the daemon.
///
/// # Errors
/// All that the daemon would find at fault; a message that is too large for it.
pub fn pack(reader: spore_config::Reader<'_>) -> Result<Message, Faults> {
    let config = SporeConfig::from_reader(reader)?;
    DesiredSite::from_config(&config)?;
    Ok(Message {
        packed: canonical(reader)?,
        site: config.site.id,
    })
}

/// The packed canonical form.
fn canonical(reader: spore_config::Reader<'_>) -> Result<Vec<u8>, Faults> {
    let size = reader.total_size().map_err(|error| malformed(&error))?;
    // The canonical form has one segment, which must therefore hold all from the first: the content, which
    // does not grow, and the pointer to it.
    let words = size.word_count.saturating_add(1);
    if words > MESSAGE_WORDS as u64 {
        return Err(too_large(words));
    }
    let first = u32::try_from(words).map_err(|_| too_large(words))?;
    let mut message = Builder::new(HeapAllocator::new().first_segment_words(first));
    let mut packed = Vec::new();
    message
        .set_root_canonical(reader)
        .and_then(|()| serialize_packed::write_message(&mut packed, &message))
        .map_err(|error| malformed(&error))?;
    Ok(packed)
}

/// The fault of a message that no reader would take.
fn too_large(words: u64) -> Faults {
    let (bytes, max) = (words * 8, MESSAGE_WORDS * 8);
    let message = format!("the message has {bytes} bytes; at most {max} are allowed");
    Defect::new("too-long", message).at("").into()
}

fn malformed(error: &capnp::Error) -> Faults {
    Defect::new("message-malformed", error.to_string())
        .at("")
        .into()
}

fn unexplained() -> Faults {
    Defect::new("message-malformed", "the message cannot be built")
        .at("")
        .into()
}

/// Whether a fault of the built message only follows from one of the document: what was at fault there is
/// missing here.
fn is_consequence(fault: &Fault, earlier: &[Fault]) -> bool {
    // These are about how fields of one struct go together.
    let relates = matches!(
        fault.code,
        "missing" | "message-empty" | "field-misplaced" | "field-conflict" | "record-value"
    );
    let parent_of = |path: &str| {
        let end = path.rfind('.').unwrap_or_default();
        path[..end].to_owned()
    };
    earlier.iter().any(|earlier| {
        let within = fault.path.strip_prefix(earlier.path.as_str());
        let same = within.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        let siblings = parent_of(&fault.path) == parent_of(&earlier.path);
        let about_parent = fault.path == parent_of(&earlier.path);
        same || (relates && (siblings || about_parent))
    })
}
