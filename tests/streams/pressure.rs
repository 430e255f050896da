//! Producers that are faster than the daemon.

use crate::daemon::{PATIENCE, until};
use crate::world::World;
use mycelia_spore::schema::spore_capnp::spore_config;
use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A message of half a megabyte that is answered at once, because its title is too long.
fn large() -> Vec<u8> {
    let mut message = capnp::message::Builder::new_default();
    let mut config = message.init_root::<spore_config::Builder<'_>>();
    config.set_schema_version(1);
    let mut site = config.init_site();
    site.set_id("large");
    site.set_title("x".repeat(500_000));
    let mut packed = Vec::new();
    capnp::serialize_packed::write_message(&mut packed, &message).unwrap();
    packed
}

/// The most memory that a process ever had, in kilobytes.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let mut words = line.unwrap().split_whitespace();
    words.nth(1).unwrap().parse().unwrap()
}

/// Writes until nothing was taken for a while, or all is written. How much was.
fn push(connection: &mut UnixStream, bytes: &[u8]) -> usize {
    let mut written = 0;
    let mut last = Instant::now();
    while written < bytes.len() && last.elapsed() < Duration::from_secs(2) {
        match connection.write(&bytes[written..]) {
            Ok(count) => {
                written += count;
                last = Instant::now();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => panic!("{error}"),
        }
    }
    written
}

#[test]
fn a_fast_producer_is_slowed_and_nothing_is_lost() {
    const MESSAGES: usize = 600;
    let world = World::new();
    let arguments = ["run", "--source", "unix:socket", "-o", "json"];
    let mut child = world
        .command(&arguments)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    until("the daemon listens", || {
        UnixStream::connect(world.path("socket")).is_ok()
    });
    // Nobody reads the reports, so that the daemon gets no further than its output holds.
    let all = large().repeat(MESSAGES);
    let mut connections: Vec<_> = (0..3)
        .map(|_| {
            let connection = UnixStream::connect(world.path("socket")).unwrap();
            connection.set_nonblocking(true).unwrap();
            connection
        })
        .collect();
    let written: Vec<usize> = connections.iter_mut().map(|it| push(it, &all)).collect();
    assert!(written.iter().sum::<usize>() < 3 * all.len(), "{written:?}");
    let megabytes = peak(child.id()) / 1024;
    assert!(megabytes < 200, "{megabytes} MB for {written:?} bytes");
    // As soon as somebody reads them it goes on, and each message has its report.
    let reports = BufReader::new(child.stdout.take().unwrap()).lines();
    let reading = std::thread::spawn(move || reports.take(3 * MESSAGES).count());
    for (connection, written) in connections.iter_mut().zip(written) {
        connection.set_nonblocking(false).unwrap();
        connection.set_write_timeout(Some(PATIENCE)).unwrap();
        connection.write_all(&all[written..]).unwrap();
    }
    assert_eq!(reading.join().unwrap(), 3 * MESSAGES);
    let megabytes = peak(child.id()) / 1024;
    assert!(megabytes < 200, "{megabytes} MB");
    child.kill().unwrap();
    child.wait().unwrap();
}
