//! What paths lead to.

use crate::server::Server;
use crate::site::Site;

const HOST: &str = "a.example";

fn rich_site() -> Site {
    Site::new("a", HOST)
        .file("index.html", "home")
        .file("about.html", "about")
        .file("blog/index.html", "blog")
        .file("blog/404.html", "no such post")
        .file("404.html", "nothing here")
        .file("evil.example/index.html", "folder")
        .file("a b/\u{e9}.txt", "escaped")
        .file(".well-known/security.txt", "contact")
        .file("_headers", "secret")
        .file("_redirects", "secret")
        .file("_routes.json", "secret")
}

#[test]
fn paths_lead_to_files() {
    let server = Server::start(|layout| {
        rich_site().publish(layout);
    });
    for (target, expected) in [
        ("/", "200 home"),
        ("/?q", "200 home"),
        ("/index.html?q=1", "308 -> /?q=1"),
        ("/about", "200 about"),
        ("/about.html?a=b&c", "308 -> /about?a=b&c"),
        ("/blog?q=//x", "308 -> /blog/?q=//x"),
        ("/blog/", "200 blog"),
        ("//blog", "308 -> /blog/"),
        ("//evil.example", "308 -> /evil.example/"),
        ("///evil.example//", "200 folder"),
        ("/a%20b/%c3%a9.txt", "200 escaped"),
        ("/.well-known/security.txt", "200 contact"),
        ("/_headers", "404 nothing here"),
        ("/_redirects", "404 nothing here"),
        ("/_routes.json", "404 nothing here"),
        ("/none", "404 nothing here"),
        ("/blog/none/x", "404 no such post"),
        ("/manifest.json", "404 nothing here"),
    ] {
        assert_eq!(server.get(HOST, target).gist(), expected, "{target}");
    }
}

#[test]
fn nothing_leads_out_of_the_site() {
    let server = Server::start(|layout| {
        rich_site().publish(layout);
    });
    for target in [
        "/../manifest.json",
        "/blog/../../manifest.json",
        "/%2e%2e/manifest.json",
        "/.%2E/manifest.json",
        "/..%2fmanifest.json",
        "/..%5cmanifest.json",
        "/..\\manifest.json",
        "//evil.example/..",
        "//evil.example/%2e%2e",
        "/./about",
        "/about%00",
        "/about%2f",
        "/%zz",
        "/%",
        "/%ff",
    ] {
        let answer = server.get(HOST, target);
        assert_eq!(answer.status, 400, "{target}");
        assert_eq!(answer.header("location"), None, "{target}");
    }
    // Decoded once: these are names, and of nothing.
    for target in ["/%252e%252e/manifest.json", "/...", "/..a"] {
        assert_eq!(server.get(HOST, target).status, 404, "{target}");
    }
}

#[test]
fn what_is_missing_is_answered_as_the_site_wants() {
    let page = |project, host| Site::new(project, host).file("index.html", "home");
    let server = Server::start(|layout| {
        let error = page("error", "error.example").file("sorry.html", "sorry");
        error.error_document("sorry.html").publish(layout);
        page("app", "app.example").single_page().publish(layout);
        page("plain", "plain.example").publish(layout);
    });
    let missing = server.get("error.example", "/x");
    assert_eq!(missing.gist(), "404 sorry");
    insta::assert_snapshot!(missing.head(), @r"
    404
    cache-control: no-store
    content-length: 5
    content-type: text/html; charset=utf-8
    referrer-policy: strict-origin-when-cross-origin
    x-content-type-options: nosniff
    ");
    assert_eq!(server.get("app.example", "/any/where").gist(), "200 home");
    let plain = server.get("plain.example", "/x");
    assert_eq!(plain.gist(), "404 404: there is no such page");
    assert_eq!(plain.header("cache-control"), Some("no-store"));
    let tag = server
        .get("app.example", "/x")
        .header("etag")
        .unwrap()
        .to_owned();
    let lines = format!("If-None-Match: {tag}\n");
    assert_eq!(
        server.request("GET", "app.example", "/x", &lines).status,
        304
    );
    assert_eq!(
        server
            .request("GET", "error.example", "/x", "If-None-Match: *\n")
            .status,
        404
    );
}

#[test]
fn redirects_go_before_files() {
    let server = Server::start(|layout| {
        let rules = "/about /new 301\n\
                     /in /about.html 200\n\
                     /docs/* /blog/:splat 200\n\
                     /bad /x/../y 200\n\
                     /form https://forms.example/in?k=1 307\n\
                     /go/:what/* https://x.example/:what?rest=:splat\n\
                     /local/* /:splat\n";
        rich_site().rules("", rules).publish(layout);
    });
    for (target, expected) in [
        ("/about", "301 -> /new"),
        ("/about?q=1", "301 -> /new?q=1"),
        ("/in", "308 -> /about"),
        ("/docs/", "200 blog"),
        ("/docs/x", "404 no such post"),
        ("/bad", "400 400: the path is not valid"),
        ("/go/a/b%20c?q", "302 -> https://x.example/a?rest=b%20c"),
        ("/local//evil.example/x", "302 -> /evil.example/x"),
        ("/local/%2fevil.example", "400 400: the path is not valid"),
    ] {
        assert_eq!(server.get(HOST, target).gist(), expected, "{target}");
    }
    let posted = server.request("POST", HOST, "/form", "Content-Length: 0\n");
    assert_eq!(posted.gist(), "307 -> https://forms.example/in?k=1");
}

#[test]
fn header_rules_change_the_answers() {
    let rules = "/*\n  X-Site: one\n  ! Referrer-Policy\n\
                 /blog/*\n  Cache-Control: public, max-age=60\n  X-Site: two\n  Vary: Origin\n\
                 https://a.example/:page\n  X-Page: :page\n  ETag: \"mine\"\n";
    let server = Server::start(|layout| {
        rich_site().rules(rules, "/old /new").publish(layout);
    });
    let blog = server.get(HOST, "/blog/");
    assert_eq!(blog.header("x-site"), Some("one, two"));
    assert_eq!(blog.header("cache-control"), Some("public, max-age=60"));
    assert_eq!(blog.header("referrer-policy"), None);
    assert_eq!(blog.header("vary"), Some("Origin"));
    let about = server.get(HOST, "/about");
    assert_eq!(about.header("x-page"), Some("about"));
    assert_ne!(about.header("etag"), Some("\"mine\""));
    assert_eq!(
        about.header("cache-control"),
        Some("public, max-age=0, must-revalidate")
    );
    let missing = server.get(HOST, "/blog/none");
    assert_eq!(missing.header("x-site"), Some("one, two"));
    assert_eq!(missing.header("cache-control"), Some("no-store"));
    assert_eq!(server.get(HOST, "/old").header("x-site"), Some("one"));
}
