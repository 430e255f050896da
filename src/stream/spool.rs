//! A directory of message files as a source.
//!
//! ```text
//! DIR/NAME                   put there by renaming; taken in the order of names
//! DIR/work/NAME              being worked on; what lies here at the start is worked on again
//! DIR/done/NAME              every message's site is as asked
//! DIR/failed/NAME            not so
//! DIR/done/NAME.report.json  one line for each report, beside the file
//! ```

mod task;
mod watch;

use super::delivery::{End, Outlet};
use super::intake::SourceError;
use super::origin::Origin;
use super::reader::{Frames, StreamError};
use super::stop::Woken;
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use task::Task;
use watch::Watch;

/// How much of a file is read at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// How long nothing may happen before the directory is read even so: a file may have come in a way of which
/// nothing is told, as over a network.
const RESCAN: Duration = Duration::from_secs(30);

/// The same where nothing is told at all.
const RESCAN_UNWATCHED: Duration = Duration::from_secs(2);

/// How soon it is looked again whether a file can be taken whose namesake is still being worked on.
const NAMESAKE: Duration = Duration::from_millis(100);

/// Endings of files that are not complete yet.
const INCOMPLETE: [&[u8]; 2] = [b".tmp", b".part"];

/// The folders of a spool directory.
#[derive(Clone, Debug)]
struct Folders {
    root: PathBuf,
    work: PathBuf,
    done: PathBuf,
    failed: PathBuf,
}

/// The names that are being worked on.
#[derive(Clone, Debug, Default)]
struct Busy(Arc<Mutex<BTreeSet<OsString>>>);

impl Busy {
    fn names(&self) -> MutexGuard<'_, BTreeSet<OsString>> {
        // No code can panic while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A spool directory.
#[derive(Debug)]
pub(super) struct Spool {
    folders: Folders,
    busy: Busy,
    watch: Watch,
}

impl Spool {
    /// Makes the folders within the directory, which must be there.
    pub(super) fn open(root: &Path) -> Result<Self, SourceError> {
        let found = fs::metadata(root).map_err(SourceError::io(root))?;
        if !found.is_dir() {
            return Err(SourceError::NoDirectory { path: root.into() });
        }
        let folder = |name| folder(&root.join(name));
        let folders = Folders {
            root: root.into(),
            work: folder("work")?,
            done: folder("done")?,
            failed: folder("failed")?,
        };
        // Beginning to watch comes before the first look, so that nothing falls between.
        Ok(Self {
            watch: Watch::new(root),
            folders,
            busy: Busy::default(),
        })
    }

    /// Hands on the messages of one file after another, until all sources stop.
    pub(super) fn run(mut self, outlet: &Outlet) {
        if self.again(outlet) == End::Stopped {
            return;
        }
        loop {
            let mut limit = if self.watch.works() {
                RESCAN
            } else {
                RESCAN_UNWATCHED
            };
            match files(&self.folders.root) {
                Ok(names) => {
                    for name in names {
                        if self.busy.names().contains(&name) {
                            limit = NAMESAKE;
                        } else if self.take(&name, outlet) == End::Stopped {
                            return;
                        }
                    }
                }
                Err(error) => tracing::error!("dir:{}: {error}", self.folders.root.display()),
            }
            if self.watch.wait(&outlet.stop, limit) == Woken::Stopped {
                return;
            }
        }
    }

    /// Works again on what was being worked on when the last process ended.
    fn again(&self, outlet: &Outlet) -> End {
        task::clear(&self.folders.work);
        let names = files(&self.folders.work).unwrap_or_else(|error| {
            tracing::error!("{}: {error}", self.folders.work.display());
            Vec::new()
        });
        for name in names {
            tracing::info!(
                "working on {} again",
                self.folders.root.join(&name).display()
            );
            if self.work(&name, outlet) == End::Stopped {
                return End::Stopped;
            }
        }
        End::Whole
    }

    /// Takes a file out of the writers' reach and works on it.
    fn take(&self, name: &OsStr, outlet: &Outlet) -> End {
        if outlet.stop.stopped() {
            return End::Stopped;
        }
        let (from, to) = (self.folders.root.join(name), self.folders.work.join(name));
        match fs::rename(&from, to) {
            Ok(()) => self.work(name, outlet),
            Err(error) if error.kind() == io::ErrorKind::NotFound => End::Whole,
            Err(error) => {
                tracing::error!("{} cannot be taken: {error}", from.display());
                End::Broken
            }
        }
    }

    /// Hands on the messages of a file in `work/`.
    fn work(&self, name: &OsStr, outlet: &Outlet) -> End {
        self.busy.names().insert(name.into());
        let task = Task::new(self.folders.clone(), self.busy.clone(), name);
        let origin = Origin::File {
            path: self.folders.root.join(name),
        };
        let about = |_| (origin.clone(), Some(task.answer()));
        let mut frames = match open(&self.folders.work.join(name)) {
            Ok(file) => Frames::new(BufReader::with_capacity(BUFFER, file)),
            Err(source) => {
                outlet.unreadable(unreadable(source), origin.clone(), Some(task.answer()));
                task.read();
                return End::Broken;
            }
        };
        let end = outlet.pump(&mut frames, about);
        if end == End::Whole && frames.bytes_read() == 0 {
            outlet.unreadable(empty(), origin.clone(), Some(task.answer()));
        }
        if end != End::Stopped {
            task.read();
        }
        end
    }
}

/// Makes a folder, unless it is there. What leads elsewhere is refused: files would be moved out of the
/// directory.
fn folder(path: &Path) -> Result<PathBuf, SourceError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(SourceError::io(path)(error));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(path).map_err(SourceError::io(path))?;
    let path = path.to_path_buf();
    if found.is_dir() {
        Ok(path)
    } else {
        Err(SourceError::NoDirectory { path })
    }
}

/// A file that cannot be read.
const fn unreadable(source: io::Error) -> StreamError {
    StreamError::Io {
        number: 1,
        offset: 0,
        source,
    }
}

/// A file without messages, which nobody puts there on purpose.
fn empty() -> StreamError {
    StreamError::Framing {
        number: 1,
        offset: 0,
        stopped: 0,
        what: "the file is empty".into(),
    }
}

/// Opens a file to read, be it of whatever kind: neither a link nor a pipe may lead elsewhere or be waited for.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file.into())
}

/// The complete message files of a folder, in the order of their names.
fn files(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        // Of a kind that cannot be told the file may be gone again.
        if is_complete(&name) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Whether a file of this name is a complete message file.
fn is_complete(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    !name.starts_with(b".") && !INCOMPLETE.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_files_are_taken_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b", "a.bin", ".hidden", "c.tmp", "d.part", "part", "10", "9",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("done")).unwrap();
        std::os::unix::fs::symlink("b", folder.path().join("link")).unwrap();
        let names = files(folder.path()).unwrap();
        assert_eq!(names, ["10", "9", "a.bin", "b", "part"]);
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        fs::write(path("file"), "x").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        rustix::fs::mkfifoat(CWD, path("fifo"), Mode::RWXU).unwrap();
        assert!(open(&path("file")).is_ok());
        for name in ["link", "fifo", ".", "none"] {
            assert!(open(&path(name)).is_err(), "{name}");
        }
    }
}
