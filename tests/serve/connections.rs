//! Connections, their bounds and their end.

use crate::server::Server;
use crate::site::Site;
use mycelia_spore::serve::Limits;
use std::net::TcpStream;
use std::time::{Duration, Instant};

const HOST: &str = "a.example";

fn server_with(limits: Limits) -> Server {
    Server::start_with(limits, |layout| {
        let site = Site::new("a", HOST).file("index.html", "home");
        site.file("large.bin", vec![7; 20_000_000]).publish(layout);
    })
}

fn server() -> Server {
    server_with(Limits::default())
}

#[test]
fn a_connection_serves_many_requests() {
    let server = server();
    let mut client = server.connect();
    for _ in 0..50 {
        assert_eq!(client.request("GET", HOST, "/", "").gist(), "200 home");
        assert_eq!(client.request("GET", HOST, "/%zz", "").status, 400);
        assert_eq!(client.request("GET", "other.example", "/", "").status, 404);
    }
    // Several requests may be sent before the first is answered.
    client.send(
        format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
            .repeat(3)
            .as_bytes(),
    );
    for _ in 0..3 {
        assert_eq!(client.answer(false).gist(), "200 home");
    }
    assert_eq!(
        client
            .request("GET", HOST, "/", "Connection: close\n")
            .status,
        200
    );
    assert!(client.is_closed());
}

#[test]
fn a_request_is_bounded() {
    let server = server();
    let long = format!("/{}", "a".repeat(10_000));
    assert_eq!(server.get(HOST, &long).status, 414);
    let longest = format!("/?{}", "a".repeat(8 * 1024 - 2));
    assert_eq!(server.get(HOST, &longest).status, 200);
    assert_eq!(server.get(HOST, &format!("{longest}a")).status, 414);
    let line = |length| format!("X-Large: {}\n", "a".repeat(length));
    assert_eq!(server.request("GET", HOST, "/", &line(30_000)).status, 200);
    assert_eq!(server.request("GET", HOST, "/", &line(33_000)).status, 431);
    assert_eq!(server.request("GET", HOST, "/", &line(100_000)).status, 431);
    let many: String = (0..1000)
        .map(|n| format!("X-{n}: 1\n"))
        .collect::<Vec<_>>()
        .concat();
    assert_eq!(server.request("GET", HOST, "/", &many).status, 431);
}

#[test]
fn what_is_no_request_is_refused() {
    let server = server();
    for bytes in [
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a.example\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "CONNECT a.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n",
    ] {
        assert_eq!(server.raw(bytes).status, 400, "{bytes}");
    }
}

/// What follows a body must not be taken for a request, nor a body for one.
#[test]
fn a_body_ends_the_connection() {
    let server = server();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let length = smuggled.len();
    for lines in [
        format!("Content-Length: {length}\r\n"),
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
    ] {
        let mut client = server.connect();
        let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n0\r\n\r\n{smuggled}");
        client.send(request.as_bytes());
        assert_eq!(client.answer(false).status, 200);
        assert!(client.try_answer(false).is_none(), "{lines}");
    }
}

#[test]
fn slow_and_idle_clients_are_cut_off() {
    let limits = Limits {
        header_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = server_with(limits);
    let begun = Instant::now();
    let mut slow = server.connect();
    for byte in "GET / HTTP/1.1\r\nHost: a".bytes().take(6) {
        slow.send(&[byte]);
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut idle = server.connect();
    assert_eq!(idle.request("GET", HOST, "/", "").status, 200);
    assert!(
        slow.try_answer(false)
            .is_none_or(|answer| answer.status == 408)
    );
    assert!(idle.is_closed());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn connections_beyond_the_bound_wait() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let server = server_with(limits);
    let mut first = server.connect();
    let mut second = server.connect();
    assert_eq!(first.request("GET", HOST, "/", "").status, 200);
    assert_eq!(second.request("GET", HOST, "/", "").status, 200);
    let address = server.address;
    let waiting = std::thread::spawn(move || {
        let mut third = crate::server::Client::connect(address);
        third.request("GET", HOST, "/", "").status
    });
    std::thread::sleep(Duration::from_millis(100));
    assert!(!waiting.is_finished());
    drop(first);
    assert_eq!(waiting.join().unwrap(), 200);
}

#[test]
fn open_requests_are_finished_at_the_end() {
    let mut server = server();
    let mut idle = server.connect();
    assert_eq!(idle.request("GET", HOST, "/", "").status, 200);
    let mut busy = server.connect();
    busy.send(format!("GET /large.bin HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes());
    std::thread::sleep(Duration::from_millis(100));
    server.ask_to_stop();
    assert!(idle.is_closed());
    let address = server.address;
    server.wait_until("no more connections", |_| {
        TcpStream::connect(address).is_err()
    });
    let answer = busy.answer(false);
    assert_eq!((answer.status, answer.body.len()), (200, 20_000_000));
    assert_eq!(answer.header("connection"), None);
    assert!(busy.is_closed());
    server.join();
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let limits = Limits {
        drain_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut server = server_with(limits);
    let mut stuck = server.connect();
    stuck.send(format!("GET /large.bin HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes());
    std::thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    server.join();
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_client_that_takes_nothing_is_cut_off() {
    let limits = Limits {
        stall_timeout: Duration::from_millis(500),
        connections: 1,
        ..Limits::default()
    };
    let server = server_with(limits);
    let mut stuck = server.connect();
    stuck.send(format!("GET /large.bin HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes());
    // The only place becomes free again although the first client stays.
    assert_eq!(server.get(HOST, "/").status, 200);
    drop(stuck);
}
