//! Reading that can be told to stop, and that does not wait for ever.

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Tells all sources at once that nothing more is to be read. Handles are cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(Arc<Flag>);

#[derive(Debug)]
struct Flag {
    /// Readable for ever once it is told.
    event: OwnedFd,
    told: AtomicBool,
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// There is something to read, an end included.
    Ready,
    /// The sources are to stop.
    Stopped,
    /// The time is up.
    TimedOut,
}

impl Stop {
    /// Not told yet.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(Flag {
            event,
            told: AtomicBool::new(false),
        })))
    }

    /// Lets every source stop: what was read whole is still handed on, nothing more is read.
    pub fn stop(&self) {
        self.0.told.store(true, Ordering::SeqCst);
        // A counter that is full is readable already.
        let _ = rustix::io::write(&self.0.event, &1_u64.to_ne_bytes());
    }

    /// Whether it was told.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.0.told.load(Ordering::SeqCst)
    }

    /// Waits until there is something to read, for at most `limit`.
    pub(super) fn wait(&self, fd: impl AsFd, limit: Option<Duration>) -> io::Result<Woken> {
        let event = PollFd::new(&self.0.event, PollFlags::IN);
        let woken = wait_for(&mut [event, PollFd::new(&fd, PollFlags::IN)], limit)?;
        Ok(if self.stopped() {
            Woken::Stopped
        } else {
            woken
        })
    }

    /// Waits for at most `limit`, without anything to read.
    pub(super) fn rest(&self, limit: Duration) -> io::Result<Woken> {
        let event = PollFd::new(&self.0.event, PollFlags::IN);
        let woken = wait_for(&mut [event], Some(limit))?;
        Ok(if self.stopped() {
            Woken::Stopped
        } else {
            woken
        })
    }
}

/// Waits until there is something to read, whatever else is told.
fn wait_alone(fd: impl AsFd, limit: Duration) -> io::Result<Woken> {
    wait_for(&mut [PollFd::new(&fd, PollFlags::IN)], Some(limit))
}

fn wait_for(fds: &mut [PollFd<'_>], limit: Option<Duration>) -> io::Result<Woken> {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    loop {
        match poll(fds, limit.as_ref()) {
            Ok(0) => return Ok(Woken::TimedOut),
            Ok(_) => return Ok(Woken::Ready),
            // Signals come rarely, so that the time begins anew is no harm.
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// What a source reads from.
pub(super) trait Input: BufRead {
    /// Tells that a message has begun, or that the next one may take its time.
    fn begun(&mut self, _begun: bool) {}

    /// Whether there are bytes that only this process has, so that nobody else can read them later.
    fn holds(&self) -> bool {
        false
    }
}

impl Input for BufReader<File> {}

/// Reads from a pipe or a socket until it is told to stop. A message that has begun must go on coming, and is
/// read to its end even so: byte by byte then, so that what comes after it stays where it is.
#[derive(Debug)]
pub(super) struct Patient {
    fd: OwnedFd,
    stop: Stop,
    begun: bool,
    /// How long the rest of a message may take to come on.
    stall: Duration,
    ended: bool,
}

/// How long the next bytes of a message that has begun are waited for. Writers write a message at once; one
/// that was stopped in the middle must not keep others from their turn for ever.
const STALL: Duration = Duration::from_secs(30);

/// The same when the sources are to stop.
const LAST_STALL: Duration = Duration::from_secs(1);

impl Patient {
    pub(super) const fn new(fd: OwnedFd, stop: Stop) -> Self {
        Self {
            fd,
            stop,
            begun: false,
            stall: STALL,
            ended: false,
        }
    }

    /// Whether the end was read.
    pub(super) const fn ended(&self) -> bool {
        self.ended
    }

    /// Waits for bytes or an end. How many may be read then.
    fn wait(&self, room: usize) -> io::Result<usize> {
        let limit = self.begun.then_some(self.stall);
        let mut woken = self.stop.wait(&self.fd, limit)?;
        let stopped = woken == Woken::Stopped;
        if stopped && self.begun {
            woken = wait_alone(&self.fd, LAST_STALL.min(self.stall))?;
        }
        match woken {
            Woken::Ready if stopped => Ok(room.min(1)),
            Woken::Ready => Ok(room),
            Woken::Stopped => Err(io::Error::other("reading was stopped")),
            Woken::TimedOut => {
                let what = "the rest of the message did not come";
                Err(io::Error::new(io::ErrorKind::TimedOut, what))
            }
        }
    }
}

impl Input for BufReader<Patient> {
    fn begun(&mut self, begun: bool) {
        self.get_mut().begun = begun;
    }

    fn holds(&self) -> bool {
        !self.buffer().is_empty()
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let room = self.wait(buffer.len())?;
            match rustix::io::read(&self.fd, &mut buffer[..room]) {
                Ok(count) => {
                    self.ended = count == 0;
                    return Ok(count);
                }
                // Another handle of a descriptor that does not block was faster.
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_reader_that_waits_is_woken() {
        let (reader, mut writer) = io::pipe().unwrap();
        let stop = Stop::new().unwrap();
        let mut patient = Patient::new(reader.into(), stop.clone());
        writer.write_all(b"a").unwrap();
        let mut buffer = [0; 8];
        assert_eq!(patient.read(&mut buffer).unwrap(), 1);
        let waiting = std::thread::spawn(move || patient.read(&mut [0; 8]));
        stop.stop();
        assert!(waiting.join().unwrap().is_err());
        assert_eq!(stop.rest(Duration::from_secs(60)).unwrap(), Woken::Stopped);
        drop(writer);
    }

    #[test]
    fn time_runs_out_only_within_a_message() {
        let (reader, mut writer) = io::pipe().unwrap();
        let stop = Stop::new().unwrap();
        let mut patient = Patient::new(reader.into(), stop);
        patient.begun = true;
        patient.stall = Duration::from_millis(1);
        let error = patient.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        writer.write_all(b"a").unwrap();
        assert_eq!(patient.read(&mut [0; 8]).unwrap(), 1);
        drop(writer);
        assert_eq!(patient.read(&mut [0; 8]).unwrap(), 0, "an end is told");
    }

    #[test]
    fn a_message_that_has_begun_is_read_to_its_end_and_not_a_byte_further() {
        let (reader, mut writer) = io::pipe().unwrap();
        let left = reader.try_clone().unwrap();
        let stop = Stop::new().unwrap();
        let mut input = BufReader::new(Patient::new(reader.into(), stop.clone()));
        writer.write_all(b"ab").unwrap();
        input.begun(true);
        input.read_exact(&mut [0; 1]).unwrap();
        writer.write_all(b"cdef").unwrap();
        stop.stop();
        let mut rest = [0; 2];
        input.read_exact(&mut rest).unwrap();
        assert_eq!((&rest, input.holds()), (b"bc", false));
        input.begun(false);
        assert!(input.read(&mut [0; 1]).is_err(), "nothing more is read");
        let mut next = [0; 8];
        let count = (&left).read(&mut next).unwrap();
        assert_eq!(&next[..count], b"def");
    }
}
