//! A message on its way from a source to its report.

use super::budget::{Budget, Permit};
use super::origin::Origin;
use super::reader::Frames;
use super::stop::{Input, Stop};
use super::{Spore, StreamError};
use crate::report::Report;
use crate::schema::MESSAGE_WORDS;
use std::fmt;
use tokio::sync::mpsc;

/// The bytes of unpacked messages that may be under way at once, from their first byte to their report: 32 of
/// the largest, or many thousands of the usual size.
pub(super) const BYTES_UNDER_WAY: usize = 32 * MESSAGE_BYTES;

/// The largest message, in bytes.
const MESSAGE_BYTES: usize = MESSAGE_WORDS * 8;

/// A message, where it came from, and whom to tell of its report.
#[derive(Debug)]
pub struct Delivery {
    /// The message. Its number counts the messages of one writer: of a connection, of a file, of a pipe until
    /// its end.
    pub spore: Spore,
    /// Where it came from.
    pub origin: Origin,
    /// Whom to tell.
    pub done: Done,
}

/// What a source does with a report.
pub(super) type Answer = Box<dyn FnOnce(&Report) + Send>;

/// Tells the source of a message what became of it. Dropped without a report, the source takes the message for
/// one that was not worked on: a file stays where the next start finds it, a connection ends without the
/// report.
pub struct Done {
    number: u64,
    answer: Option<Answer>,
    /// Room for other messages is made when this one is done with.
    _room: Permit,
}

impl Done {
    /// Tells the report. Its number is put right for the source, which counts its own messages.
    pub fn report(self, report: &Report) {
        if let Some(answer) = self.answer {
            let mut report = report.clone();
            report.seq = self.number;
            answer(&report);
        }
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Done")
            .field("number", &self.number)
            .field("answered", &self.answer.is_some())
            .finish_non_exhaustive()
    }
}

/// Where sources put their messages.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    pub(super) sender: mpsc::Sender<Delivery>,
    pub(super) room: Budget,
    pub(super) stop: Stop,
}

/// How the reading of one stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At its end.
    Whole,
    /// Before its end, which was reported: nothing after it can be trusted.
    Broken,
    /// Nothing more is wanted.
    Stopped,
}

impl Outlet {
    /// Hands on the messages of a stream until its end, its first error, or the stop of all sources. `about`
    /// gives the origin of a message with this number, and who is told of its report.
    pub(super) fn pump<R: Input>(
        &self,
        frames: &mut Frames<R>,
        mut about: impl FnMut(u64) -> (Origin, Option<Answer>),
    ) -> End {
        loop {
            frames.input().begun(false);
            if self.stop.stopped() && !frames.input().holds() {
                return End::Stopped;
            }
            let begins = frames.wait();
            if matches!(begins, Ok(false)) {
                return End::Whole;
            }
            let mut room = self.room.reserve(MESSAGE_BYTES);
            frames.input().begun(true);
            let frame = match begins {
                Ok(_) => frames.next(),
                Err(error) => Some(Err(error)),
            };
            let spore = match frame {
                None => return End::Whole,
                Some(Ok(frame)) => {
                    room.shrink(frame.message.size_in_words() * 8);
                    Ok(Spore::decode(&frame))
                }
                Some(Err(_)) if self.stop.stopped() => return End::Stopped,
                Some(Err(error)) => Err(error),
            };
            let broken = spore.is_err();
            if !self.hand_on(spore, room, &mut about) {
                return End::Stopped;
            }
            if broken {
                return End::Broken;
            }
        }
    }

    /// Hands on what stands for a stream of which nothing can be read.
    pub(super) fn unreadable(&self, error: StreamError, origin: Origin, answer: Option<Answer>) {
        let room = self.room.reserve(0);
        self.hand_on(Err(error), room, |_| (origin, answer));
    }

    /// Whether anybody takes messages still.
    fn hand_on(
        &self,
        spore: Result<Spore, StreamError>,
        room: Permit,
        about: impl FnOnce(u64) -> (Origin, Option<Answer>),
    ) -> bool {
        let number = match &spore {
            Ok(spore) => spore.seq,
            Err(error) => error.number(),
        };
        let (origin, answer) = about(number);
        let spore = spore.unwrap_or_else(|error| {
            tracing::info!("{origin}: {}", error.full());
            Spore::broken(&error, &origin)
        });
        let done = Done {
            number,
            answer,
            _room: room,
        };
        let delivery = Delivery {
            spore,
            origin,
            done,
        };
        self.sender.blocking_send(delivery).is_ok()
    }
}
