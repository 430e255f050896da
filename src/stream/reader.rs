//! Frames: whole messages, whose content is not yet looked at.

use crate::schema::MESSAGE_WORDS;
use crate::words;
use capnp::message::{Reader, ReaderOptions};
use capnp::serialize::OwnedSegments;
use capnp::{ErrorKind, serialize_packed};
use std::io::{self, BufRead, Read};
use thiserror::Error;

/// How many words may be read from one message. Every pointer followed is charged, so the budget is a
/// small multiple of the size; it disarms messages whose lists overlap.
const READ_WORDS: usize = 8 * MESSAGE_WORDS;

/// How deep pointers may go.
const NESTING: i32 = 16;

/// A message read whole.
pub struct Frame {
    /// Its number in the stream, from 1.
    pub number: u64,
    /// Where it began, in bytes from the start of the stream.
    pub offset: u64,
    /// The message.
    pub message: Reader<OwnedSegments>,
}

/// Why a stream ended before its end.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The bytes are not a message.
    #[error(
        "message {number} at byte {offset}: {what} (stopped at byte {stopped}); \
         nothing after it can be trusted"
    )]
    Framing {
        /// The message's number, from 1.
        number: u64,
        /// Where it began.
        offset: u64,
        /// Where reading stopped.
        stopped: u64,
        /// What is wrong.
        what: String,
    },
    /// The input could not be read.
    #[error("message {number}: reading at byte {offset} failed")]
    Io {
        /// The message's number, from 1.
        number: u64,
        /// Where.
        offset: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl StreamError {
    /// The number of the message at which the stream ended, from 1.
    #[must_use]
    pub const fn number(&self) -> u64 {
        match self {
            Self::Framing { number, .. } | Self::Io { number, .. } => *number,
        }
    }

    /// The error and the one below it.
    #[must_use]
    pub fn full(&self) -> String {
        words::chain(self)
    }
}

/// The messages of a stream, until its end or its first framing error.
pub struct Frames<R> {
    input: Counting<R>,
    number: u64,
    ended: bool,
}

impl<R: BufRead> Frames<R> {
    /// The messages of `input`.
    pub const fn new(input: R) -> Self {
        Self {
            input: Counting {
                input,
                count: 0,
                error: None,
            },
            number: 0,
            ended: false,
        }
    }

    /// How many bytes were read.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.input.count
    }

    /// What is read from.
    pub(super) const fn input(&mut self) -> &mut R {
        &mut self.input.input
    }

    /// Waits until the next message begins. `false` at the end of the stream.
    ///
    /// # Errors
    /// The input cannot be read.
    pub(super) fn wait(&mut self) -> Result<bool, StreamError> {
        if self.ended {
            return Ok(false);
        }
        let begins = self.input.fill_buf().map(|bytes| !bytes.is_empty());
        self.ended = !matches!(begins, Ok(true));
        begins.map_err(|error| StreamError::Io {
            number: self.number + 1,
            offset: self.input.count,
            source: self.input.error.take().unwrap_or(error),
        })
    }

    fn read(&mut self) -> Result<Option<Frame>, StreamError> {
        let offset = self.input.count;
        let mut options = ReaderOptions::new();
        options
            .traversal_limit_in_words(Some(MESSAGE_WORDS))
            .nesting_limit(NESTING);
        match serialize_packed::try_read_message(&mut self.input, options) {
            Ok(None) => Ok(None),
            Ok(Some(message)) => {
                options.traversal_limit_in_words(Some(READ_WORDS));
                self.number += 1;
                Ok(Some(Frame {
                    number: self.number,
                    offset,
                    message: Reader::new(message.into_segments(), options),
                }))
            }
            Err(error) => Err(match self.input.error.take() {
                Some(source) => StreamError::Io {
                    number: self.number + 1,
                    offset: self.input.count,
                    source,
                },
                None => StreamError::Framing {
                    number: self.number + 1,
                    offset,
                    stopped: self.input.count,
                    what: explain(&error),
                },
            }),
        }
    }
}

/// What a framing error means for the one who wrote the stream.
fn explain(error: &capnp::Error) -> String {
    match error.kind {
        ErrorKind::PrematureEndOfPackedInput
        | ErrorKind::PrematureEndOfFile
        | ErrorKind::FailedToFillTheWholeBuffer => {
            "the stream ends within a message: it was cut short".into()
        }
        ErrorKind::MessageTooLarge(words) => {
            format!("claims {words} words; at most {MESSAGE_WORDS} (1 MiB) are allowed")
        }
        ErrorKind::InvalidNumberOfSegments(count) => {
            format!("claims {count} segments: these bytes are not a packed message")
        }
        ErrorKind::PackedInputDidNotEndCleanlyOnASegmentBoundary => {
            "the packing runs over the message's end: these bytes are not a packed message".into()
        }
        _ => error.to_string(),
    }
}

impl<R: BufRead> Iterator for Frames<R> {
    type Item = Result<Frame, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let frame = self.read();
        self.ended = !matches!(frame, Ok(Some(_)));
        frame.transpose()
    }
}

/// Counts the bytes that were consumed, retries interrupted reads and keeps the operating system's own
/// error, which Cap'n Proto's error type would flatten into text.
struct Counting<R> {
    input: R,
    count: u64,
    error: Option<io::Error>,
}

impl<R: BufRead> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counting<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.input.fill_buf() {
                // Asked again at its end, a terminal would wait for a second end.
                Ok([]) => return Ok(&[]),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = error.kind();
                    self.error = Some(error);
                    return Err(kind.into());
                }
            }
        }
        // The buffer is filled now, so that this call cannot fail or block.
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.count += count as u64;
        self.input.consume(count);
    }
}
