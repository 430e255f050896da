//! The client.

use crate::daemon::{Daemon, lines, message};
use crate::world::World;
use insta::assert_snapshot;
use mycelia_spore::report::Report;
use rustix::process::Signal;
use serde_json::json;
use std::os::unix::net::UnixListener;
use std::thread;

fn daemon(world: &World) -> Daemon<'_> {
    // One site after another, so that reports come in the order of the messages.
    let sources = ["--source", "unix:socket", "--source", "fifo:pipe"];
    let arguments = [&sources[..], &["--jobs", "1"]].concat();
    Daemon::start(world, &arguments, &["socket", "pipe"])
}

#[test]
fn reports_are_printed_and_end_the_command_as_run_does() {
    let world = World::new();
    let daemon = daemon(&world);
    world.write("a.json", world.site("a", "a").to_string());
    world.write("b.bin", message(&world, "b"));
    let send = |arguments: &[&str]| {
        let usual = ["--to", "unix:socket", "--wait"];
        daemon.send(&[&usual[..], arguments].concat()).told()
    };
    assert_snapshot!(send(&["a.json", "b.bin", "-o", "text"]), @"
    exit: 0
    --- out
    + a applied  http://a.localhost/  [N] ms
        publish local-static/a (1 file, 1 B; 1 copied)
    + b applied  http://b.localhost/  [N] ms
        publish local-static/b (1 file, 1 B; 1 copied)
    ");
    let again = daemon.send(&["--to", "unix:socket", "--wait", "b.bin"]);
    assert_eq!(lines(&again.json()), ["1 b unchanged"]);
    world.write("invalid.bin", [0x10, 1, 0, 0]);
    assert_snapshot!(send(&["invalid.bin", "a.json", "-o", "text"]), @"
    exit: 1
    --- out
    ! message 1 invalid  [N] ms
        the message is empty: no site, no hosting [message-empty]
          hint: was a SporeConfig written? Cap'n Proto messages carry no type
    = a unchanged  http://a.localhost/  [N] ms
    ");
    let packed = daemon.send(&["--to", "unix:socket", "--wait", "b.bin", "-o", "capnp"]);
    assert_eq!(packed.code, Some(0));
    let options = capnp::message::ReaderOptions::new();
    let message = capnp::serialize_packed::read_message(&packed.stdout[..], options).unwrap();
    let report = Report::from_reader(message.get_root().unwrap()).unwrap();
    assert_eq!(report.urls, ["http://b.localhost/"]);
}

#[test]
fn of_what_is_torn_or_faulty_nothing_wrong_goes_out() {
    let world = World::new();
    let daemon = daemon(&world);
    let (a, b) = (message(&world, "a"), message(&world, "b"));
    world.write("torn.bin", [&a[..], &b[..20]].concat());
    let torn = daemon.send(&["--to", "unix:socket", "--wait", "torn.bin", "-o", "text"]);
    assert_snapshot!(torn.told(), @"
    exit: 1
    --- out
    + a applied  http://a.localhost/  [N] ms
        publish local-static/a (1 file, 1 B; 1 copied)
    --- err
    error: message 2 at byte 67: the stream ends within a message: it was cut short (stopped at byte 87); nothing after it can be trusted
    ");
    world.write("faulty.json", json!({ "sight": {} }).to_string());
    world.write("b.bin", &b);
    let faulty = daemon.send(&["--to", "unix:socket", "b.bin", "faulty.json"]);
    assert_eq!(faulty.code, Some(1), "{}", faulty.told());
    let (_, reports, log) = daemon.stop(Signal::TERM);
    assert_eq!(lines(&reports), ["1 a applied"], "{log}");
}

#[test]
fn without_waiting_messages_are_handed_over_by_either_way() {
    let world = World::new();
    let daemon = daemon(&world);
    world.write("a.bin", message(&world, "a"));
    for (number, to) in (1..).zip(["unix:socket", "fifo:pipe"]) {
        let sent = daemon.send(&["a.bin", "--to", to]);
        assert_eq!(sent.told(), "exit: 0\n");
        assert_eq!(daemon.report()["seq"], number);
    }
    let input = world.command(&["send", "-", "--to", "fifo:pipe"]);
    let mut child = { input }.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, &message(&world, "b")).unwrap();
    drop(stdin);
    assert_eq!(world.ended(child).told(), "exit: 0\n");
    assert_eq!(daemon.report()["site"], "b");
}

#[test]
fn what_cannot_be_sent_to_is_told() {
    let world = World::new();
    world.write("a.bin", message(&world, "a"));
    world.write("file", "precious");
    let pipe = world.path("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    drop(UnixListener::bind(world.path("socket")).unwrap());
    let told = |arguments: &[&str]| {
        world
            .spore(&[&["send", "a.bin", "--to"], arguments].concat(), b"")
            .told()
    };
    assert_snapshot!(told(&["unix:socket"]), @"
    exit: 1
    --- err
    error: nobody listens at socket: Connection refused (os error 111)
      hint: is `mycelia-spore run --source ...` running there?
    ");
    assert_snapshot!(told(&["unix:none"]), @"
    exit: 1
    --- err
    error: nobody listens at none: No such file or directory (os error 2)
      hint: is `mycelia-spore run --source ...` running there?
    ");
    assert_snapshot!(told(&["fifo:pipe"]), @"
    exit: 1
    --- err
    error: nobody reads pipe
      hint: is `mycelia-spore run --source ...` running there?
    ");
    assert_snapshot!(told(&["fifo:file"]), @"
    exit: 1
    --- err
    error: file is no fifo
    ");
    assert_snapshot!(told(&["fifo:pipe", "--wait"]), @"
    exit: 2
    --- err
    error: a fifo has no way back for reports
      hint: leave --wait out, or send to unix:PATH
    ");
    assert_snapshot!(told(&["dir:spool"]), @r#"
    exit: 2
    --- err
    error: invalid value 'dir:spool' for '--to <TARGET>': "dir:spool" cannot be sent to: use unix:PATH or fifo:PATH

    For more information, try '--help'.
    "#);
    assert_snapshot!(told(&["socket"]), @r#"
    exit: 2
    --- err
    error: invalid value 'socket' for '--to <TARGET>': "socket" is no source: use stdin, fifo:PATH, unix:PATH or dir:PATH

    For more information, try '--help'.
    "#);
}

#[test]
fn a_daemon_that_goes_away_without_a_report_is_told() {
    let world = World::new();
    world.write("a.bin", message(&world, "a"));
    let listener = UnixListener::bind(world.path("socket")).unwrap();
    let accepting = thread::spawn(move || {
        // Reads the message to its end and says nothing.
        let (mut connection, _) = listener.accept().unwrap();
        std::io::copy(&mut connection, &mut std::io::sink()).unwrap();
    });
    let ended = world.spore(&["send", "a.bin", "--to", "unix:socket", "--wait"], b"");
    accepting.join().unwrap();
    assert_snapshot!(ended.told(), @"
    exit: 1
    --- err
    error: the connection ended after 0 of 1 reports
      hint: send again: what was done already is found unchanged
    ");
}
