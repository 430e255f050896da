//! The commands that ask a running daemon.

use crate::daemon::{Daemon, lines};
use crate::world::{Ended, World};
use crate::{spooled, start};
use insta::assert_snapshot;
use rustix::process::Signal;
use serde_json::json;

fn spore(world: &World, arguments: &[&str]) -> Ended {
    world.spore(&[arguments, &["--state-dir", "state"]].concat(), b"")
}

/// The table of sites, with the daemon's process as a word.
fn status(world: &World, running: &Daemon<'_>) -> String {
    let told = spore(world, &["status", "-o", "text"]).told();
    told.replace(&format!("process {}", running.pid()), "process [PID]")
}

fn send(world: &World, id: &str, text: &str) {
    spooled::send(world, text, &world.site(id, text));
}

#[test]
fn orders_are_carried_out_by_the_daemon_that_holds_the_state() {
    let world = World::new();
    let running = start(&world, &[]);
    send(&world, "blog", "one");
    assert_eq!(lines(&[running.report()]), ["1 blog applied"]);
    send(&world, "blog", "two");
    assert_eq!(lines(&[running.report()]), ["2 blog applied"]);
    assert_snapshot!(spore(&world, &["protect", "blog"]).told(), @"
    exit: 0
    --- err
    blog is protected from being taken down
    ");
    assert_snapshot!(status(&world, &running), @"
    exit: 0
    --- out
    SITE  STATE  ADDRESS         RELEASE       APPLIED   NOTE
    blog  live   blog.localhost  [RELEASE]  just now  protected
    --- err
    1 site: 1 live
    mycelia-spore 0.1.0 runs since [DATE] [TIME] (just now), process [PID]
    ");
    assert_snapshot!(spore(&world, &["rollback", "blog", "-o", "text"]).told(), @"
    exit: 0
    --- out
    + blog applied  http://blog.localhost/  [N] ms
        activate local-static/blog (release [RELEASE] is live)
    ");
    assert_snapshot!(spore(&world, &["refresh", "blog", "-o", "text"]).told(), @"
    exit: 0
    --- out
    = blog unchanged  http://blog.localhost/  [N] ms
        ! withheld publish local-static/blog: the operator rolled back from these files; changed ones are published
    ");
    assert_snapshot!(spore(&world, &["pause", "blog"]).told(), @"
    exit: 0
    --- err
    blog is left as it is until `resume`; messages for it are kept by the daemon
    ");
    assert_snapshot!(status(&world, &running), @"
    exit: 0
    --- out
    SITE  STATE   ADDRESS         RELEASE       APPLIED   NOTE
    blog  paused  blog.localhost  [RELEASE]  just now  protected; rolled back; the operator rolled back from these files; changed ones are published
    --- err
    1 site: 1 paused
    mycelia-spore 0.1.0 runs since [DATE] [TIME] (just now), process [PID]
    ");
    assert_snapshot!(spore(&world, &["resume", "blog"]).told(), @"
    exit: 0
    --- err
    blog is looked after again
    ");
    assert_snapshot!(spore(&world, &["unprotect", "blog"]).told(), @"
    exit: 0
    --- err
    blog is no longer protected
    ");
    assert_snapshot!(spore(&world, &["take-over", "blog", "-o", "text"]).told(), @"
    exit: 0
    --- out
    = blog unchanged  http://blog.localhost/  [N] ms
        ! withheld publish local-static/blog: the operator rolled back from these files; changed ones are published
    ");
    assert_snapshot!(spore(&world, &["forget", "blog"]).told(), @"
    exit: 0
    --- err
    blog is forgotten; what is published of it stays, and its next message finds it as it is
    ");
    assert_snapshot!(spore(&world, &["forget", "blog"]).told(), @"
    exit: 1
    --- out
    ! blog failed  [N] ms
        site blog is not known here [site-unknown]
          hint: mycelia-spore status lists those that are
    ");
    assert_snapshot!(status(&world, &running), @"
    exit: 0
    --- err
    no sites yet; send one: mycelia-spore encode site.yaml | mycelia-spore
    ");
    let (code, _, log) = running.stop(Signal::TERM);
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn without_a_daemon_orders_that_need_one_say_so_and_others_mark_the_state() {
    let world = World::new();
    let running = start(&world, &[]);
    send(&world, "blog", "one");
    assert_eq!(lines(&[running.report()]), ["1 blog applied"]);
    running.stop(Signal::TERM);
    assert_snapshot!(spore(&world, &["refresh", "blog"]).told(), @"
    exit: 2
    --- err
    error: no daemon is running for the state directory [HOME]/state
      hint: send the site's message again instead: `mycelia-spore < config.bin`
    ");
    assert_snapshot!(spore(&world, &["take-over", "blog"]).told(), @"
    exit: 2
    --- err
    error: no daemon is running for the state directory [HOME]/state
      hint: send the site's message with `policy.adopt` in the settings instead
    ");
    assert_snapshot!(spore(&world, &["watch"]).told(), @"
    exit: 2
    --- err
    error: no daemon is running for the state directory [HOME]/state
      hint: start one: `mycelia-spore run --source unix:PATH`
    ");
    assert_snapshot!(spore(&world, &["pause", "blog"]).told(), @"
    exit: 0
    --- err
    blog is left as it is until `resume`; messages for it are kept by the daemon
    ");
    // The next daemon goes by the mark.
    let running = start(&world, &[]);
    send(&world, "blog", "two");
    assert_eq!(lines(&[running.report()]), ["1 blog paused"]);
    assert_snapshot!(status(&world, &running), @"
    exit: 0
    --- out
    SITE  STATE   ADDRESS         RELEASE       APPLIED   NOTE
    blog  paused  blog.localhost  [RELEASE]  just now
    --- err
    1 site: 1 paused
    mycelia-spore 0.1.0 runs since [DATE] [TIME] (just now), process [PID]
    ");
    assert_snapshot!(spore(&world, &["resume", "blog"]).told(), @"
    exit: 0
    --- err
    blog is looked after again
    ");
    assert_eq!(lines(&[running.report()]), ["0 blog applied"]);
}

#[test]
fn a_daemon_is_found_by_its_state_directory_alone() {
    let world = World::new();
    let running = start(&world, &[]);
    let second = world.spore(
        &["run", "--state-dir", "state", "--source", "dir:spool"],
        b"",
    );
    assert_eq!(second.code, Some(1));
    let told = format!("is in use by process {}", running.pid());
    assert!(second.stderr.contains(&told), "{}", second.stderr);
    assert!(world.path("state/control.sock").exists());
}

#[test]
fn a_doctor_finds_the_daemon() {
    let world = World::new();
    let running = start(&world, &[]);
    let ended = world.spore(&["doctor", "--state-dir", "state", "--offline"], b"");
    let found = ended.json();
    let daemon = found
        .iter()
        .find(|check| check["check"] == "daemon")
        .unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let told = format!("version {version} answers, process {}", running.pid());
    assert_eq!(
        (&daemon["state"], &daemon["told"]),
        (&json!("ok"), &json!(told))
    );
}
