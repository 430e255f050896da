//! Which site answers.

use crate::server::Server;
use crate::site::Site;

fn server() -> Server {
    Server::start(|layout| {
        Site::new("a", "a.example")
            .file("index.html", "a")
            .publish(layout);
        let b = Site::new("b", "B.localhost")
            .alias("www.b.localhost")
            .alias("b.example");
        b.redirect_aliases().file("index.html", "b").publish(layout);
        let c = Site::new("c", "c.example").alias("www.c.example");
        c.redirect_aliases().file("index.html", "c").publish(layout);
    })
}

#[test]
fn the_host_chooses_the_site() {
    let server = server();
    assert_eq!(
        server.sites.hosts(),
        [
            "a.example",
            "b.example",
            "b.localhost",
            "c.example",
            "www.b.localhost",
            "www.c.example"
        ]
    );
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: a.example\r\n", "200 a"),
        ("GET / HTTP/1.1\r\nhOST: A.Example.:80\r\n", "200 a"),
        ("GET / HTTP/1.1\r\nHost: b.localhost:8080\r\n", "200 b"),
        ("GET / HTTP/1.0\r\nHost: a.example\r\n", "200 a"),
        // The host of the target goes before the header (RFC 9112 section 3.2.2).
        (
            "GET http://a.example/ HTTP/1.1\r\nHost: b.localhost\r\n",
            "200 a",
        ),
        (
            "GET http://a.example HTTP/1.1\r\nHost: b.localhost\r\n",
            "200 a",
        ),
        (
            "GET http://a.example/ HTTP/1.1\r\n",
            "400 400: Host is missing",
        ),
        ("GET / HTTP/1.1\r\n", "400 400: Host is missing"),
        (
            "GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n",
            "400 400: Host is given twice",
        ),
        (
            "GET / HTTP/1.0\r\nHost: a.example\r\nHost: b.example\r\n",
            "400 400: Host is given twice",
        ),
        (
            "GET / HTTP/1.1\r\nHost: u@a.example\r\n",
            "400 400: the host is not valid",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a.example/x\r\n",
            "400 400: the host is not valid",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a.example:x\r\n",
            "400 400: the host is not valid",
        ),
        (
            "GET / HTTP/1.1\r\nHost: \r\n",
            "404 404: no site of this name is here",
        ),
        (
            "GET / HTTP/1.0\r\n",
            "404 404: no site of this name is here",
        ),
        (
            "GET / HTTP/1.1\r\nHost: other.example\r\n",
            "404 404: no site of this name is here",
        ),
        (
            "GET / HTTP/1.1\r\nHost: [::1]:80\r\n",
            "404 404: no site of this name is here",
        ),
    ] {
        assert_eq!(
            server.raw(format!("{request}\r\n")).gist(),
            expected,
            "{request}"
        );
    }
}

#[test]
fn aliases_lead_to_the_sites_own_address() {
    let server = server();
    for (host, target, lines, expected) in [
        (
            "www.b.localhost:8080",
            "/x%20y?q=1",
            "",
            "308 -> http://b.localhost:8080/x%20y?q=1",
        ),
        ("b.example", "/", "", "308 -> http://b.localhost/"),
        (
            "www.c.example:8080",
            "//x//y",
            "",
            "308 -> http://c.example/x/y",
        ),
        // The tests come from this machine, as a proxy would.
        (
            "www.c.example",
            "/",
            "X-Forwarded-Proto: https\n",
            "308 -> https://c.example/",
        ),
        (
            "www.c.example",
            "/",
            "X-Forwarded-Proto: gopher\n",
            "308 -> http://c.example/",
        ),
        (
            "www.c.example",
            "/../x",
            "",
            "400 400: the path is not valid",
        ),
        ("c.example", "/", "", "200 c"),
    ] {
        let answer = server.request("GET", host, target, lines);
        assert_eq!(answer.gist(), expected, "{host} {target}");
    }
}
