//! A loopback server that answers as Cloudflare's API does for one deployment, and keeps the form that it
//! was sent. It knows no state and checks nothing.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// The parts of a form by their names.
pub(crate) type Form = BTreeMap<String, Vec<u8>>;

/// The server; it ends when dropped.
pub(crate) struct Recorder {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    form: Option<Form>,
    tokens: Vec<String>,
    stopped: bool,
}

struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Recorder {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.lock().unwrap().stopped {
                    return;
                }
                // One that breaks off is the client's to tell.
                drop(stream.and_then(|stream| answer(&stream, &shared)));
            }
        });
        Self {
            address,
            seen,
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/client/v4", self.address)
    }

    /// The form of the deployment that was made.
    pub(crate) fn form(&self) -> Form {
        self.seen.lock().unwrap().form.clone().unwrap()
    }

    /// What requests that are not for uploads gave as their authorisation.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.seen.lock().unwrap().tokens.clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.seen.lock().unwrap().stopped = true;
        // Wakes the thread up, which then sees that it is to end.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn answer(stream: &TcpStream, seen: &Mutex<Seen>) -> io::Result<()> {
    let Some(request) = read(stream)? else {
        return Ok(());
    };
    let result = result(&request, &mut seen.lock().unwrap());
    let body = json!({"success": true, "errors": [], "messages": [], "result": result}).to_string();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn read(stream: &TcpStream) -> io::Result<Option<Request>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let (method, path) = (method.to_owned(), path.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |it| it.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request {
        method,
        path,
        headers,
        body,
    }))
}

fn result(request: &Request, seen: &mut Seen) -> Value {
    let Request { method, path, .. } = request;
    if path.starts_with("/client/v4/pages/assets/") {
        let sent: Value = serde_json::from_slice(&request.body).unwrap();
        return sent.get("hashes").cloned().unwrap_or(Value::Null);
    }
    seen.tokens.push(request.headers["authorization"].clone());
    if path.ends_with("/upload-token") {
        let claims = BASE64.encode(json!({"exp": 9_999_999_999_u64}).to_string());
        return json!({"jwt": format!("{}.{claims}.signature", BASE64.encode("{}"))});
    }
    if method == "POST" {
        let kind = &request.headers["content-type"];
        let (_, boundary) = kind.split_once("boundary=").unwrap();
        seen.form = Some(parts(&request.body, boundary));
    }
    if path.contains("/deployments") {
        return json!({
            "id": "d1", "url": "https://d1.p.pages.dev", "project_name": "p", "environment": "preview",
            "production_branch": "main", "aliases": ["https://feature.p.pages.dev"],
            "latest_stage": {"name": "deploy", "status": "success"},
        });
    }
    json!({
        "name": "p", "production_branch": "main",
        "deployment_configs": {"production": {}, "preview": {}},
    })
}

/// The parts of a multipart text (RFC 2046, section 5.1) by the names that they have as parts of a form.
pub(crate) fn parts(body: &[u8], boundary: &str) -> Form {
    let delimiter = format!("--{boundary}");
    let mut form = Form::new();
    for part in split(body, delimiter.as_bytes()) {
        let Some(end) = find(part, b"\r\n\r\n") else {
            continue;
        };
        let head = str::from_utf8(&part[..end]).unwrap();
        let (_, name) = head.split_once("name=\"").unwrap();
        let (name, _) = name.split_once('"').unwrap();
        let content = part[end + 4..].strip_suffix(b"\r\n").unwrap();
        let before = form.insert(name.to_owned(), content.to_owned());
        assert_eq!(before, None, "{name} is there twice");
    }
    form
}

fn split<'a>(mut text: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while let Some(at) = find(text, by) {
        pieces.push(&text[..at]);
        text = &text[at + by.len()..];
    }
    pieces.push(text);
    pieces
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}
