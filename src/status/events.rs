//! What happens, as server-sent events (HTML standard, section 9.2).

use super::reply::{Body, Shared, text, whole};
use crate::model::{Parse, SiteId};
use crate::reconcile::Event;
use crate::rpc::{Told, What};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, watch};

const TYPE: &str = "text/event-stream";

/// How often something is sent when nothing happens, so that what lies between keeps the connection and one that
/// is gone is noticed.
const QUIET: Duration = Duration::from_secs(15);

/// One who listens.
struct Listener {
    events: broadcast::Receiver<Arc<Event>>,
    stop: watch::Receiver<bool>,
    only: Option<SiteId>,
    _place: OwnedSemaphorePermit,
}

/// Answers with what happens from now on: `?site=ID` for one site.
pub(super) fn listen(shared: &Shared, query: Option<&str>, head: bool) -> Response<Body> {
    let wanted = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("site="));
    let Ok(only) = wanted.map(SiteId::parse).transpose() else {
        return text(StatusCode::BAD_REQUEST, "site is no site's id\n");
    };
    if head {
        return whole(StatusCode::OK, TYPE, "");
    }
    let Ok(place) = Arc::clone(&shared.listeners).try_acquire_owned() else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "too many listen already\n");
    };
    let listener = Listener {
        events: shared.control.watch(),
        stop: shared.stopped(),
        only,
        _place: place,
    };
    let frames = stream::unfold(listener, |mut listener| async {
        let frame = listener.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(frame)), listener))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed());
    let kind = HeaderValue::from_static(TYPE);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

impl Listener {
    /// The next thing to send; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let event = tokio::select! {
                _ = self.stop.wait_for(|stop| *stop) => return None,
                () = tokio::time::sleep(QUIET) => return Some(Bytes::from_static(b":\n\n")),
                event = self.events.recv() => event,
            };
            match event {
                Ok(event) if self.concerns(&event) => return Some(frame(&Told::from(&*event))),
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    let told = Told {
                        at: jiff::Timestamp::now(),
                        site: None,
                        what: What::Missed(missed),
                    };
                    return Some(frame(&told));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn concerns(&self, event: &Event) -> bool {
        self.only.is_none() || self.only == event.site
    }
}

/// An event: JSON has no line break that would end it early.
fn frame(told: &Told) -> Bytes {
    format!("data: {}\n\n", told.json()).into()
}
