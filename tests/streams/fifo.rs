//! A named pipe.

use crate::daemon::{Daemon, lines, message, until};
use crate::world::World;
use insta::assert_snapshot;
use rustix::process::Signal;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

fn daemon(world: &World) -> Daemon<'_> {
    Daemon::start(world, &["--source", "fifo:pipe"], &["pipe"])
}

fn open(world: &World) -> File {
    OpenOptions::new()
        .write(true)
        .open(world.path("pipe"))
        .unwrap()
}

#[test]
fn the_pipe_is_made_for_its_owner_and_read_by_writer_after_writer() {
    let world = World::new();
    let daemon = daemon(&world);
    let found = fs::metadata(world.path("pipe")).unwrap();
    assert!(found.file_type().is_fifo());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    for (number, id) in (1..).zip(["a", "b", "a"]) {
        open(&world).write_all(&message(&world, id)).unwrap();
        let (site, seq, _) = daemon.told(1).remove(0);
        assert_eq!((&*site, seq), (id, number));
    }
    let (code, rest, log) = daemon.stop(Signal::TERM);
    assert_eq!((code, rest, &*log), (Some(0), vec![], ""));
}

#[test]
fn what_one_writer_leaves_torn_does_not_reach_the_next() {
    let world = World::new();
    let (a, b) = (message(&world, "a"), message(&world, "b"));
    let daemon = daemon(&world);
    for torn in 1..b.len() {
        // A message and the beginning of another; the writer dies. What is left of it would make the next
        // message another one.
        open(&world)
            .write_all(&[&a[..], &b[..torn]].concat())
            .unwrap();
        let report = daemon.reports(2).remove(1);
        assert_eq!(report["outcome"], "invalid", "{report}");
        assert_eq!(report["error"]["code"], "stream-framing");
        let told = report["error"]["message"].as_str().unwrap();
        let writer = 2 * torn - 1;
        let place = format!(
            "fifo:pipe (writer {writer}): message 2 at byte {}: the stream ends within a message: \
             it was cut short (stopped at byte {})",
            a.len(),
            a.len() + torn
        );
        assert!(told.starts_with(&place), "{told}");
        open(&world).write_all(&b).unwrap();
        let next = daemon.report();
        assert_eq!(next["site"], "b", "{next}");
        assert_ne!(next["outcome"], "invalid", "{next}");
    }
    let (code, _, log) = daemon.stop(Signal::TERM);
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn after_what_is_no_message_the_rest_of_a_writer_is_thrown_away() {
    let world = World::new();
    let (a, b) = (message(&world, "a"), message(&world, "b"));
    let daemon = daemon(&world);
    let mut writer = open(&world);
    writer.write_all(&a).unwrap();
    assert_eq!(daemon.report()["site"], "a");
    writer.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(daemon.report()["error"]["code"], "stream-framing");
    writer.write_all(&b).unwrap();
    drop(writer);
    // A writer that comes before the daemon has seen the end of the one before is taken for the same.
    let mut heard = None;
    until("the next writer is heard", || {
        open(&world).write_all(&a).unwrap();
        heard = daemon.soon();
        heard.is_some()
    });
    assert_eq!(heard.unwrap()["site"], "a");
    let (_, rest, log) = daemon.stop(Signal::TERM);
    assert!(rest.iter().all(|report| report["site"] == "a"), "{rest:?}");
    assert!(log.contains("bytes after it were thrown away"), "{log}");
}

#[test]
fn a_pipe_that_is_replaced_is_found_again() {
    let world = World::new();
    let daemon = daemon(&world);
    open(&world).write_all(&message(&world, "a")).unwrap();
    assert_eq!(daemon.report()["site"], "a");
    fs::remove_file(world.path("pipe")).unwrap();
    // The daemon looks every ten seconds, and makes the pipe anew.
    until("the pipe is there again", || world.path("pipe").exists());
    open(&world).write_all(&message(&world, "a")).unwrap();
    assert_eq!(daemon.report()["site"], "a");
}

#[test]
fn what_is_no_pipe_is_refused() {
    let world = World::new();
    world.write("file", "precious");
    let told = |source: &str| world.spore(&["run", "--source", source], b"").told();
    assert_snapshot!(told("fifo:file"), @"
    exit: 1
    --- err
    error: file is there and is no fifo
    ");
    assert_snapshot!(told("fifo:/dev/null"), @"
    exit: 1
    --- err
    error: /dev/null is there and is no fifo
    ");
    assert_snapshot!(told("fifo:none/pipe"), @"
    exit: 1
    --- err
    error: none/pipe cannot be a source: No such file or directory (os error 2)
      hint: make the directory first; the daemon does not, as who may write there is for you to say
    ");
    assert_eq!(fs::read(world.path("file")).unwrap(), b"precious");
}

#[test]
fn a_writer_that_stays_over_a_restart_goes_on_at_a_message() {
    let world = World::new();
    let daemon = daemon(&world);
    let mut writer = open(&world);
    let a = message(&world, "a");
    writer.write_all(&a).unwrap();
    assert_eq!(daemon.report()["site"], "a");
    let (code, rest, log) = daemon.stop(Signal::TERM);
    assert_eq!((code, rest, &*log), (Some(0), vec![], ""));
    let keeper = File::open(world.path("pipe"));
    writer.write_all(&message(&world, "b")).unwrap();
    let daemon = self::daemon(&world);
    let first = daemon.report();
    drop(keeper);
    writer.write_all(&a).unwrap();
    let reports = [first, daemon.report()];
    assert_eq!(lines(&reports), ["1 b applied", "2 a unchanged"]);
}
