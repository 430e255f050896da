//! The way through a proxy, which the environment names.

use crate::children;
use crate::client::{ATTEMPTS, client};
use crate::secrecy::WORD;
use crate::server::{Server, plain};
use crate::tls::{Authority, have_openssl};
use mycelia_spore::edge::http::{Budget, HttpError, Request};
use mycelia_spore::edge::secret::Secret;
use std::env;

/// The address to ask for.
const URL: &str = "MYCELIA_SPORE_TEST_URL";

#[test]
fn the_environment_names_the_proxy() {
    let (proxy, server) = (
        Server::always(plain(200, "", "")),
        Server::always(plain(200, "", "")),
    );
    let ask = |variables: &[(&str, &str)]| children::run("proxy::asks", variables);
    let through = proxy.url("");
    ask(&[("http_proxy", &through), (URL, "http://name.invalid/a")]);
    ask(&[
        ("http_proxy", &through),
        ("no_proxy", "127.0.0.1"),
        (URL, &server.url("/b")),
    ]);
    let lines = |server: &Server| -> Vec<String> {
        server.requests().into_iter().map(|it| it.line).collect()
    };
    assert_eq!(lines(&proxy), ["GET http://name.invalid/a HTTP/1.1"]);
    assert_eq!(lines(&server), ["GET /b HTTP/1.1"]);
}

#[tokio::test]
#[ignore = "part of another test, which runs it with a proxy"]
async fn asks() {
    let request = Request::get(env::var(URL).unwrap());
    let answer = client().send(&request, &Budget::unlimited()).await;
    assert_eq!(answer.unwrap().status, 200);
}

#[test]
fn a_proxy_that_refuses_has_seen_no_request() {
    if !have_openssl() {
        return;
    }
    let (proxy, authority) = (Server::always(plain(403, "", "")), Authority::new());
    let (through, trusted) = (proxy.url(""), authority.trusted());
    let variables = [("https_proxy", &*through), ("SSL_CERT_FILE", &*trusted)];
    children::run("proxy::is_refused", &variables);
    for request in proxy.requests() {
        assert_eq!(request.line, "CONNECT name.invalid:443 HTTP/1.1");
        assert!(!format!("{request:?}").contains(WORD));
    }
    assert_eq!(proxy.count(), ATTEMPTS);
}

#[tokio::test]
#[ignore = "part of another test, which runs it with a proxy"]
async fn is_refused() {
    let token = Secret::new(WORD.into());
    let request = Request::post("https://name.invalid/").bearer(&token);
    let error = client().send(&request, &Budget::unlimited()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error:?}");
}
