//! What is sent, and what is made of the answer.

use crate::client::client;
use crate::gzip;
use crate::server::{Received, Reply, Server, answer, plain};
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::edge::http::{Answer, Budget, Part, Request};
use mycelia_spore::edge::secret::Secret;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

async fn exchange(request: &Request) -> Answer {
    client().send(request, &Budget::unlimited()).await.unwrap()
}

/// What the server received for a request.
async fn received(request: impl FnOnce(&str) -> Request) -> Received {
    let server = Server::always(plain(200, "", "ok"));
    let answer = exchange(&request(&server.url("/v4/things?page=2"))).await;
    assert_eq!((answer.status, &*answer.body), (200, &b"ok"[..]));
    let mut requests = server.requests();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

/// The request line, the header and the body, without what differs each time.
fn shown(received: &Received) -> String {
    let mut text = format!("{}\n", received.line);
    for (name, value) in &received.headers {
        let value = if name == "host" { "HOST" } else { value };
        writeln!(text, "{name}: {value}").unwrap();
    }
    let body = String::from_utf8(received.body.clone()).unwrap();
    text = format!("{text}\n{body}").replace('\r', "");
    let boundary = received.headers.get("content-type");
    match boundary.and_then(|it| it.split_once("boundary=")) {
        None => text,
        Some((_, boundary)) => text.replace(boundary, "BOUNDARY").replace(
            &format!("content-length: {}", received.body.len()),
            "content-length: ...",
        ),
    }
}

#[tokio::test]
async fn a_plain_request_says_little() {
    let received = received(|url| Request::get(url)).await;
    insta::assert_snapshot!(shown(&received), @r"
    GET /v4/things?page=2 HTTP/1.1
    accept: */*
    accept-encoding: gzip
    host: HOST
    user-agent: mycelia-spore/test
    ");
}

#[tokio::test]
async fn a_request_carries_what_it_was_given() {
    let (token, other) = (Secret::new("t0ken".into()), Secret::new("other".into()));
    let value = BTreeMap::from([("name", "site")]);
    let received = received(|url| {
        let request = Request::patch(url)
            .bearer(&other)
            .json(&value)
            .bearer(&token);
        let request = request.secret_header("X-Auth-Key", &token);
        request
            .header("X-Request", "first")
            .header("X-Request", "second")
    })
    .await;
    insta::assert_snapshot!(shown(&received), @r#"
    PATCH /v4/things?page=2 HTTP/1.1
    accept: */*
    accept-encoding: gzip
    authorization: Bearer t0ken
    content-length: 15
    content-type: application/json
    host: HOST
    user-agent: mycelia-spore/test
    x-auth-key: t0ken
    x-request: second

    {"name":"site"}
    "#);
}

#[tokio::test]
async fn a_form_has_its_parts() {
    let part = |name: &str, file_name: Option<&str>, content_type: Option<&str>, content| Part {
        name: name.to_owned(),
        file_name: file_name.map(Into::into),
        content_type: content_type.map(Into::into),
        content,
    };
    let received = received(|url| {
        Request::post(url).multipart(vec![
            part("branch", None, None, "main".into()),
            part(
                "manifest \"a/b\"",
                Some("käse.json"),
                Some("application/json"),
                "{}".into(),
            ),
        ])
    })
    .await;
    insta::assert_snapshot!(shown(&received), @r#"
    POST /v4/things?page=2 HTTP/1.1
    accept: */*
    accept-encoding: gzip
    content-length: ...
    content-type: multipart/form-data; boundary=BOUNDARY
    host: HOST
    user-agent: mycelia-spore/test

    --BOUNDARY
    Content-Disposition: form-data; name="branch"

    main
    --BOUNDARY
    Content-Disposition: form-data; name="manifest %22a/b%22"; filename="käse.json"
    Content-Type: application/json

    {}
    --BOUNDARY--
    "#);
}

#[tokio::test]
async fn a_body_is_sent_again_whole() {
    let server = Server::start(|number| match number {
        0 => Reply::Reset(Vec::new()),
        _ => plain(200, "", ""),
    });
    let content = vec![b'x'; 1_000_000];
    let form = vec![Part {
        name: "file".into(),
        file_name: None,
        content_type: None,
        content: content.clone().into(),
    }];
    for request in [
        Request::put(server.url("/")).body("text/plain", content.clone()),
        Request::put(server.url("/")).multipart(form),
    ] {
        assert_eq!(exchange(&request).await.status, 200);
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].body, content);
    assert_eq!(requests[1].body, content);
    assert!(requests[2].body.len() > content.len());
}

#[tokio::test]
async fn compressed_answers_are_unpacked() {
    let mut reply =
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
    reply.extend(gzip::stored(b"{\"result\": [1, 2]}"));
    let server = Server::always(Reply::Last(reply));
    let answer = exchange(&Request::get(server.url("/"))).await;
    assert_eq!(&*answer.body, b"{\"result\": [1, 2]}");
    let value: BTreeMap<String, Vec<u8>> = answer.json().unwrap();
    assert_eq!(value["result"], [1, 2]);
}

#[tokio::test]
async fn a_long_answer_is_refused_and_not_asked_for_again() {
    let header = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    let (mut bomb, more) = gzip::bomb();
    let start = format!("{header}Content-Encoding: gzip\r\n\r\n").into_bytes();
    bomb.splice(0..0, start);
    for reply in [
        Reply::Endless(format!("{header}\r\n").into(), vec![b'x'; 64 * 1024]),
        Reply::Endless(bomb, more.repeat(1000)),
        // Known from its header alone: nothing of it is sent.
        Reply::Stall(format!("{header}Content-Length: 1000001\r\n\r\n").into()),
        Reply::Last(answer(200, "", &"x".repeat(1_000_001))),
    ] {
        let server = Server::always(reply);
        let request = Request::get(server.url("/")).answer_max(1_000_000);
        let error = client()
            .send(&request, &Budget::unlimited())
            .await
            .unwrap_err();
        let text = error.to_string().replace(&server.url(""), "URL");
        assert_eq!(
            text,
            "GET URL/ has no whole answer: it is longer than 1000000 bytes"
        );
        assert_eq!(server.count(), 1);
    }
    let server = Server::always(plain(200, "", &"x".repeat(1_000_000)));
    let request = Request::get(server.url("/")).answer_max(1_000_000);
    assert_eq!(exchange(&request).await.body.len(), 1_000_000);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::always(plain(200, "", "stolen"));
    let location = format!("Location: {}\n", other.url("/"));
    let server = Server::always(plain(302, &location, "elsewhere"));
    let token = Secret::new("t0ken".into());
    let answer = exchange(&Request::get(server.url("/")).bearer(&token)).await;
    assert_eq!((answer.status, &*answer.body), (302, &b"elsewhere"[..]));
    assert_eq!(answer.header("location"), Some(&*other.url("/")));
    assert_eq!((server.count(), other.count()), (1, 0));
}

#[tokio::test]
async fn an_answer_tells_what_it_means() {
    let wait = Duration::from_secs(3600);
    let transient = |retry_after| Some(EdgeErrorKind::Transient { retry_after });
    for (status, header, expected) in [
        (200, "", None),
        (204, "", None),
        (304, "", Some(EdgeErrorKind::Rejected)),
        (400, "", Some(EdgeErrorKind::Rejected)),
        (401, "", Some(EdgeErrorKind::Unauthorised)),
        (403, "", Some(EdgeErrorKind::Unauthorised)),
        (409, "", Some(EdgeErrorKind::Conflict)),
        (429, "Retry-After: 3600\n", transient(Some(wait))),
        (503, "Retry-After: 3600\n", transient(Some(wait))),
        (500, "Content-Type: text/html\n", transient(None)),
    ] {
        let server = Server::always(plain(status, header, ""));
        let answer = exchange(&Request::post(server.url("/"))).await;
        assert_eq!(answer.failure(), expected, "{status}");
        assert_eq!(answer.is_success(), expected.is_none());
        let html = header.contains("html").then_some("text/html");
        assert_eq!(answer.content_type(), html);
        assert_eq!(
            format!("{answer:?}"),
            format!("Answer {{ status: {status}, length: 0, .. }}")
        );
    }
}
