//! The other side: sending messages to a daemon.

use super::origin::SpecError;
use super::reader::Frames;
use super::socket::REQUEST;
use crate::edge::socket::{Connection, SocketError};
use crate::report::Report;
use crate::schema::report_capnp::spore_report;
use capnp::message::ReaderOptions;
use capnp::serialize_packed;
use rustix::fs::{FileType, FlockOperation, Mode, OFlags, fcntl_setfl, flock, fstat, open};
use rustix::io::Errno;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use thiserror::Error;

/// The largest report that is read, in words of 8 bytes: 8 MiB. One is as long as its message at most.
const REPORT_WORDS: usize = 1024 * 1024;

/// Where messages are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A Unix socket.
    Unix(PathBuf),
    /// A named pipe.
    Fifo(PathBuf),
}

impl FromStr for Target {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        use super::SourceSpec;
        match text.parse()? {
            SourceSpec::Unix(path) => Ok(Self::Unix(path)),
            SourceSpec::Fifo(path) => Ok(Self::Fifo(path)),
            SourceSpec::Stdin | SourceSpec::Dir(_) => {
                Err(SpecError::NoTarget { text: text.into() })
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Fifo(path) => write!(f, "fifo:{}", path.display()),
        }
    }
}

/// Why messages were not sent, or reports not received.
#[derive(Debug, Error)]
pub enum SendError {
    /// The socket cannot be connected to.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Nobody has the pipe open to read.
    #[error("nobody reads {}", path.display())]
    NoReader {
        /// The pipe.
        path: PathBuf,
    },
    /// What lies at the path is no pipe.
    #[error("{} is no fifo", path.display())]
    NoFifo {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("{target} cannot be {what}")]
    Io {
        /// What was tried: "opened", "written to".
        what: &'static str,
        /// Where.
        target: Target,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What came back is no report.
    #[error("what came back is no report")]
    Reply(#[source] capnp::Error),
}

/// Sends messages. Dropped, it has nothing more to say.
#[derive(Debug)]
pub struct Writer {
    target: Target,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Socket(Connection),
    Pipe(File),
}

/// The reports of messages that were sent, as they come.
#[derive(Debug)]
pub struct Replies(BufReader<Connection>);

impl Target {
    /// Begins to send. With `reports`, those come back by the second part; a pipe has no way back, and gives
    /// none.
    ///
    /// Others that send into the same pipe by this function are waited for: what two write at once would run
    /// together.
    ///
    /// # Errors
    /// Nobody is there to read, or this process may not write there.
    pub fn open(&self, reports: bool) -> Result<(Writer, Option<Replies>), SendError> {
        let writer = |way| Writer {
            target: self.clone(),
            way,
        };
        match self {
            Self::Fifo(path) => Ok((writer(Way::Pipe(self.pipe(path)?)), None)),
            Self::Unix(path) => {
                let mut connection = Connection::connect(path)?;
                if !reports {
                    return Ok((writer(Way::Socket(connection)), None));
                }
                let back = connection.another().map_err(self.failed("read from"))?;
                let asked = connection.write_all(REQUEST);
                asked.map_err(self.failed("written to"))?;
                let replies = Replies(BufReader::new(back));
                Ok((writer(Way::Socket(connection)), Some(replies)))
            }
        }
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(io::Error) -> SendError {
        let target = self.clone();
        move |source| SendError::Io {
            what,
            target,
            source,
        }
    }

    /// The pipe, open for this writer alone.
    fn pipe(&self, path: &Path) -> Result<File, SendError> {
        let failed = |errno: Errno| self.failed("opened")(errno.into());
        // Not blocking, since without a reader opening it would wait for one.
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let pipe = match open(path, flags, Mode::empty()) {
            Err(Errno::NXIO) => return Err(SendError::NoReader { path: path.into() }),
            pipe => pipe.map_err(failed)?,
        };
        let found = fstat(&pipe).map_err(failed)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Fifo {
            return Err(SendError::NoFifo { path: path.into() });
        }
        fcntl_setfl(&pipe, OFlags::empty()).map_err(failed)?;
        flock(&pipe, FlockOperation::LockExclusive).map_err(failed)?;
        Ok(pipe.into())
    }
}

impl Writer {
    /// Sends one message in the packed encoding, whole. Waits as long as the daemon has no room for it.
    ///
    /// # Errors
    /// The other end is gone, or does not want more.
    pub fn send(&mut self, packed: &[u8]) -> Result<(), SendError> {
        let sent = match &mut self.way {
            Way::Socket(connection) => connection.write_all(packed),
            Way::Pipe(pipe) => pipe.write_all(packed),
        };
        sent.map_err(self.target.failed("written to"))
    }

    /// Tells that nothing more comes.
    ///
    /// # Errors
    /// The other end is gone.
    pub fn end(self) -> Result<(), SendError> {
        match self.way {
            Way::Pipe(_) => Ok(()),
            Way::Socket(connection) => connection
                .end_writing()
                .map_err(self.target.failed("written to")),
        }
    }
}

impl Iterator for Replies {
    type Item = Result<Report, SendError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut options = ReaderOptions::new();
        options.traversal_limit_in_words(Some(REPORT_WORDS));
        let mut read = || {
            let Some(message) = serialize_packed::try_read_message(&mut self.0, options)? else {
                return Ok(None);
            };
            Report::from_reader(message.get_root::<spore_report::Reader<'_>>()?).map(Some)
        };
        read().map_err(SendError::Reply).transpose()
    }
}

/// The messages of a stream with their bytes as they were written: each has been read whole before it is
/// given, so that none is sent that is torn.
pub fn recorded<R: BufRead>(input: R) -> impl Iterator<Item = Result<Vec<u8>, super::StreamError>> {
    let mut frames = Frames::new(Recorder {
        input,
        bytes: Vec::new(),
    });
    std::iter::from_fn(move || {
        let frame = frames.next()?;
        Some(frame.map(|_| std::mem::take(&mut frames.input().bytes)))
    })
}

/// Keeps what is read.
struct Recorder<R> {
    input: R,
    bytes: Vec<u8>,
}

impl<R: BufRead> Read for Recorder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Recorder<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // What is consumed lies in the buffer, so that asking for it reads nothing.
        if let Ok(available) = self.input.fill_buf() {
            self.bytes.extend(available.iter().take(count));
        }
        self.input.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_sources_that_can_be_written_to() {
        for text in ["unix:/run/a", "fifo:b"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        let told = |text: &str| text.parse::<Target>().unwrap_err().to_string();
        for text in ["dir:/spool", "stdin"] {
            let expected = format!("{text:?} cannot be sent to: use unix:PATH or fifo:PATH");
            assert_eq!(told(text), expected);
        }
    }

    #[test]
    fn messages_are_sent_as_they_were_written() {
        // A segment of one null word, and one of two.
        let messages: [&[u8]; 2] = [&[0x10, 1, 0, 0], &[0x10, 2, 0, 1]];
        let stream = messages.concat();
        for room in [1, 3, 64] {
            let input = BufReader::with_capacity(room, &stream[..]);
            let read: Vec<_> = recorded(input).map(Result::unwrap).collect();
            assert_eq!(read, messages, "{room}");
        }
        let mut torn = recorded(&stream[..7]);
        assert_eq!(torn.next().unwrap().unwrap(), messages[0]);
        assert!(torn.next().unwrap().is_err());
        assert!(torn.next().is_none());
    }
}
