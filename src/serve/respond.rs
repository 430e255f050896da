//! From a request to its answer.

use super::body::Body;
use super::cache::Cache;
use super::conditional::{self, Verdict};
use super::content::{self, Content};
use super::error::ServeError;
use super::negotiate;
use super::range::{self, Wanted};
use super::release::{Entry, Fallback, Form, Release, Resolution};
use super::reply::Reply;
use super::request::{Authority, Refusal, SitePath, authority, check_size};
use super::site::{Pointer, Site};
use super::sites::Sites;
use crate::site_rules::escape_path;
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Set by a proxy on this machine that ends TLS.
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Answers requests.
#[derive(Debug)]
pub(super) struct Responder {
    sites: Arc<Sites>,
    cache: Cache,
}

/// What a request asks for, found to be well formed.
struct Asked<'r> {
    parts: &'r Parts,
    authority: Authority,
    path: SitePath,
    /// The path as it stands in a URL, in one form.
    escaped: String,
    /// Whether the visitor came by TLS.
    secure: bool,
}

impl<'r> Asked<'r> {
    fn of(parts: &'r Parts, authority: Authority, peer: IpAddr) -> Result<Self, Refusal> {
        let path = SitePath::of(&parts.uri)?;
        // Anybody can send this header; only a proxy on this machine is believed.
        let proto = parts
            .headers
            .get(X_FORWARDED_PROTO)
            .filter(|_| peer.is_loopback());
        Ok(Self {
            escaped: path.escaped(),
            secure: proto.is_some_and(|proto| proto.as_bytes() == b"https"),
            parts,
            authority,
            path,
        })
    }

    /// A path of the site with the request's query.
    fn with_query(&self, path: &str) -> String {
        match self.parts.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// The same path on the site's own address.
    fn on_primary(&self, primary: &str) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        // Names below .localhost are this machine's, where the port is whatever was given.
        let local = primary == "localhost" || primary.ends_with(".localhost");
        let port = self.authority.port.filter(|_| local);
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        format!(
            "{scheme}://{primary}{port}{}",
            self.with_query(&self.escaped)
        )
    }
}

impl Responder {
    /// Answers for these sites and keeps at most so many bytes of their files in memory.
    pub(super) fn new(sites: Arc<Sites>, cache_bytes: usize) -> Self {
        let cache = Cache::new(cache_bytes);
        Self { sites, cache }
    }

    /// Answers a request.
    pub(super) async fn respond<B: hyper::body::Body>(
        &self,
        request: Request<B>,
        peer: IpAddr,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let reply = match self.reply(&parts, peer).await {
            Ok(reply) => reply,
            Err(Refusal { status, text }) => Reply::text(status, text),
        };
        let mut response = reply.finish(parts.method == Method::HEAD);
        if !body.is_end_stream() {
            // Bodies are not read: what follows could not be told from the next request.
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let status = response.status().as_u16();
        tracing::debug!(%peer, method = %parts.method, target = %parts.uri, status, "request");
        response
    }

    async fn reply(&self, parts: &Parts, peer: IpAddr) -> Result<Reply, Refusal> {
        check_size(parts)?;
        let authority = authority(parts)?;
        let unknown = Refusal {
            status: StatusCode::NOT_FOUND,
            text: "no site of this name is here",
        };
        let site = self.sites.find(&authority.host).ok_or(unknown)?;
        if parts.method == Method::OPTIONS {
            return Ok(Reply::options());
        }
        let asked = Asked::of(parts, authority, peer)?;
        Ok(self.answer_for(&asked, &site).await)
    }

    /// Answers from the release that is live. When this fails because the release was replaced and
    /// removed meanwhile, answers wholly from its successor.
    async fn answer_for(&self, asked: &Asked<'_>, site: &Arc<Site>) -> Reply {
        let pointer = site.pointer();
        let mut result = self.answer_live(asked, site, &pointer).await;
        if result.is_err()
            && let Some(next) = self.successor(site, &pointer).await
        {
            result = self.answer_live(asked, site, &next).await;
        }
        result.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            let (project, path) = (&*site.project, asked.path.as_str());
            tracing::error!(project, path, error, "request not answered");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Reply::text(status, "the site cannot be read at the moment")
        })
    }

    /// What is live instead, read anew.
    async fn successor(&self, site: &Arc<Site>, pointer: &Pointer) -> Option<Arc<Pointer>> {
        let (sites, project) = (Arc::clone(&self.sites), site.project.clone());
        spawn_blocking(move || sites.refresh_logged(&project))
            .await
            .ok()?;
        let next = site.pointer();
        (next.live.release != pointer.live.release).then_some(next)
    }

    async fn answer_live(
        &self,
        asked: &Asked<'_>,
        site: &Site,
        pointer: &Pointer,
    ) -> Result<Reply, ServeError> {
        let primary = pointer.primary();
        if pointer.live.redirect_aliases && asked.authority.host != primary {
            let location = asked.on_primary(&primary);
            return Ok(Reply::redirect(StatusCode::PERMANENT_REDIRECT, &location));
        }
        let release = pointer.release(&self.sites, &site.project).await?;
        let reply = self.answer_released(asked, &release).await?;
        Ok(reply.with_rules(&release.headers, &asked.authority.host, &asked.escaped))
    }

    /// Answers by a release's redirects and files. Redirects go before the check of the method, so
    /// that a form can be sent on to another site.
    async fn answer_released(
        &self,
        asked: &Asked<'_>,
        release: &Release,
    ) -> Result<Reply, ServeError> {
        let mut path = asked.path.clone();
        if let Some(found) = release.redirects.find(&asked.escaped) {
            if found.status != StatusCode::OK {
                let status = StatusCode::from_u16(found.status).unwrap_or(StatusCode::FOUND);
                let location = found.with_query(asked.parts.uri.query()).location;
                return Ok(Reply::redirect(status, &location));
            }
            match SitePath::of_location(&found.location) {
                Ok(other) => path = other,
                Err(Refusal { status, text }) => return Ok(Reply::text(status, text)),
            }
        }
        if !matches!(asked.parts.method, Method::GET | Method::HEAD) {
            return Ok(Reply::method_not_allowed());
        }
        match release.resolve(path.as_str()) {
            Resolution::File(entry) => self.page(asked, release, entry).await,
            Resolution::Moved(path) => {
                let location = asked.with_query(&escape_path(&path));
                Ok(Reply::redirect(StatusCode::PERMANENT_REDIRECT, &location))
            }
            Resolution::Missing => self.missing(asked, release, path.as_str()).await,
        }
    }

    /// Answers for a path that leads to nothing.
    async fn missing(
        &self,
        asked: &Asked<'_>,
        release: &Release,
        path: &str,
    ) -> Result<Reply, ServeError> {
        match release.fallback(path) {
            Fallback::Page(entry) => self.page(asked, release, entry).await,
            Fallback::None => Ok(Reply::text(StatusCode::NOT_FOUND, "there is no such page")),
            Fallback::NotFound(entry) => {
                let (coding, form) = negotiated(asked, entry);
                let content = self.content(release, form).await?;
                let reply = Reply::file(entry, coding, form).with_whole(content);
                Ok(reply.into_not_found())
            }
        }
    }

    /// Answers with a file, or the part of it that is asked for.
    async fn page(
        &self,
        asked: &Asked<'_>,
        release: &Release,
        entry: &Entry,
    ) -> Result<Reply, ServeError> {
        let headers = &asked.parts.headers;
        let (coding, form) = negotiated(asked, entry);
        let etag = form.etag.to_str().unwrap_or_default();
        let reply = Reply::file(entry, coding, form);
        match conditional::evaluate(headers, etag) {
            Verdict::Proceed => {}
            Verdict::NotModified => return Ok(reply.into_not_modified()),
            Verdict::Failed => {
                let status = StatusCode::PRECONDITION_FAILED;
                return Ok(Reply::text(status, "the file is another by now"));
            }
        }
        let content = self.content(release, form).await?;
        // RFC 9110 section 14.2: ranges are defined for GET alone.
        let wanted = match asked.parts.method {
            Method::GET => range::wanted(headers, etag, content.size()),
            _ => Wanted::Whole,
        };
        Ok(reply.with_wanted(content, wanted))
    }

    /// The bytes of a file's form, from memory or from disk.
    async fn content(&self, release: &Release, form: &Form) -> Result<Content, ServeError> {
        if let Some(bytes) = self.cache.get(&form.key) {
            return Ok(Content::Memory(bytes));
        }
        let (folder, path, known) = (release.folder.clone(), form.path.clone(), form.known);
        let loading = spawn_blocking(move || content::load(&folder, &path, known)).await;
        let content = loading.map_err(|error| {
            let path = release.folder.join(&*form.path);
            ServeError::io("read", path)(error.into())
        })??;
        if let Content::Memory(bytes) = &content {
            self.cache.insert(form.key, bytes.clone());
        }
        Ok(content)
    }
}

/// The form of a file that the client wants most, with its coding.
fn negotiated<'e>(asked: &Asked<'_>, entry: &'e Entry) -> (Option<&'e HeaderValue>, &'e Form) {
    let codings = entry
        .encoded
        .iter()
        .map(|(coding, _)| coding.to_str().unwrap_or_default());
    let wanted = negotiate::select(&asked.parts.headers, codings);
    match wanted.and_then(|index| entry.encoded.get(index)) {
        Some((coding, form)) => (Some(coding), form),
        None => (None, &entry.plain),
    }
}
