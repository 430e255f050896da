//! The real server on a port of its own, and a client that sends bytes as they are given.

use mycelia_spore::release::Layout;
use mycelia_spore::serve::{Limits, Sites, run_with};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A server that ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) layout: Layout,
    pub(crate) sites: Arc<Sites>,
    stop: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Server {
    /// Starts a server for what is published into the new layout.
    pub(crate) fn start(publish: impl FnOnce(&Layout)) -> Self {
        Self::start_with(Limits::default(), publish)
    }

    pub(crate) fn start_with(limits: Limits, publish: impl FnOnce(&Layout)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        publish(&layout);
        let sites = Sites::open(layout.clone()).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(());
        let served = Arc::clone(&sites);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let end = |mut stopping: watch::Receiver<()>| async move {
                    let _ = stopping.changed().await;
                };
                // As tasks of their own, which must be able to move between threads.
                let watching = tokio::spawn(Arc::clone(&served).watch(end(stopping.clone())));
                tokio::spawn(run_with(limits, listener, served, end(stopping)))
                    .await
                    .unwrap();
                watching.await.unwrap().unwrap();
            });
        });
        Self {
            address,
            layout,
            sites,
            stop: Some(stop),
            thread: Some(thread),
            _folder: folder,
        }
    }

    /// Asks the server to end, without waiting.
    pub(crate) fn ask_to_stop(&mut self) {
        self.stop = None;
    }

    /// Waits for the end.
    pub(crate) fn join(&mut self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// The answer to these bytes on a connection of their own.
    pub(crate) fn raw(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut client = self.connect();
        client.send(bytes.as_ref());
        client.answer(false)
    }

    /// The answer to a request without further headers.
    pub(crate) fn get(&self, host: &str, target: &str) -> Answer {
        self.request("GET", host, target, "")
    }

    /// The answer to a request with these header lines, each ended by a line feed.
    pub(crate) fn request(&self, method: &str, host: &str, target: &str, lines: &str) -> Answer {
        self.connect().request(method, host, target, lines)
    }

    /// Waits until this is so.
    pub(crate) fn wait_until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !so(self) {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "not in time: {what}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            unread: vec![],
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // The server may have refused and closed before it read everything.
        let _ = self.stream.write_all(bytes);
    }

    pub(crate) fn request(
        &mut self,
        method: &str,
        host: &str,
        target: &str,
        lines: &str,
    ) -> Answer {
        let lines = lines.replace('\n', "\r\n");
        let text = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
        self.send(text.as_bytes());
        self.answer(method == "HEAD")
    }

    /// Reads one answer; panics if there is none.
    pub(crate) fn answer(&mut self, head: bool) -> Answer {
        self.try_answer(head).expect("an answer")
    }

    /// Reads one answer; `None` at the connection's end.
    pub(crate) fn try_answer(&mut self, head: bool) -> Option<Answer> {
        let end = loop {
            let found = self
                .unread
                .windows(4)
                .position(|bytes| bytes == b"\r\n\r\n");
            if let Some(at) = found {
                break at + 4;
            }
            self.fill()?;
        };
        let text = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        let mut answer = Answer::parse(&text);
        let bodiless = head || matches!(answer.status, 204 | 304);
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        if !bodiless {
            while self.unread.len() < length {
                self.fill()?;
            }
            answer.body = self.unread.drain(..length).collect();
        }
        Some(answer)
    }

    /// Whether the server has closed the connection and sent nothing more.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && self.fill().is_none()
    }

    fn fill(&mut self) -> Option<()> {
        let mut buffer = [0; 16384];
        match self.stream.read(&mut buffer) {
            Ok(0) => None,
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                Some(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("reading: {error}"),
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let mut lines = text.trim_end().split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self {
            status,
            headers: lines.map(header).collect(),
            body: vec![],
        }
    }

    /// A header that stands there at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert_eq!(found.next(), None, "{name} twice");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The status, and where it leads or what it shows.
    pub(crate) fn gist(&self) -> String {
        match self.header("location") {
            Some(location) => format!("{} -> {location}", self.status),
            None => format!("{} {}", self.status, self.text().trim_end()),
        }
    }

    /// The status and the headers, sorted, without the date.
    pub(crate) fn head(&self) -> String {
        let mut lines: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| name != "date")
            .collect();
        lines.sort();
        let mut out = self.status.to_string();
        for (name, value) in lines {
            write!(out, "\n{name}: {value}").unwrap();
        }
        out
    }
}
