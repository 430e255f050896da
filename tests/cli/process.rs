//! The command as a process: signals, and two of them at one state directory.

use crate::world::{World, stream};
use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Whether a file of the site that is published lies in the state directory already.
fn copying(world: &World) -> bool {
    let mut folders = vec![world.path(".local/state/mycelia-spore/local-static")];
    while let Some(folder) = folders.pop() {
        // What is being moved may be gone when it is looked at.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().ends_with(b".html") {
                return true;
            }
            folders.push(entry.path());
        }
    }
    false
}

/// Waits until something holds; a test that waits in vain fails.
fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_signal_ends_a_run_that_waits_for_messages() {
    for stop in [Signal::TERM, Signal::INT] {
        let world = World::new();
        let mut child = world
            .command(&["run", "--source-root", "sites", "-o", "text"])
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(&stream([world.site("a", "a")])).unwrap();
        let mut reports = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        reports.read_line(&mut first).unwrap();
        assert!(first.starts_with("+ a applied"), "{first}");
        let begun = Instant::now();
        signal(&child, stop);
        let ended = world.ended(child);
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert_eq!((ended.code, &ended.stderr[..]), (Some(0), ""), "{stop:?}");
        // The stream was open all the while.
        drop(input);
    }
}

#[test]
fn a_signal_lets_the_message_under_way_be_finished() {
    let world = World::new();
    let large = world.site("large", "large");
    for number in 0..1000 {
        world.write(
            &format!("sites/large/{number}.html"),
            format!("{number}").repeat(64),
        );
    }
    let mut child = world
        .command(&["run", "--source-root", "sites", "-o", "text", "--jobs", "1"])
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&stream([large])).unwrap();
    until("files are copied", || copying(&world));
    signal(&child, Signal::TERM);
    let ended = world.ended(child);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.text().starts_with("+ large applied"),
        "{}",
        ended.told()
    );
    assert_eq!(world.spore(&["status"], b"").json()[0]["state"], "live");
    drop(input);
}

#[test]
fn a_killed_run_is_made_good_by_the_next_message() {
    let world = World::new();
    let large = world.site("large", "large");
    for number in 0..1000 {
        world.write(
            &format!("sites/large/{number}.html"),
            format!("{number}").repeat(64),
        );
    }
    let mut child = world
        .command(&["run", "--source-root", "sites"])
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&stream([&large])).unwrap();
    until("files are copied", || copying(&world));
    signal(&child, Signal::KILL);
    let killed = world.ended(child);
    let again = world.apply([&large]);
    assert_eq!(again.code, Some(0), "{}", again.told());
    // It may have been killed a moment too late.
    if killed.stdout.is_empty() {
        assert!(
            again.text().starts_with("+ large applied"),
            "{}",
            again.told()
        );
        assert!(again.stderr.contains("was interrupted"), "{}", again.told());
    }
    assert!(world.apply([large]).text().starts_with("= large unchanged"));
    drop(input);
}

#[test]
fn a_state_directory_in_use_names_the_process_that_uses_it() {
    let world = World::new();
    let site = world.site("a", "a");
    let mut holder = world
        .command(&["run", "--source-root", "sites", "-o", "text"])
        .spawn()
        .unwrap();
    let mut input = holder.stdin.take().unwrap();
    input.write_all(&stream([&site])).unwrap();
    let mut reports = BufReader::new(holder.stdout.take().unwrap());
    reports.read_line(&mut String::new()).unwrap();
    let told = |arguments: &[&str]| {
        let ended = world.spore(arguments, b"");
        ended.told().replace(&holder.id().to_string(), "[PID]")
    };
    assert_snapshot!(told(&["run"]), @"
    exit: 1
    --- err
    error: state directory [HOME]/.local/state/mycelia-spore is in use by process [PID]
    ");
    assert_snapshot!(told(&["protect", "a"]), @"
    exit: 1
    --- err
    error: state directory [HOME]/.local/state/mycelia-spore is in use by process [PID]
    ");
    assert_snapshot!(told(&["rollback", "a"]), @"
    exit: 1
    --- err
    error: state directory [HOME]/.local/state/mycelia-spore is in use by process [PID]
    ");
    // Looking needs no lock.
    assert_eq!(world.spore(&["status"], b"").json().len(), 1);
    let plan = world.spore(
        &["plan", "--source-root", "sites", "-o", "text"],
        &stream([site]),
    );
    assert_snapshot!(plan.told(), @"
    exit: 0
    --- out
    = a unchanged  http://a.localhost/  [N] ms
    1 message: 0 to add, 0 to change, 0 to remove, 1 as asked; nothing was changed
    ");
    drop(input);
    assert_eq!(world.ended(holder).code, Some(0));
}
