//! A server that does on purpose what servers do by accident. It notes every request that it has read.

use rustix::net::sockopt::set_socket_linger;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends this and goes on.
    Send(Vec<u8>),
    /// Sends this and closes the connection.
    Last(Vec<u8>),
    /// Sends this and resets the connection.
    Reset(Vec<u8>),
    /// Sends this and then nothing more.
    Stall(Vec<u8>),
    /// Sends this and then the second for as long as somebody reads.
    Endless(Vec<u8>, Vec<u8>),
}

/// An answer with this status, these header lines and this body.
pub(crate) fn answer(status: u16, header: &str, body: &str) -> Vec<u8> {
    let header = header.replace('\n', "\r\n");
    let length = body.len();
    format!("HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\n{header}\r\n{body}").into()
}

/// An answer that keeps the connection.
pub(crate) fn plain(status: u16, header: &str, body: &str) -> Reply {
    Reply::Send(answer(status, header, body))
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Method, target and version.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

/// The server, until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<dyn Fn(usize) -> Reply + Send + Sync>,
    requests: Mutex<Vec<Received>>,
    /// Those that are open. A reset takes that nobody else holds the connection.
    connections: Mutex<Vec<Weak<TcpStream>>>,
    /// How many connections the server has closed.
    closed: Mutex<usize>,
    closing: Condvar,
    stopped: AtomicBool,
}

impl Server {
    /// Answers the first request with `script(0)`, the next with `script(1)` and so on.
    pub(crate) fn start(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            requests: Mutex::default(),
            connections: Mutex::default(),
            closed: Mutex::new(0),
            closing: Condvar::new(),
            stopped: AtomicBool::new(false),
        });
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    /// Answers every request with the same.
    pub(crate) fn always(reply: Reply) -> Self {
        Self::start(move |_| reply.clone())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests that were read whole.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.requests().len()
    }

    /// Waits until the server has closed this many connections.
    pub(crate) fn wait_closed(&self, count: usize) {
        let closed = self.shared.closed.lock().unwrap();
        let waiting = |closed: &mut usize| *closed < count;
        let limit = Duration::from_secs(10);
        let waited = self
            .shared
            .closing
            .wait_timeout_while(closed, limit, waiting);
        assert!(!waited.unwrap().1.timed_out(), "no connection was closed");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let connections = self.shared.connections.lock().unwrap();
        for connection in connections.iter().filter_map(Weak::upgrade) {
            drop(connection.shutdown(Shutdown::Both));
        }
        drop(connections);
        // Wakes the one who waits for connections.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        let mut threads = Vec::new();
        while let Ok((connection, _)) = listener.accept() {
            if self.stopped.load(Ordering::SeqCst) {
                break;
            }
            let connection = Arc::new(connection);
            let mut connections = self.connections.lock().unwrap();
            connections.push(Arc::downgrade(&connection));
            drop(connections);
            let shared = Arc::clone(&self);
            threads.push(thread::spawn(move || shared.serve(connection)));
        }
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// Answers requests until the connection ends, for whatever reason.
    fn serve(&self, connection: Arc<TcpStream>) {
        let mut reader = BufReader::new(&*connection);
        let mut next = Next::Request;
        while next == Next::Request {
            let Ok(Some(received)) = read_request(&mut reader) else {
                break;
            };
            let reply = {
                let mut requests = self.requests.lock().unwrap();
                requests.push(received);
                (self.script)(requests.len() - 1)
            };
            next = reply.perform(&connection).unwrap_or(Next::Close);
        }
        if next == Next::Reset {
            // What was sent is lost to who has not read it by then.
            thread::sleep(Duration::from_millis(50));
            set_socket_linger(&*connection, Some(Duration::ZERO)).unwrap();
        } else {
            drop(connection.shutdown(Shutdown::Both));
        }
        drop(connection);
        *self.closed.lock().unwrap() += 1;
        self.closing.notify_all();
    }
}

/// How a connection goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Request,
    Close,
    Reset,
}

impl Reply {
    fn perform(self, mut connection: &TcpStream) -> io::Result<Next> {
        match self {
            Self::Send(bytes) => {
                connection.write_all(&bytes)?;
                return Ok(Next::Request);
            }
            Self::Last(bytes) => connection.write_all(&bytes)?,
            Self::Reset(bytes) => {
                connection.write_all(&bytes)?;
                return Ok(Next::Reset);
            }
            Self::Stall(bytes) => {
                connection.write_all(&bytes)?;
                // Until the other side gives up or the server is stopped.
                drop(connection.read(&mut [0]));
            }
            Self::Endless(bytes, more) => {
                connection.write_all(&bytes)?;
                while connection.write_all(&more).is_ok() {}
            }
        }
        Ok(Next::Close)
    }
}

/// Reads one request; nothing when the connection has ended before its end.
fn read_request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Received>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: BTreeMap<String, String> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length");
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body)?;
    Ok(Some(Received {
        line: lines[0].clone(),
        headers,
        body,
        at: Instant::now(),
    }))
}
