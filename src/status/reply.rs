//! What is answered to each request.

use super::access::{Access, Refusal};
use super::{api, events, metrics, page};
use crate::model::{Parse, SiteId};
use crate::reconcile::{Control, Snapshot, Which};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How long the loop may take for an answer until the daemon counts as stuck.
const PATIENCE: Duration = Duration::from_secs(2);

/// Those who may listen to events at once.
const LISTENERS: usize = 32;

/// What every answer has.
pub(super) type Body = BoxBody<Bytes, Infallible>;

/// What all requests have in common.
pub(super) struct Shared {
    pub(super) control: Control,
    access: Access,
    stop: watch::Receiver<bool>,
    pub(super) listeners: std::sync::Arc<Semaphore>,
}

impl Shared {
    pub(super) fn new(control: Control, access: Access, stop: watch::Receiver<bool>) -> Self {
        Self {
            control,
            access,
            stop,
            listeners: std::sync::Arc::new(Semaphore::new(LISTENERS)),
        }
    }

    pub(super) fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.clone()
    }

    /// The daemon now; `None` when its loop does not answer in time.
    async fn snapshot(&self, which: Which) -> Option<Snapshot> {
        let asked = self.control.snapshot(which);
        tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()
    }
}

/// An answer that is made.
pub(super) struct Reply;

impl Reply {
    /// Answers a request.
    pub(super) async fn to<B>(request: &Request<B>, shared: &Shared) -> Response<Body> {
        let mut response = answer(request, shared).await;
        let headers = response.headers_mut();
        let no_store = HeaderValue::from_static("no-store");
        headers.insert(CACHE_CONTROL, no_store);
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers
            .entry(CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static("default-src 'none'"));
        response
    }
}

async fn answer<B>(request: &Request<B>, shared: &Shared) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        let allow = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allow);
        return response;
    }
    let path = request.uri().path();
    match path {
        // They say nothing but whether the daemon is well, which a supervisor without a token may ask.
        "/healthz" => return health(shared.snapshot(Which::Numbers).await.as_ref()),
        "/readyz" => return readiness(shared.snapshot(Which::Numbers).await.as_ref()),
        _ => {}
    }
    if let Err(refusal) = shared.access.check(request.headers()) {
        return refused(refusal);
    }
    let which = match path {
        "/metrics" | "/api/v1/status" => Which::Numbers,
        "/" | "/api/v1/sites" => Which::All,
        "/api/v1/events" => {
            let head = request.method() == Method::HEAD;
            return events::listen(shared, request.uri().query(), head);
        }
        _ => match path.strip_prefix("/api/v1/sites/").map(SiteId::parse) {
            Some(Ok(site)) => Which::One(site),
            Some(Err(_)) | None => return text(StatusCode::NOT_FOUND, "nothing is here\n"),
        },
    };
    let Some(snapshot) = shared.snapshot(which).await else {
        return text(StatusCode::SERVICE_UNAVAILABLE, STUCK);
    };
    match path {
        "/metrics" => whole(StatusCode::OK, metrics::TYPE, metrics::text(&snapshot)),
        "/api/v1/status" => json(StatusCode::OK, &api::status(&snapshot)),
        "/api/v1/sites" => json(StatusCode::OK, &api::sites(&snapshot)),
        "/" => page::show(&snapshot),
        _ => match snapshot.sites.first() {
            Some(site) => json(StatusCode::OK, &api::site(site)),
            None => text(StatusCode::NOT_FOUND, "the site is not known\n"),
        },
    }
}

const STUCK: &str = "the daemon does not answer\n";

fn health(snapshot: Option<&Snapshot>) -> Response<Body> {
    match snapshot {
        Some(_) => text(StatusCode::OK, "ok\n"),
        None => text(StatusCode::SERVICE_UNAVAILABLE, STUCK),
    }
}

fn readiness(snapshot: Option<&Snapshot>) -> Response<Body> {
    match snapshot {
        Some(snapshot) if !snapshot.draining => text(StatusCode::OK, "ready\n"),
        Some(_) => text(StatusCode::SERVICE_UNAVAILABLE, "it ends\n"),
        None => text(StatusCode::SERVICE_UNAVAILABLE, STUCK),
    }
}

fn refused(refusal: Refusal) -> Response<Body> {
    match refusal {
        Refusal::Token => {
            let what = "a token is needed: Authorization: Bearer TOKEN\n";
            let mut response = text(StatusCode::UNAUTHORIZED, what);
            let ways = HeaderValue::from_static("Basic realm=\"mycelia-spore\", charset=\"UTF-8\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, ways);
            response
        }
        Refusal::Unreadable => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the token to compare with cannot be read; the log says why\n",
        ),
        Refusal::Host => text(
            StatusCode::MISDIRECTED_REQUEST,
            "without a token only requests for localhost are answered: set status.token\n",
        ),
    }
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    whole(status, "application/json", format!("{value}\n"))
}

pub(super) fn text(status: StatusCode, text: &str) -> Response<Body> {
    whole(status, "text/plain; charset=utf-8", text.to_owned())
}

pub(super) fn whole(
    status: StatusCode,
    kind: &'static str,
    content: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Full::new(content.into()).boxed());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
