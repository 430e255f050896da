//! Faults, the rate limit and the log of calls.

use crate::client::Client;
use crate::cloudflare::{Fake, Fault, Rate, Trouble};
use serde_json::json;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

const VERIFY: &str = "/user/tokens/verify";

fn project() -> serde_json::Value {
    json!({ "name": "spores", "production_branch": "main" })
}

/// Sends the creation of a project, and tells how the connection ended when there was no answer.
fn create(client: &Client<'_>) -> Result<u16, ErrorKind> {
    let body = project().to_string();
    let sent = client.send(
        "POST",
        &client.projects(""),
        "application/json",
        body.as_bytes(),
    );
    sent.map(|reply| reply.status).map_err(|error| error.kind())
}

#[test]
fn answers_are_replaced_and_nothing_is_done() {
    for (fault, status, kind, text) in [
        (
            Fault::throttled(Some(7)),
            429,
            "application/json",
            "\"code\":971",
        ),
        (
            Fault::error(503, 8_000_000, "later"),
            503,
            "application/json",
            "\"code\":8000000",
        ),
        (
            Fault::page(502),
            502,
            "text/html; charset=UTF-8",
            "<!DOCTYPE html>",
        ),
        (
            Fault::expired_jwt(),
            403,
            "text/plain;charset=UTF-8",
            "Expired JWT",
        ),
        (Fault::nonsense(), 200, "application/json", "{\"spores\":7}"),
    ] {
        let fake = Fake::start();
        fake.fault(fault);
        let client = Client::new(&fake);
        let reply = client.post(&client.projects(""), &project());
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, Some(kind))
        );
        assert!(reply.body.contains(text), "{reply:?}");
        assert!(reply.header("ratelimit").is_some());
        let wait = (status == 429).then_some("7");
        assert_eq!(reply.header("retry-after"), wait);
        assert_eq!(fake.state().projects().count(), 0);
    }
}

#[test]
fn a_reset_comes_before_anything_is_done() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.fault(Fault::new(Trouble::Reset).nth(1));
    assert_eq!(create(&client), Err(ErrorKind::ConnectionReset));
    assert_eq!(fake.state().projects().count(), 0);
    assert_eq!(create(&client), Ok(200));
}

#[test]
fn an_answer_is_lost_after_all_is_done() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.fault(Fault::new(Trouble::DoneThenLost).nth(1));
    assert_eq!(create(&client), Err(ErrorKind::UnexpectedEof));
    assert_eq!(fake.state().projects().count(), 1);
    let repeated = client.post(&client.projects(""), &project());
    assert_eq!(repeated.code(), 8_000_002);
}

#[test]
fn an_answer_breaks_off_in_the_middle() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.fault(Fault::new(Trouble::Truncated).nth(1));
    let reply = client.post(&client.projects(""), &project());
    assert_eq!(reply.status, 200);
    assert!(reply.broken.is_some());
    let length: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert_eq!(reply.body.len(), length / 2);
    assert_eq!(fake.state().projects().count(), 1);
}

#[test]
fn slow_calls_take_their_time() {
    let time = Duration::from_millis(60);
    for trouble in [Trouble::SlowStart(time), Trouble::SlowAnswer(time)] {
        let fake = Fake::start();
        let client = Client::new(&fake);
        fake.fault(Fault::new(trouble));
        let begun = Instant::now();
        assert_eq!(create(&client), Ok(200));
        assert!(begun.elapsed() >= time);
    }
}

#[test]
fn faults_strike_the_calls_that_they_are_for() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let everywhere = Fault::error(500, 8_000_000, "");
    let strikes = |path: &str| client.get(path).status == 500;
    let third = fake.fault(everywhere.clone().every(3));
    let struck: Vec<bool> = (0..7).map(|_| strikes(VERIFY)).collect();
    assert_eq!(struck, [false, false, true, false, false, true, false]);
    assert_eq!(fake.struck(third), 2);
    fake.clear_faults();
    let first = fake.fault(everywhere.clone().at("/user/**").first(2));
    assert!(!strikes("/accounts"));
    let struck: Vec<bool> = (0..3).map(|_| strikes(VERIFY)).collect();
    assert_eq!(struck, [true, true, false]);
    assert_eq!(fake.struck(first), 2);
    fake.clear_faults();
    let path = "/accounts/*/pages/projects";
    let posts = fake.fault(everywhere.clone().on("POST", path).nth(2));
    assert!(!strikes(&client.projects("")));
    assert!(!strikes(&client.projects("/spores")));
    assert_eq!(create(&client), Ok(200));
    assert_eq!(create(&client), Ok(500));
    assert_eq!(fake.struck(posts), 1);
}

#[test]
fn the_first_of_several_faults_strikes_and_the_others_count() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.fault(Fault::error(500, 8_000_000, "").nth(1));
    fake.fault(Fault::throttled(None).first(2));
    let statuses: Vec<u16> = (0..3).map(|_| client.get(VERIFY).status).collect();
    assert_eq!(statuses, [500, 429, 200]);
}

#[test]
fn a_budget_used_up_stays_so_for_a_whole_window() {
    let rate = Rate {
        calls: 3,
        window: Duration::from_secs(300),
    };
    let fake = Fake::with(|world| world.settings.rate = Some(rate));
    let client = Client::new(&fake);
    let left = || {
        let reply = client.get(VERIFY);
        (reply.status, reply.header("ratelimit").unwrap().to_owned())
    };
    let (status, header) = left();
    assert_eq!(status, 200);
    assert!(header.starts_with("\"default\";r=2;t="), "{header}");
    fake.advance(Duration::from_secs(200));
    left();
    let (status, header) = left();
    assert_eq!(status, 200);
    assert!(header.starts_with("\"default\";r=0;t="), "{header}");
    let refused = client.get(VERIFY);
    assert_eq!((refused.status, refused.code()), (429, 971));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((280..=300).contains(&wait), "{wait}");
    // The first window would have ended here, but the excess began a new one.
    fake.advance(Duration::from_secs(110));
    assert_eq!(left().0, 429);
    fake.advance(Duration::from_secs(200));
    assert_eq!(left().0, 200);
    let policy = client.get(VERIFY);
    assert_eq!(
        policy.header("ratelimit-policy"),
        Some("\"default\";q=3;w=300")
    );
}

#[test]
fn calls_are_logged() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    client.get(&client.projects("?page=1"));
    fake.fault(Fault::new(Trouble::DoneThenLost).on("POST", "/**").nth(1));
    assert_eq!(create(&client), Err(ErrorKind::UnexpectedEof));
    assert_eq!(create(&client), Ok(409));
    let calls = fake.calls();
    assert_eq!(calls[0].query, [("page".to_owned(), "1".to_owned())]);
    assert_eq!(calls[1].bytes, project().to_string().len());
    let path = client.projects("");
    assert_eq!(calls[0].to_string(), format!("GET {path} 200"));
    let changes = [format!("POST {path} -"), format!("POST {path} 409")];
    assert_eq!(fake.changes(), changes);
    assert_eq!((fake.connections(), fake.peak()), (3, 1));
    fake.clear_calls();
    assert!(fake.calls().is_empty());
}

/// Waits until so many calls are being answered.
fn await_running(fake: &Fake, calls: usize) {
    let begun = Instant::now();
    while fake.running() != calls {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{}",
            fake.running()
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn several_calls_at_once_are_counted() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.fault(Fault::new(Trouble::SlowStart(Duration::from_secs(600))));
    let calls: Vec<_> = (0..4)
        .map(|_| client.begin("GET", VERIFY, "", b"").unwrap())
        .collect();
    await_running(&fake, 4);
    drop(calls);
    await_running(&fake, 0);
    assert_eq!(fake.peak(), 4);
}

#[test]
fn a_call_that_begins_slowly_is_not_carried_out_when_the_client_hangs_up() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let path = client.projects("");
    let body = project().to_string();
    let hour = Duration::from_secs(3_600);
    for (trouble, projects) in [
        (Trouble::SlowStart(hour), 0),
        (Trouble::SlowAnswer(hour), 1),
    ] {
        fake.clear_faults();
        fake.fault(Fault::new(trouble));
        let call = client.begin("POST", &path, "application/json", body.as_bytes());
        await_running(&fake, 1);
        drop(call.unwrap());
        await_running(&fake, 0);
        assert_eq!(fake.state().projects().count(), projects);
    }
}

#[test]
fn a_fake_ends_when_it_is_dropped() {
    let fake = Fake::start();
    let url = fake.url();
    let host = url
        .strip_prefix("http://")
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let idle = std::net::TcpStream::connect(host).unwrap();
    drop(fake);
    let refused = std::net::TcpStream::connect(host).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    drop(idle);
}
