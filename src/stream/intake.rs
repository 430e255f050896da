//! Several sources at once, for as long as the daemon lives.

use super::access::Access;
use super::budget::Budget;
use super::delivery::{BYTES_UNDER_WAY, Delivery, Outlet};
use super::fifo::Fifo;
use super::origin::{Origin, SourceSpec};
use super::reader::Frames;
use super::socket::{self, CONNECTIONS};
use super::spool::Spool;
use super::stop::{Patient, Stop};
use super::{SpecError, WAITING};
use crate::edge::socket::{Listener, SocketError};
use crate::edge::systemd::Listeners;
use crate::words;
use std::io::{self, BufReader};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// How much of standard input is read at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// How long clients have at the end to take their last reports.
const LAST_REPLIES: Duration = Duration::from_secs(5);

/// What the operator decides about sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceOptions {
    /// The permissions of a socket's file: who may connect. By default the daemon's own user alone.
    pub socket_mode: u32,
    /// Who of those that may connect may change which site.
    pub access: Access,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            socket_mode: 0o600,
            access: Access::default(),
        }
    }
}

/// Why messages cannot be taken from a source.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The same source is named twice.
    #[error("{source_spec} is given twice")]
    Twice {
        /// The source.
        source_spec: SourceSpec,
    },
    /// The text names no source.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The socket cannot be had.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Something else is where a pipe is expected.
    #[error("{} is there and is no fifo", path.display())]
    NoFifo {
        /// The path.
        path: PathBuf,
    },
    /// Something else is where a directory is expected.
    #[error("{} is no directory", path.display())]
    NoDirectory {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("{} cannot be a source", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The process has no thread or descriptor left.
    #[error("no thread or descriptor for a source")]
    Exhausted(#[source] io::Error),
}

impl SourceError {
    /// An error of the operating system about a path.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }

    /// The error and the one below it.
    #[must_use]
    pub fn full(&self) -> String {
        words::chain(self)
    }
}

/// Messages from several sources, as they come.
///
/// What is under way is bounded, in messages and in bytes: a fast writer is slowed by its pipe or its socket
/// and loses nothing. One source's trouble never ends another.
#[derive(Debug)]
pub struct Intake {
    receiver: mpsc::Receiver<Delivery>,
    stop: Stop,
    access: Access,
    connections: Budget,
    threads: Vec<JoinHandle<()>>,
}

/// A source that is open and not read yet.
enum Open {
    Stdin(Patient),
    Fifo(Fifo),
    Unix(Listener, PathBuf),
    Dir(Spool),
}

impl Intake {
    /// Opens all sources and begins to read them. `runtime` is where the credentials of connections are asked
    /// for; the reading itself has threads of its own, since what is read in the packed encoding cannot be
    /// put aside within a message.
    ///
    /// # Errors
    /// One of the sources cannot be had. Then none is read.
    pub fn open(
        specs: &[SourceSpec],
        options: SourceOptions,
        runtime: &Handle,
    ) -> Result<Self, SourceError> {
        Self::open_with(specs, options, &mut Listeners::default(), runtime)
    }

    /// The same, with the sockets that the service manager handed over: one that listens at the path of a
    /// `unix:` source is taken for it, as it is.
    ///
    /// # Errors
    /// One of the sources cannot be had. Then none is read.
    pub fn open_with(
        specs: &[SourceSpec],
        options: SourceOptions,
        handed: &mut Listeners,
        runtime: &Handle,
    ) -> Result<Self, SourceError> {
        let stop = Stop::new().map_err(SourceError::Exhausted)?;
        let mut sources = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            if specs[..index].contains(spec) {
                let source_spec = spec.clone();
                return Err(SourceError::Twice { source_spec });
            }
            sources.push(open(spec, &options, handed, &stop, runtime)?);
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        let outlet = Outlet {
            sender,
            room: Budget::new(BYTES_UNDER_WAY),
            stop: stop.clone(),
        };
        let connections = Budget::new(CONNECTIONS);
        let mut threads = Vec::new();
        for source in sources {
            let (outlet, connections) = (outlet.clone(), connections.clone());
            let thread = thread::Builder::new().name("source".into());
            let run = move || source.run(&outlet, &connections);
            match thread.spawn(run) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    stop.stop();
                    return Err(SourceError::Exhausted(error));
                }
            }
        }
        Ok(Self {
            receiver,
            stop,
            access: options.access,
            connections,
            threads,
        })
    }

    /// The next message of any source. `None` when all have ended or were stopped and all that was read has
    /// been given. A message whose sender may not change its site is [refused](super::Spore::refuse).
    pub async fn next(&mut self) -> Option<Delivery> {
        let mut delivery = self.receiver.recv().await?;
        tracing::debug!(site = ?delivery.spore.site, "message from {}", delivery.origin);
        if let (Some(peer), Some(site)) = (delivery.origin.peer(), &delivery.spore.site)
            && let Some(fault) = self.access.refusal(peer, site)
        {
            tracing::warn!("{}: {fault}", delivery.origin);
            delivery.spore.refuse(fault);
        }
        Some(delivery)
    }

    /// What lets all sources stop: no further message is read, and [`next`](Self::next) gives `None` after
    /// those that were.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Ends all sources, and waits until each client has its last report, but for 5 seconds at most. The file
    /// of a socket is gone then. Whether all was in order. Blocks.
    pub fn finish(self) -> bool {
        self.stop.stop();
        // Threads that wait for their message to be taken learn that nobody will.
        drop(self.receiver);
        let ended = self.threads.into_iter().map(JoinHandle::join);
        let orderly = ended.filter(Result::is_err).count() == 0;
        self.connections.wait_for_all(LAST_REPLIES) && orderly
    }
}

fn open(
    spec: &SourceSpec,
    options: &SourceOptions,
    handed: &mut Listeners,
    stop: &Stop,
    runtime: &Handle,
) -> Result<Open, SourceError> {
    Ok(match spec {
        SourceSpec::Stdin => {
            let input = io::stdin().as_fd().try_clone_to_owned();
            let input = input.map_err(SourceError::Exhausted)?;
            Open::Stdin(Patient::new(input, stop.clone()))
        }
        SourceSpec::Fifo(path) => Open::Fifo(Fifo::open(path)?),
        SourceSpec::Unix(path) => {
            let runtime = runtime.clone();
            let listener = match handed.take_at(path) {
                Some(socket) => Listener::inherited(socket, path, runtime)?,
                None => Listener::bind(path, options.socket_mode, runtime)?,
            };
            Open::Unix(listener, path.clone())
        }
        SourceSpec::Dir(path) => Open::Dir(Spool::open(path)?),
    })
}

impl Open {
    fn run(self, outlet: &Outlet, connections: &Budget) {
        match self {
            Self::Stdin(input) => {
                let input = BufReader::with_capacity(BUFFER, input);
                outlet.pump(&mut Frames::new(input), |_| (Origin::Stdin, None));
            }
            Self::Fifo(fifo) => fifo.run(outlet),
            Self::Unix(listener, path) => socket::run(&listener, &path, connections, outlet),
            Self::Dir(spool) => spool.run(outlet),
        }
    }
}
