//! A directory of message files.

use crate::daemon::{Daemon, lines, message, until};
use crate::world::{World, stream};
use insta::assert_snapshot;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;

const SOURCE: [&str; 2] = ["--source", "dir:spool"];

fn daemon(world: &World) -> Daemon<'_> {
    fs::create_dir_all(world.path("spool")).unwrap();
    Daemon::start(world, &SOURCE, &["spool/failed"])
}

/// Puts a file there as a writer should.
fn put(world: &World, name: &str, content: &[u8]) {
    let temporary = format!("spool/.{name}");
    world.write(&temporary, content);
    fs::rename(world.path(&temporary), world.path("spool").join(name)).unwrap();
}

/// The names in a folder of the spool directory.
fn names(world: &World, folder: &str) -> Vec<String> {
    let found = fs::read_dir(world.path("spool").join(folder)).unwrap();
    let mut names: Vec<_> = found
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The reports beside a file.
fn reports(world: &World, place: &str) -> Vec<Value> {
    let text = fs::read_to_string(world.path(&format!("spool/{place}.report.json"))).unwrap();
    text.lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect()
}

#[test]
fn files_are_taken_in_the_order_of_their_names_and_put_away() {
    let world = World::new();
    let (a, b) = (message(&world, "a"), message(&world, "b"));
    for (name, content) in [
        ("20-b", b.clone()),
        ("10-a", [&a[..], &b].concat()),
        ("30-torn", [&a[..], &b[..20]].concat()),
        ("40-invalid", vec![0x10, 1, 0, 0]),
        ("50-empty", vec![]),
    ] {
        world.write(&format!("spool/{name}"), content);
    }
    for ignored in [".a", "a.tmp", "a.part"] {
        world.write(&format!("spool/{ignored}"), &a);
    }
    let daemon = daemon(&world);
    let told = daemon.reports(7);
    assert_eq!(
        lines(&told)[..2]
            .iter()
            .map(|it| &it[..3])
            .collect::<Vec<_>>(),
        ["1 a", "2 b"]
    );
    until("all are put away", || names(&world, "work").is_empty());
    assert_eq!(
        names(&world, ""),
        [".a", "a.part", "a.tmp", "done", "failed", "work"]
    );
    assert_eq!(
        names(&world, "done"),
        ["10-a", "10-a.report.json", "20-b", "20-b.report.json"]
    );
    assert_eq!(names(&world, "failed").len(), 6);
    assert_eq!(fs::read(world.path("spool/done/20-b")).unwrap(), b);
    let codes = |name: &str| -> Vec<(u64, String)> {
        let mut codes: Vec<_> = reports(&world, name)
            .iter()
            .map(|report| {
                let code = report["error"]["code"].as_str().unwrap_or("");
                (report["seq"].as_u64().unwrap(), code.to_owned())
            })
            .collect();
        codes.sort();
        codes
    };
    let own = |number, code: &str| (number, code.to_owned());
    assert_eq!(codes("done/10-a"), [own(1, ""), own(2, "")]);
    assert_eq!(
        codes("failed/30-torn"),
        [own(1, ""), own(2, "stream-framing")]
    );
    assert_eq!(codes("failed/40-invalid"), [own(1, "message-empty")]);
    assert_eq!(codes("failed/50-empty"), [own(1, "stream-framing")]);
    daemon.stop(Signal::TERM);
}

#[test]
fn a_file_that_comes_is_seen_at_once() {
    let world = World::new();
    let daemon = daemon(&world);
    let begun = std::time::Instant::now();
    for round in 0..5 {
        // The same name again and again: each is worked on.
        put(&world, "a", &message(&world, "a"));
        let expected = if round == 0 { "applied" } else { "unchanged" };
        assert_eq!(daemon.report()["outcome"], expected);
    }
    // Without the kernel's word it would be read every 30 seconds only.
    assert!(begun.elapsed().as_secs() < 25);
    until("it is put away", || names(&world, "work").is_empty());
    assert_eq!(names(&world, "done"), ["a", "a.report.json"]);
}

#[test]
fn what_was_being_worked_on_when_the_daemon_was_killed_is_worked_on_again() {
    let world = World::new();
    let large = world.site("large", "large");
    for number in 0..1000 {
        let page = format!("{number}").repeat(64);
        world.write(&format!("sites/large/{number}.html"), page);
    }
    let first = daemon(&world);
    put(&world, "large", &stream([large]));
    until("it is worked on", || {
        let folder = world.path(".local/state/mycelia-spore/local-static/releases");
        fs::read_dir(folder).is_ok_and(|mut found| found.next().is_some())
    });
    first.signal(Signal::KILL);
    let (_, before, _) = first.ended();
    if before.is_empty() {
        assert_eq!(names(&world, "work"), ["large"]);
    }
    world.write("spool/work/.report-left", "{");
    let second = daemon(&world);
    if names(&world, "done").is_empty() {
        assert_eq!(second.report()["site"], "large");
    }
    until("it is put away", || !names(&world, "done").is_empty());
    // Neither the file nor the beginning of its reports is left over.
    until("nothing is left", || names(&world, "work").is_empty());
    assert_eq!(names(&world, "done"), ["large", "large.report.json"]);
    assert_eq!(reports(&world, "done/large").len(), 1);
}

#[test]
fn what_is_no_message_file_is_left_or_put_aside() {
    let world = World::new();
    fs::create_dir_all(world.path("spool/folder")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", world.path("spool/link")).unwrap();
    let daemon = daemon(&world);
    put(&world, "a", &message(&world, "a"));
    assert_eq!(daemon.report()["site"], "a");
    until("it is put away", || names(&world, "work").is_empty());
    assert_eq!(
        names(&world, ""),
        ["done", "failed", "folder", "link", "work"]
    );
    world.write("file", "");
    let told = |source: &str| {
        world
            .spore(&["run", "--source", source, "--state-dir", "other"], b"")
            .told()
    };
    assert_snapshot!(told("dir:none"), @"
    exit: 1
    --- err
    error: none cannot be a source: No such file or directory (os error 2)
      hint: make the directory first; the daemon does not, as who may write there is for you to say
    ");
    assert_snapshot!(told("dir:file"), @"
    exit: 1
    --- err
    error: file is no directory
    ");
    fs::create_dir_all(world.path("elsewhere")).unwrap();
    fs::create_dir(world.path("trap")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", world.path("trap/work")).unwrap();
    assert_snapshot!(told("dir:trap"), @"
    exit: 1
    --- err
    error: trap/work is no directory
    ");
}
