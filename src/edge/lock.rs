//! Rights to folders that several processes and threads use: caches, and what is made for them.

use rustix::fs::{FlockOperation, flock, fstat, stat};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How often a lock that is held is tried.
const POLL: Duration = Duration::from_millis(20);

/// A right to what a file stands for, until it is dropped. The file's time tells when the right was last waited for.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Waits for the sole right; `None` when it was not to be had in time.
    pub(crate) fn wait(path: &Path, deadline: Instant) -> io::Result<Option<Self>> {
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

    /// Takes the sole right if nobody has any.
    pub(crate) fn attempt(path: &Path) -> io::Result<Option<Self>> {
        Self::take(path, FlockOperation::NonBlockingLockExclusive)
    }

    /// Takes a right that others may have as well, unless somebody has the sole one.
    pub(crate) fn share(path: &Path) -> io::Result<Option<Self>> {
        let lock = Self::take(path, FlockOperation::NonBlockingLockShared)?;
        if let Some(lock) = &lock {
            lock.file.set_modified(SystemTime::now())?;
        }
        Ok(lock)
    }

    fn take(path: &Path, operation: FlockOperation) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match flock(&file, operation) {
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
    pub(crate) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_right_keeps_the_sole_one_away_and_the_other_way_round() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let one = Lock::share(&path).unwrap().unwrap();
        let two = Lock::share(&path).unwrap().unwrap();
        assert!(Lock::attempt(&path).unwrap().is_none());
        drop((one, two));
        let sole = Lock::attempt(&path).unwrap().unwrap();
        assert!(Lock::share(&path).unwrap().is_none());
        sole.remove().unwrap();
        assert!(Lock::attempt(&path).unwrap().is_some());
    }
}
