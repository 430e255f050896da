//! A Unix socket as a source: a stream of messages on each connection, and reports back when asked for.
//!
//! A connection may begin with the line [`REQUEST`]. Then a packed `SporeReport` goes back for each message,
//! numbered as the connection's messages are. No stream of messages begins so: its first byte, read as a tag
//! of the packed encoding, announces more than 65,536 segments, and 512 are too many already.

use super::budget::{Budget, Permit};
use super::delivery::{Answer, Outlet};
use super::origin::Origin;
use super::reader::{Frames, StreamError};
use super::stop::{Input, Patient, Stop, Woken};
use crate::edge::socket::{Connection, Listener, Peer};
use crate::report::Report;
use crate::sink::{Form, Sink};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What a connection begins with that wants reports.
pub(super) const REQUEST: &[u8] = b"mycelia-spore reports\n";

/// Connections that are read at once; others wait until one ends. It bounds threads and buffers.
pub(super) const CONNECTIONS: usize = 256;

/// How much of a connection is read at a time, in bytes.
const BUFFER: usize = 16 * 1024;

/// Messages of one connection whose reports were not taken by the client yet. Then no more are read.
const UNANSWERED: usize = 64;

/// How long a client may not read its reports before its connection is ended.
const REPLY_LIMIT: Duration = Duration::from_secs(30);

/// How long no connection is accepted after that has failed.
const PAUSE: Duration = Duration::from_millis(200);

/// Accepts connections until all sources stop. Each holds a unit of `connections` as long as it lives.
pub(super) fn run(listener: &Listener, path: &Path, connections: &Budget, outlet: &Outlet) {
    let mut number = 0;
    while let Some(place) = free_place(connections, &outlet.stop) {
        let accepted = match outlet.stop.wait(listener, None) {
            Ok(Woken::Stopped) => return,
            Ok(_) => listener.accept(),
            Err(error) => Err(error),
        };
        match accepted {
            Ok(None) => {}
            Ok(Some((connection, peer))) => {
                number += 1;
                let client = Client {
                    path: path.into(),
                    number,
                    peer,
                    place: Arc::new(place),
                };
                client.start(connection, outlet.clone());
            }
            Err(error) => {
                tracing::error!("unix:{}: no connection: {error}", path.display());
                drop(outlet.stop.rest(PAUSE));
            }
        }
    }
}

/// A place for one more connection; `None` when the sources stop.
fn free_place(connections: &Budget, stop: &Stop) -> Option<Permit> {
    let place = connections.reserve(1);
    (!stop.stopped()).then_some(place)
}

/// One connection's other side.
struct Client {
    path: PathBuf,
    number: u64,
    peer: Peer,
    /// Held until the last report was written.
    place: Arc<Permit>,
}

impl Client {
    /// Reads the connection on a thread of its own.
    fn start(self, connection: Connection, outlet: Outlet) {
        let origin = self.origin();
        tracing::debug!("{origin}: connected");
        let thread = thread::Builder::new().name("connection".into());
        if let Err(error) = thread.spawn(move || self.converse(connection, &outlet)) {
            tracing::error!("{origin}: no thread for it: {error}");
        }
    }

    fn origin(&self) -> Origin {
        Origin::Unix {
            path: self.path.clone(),
            connection: self.number,
            peer: self.peer,
        }
    }

    fn converse(self, connection: Connection, outlet: &Outlet) {
        let origin = self.origin();
        let lane = connection.another().and_then(|reading| {
            let patient = Patient::new(reading.into(), outlet.stop.clone());
            let mut input = BufReader::with_capacity(BUFFER, patient);
            let asked = asks_for_reports(&mut input)?;
            Ok((input, asked))
        });
        let (input, asked) = match lane {
            Ok(lane) => lane,
            Err(_) if outlet.stop.stopped() => return,
            Err(source) => return outlet.unreadable(first(source), origin, None),
        };
        let lane = if asked {
            match Lane::start(connection, Arc::clone(&self.place)) {
                Ok(lane) => Some(lane),
                Err(error) => return tracing::error!("{origin}: no thread for it: {error}"),
            }
        } else {
            None
        };
        let end = outlet.pump(&mut Frames::new(input), |_| {
            (origin.clone(), lane.as_ref().map(Lane::answer))
        });
        tracing::debug!("{origin}: read to its end: {end:?}");
    }
}

/// An error before the first message.
const fn first(source: io::Error) -> StreamError {
    StreamError::Io {
        number: 1,
        offset: 0,
        source,
    }
}

/// Reads the request line, if there is one. Whether reports are asked for.
fn asks_for_reports(input: &mut impl Input) -> io::Result<bool> {
    if input.fill_buf()?.first() != REQUEST.first() {
        return Ok(false);
    }
    input.begun(true);
    let mut line = [0; REQUEST.len()];
    input.read_exact(&mut line)?;
    if line == REQUEST {
        return Ok(true);
    }
    let what = "the connection begins with a line that is not known; \
                \"mycelia-spore reports\" asks for reports";
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

/// The way back on a connection: a thread writes the reports as they come, so that a client that does not read
/// them keeps nobody else waiting.
struct Lane {
    replies: mpsc::Sender<(Vec<u8>, Permit)>,
    unanswered: Budget,
}

impl Lane {
    fn start(mut connection: Connection, place: Arc<Permit>) -> io::Result<Self> {
        connection.write_limit(REPLY_LIMIT)?;
        let (replies, receiver) = mpsc::channel::<(Vec<u8>, Permit)>();
        let write = move || {
            let _place = place;
            for (reply, _room) in receiver {
                if let Err(error) = connection.write_all(&reply) {
                    tracing::info!("a client does not take its reports: {error}");
                    // Reading ends with it: what it sends further is not wanted without reports.
                    connection.end();
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("replies".into())
            .spawn(write)
            .map(|_| Self {
                replies,
                unanswered: Budget::new(UNANSWERED),
            })
    }

    /// Waits until there is room for one more report, and gives what sends it.
    fn answer(&self) -> Answer {
        let room = self.unanswered.reserve(1);
        let replies = self.replies.clone();
        Box::new(move |report| {
            // An error means that the connection is gone.
            drop(replies.send((packed(report), room)));
        })
    }
}

/// A report as it goes over the connection.
fn packed(report: &Report) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Err(error) = Sink::new(Form::Capnp, &mut bytes).report(report) {
        tracing::error!("a report cannot be packed: {error}");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::MESSAGE_WORDS;
    use proptest::prelude::*;
    use std::fs::File;
    use std::io::BufRead as _;

    #[test]
    fn a_request_is_taken_from_the_stream_and_messages_are_not() {
        let asked = |bytes: &[u8]| {
            let (reader, mut writer) = io::pipe().unwrap();
            writer.write_all(bytes).unwrap();
            drop(writer);
            let file = File::from(std::os::fd::OwnedFd::from(reader));
            let mut input = BufReader::new(file);
            let asked = asks_for_reports(&mut input).map_err(|error| error.kind());
            (asked, input.fill_buf().unwrap().to_vec())
        };
        let request = [REQUEST, b"rest"].concat();
        assert_eq!(asked(&request), (Ok(true), b"rest".to_vec()));
        assert_eq!(asked(b"\x10\x01"), (Ok(false), b"\x10\x01".to_vec()));
        assert_eq!(asked(b""), (Ok(false), Vec::new()));
        let unknown = asked(b"mycelia-spore watch blog\n").0;
        assert_eq!(unknown, Err(io::ErrorKind::InvalidData));
        assert_eq!(asked(b"myc").0, Err(io::ErrorKind::UnexpectedEof));
    }

    proptest! {
        #[test]
        fn no_message_begins_like_a_request(mut bytes in proptest::collection::vec(1_u8.., 16..64)) {
            bytes[0] = REQUEST[0];
            let frame = Frames::new(&bytes[..]).next();
            let refused = matches!(&frame, Some(Err(StreamError::Framing { .. })));
            prop_assert!(refused, "within {MESSAGE_WORDS} words");
        }
    }
}
