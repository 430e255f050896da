//! A named pipe as a source: one writer after another, each until it closes the pipe.

use super::delivery::{End, Outlet};
use super::intake::SourceError;
use super::origin::Origin;
use super::reader::Frames;
use super::stop::{Patient, Woken};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, mkfifoat, open, stat};
use rustix::io::Errno;
use std::io::{self, BufReader};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much is read at a time, in bytes: what a pipe holds (pipe(7)).
const BUFFER: usize = 64 * 1024;

/// How often a pipe on which nothing comes is looked at: it may have been replaced by another.
const LOOK: Duration = Duration::from_secs(10);

/// How long after a failure it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// A pipe, open for reading only. Were it open for writing as well, there would never be an end of file, and
/// what one writer left unfinished would run into what the next one sends.
#[derive(Debug)]
pub(super) struct Fifo {
    path: PathBuf,
    pipe: OwnedFd,
}

impl Fifo {
    /// Opens the pipe, which is made, for its owner alone, when nothing is there.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let failed = |errno: Errno| SourceError::io(path)(errno.into());
        if let Err(errno) = stat(path) {
            if errno != Errno::NOENT {
                return Err(failed(errno));
            }
            match mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        // A device would be opened before it was looked at, but its name was given by the operator.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let pipe = open(path, flags, Mode::empty()).map_err(failed)?;
        let found = fstat(&pipe).map_err(failed)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Fifo {
            return Err(SourceError::NoFifo { path: path.into() });
        }
        Ok(Self {
            path: path.into(),
            pipe,
        })
    }

    /// Reads one writer after another, until all sources stop.
    pub(super) fn run(mut self, outlet: &Outlet) {
        let mut session = 1;
        loop {
            match outlet.stop.wait(&self.pipe, Some(LOOK)) {
                Ok(Woken::Stopped) => return,
                Ok(Woken::Ready) => {
                    if self.session(session, outlet) == End::Stopped {
                        return;
                    }
                    session += 1;
                }
                Ok(Woken::TimedOut) if self.in_place() => continue,
                Ok(Woken::TimedOut) => tracing::info!("{}: opened anew", self.path.display()),
                Err(error) => tracing::error!("{}: {error}", self.path.display()),
            }
            // The old handle is dropped only afterwards, so that no writer finds the pipe without a reader.
            loop {
                match Self::open(&self.path) {
                    Ok(next) => {
                        self = next;
                        break;
                    }
                    Err(error) => tracing::error!("{}; trying again", error.full()),
                }
                if !matches!(outlet.stop.rest(PAUSE), Ok(Woken::TimedOut)) {
                    return;
                }
            }
        }
    }

    /// Reads what comes until no writer has the pipe open any more. After a message that is no message all
    /// the rest of it is thrown away.
    fn session(&self, session: u64, outlet: &Outlet) -> End {
        let origin = Origin::Fifo {
            path: self.path.clone(),
            session,
        };
        let Ok(pipe) = self.pipe.try_clone() else {
            tracing::error!("{origin}: no descriptor left");
            return End::Broken;
        };
        let input = BufReader::with_capacity(BUFFER, Patient::new(pipe, outlet.stop.clone()));
        let mut frames = Frames::new(input);
        let end = outlet.pump(&mut frames, |_| (origin.clone(), None));
        // Of a torn message the end was read already: what comes now is another writer's.
        if end == End::Broken && !frames.input().get_ref().ended() {
            frames.input().discard(&origin);
        }
        end
    }

    /// Whether the path still leads to the pipe that is open.
    fn in_place(&self) -> bool {
        let same = |(a, b): (rustix::fs::Stat, rustix::fs::Stat)| {
            (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
        };
        stat(&self.path)
            .and_then(|there| Ok((there, fstat(&self.pipe)?)))
            .is_ok_and(same)
    }
}

/// Throwing away what nobody can understand.
trait Discard {
    fn discard(&mut self, origin: &Origin);
}

impl Discard for BufReader<Patient> {
    fn discard(&mut self, origin: &Origin) {
        use super::stop::Input as _;
        self.begun(false);
        match io::copy(self, &mut io::sink()) {
            Ok(0) => {}
            Ok(bytes) => tracing::warn!("{origin}: {bytes} bytes after it were thrown away"),
            Err(error) => tracing::warn!("{origin}: {error}"),
        }
    }
}
