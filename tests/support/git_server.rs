//! A web server for repositories: `git http-backend` by CGI, with what a test wants to happen before it.
#![allow(
    dead_code,
    reason = "each of the test programs that share this takes its part"
)]

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it asks for objects.
    pub(crate) fn is_fetch(&self) -> bool {
        let wants = self.body.windows(13).any(|at| at == b"command=fetch");
        self.method == "POST" && self.path.ends_with("/git-upload-pack") && wants
    }
}

/// An answer.
pub(crate) enum Reply {
    /// Status, headers and body.
    Whole(u16, Vec<(String, String)>, Vec<u8>),
    /// What git answers.
    Git,
    /// The first bytes of what git answers, and then nothing until the server stops.
    Part(usize),
}

impl Reply {
    pub(crate) fn text(status: u16, text: impl Into<String>) -> Self {
        let kind = ("Content-Type".to_owned(), "text/plain".to_owned());
        Self::Whole(status, vec![kind], text.into().into_bytes())
    }

    pub(crate) fn redirect(to: String) -> Self {
        Self::Whole(302, vec![("Location".into(), to)], Vec::new())
    }

    pub(crate) fn unauthorised() -> Self {
        let challenge = ("WWW-Authenticate".into(), "Basic realm=\"git\"".into());
        Self::Whole(401, vec![challenge], Vec::new())
    }
}

/// What a test wants to happen.
type Answer = dyn Fn(&Request) -> Reply + Send + Sync;

struct Shared {
    root: PathBuf,
    answer: Box<Answer>,
    tls: Option<Arc<ServerConfig>>,
    log: Mutex<Vec<Request>>,
    stopped: AtomicBool,
    stopping: (Mutex<bool>, Condvar),
}

/// A server of the repositories below a folder, until it is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves all that is there to everybody.
    pub(crate) fn open(root: &Path) -> Self {
        Self::start(root, |_| Reply::Git)
    }

    /// Serves to whoever shows this user and password.
    pub(crate) fn closed(root: &Path, user: &'static str, password: &'static str) -> Self {
        Self::start(root, move |request| {
            if request.header("authorization") == Some(&basic(user, password)) {
                Reply::Git
            } else {
                Reply::unauthorised()
            }
        })
    }

    pub(crate) fn start(
        root: &Path,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::with(root, None, Box::new(answer))
    }

    /// Serves within TLS by a certificate and its key, both PEM files.
    pub(crate) fn tls(root: &Path, certificate: &Path, key: &Path) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = CertificateDer::from_pem_file(certificate).unwrap();
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::with(root, Some(Arc::new(config)), Box::new(|_| Reply::Git))
    }

    fn with(root: &Path, tls: Option<Arc<ServerConfig>>, answer: Box<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            answer,
            tls,
            log: Mutex::default(),
            stopped: AtomicBool::new(false),
            stopping: Default::default(),
        });
        let serving = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let serving = Arc::clone(&serving);
                thread::spawn(move || serving.talk(stream.unwrap()));
            }
        });
        Self {
            port,
            shared,
            accepting: Some(accepting),
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All requests so far.
    pub(crate) fn log(&self) -> Vec<Request> {
        self.shared.log.lock().unwrap().clone()
    }

    /// How often objects were asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.log()
            .iter()
            .filter(|request| request.is_fetch())
            .count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        *self.shared.stopping.0.lock().unwrap() = true;
        self.shared.stopping.1.notify_all();
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        self.accepting.take().unwrap().join().unwrap();
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

impl Shared {
    fn talk(&self, stream: TcpStream) {
        match &self.tls {
            None => self.exchange(stream),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                self.exchange(StreamOwned::new(connection, stream));
            }
        }
    }

    /// Answers one request and closes the connection. A client that goes away in the middle is no fault.
    fn exchange(&self, stream: impl Read + Write) {
        let mut reader = BufReader::new(stream);
        let Some(request) = read_request(&mut reader) else {
            return;
        };
        self.log.lock().unwrap().push(request.clone());
        let mut stream = reader.into_inner();
        let (status, headers, body, most) = match (self.answer)(&request) {
            Reply::Whole(status, headers, body) => (status, headers, body, usize::MAX),
            Reply::Git => self.backend(&request, usize::MAX),
            Reply::Part(bytes) => self.backend(&request, bytes),
        };
        let mut head = format!(
            "HTTP/1.1 {status} Status\r\nContent-Length: {}\r\nConnection: close\r\n",
            body.len()
        );
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str("\r\n");
        drop(stream.write_all(head.as_bytes()));
        drop(stream.write_all(&body[..body.len().min(most)]));
        drop(stream.flush());
        if most < body.len() {
            let stopped = self.stopping.0.lock().unwrap();
            drop(self.stopping.1.wait_while(stopped, |stopped| !*stopped));
        }
    }

    fn backend(
        &self,
        request: &Request,
        most: usize,
    ) -> (u16, Vec<(String, String)>, Vec<u8>, usize) {
        let mut child = Command::new("git")
            .arg("http-backend")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REQUEST_METHOD", &request.method)
            .env("PATH_INFO", &request.path)
            .env("QUERY_STRING", &request.query)
            .env("CONTENT_LENGTH", request.body.len().to_string())
            .env(
                "CONTENT_TYPE",
                request.header("content-type").unwrap_or_default(),
            )
            .env(
                "HTTP_CONTENT_ENCODING",
                request.header("content-encoding").unwrap_or_default(),
            )
            .env(
                "GIT_PROTOCOL",
                request.header("git-protocol").unwrap_or_default(),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        drop(child.stdin.take().unwrap().write_all(&request.body));
        let output = child.wait_with_output().unwrap().stdout;
        let end = output
            .windows(4)
            .position(|at| at == b"\r\n\r\n")
            .unwrap_or(0);
        let head = String::from_utf8_lossy(&output[..end]);
        let headers = head.lines().filter_map(|line| line.split_once(": "));
        let mut headers: Vec<(String, String)> = headers
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let status = headers.iter().find(|(name, _)| name == "Status");
        let status = status.map_or(200, |(_, value)| value[..3].parse().unwrap());
        headers.retain(|(name, _)| name != "Status");
        (
            status,
            headers,
            output[(end + 4).min(output.len())..].to_vec(),
            most,
        )
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        ..Request::default()
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    request.body = read_body(reader, &request)?;
    Some(request)
}

fn read_body(reader: &mut impl BufRead, request: &Request) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if request.header("transfer-encoding") == Some("chunked") {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let len = usize::from_str_radix(line.trim(), 16).ok()?;
            let mut chunk = vec![0; len + 2];
            reader.read_exact(&mut chunk).ok()?;
            body.extend_from_slice(&chunk[..len]);
            if len == 0 {
                return Some(body);
            }
        }
    }
    let len = request
        .header("content-length")
        .unwrap_or("0")
        .parse()
        .ok()?;
    body.resize(len, 0);
    reader.read_exact(&mut body).ok()?;
    Some(body)
}
