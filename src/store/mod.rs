//! What the daemon remembers: which sites there are, what was applied, what is being done.
//!
//! One SQLite file below the state directory, in write-ahead mode with every commit synced to disk. One
//! thread writes; commits that arrive together share one transaction. The sites' records are kept in memory
//! as well, so that an unchanged site costs no query.

mod accepted;
mod lock;
mod record;
mod tables;
mod told;
mod writer;

pub use accepted::{Accepted, AcceptedMessage};
pub use record::{Cause, HistoryEntry, InterruptedStep, SiteRecord, SiteState, StepId};
pub use told::Told;

use crate::model::SiteId;
use crate::release::Digest;
use crate::schedule::Health;
use lock::Lock;
use rusqlite::Connection;
use std::collections::HashMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use thiserror::Error;
use writer::{Change, Writer};

/// The state of one state directory. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    sites: Sites,
    reader: Mutex<Connection>,
    /// `None` when the directory was opened to look only.
    writer: Option<Writer>,
    _lock: Option<Lock>,
}

/// The records of all sites.
type Sites = Arc<RwLock<HashMap<SiteId, Arc<SiteRecord>>>>;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Why state cannot be read or kept.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process holds the state directory.
    #[error("state directory {} is in use by process {holder}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The process, as far as the lock file tells.
        holder: String,
    },
    /// The directory or a file in it cannot be used.
    #[error("state directory: {} cannot be used", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Database(Sqlite),
    /// The database was written by a newer version.
    #[error("state database {} has revision {found}; this version knows {known}", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its revision.
        found: i64,
        /// The revision this version writes.
        known: i64,
    },
    /// A row holds what this version does not understand.
    #[error("state database: site {site}: {what}")]
    Row {
        /// The site.
        site: String,
        /// What is wrong.
        what: String,
    },
    /// The store was opened to look only, or its writer has ended.
    #[error("the state cannot be changed: it was opened to look only, or its writer has ended")]
    NotWritable,
}

/// An error of SQLite and the database it is about. All whose changes shared a transaction get the same one.
#[derive(Clone, Debug, Error)]
#[error("state database {}: {error}", path.display())]
pub struct Sqlite {
    path: PathBuf,
    error: Arc<rusqlite::Error>,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Sqlite {
            path: PathBuf::new(),
            error: Arc::new(error),
        })
    }
}

impl StoreError {
    /// The same, naming the database, which queries do not know.
    fn of(self, path: &Path) -> Self {
        match self {
            Self::Database(Sqlite { error, .. }) => Self::Database(Sqlite {
                path: path.to_path_buf(),
                error,
            }),
            other => other,
        }
    }
}

impl Store {
    /// Takes the state directory for this process, making it if need be, and reads its sites.
    ///
    /// # Errors
    /// Another process has it, it cannot be written, or its database is damaged or of a newer version.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        make_folder(folder)?;
        let lock = Lock::take(folder)?;
        let path = database(folder);
        restrict(&path)?;
        let open = || -> Result<_, StoreError> {
            let connection = tables::open(&path)?;
            let sites = tables::sites(&connection)?;
            Ok((connection, sites, tables::open(&path)?))
        };
        let (connection, sites, reader) = open().map_err(|error| error.of(&path))?;
        let sites: Sites = Arc::new(RwLock::new(sites));
        let writer = Writer::start(connection, Arc::clone(&sites), path.clone());
        let writer = writer.map_err(io_at(folder))?;
        Ok(Self {
            shared: Arc::new(Shared {
                path,
                sites,
                reader: Mutex::new(reader),
                writer: Some(writer),
                _lock: Some(lock),
            }),
        })
    }

    /// Opens the state to look only, beside a process that changes it. A directory that is not there yet is
    /// an empty state.
    ///
    /// # Errors
    /// The database cannot be read, is damaged or of a newer version.
    pub fn open_readonly(folder: &Path) -> Result<Self, StoreError> {
        let path = database(folder);
        let there = path.try_exists().map_err(io_at(&path))?;
        let open = || -> Result<_, StoreError> {
            if there {
                // Told by the operating system itself, as SQLite would only say that it cannot.
                fs::File::open(&path).map_err(io_at(&path))?;
            }
            let reader = tables::open_readonly(&path, there)?;
            let sites = tables::sites(&reader)?;
            Ok((reader, sites))
        };
        let (reader, sites) = open().map_err(|error| error.of(&path))?;
        Ok(Self {
            shared: Arc::new(Shared {
                path,
                sites: Arc::new(RwLock::new(sites)),
                reader: Mutex::new(reader),
                writer: None,
                _lock: None,
            }),
        })
    }

    /// What is known of a site.
    #[must_use]
    pub fn site(&self, id: &SiteId) -> Option<Arc<SiteRecord>> {
        let sites = self.shared.sites.read();
        sites
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    /// All sites by id.
    #[must_use]
    pub fn sites(&self) -> Vec<(SiteId, Arc<SiteRecord>)> {
        let sites = self.shared.sites.read();
        let mut sites: Vec<_> = sites
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(id, site)| (id.clone(), Arc::clone(site)))
            .collect();
        sites.sort_by(|one, two| one.0.cmp(&two.0));
        sites
    }

    /// Keeps a site's record, its message if one is given, and a line of history, all or nothing. Returns when
    /// they are on disk.
    ///
    /// # Errors
    /// Nothing was kept.
    pub async fn commit(
        &self,
        id: &SiteId,
        record: SiteRecord,
        message: Option<Vec<u8>>,
        history: Option<HistoryEntry>,
    ) -> Result<(), StoreError> {
        let change = Change::Site {
            id: id.clone(),
            record: Box::new(record),
            message,
            history,
        };
        self.write(change).await.map(drop)
    }

    /// Turns a site's protection from deletion on or off.
    ///
    /// # Errors
    /// Nothing was changed.
    pub async fn set_protected(&self, id: &SiteId, protected: bool) -> Result<(), StoreError> {
        let id = id.clone();
        self.write(Change::Protect { id, protected })
            .await
            .map(drop)
    }

    /// Forgets a site: its record, its message, its history and its steps. Returns when that is on disk.
    ///
    /// # Errors
    /// Nothing was changed.
    pub async fn forget(&self, id: &SiteId) -> Result<(), StoreError> {
        let id = id.clone();
        self.write(Change::Forget { id }).await.map(drop)
    }

    /// Keeps a configuration as what its site is to be, in the place of the one before. Returns when it is on
    /// disk.
    ///
    /// # Errors
    /// Nothing was kept: what was accepted before still holds.
    pub async fn accept(&self, accepted: Accepted, body: Vec<u8>) -> Result<(), StoreError> {
        let accepted = Box::new(accepted);
        let change = Change::Accept { accepted, body };
        self.write(change).await.map(drop)
    }

    /// Notes that the configuration of this digest is carried out; nothing when another was accepted since.
    ///
    /// # Errors
    /// Nothing was noted: it is carried out again after the next start.
    pub async fn settle(
        &self,
        site: &SiteId,
        lane: &str,
        digest: Digest,
    ) -> Result<(), StoreError> {
        let change = Change::Settle {
            site: site.clone(),
            lane: lane.into(),
            digest,
        };
        self.write(change).await.map(drop)
    }

    /// Notes what people were told about a site.
    ///
    /// # Errors
    /// Nothing was noted: they may be told again after the next start.
    pub async fn note_health(&self, site: &SiteId, health: Health) -> Result<(), StoreError> {
        let site = site.clone();
        self.write(Change::Health { site, health }).await.map(drop)
    }

    /// Notes what one of the operator's notifications told last of a site, in the place of what was before.
    ///
    /// # Errors
    /// Nothing was noted: it may be told again after the next start.
    pub async fn note_told(&self, notification: String, told: Told) -> Result<(), StoreError> {
        let change = Change::Told { notification, told };
        self.write(change).await.map(drop)
    }

    /// The sites that are not well as far as one of the operator's notifications has told, by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn told(&self, notification: &str) -> Result<Vec<Told>, StoreError> {
        let found = told::of(&self.reader(), notification);
        found.map_err(|error| error.of(&self.shared.path))
    }

    /// Notes whether the operator wants a site left as it is.
    ///
    /// # Errors
    /// Nothing was changed.
    pub async fn suspend(&self, site: &SiteId, suspended: bool) -> Result<(), StoreError> {
        let site = site.clone();
        let change = Change::Suspend { site, suspended };
        self.write(change).await.map(drop)
    }

    /// All that was accepted, by site.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn accepted(&self) -> Result<Vec<Accepted>, StoreError> {
        accepted::all(&self.reader()).map_err(|error| error.of(&self.shared.path))
    }

    /// The messages accepted for a site, its own first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn accepted_messages(&self, site: &SiteId) -> Result<Vec<AcceptedMessage>, StoreError> {
        let found = accepted::messages(&self.reader(), site);
        found.map_err(|error| error.of(&self.shared.path))
    }

    /// Notes that a step is about to be done. Returns when the note is on disk.
    ///
    /// # Errors
    /// The note was not made: the step must not be done.
    pub async fn begin(
        &self,
        site: &SiteId,
        seq: u64,
        action: &str,
        target: &str,
    ) -> Result<StepId, StoreError> {
        let change = Change::Begin {
            site: site.clone(),
            seq,
            action: action.into(),
            target: target.into(),
        };
        self.write(change).await
    }

    /// Notes how a step ended.
    ///
    /// # Errors
    /// The note was not made: the step counts as interrupted.
    pub async fn finish(&self, step: StepId, done: bool, detail: &str) -> Result<(), StoreError> {
        let outcome = if done { "done" } else { "failed" };
        self.end(step, outcome, detail).await
    }

    /// Notes that an interrupted step was looked after.
    ///
    /// # Errors
    /// The note was not made: the step is found again at the next start.
    pub async fn resolve_interrupted(&self, step: StepId, note: &str) -> Result<(), StoreError> {
        self.end(step, "interrupted", note).await
    }

    async fn end(
        &self,
        step: StepId,
        outcome: &'static str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let detail = detail.into();
        let change = Change::Finish {
            step,
            outcome,
            detail,
        };
        self.write(change).await.map(drop)
    }

    /// Steps that were begun and never noted as ended, oldest first: a crash interrupted them.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn interrupted(&self) -> Result<Vec<InterruptedStep>, StoreError> {
        tables::interrupted(&self.reader()).map_err(|error| error.of(&self.shared.path))
    }

    /// A site's history, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn history(&self, id: &SiteId, limit: usize) -> Result<Vec<HistoryEntry>, StoreError> {
        tables::history(&self.reader(), id, limit).map_err(|error| error.of(&self.shared.path))
    }

    /// The message applied last for a site, in canonical form.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn message(&self, id: &SiteId) -> Result<Option<Vec<u8>>, StoreError> {
        tables::message(&self.reader(), id).map_err(|error| error.of(&self.shared.path))
    }

    /// Transactions committed so far; fewer than changes, as those that come together share one.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.shared.writer.as_ref().map_or(0, Writer::commits)
    }

    async fn write(&self, change: Change) -> Result<StepId, StoreError> {
        match &self.shared.writer {
            Some(writer) => writer.write(change).await,
            None => Err(StoreError::NotWritable),
        }
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        let reader = self.shared.reader.lock();
        reader.unwrap_or_else(PoisonError::into_inner)
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("state.db")
}

/// The error of a file or directory.
fn io_at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_path_buf();
    move |source| StoreError::Io { path, source }
}

/// Makes the directory, for its owner alone; one that is there keeps its mode.
fn make_folder(folder: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(io_at(folder))
}

/// Makes the database's file, if it is not there, for its owner alone: it holds messages whole. The files that
/// SQLite adds take their mode from it.
fn restrict(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(io_at(path)(error)),
        _ => Ok(()),
    }
}
