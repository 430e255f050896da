//! Signals of a running daemon.

use crate::daemon::{Daemon, lines, until};
use crate::world::{World, with};
use crate::{spooled, start};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs::{self, File};

fn send(world: &World, id: &str, text: &str) {
    spooled::send(world, &format!("{id}-{text}"), &world.site(id, text));
}

/// A daemon whose log is the file `log`, and whose settings are the file `settings.toml`.
fn start_logging(world: &World) -> Daemon<'_> {
    let mut command = spooled::command(world, &[]);
    command.stderr(File::create(world.path("log")).unwrap());
    let child = command.spawn().unwrap();
    Daemon::of(world, child, &["spool/failed", "state/control.sock"])
}

/// Waits until the log says something, and gives the whole of it.
fn logged(world: &World, text: &str) -> String {
    let log = || fs::read_to_string(world.path("log")).unwrap();
    until(text, || log().contains(text));
    log()
}

#[test]
fn settings_are_read_again_and_bad_ones_change_nothing() {
    let world = World::new();
    let sites = world.path("sites");
    let allow = format!("[sources]\nroots = [{:?}]\n", sites.to_str().unwrap());
    world.write("settings.toml", "");
    let running = start_logging(&world);
    send(&world, "blog", "one");
    assert_eq!(lines(&[running.report()]), ["1 blog refused"]);
    world.write("settings.toml", &allow);
    running.signal(Signal::HUP);
    logged(&world, "read again");
    send(&world, "blog", "two");
    assert_eq!(lines(&[running.report()]), ["2 blog applied"]);
    world.write("settings.toml", "[sources]\nroot = []\n");
    running.signal(Signal::HUP);
    let log = logged(&world, "the settings in force are kept");
    assert!(
        log.contains("settings.toml") && log.contains("unknown field `root`"),
        "{log}"
    );
    send(&world, "blog", "three");
    assert_eq!(lines(&[running.report()]), ["3 blog applied"]);
    world.write(
        "settings.toml",
        format!(
            "{allow}[streams]\nsocket-mode = \"0660\"\n[telemetry]\notlp = \"http://[::1]:1\"\n"
        ),
    );
    running.signal(Signal::HUP);
    logged(&world, "streams has changed, which takes a restart");
    logged(&world, "telemetry has changed, which takes a restart");
    assert_eq!(running.stop(Signal::TERM).0, Some(0));
}

/// A website whose build takes longer than any test, until it is told to end; without a sandbox, which a
/// machine may lack.
fn slow(world: &World) -> Value {
    world.write("settings.toml", "[builds]\nsandbox = \"none\"\n");
    let wait = format!(
        "touch {0}/begun; until [ -e {0}/go ]; do sleep 0.02; done; mkdir out; echo hi > out/index.html",
        world.path("").display()
    );
    let build = json!({ "type": "command", "shell": true, "command": [wait], "outputDir": "out" });
    with(world.site("slow", "text"), "build", build)
}

fn begin(world: &World) -> Daemon<'_> {
    let document = slow(world);
    let running = start(world, &["--settings", "settings.toml"]);
    spooled::send(world, "slow", &document);
    until("the build has begun", || world.path("begun").exists());
    running
}

#[test]
fn what_is_under_way_is_finished_before_the_end_and_nothing_further_is_begun() {
    let world = World::new();
    let running = begin(&world);
    running.signal(Signal::TERM);
    let ends = || {
        let asked =
            mycelia_spore::rpc::ask(&world.path("rpc"), async |daemon| daemon.status(None).await);
        asked.is_ok_and(|status| status.draining)
    };
    until("it ends", ends);
    send(&world, "late", "text");
    world.write("go", "");
    let (code, reports, log) = running.ended();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(lines(&reports), ["1 slow applied"]);
    assert!(world.path("spool/late-text.bin").exists());
    let running = start(&world, &["--settings", "settings.toml"]);
    assert_eq!(lines(&[running.report()]), ["1 late applied"]);
}

#[test]
fn a_second_signal_ends_at_once_and_the_next_daemon_finishes_what_was_begun() {
    let world = World::new();
    let running = begin(&world);
    running.signal(Signal::TERM);
    let status =
        || mycelia_spore::rpc::ask(&world.path("rpc"), async |daemon| daemon.status(None).await);
    until("it ends", || status().is_ok_and(|status| status.draining));
    running.signal(Signal::TERM);
    let (code, reports, log) = running.ended();
    assert_eq!((code, reports.len()), (Some(0), 0), "{log}");
    world.write("go", "");
    // The file was not reported, so it is found again, and so is what was accepted of it.
    let running = start(&world, &["--settings", "settings.toml"]);
    let told = running.report();
    assert_eq!(told["site"], "slow", "{told}");
    assert!(
        ["applied", "superseded"].contains(&told["outcome"].as_str().unwrap()),
        "{told}"
    );
    until("the site is as asked", || {
        status().is_ok_and(|status| !status.sites["slow"].unfinished)
    });
}

#[test]
fn what_was_accepted_when_a_daemon_is_killed_is_carried_out_by_the_next() {
    let world = World::new();
    let running = begin(&world);
    assert_eq!(running.stop(Signal::KILL).0, None);
    // Its producer is gone.
    fs::remove_file(world.path("spool/work/slow.bin")).unwrap();
    world.write("go", "");
    let running = start(&world, &["--settings", "settings.toml"]);
    let told = running.report();
    assert_eq!(lines(std::slice::from_ref(&told)), ["0 slow applied"]);
    assert_eq!(told["cause"], "resume");
}

#[test]
fn what_was_taken_down_long_ago_is_cleared_away_while_the_daemon_lives() {
    let world = World::new();
    let allow = format!(
        "[sources]\nroots = [{:?}]\n",
        world.path("sites").to_str().unwrap()
    );
    world.write("settings.toml", &allow);
    let running = start_logging(&world);
    for id in ["blog", "docs"] {
        send(&world, id, "one");
        assert_eq!(running.report()["outcome"], "applied");
    }
    let gone = with(
        world.site("blog", "one"),
        "lifecycle",
        json!({ "ensure": "absent" }),
    );
    spooled::send(&world, "gone", &gone);
    assert_eq!(running.report()["outcome"], "absent");
    let releases = world.path("state/local-static/releases");
    assert!(releases.join("blog").exists());
    world.write(
        "settings.toml",
        format!("{allow}[local-static]\ntombstone-days = 0\n"),
    );
    running.signal(Signal::HUP);
    until("cleared away", || !releases.join("blog").exists());
    assert!(releases.join("docs").exists());
    let (code, _, _) = running.stop(Signal::TERM);
    assert_eq!(code, Some(0));
}
