//! Trust: who cannot prove who he is gets no request. Certificates are made by the program `openssl`.
//!
//! What the system trusts is told to a process by its environment (`SSL_CERT_FILE`), so exchanges with trust run
//! in a process of their own.

use crate::children;
use crate::client::{client, settings};
use crate::secrecy::{Log, WORD, request};
use crate::tools::on_path;
use mycelia_spore::edge::http::{Budget, Http, HttpError, Request};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tempfile::TempDir;

/// The addresses of the servers, for the process that trusts them: of HTTP/1.1 and of HTTP/2.
const SERVERS: &str = "MYCELIA_SPORE_TEST_SERVERS";

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// A certificate authority of one certificate, and that for 127.0.0.1.
pub(crate) struct Authority(TempDir);

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let openssl = |arguments: &str| {
            let mut command = Command::new("openssl");
            command.args(arguments.split(' ')).current_dir(&folder);
            let output = command.output().unwrap();
            assert!(output.status.success(), "{arguments}: {output:?}");
        };
        // Authorities differ by their names.
        let name = folder.path().file_name().unwrap().to_str().unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN={name}"
        ));
        openssl(&format!(
            "req {key} -keyout key.pem -out request.pem -subj /CN=server"
        ));
        std::fs::write(folder.path().join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
        openssl(
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile names -out certificate.pem",
        );
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The file that says whom to trust.
    pub(crate) fn trusted(&self) -> String {
        self.path("ca.pem").to_str().unwrap().to_owned()
    }

    fn config(&self, protocol: &str) -> Arc<ServerConfig> {
        let read = |name| CertificateDer::from_pem_file(self.path(name)).unwrap();
        let chain = vec![read("certificate.pem"), read("ca.pem")];
        let key = PrivateKeyDer::from_pem_file(self.path("key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Arc::new(config)
    }
}

/// A server of TLS that answers one request on each connection with 404, until it is dropped.
struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(config: Arc<ServerConfig>, answer: fn(&mut Stream) -> io::Result<()>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, stopped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let thread = thread::spawn({
            let (requests, stopped) = (Arc::clone(&requests), Arc::clone(&stopped));
            move || {
                for connection in listener.incoming() {
                    if stopped.load(Ordering::SeqCst) {
                        break;
                    }
                    let session = ServerConnection::new(Arc::clone(&config)).unwrap();
                    let mut stream = StreamOwned::new(session, connection.unwrap());
                    if answer(&mut stream).is_ok() {
                        requests.fetch_add(1, Ordering::SeqCst);
                    }
                }
            }
        });
        Self {
            address,
            requests,
            stopped,
            thread: Some(thread),
        }
    }

    /// How many requests were answered, when the last connection has ended.
    fn ended(self) -> usize {
        let requests = Arc::clone(&self.requests);
        drop(self);
        requests.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Answers in HTTP/1.1.
fn one(stream: &mut Stream) -> io::Result<()> {
    let mut reader = BufReader::new(&mut *stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length])?;
    stream.write_all(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// Answers in HTTP/2 (RFC 9113), in as few frames as can be.
fn two(stream: &mut Stream) -> io::Result<()> {
    const HEADERS: u8 = 1;
    const SETTINGS: u8 = 4;
    const END: u8 = 1;
    stream.read_exact(&mut [0; 24])?;
    // Own settings, which change nothing.
    stream.write_all(&[0, 0, 0, SETTINGS, 0, 0, 0, 0, 0])?;
    let mut asked = None;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize])?;
        let [kind, flags] = [head[3], head[4]];
        if kind == SETTINGS && flags == 0 {
            stream.write_all(&[0, 0, 0, SETTINGS, 1, 0, 0, 0, 0])?;
        }
        if kind == HEADERS {
            asked = Some([head[5], head[6], head[7], head[8]]);
        }
        if let (Some([a, b, c, d]), END) = (asked, flags & END)
            && kind <= HEADERS
        {
            // The end of the request. The answer is one field from the table of RFC 7541: ":status: 404".
            stream.write_all(&[0, 0, 1, HEADERS, 4 | END, a, b, c, d, 0x8d])?;
            // Until the other side goes away.
            drop(stream.read(&mut [0]));
            return Ok(());
        }
    }
}

pub(crate) fn have_openssl() -> bool {
    on_path("openssl", "whom the network client trusts")
}

#[test]
fn who_is_not_known_gets_nothing() {
    if !have_openssl() {
        return;
    }
    let server = Server::start(Authority::new().config("http/1.1"), one);
    // The system takes the connection, and nobody answers the greeting of TLS.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = format!("{} {}", server.address, silent.local_addr().unwrap());
    let another = Authority::new();
    let trusted = another.trusted();
    let variables = [("SSL_CERT_FILE", &*trusted), (SERVERS, &addresses)];
    children::run("tls::asks_strangers", &variables);
    assert_eq!(server.ended(), 0);
}

#[tokio::test]
#[ignore = "part of another test, which runs it with the servers that it needs"]
async fn asks_strangers() {
    let mut settings = settings();
    settings.connect_timeout = Duration::from_secs(1);
    let http = Http::new(settings);
    let servers = env::var(SERVERS).unwrap();
    let reasons = [
        "invalid peer certificate: UnknownIssuer",
        "no connection within 1 s",
    ];
    for (address, reason) in servers.split(' ').zip(reasons) {
        let url = format!("https://{address}/");
        for (name, method) in [
            ("GET", Request::get as fn(String) -> Request),
            ("POST", Request::post),
        ] {
            let request = method(url.clone());
            let error = http.send(&request, &Budget::unlimited()).await.unwrap_err();
            assert!(matches!(error, HttpError::NotSent { .. }), "{error:?}");
            assert_eq!(
                error.to_string(),
                format!("{name} {url} was not sent: {reason} (3 attempts)")
            );
        }
    }
}

#[test]
fn whom_the_system_trusts_gets_requests_and_no_log_shows_them() {
    if !have_openssl() {
        return;
    }
    let authority = Authority::new();
    let servers = [
        Server::start(authority.config("http/1.1"), one),
        Server::start(authority.config("h2"), two),
    ];
    let addresses = format!("{} {}", servers[0].address, servers[1].address);
    let trusted = authority.trusted();
    let variables = [("SSL_CERT_FILE", &*trusted), (SERVERS, &*addresses)];
    children::run("tls::asks_with_trust", &variables);
    assert_eq!(servers.map(Server::ended), [1, 1]);
}

#[tokio::test]
#[ignore = "part of another test, which runs it with the servers that it needs"]
async fn asks_with_trust() {
    let servers = env::var(SERVERS).unwrap();
    for (address, library) in servers.split(' ').zip(["rustls", "h2"]) {
        let request = request(&format!("https://{address}"));
        let work = async || client().send(&request, &Budget::unlimited()).await;
        let (answer, log) = Log::of(work()).await;
        assert_eq!(answer.unwrap().status, 404);
        assert!(log.contains(library), "{library} is heard: {log}");
        assert!(!log.contains(WORD), "{log}");
    }
}

#[test]
fn a_system_without_certificates_trusts_nobody() {
    let plain = crate::server::Server::always(crate::server::plain(200, "", ""));
    let variables = [("SSL_CERT_FILE", "/dev/null"), (SERVERS, &*plain.url("/"))];
    children::run("tls::asks_without_trust", &variables);
    assert_eq!(plain.count(), 1);
}

#[tokio::test]
#[ignore = "part of another test, which runs it without certificates"]
async fn asks_without_trust() {
    let http = client();
    let request = Request::get(env::var(SERVERS).unwrap());
    let answer = http.send(&request, &Budget::unlimited()).await;
    assert_eq!(answer.unwrap().status, 200);
    let request = Request::get("https://127.0.0.1:1/");
    let error = http.send(&request, &Budget::unlimited()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error:?}");
    insta::assert_snapshot!(error, @"GET https://127.0.0.1:1/ was not sent: the network client cannot be made: unexpected error: No CA certificates were loaded from the system (it needs the system's certificates of authorities, or a file of them named by SSL_CERT_FILE)");
}
