//! Several sources at once.

use crate::daemon::{Daemon, line, message};
use crate::world::World;
use insta::assert_snapshot;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::thread;

const SOURCES: [&str; 8] = [
    "--source",
    "stdin",
    "--source",
    "fifo:pipe",
    "--source",
    "unix:socket",
    "--source",
    "dir:spool",
];

#[test]
fn producers_of_every_kind_are_heard_at_once_and_each_message_is_reported_once() {
    const ROUNDS: usize = 50;
    let world = World::new();
    fs::create_dir(world.path("spool")).unwrap();
    let usual = ["run", "--source-root", "sites", "-o", "json"];
    let mut command = world.command(&[&usual[..], &SOURCES].concat());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let daemon = Daemon::of(&world, child, &["pipe", "socket", "spool/failed"]);
    let sites: Vec<Vec<u8>> = ["stdin", "fifo", "unix", "dir"]
        .iter()
        .map(|id| message(&world, id))
        .collect();
    let (pipe, socket, spool) = (
        world.path("pipe"),
        world.path("socket"),
        world.path("spool"),
    );
    let [a, b, c, d] = <[Vec<u8>; 4]>::try_from(sites).unwrap();
    let producers = [
        thread::spawn(move || {
            for _ in 0..ROUNDS {
                stdin.write_all(&a).unwrap();
            }
        }),
        thread::spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(pipe).unwrap();
            for _ in 0..ROUNDS {
                pipe.write_all(&b).unwrap();
            }
        }),
        thread::spawn(move || {
            let mut connection = UnixStream::connect(socket).unwrap();
            for _ in 0..ROUNDS {
                connection.write_all(&c).unwrap();
            }
        }),
        thread::spawn(move || {
            for round in 0..ROUNDS {
                fs::write(spool.join(".next"), &d).unwrap();
                fs::rename(spool.join(".next"), spool.join(format!("{round:03}"))).unwrap();
            }
        }),
    ];
    let mut counts = BTreeMap::<String, usize>::new();
    for (number, report) in (1..).zip(daemon.reports(4 * ROUNDS)) {
        let (site, seq, outcome) = line(&report);
        assert_eq!(seq, number);
        let good = ["applied", "unchanged", "superseded"].contains(&&*outcome);
        assert!(good, "{site} {outcome}");
        *counts.entry(site).or_default() += 1;
    }
    for producer in producers {
        producer.join().unwrap();
    }
    let expected = ["dir", "fifo", "stdin", "unix"].map(|id| (id.to_owned(), ROUNDS));
    assert_eq!(counts, BTreeMap::from(expected));
    let (code, rest, log) = daemon.stop(Signal::TERM);
    assert_eq!((code, rest, &*log), (Some(0), vec![], ""));
}

#[test]
fn the_end_of_the_only_source_is_the_end() {
    let world = World::new();
    let input = message(&world, "a");
    let ended = world.spore(
        &[
            "run",
            "--source",
            "stdin",
            "--source-root",
            "sites",
            "-o",
            "text",
        ],
        &input,
    );
    assert_snapshot!(ended.told(), @"
    exit: 0
    --- out
    + a applied  http://a.localhost/  [N] ms
        publish local-static/a (1 file, 1 B; 1 copied)
    ");
    let torn = world.spore(
        &[
            "run",
            "--source",
            "stdin",
            "--source-root",
            "sites",
            "-o",
            "text",
        ],
        &[&input[..], &input[..9]].concat(),
    );
    assert_snapshot!(torn.told(), @"
    exit: 1
    --- out
    ! message 2 invalid  [N] ms
        stdin: message 2 at byte 67: the stream ends within a message: it was cut short (stopped at byte 76); nothing after it can be trusted [stream-framing]
          hint: send the rest as a new stream
    = a unchanged  http://a.localhost/  [N] ms
    ");
}

#[test]
fn sources_that_make_no_sense_are_told() {
    let world = World::new();
    let told = |arguments: &[&str]| world.spore(&[&["run"], arguments].concat(), b"").told();
    assert_snapshot!(told(&["--source", "pipe:x"]), @r#"
    exit: 2
    --- err
    error: invalid value 'pipe:x' for '--source <SOURCE>': "pipe:x" is no source: use stdin, fifo:PATH, unix:PATH or dir:PATH

    For more information, try '--help'.
    "#);
    assert_snapshot!(told(&["--source", "unix:"]), @"
    exit: 2
    --- err
    error: invalid value 'unix:' for '--source <SOURCE>': unix: lacks its path: use unix:PATH

    For more information, try '--help'.
    ");
    assert_snapshot!(told(&["--source", "unix:a", "--source", "unix:a"]), @"
    exit: 1
    --- err
    error: unix:a is given twice
    ");
    assert_snapshot!(told(&["--source", "stdin", "file"]), @"
    exit: 2
    --- err
    error: the argument '--source <SOURCE>' cannot be used with '[FILE]'

    Usage: mycelia-spore run --source <SOURCE> [FILE]

    For more information, try '--help'.
    ");
    assert_snapshot!(told(&["--source", "stdin", "--site", "a"]), @"
    exit: 2
    --- err
    error: the argument '--source <SOURCE>' cannot be used with '--site <ID>'

    Usage: mycelia-spore run --source <SOURCE> [FILE]

    For more information, try '--help'.
    ");
}
