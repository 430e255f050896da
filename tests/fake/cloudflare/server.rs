//! The thread that answers.

use super::fault::{Script, Trouble};
use super::locked;
use super::log::{Call, Log};
use super::refusal;
use super::route;
use super::wire::{Answer, Request};
use super::world::World;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// The longest request body that is read; a bucket of assets is at most 40 MiB before base64.
const BODY: usize = 100 << 20;

/// What the server's thread and the test have in common.
pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    pub(crate) script: Mutex<Script>,
    pub(crate) log: Mutex<Log>,
}

impl Shared {
    /// A world in which nothing has been asked yet.
    pub(crate) fn new(world: World) -> Self {
        Self {
            world: Mutex::new(world),
            script: Mutex::default(),
            log: Mutex::default(),
        }
    }
}

/// The thread that answers. It ends when this is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on a free loopback port and starts to answer.
    pub(crate) fn start(shared: Arc<Shared>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        locked(&shared.log).connections += 1;
        tokio::spawn(connection(stream, Arc::clone(&shared)));
    }
}

/// Answers the requests of one connection.
async fn connection(stream: tokio::net::TcpStream, shared: Arc<Shared>) {
    stream.set_nodelay(true).unwrap();
    let stream = stream.into_std().unwrap();
    let handle = Arc::new(stream.try_clone().unwrap());
    let stream = tokio::net::TcpStream::from_std(stream).unwrap();
    let service = service_fn(move |request| {
        let (shared, handle) = (Arc::clone(&shared), Arc::clone(&handle));
        async move { answer(&shared, &handle, request).await }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new());
    // A connection that ends with an error is one whose client hung up, or one that a fault ended.
    drop(
        builder
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

/// The connection ends without an answer.
#[derive(Debug)]
struct HungUp;

impl std::fmt::Display for HungUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the fake hung up")
    }
}

impl std::error::Error for HungUp {}

type Response = hyper::Response<Outgoing>;

async fn answer(
    shared: &Shared,
    handle: &TcpStream,
    incoming: hyper::Request<Incoming>,
) -> Result<Response, HungUp> {
    let (head, body) = incoming.into_parts();
    let Some(mut request) = Request::new(head.method, &head.uri) else {
        return Ok(respond(&refusal::no_route(head.uri.path()).answer(), false));
    };
    request.authorization = text(&head.headers, AUTHORIZATION.as_str());
    request.content_type = text(&head.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let Ok(body) = Limited::new(body, BODY).collect().await else {
        return Err(HungUp);
    };
    request.body = body.to_bytes();
    let call = Call::new(
        request.method.clone(),
        request.path.clone(),
        request.query.clone(),
        request.body.len(),
    );
    let running = Running {
        shared,
        id: locked(&shared.log).begin(call),
    };
    let trouble = locked(&shared.script).strike(&request.method, &request.segments);
    running.carry_out(&request, trouble, handle).await
}

/// A call that is being answered.
struct Running<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        locked(&self.shared.log).end();
    }
}

impl Running<'_> {
    async fn carry_out(
        &self,
        request: &Request,
        trouble: Option<Trouble>,
        handle: &TcpStream,
    ) -> Result<Response, HungUp> {
        match trouble {
            None => Ok(self.respond(&self.perform(request), false)),
            Some(Trouble::Answer(answer)) => {
                let answer = locked(&self.shared.world).marked(answer);
                Ok(self.respond(&answer, false))
            }
            Some(Trouble::Reset) => {
                // Closing a socket that does not linger sends a reset instead of an orderly end.
                let now = Some(Duration::ZERO);
                rustix::net::sockopt::set_socket_linger(handle, now).unwrap();
                Err(HungUp)
            }
            Some(Trouble::Truncated) => Ok(self.respond(&self.perform(request), true)),
            Some(Trouble::SlowStart(time)) => {
                tokio::time::sleep(time).await;
                Ok(self.respond(&self.perform(request), false))
            }
            Some(Trouble::SlowAnswer(time)) => {
                let answer = self.perform(request);
                tokio::time::sleep(time).await;
                Ok(self.respond(&answer, false))
            }
            Some(Trouble::DoneThenLost) => {
                self.perform(request);
                Err(HungUp)
            }
        }
    }

    fn perform(&self, request: &Request) -> Answer {
        route::answer(&mut locked(&self.shared.world), request)
    }

    fn respond(&self, answer: &Answer, truncated: bool) -> Response {
        locked(&self.shared.log).answered(self.id, answer.status);
        respond(answer, truncated)
    }
}

fn respond(answer: &Answer, truncated: bool) -> Response {
    let mut response = hyper::Response::builder()
        .status(answer.status)
        .header(CONTENT_TYPE, answer.content_type)
        .header(CONTENT_LENGTH, answer.body.len());
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    response
        .body(Outgoing::new(&answer.body, truncated))
        .unwrap()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(value.to_str().ok()?.to_owned())
}

/// The body of an answer, which may break off in the middle.
struct Outgoing {
    bytes: Option<Bytes>,
    breaks: bool,
    /// Whether what came before the break has had its turn to be sent.
    sent: bool,
}

impl Outgoing {
    fn new(bytes: &Bytes, breaks: bool) -> Self {
        let end = if breaks { bytes.len() / 2 } else { bytes.len() };
        Self {
            bytes: Some(bytes.slice(..end)),
            breaks,
            sent: false,
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = HungUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HungUp>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if !self.breaks {
            return Poll::Ready(None);
        }
        if self.sent {
            return Poll::Ready(Some(Err(HungUp)));
        }
        // The connection sends what it has when the body has nothing for it.
        self.sent = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
