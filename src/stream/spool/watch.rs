//! Being told that a directory has a new file.

use crate::stream::stop::{Stop, Woken};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Room for some dozens of events at a time.
const BUFFER: usize = 4 * 1024;

/// The kernel's word that a file came into a directory: by renaming, or by being written and closed.
#[derive(Debug)]
pub(super) struct Watch {
    folder: PathBuf,
    /// `None` where the kernel has no watch to give: the directory is only read from time to time then.
    events: Option<OwnedFd>,
}

impl Watch {
    /// Begins to watch.
    pub(super) fn new(folder: &Path) -> Self {
        let mut watch = Self {
            folder: folder.into(),
            events: None,
        };
        watch.begin();
        watch
    }

    fn begin(&mut self) {
        let flags = CreateFlags::NONBLOCK | CreateFlags::CLOEXEC;
        let what = WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE | WatchFlags::ONLYDIR;
        let begun = inotify::init(flags).and_then(|events| {
            inotify::add_watch(&events, &self.folder, what | WatchFlags::MOVE_SELF)?;
            Ok(events)
        });
        match begun {
            Ok(events) => self.events = Some(events),
            Err(errno) => {
                let folder = self.folder.display();
                tracing::warn!("dir:{folder}: only read from time to time: {errno}");
            }
        }
    }

    /// Whether new files are told.
    pub(super) const fn works(&self) -> bool {
        self.events.is_some()
    }

    /// Waits until the directory is to be read again, for at most `limit`.
    pub(super) fn wait(&mut self, stop: &Stop, limit: Duration) -> Woken {
        let Some(events) = &self.events else {
            let woken = stop.rest(limit).unwrap_or(Woken::TimedOut);
            self.begin();
            return woken;
        };
        let woken = stop.wait(events, Some(limit)).unwrap_or(Woken::TimedOut);
        if woken == Woken::Ready && !goes_on(events) {
            self.events = None;
        }
        woken
    }
}

/// Takes what was told. Whether the watch goes on: not so when the directory itself went.
fn goes_on(events: &OwnedFd) -> bool {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut reader = inotify::Reader::new(events, &mut buffer);
    let gone = ReadFlags::IGNORED | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT;
    loop {
        match reader.next() {
            Ok(event) if event.events().intersects(gone) => return false,
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => return true,
            Err(_) => return false,
        }
    }
}
