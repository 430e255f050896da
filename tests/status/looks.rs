//! What is answered.

use crate::daemon::{lines, until};
use crate::tools::skipped;
use crate::world::{World, with};
use crate::{Looked, send, start};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

/// A daemon that has published one site and failed another.
fn busy(world: &World) -> Looked<'_> {
    let looked = start(world, "", &[]);
    send(world, &world.site("blog", "hello"));
    assert_eq!(lines(&[looked.daemon.report()]), ["1 blog applied"]);
    let missing = json!({ "provider": "directory", "path": world.path("sites/<b>gone") });
    let broken = with(world.site("broken", "x"), "repo", missing);
    send(world, &broken);
    assert_eq!(lines(&[looked.daemon.report()]), ["2 broken failed"]);
    looked
}

#[test]
fn the_daemon_and_its_sites_are_told_as_json() {
    let world = World::new();
    let looked = busy(&world);
    let status = looked.get("/api/v1/status").json();
    assert_eq!(status["pid"], looked.daemon.pid());
    assert_eq!(status["messages"], 2);
    assert_eq!(status["reports"], json!({ "applied": 1, "failed": 1 }));
    assert_eq!(
        (&status["failing"], &status["draining"]),
        (&json!(1), &json!(false))
    );
    let sites = looked.get("/api/v1/sites").json();
    let told: Vec<(&str, &str)> = sites["sites"]
        .as_array()
        .unwrap()
        .iter()
        .map(|site| {
            (
                site["site"].as_str().unwrap(),
                site["daemon"]["health"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("blog", "good"), ("broken", "failing")]);
    let blog = looked.get("/api/v1/sites/blog").json();
    assert_eq!(
        (&blog["state"], &blog["daemon"]["activity"]),
        (&json!("live"), &json!("resting"))
    );
    let problem = &looked.get("/api/v1/sites/broken").json()["daemon"]["problem"];
    assert!(
        problem["message"].as_str().unwrap().contains("gone"),
        "{problem}"
    );
    assert_eq!(looked.get("/api/v1/sites/other").status, 404);
}

#[test]
fn the_page_shows_what_needs_a_person_first_and_lets_no_text_become_markup() {
    let world = World::new();
    let looked = busy(&world);
    let page = looked.get("/");
    assert!(
        page.head.contains("content-type: text/html; charset=utf-8"),
        "{}",
        page.head
    );
    let policy = "content-security-policy: default-src 'none'; style-src 'sha256-";
    assert!(page.head.contains(policy), "{}", page.head);
    assert!(!page.body.contains("<script") && !page.body.contains("<b>gone"));
    assert!(page.body.contains("&#60;b&#62;gone"), "{}", page.body);
    assert!(page.body.contains("<title>(1) mycelia-spore</title>"));
    let place = |site: &str| page.body.find(&format!("/api/v1/sites/{site}\"")).unwrap();
    assert!(place("broken") < place("blog"));
}

#[test]
fn the_numbers_are_open_metrics_that_prometheus_reads() {
    let world = World::new();
    let looked = busy(&world);
    let metrics = looked.get("/metrics");
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(metrics.head.contains(kind), "{}", metrics.head);
    for line in [
        "spore_messages_total 2",
        "spore_reports_total{outcome=\"applied\"} 1",
        "spore_reports_total{outcome=\"failed\"} 1",
        "spore_steps_total{backend=\"local-static\",outcome=\"done\"} 1",
        "spore_sites{activity=\"resting\"} 2",
        "spore_sites_unwell{health=\"failing\"} 1",
        "spore_reconcile_seconds_bucket{le=\"+Inf\"} 2",
        "spore_reconcile_seconds_count 2",
        "spore_queued_messages 0",
    ] {
        assert!(
            metrics.body.lines().any(|it| it == line),
            "{line}: {}",
            metrics.body
        );
    }
    let Some(python) = env::var_os("SPORE_PYTHON") else {
        return skipped(
            "SPORE_PYTHON names no Python",
            "metrics as Prometheus reads them",
        );
    };
    let script = "import sys\n\
                  from prometheus_client.openmetrics.parser import text_string_to_metric_families\n\
                  families = list(text_string_to_metric_families(sys.stdin.read()))\n\
                  print(len(families), sum(len(family.samples) for family in families))";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(metrics.body.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", metrics.body);
    let told = String::from_utf8(output.stdout).unwrap();
    let (families, samples) = told.trim().split_once(' ').unwrap();
    let types = metrics
        .body
        .lines()
        .filter(|line| line.starts_with("# TYPE"))
        .count();
    let lines = metrics
        .body
        .lines()
        .filter(|line| !line.starts_with('#'))
        .count();
    assert_eq!(
        (families, samples),
        (&*types.to_string(), &*lines.to_string())
    );
}

#[test]
fn events_are_told_as_they_happen() {
    let world = World::new();
    let looked = start(&world, "", &[]);
    let connection = looked.open("GET", "/api/v1/events?site=blog", &[]);
    let mut lines = BufReader::new(connection).lines().map(Result::unwrap);
    let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    assert!(
        head.iter()
            .any(|line| line == "content-type: text/event-stream"),
        "{head:?}"
    );
    send(&world, &world.site("other", "hello"));
    send(&world, &world.site("blog", "hello"));
    let told = lines.filter_map(|line| {
        let text = line.strip_prefix("data: ")?;
        Some(serde_json::from_str::<Value>(text).unwrap())
    });
    let mut seen = Vec::new();
    for event in told {
        assert_eq!(event["site"], "blog");
        seen.push(event["event"].as_str().unwrap().to_owned());
        if event["event"] == "reported" {
            assert_eq!(event["report"]["outcome"], "applied");
            break;
        }
    }
    assert_eq!(seen, ["accepted", "started", "step", "reported"]);
}

#[test]
fn a_daemon_that_ends_is_well_and_not_ready() {
    let world = World::new();
    let settings = "[builds]\nsandbox = \"none\"\n";
    let looked = start(&world, settings, &[]);
    let wait = format!(
        "touch {0}/begun; until [ -e {0}/go ]; do sleep 0.02; done; mkdir out; echo hi > out/index.html",
        world.path("").display()
    );
    let build = json!({ "type": "command", "shell": true, "command": [wait], "outputDir": "out" });
    send(&world, &with(world.site("slow", "text"), "build", build));
    until("the build has begun", || world.path("begun").exists());
    assert_eq!(looked.get("/readyz").status, 200);
    looked.daemon.signal(Signal::TERM);
    until("it ends", || looked.get("/readyz").status == 503);
    assert_eq!(looked.get("/healthz").status, 200);
    assert_eq!(
        looked.get("/api/v1/sites/slow").json()["daemon"]["activity"],
        "running"
    );
    world.write("go", "");
    let (code, reports, _) = looked.daemon.ended();
    assert_eq!(
        (code, lines(&reports)),
        (Some(0), vec!["1 slow applied".to_owned()])
    );
}
