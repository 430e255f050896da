//! Answers in the making: what a site's rules may change, and what they may not.

use super::body::Body;
use super::content::Content;
use super::range::Wanted;
use super::release::{Entry, Form};
use crate::site_rules::Headers;
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

/// What may be done with any path.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
/// A browser keeps the answer but asks each time whether it still holds, so that a new release is
/// seen at once.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("public, max-age=0, must-revalidate");
/// Nobody keeps the answer.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// An answer in the making.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    /// Defaults, which the site's rules may change.
    headers: HeaderMap,
    /// What follows from the bytes or the status, whatever the rules say.
    fixed: Vec<(HeaderName, HeaderValue)>,
    /// Whether the answer depends on `Accept-Encoding`.
    negotiated: bool,
    body: Body,
}

impl Reply {
    fn new(status: StatusCode, cache_control: HeaderValue) -> Self {
        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(CACHE_CONTROL, cache_control);
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
        let policy = HeaderValue::from_static("strict-origin-when-cross-origin");
        headers.insert(REFERRER_POLICY, policy);
        Self {
            status,
            headers,
            fixed: Vec::with_capacity(4),
            negotiated: false,
            body: Body::empty(),
        }
    }

    /// The server's own words.
    pub(super) fn text(status: StatusCode, text: &str) -> Self {
        let mut reply = Self::new(status, NO_STORE);
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        reply.headers.insert(CONTENT_TYPE, plain);
        reply.body = Body::Memory(format!("{}: {text}\n", status.as_u16()).into());
        reply
    }

    /// A redirect; `location` is a URL or a path that does not begin with `//`.
    pub(super) fn redirect(status: StatusCode, location: &str) -> Self {
        match HeaderValue::from_str(location) {
            Ok(location) => {
                let mut reply = Self::new(status, ASK_AGAIN);
                reply.fixed.push((LOCATION, location));
                reply
            }
            Err(_) => Self::text(StatusCode::BAD_REQUEST, "the path or query is not valid"),
        }
    }

    /// The answer to OPTIONS.
    pub(super) fn options() -> Self {
        let mut reply = Self::new(StatusCode::NO_CONTENT, NO_STORE);
        reply.fixed.push((ALLOW, METHODS));
        reply
    }

    /// The answer to methods that a static site does not have.
    pub(super) fn method_not_allowed() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        let mut reply = Self::text(status, "this site can be read and nothing else");
        reply.fixed.push((ALLOW, METHODS));
        reply
    }

    /// A file in one of its forms, without its bytes.
    pub(super) fn file(entry: &Entry, coding: Option<&HeaderValue>, form: &Form) -> Self {
        let mut reply = Self::new(StatusCode::OK, ASK_AGAIN);
        let content_type = entry.content_type.clone();
        reply.headers.insert(CONTENT_TYPE, content_type);
        reply.fixed.push((ETAG, form.etag.clone()));
        if let Some(coding) = coding {
            reply.fixed.push((CONTENT_ENCODING, coding.clone()));
        }
        reply.negotiated = !entry.encoded.is_empty();
        reply
    }

    /// The same as the page for a path that does not exist: nobody keeps it or asks for parts.
    pub(super) fn into_not_found(mut self) -> Self {
        self.status = StatusCode::NOT_FOUND;
        self.fixed.retain(|(name, _)| *name != ETAG);
        self
    }

    /// The same for a client that has the bytes already.
    pub(super) fn into_not_modified(mut self) -> Self {
        self.status = StatusCode::NOT_MODIFIED;
        self.headers.remove(CONTENT_TYPE);
        self.fixed.retain(|(name, _)| *name != CONTENT_ENCODING);
        self
    }

    /// The same with all bytes.
    pub(super) fn with_whole(mut self, content: Content) -> Self {
        let size = content.size();
        self.body = body(content, 0..size);
        self
    }

    /// The same with the bytes that are wanted.
    pub(super) fn with_wanted(mut self, content: Content, wanted: Wanted) -> Self {
        let size = content.size();
        match wanted {
            Wanted::Whole => {
                self.fixed
                    .push((ACCEPT_RANGES, HeaderValue::from_static("bytes")));
                self.with_whole(content)
            }
            Wanted::Part(part) => {
                self.status = StatusCode::PARTIAL_CONTENT;
                self.fix(
                    CONTENT_RANGE,
                    &format!("bytes {}-{}/{size}", part.start, part.end - 1),
                );
                self.body = body(content, part);
                self
            }
            Wanted::Unsatisfiable => {
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                let mut reply = Self::text(status, "the file has no such bytes");
                reply.fix(CONTENT_RANGE, &format!("bytes */{size}"));
                reply
            }
        }
    }

    /// Sets a header whose value is visible ASCII.
    fn fix(&mut self, name: HeaderName, value: &str) {
        self.fixed
            .extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
    }

    /// The same after a site's rules for this host and path.
    pub(super) fn with_rules(mut self, rules: &Headers, host: &str, path: &str) -> Self {
        rules.apply(host, path, &mut self.headers);
        if self.status == StatusCode::NOT_FOUND {
            // As on Cloudflare Pages: what is missing today may be there with the next release.
            self.fixed.push((CACHE_CONTROL, NO_STORE));
        }
        self
    }

    /// The answer itself; without its body, but with its length, for HEAD.
    pub(super) fn finish(self, head: bool) -> Response<Body> {
        let mut headers = self.headers;
        for (name, value) in self.fixed {
            headers.insert(name, value);
        }
        if self.negotiated {
            vary_by_encoding(&mut headers);
        }
        let mut body = self.body;
        if head {
            if let Some(length) = hyper::body::Body::size_hint(&body).exact() {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
            body = Body::empty();
        }
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

/// The bytes of a part, which lies within the content.
fn body(content: Content, part: std::ops::Range<u64>) -> Body {
    match content {
        Content::File(file, _) => Body::file(file, part),
        Content::Memory(bytes) => {
            let at = |position: u64| {
                usize::try_from(position)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len())
            };
            Body::Memory(bytes.slice(at(part.start)..at(part.end)))
        }
    }
}

/// Adds `Accept-Encoding` to `Vary`, unless a rule has.
fn vary_by_encoding(headers: &mut HeaderMap) {
    let said = headers
        .get_all(VARY)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let mut names = said.flat_map(|line| line.split(',')).map(str::trim);
    if !names.any(|name| name == "*" || name.eq_ignore_ascii_case("accept-encoding")) {
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}
