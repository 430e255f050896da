//! Allowances over real exchanges.

use crate::client::{client, settings};
use crate::server::{Reply, Server, plain};
use mycelia_spore::edge::http::{Budget, Http, HttpError, LONGEST_WAIT, Request};
use mycelia_spore::edge::{EdgeError, EdgeErrorKind};
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn no_window_has_more_than_the_limit() {
    let window = Duration::from_millis(200);
    let server = Server::always(plain(200, "", ""));
    let (http, budget) = (client(), Budget::new(2, window));
    for _ in 0..5 {
        let request = Request::get(server.url("/"));
        http.send(&request, &budget.clone()).await.unwrap();
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    for three in requests.windows(3) {
        assert!(three[2].at - three[0].at >= window);
    }
    assert_eq!(Budget::unlimited().remaining(), None);
}

#[tokio::test]
async fn attempts_count_too() {
    let window = Duration::from_millis(200);
    let server = Server::always(plain(503, "", ""));
    let (http, budget) = (client(), Budget::new(1, window));
    let request = Request::get(server.url("/"));
    http.send(&request, &budget).await.unwrap();
    for two in server.requests().windows(2) {
        assert!(two[1].at - two[0].at >= window);
    }
}

#[tokio::test]
async fn who_came_first_is_sent_first() {
    let server = Server::always(plain(200, "", ""));
    let (http, budget) = (client(), Budget::new(1, Duration::from_millis(20)));
    let request = |number: usize| Request::get(server.url(&format!("/{number}")));
    http.send(&request(0), &budget).await.unwrap();
    let requests = [request(1), request(2), request(3), request(4)];
    let send = |number: usize| http.send(&requests[number], &budget);
    let (one, two, three, four) = tokio::join!(send(0), send(1), send(2), send(3));
    assert!([one, two, three, four].iter().all(Result::is_ok));
    let lines: Vec<String> = server.requests().into_iter().map(|it| it.line).collect();
    let expected: Vec<String> = (0..5).map(|it| format!("GET /{it} HTTP/1.1")).collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_refusal_holds_for_all_who_share() {
    let server = Server::start(|number| match number {
        0 => plain(429, "Retry-After: 2\n", ""),
        _ => plain(200, "", ""),
    });
    let budget = Budget::new(100, Duration::from_secs(60));
    let refused = Request::get(server.url("/refused"));
    let http = client();
    // Given up before it is sent again; what it learned stays.
    let given_up = timeout(Duration::from_secs(1), http.send(&refused, &budget)).await;
    assert!(given_up.is_err());
    assert_eq!((server.count(), budget.remaining()), (1, Some(0)));
    let other = Request::post(server.url("/other"));
    client().send(&other, &budget.clone()).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(2));
    assert_eq!(budget.remaining(), Some(98));
}

#[tokio::test]
async fn what_the_server_says_is_left_holds() {
    let server = Server::always(plain(200, "Ratelimit: \"default\";r=0;t=1\n", ""));
    let budget = Budget::new(100, Duration::from_secs(60));
    let request = Request::get(server.url("/"));
    client().send(&request, &budget).await.unwrap();
    assert_eq!(budget.remaining(), Some(0));
    client().send(&request, &budget).await.unwrap();
    let requests = server.requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn nobody_waits_for_long() {
    let quotas = "Ratelimit: \"default\";r=50;t=30, \"daily\";r=0;t=80000\n";
    let server = Server::always(plain(200, quotas, ""));
    let budget = Budget::new(100, Duration::from_secs(60));
    let request = Request::get(server.url("/"));
    client().send(&request, &budget).await.unwrap();
    let error = client().send(&request, &budget).await.unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error}");
    let text = error.to_string().replace(&server.url(""), "URL");
    assert_eq!(
        text,
        "GET URL/ was not sent: the allowance of requests is used up for 80000 s"
    );
    let EdgeErrorKind::Transient { retry_after } = EdgeError::from(error).kind else {
        panic!("trying again may help");
    };
    assert!(retry_after.unwrap() > LONGEST_WAIT);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn who_goes_away_leaves_room() {
    let server = Server::start(|number| match number {
        0 => Reply::Stall(Vec::new()),
        _ => plain(200, "", ""),
    });
    let (http, budget) = (client(), Budget::new(1, Duration::from_millis(100)));
    let request = Request::get(server.url("/"));
    let short = Duration::from_millis(300);
    // One is under way, another waits for it, and both go away.
    let (under_way, waiting) = tokio::join!(
        timeout(short * 2, http.send(&request, &budget)),
        timeout(short, http.send(&request, &budget)),
    );
    assert!(under_way.is_err() && waiting.is_err());
    let next = timeout(Duration::from_secs(10), http.send(&request, &budget));
    assert_eq!(next.await.unwrap().unwrap().status, 200);
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn who_has_no_patience_is_told_how_long_to_wait() {
    let asks = "Retry-After: 3\n";
    let server = Server::always(plain(429, asks, ""));
    let budget = Budget::new(100, Duration::from_secs(60));
    let mut settings = settings();
    settings.retry.longest_wait = Duration::from_secs(2);
    let http = Http::new(settings);
    let request = Request::get(server.url("/"));
    let answer = http.send(&request, &budget).await.unwrap();
    assert_eq!(answer.retry_after(), Some(Duration::from_secs(3)));
    // Nor does the allowance keep it.
    let error = http.send(&request, &budget).await.unwrap_err();
    let EdgeErrorKind::Transient { retry_after } = EdgeError::from(error).kind else {
        panic!("trying again may help");
    };
    assert!(retry_after.unwrap() > Duration::from_secs(2));
    assert_eq!(server.count(), 1);
}
