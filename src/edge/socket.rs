//! Unix sockets: the only place that listens at one or connects to one.

use futures_util::io::{AsyncRead, AsyncWrite};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fmt;
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

/// Connections that may wait to be accepted; the kernel's own limit (`net.core.somaxconn`) may be lower.
const BACKLOG: i32 = 128;

/// How long a daemon that is too busy to accept a connection is waited for, and how often it is tried.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);

/// Who is at the other end of a connection, as the kernel saw it when the connection was made
/// (`SO_PEERCRED`, unix(7)). A process cannot claim to be another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// The effective user.
    pub uid: u32,
    /// The effective group; supplementary groups are not told.
    pub gid: u32,
    /// The process, if it can be seen from here: not so from another container.
    pub pid: Option<i32>,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid {}, gid {}", self.uid, self.gid)?;
        match self.pid {
            Some(pid) => write!(f, ", process {pid}"),
            None => Ok(()),
        }
    }
}

/// Why there is no socket at a path.
#[derive(Debug, Error)]
pub enum SocketError {
    /// Something else is there, which is left alone.
    #[error("{} is there and is no socket", path.display())]
    Other {
        /// The path.
        path: PathBuf,
    },
    /// Another process listens there.
    #[error("{} is in use by {holder}", path.display())]
    InUse {
        /// The path.
        path: PathBuf,
        /// Who listens.
        holder: String,
    },
    /// Nobody listens there.
    #[error("nobody listens at {}", path.display())]
    Nobody {
        /// The path.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The operating system refused something.
    #[error("{} cannot be {what}", path.display())]
    Io {
        /// What was tried: "bound", "connected to", "taken over".
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl SocketError {
    fn io(what: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            what,
            path: path.clone(),
            source,
        }
    }
}

/// A socket that accepts connections. Its file is removed with it, if it was made by it.
#[derive(Debug)]
pub struct Listener {
    inner: UnixListener,
    file: SocketFile,
    runtime: Handle,
}

/// A [`Listener`] that is waited for instead of being asked.
#[derive(Debug)]
pub struct AsyncListener {
    inner: tokio::net::UnixListener,
    /// Removed with it.
    _file: SocketFile,
}

/// The file of a socket, removed when it is dropped.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and inode: another process may have put its own socket at the path since.
    identity: Option<(u64, u64)>,
}

impl Listener {
    /// Listens at `path`, whose file gets the permissions `mode`. The file of a process that is dead is
    /// replaced. `runtime` is where credentials are asked for; no task is started.
    ///
    /// # Errors
    /// Something else is at the path, another process listens there, or the operating system refuses.
    pub fn bind(path: &Path, mode: u32, runtime: Handle) -> Result<Self, SocketError> {
        make_room(path, &runtime)?;
        let failed = SocketError::io("bound", path);
        let socket = listening(path, mode).map_err(&failed)?;
        let inner = UnixListener::from(socket);
        inner.set_nonblocking(true).map_err(&failed)?;
        let file = SocketFile {
            path: path.to_path_buf(),
            identity: identity(path),
        };
        Ok(Self {
            inner,
            file,
            runtime,
        })
    }

    /// Accepts connections of a socket that listens already, handed over by the service manager: its file and
    /// its permissions are that one's, and stay.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn inherited(
        inner: UnixListener,
        path: &Path,
        runtime: Handle,
    ) -> Result<Self, SocketError> {
        let failed = SocketError::io("taken over", path);
        inner.set_nonblocking(true).map_err(failed)?;
        Ok(Self {
            inner,
            file: SocketFile {
                path: path.to_path_buf(),
                identity: None,
            },
            runtime,
        })
    }

    /// The next connection, and who made it. `None` when none waits.
    ///
    /// # Errors
    /// The operating system refuses: no more descriptors, say.
    pub fn accept(&self) -> io::Result<Option<(Connection, Peer)>> {
        match self.inner.accept() {
            Ok((stream, _)) => {
                let (stream, peer) = with_peer(stream, &self.runtime)?;
                stream.set_nonblocking(false)?;
                Ok(Some((Connection(stream), peer)))
            }
            Err(error) => match error.kind() {
                // The other end went away before its turn came.
                io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionAborted => Ok(None),
                _ => Err(error),
            },
        }
    }
}

impl Listener {
    /// The same, for the asynchronous runtime that this is called in.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn waiting(self) -> io::Result<AsyncListener> {
        Ok(AsyncListener {
            inner: tokio::net::UnixListener::from_std(self.inner)?,
            _file: self.file,
        })
    }
}

impl AsyncListener {
    /// The next connection, and who made it.
    ///
    /// # Errors
    /// The operating system refuses: no more descriptors, say.
    pub async fn accept(&self) -> io::Result<(AsyncConnection, Peer)> {
        let (stream, _) = self.inner.accept().await?;
        let peer = peer_of(&stream)?;
        Ok((AsyncConnection(stream), peer))
    }
}

/// One connection of an asynchronous runtime.
#[derive(Debug)]
pub struct AsyncConnection(tokio::net::UnixStream);

impl AsyncConnection {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// Nobody listens there, or this process may not connect.
    pub async fn connect(path: &Path) -> Result<Self, SocketError> {
        let begun = Instant::now();
        loop {
            match tokio::net::UnixStream::connect(path).await {
                // Too many wait to be accepted. A socket that does not block is told so instead of waiting.
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock && begun.elapsed() < PATIENCE =>
                {
                    tokio::time::sleep(POLL).await;
                }
                connected => return connected.map(Self).map_err(not_connected(path)),
            }
        }
    }

    /// The connection as tokio reads and writes it.
    #[must_use]
    pub fn into_io(
        self,
    ) -> impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static {
        self.0
    }

    /// Its two directions.
    #[must_use]
    pub fn split(
        self,
    ) -> (
        impl AsyncRead + Unpin + 'static,
        impl AsyncWrite + Unpin + 'static,
    ) {
        let (input, output) = self.0.into_split();
        (input.compat(), output.compat_write())
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A file that cannot be removed is taken away by the next process that binds here.
        if self.identity.is_some() && self.identity == identity(&self.path) {
            drop(fs::remove_file(&self.path));
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection(UnixStream);

impl Connection {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// Nobody listens there, or this process may not connect.
    pub fn connect(path: &Path) -> Result<Self, SocketError> {
        UnixStream::connect(path)
            .map(Self)
            .map_err(not_connected(path))
    }

    /// A second handle of the same connection.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn another(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// How long a write may wait for the other end to read.
    ///
    /// # Errors
    /// `limit` is zero.
    pub fn write_limit(&self, limit: Duration) -> io::Result<()> {
        self.0.set_write_timeout(Some(limit))
    }

    /// Tells the other end that nothing more will be written. Reading goes on.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn end_writing(&self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }

    /// Ends the connection for all its handles.
    pub fn end(&self) {
        // It may have been ended by the other side.
        drop(self.0.shutdown(Shutdown::Both));
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<Connection> for OwnedFd {
    fn from(connection: Connection) -> Self {
        connection.0.into()
    }
}

/// A socket that listens. It does so only once its file has its permissions: before, a connection is
/// refused, so that there is no moment in which the file is open to too many.
fn listening(path: &Path, mode: u32) -> io::Result<OwnedFd> {
    let socket = socket(SocketFlags::empty())?;
    net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

fn socket(flags: SocketFlags) -> io::Result<OwnedFd> {
    let flags = flags | SocketFlags::CLOEXEC;
    Ok(net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        flags,
        None,
    )?)
}

/// Removes the socket file of a dead process.
fn make_room(path: &Path, runtime: &Handle) -> Result<(), SocketError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {}
        Ok(_) => {
            let path = path.to_path_buf();
            return Err(SocketError::Other { path });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(SocketError::io("bound", path)(error)),
    }
    match holder(path, runtime) {
        Ok(Some(holder)) => Err(SocketError::InUse {
            path: path.to_path_buf(),
            holder,
        }),
        Ok(None) => {
            tracing::info!(
                "removing {}, left by a process that is gone",
                path.display()
            );
            fs::remove_file(path).map_err(SocketError::io("replaced", path))
        }
        Err(error) => Err(SocketError::io("asked who uses it", path)(error)),
    }
}

/// Who listens at a socket; `None` when nobody does. A listener that is too busy to accept is one, too, and
/// is not waited for.
fn holder(path: &Path, runtime: &Handle) -> io::Result<Option<String>> {
    let socket = socket(SocketFlags::NONBLOCK)?;
    match net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) => {
            let (_, peer) = with_peer(UnixStream::from(socket), runtime)?;
            let process = |pid| format!("process {pid}");
            Ok(Some(peer.pid.map_or("another process".into(), process)))
        }
        Err(Errno::AGAIN) => Ok(Some("another process".into())),
        Err(Errno::CONNREFUSED) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Why a connection was not made.
fn not_connected(path: &Path) -> impl FnOnce(io::Error) -> SocketError {
    let path = path.to_path_buf();
    move |source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            SocketError::Nobody { path, source }
        }
        _ => SocketError::io("connected to", &path)(source),
    }
}

/// Asks who is at the other end. The connection is not blocking afterwards.
fn with_peer(stream: UnixStream, runtime: &Handle) -> io::Result<(UnixStream, Peer)> {
    stream.set_nonblocking(true)?;
    let _inside = runtime.enter();
    let stream = tokio::net::UnixStream::from_std(stream)?;
    let peer = peer_of(&stream)?;
    Ok((stream.into_std()?, peer))
}

fn peer_of(stream: &tokio::net::UnixStream) -> io::Result<Peer> {
    let found = stream.peer_cred()?;
    Ok(Peer {
        uid: found.uid(),
        gid: found.gid(),
        // Of a process in another namespace the kernel tells 0.
        pid: found.pid().filter(|pid| *pid > 0),
    })
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
