//! A daemon that is running, and what it reports.

use crate::world::{Ended, World, stream};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Daemon<'w> {
    world: &'w World,
    child: Option<Child>,
    reports: Receiver<Value>,
    log: Option<thread::JoinHandle<String>>,
}

impl<'w> Daemon<'w> {
    /// Runs it, and waits until these files are there.
    pub(crate) fn start(world: &'w World, arguments: &[&str], signs: &[&str]) -> Self {
        let usual = ["run", "--source-root", "sites", "-o", "json"];
        let mut command = world.command(&[&usual[..], arguments].concat());
        command.stdin(std::process::Stdio::null());
        Self::of(world, command.spawn().unwrap(), signs)
    }

    pub(crate) fn of(world: &'w World, mut child: Child, signs: &[&str]) -> Self {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, reports) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                drop(sender.send(serde_json::from_str(&line).unwrap()));
            }
        });
        // A log that goes elsewhere is read there.
        let errors = child.stderr.take();
        let log = thread::spawn(move || {
            let mut text = String::new();
            if let Some(mut errors) = errors {
                errors.read_to_string(&mut text).unwrap();
            }
            text
        });
        let mut daemon = Self {
            world,
            child: Some(child),
            reports,
            log: Some(log),
        };
        for sign in signs {
            until(sign, || {
                daemon.alive();
                is_ready(&world.path(sign))
            });
        }
        daemon
    }

    fn alive(&mut self) {
        let ended = self.child.as_mut().unwrap().try_wait().unwrap();
        if let Some(status) = ended {
            let log = self.log.take().unwrap().join().unwrap();
            panic!("the daemon ended: {status}: {log}");
        }
    }

    /// The next report.
    pub(crate) fn report(&self) -> Value {
        self.reports.recv_timeout(PATIENCE).unwrap()
    }

    /// The next report, if it comes soon.
    pub(crate) fn soon(&self) -> Option<Value> {
        self.reports.recv_timeout(Duration::from_millis(100)).ok()
    }

    /// The next reports by number: they come as they are done.
    pub(crate) fn reports(&self, count: usize) -> Vec<Value> {
        let mut reports: Vec<_> = (0..count).map(|_| self.report()).collect();
        reports.sort_by_key(|report| report["seq"].as_u64());
        reports
    }

    /// The same, by site, number and outcome.
    pub(crate) fn told(&self, count: usize) -> Vec<(String, u64, String)> {
        self.reports(count).iter().map(line).collect()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.child.as_ref().unwrap()), signal).unwrap();
    }

    /// Ends it by a signal: its exit code, the reports not yet read, and its log.
    pub(crate) fn stop(self, signal: Signal) -> (Option<i32>, Vec<Value>, String) {
        self.signal(signal);
        self.ended()
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> (Option<i32>, Vec<Value>, String) {
        let mut child = self.child.take().unwrap();
        let status = child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        (status.code(), self.reports.iter().collect(), log)
    }

    /// Sends messages by the command.
    pub(crate) fn send(&self, arguments: &[&str]) -> Ended {
        self.world.spore(&[&["send"], arguments].concat(), b"")
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Whether a file is there; a socket is only when somebody listens.
fn is_ready(path: &Path) -> bool {
    let found = fs::metadata(path);
    found.is_ok_and(|found| !found.file_type().is_socket() || UnixStream::connect(path).is_ok())
}

/// Site, number and outcome of a report.
pub(crate) fn line(report: &Value) -> (String, u64, String) {
    let text = |key: &str| report[key].as_str().unwrap_or("-").to_owned();
    (
        text("site"),
        report["seq"].as_u64().unwrap(),
        text("outcome"),
    )
}

/// What reports say in one line each.
pub(crate) fn lines(reports: &[Value]) -> Vec<String> {
    let told = reports.iter().map(line);
    told.map(|(site, seq, outcome)| format!("{seq} {site} {outcome}"))
        .collect()
}

/// Waits until something holds; a test that waits in vain fails.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The packed message of a website.
pub(crate) fn message(world: &World, id: &str) -> Vec<u8> {
    stream([world.site(id, id)])
}
