//! What was acknowledged is there, whenever the process was killed.

use super::common::{entry, folder, given_folder, id, other_half, record, wait};
use mycelia_spore::store::Store;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

/// How often the writer is killed.
const KILLS: u64 = 15;

/// Sites that are written side by side.
const SITES: u64 = 4;

/// The other half: writes site after site and says for each change that it is kept.
#[test]
#[ignore = "started by the test that kills it"]
fn writer() {
    let Some(folder) = given_folder() else { return };
    let store = Store::open(&folder).unwrap();
    thread::scope(|scope| {
        for site in 0..SITES {
            let store = &store;
            scope.spawn(move || write_on(store, site));
        }
    });
}

fn write_on(store: &Store, site: u64) {
    let name = id(&format!("site-{site}"));
    let first = store.site(&name).map_or(0, |record| record.generation);
    for number in first + 1.. {
        let message = Some(number.to_le_bytes().repeat(100));
        wait(store.commit(&name, record(number), message, Some(entry(number)))).unwrap();
        let step = wait(store.begin(&name, number, "publish", "target")).unwrap();
        std::io::stderr()
            .write_all(format!("kept {site} {number}\n").as_bytes())
            .unwrap();
        wait(store.finish(step, true, "")).unwrap();
    }
}

/// Starts the writer, kills it at a random moment and gives the last change of each site that it said is
/// kept.
fn killed(folder: &Path) -> BTreeMap<u64, u64> {
    let mut child = other_half("kill::writer", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut kept = BTreeMap::new();
    let mut note = |line: String| {
        let words: Vec<&str> = line.split(' ').collect();
        let ["kept", site, number] = words[..] else {
            panic!("{line}")
        };
        kept.insert(site.parse().unwrap(), number.parse().unwrap());
    };
    note(lines.next().unwrap().unwrap());
    let delay = RandomState::new().hash_one(0) % 60_000;
    let killer = thread::spawn(move || {
        thread::sleep(Duration::from_micros(delay));
        child.kill().unwrap();
        child.wait().unwrap();
    });
    for line in lines {
        note(line.unwrap());
    }
    killer.join().unwrap();
    kept
}

#[test]
fn every_acknowledged_change_survives_sigkill() {
    let (_above, folder) = folder();
    let mut kept = BTreeMap::new();
    for _ in 0..KILLS {
        kept.extend(killed(&folder));
        let store = Store::open(&folder).unwrap();
        for site in 0..SITES {
            let name = id(&format!("site-{site}"));
            let last = kept.entry(site).or_default();
            let Some(found) = store.site(&name) else {
                assert_eq!(*last, 0);
                continue;
            };
            // The change that was under way may be kept or not, but only whole.
            let number = found.generation;
            assert!(
                (*last..=*last + 1).contains(&number),
                "{number}, not {last}"
            );
            *last = number;
            assert_eq!(*found, record(number));
            let message = store.message(&name).unwrap().unwrap();
            assert_eq!(message, number.to_le_bytes().repeat(100));
            assert_eq!(store.history(&name, 1).unwrap(), [entry(number)]);
        }
        interrupted_is_what_was_under_way(&store, &kept);
    }
    let total: u64 = kept.values().sum();
    assert!(total > KILLS, "the writer wrote next to nothing: {kept:?}");
}

/// At most one step of each site was begun and not ended. Looking after them empties the list.
fn interrupted_is_what_was_under_way(store: &Store, kept: &BTreeMap<u64, u64>) {
    let steps = store.interrupted().unwrap();
    for site in 0..SITES {
        let name = id(&format!("site-{site}"));
        let open: Vec<u64> = steps
            .iter()
            .filter(|step| step.site == name)
            .map(|step| step.seq)
            .collect();
        let last = kept[&site];
        assert!(open.len() <= 1, "{open:?}");
        assert!(open.iter().all(|seq| *seq == last), "{open:?}, not {last}");
    }
    for step in steps {
        wait(store.resolve_interrupted(step.id, "seen")).unwrap();
    }
    assert_eq!(store.interrupted().unwrap(), []);
}
