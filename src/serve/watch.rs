//! Follows the changes that other processes make to the pointers.

use super::error::ServeError;
use super::sites::{Sites, project_of};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Room for some hundred events at a time.
const BUFFER: usize = 16 * 1024;

/// The watch of the folder of pointers. It begins before the pointers are first read.
#[derive(Debug)]
pub(super) struct Watcher(Arc<OwnedFd>);

/// What happened since the last look.
#[derive(Debug, Default)]
struct Changes {
    /// The projects whose pointers changed.
    projects: BTreeSet<String>,
    /// Whether any pointer may have changed: events were lost, or the folder itself went.
    everything: bool,
    /// Whether the folder is no longer watched.
    unwatched: bool,
}

impl Watcher {
    /// Begins to watch a folder, which must exist.
    pub(super) fn new(folder: &Path) -> Result<Self, ServeError> {
        let failed = |errno: Errno| ServeError::Watch(errno.into());
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(failed)?;
        add_watch(&fd, folder).map_err(failed)?;
        Ok(Self(Arc::new(fd)))
    }

    /// The watch as an event source of the runtime.
    #[expect(
        deprecated,
        reason = "the successor is unsafe, for descriptors that may be closed early; this one is \
                  owned by what is registered"
    )]
    fn events(&self) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
        AsyncFd::with_interest(Arc::clone(&self.0), Interest::READABLE)
    }

    /// Takes what has happened. `None` if nothing has.
    fn take(&self) -> Result<Option<Changes>, Errno> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut events = inotify::Reader::new(&self.0, &mut buffer);
        let mut changes = None;
        loop {
            match events.next() {
                Ok(event) => changes.get_or_insert_with(Changes::default).add(&event),
                Err(Errno::WOULDBLOCK) => return Ok(changes),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

fn add_watch(fd: &OwnedFd, folder: &Path) -> Result<(), Errno> {
    let flags = WatchFlags::CLOSE_WRITE
        | WatchFlags::MOVED_TO
        | WatchFlags::MOVED_FROM
        | WatchFlags::DELETE
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR;
    inotify::add_watch(fd, folder, flags).map(drop)
}

impl Changes {
    fn add(&mut self, event: &inotify::Event<'_>) {
        let gone = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED;
        if event.events().intersects(gone | ReadFlags::UNMOUNT) {
            self.unwatched = true;
        }
        if self.unwatched || event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
            self.everything = true;
        }
        let name = event.file_name().and_then(|name| name.to_str().ok());
        if let Some(project) = name.and_then(project_of) {
            self.projects.insert(project.to_owned());
        }
    }
}

impl Sites {
    /// Follows the changes that other processes make to the pointers, until `shutdown` is ready.
    ///
    /// # Errors
    /// If the kernel's events can no longer be read; changes are then followed no more.
    pub async fn watch(
        self: Arc<Self>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        tokio::select! {
            () = shutdown => Ok(()),
            result = self.follow() => result,
        }
    }

    async fn follow(self: Arc<Self>) -> Result<(), ServeError> {
        let events = self.watcher.events().map_err(ServeError::Watch)?;
        loop {
            let mut ready = events.readable().await.map_err(ServeError::Watch)?;
            let changes = self.watcher.take();
            let changes = changes.map_err(|errno| ServeError::Watch(errno.into()))?;
            let Some(changes) = changes else {
                ready.clear_ready();
                continue;
            };
            let sites = Arc::clone(&self);
            let done = tokio::task::spawn_blocking(move || sites.apply(&changes)).await;
            done.map_err(|error| ServeError::Watch(error.into()))??;
        }
    }

    /// Reads again what changed.
    fn apply(&self, changes: &Changes) -> Result<(), ServeError> {
        if changes.unwatched {
            let folder = self.layout().live_dir();
            fs::create_dir_all(&folder).map_err(ServeError::io("create", &folder))?;
            let added = add_watch(&self.watcher.0, &folder);
            added.map_err(|errno| ServeError::Watch(errno.into()))?;
        }
        if changes.everything {
            tracing::info!("reading every pointer again");
            return self.scan();
        }
        for project in &changes.projects {
            self.refresh_logged(project);
        }
        Ok(())
    }
}
