//! The one thread that writes. Changes that arrive while a transaction is being synced to disk wait and
//! share the next one.

use super::record::{HistoryEntry, SiteRecord, StepId};
use super::{Accepted, Sites, Sqlite, StoreError, Told, accepted, tables, told};
use crate::model::SiteId;
use crate::release::Digest;
use crate::schedule::Health;
use rusqlite::Connection;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use tokio::sync::{mpsc, oneshot};

/// Changes that may wait; whoever comes later is slowed.
const WAITING: usize = 1024;

/// Changes in one transaction. It bounds how much one failure takes back.
const BATCH: usize = 256;

/// Something to write.
pub(super) enum Change {
    /// A site's record with its message and a line of history.
    Site {
        id: SiteId,
        record: Box<SiteRecord>,
        message: Option<Vec<u8>>,
        history: Option<HistoryEntry>,
    },
    /// A site's protection alone: what else is known of it may change meanwhile.
    Protect { id: SiteId, protected: bool },
    /// All that is known of a site.
    Forget { id: SiteId },
    /// What a site is to be from now on.
    Accept {
        accepted: Box<Accepted>,
        body: Vec<u8>,
    },
    /// That what was accepted is carried out.
    Settle {
        site: SiteId,
        lane: String,
        digest: Digest,
    },
    /// What people were told of a site.
    Health { site: SiteId, health: Health },
    /// What a notification told of a site.
    Told { notification: String, told: Told },
    /// Whether the operator wants a site left as it is.
    Suspend { site: SiteId, suspended: bool },
    /// A step that is about to be done.
    Begin {
        site: SiteId,
        seq: u64,
        action: String,
        target: String,
    },
    /// How a step ended.
    Finish {
        step: StepId,
        outcome: &'static str,
        detail: String,
    },
}

type Answer = Result<StepId, StoreError>;

struct Job {
    change: Change,
    answer: oneshot::Sender<Answer>,
}

/// The handle of the thread. When it is dropped, what waits is written and the thread ends.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn start(connection: Connection, sites: Sites, path: PathBuf) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        let mut work = Work {
            connection,
            sites,
            path,
            commits: Arc::clone(&commits),
        };
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || work.run(waiting))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            commits,
        })
    }

    pub(super) async fn write(&self, change: Change) -> Answer {
        let (answer, answered) = oneshot::channel();
        let job = Job { change, answer };
        let Some(jobs) = &self.jobs else {
            return Err(StoreError::NotWritable);
        };
        jobs.send(job).await.map_err(|_| StoreError::NotWritable)?;
        answered.await.unwrap_or(Err(StoreError::NotWritable))
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the state ended early");
        }
    }
}

struct Work {
    connection: Connection,
    sites: Sites,
    path: PathBuf,
    commits: Arc<AtomicU64>,
}

impl Work {
    fn run(&mut self, mut waiting: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(BATCH);
        while waiting.blocking_recv_many(&mut jobs, BATCH) > 0 {
            let ended = self.commit(&jobs);
            for (index, job) in jobs.drain(..).enumerate() {
                let answer = match &ended {
                    Ok(steps) => Ok(steps[index]),
                    Err(error) => Err(StoreError::Database(Sqlite {
                        path: self.path.clone(),
                        error: Arc::clone(error),
                    })),
                };
                if answer.is_ok() {
                    self.remember(job.change);
                }
                // Whoever asked may have stopped waiting; the change holds nonetheless.
                drop(job.answer.send(answer));
            }
        }
    }

    /// Writes all changes or none.
    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<StepId>, Arc<rusqlite::Error>> {
        let transaction = self.connection.transaction()?;
        let mut steps = Vec::with_capacity(jobs.len());
        for job in jobs {
            steps.push(write(&transaction, &job.change)?);
        }
        transaction.commit()?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(steps)
    }

    /// Shows what was committed to readers.
    fn remember(&self, change: Change) {
        let mut sites = self.sites.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Site { id, record, .. } => {
                sites.insert(id, Arc::from(record));
            }
            Change::Protect { id, protected } => {
                if let Some(record) = sites.get_mut(&id) {
                    Arc::make_mut(record).protected = protected;
                }
            }
            Change::Forget { id } => {
                sites.remove(&id);
            }
            Change::Accept { .. }
            | Change::Settle { .. }
            | Change::Health { .. }
            | Change::Told { .. }
            | Change::Suspend { .. }
            | Change::Begin { .. }
            | Change::Finish { .. } => {}
        }
    }
}

fn write(connection: &Connection, change: &Change) -> rusqlite::Result<StepId> {
    match change {
        Change::Site {
            id,
            record,
            message,
            history,
        } => {
            tables::put_site(connection, id, record)?;
            if let Some(message) = message {
                tables::put_message(connection, id, message)?;
            }
            if let Some(entry) = history {
                tables::add_history(connection, id, entry)?;
            }
            Ok(StepId(0))
        }
        Change::Protect { id, protected } => {
            tables::protect(connection, id, *protected)?;
            Ok(StepId(0))
        }
        Change::Forget { id } => tables::forget(connection, id).map(|()| StepId(0)),
        Change::Accept { accepted, body } => {
            accepted::put(connection, accepted, body).map(|()| StepId(0))
        }
        Change::Settle { site, lane, digest } => {
            accepted::settle(connection, site, lane, *digest).map(|()| StepId(0))
        }
        Change::Health { site, health } => {
            accepted::health(connection, site, *health).map(|()| StepId(0))
        }
        Change::Told { notification, told } => {
            told::put(connection, notification, told).map(|()| StepId(0))
        }
        Change::Suspend { site, suspended } => {
            accepted::suspend(connection, site, *suspended).map(|()| StepId(0))
        }
        Change::Begin {
            site,
            seq,
            action,
            target,
        } => tables::begin(connection, site, *seq, action, target),
        Change::Finish {
            step,
            outcome,
            detail,
        } => tables::finish(connection, *step, outcome, detail).map(|()| *step),
    }
}
