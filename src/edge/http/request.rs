//! What is asked of a server.

use super::error::{Exchange, Failure, HttpError};
use crate::edge::secret::Secret;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::{self, Form};
use reqwest::{Client, Method, Url};
use serde::Serialize;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may be when nothing else is said, in bytes and after decompression.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// A request. It is cheap to clone and to send again.
///
/// What is wrong with its parts is told when it is sent, as [`HttpError::Invalid`].
#[derive(Clone)]
pub struct Request {
    method: Method,
    url: Option<Url>,
    headers: HeaderMap,
    /// Fields whose values are secret: what stands before the secret, and the secret.
    secrets: Vec<(HeaderName, &'static str, Secret)>,
    body: Body,
    pub(super) repeatable: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) answer_max: usize,
    /// The first thing that is wrong.
    fault: Option<String>,
}

#[derive(Clone)]
enum Body {
    None,
    Whole(Bytes),
    Parts(Arc<[Part]>),
}

/// One part of a form (`multipart/form-data`, RFC 7578).
#[derive(Clone)]
pub struct Part {
    /// The name of the form's field.
    pub name: String,
    /// The name of a file.
    pub file_name: Option<String>,
    /// The media type of the content.
    pub content_type: Option<String>,
    /// The content.
    pub content: Bytes,
}

impl Part {
    /// A field with a short text.
    #[must_use]
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            file_name: None,
            content_type: None,
            content: Bytes::from(value.into()),
        }
    }

    /// A file of no particular type (`application/octet-stream`).
    #[must_use]
    pub fn file(
        name: impl Into<String>,
        file_name: impl Into<String>,
        content: impl Into<Bytes>,
    ) -> Self {
        Self {
            name: name.into(),
            file_name: Some(file_name.into()),
            content_type: Some("application/octet-stream".into()),
            content: content.into(),
        }
    }
}

impl Request {
    /// Asks for what is at an address.
    #[must_use]
    pub fn get(url: impl AsRef<str>) -> Self {
        Self::new(Method::GET, url.as_ref(), true)
    }

    /// Asks for the header fields of what is at an address, which changes nothing there (RFC 9110 section 9.2.1).
    #[must_use]
    pub fn head(url: impl AsRef<str>) -> Self {
        Self::new(Method::HEAD, url.as_ref(), true)
    }

    /// Hands something over; what becomes of it is up to the server.
    #[must_use]
    pub fn post(url: impl AsRef<str>) -> Self {
        Self::new(Method::POST, url.as_ref(), false)
    }

    /// Puts something at an address.
    #[must_use]
    pub fn put(url: impl AsRef<str>) -> Self {
        Self::new(Method::PUT, url.as_ref(), true)
    }

    /// Changes what is at an address.
    #[must_use]
    pub fn patch(url: impl AsRef<str>) -> Self {
        Self::new(Method::PATCH, url.as_ref(), true)
    }

    /// Removes what is at an address.
    #[must_use]
    pub fn delete(url: impl AsRef<str>) -> Self {
        Self::new(Method::DELETE, url.as_ref(), true)
    }

    fn new(method: Method, url: &str, repeatable: bool) -> Self {
        let mut request = Self {
            method,
            url: None,
            headers: HeaderMap::new(),
            secrets: Vec::new(),
            body: Body::None,
            repeatable,
            timeout: None,
            answer_max: ANSWER_MAX,
            fault: None,
        };
        match Url::parse(url) {
            Err(error) => request.fail(format!("the address is wrong: {error}")),
            Ok(url) => {
                if !matches!(url.scheme(), "http" | "https") {
                    request.fail("the address is neither http nor https");
                } else if !url.username().is_empty() || url.password().is_some() {
                    request.fail("the address has a user or a password in it");
                }
                request.url = Some(url);
            }
        }
        request
    }

    /// Notes what is wrong; the first counts.
    fn fail(&mut self, fault: impl Into<String>) {
        self.fault.get_or_insert_with(|| fault.into());
    }

    /// Gives a token: `Authorization: Bearer ...` (RFC 6750 section 2.1).
    #[must_use]
    pub fn bearer(mut self, token: &Secret) -> Self {
        self.set_secret(AUTHORIZATION, "Bearer ", token);
        self
    }

    /// Sets a secret field in place of one of the same name.
    fn set_secret(&mut self, name: HeaderName, before: &'static str, secret: &Secret) {
        self.secrets.retain(|(other, ..)| *other != name);
        self.secrets.push((name, before, secret.clone()));
    }

    /// Sets a header field whose value is secret.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: &Secret) -> Self {
        match name.parse() {
            Ok(name) => self.set_secret(name, "", value),
            Err(_) => self.fail(format!("{name:?} is no name of a header field")),
        }
        self
    }

    /// Sets a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            (Ok(name), Ok(value)) => drop(self.headers.insert(name, value)),
            (Ok(name), Err(_)) => self.fail(format!("the value of {name} is no header value")),
            (Err(_), _) => self.fail(format!("{name:?} is no name of a header field")),
        }
        self
    }

    /// Sets the body to a value as JSON.
    #[must_use]
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.body("application/json", json),
            Err(error) => {
                self.fail(format!("the body cannot be written as JSON: {error}"));
                self
            }
        }
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, content_type: &str, content: impl Into<Bytes>) -> Self {
        self.body = Body::Whole(content.into());
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// Sets the body to a form.
    #[must_use]
    pub fn multipart(mut self, parts: Vec<Part>) -> Self {
        self.headers.remove(CONTENT_TYPE);
        if let Some(wrong) = parts.iter().find(|part| part.build().is_none()) {
            let name = &wrong.name;
            self.fail(format!("the part {name:?} has a content type that is none"));
        }
        self.body = Body::Parts(parts.into());
        self
    }

    /// Says whether it may be carried out twice. Unless said, POST may not and all others may.
    #[must_use]
    pub const fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }

    /// Sets how long one attempt may take, answer included.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long the answer may be, in bytes after decompression.
    #[must_use]
    pub const fn answer_max(mut self, max: usize) -> Self {
        self.answer_max = max;
        self
    }

    /// The method's name.
    pub(super) fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The request as errors name it.
    pub(super) fn exchange(&self, attempts: u32) -> Exchange {
        let none = || "(no address)".to_owned();
        let url = self.url.clone().map_or_else(none, |mut url| {
            // Both fail only for addresses that cannot have a user.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.set_fragment(None);
            url.into()
        });
        Exchange {
            method: self.method.to_string(),
            url,
            attempts,
        }
    }

    /// What is wrong with it, as far as that can be told without sending it.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        match self.check() {
            Err(HttpError::Invalid { reason, .. }) => Some(reason),
            Ok(_) | Err(HttpError::NotSent { .. } | HttpError::Unknown { .. }) => None,
        }
    }

    /// Checks what can be checked without sending.
    pub(super) fn check(&self) -> Result<&Url, HttpError> {
        let invalid = |reason: &str| HttpError::Invalid {
            exchange: self.exchange(0),
            reason: reason.to_owned(),
        };
        if let Some(fault) = &self.fault {
            return Err(invalid(fault));
        }
        let url = self.url.as_ref();
        let url = url.ok_or_else(|| invalid("the address is missing"))?;
        if !self.secrets.is_empty() && url.scheme() == "http" && !is_loopback(url) {
            return Err(invalid(
                "a secret is not sent over http: everybody on the way could read it",
            ));
        }
        Ok(url)
    }

    /// The request for the client below.
    pub(super) fn build(
        &self,
        client: &Client,
        url: &Url,
        timeout: Duration,
    ) -> Result<reqwest::Request, Failure> {
        let mut builder = client
            .request(self.method.clone(), url.clone())
            .headers(self.headers.clone())
            .timeout(timeout);
        for (name, before, secret) in &self.secrets {
            builder = builder.header(name, secret_value(before, secret)?);
        }
        builder = match &self.body {
            Body::None => builder,
            Body::Whole(content) => builder.body(content.clone()),
            Body::Parts(parts) => builder.multipart(form(parts)),
        };
        let built = builder.build();
        built.map_err(|error| Failure::Invalid(error.without_url().to_string()))
    }
}

/// A header value that no log shows.
fn secret_value(before: &str, secret: &Secret) -> Result<HeaderValue, Failure> {
    let text = zeroize::Zeroizing::new(format!("{before}{}", secret.expose()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Failure::Invalid("the secret has characters that a header field cannot have".into())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether an address leads to this machine.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

impl Part {
    /// The part for the client below; `None` when its content type is none.
    fn build(&self) -> Option<multipart::Part> {
        let length = self.content.len() as u64;
        let mut part = multipart::Part::stream_with_length(self.content.clone(), length);
        if let Some(name) = &self.file_name {
            part = part.file_name(escaped(name));
        }
        match &self.content_type {
            Some(content_type) => part.mime_str(content_type).ok(),
            None => Some(part),
        }
    }
}

/// A form of these parts. Names are written as browsers do, escaped by [`escaped`] and nothing else.
fn form(parts: &[Part]) -> Form {
    let built = parts.iter().filter_map(|part| Some((part, part.build()?)));
    built.fold(
        Form::new().percent_encode_noop(),
        |form, (part, content)| form.part(escaped(&part.name), content),
    )
}

/// A name for the header of a part, escaped as the HTML standard says (section "Multipart form data" of
/// html.spec.whatwg.org, which RFC 7578 leaves open).
fn escaped(name: &str) -> String {
    let name = name.replace('"', "%22");
    name.replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests;
