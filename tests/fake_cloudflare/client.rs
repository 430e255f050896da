//! A client that sends what it is told, right or wrong.

use crate::cloudflare::{Fake, asset_key};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// What came before the connection ended, however it ended.
    pub(crate) body: String,
    /// What ended the connection, when it was no orderly end.
    pub(crate) broken: Option<io::ErrorKind>,
}

impl Reply {
    /// A header's value, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The result of a success.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        let body = self.json();
        assert_eq!(body["success"], true, "{body}");
        assert_eq!(self.status, 200, "{body}");
        body["result"].clone()
    }

    /// The code of a refusal.
    #[track_caller]
    pub(crate) fn code(&self) -> u32 {
        let body = self.json();
        assert_eq!(body["success"], false, "{body}");
        assert!(self.status >= 400, "{self:?}");
        body["errors"][0]["code"]
            .as_u64()
            .unwrap()
            .try_into()
            .unwrap()
    }
}

/// Asks a fake as the bearer of a token.
pub(crate) struct Client<'a> {
    pub(crate) fake: &'a Fake,
    authorization: Option<String>,
}

impl<'a> Client<'a> {
    /// Asks with the fake's own token.
    pub(crate) fn new(fake: &'a Fake) -> Self {
        Self::bearing(fake, fake.token())
    }

    /// Asks with this token.
    pub(crate) fn bearing(fake: &'a Fake, token: &str) -> Self {
        Self::saying(fake, Some(&format!("Bearer {token}")))
    }

    /// Asks with this header, or with none.
    pub(crate) fn saying(fake: &'a Fake, authorization: Option<&str>) -> Self {
        Self {
            fake,
            authorization: authorization.map(Into::into),
        }
    }

    /// The path of the account's projects, with something behind it.
    pub(crate) fn projects(&self, rest: &str) -> String {
        format!("/accounts/{}/pages/projects{rest}", self.fake.account())
    }

    /// Asks, and demands an answer.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send(method, path, "application/json", body.as_bytes())
            .unwrap()
    }

    /// Reads a path.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &Value::Null)
    }

    /// Sends a body to a path.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask("POST", path, body)
    }

    /// Deletes what a path names.
    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.ask("DELETE", path, &Value::Null)
    }

    /// Sends changes to a path.
    #[track_caller]
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Reply {
        self.ask("PATCH", path, body)
    }

    /// Sends a request and reads the answer; an error is one before the head of the answer.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> io::Result<Reply> {
        read(self.begin(method, path, content_type, body)?)
    }

    /// Sends a request and leaves the answer unread.
    pub(crate) fn begin(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> io::Result<TcpStream> {
        let url = self.fake.url();
        let (host, base) = url
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let mut stream = TcpStream::connect(host)?;
        let mut head = format!("{method} /{base}{path} HTTP/1.1\r\nhost: {host}\r\n");
        if let Some(authorization) = &self.authorization {
            write!(head, "authorization: {authorization}\r\n").unwrap();
        }
        let length = body.len();
        write!(
            head,
            "content-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        Ok(stream)
    }

    /// Creates a project.
    #[track_caller]
    pub(crate) fn create(&self, name: &str) -> Value {
        let body = json!({ "name": name, "production_branch": "main" });
        self.post(&self.projects(""), &body).result()
    }

    /// A client with an upload token of a project.
    #[track_caller]
    pub(crate) fn uploader(&self, project: &str) -> Client<'a> {
        let path = self.projects(&format!("/{project}/upload-token"));
        let jwt = self.get(&path).result();
        Client::bearing(self.fake, jwt["jwt"].as_str().unwrap())
    }

    /// Uploads files of a project and returns the manifest that names them.
    #[track_caller]
    pub(crate) fn upload(&self, project: &str, files: &[(&str, &str)]) -> Value {
        let keyed = files.iter().map(|(path, content)| {
            let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
            (*path, asset_key(content.as_bytes(), extension), *content)
        });
        let keyed: Vec<_> = keyed.collect();
        let uploads = keyed.iter().map(|(_, key, content)| upload(key, content));
        let uploads = Value::Array(uploads.collect());
        self.uploader(project)
            .post("/pages/assets/upload", &uploads)
            .result();
        let manifest = keyed
            .into_iter()
            .map(|(path, key, _)| (path.to_owned(), key.into()));
        Value::Object(manifest.collect())
    }

    /// Sends a deployment's form.
    #[track_caller]
    pub(crate) fn form(&self, project: &str, parts: &[(&str, &str)]) -> Reply {
        let mut body = String::new();
        for (name, content) in parts {
            write!(
                body,
                "--cap\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n"
            )
            .unwrap();
        }
        body.push_str("--cap--\r\n");
        let path = self.projects(&format!("/{project}/deployments"));
        let kind = "multipart/form-data; boundary=cap";
        self.send("POST", &path, kind, body.as_bytes()).unwrap()
    }

    /// Uploads files and deploys them to a branch.
    #[track_caller]
    pub(crate) fn deploy(&self, project: &str, branch: &str, files: &[(&str, &str)]) -> Value {
        let manifest = self.upload(project, files).to_string();
        let parts = [("manifest", manifest.as_str()), ("branch", branch)];
        self.form(project, &parts).result()
    }
}

/// One entry of an upload.
pub(crate) fn upload(key: &str, content: &str) -> Value {
    json!({
        "key": key,
        "value": BASE64_STANDARD.encode(content),
        "metadata": { "contentType": "application/octet-stream" },
        "base64": true,
    })
}

/// Reads an answer to the end of the connection.
fn read(mut stream: TcpStream) -> io::Result<Reply> {
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        ended?;
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let (first, headers) = head.split_once("\r\n").unwrap();
    let headers = headers.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    let headers: Vec<_> = headers.collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let short = length.is_some_and(|(_, length)| length.parse::<usize>().unwrap() > body.len());
    Ok(Reply {
        status: first[9..12].parse().unwrap(),
        headers,
        body: body.to_owned(),
        broken: match ended {
            Ok(_) => short.then_some(io::ErrorKind::UnexpectedEof),
            Err(error) => Some(error.kind()),
        },
    })
}
