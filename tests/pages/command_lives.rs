//! The real daemon over the fake: what a provider lets wait keeps nobody else waiting.

use crate::cli::World;
use crate::cloudflare::Fault;
use mycelia_spore::encode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes that does not fail.
const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon that works on one site at a time, until it is dropped.
struct Daemon<'w> {
    world: &'w World,
    child: Child,
    reports: Receiver<Value>,
}

impl<'w> Daemon<'w> {
    fn start(world: &'w World) -> Self {
        let settings = fs::read_to_string(world.path("settings.toml")).unwrap();
        let status = format!("[status]\nlisten = \"unix:{}\"\n", world.path("status"));
        world.write("settings.toml", format!("{settings}{status}"));
        fs::create_dir_all(world.path("spool")).unwrap();
        let source = format!("dir:{}", world.path("spool"));
        let usual = ["run", "--jobs", "1", "--output=json", "--source"];
        let mut command = world.command(&[&usual[..], &[&source]].concat());
        command.stderr(File::create(world.path("log")).unwrap());
        let mut child = command.stdin(Stdio::null()).spawn().unwrap();
        let (sender, reports) = mpsc::channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                drop(sender.send(serde_json::from_str(&line).unwrap()));
            }
        });
        let daemon = Self {
            world,
            child,
            reports,
        };
        daemon.until("it is there", || daemon.metrics().is_some());
        daemon
    }

    fn send(&self, message: &Value) {
        let document = encode::yaml(&message.to_string()).unwrap().remove(0);
        let bytes = encode::to_message(&document).unwrap();
        self.world.write("message", bytes);
        let id = message["site"]["id"].as_str().unwrap();
        let name = format!("spool/{id}.bin");
        fs::rename(self.world.path("message"), self.world.path(&name)).unwrap();
    }

    /// Site and outcome of the next report.
    fn report(&self) -> (String, String) {
        let report = self.reports.recv_timeout(PATIENCE).unwrap();
        let text = |name: &str| report[name].as_str().unwrap().to_owned();
        (text("site"), text("outcome"))
    }

    /// The table of sites.
    fn status(&self) -> String {
        let output = self.world.command(&["status", "--output=text"]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    fn metrics(&self) -> Option<String> {
        let mut connection = UnixStream::connect(self.world.path("status")).ok()?;
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        connection.write_all(request.as_bytes()).ok()?;
        let mut text = String::new();
        connection.read_to_string(&mut text).ok()?;
        text.starts_with("HTTP/1.1 200").then_some(text)
    }

    /// What is left of the allowance.
    fn remaining(&self) -> Option<u32> {
        let metrics = self.metrics()?;
        let mut lines = metrics.lines();
        let line = lines.find(|line| line.starts_with("spore_requests_remaining{"))?;
        line.rsplit_once(' ')?.1.parse().ok()
    }

    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            let log = || fs::read_to_string(self.world.path("log"));
            assert!(begun.elapsed() < PATIENCE, "in vain: {what}: {:?}", log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The site of the manual without names, and one on this machine.
fn sites(world: &World) -> (Value, Value) {
    let mut remote = world.notes();
    for section in ["domains", "dns"] {
        remote.as_object_mut().unwrap().shift_remove(section);
    }
    let mut local = remote.clone();
    local["site"]["id"] = json!("here");
    local["hosting"] = json!({ "provider": "localStatic" });
    (remote, local)
}

#[test]
fn an_account_that_asks_for_minutes_has_no_job_meanwhile() {
    let world = World::new();
    world.fake.fault(Fault::throttled(Some(240)).first(1));
    let daemon = Daemon::start(&world);
    let (remote, local) = sites(&world);
    daemon.send(&remote);
    daemon.until("it was asked", || !world.fake.calls().is_empty());
    daemon.send(&local);
    assert_eq!(daemon.report(), ("here".into(), "applied".into()));
    let status = daemon.status();
    let line = status.lines().find(|line| line.starts_with("notes "));
    let words: Vec<&str> = line.unwrap().split_whitespace().collect();
    assert!(["held", "retrying"].contains(&words[1]), "{status}");
    assert_eq!(world.fake.calls().len(), 1);
}

#[test]
fn what_is_left_of_an_allowance_outlives_new_settings() {
    let world = World::new();
    let daemon = Daemon::start(&world);
    assert_eq!(daemon.remaining(), None);
    daemon.send(&sites(&world).0);
    assert_eq!(daemon.report(), ("notes".into(), "applied".into()));
    let before = daemon.remaining().unwrap();
    assert!(before < 1200, "{before}");
    daemon.signal(Signal::HUP);
    daemon.until("the settings are read again", || {
        let log = fs::read_to_string(world.path("log")).unwrap();
        log.contains("read again")
    });
    assert_eq!(daemon.remaining(), Some(before));
}
