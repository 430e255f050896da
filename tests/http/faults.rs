//! What goes wrong on the way, what is tried again and what is not: the server counts.

use crate::client::{ATTEMPTS, client};
use crate::gzip;
use crate::server::{Reply, Server, plain};
use mycelia_spore::edge::http::{Answer, Budget, HttpError, Request};
use mycelia_spore::edge::{EdgeError, EdgeErrorKind};
use std::io::Read as _;
use std::net::TcpListener;
use std::time::Duration;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

async fn send(request: &Request) -> Result<Answer, HttpError> {
    client().send(request, &Budget::unlimited()).await
}

/// What leaves it unknown whether the request was carried out, and how that is told.
fn unknown() -> Vec<(Reply, &'static str)> {
    let mut broken = gzip::stored(b"content");
    broken[12] ^= 0xff;
    let mut packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
    packed.extend(broken);
    let part = format!("{HEAD}part");
    vec![
        (
            Reply::Reset(Vec::new()),
            "Connection reset by peer (os error 104)",
        ),
        (
            Reply::Last(Vec::new()),
            "connection closed before message completed",
        ),
        (
            Reply::Last(b"HTTP/1.1 200".to_vec()),
            "connection closed before message completed",
        ),
        (
            Reply::Reset(part.clone().into()),
            "Connection reset by peer (os error 104)",
        ),
        (
            Reply::Last(part.clone().into()),
            "end of file before message length reached",
        ),
        (Reply::Stall(Vec::new()), "no whole answer within 0.3 s"),
        (
            Reply::Stall(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
            "no whole answer within 0.3 s",
        ),
        (Reply::Stall(part.into()), "no whole answer within 0.3 s"),
        (
            Reply::Last(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
            "invalid HTTP version parsed",
        ),
        (Reply::Last(packed), "deflate decompression error"),
    ]
}

/// A request that does not wait for long for what never comes.
fn limited(request: Request, reply: &Reply) -> Request {
    match reply {
        Reply::Stall(_) => request.timeout(Duration::from_millis(300)),
        _ => request,
    }
}

/// Sends a request to a server that always does this, and gives the error and the count of requests.
async fn failing(reply: Reply, request: impl FnOnce(String) -> Request) -> (HttpError, usize) {
    let server = Server::always(reply.clone());
    let request = limited(request(server.url("/a?b=c")), &reply);
    let error = send(&request).await.unwrap_err();
    let error = match error {
        HttpError::Unknown {
            mut exchange,
            reason,
            retry_after,
        } => {
            exchange.url = exchange.url.replace(&server.url(""), "http://server");
            HttpError::Unknown {
                exchange,
                reason,
                retry_after,
            }
        }
        other => panic!("{other}"),
    };
    (error, server.count())
}

#[tokio::test]
async fn what_may_be_done_twice_is_sent_again_after_a_broken_answer() {
    for (reply, told) in unknown() {
        let (error, count) = failing(reply.clone(), Request::get).await;
        assert_eq!(
            error.to_string(),
            format!("GET http://server/a has no whole answer: {told} (3 attempts)"),
            "{reply:?}"
        );
        assert_eq!(count, ATTEMPTS, "{reply:?}");
    }
}

#[tokio::test]
async fn what_must_not_be_done_twice_is_sent_once() {
    for (reply, told) in unknown() {
        let post = |url| Request::post(url).body("text/plain", "content");
        let (error, count) = failing(reply.clone(), post).await;
        assert_eq!(
            error.to_string(),
            format!("POST http://server/a has no whole answer: {told}"),
            "{reply:?}"
        );
        assert_eq!(count, 1, "{reply:?}");
        let error = EdgeError::from(error);
        assert_eq!(error.kind, EdgeErrorKind::Transient { retry_after: None });
    }
}

#[tokio::test]
async fn one_good_answer_is_enough() {
    for (reply, _) in unknown() {
        let server = Server::start({
            let reply = reply.clone();
            move |number| match number {
                0 => reply.clone(),
                _ => plain(200, "", "done"),
            }
        });
        let request = limited(Request::delete(server.url("/")), &reply);
        let answer = send(&request).await.unwrap();
        assert_eq!(
            (answer.status, &*answer.body),
            (200, &b"done"[..]),
            "{reply:?}"
        );
        assert_eq!(server.count(), 2, "{reply:?}");
    }
}

#[tokio::test]
async fn errors_of_the_server_are_given_after_the_last_attempt() {
    for (status, get, post) in [
        (500, ATTEMPTS, 1),
        (502, ATTEMPTS, 1),
        (503, ATTEMPTS, 1),
        (504, ATTEMPTS, 1),
        (522, ATTEMPTS, 1),
        (530, ATTEMPTS, 1),
        (429, ATTEMPTS, ATTEMPTS),
        (501, 1, 1),
        (400, 1, 1),
        (401, 1, 1),
        (404, 1, 1),
        (409, 1, 1),
    ] {
        let page = "<html><h1>Sorry</h1></html>";
        let server = Server::always(plain(status, "Content-Type: text/html\n", page));
        let answer = send(&Request::get(server.url("/"))).await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(&*answer.body, page.as_bytes());
        assert_eq!(server.count(), get, "GET {status}");
        let answer = send(&Request::post(server.url("/"))).await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(server.count() - get, post, "POST {status}");
    }
}

/// How long it takes until a POST is done that is first answered with this.
async fn refused_once(header: &'static str) -> Duration {
    let server = Server::start(move |number| match number {
        0 => plain(429, header, ""),
        _ => plain(200, "", ""),
    });
    let answer = send(&Request::post(server.url("/"))).await.unwrap();
    assert_eq!(answer.status, 200);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    requests[1].at - requests[0].at
}

#[tokio::test]
async fn the_server_says_when_to_come_back() {
    let second = Duration::from_secs(1);
    assert!(refused_once("Retry-After: 1\n").await >= second);
    let dates = "Date: Sun, 06 Nov 1994 08:49:37 GMT\nRetry-After: Sun, 06 Nov 1994 08:49:38 GMT\n";
    assert!(refused_once(dates).await >= second);
    let past = "Retry-After: Sun, 06 Nov 1994 08:49:38 GMT\n";
    assert!(refused_once(past).await < second);
    assert!(refused_once("Retry-After: nonsense\n").await < second);
}

#[tokio::test]
async fn the_caller_waits_for_what_takes_too_long() {
    for status in [429, 503] {
        let server = Server::always(plain(status, "Retry-After: 311\n", ""));
        let answer = send(&Request::get(server.url("/"))).await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.retry_after(), Some(Duration::from_secs(311)));
        assert_eq!(server.count(), 1);
    }
}

/// What is certain not to have been sent, as it is told.
async fn not_sent(request: &Request) -> String {
    match send(request).await {
        Err(error @ HttpError::NotSent { .. }) => {
            assert_eq!(error.exchange().attempts as usize, ATTEMPTS);
            let text = error.to_string();
            let error = EdgeError::from(error);
            assert_eq!(error.kind, EdgeErrorKind::Transient { retry_after: None });
            assert_eq!(error.full(), text);
            text
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for method in [Request::get, Request::post] {
        let request = method(format!("http://{address}/a?b=c"));
        let text = not_sent(&request).await;
        let (method, rest) = text.split_once(' ').unwrap();
        assert!(["GET", "POST"].contains(&method));
        assert_eq!(
            rest.replace(&address.to_string(), "server"),
            "http://server/a was not sent: Connection refused (os error 111) (3 attempts)"
        );
    }
}

#[tokio::test]
async fn after_an_attempt_that_was_seen_nothing_is_certain() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let request = Request::put(format!("http://{}/", listener.local_addr().unwrap()));
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        // Nobody listens any more when the first attempt fails.
        drop(listener);
        let mut request = [0; 1024];
        assert!(connection.read(&mut request).unwrap() > 0);
    });
    let error = send(&request).await.unwrap_err();
    server.join().unwrap();
    assert!(matches!(error, HttpError::Unknown { .. }), "{error:?}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn without_an_address_nothing_was_sent() {
    // No name ends in ".invalid" (RFC 6761 section 6.4). What is said of it is up to the resolver.
    let text = not_sent(&Request::post("http://name.invalid/")).await;
    assert!(
        text.starts_with("POST http://name.invalid/ was not sent: "),
        "{text}"
    );
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_is_not_used() {
    let server = Server::start(|number| match number {
        // Says nothing of closing, and closes.
        0 | 2 => Reply::Last(crate::server::answer(200, "", "")),
        _ => plain(200, "", ""),
    });
    let http = client();
    for (closed, request) in [
        (1, Request::get(server.url("/"))),
        (2, Request::post(server.url("/"))),
    ] {
        let unlimited = Budget::unlimited();
        let first = Request::get(server.url("/"));
        assert_eq!(http.send(&first, &unlimited).await.unwrap().status, 200);
        server.wait_closed(closed);
        // Lets the client see it: nothing of that shows outside.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(http.send(&request, &unlimited).await.unwrap().status, 200);
    }
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn a_connection_that_ends_with_the_second_request_on_it() {
    for (request, status, count) in [
        (Request::get as fn(String) -> Request, Some(200), 3),
        (Request::post, None, 2),
    ] {
        let server = Server::start(|number| match number {
            1 => Reply::Reset(Vec::new()),
            _ => plain(200, "", ""),
        });
        let http = client();
        let first = Request::get(server.url("/"));
        http.send(&first, &Budget::unlimited()).await.unwrap();
        let request = request(server.url("/"));
        let second = http.send(&request, &Budget::unlimited()).await;
        assert_eq!(second.ok().map(|answer| answer.status), status);
        assert_eq!(server.count(), count);
    }
}
