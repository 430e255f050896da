//! What a receiver gets, read by the official definitions.

use crate::daemon::{Daemon, lines, until};
use crate::server::{Received, Server, plain};
use crate::tools::skipped;
use crate::world::{World, stream};
use crate::{blog, broken, export_to, run, spooled};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// Reads a request with the official definitions, refusing what they do not know.
const SCRIPT: &str = "import sys
from google.protobuf.json_format import MessageToJson
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
content = sys.stdin.buffer.read()
request = ExportTraceServiceRequest.FromString(content)
def known(message):
    assert not len(UnknownFieldSet(message)), message
    for field, value in message.ListFields():
        if field.message_type:
            for one in value if field.is_repeated else [value]:
                known(one)
known(request)
assert request.SerializeToString() == content
print(MessageToJson(request))";

/// A span as a receiver sees it.
struct Span(Value);

impl Span {
    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }

    fn number(&self, key: &str) -> u128 {
        self.text(key).parse().unwrap()
    }

    fn fields(&self) -> BTreeMap<&str, &Value> {
        fields(&self.0)
    }
}

/// The attributes of a span or a resource.
fn fields(of: &Value) -> BTreeMap<&str, &Value> {
    let pairs = of["attributes"].as_array().into_iter().flatten();
    let pairs = pairs.map(|pair| {
        let value = pair["value"].as_object().unwrap().values().next();
        (pair["key"].as_str().unwrap(), value.unwrap())
    });
    pairs.collect()
}

/// The spans of a request, and whose they are; `None` where there is nothing to read them with.
fn read(received: &Received) -> Option<(Value, Vec<Span>)> {
    let Some(python) = env::var_os("SPORE_PYTHON") else {
        skipped(
            "SPORE_PYTHON names no Python",
            "spans by opentelemetry-proto",
        );
        return None;
    };
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&received.body).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let mut request: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of_resource = request["resourceSpans"][0].take();
    assert_eq!(
        of_resource["scopeSpans"][0]["scope"]["name"],
        "mycelia-spore"
    );
    let spans = of_resource["scopeSpans"][0]["spans"].as_array().unwrap();
    let spans = spans.iter().cloned().map(Span).collect();
    Some((of_resource["resource"].clone(), spans))
}

#[test]
fn a_site_and_its_steps_are_one_trace() {
    let (world, receiver) = (World::new(), Server::always(plain(200, "", "")));
    export_to(&world, &receiver.url(""), "");
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ended = run(&world, &[blog(&world)], &[]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    let [request] = &receiver.requests()[..] else {
        panic!("{}", receiver.count());
    };
    assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
    assert_eq!(request.headers["content-type"], "application/x-protobuf");
    let Some((resource, spans)) = read(request) else {
        return;
    };
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let expected = BTreeMap::from([
        ("service.name", json!("mycelia-spore")),
        ("service.version", json!(env!("CARGO_PKG_VERSION"))),
        ("host.name", json!(host.trim_end())),
    ]);
    assert_eq!(
        fields(&resource),
        expected.iter().map(|(key, it)| (*key, it)).collect()
    );
    // They end in this order.
    let names: Vec<_> = spans.iter().map(|span| span.text("name")).collect();
    assert_eq!(names, ["observe", "build", "step", "site"]);
    let (step, site) = (&spans[2], &spans[3]);
    assert_eq!(
        json!(site.fields()),
        json!({
            "site": "blog", "cause": "message", "request_id": "deploy-7", "attempt": "1",
            "outcome": "applied",
        })
    );
    assert_eq!(
        json!(step.fields()),
        json!({ "action": "publish", "target": "local-static/blog", "outcome": "done" })
    );
    assert_eq!(site.text("parentSpanId"), "");
    for span in &spans {
        assert_eq!(span.text("kind"), "SPAN_KIND_INTERNAL");
        assert_eq!(span.0["status"], Value::Null, "nothing failed");
        assert_eq!(span.text("traceId"), site.text("traceId"));
        assert!(before.as_nanos() <= span.number("startTimeUnixNano"));
        assert!(span.number("startTimeUnixNano") <= span.number("endTimeUnixNano"));
    }
    for span in &spans[..3] {
        assert_eq!(span.text("parentSpanId"), site.text("spanId"));
        assert!(site.number("startTimeUnixNano") <= span.number("startTimeUnixNano"));
        assert!(span.number("endTimeUnixNano") <= site.number("endTimeUnixNano"));
    }
}

#[test]
fn what_failed_says_so() {
    let (world, receiver) = (World::new(), Server::always(plain(200, "", "")));
    export_to(&world, &receiver.url("/"), "service-name = \"farm\"\n");
    let missing = json!({ "provider": "directory", "path": world.path("sites/gone") });
    let gone = crate::world::with(world.site("other", "x"), "repo", missing);
    let ended = run(&world, &[broken(&world), gone], &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.told());
    assert_eq!(receiver.count(), 1);
    assert_eq!(receiver.requests()[0].line, "POST /v1/traces HTTP/1.1");
    let Some((resource, spans)) = read(&receiver.requests()[0]) else {
        return;
    };
    assert_eq!(fields(&resource)["service.name"], "farm");
    let traces: BTreeMap<_, _> = spans
        .iter()
        .filter_map(|span| Some((span.text("traceId"), span.fields().remove("site")?)))
        .collect();
    let failed: BTreeMap<_, _> = spans
        .iter()
        .filter(|span| span.0["status"]["code"] == "STATUS_CODE_ERROR")
        .map(|span| {
            let message = span.0["status"]["message"].as_str().unwrap();
            let site = traces[span.text("traceId")].as_str().unwrap();
            ((site, span.text("name")), message)
        })
        .collect();
    let names: Vec<_> = failed.keys().copied().collect();
    assert_eq!(
        names,
        [
            ("broken", "site"),
            ("broken", "step"),
            ("other", "build"),
            ("other", "site"),
        ]
    );
    for message in failed.values() {
        assert!(
            message.contains("broken") || message.contains("gone"),
            "{message}"
        );
    }
    let step = spans
        .iter()
        .find(|span| span.text("name") == "step")
        .unwrap();
    assert_eq!(step.fields()["outcome"], "failed");
}

#[test]
fn a_daemon_exports_while_it_runs_and_at_its_end() {
    let (world, receiver) = (World::new(), Server::always(plain(200, "", "")));
    export_to(&world, &receiver.url(""), "");
    let child = spooled::command(&world, &["--source-root", "sites"]).spawn();
    let daemon = Daemon::of(&world, child.unwrap(), &["state/control.sock"]);
    let send = |document: &Value| {
        let id = document["site"]["id"].as_str().unwrap();
        spooled::send(&world, id, document);
    };
    send(&blog(&world));
    assert_eq!(lines(&[daemon.report()]), ["1 blog applied"]);
    until("spans are sent in time", || receiver.count() == 1);
    let order = world.spore(&["refresh", "blog", "--state-dir", "state"], b"");
    assert_eq!(order.code, Some(0), "{}", order.told());
    let (code, _, log) = daemon.stop(Signal::TERM);
    assert_eq!((code, &*log), (Some(0), ""));
    // What was done since is sent at the end: neither of the two batches has spans of the other.
    assert_eq!(receiver.count(), 2);
    let Some((_, spans)) = read(&receiver.requests()[1]) else {
        return;
    };
    let site = spans.last().unwrap().fields();
    let expected =
        json!({ "site": "blog", "cause": "operator", "attempt": "1", "outcome": "unchanged" });
    assert_eq!(json!(site), expected);
}

#[test]
fn commands_that_only_look_export_nothing() {
    let (world, receiver) = (World::new(), Server::always(plain(200, "", "")));
    export_to(&world, &receiver.url(""), "");
    let message = stream([blog(&world)]);
    let settings = [
        "--settings",
        "settings.toml",
        "--source-root",
        "sites",
        "--state-dir",
        "state",
    ];
    for command in ["plan", "validate"] {
        let ended = world.spore(&[&[command], &settings[..]].concat(), &message);
        assert_eq!(ended.code, Some(0), "{}", ended.told());
    }
    assert_eq!(receiver.count(), 0);
}
