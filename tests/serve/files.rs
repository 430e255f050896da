//! How files are sent.

use crate::server::Server;
use crate::site::Site;
use std::fs;

const HOST: &str = "a.example";

fn large() -> Vec<u8> {
    (0..1_500_000_u32).map(|n| (n % 251) as u8).collect()
}

fn server() -> Server {
    Server::start(|layout| {
        Site::new("a", HOST)
            .file("index.html", "plain form")
            .encoded("index.html", "br", "br form", true)
            .encoded("index.html", "gzip", "gzip form", false)
            .file("small.txt", "0123456789")
            .file("empty.txt", "")
            .file("large.bin", large())
            .file("404.html", "missing")
            .encoded("404.html", "gzip", "gzip missing", true)
            .publish(layout);
    })
}

#[test]
fn a_page_has_these_headers() {
    let server = server();
    insta::assert_snapshot!(server.request("GET", HOST, "/", "Accept-Encoding: gzip, br\n").head(), @r#"
    200
    accept-ranges: bytes
    cache-control: public, max-age=0, must-revalidate
    content-encoding: br
    content-length: 7
    content-type: text/html; charset=utf-8
    etag: "ee2457480ef096932659e7fb861342e4-br"
    referrer-policy: strict-origin-when-cross-origin
    vary: Accept-Encoding
    x-content-type-options: nosniff
    "#);
    insta::assert_snapshot!(server.get(HOST, "/small.txt").head(), @r#"
    200
    accept-ranges: bytes
    cache-control: public, max-age=0, must-revalidate
    content-length: 10
    content-type: text/plain
    etag: "53b63a6fc8605d0c0ce559317a00177d"
    referrer-policy: strict-origin-when-cross-origin
    x-content-type-options: nosniff
    "#);
}

#[test]
fn encodings_are_negotiated() {
    let server = server();
    for (lines, expected, coding) in [
        ("", "plain form", None),
        ("Accept-Encoding: gzip\n", "gzip form", Some("gzip")),
        ("Accept-Encoding: gzip, br\n", "br form", Some("br")),
        ("Accept-Encoding: gzip;q=0\n", "plain form", None),
        ("Accept-Encoding: *\n", "br form", Some("br")),
        (
            "Accept-Encoding: *;q=0.1, br;q=0\n",
            "gzip form",
            Some("gzip"),
        ),
        ("Accept-Encoding: zstd\n", "plain form", None),
    ] {
        let answer = server.request("GET", HOST, "/", lines);
        assert_eq!((answer.status, answer.text()), (200, expected), "{lines}");
        assert_eq!(answer.header("content-encoding"), coding, "{lines}");
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{lines}");
        // Each form has a tag of its own, which holds only where that form would be sent.
        let tag = answer.header("etag").unwrap();
        let again = format!("{lines}If-None-Match: {tag}\n");
        assert_eq!(server.request("GET", HOST, "/", &again).status, 304);
        let other = format!("Accept-Encoding: identity;q=0.1, br;q=0.05\nIf-None-Match: {tag}\n");
        let status = if coding.is_none() { 304 } else { 200 };
        assert_eq!(server.request("GET", HOST, "/", &other).status, status);
    }
    let missing = server.request("GET", HOST, "/none", "Accept-Encoding: gzip\n");
    assert_eq!(missing.gist(), "404 gzip missing");
    assert_eq!(missing.header("content-encoding"), Some("gzip"));
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let server = server();
    let tag = server
        .get(HOST, "/small.txt")
        .header("etag")
        .unwrap()
        .to_owned();
    assert_eq!(tag.len(), 34);
    for (lines, expected) in [
        (format!("If-None-Match: {tag}\n"), 304),
        (format!("If-None-Match: W/{tag}\n"), 304),
        (format!("If-None-Match: \"x\", {tag}\n"), 304),
        ("If-None-Match: *\n".into(), 304),
        ("If-None-Match: \"x\"\n".into(), 200),
        (format!("If-Match: {tag}\n"), 200),
        ("If-Match: *\n".into(), 200),
        ("If-Match: \"x\"\n".into(), 412),
        (format!("If-Match: W/{tag}\n"), 412),
        // Without a time of its own, the file is never older than a time.
        (
            "If-Modified-Since: Sun, 22 Nov 2048 00:00:00 GMT\n".into(),
            200,
        ),
        (
            "If-Unmodified-Since: Sun, 22 Nov 1998 00:00:00 GMT\n".into(),
            200,
        ),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = server.request(method, HOST, "/small.txt", &lines);
            assert_eq!(answer.status, expected, "{method} {lines}");
        }
    }
    let unchanged = server.request("GET", HOST, "/", "If-None-Match: *\nAccept-Encoding: br\n");
    insta::assert_snapshot!(unchanged.head(), @r#"
    304
    cache-control: public, max-age=0, must-revalidate
    etag: "ee2457480ef096932659e7fb861342e4-br"
    referrer-policy: strict-origin-when-cross-origin
    vary: Accept-Encoding
    x-content-type-options: nosniff
    "#);
}

#[test]
fn ranges_are_sent() {
    let server = server();
    let tag = server
        .get(HOST, "/small.txt")
        .header("etag")
        .unwrap()
        .to_owned();
    for (range, expected, content_range) in [
        ("bytes=0-0", "206 0", Some("bytes 0-0/10")),
        ("bytes=3-", "206 3456789", Some("bytes 3-9/10")),
        ("bytes=-2", "206 89", Some("bytes 8-9/10")),
        ("bytes=8-100", "206 89", Some("bytes 8-9/10")),
        (
            "bytes=10-",
            "416 416: the file has no such bytes",
            Some("bytes */10"),
        ),
        ("bytes=0-1,5-6", "200 0123456789", None),
        ("bytes=5-3", "200 0123456789", None),
        ("items=0-1", "200 0123456789", None),
    ] {
        let answer = server.request("GET", HOST, "/small.txt", &format!("Range: {range}\n"));
        assert_eq!(answer.gist(), expected, "{range}");
        assert_eq!(answer.header("content-range"), content_range, "{range}");
    }
    for (if_range, expected) in [(tag.as_str(), 206), ("\"x\"", 200)] {
        let lines = format!("Range: bytes=0-0\nIf-Range: {if_range}\n");
        assert_eq!(
            server.request("GET", HOST, "/small.txt", &lines).status,
            expected
        );
    }
    let head = server.request("HEAD", HOST, "/small.txt", "Range: bytes=0-0\n");
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("10"))
    );
    let encoded = "Range: bytes=0-1\nAccept-Encoding: br\n";
    assert_eq!(server.request("GET", HOST, "/", encoded).gist(), "206 br");
    assert_eq!(server.get(HOST, "/empty.txt").gist(), "200 ");
}

#[test]
fn large_files_are_streamed() {
    let server = server();
    let large = large();
    let mut client = server.connect();
    assert!(client.request("GET", HOST, "/large.bin", "").body == large);
    let part = client.request("GET", HOST, "/large.bin", "Range: bytes=131000-1400000\n");
    assert_eq!(part.status, 206);
    assert!(part.body == large[131_000..=1_400_000]);
    let head = client.request("HEAD", HOST, "/large.bin", "");
    assert_eq!(head.header("content-length"), Some("1500000"));
    // The connection is still of use, so exactly that many bytes were sent.
    assert_eq!(client.request("GET", HOST, "/small.txt", "").status, 200);
}

#[test]
fn a_head_has_the_headers_of_a_get() {
    let server = server();
    let mut client = server.connect();
    for target in [
        "/",
        "/small.txt",
        "/empty.txt",
        "/none",
        "/index.html",
        "/%zz",
    ] {
        let get = client.request("GET", HOST, target, "");
        let head = client.request("HEAD", HOST, target, "");
        assert_eq!(head.head(), get.head(), "{target}");
    }
}

#[test]
fn only_reading_is_allowed() {
    let server = server();
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let answer = server.request(method, HOST, "/small.txt", "");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
    for target in ["/small.txt", "*"] {
        let answer = server.request("OPTIONS", HOST, target, "");
        assert_eq!(answer.status, 204, "{target}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
}

#[test]
fn files_that_were_altered_are_not_served() {
    let server = Server::start(|layout| {
        let site = Site::new("a", HOST)
            .file("short.txt", "whole")
            .file("link.txt", "linked");
        let site = site.file("same.txt", "size").file("good.txt", "good");
        let release = site.publish(layout);
        let files = layout.files("a", &release.live.release);
        fs::write(files.join("short.txt"), "who").unwrap();
        fs::write(files.join("same.txt"), "SIZE").unwrap();
        fs::remove_file(files.join("link.txt")).unwrap();
        fs::write(layout.root().join("secret"), "linked").unwrap();
        std::os::unix::fs::symlink(layout.root().join("secret"), files.join("link.txt")).unwrap();
        let altered = Site::new("b", "b.example")
            .file("index.html", "b")
            .publish(layout);
        let manifest = layout.manifest("b", &altered.live.release);
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(manifest, text.replace("text/html", "text/evil")).unwrap();
    });
    for target in ["/short.txt", "/same.txt", "/link.txt"] {
        let answer = server.get(HOST, target);
        assert_eq!(
            answer.gist(),
            "500 500: the site cannot be read at the moment",
            "{target}"
        );
    }
    assert_eq!(server.get(HOST, "/good.txt").gist(), "200 good");
    assert_eq!(server.get("b.example", "/").status, 500);
}
