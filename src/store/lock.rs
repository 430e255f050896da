//! One process for one state directory.

use super::{StoreError, io_at};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long a lock that is held is waited for, and how often it is tried.
const PATIENCE: Duration = Duration::from_millis(250);
const POLL: Duration = Duration::from_millis(5);

/// The lock on a state directory. The operating system takes it back when the process ends, however it
/// ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock and writes this process's number into its file.
    pub(super) fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io_at(&path))?;
        match patiently(&file) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(StoreError::Locked {
                    path: folder.to_path_buf(),
                    holder: holder(&mut file),
                });
            }
            Err(error) => return Err(io_at(&path)(error.into())),
        }
        note(&mut file).map_err(io_at(&path))?;
        Ok(Self { _file: file })
    }
}

/// Takes the lock, waiting for one that is just being given back: a holder that ends, or a child process
/// that has a copy of the holder's file between its fork and its exec.
fn patiently(file: &File) -> Result<(), Errno> {
    let begun = Instant::now();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => thread::sleep(POLL),
            taken => return taken,
        }
    }
}

fn note(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// The number the holder wrote, or that it is not known.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "(unknown)".into(),
    }
}
