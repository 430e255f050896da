//! Receivers that are gone, slow, or want to be asked otherwise.

use crate::server::{Reply, Server, plain};
use crate::world::World;
use crate::{blog, broken, export_to, run};
use mycelia_spore::edge::secret::Credentials;
use mycelia_spore::telemetry::{Exporter, Recorder, TelemetrySettings};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};
use tracing::info_span;
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;

/// Within which time a run ends whatever its receiver does: 2 s, and what a busy machine takes.
const SOON: Duration = Duration::from_secs(8);

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// What the lines of a log say of exporting.
fn told(log: &str) -> Vec<&str> {
    let place = "mycelia_spore::telemetry::export: ";
    let lines = log.lines().map(|line| line.split_once(place).unwrap().1);
    lines.collect()
}

#[test]
fn a_receiver_that_is_gone_is_told_once_and_harms_nothing() {
    let (world, otlp) = (World::new(), nobody());
    export_to(&world, &otlp, "");
    let begun = Instant::now();
    let ended = run(&world, &[blog(&world)], &[]);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.json()[0]["outcome"], "applied");
    let expected = format!(
        "traces cannot be exported: POST {otlp}/v1/traces was not sent: Connection refused (os error 111)"
    );
    assert_eq!(
        told(&ended.stderr),
        [&*expected, "4 spans were not exported"]
    );
}

#[test]
fn a_receiver_that_hangs_is_not_waited_for() {
    let (world, receiver) = (World::new(), Server::always(Reply::Stall(Vec::new())));
    export_to(&world, &receiver.url(""), "");
    let begun = Instant::now();
    let ended = run(&world, &[blog(&world)], &[]);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!((ended.code, receiver.count()), (Some(0), 1));
    assert_eq!(told(&ended.stderr), ["4 spans were not exported"]);
}

#[test]
fn a_header_is_a_credential_and_no_log_has_it() {
    let (world, receiver) = (World::new(), Server::always(plain(200, "", "")));
    let more = "headers = { authorization = \"collector\" }\n\
                [credentials.collector]\nfile = \"token\"\n";
    export_to(&world, &receiver.url(""), more);
    world.write("token", "Bearer open-sesame\n");
    std::fs::set_permissions(world.path("token"), PermissionsExt::from_mode(0o600)).unwrap();
    let ended = run(&world, &[blog(&world), broken(&world)], &["--log", "trace"]);
    let [request] = &receiver.requests()[..] else {
        panic!("{}", receiver.count());
    };
    assert_eq!(request.headers["authorization"], "Bearer open-sesame");
    assert!(
        ended.stderr.contains("/v1/traces"),
        "the log has it all: {}",
        ended.stderr
    );
    for secret in ["open-sesame", "b3Blbi1zZXNhbWU"] {
        assert!(!ended.stderr.contains(secret) && !ended.text().contains(secret));
    }
    let body = String::from_utf8_lossy(&request.body);
    assert!(!body.contains("sesame"));
}

#[test]
fn a_credential_that_is_not_there_is_told_and_harms_nothing() {
    let (world, receiver) = (World::new(), Server::always(plain(200, "", "")));
    let more = "headers = { authorization = \"collector\" }\n\
                [credentials.collector]\nenv = \"NOT_SET\"\n";
    export_to(&world, &receiver.url(""), more);
    let ended = run(&world, &[blog(&world)], &[]);
    assert_eq!((ended.code, receiver.count()), (Some(0), 0));
    let told = told(&ended.stderr);
    assert!(
        told[0].contains("environment variable NOT_SET is not set"),
        "{told:?}"
    );
}

#[test]
fn what_a_receiver_refuses_is_lost_and_told() {
    let cases = [
        (
            plain(400, "", ""),
            "answered 400",
            "4 spans were not exported",
        ),
        // A part of them, with a reason.
        (
            plain(200, "", "\n\x08\x08\x03\x12\x04full"),
            "the receiver of traces did not take 3 of them: \"full\"",
            "3 spans were not exported",
        ),
    ];
    for (reply, reason, count) in cases {
        let (world, receiver) = (World::new(), Server::always(reply));
        export_to(&world, &receiver.url(""), "");
        let ended = run(&world, &[blog(&world)], &[]);
        assert_eq!((ended.code, receiver.count()), (Some(0), 1));
        let told = told(&ended.stderr);
        assert!(told[0].ends_with(reason), "{told:?}");
        assert_eq!(told[1..], [count]);
    }
}

#[test]
fn doctor_says_whether_a_receiver_takes_traces() {
    let told = |otlp: &str| {
        let world = World::new();
        export_to(&world, otlp, "");
        let ended = world.spore(
            &["doctor", "--settings", "settings.toml", "-o", "json"],
            b"",
        );
        let mut checks = ended.json().into_iter();
        let check = checks.find(|check| check["check"] == "telemetry").unwrap();
        let text = |key: &str| check[key].as_str().unwrap().to_owned();
        (text("state"), text("told"))
    };
    let receiver = Server::always(plain(200, "", ""));
    let expected = format!("{} takes traces", receiver.url(""));
    assert_eq!(told(&receiver.url("")), ("ok".into(), expected));
    assert_eq!(receiver.requests()[0].line, "POST /v1/traces HTTP/1.1");
    let other = Server::always(plain(404, "", ""));
    let expected = format!("{} answered 404", other.url(""));
    assert_eq!(told(&other.url("")), ("broken".into(), expected));
    assert!(told(&nobody()).1.contains("Connection refused"));
}

/// Exports the spans of some work, within the log that is taken down.
async fn exported(receiver: &Server, work: impl Future<Output = ()> + Send) -> String {
    let log = Log::default();
    let recorder = Recorder::default();
    let exporter = Exporter::new(
        TelemetrySettings {
            otlp: receiver.url(""),
            headers: Vec::new(),
            credentials: Credentials::default(),
            service_name: "test".into(),
        },
        &recorder,
    );
    let layer = recorder.with_filter(Recorder::filter());
    let lines = tracing_subscriber::fmt::layer()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .with_filter(tracing_subscriber::filter::LevelFilter::WARN);
    let subscriber = tracing_subscriber::registry().with(layer).with(lines);
    exporter
        .unwrap()
        .run(work)
        .with_subscriber(subscriber)
        .await;
    log.text()
}

fn end_span() {
    // A root: the exporter, whose own spans are not kept, may be what asks the work to go on.
    drop(info_span!(target: "mycelia_spore::test", parent: None, "site"));
}

async fn until(receiver: &Server, count: usize) {
    let patience = async {
        while receiver.count() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), patience).await;
    assert!(waited.is_ok(), "{} of {count} requests", receiver.count());
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let receiver = Server::start(|number| match number {
        0 => plain(503, "retry-after: 1\n", ""),
        1 => plain(429, "", ""),
        _ => plain(200, "", ""),
    });
    let log = exported(&receiver, async {
        end_span();
        until(&receiver, 3).await;
    });
    let log = log.await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests.iter().all(|it| it.body == requests[0].body),
        "nothing was lost"
    );
    // The first wait is as asked for, the second one between 1 s and 2 s.
    let waited = |from: usize| requests[from + 1].at - requests[from].at;
    assert!(waited(0) >= Duration::from_secs(1) && waited(1) >= Duration::from_secs(1));
    let expected = format!(
        " WARN traces cannot be exported: {} answered 503\n \
         WARN traces are exported again; 0 spans were lost meanwhile\n",
        receiver.url("")
    );
    assert_eq!(log, expected);
}

#[tokio::test]
async fn many_spans_go_in_batches_and_what_is_too_much_is_told() {
    let receiver = Server::always(plain(200, "", ""));
    let log = exported(&receiver, async {
        // More than are kept: the exporter has no turn in between.
        for _ in 0..2048 + 10 {
            end_span();
        }
        until(&receiver, 4).await;
    });
    let log = log.await;
    assert_eq!(receiver.count(), 4);
    let expected = " WARN spans end faster than they are exported, and are lost\n \
                    WARN 10 spans were not exported\n";
    assert_eq!(log, expected);
}

/// A log that is kept.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
