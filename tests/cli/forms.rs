//! The forms of answers: text, JSON lines, Cap'n Proto; colours; readers that go away.

use crate::world::{World, stream, with};
use insta::assert_snapshot;
use mycelia_spore::schema::report_capnp::spore_report;
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};

#[test]
fn reports_for_people() {
    let world = World::new();
    let good = with(world.site("good", "good"), "requestId", json!("deploy-1"));
    let failed = with(
        world.site("failed", ""),
        "repo",
        json!({ "provider": "directory", "path": "/none" }),
    );
    let refused = with(
        world.site("refused", ""),
        "hosting",
        json!({ "provider": "s3Static", "s3Static": { "bucket": "links" } }),
    );
    let bytes = [
        &stream([good.clone(), failed, refused])[..],
        &[0x10, 0x01, 0x00, 0x00],
        &stream([good]),
    ]
    .concat();
    assert_snapshot!(world.spore(&["run", "--source-root", "sites", "--jobs", "1", "-o", "text"], &bytes).told(), @"
    exit: 1
    --- out
    + good applied  http://good.localhost/  [N] ms
        publish local-static/good (1 file, 4 B; 1 copied)
    ! failed failed  [N] ms
        directory /none cannot be opened: No such file or directory (os error 2) [rejected]
    ! refused refused  [N] ms
        hosting.provider: hosting.provider = s3Static is not supported by this version [unsupported]
          hint: this version publishes with hosting.provider = cloudflarePages or localStatic
    ! message 4 invalid  [N] ms
        the message is empty: no site, no hosting [message-empty]
          hint: was a SporeConfig written? Cap'n Proto messages carry no type
    = good unchanged  http://good.localhost/  [N] ms
    ");
}

#[test]
fn reports_for_programs() {
    let world = World::new();
    let good = with(world.site("good", "good"), "requestId", json!("deploy-1"));
    let bytes = [&stream([good])[..], &[0x10, 0x01, 0x00, 0x00]].concat();
    // JSON is what a program that asks for nothing gets.
    let ended = world.spore(&["--source-root", "sites"], &bytes);
    for report in ended.json() {
        assert!(report["elapsed_ms"].as_f64().unwrap() > 0.0, "{report}");
    }
    let mut reports = ended.json();
    for report in &mut reports {
        report["elapsed_ms"] = json!(1);
        if report.get("release").is_some() {
            report["release"] = json!("R");
        }
    }
    let lines: Vec<String> = reports.iter().map(ToString::to_string).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    {"v":1,"seq":1,"site":"good","request_id":"deploy-1","outcome":"applied","steps":[{"action":"publish","target":"local-static/good","outcome":"done","detail":"1 file, 4 B; 1 copied"}],"withheld":[],"release":"R","urls":["http://good.localhost/"],"elapsed_ms":1}
    {"v":1,"seq":2,"site":null,"outcome":"invalid","steps":[],"withheld":[],"urls":[],"error":{"code":"message-empty","path":"","message":"the message is empty: no site, no hosting","hint":"was a SporeConfig written? Cap'n Proto messages carry no type"},"elapsed_ms":1}
    "#);
}

#[test]
fn reports_as_messages() {
    let world = World::new();
    let good = with(world.site("good", "good"), "requestId", json!("deploy-1"));
    let bytes = [&stream([good])[..], &[0x10, 0x01, 0x00, 0x00]].concat();
    let ended = world.spore(&["run", "--source-root", "sites", "-o", "capnp"], &bytes);
    assert_eq!(ended.code, Some(1));
    let mut rest = &ended.stdout[..];
    let mut seen = Vec::new();
    while let Some(message) =
        capnp::serialize_packed::try_read_message(&mut rest, capnp::message::ReaderOptions::new())
            .unwrap()
    {
        let report: spore_report::Reader<'_> = message.get_root().unwrap();
        assert_eq!(report.get_v(), 1);
        assert!(report.get_elapsed_ms() > 0.0);
        let text =
            |text: capnp::Result<capnp::text::Reader<'_>>| text.unwrap().to_string().unwrap();
        seen.push(format!(
            "{} {:?} {:?} {:?} steps: {} faults: {} error: {}",
            report.get_seq(),
            text(report.get_site()),
            text(report.get_request_id()),
            report.get_outcome().unwrap(),
            report.get_steps().unwrap().len(),
            report.get_faults().unwrap().len(),
            text(report.get_error().unwrap().get_code()),
        ));
    }
    assert_snapshot!(seen.join("\n"), @r#"
    1 "good" "deploy-1" Applied steps: 1 faults: 0 error: 
    2 "" "" Invalid steps: 0 faults: 1 error: message-empty
    "#);
}

#[test]
fn all_faults_of_a_message_are_told() {
    let world = World::new();
    let mut message = capnp::message::Builder::new_default();
    let mut config =
        message.init_root::<mycelia_spore::schema::spore_capnp::spore_config::Builder<'_>>();
    config.reborrow().init_site().set_id("No Name");
    config.reborrow().init_hosting().set_error_document("../x");
    config.set_request_id("deploy-2");
    let mut bytes = Vec::new();
    capnp::serialize_packed::write_message(&mut bytes, &message).unwrap();
    assert_snapshot!(world.spore(&["validate", "-o", "text"], &bytes).told(), @r#"
    exit: 1
    --- out
    ! message 1 invalid  [N] ms
        site.id: not a valid name: "No Name" [name-syntax]
          hint: use 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit
        hosting.errorDocument: not a relative path: "../x" [path-syntax]
          hint: write parts between single slashes, without . and ..
    "#);
    let report = &world.spore(&["validate"], &bytes).json()[0];
    assert_eq!(report["request_id"], "deploy-2");
    assert_eq!(report["faults"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(report["error"], report["faults"][0]);
    assert!(!world.path(".local").exists());
}

#[test]
fn colours_are_for_those_who_want_them() {
    let world = World::new();
    let bytes = stream([world.site("a", "a")]);
    let colourful = |arguments: &[&str], variables: &[(&str, &str)]| {
        let arguments = [&["plan", "-o", "text", "--source-root", "sites"], arguments].concat();
        let mut command = world.command(&arguments);
        let mut child = command.envs(variables.iter().copied()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        let ended = world.ended(child);
        assert_eq!(ended.code, Some(0));
        ended.stdout.contains(&0x1b)
    };
    // A pipe is no terminal.
    assert!(!colourful(&[], &[]));
    assert!(colourful(&["--color", "always"], &[]));
    assert!(colourful(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colourful(
        &[],
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
    ));
    assert!(!colourful(
        &["--color", "never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
    // What was said on the command line goes over the environment.
    assert!(colourful(&["--color", "always"], &[("NO_COLOR", "1")]));
}

#[test]
fn work_goes_on_when_nobody_reads_the_reports() {
    let world = World::new();
    let sites: Vec<String> = (0..40).map(|number| format!("site-{number}")).collect();
    let documents: Vec<_> = sites.iter().map(|id| world.site(id, id)).collect();
    let mut child = world
        .command(&["run", "--source-root", "sites", "-o", "text"])
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut reports = BufReader::new(child.stdout.take().unwrap());
    input.write_all(&stream(&documents[..1])).unwrap();
    let mut first = String::new();
    reports.read_line(&mut first).unwrap();
    assert!(first.starts_with("+ site-0 applied"), "{first}");
    drop(reports);
    input.write_all(&stream(&documents[1..])).unwrap();
    drop(input);
    let ended = world.ended(child);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended
            .stderr
            .matches("nobody reads the reports any more")
            .count(),
        1,
        "{}",
        ended.stderr
    );
    let status = world.spore(&["status"], b"");
    assert_eq!(status.json().len(), sites.len());
}

#[test]
fn an_answer_cut_off_by_its_reader_is_no_failure() {
    let world = World::new();
    let documents: Vec<_> = (0..3000).map(|_| world.site("a", "a")).collect();
    let mut child = world.command(&["decode"]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = stream(&documents);
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    drop(lines);
    let ended = world.ended(child);
    assert_eq!((ended.code, &ended.stderr[..]), (Some(0), ""));
    // The writer may find its reader gone; that is its affair.
    drop(writer.join().unwrap());
}
