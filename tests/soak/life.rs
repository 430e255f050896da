//! The daemon's lives.

use crate::Size;
use crate::farm::Farm;
use crate::ledger::Ledger;
use crate::producers::{self, Shift};
use crate::trouble::trouble;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

/// How long nothing may come of anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// What part of the messages is left for the last life, in which memory is looked at.
const LAST: usize = 4;

/// Memory that the last life may take beyond what it had after a quarter of its messages, in bytes.
const GROWTH: u64 = 24 << 20;

/// Lets the daemon live and die until all messages have their reports.
pub(crate) fn lead(farm: &Farm, ledger: &Arc<Ledger>, size: Size) {
    let mut random = fastrand::Rng::with_seed(size.seed);
    let before_last = size.messages - size.messages / LAST;
    for life in 0..=size.kills {
        let last = life == size.kills;
        let target = (!last).then(|| before_last * (life + 1) / size.kills);
        one_life(farm, ledger, target, &mut random);
    }
}

/// One life: it ends by SIGKILL when so many messages were reported, or in good order after all of them.
fn one_life(farm: &Farm, ledger: &Arc<Ledger>, target: Option<usize>, random: &mut fastrand::Rng) {
    let mut child = start(farm);
    let pid = Pid::from_child(&child);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = End(pid, &over);
        let reports = child.stdout.take().unwrap();
        let reading = scope.spawn(move || {
            for line in BufReader::new(reports).lines().map_while(Result::ok) {
                // The last line of one that was killed may be torn.
                if let Ok(report) = serde_json::from_str(&line) {
                    ledger.report(&report);
                }
            }
        });
        ready(farm, &mut child);
        let mut hands: Vec<ScopedJoinHandle<'_, ()>> = Vec::new();
        for producer in
            [producers::pipe, producers::socket, producers::calls] as [fn(&Shift<'_>); 3]
        {
            let shift = Shift {
                farm,
                ledger,
                over: &over,
                random: random.fork(),
            };
            hands.push(scope.spawn(move || producer(&shift)));
        }
        let random = random.fork();
        hands.push(spawn_trouble(scope, pid, &over, random.clone()));
        match target {
            Some(target) => {
                until("messages are reported", ledger, || {
                    ledger.reported() >= target
                });
                kill_process(pid, Signal::KILL).unwrap();
                over.store(true, Ordering::SeqCst);
            }
            None => last(farm, ledger, pid, &over),
        }
        let ended = child.wait().unwrap();
        assert_eq!(ended.success(), target.is_none(), "{ended}");
        for hand in hands {
            hand.join().unwrap();
        }
        reading.join().unwrap();
    });
}

fn spawn_trouble<'scope>(
    scope: &'scope Scope<'scope, '_>,
    pid: Pid,
    over: &'scope AtomicBool,
    random: fastrand::Rng,
) -> ScopedJoinHandle<'scope, ()> {
    scope.spawn(move || trouble(pid, over, random))
}

fn start(farm: &Farm) -> Child {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(farm.path("log"));
    farm.command().stderr(log.unwrap()).spawn().unwrap()
}

/// Ends the process, and with it all who talk with it, when a test fails.
struct End<'a>(Pid, &'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.1.store(true, Ordering::SeqCst);
            let _ = kill_process(self.0, Signal::KILL);
        }
    }
}

/// Waits until nobody who connects is refused.
fn ready(farm: &Farm, child: &mut Child) {
    let begun = Instant::now();
    while UnixStream::connect(farm.path("calls")).is_err() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}: {}", log(farm));
        assert!(
            begun.elapsed() < PATIENCE,
            "it does not start: {}",
            log(farm)
        );
        sleep(Duration::from_millis(2));
    }
}

fn log(farm: &Farm) -> String {
    let text = fs::read_to_string(farm.path("log")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Waits until something holds, as long as reports keep coming.
fn until(what: &str, ledger: &Ledger, holds: impl Fn() -> bool) {
    let (mut reported, mut at) = (ledger.reported(), Instant::now());
    while !holds() {
        sleep(Duration::from_millis(5));
        let now = ledger.reported();
        if now != reported {
            (reported, at) = (now, Instant::now());
        }
        assert!(
            at.elapsed() < PATIENCE,
            "in vain: {what}: {now} reported, {} open",
            ledger.is_open()
        );
    }
}

/// The last life: everything is reported, every site comes to be as asked, and neither memory nor descriptors grow.
fn last(farm: &Farm, ledger: &Ledger, pid: Pid, over: &AtomicBool) {
    let (from, all) = (ledger.reported(), ledger.messages());
    until("a quarter is reported", ledger, || {
        ledger.reported() >= from + (all - from) / 4
    });
    let before = Used::by(pid);
    until("all is reported", ledger, || {
        ledger.all_made() && ledger.is_open() == 0
    });
    over.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    while !(0..ledger.sites()).all(|site| farm.is_newest(ledger, site)) {
        if begun.elapsed() > PATIENCE {
            eprintln!("{}", log(farm));
            farm.check(ledger);
        }
        sleep(Duration::from_millis(50));
    }
    let after = Used::by(pid);
    eprintln!("after a quarter of the last life: {before:?}; at its end: {after:?}");
    assert!(
        after.memory <= before.memory + GROWTH,
        "{before:?} {after:?}"
    );
    assert!(
        after.descriptors <= before.descriptors + 8,
        "{before:?} {after:?}"
    );
    kill_process(pid, Signal::TERM).unwrap();
}

/// What a process uses.
#[derive(Clone, Copy, Debug)]
struct Used {
    /// Bytes.
    memory: u64,
    descriptors: usize,
}

impl Used {
    fn by(pid: Pid) -> Self {
        let pid = pid.as_raw_nonzero();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        Self {
            memory: kilobytes << 10,
            descriptors: fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(),
        }
    }
}
