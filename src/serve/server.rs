//! The server itself: connections, their bounds and their end.

use super::request::{MAX_HEADERS, MAX_TARGET};
use super::respond::Responder;
use super::sites::Sites;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::set_tcp_user_timeout;
use rustix::process::{Resource, getrlimit};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// How long an accept waits after one failed for want of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The most bytes of a request's head: the target, the headers, and what stands between them. What
/// is longer is refused before it is read whole.
const MAX_HEAD: usize = MAX_TARGET + MAX_HEADERS + 8 * 1024;

/// What the server allows itself and its clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most connections at a time; further ones wait to be accepted.
    pub connections: usize,
    /// How long a client may take for the head of a request, which begins when the connection is
    /// ready for it. A connection that is kept alive is thus closed after this time without use.
    pub header_timeout: Duration,
    /// How long a client may leave sent bytes unacknowledged or its window shut before the
    /// connection is cut.
    pub stall_timeout: Duration,
    /// How long open requests may take after the end was asked for.
    pub drain_timeout: Duration,
    /// The most bytes of small files in memory.
    pub cache_bytes: usize,
}

impl Default for Limits {
    /// 10 s for headers, 30 s for stalls and for the end, 64 MiB of files in memory, and as many
    /// connections as leave half of the file descriptors to files, at most 8,192.
    fn default() -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self {
            connections: usize::try_from(descriptors / 2)
                .unwrap_or(usize::MAX)
                .clamp(16, 8192),
            header_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(30),
            cache_bytes: 64 * 1024 * 1024,
        }
    }
}

/// Serves the sites until `shutdown` is ready, then takes no more connections, lets open requests
/// end for a bounded time, and returns.
pub async fn run(listener: TcpListener, sites: Arc<Sites>, shutdown: impl Future<Output = ()>) {
    run_with(Limits::default(), listener, sites, shutdown).await;
}

/// The same as [`run`] with other limits.
pub async fn run_with(
    limits: Limits,
    listener: TcpListener,
    sites: Arc<Sites>,
    shutdown: impl Future<Output = ()>,
) {
    let server = Arc::new(Server {
        responder: Responder::new(sites, limits.cache_bytes),
        limits,
    });
    let slots = Arc::new(Semaphore::new(
        limits.connections.min(Semaphore::MAX_PERMITS),
    ));
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, peer, slot) = accept(&listener, &slots) => {
                let (server, stopping) = (Arc::clone(&server), stopping.clone());
                connections.spawn(async move {
                    server.serve(stream, peer, stopping).await;
                    drop(slot);
                });
            }
        }
    }
    drop(listener);
    drop(stop);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain_timeout, drained)
        .await
        .is_err()
    {
        tracing::warn!(open = connections.len(), "connections cut at the end");
        connections.shutdown().await;
    }
}

/// Waits for a place and then for a connection to take it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so there is always a permit in the end.
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            // The client went away before it was its turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What all connections share.
struct Server {
    responder: Responder,
    limits: Limits,
}

impl Server {
    /// Serves one connection until it ends, or until `stopping` closes and its request is answered.
    async fn serve(&self, stream: TcpStream, peer: SocketAddr, mut stopping: watch::Receiver<()>) {
        if let Err(error) = self.prepare(&stream) {
            tracing::debug!(%peer, %error, "connection lost at once");
            return;
        }
        let service = service_fn(async |request| {
            let response = self.responder.respond(request, peer.ip()).await;
            Ok::<_, Infallible>(response)
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_buf_size(MAX_HEAD);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let result = tokio::select! {
            result = connection.as_mut() => result,
            // Only closing ends this: nothing is ever sent.
            _ = stopping.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%peer, %error, "connection ended early");
        }
    }

    fn prepare(&self, stream: &TcpStream) -> io::Result<()> {
        // Without this, the kernel holds small writes back until earlier ones are acknowledged,
        // which a client may delay by 40 ms.
        stream.set_nodelay(true)?;
        let stall = u32::try_from(self.limits.stall_timeout.as_millis()).unwrap_or(u32::MAX);
        set_tcp_user_timeout(stream, stall)?;
        Ok(())
    }
}
