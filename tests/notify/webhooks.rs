//! Webhooks as their receivers see them.

use crate::daemon::Daemon;
use crate::living::{KEY, Living, PATIENCE, name, notification, notifications, webhook};
use crate::server::{Received, Reply, Server, plain};
use crate::tools::{on_path, skipped};
use base64::Engine as _;
use mycelia_spore::notify::{Key, Kind, Notifications, Receiver};
use mycelia_spore::report::Outcome;
use serde_json::Value;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use tempfile::TempDir;

/// A receiver that notes what it takes.
struct Hook {
    server: Server,
    folder: TempDir,
    came: mpsc::Receiver<usize>,
}

impl Hook {
    fn start(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let (sender, came) = mpsc::channel();
        let sender = Mutex::new(sender);
        let server = Server::start(move |number| {
            let _ = sender.lock().unwrap().send(number);
            script(number)
        });
        Self {
            server,
            folder: tempfile::tempdir().unwrap(),
            came,
        }
    }

    /// Takes everything at once.
    fn willing() -> Self {
        Self::start(|_| plain(204, "", ""))
    }

    fn notifications(&self) -> Notifications {
        webhook(self.folder.path(), self.server.url("/hook"))
    }

    /// The next request.
    fn next(&self) -> Received {
        let number = self.came.recv_timeout(PATIENCE).unwrap();
        self.server.requests()[number].clone()
    }

    /// Kind, site and state of the next announcement, whose signature is checked.
    fn told(&self) -> [String; 3] {
        told(&self.next())
    }

    fn is_quiet(&self) {
        assert!(self.came.try_recv().is_err());
    }
}

/// Kind, site and state of an announcement, whose signature is checked.
fn told(request: &Received) -> [String; 3] {
    assert_eq!(request.line, "POST /hook HTTP/1.1");
    assert_eq!(request.headers["content-type"], "application/json");
    let key = Key::parse(KEY).unwrap_or_else(|error| panic!("{error}"));
    let timestamp: i64 = request.headers["webhook-timestamp"].parse().unwrap();
    let now = jiff::Timestamp::now().as_second();
    assert!((timestamp - now).abs() < 60);
    let signature = key.sign(&request.headers["webhook-id"], timestamp, &request.body);
    assert_eq!(request.headers["webhook-signature"], signature);
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    ["type", "site", "state"].map(|field| body[field].as_str().unwrap().to_owned())
}

fn nowhere(daemon: &Daemon) -> PathBuf {
    daemon.state().join("nowhere")
}

/// A telling that others are waited for with: what comes after it came later.
fn fail(living: &Living, daemon: &Daemon, site: &str) {
    assert_eq!(living.send(site, &nowhere(daemon)), Outcome::Failed);
}

#[test]
fn failure_and_recovery_are_told_once() {
    let (daemon, hook) = (Daemon::new(), Hook::willing());
    let living = Living::new(&daemon, hook.notifications());
    let source = daemon.source("blog", &[("index.html", "one")]);
    fail(&living, &daemon, "blog");
    let request = hook.next();
    assert_eq!(told(&request), ["site.failure", "blog", "failing"]);
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["seq"], 1);
    assert_eq!(body["report"]["outcome"], "failed");
    assert!(
        body["class"].is_string() && body["code"].is_string(),
        "{body}"
    );
    assert!(!body["message"].as_str().unwrap().is_empty());
    fail(&living, &daemon, "blog");
    assert_eq!(living.send("blog", &source), Outcome::Applied);
    assert_eq!(hook.told(), ["site.recovery", "blog", "good"]);
    assert_eq!(living.send("blog", &source), Outcome::Unchanged);
    fail(&living, &daemon, "other");
    assert_eq!(hook.told(), ["site.failure", "other", "failing"]);
    hook.is_quiet();
    living.end();
}

#[test]
fn only_what_is_asked_for_is_told() {
    let (daemon, hook) = (Daemon::new(), Hook::willing());
    let mut notifications = hook.notifications();
    notifications.list[0].on = vec![Kind::Recovery];
    let patterns = vec!["docs-*".to_owned()];
    notifications.list[0].sites = mycelia_spore::plan::Patterns::new(patterns);
    let living = Living::new(&daemon, notifications);
    for site in ["blog", "docs-a"] {
        let source = daemon.source(site, &[("index.html", site)]);
        fail(&living, &daemon, site);
        assert_eq!(living.send(site, &source), Outcome::Applied);
    }
    assert_eq!(hook.told(), ["site.recovery", "docs-a", "good"]);
    hook.is_quiet();
    living.end();
}

#[test]
fn what_is_not_taken_is_sent_again_signed_anew() {
    let daemon = Daemon::new();
    let hook = Hook::start(|number| match number {
        0 => plain(500, "", ""),
        1 => plain(429, "retry-after: 1\n", ""),
        2 => Reply::Reset(Vec::new()),
        3 => plain(503, "retry-after: 0\n", ""),
        _ => plain(200, "", "thanks"),
    });
    let living = Living::new(&daemon, hook.notifications());
    fail(&living, &daemon, "blog");
    let requests: Vec<Received> = (0..5).map(|_| hook.next()).collect();
    let ids: BTreeSet<&str> = requests
        .iter()
        .map(|it| &*it.headers["webhook-id"])
        .collect();
    assert_eq!(ids.len(), 1);
    for request in &requests {
        assert_eq!(told(request), ["site.failure", "blog", "failing"]);
    }
    let waited = requests[2].at - requests[1].at;
    assert!(waited.as_millis() >= 1000, "{waited:?}");
    let seconds = |number: usize| requests[number].headers["webhook-timestamp"].parse::<i64>();
    assert!(seconds(2).unwrap() > seconds(1).unwrap());
    fail(&living, &daemon, "next");
    assert_eq!(hook.told(), ["site.failure", "next", "failing"]);
    living.end();
}

#[test]
fn a_receiver_that_never_takes_it_is_left_alone_after_five_attempts() {
    let daemon = Daemon::new();
    let hook = Hook::start(|number| plain(if number < 5 { 502 } else { 204 }, "", ""));
    let living = Living::new(&daemon, hook.notifications());
    fail(&living, &daemon, "blog");
    for _ in 0..5 {
        assert_eq!(hook.told()[1], "blog");
    }
    fail(&living, &daemon, "next");
    assert_eq!(hook.told()[1], "next");
    living.end();
}

#[test]
fn redirects_are_not_followed_and_refusals_not_repeated() {
    let daemon = Daemon::new();
    let elsewhere = Server::always(plain(204, "", ""));
    let location = format!("location: {}\n", elsewhere.url("/stolen"));
    let hook = Hook::start(move |number| match number {
        0 => plain(307, &location, ""),
        1 => plain(400, "", ""),
        _ => plain(204, "", ""),
    });
    let living = Living::new(&daemon, hook.notifications());
    for site in ["one", "two", "three"] {
        fail(&living, &daemon, site);
        assert_eq!(hook.told()[1], site);
    }
    hook.is_quiet();
    assert_eq!(elsewhere.count(), 0);
    living.end();
}

#[test]
fn a_restart_tells_nothing_twice_and_nothing_is_lost_between() {
    let (daemon, hook) = (Daemon::new(), Hook::willing());
    let source = daemon.source("blog", &[("index.html", "one")]);
    let living = Living::new(&daemon, hook.notifications());
    fail(&living, &daemon, "blog");
    assert_eq!(hook.told(), ["site.failure", "blog", "failing"]);
    living.end();
    // Without notifications one site is mended, and another fails.
    let living = Living::new(&daemon, notifications(Vec::new()));
    assert_eq!(living.send("blog", &source), Outcome::Applied);
    fail(&living, &daemon, "docs");
    living.end();
    let living = Living::new(&daemon, hook.notifications());
    assert_eq!(hook.told(), ["site.recovery", "blog", "good"]);
    assert_eq!(hook.told(), ["site.failure", "docs", "failing"]);
    living.end();
    let living = Living::new(&daemon, hook.notifications());
    fail(&living, &daemon, "last");
    assert_eq!(hook.told(), ["site.failure", "last", "failing"]);
    hook.is_quiet();
    living.end();
}

#[test]
fn a_forgotten_site_begins_anew() {
    let (daemon, hook) = (Daemon::new(), Hook::willing());
    let living = Living::new(&daemon, hook.notifications());
    let told = ["site.failure", "blog", "failing"];
    fail(&living, &daemon, "blog");
    assert_eq!(hook.told(), told);
    let order = mycelia_spore::reconcile::SiteOrder::Forget;
    let site = crate::common::site_id("blog");
    living.wait(living.control.site(site, order)).unwrap();
    fail(&living, &daemon, "blog");
    assert_eq!(hook.told(), told);
    living.end();
}

/// Holds who asks until it is opened.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn pass(&self) {
        let open = self.0.lock().unwrap();
        drop(self.1.wait_while(open, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

#[test]
fn a_slow_receiver_delays_nobody_and_misses_nothing() {
    /// More than wait for a receiver.
    const SITES: usize = 300;
    let (daemon, quick) = (Daemon::new(), Hook::willing());
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let slow = Hook::start(move |_| {
        held.pass();
        plain(204, "", "")
    });
    let mut both = quick.notifications();
    let receiver = Receiver::Webhook {
        url: slow.server.url("/hook"),
        secret: name("key"),
    };
    both.list.push(notification("slow", receiver));
    let living = Living::new(&daemon, both);
    let sites: BTreeSet<String> = (0..SITES).map(|number| format!("site-{number}")).collect();
    for site in &sites {
        fail(&living, &daemon, site);
        assert_eq!(quick.told()[1], *site);
    }
    gate.open();
    let mut told = BTreeSet::new();
    // Who was held for too long is told once more.
    while told.len() < SITES {
        told.insert(slow.told()[1].clone());
    }
    assert_eq!(told, sites);
    slow.is_quiet();
    living.end();
}

/// Verifies the request whose parts are in files, and prints what it is about.
const VERIFY: &str = "
import json, sys
from standardwebhooks.webhooks import Webhook
headers, body = json.load(open(sys.argv[1])), open(sys.argv[2], 'rb').read()
print(Webhook(sys.argv[3]).verify(body, headers)['site'])
";

#[test]
fn the_reference_implementation_accepts_the_signature() {
    let unchecked = "signatures by the library standardwebhooks";
    let Some(python) = env::var_os("SPORE_PYTHON") else {
        return skipped(
            "SPORE_PYTHON names no Python with standardwebhooks",
            unchecked,
        );
    };
    let mut import = Command::new(&python);
    let import = import
        .args(["-c", "import standardwebhooks"])
        .output()
        .unwrap();
    if !import.status.success() {
        return skipped("SPORE_PYTHON has no standardwebhooks", unchecked);
    }
    let (daemon, hook) = (Daemon::new(), Hook::willing());
    let living = Living::new(&daemon, hook.notifications());
    fail(&living, &daemon, "blog");
    let request = hook.next();
    living.end();
    let (headers, body) = (
        hook.folder.path().join("headers"),
        hook.folder.path().join("body"),
    );
    fs::write(&headers, serde_json::to_vec(&request.headers).unwrap()).unwrap();
    let verify = |content: &[u8]| {
        fs::write(&body, content).unwrap();
        let mut verify = Command::new(&python);
        verify
            .args(["-c", VERIFY])
            .arg(&headers)
            .arg(&body)
            .arg(KEY);
        verify.output().unwrap()
    };
    let verified = verify(&request.body);
    assert_eq!(verified.stdout, b"blog\n", "{verified:?}");
    let forged = [&request.body[..], b" "].concat();
    assert!(!verify(&forged).status.success());
}

#[test]
fn openssl_makes_the_same_signature() {
    if !on_path("openssl", "signatures by openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signed");
    fs::write(&file, "msg_1.1700000000.{}").unwrap();
    let key: String = [7_u8; 24].map(|byte| format!("{byte:02x}")).concat();
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-mac", "HMAC", "-binary"]);
    openssl
        .args(["-macopt", &format!("hexkey:{key}")])
        .arg(&file);
    let output = openssl.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let key = Key::parse(&encode(&[7; 24])).unwrap_or_else(|error| panic!("{error}"));
    let expected = format!("v1,{}", encode(&output.stdout));
    assert_eq!(key.sign("msg_1", 1_700_000_000, b"{}"), expected);
}
