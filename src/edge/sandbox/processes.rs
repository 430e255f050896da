//! Looks at processes, by what `/proc` tells of them (proc(5)).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// How often processes that are being ended are looked at.
const POLL: Duration = Duration::from_millis(5);

/// The bytes of a page of memory, as `/proc` counts it.
const PAGE: u64 = 4096;

/// Processes, and what they use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) pids: BTreeSet<i32>,
    /// Memory of their own, in bytes; what they share with others or with a file left out.
    pub(super) memory: u64,
}

/// A process with all that it started and what these started.
pub(super) fn family(of: i32) -> Family {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for pid in all() {
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let (mut found, mut next) = (Family::default(), vec![of]);
    while let Some(pid) = next.pop() {
        if found.pids.insert(pid) {
            found.memory = found.memory.saturating_add(memory(pid));
            next.extend(children.remove(&pid).unwrap_or_default());
        }
    }
    found
}

/// The processes with this in their environment.
pub(super) fn marked(mark: &str) -> BTreeSet<i32> {
    let has = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| variable == mark.as_bytes())
    };
    all().filter(has).collect()
}

/// Waits until these are gone; whether they are.
pub(super) fn gone(pids: &BTreeSet<i32>, longest: Duration) -> bool {
    let deadline = Instant::now() + longest;
    loop {
        if !pids.iter().any(|pid| runs(*pid)) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}

fn all() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The state and the parent of a process: the first two fields of `stat` after the name, which is in parentheses and
/// may itself hold some.
fn state(pid: i32) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

fn parent(pid: i32) -> Option<i32> {
    state(pid).map(|(_, parent)| parent)
}

/// Whether a process is there and more than a remembered end (Z).
fn runs(pid: i32) -> bool {
    state(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// Memory in use less what is shared, by `statm`: size, resident, shared.
fn memory(pid: i32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let mut pages = statm
        .split_ascii_whitespace()
        .map(|it| it.parse().unwrap_or(0));
    let (resident, shared) = (pages.nth(1).unwrap_or(0), pages.next().unwrap_or(0));
    let own: u64 = u64::saturating_sub(resident, shared);
    own.saturating_mul(PAGE)
}
