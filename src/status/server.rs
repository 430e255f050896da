//! Connections, their bounds and their end.

use super::access::Access;
use super::reply::{Reply, Shared};
use super::{Listen, StatusSettings};
use crate::edge::socket::{AsyncListener, Listener, SocketError};
use crate::reconcile::Control;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Connections at a time; further ones wait to be accepted.
const CONNECTIONS: usize = 128;

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;

/// How long nothing is accepted after that has failed.
const PAUSE: Duration = Duration::from_millis(200);

/// How long open requests may take at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// A place that the daemon is looked at.
#[derive(Debug)]
pub struct Door {
    socket: Socket,
    access: Access,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(AsyncListener),
}

impl Door {
    /// Listens where the settings say.
    ///
    /// # Errors
    /// It cannot be listened there.
    pub async fn open(settings: &StatusSettings) -> Result<Self, SocketError> {
        let socket = match &settings.listen {
            Listen::Tcp(address) => {
                let bound = TcpListener::bind(address).await;
                Socket::Tcp(bound.map_err(|source| SocketError::Io {
                    what: "listened at",
                    path: address.to_string().into(),
                    source,
                })?)
            }
            Listen::Unix(path) => {
                let listener = Listener::bind(path, 0o600, Handle::current())?;
                Socket::Unix(listener.waiting().map_err(|source| SocketError::Io {
                    what: "listened at",
                    path: path.clone(),
                    source,
                })?)
            }
        };
        let here = matches!(socket, Socket::Tcp(_));
        let access = Access::new(here, settings.token.clone(), settings.credentials.clone());
        Ok(Self { socket, access })
    }

    /// The address of a TCP socket.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }
}

/// A connection of either kind.
trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send {}

impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send> Stream for T {}

impl Socket {
    async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
            Self::Unix(listener) => Box::new(listener.accept().await?.0.into_io()),
        })
    }
}

/// Answers until `shutdown`, then lets open requests end for a short time.
pub async fn serve(door: Door, control: Control, shutdown: impl Future<Output = ()>) {
    let (stop, stopped) = watch::channel(false);
    let shared = Arc::new(Shared::new(control, door.access, stopped));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await;
            (door.socket.accept().await, place)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (accepted, place) = next => match accepted {
                Ok(stream) => {
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        converse(stream, shared).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!("no status connection: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
    drop(door.socket);
    stop.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_ANSWERS, ended).await.is_err() {
        connections.shutdown().await;
    }
}

async fn converse(stream: Box<dyn Stream>, shared: Arc<Shared>) {
    let mut stop = shared.stopped();
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(Reply::to(&request, &shared).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let stopped = async {
        // An error means that who could stop this is gone.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("status connection: {error}");
    }
}
