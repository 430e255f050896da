//! One process and one thread at a time for each cache.

use rustix::fs::{FlockOperation, flock, fstat, stat};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How often a lock that is held is tried.
const POLL: Duration = Duration::from_millis(20);

/// The right to a cache, until it is dropped. The file's time tells when the cache was last used.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Waits for the right; `None` when it was not to be had in time.
    pub(super) fn wait(path: &Path, deadline: Instant) -> io::Result<Option<Self>> {
        loop {
            if let Some(lock) = Self::attempt(path)? {
                lock.file.set_modified(SystemTime::now())?;
                return Ok(Some(lock));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            thread::sleep(POLL);
        }
    }

    /// Takes the right if nobody has it.
    pub(super) fn attempt(path: &Path) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        // Between opening and locking it may have been removed, and another made in its place.
        let own = fstat(&file)?;
        let same = stat(path).is_ok_and(|now| (now.st_dev, now.st_ino) == (own.st_dev, own.st_ino));
        let path = path.to_owned();
        Ok(same.then_some(Self { path, file }))
    }

    /// Removes the file as well: there is nothing left to guard.
    pub(super) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}
