//! From bytes to messages: the packed stream encoding, message after message.
//!
//! Two classes of error are kept apart. A *framing* error (a torn message, bad packing, a segment
//! table that claims too much) means that the reader no longer knows where a message begins; packed
//! Cap'n Proto has no mark to find the next one by, so the stream ends there. A *content* error lies
//! within one message that was read whole; it fails that message alone.
//!
//! One stream is read by [`spawn`]. [`Intake`] reads several sources at once for as long as the daemon lives:
//! each has threads of its own, reads message after message by the same rules, and learns of each message's
//! report. There a framing error ends only what one writer sent.

mod access;
mod budget;
mod client;
mod delivery;
mod fifo;
mod intake;
mod origin;
mod reader;
mod socket;
mod spool;
mod stop;

pub use crate::edge::socket::Peer;
pub use access::{Access, Rule, Who};
pub use client::{Replies, SendError, Target, Writer, recorded};
pub use delivery::{Delivery, Done};
pub use intake::{Intake, SourceError, SourceOptions};
pub use origin::{Origin, SourceSpec, SpecError};
pub use reader::{Frame, Frames, StreamError};
pub use stop::Stop;

use crate::decode;
use crate::model::{Fault, Faults, Line, SiteId, SporeConfig};
use crate::release::Digest;
use crate::schema::MESSAGE_WORDS;
use crate::schema::spore_capnp::spore_config;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// Messages that may wait between the reader and the reconciler. Together with the limit of 1 MiB a
/// message it bounds what a fast writer can make the daemon hold.
const WAITING: usize = 32;

/// Marks the digests of [`Spore::digest`]; changed when the way they are made changes.
const DIGEST_CONTEXT: &str = "mycelia-spore 2026 config digest v1";

/// One message, decoded.
#[derive(Debug)]
pub struct Spore {
    /// Its number in the stream, from 1.
    pub seq: u64,
    /// When it was read.
    pub arrived: Instant,
    /// The site it is about, where that much can be told even of a faulty message.
    pub site: Option<SiteId>,
    /// The writer's token; empty when none was given.
    pub request_id: Line<128>,
    /// The digest of its canonical form: equal for equal meaning, whoever wrote it.
    pub digest: Digest,
    /// Its canonical form, unpacked, with a segment table: kept for applying it again later.
    pub canonical: Vec<u8>,
    /// The configuration, or all that is wrong with it.
    pub config: Result<Arc<SporeConfig>, Faults>,
    /// Whether what is wrong is not the message but who sent it.
    pub refused: bool,
}

impl Spore {
    /// Decodes a message that was read whole.
    #[must_use]
    pub fn decode(frame: &Frame) -> Self {
        let root = frame.message.get_root::<spore_config::Reader<'_>>();
        Self::read(frame.number, root, || frame.message.canonicalize())
    }

    /// Decodes a configuration that is part of another message: of a call, say.
    #[must_use]
    pub fn of(number: u64, config: spore_config::Reader<'_>) -> Self {
        let within = config.total_size().and_then(|size| {
            if size.word_count > MESSAGE_WORDS as u64 {
                let told = format!(
                    "{} words of 8 bytes, more than {MESSAGE_WORDS}",
                    size.word_count
                );
                return Err(capnp::Error::failed(told));
            }
            Ok(config)
        });
        Self::read(number, within, || canonical(config))
    }

    fn read(
        number: u64,
        root: capnp::Result<spore_config::Reader<'_>>,
        canonical: impl FnOnce() -> capnp::Result<Vec<capnp::Word>>,
    ) -> Self {
        let arrived = Instant::now();
        let (site, request_id, config) = match &root {
            Ok(root) => {
                let config = SporeConfig::from_reader(*root).map(Arc::new);
                match &config {
                    Ok(config) => (
                        Some(config.site.id.clone()),
                        config.request_id.clone(),
                        Ok(Arc::clone(config)),
                    ),
                    Err(faults) => (
                        decode::site_id(*root),
                        decode::request_id(*root),
                        Err(faults.clone()),
                    ),
                }
            }
            Err(error) => (None, Line::default(), Err(malformed(error))),
        };
        let words = root.and_then(|_| canonical());
        let (digest, canonical, config) = match (config, words) {
            (config, Ok(words)) => {
                let bytes = capnp::Word::words_to_bytes(&words);
                (digest(bytes), one_segment(bytes), config)
            }
            (Ok(_), Err(error)) => (Digest::of(&[]), Vec::new(), Err(malformed(&error))),
            (config, Err(_)) => (Digest::of(&[]), Vec::new(), config),
        };
        Self {
            seq: number,
            arrived,
            site,
            request_id,
            digest,
            canonical,
            config,
            refused: false,
        }
    }

    /// What stands for a message that could not be read whole, so that it has its report like any other.
    #[must_use]
    pub fn broken(error: &StreamError, origin: &Origin) -> Self {
        let code = match error {
            StreamError::Framing { .. } => "stream-framing",
            StreamError::Io { .. } => "stream-io",
        };
        let fault = Fault {
            code,
            path: String::new(),
            message: format!("{origin}: {}", error.full()),
            hint: Some("send the rest as a new stream".into()),
        };
        Self {
            seq: error.number(),
            arrived: Instant::now(),
            site: None,
            request_id: Line::default(),
            digest: Digest::of(&[]),
            canonical: Vec::new(),
            config: Err(fault.into()),
            refused: false,
        }
    }

    /// Lets the message be refused: who sent it may not.
    pub fn refuse(&mut self, fault: Fault) {
        self.config = Err(fault.into());
        self.refused = true;
    }
}

impl Spore {
    /// A message whose [canonical form](Self::canonical) was kept, as if it came now, with the number 0; `None`
    /// when it cannot be read any more.
    #[must_use]
    pub fn again(canonical: &[u8]) -> Option<Self> {
        let config = Self::kept(canonical)?;
        // The digest is over the segment alone, behind its table of one word.
        let segment = canonical.get(8..)?;
        Some(Self {
            seq: 0,
            arrived: Instant::now(),
            site: Some(config.site.id.clone()),
            request_id: config.request_id.clone(),
            digest: digest(segment),
            canonical: canonical.to_vec(),
            config: Ok(Arc::new(config)),
            refused: false,
        })
    }

    /// The configuration of a message whose [canonical form](Self::canonical) was kept; `None` when it cannot
    /// be read any more.
    #[must_use]
    pub fn kept(canonical: &[u8]) -> Option<SporeConfig> {
        let options = capnp::message::ReaderOptions::new();
        let message = capnp::serialize::read_message(canonical, options).ok()?;
        let root = message.get_root::<spore_config::Reader<'_>>().ok()?;
        SporeConfig::from_reader(root).ok()
    }
}

/// The canonical form of a configuration.
fn canonical(config: spore_config::Reader<'_>) -> capnp::Result<Vec<capnp::Word>> {
    let mut message = capnp::message::Builder::new_default();
    message.set_root(config)?;
    message.into_reader().canonicalize()
}

/// The digest of a message's canonical form.
fn digest(segment: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(DIGEST_CONTEXT);
    hasher.update(segment);
    hasher.finalize().into()
}

/// A message of one segment as a stream holds it: a table of one entry, then the segment.
fn one_segment(segment: &[u8]) -> Vec<u8> {
    let words = u32::try_from(segment.len() / 8).unwrap_or(u32::MAX);
    // The table begins with the number of segments less one.
    [&0_u32.to_le_bytes(), &words.to_le_bytes(), segment].concat()
}

/// The fault of a message whose pointers lead astray.
fn malformed(error: &capnp::Error) -> Faults {
    Fault {
        code: "message-malformed",
        path: String::new(),
        message: format!("cannot be read: {error}"),
        hint: Some("the message is damaged, or was written with another schema".into()),
    }
    .into()
}

/// Reads and decodes a stream on a thread of its own, handing on one message after another. The channel
/// is bounded, so a writer faster than the reconciler is slowed by its pipe. An error is the last item.
///
/// The thread ends with the stream, or when the receiver is dropped.
///
/// # Errors
/// The operating system has no thread to give.
pub fn spawn(
    input: impl BufRead + Send + 'static,
) -> std::io::Result<mpsc::Receiver<Result<Spore, StreamError>>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    std::thread::Builder::new()
        .name("stream".into())
        .spawn(move || {
            for frame in Frames::new(input) {
                let last = frame.is_err();
                let item = frame.map(|frame| Spore::decode(&frame));
                if sender.blocking_send(item).is_err() || last {
                    return;
                }
            }
        })?;
    Ok(receiver)
}
