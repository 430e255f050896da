//! History and journal grow to their limits and no further.

use super::common::{entry, folder, id, record, wait};
use mycelia_spore::store::{Store, StoreError};
use rusqlite::Connection;
use std::path::Path;

/// Lines of history kept of one site, and ended steps; see the comments of the tables.
const HISTORY: u64 = 200;
const JOURNAL: u64 = 50;

fn count(folder: &Path, table: &str, site: &str) -> u64 {
    let connection = Connection::open(folder.join("state.db")).unwrap();
    let query = format!("SELECT count(*) FROM {table} WHERE site = ?");
    let count: i64 = connection
        .query_row(&query, [site], |row| row.get(0))
        .unwrap();
    count.cast_unsigned()
}

#[test]
fn history_is_newest_first_and_keeps_its_newest_lines() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    wait(async {
        for number in 1..=HISTORY + 20 {
            for site in ["blog", "docs"] {
                let line = Some(entry(number));
                store
                    .commit(&id(site), record(number), None, line)
                    .await
                    .unwrap();
            }
        }
        let other = Some(entry(1));
        store
            .commit(&id("other"), record(1), None, other)
            .await
            .unwrap();
    });
    let lines = store.history(&id("blog"), usize::MAX).unwrap();
    let expected: Vec<_> = (21..=HISTORY + 20).rev().map(entry).collect();
    assert_eq!(lines, expected);
    assert_eq!(store.history(&id("blog"), 3).unwrap(), expected[..3]);
    assert_eq!(store.history(&id("blog"), 0).unwrap(), []);
    assert_eq!(count(&folder, "history", "blog"), HISTORY);
    assert_eq!(count(&folder, "history", "docs"), HISTORY);
    assert_eq!(count(&folder, "history", "other"), 1);
}

#[test]
fn the_journal_keeps_its_newest_ended_steps_and_every_open_one() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    let blog = id("blog");
    wait(async {
        let early = store.begin(&blog, 1, "publish", "early").await.unwrap();
        let other = store.begin(&id("docs"), 1, "publish", "t").await.unwrap();
        store.finish(other, true, "").await.unwrap();
        for seq in 2..=JOURNAL + 30 {
            let step = store.begin(&blog, seq, "publish", "t").await.unwrap();
            store.finish(step, seq % 2 == 0, "detail").await.unwrap();
        }
        assert_eq!(count(&folder, "journal", "blog"), JOURNAL + 1);
        assert_eq!(count(&folder, "journal", "docs"), 1);
        let open = store.interrupted().unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].id, open[0].target.as_str()), (early, "early"));
        store.finish(early, true, "").await.unwrap();
    });
    assert_eq!(store.interrupted().unwrap(), []);
    assert_eq!(count(&folder, "journal", "blog"), JOURNAL);
}

#[test]
fn interrupted_steps_are_told_oldest_first_until_they_are_looked_after() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    let before = jiff::Timestamp::now();
    let steps = wait(async {
        let mut steps = Vec::new();
        for (seq, site) in [(u64::MAX, "docs"), (8, "blog"), (9, "blog"), (10, "blog")] {
            let step = store
                .begin(&id(site), seq, "activate", "local-static/x")
                .await;
            steps.push(step.unwrap());
        }
        store.finish(steps[1], true, "well").await.unwrap();
        store.finish(steps[2], false, "badly").await.unwrap();
        steps
    });
    drop(store);
    let store = Store::open(&folder).unwrap();
    let found = store.interrupted().unwrap();
    let ids: Vec<_> = found.iter().map(|step| step.id).collect();
    assert_eq!(ids, [steps[0], steps[3]]);
    assert_eq!((&found[0].site, found[0].seq), (&id("docs"), u64::MAX));
    assert_eq!(found[1].action, "activate");
    assert_eq!(found[1].target, "local-static/x");
    let age = found[1].begun.duration_since(before).as_millis();
    assert!((-1..10_000).contains(&age), "{age} ms");
    wait(store.resolve_interrupted(found[0].id, "seen")).unwrap();
    drop(store);
    let store = Store::open(&folder).unwrap();
    assert_eq!(store.interrupted().unwrap(), found[1..]);
}

#[test]
fn a_store_opened_to_look_changes_nothing() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    wait(store.commit(&id("blog"), record(1), None, None)).unwrap();
    let reader = Store::open_readonly(&folder).unwrap();
    let refused = [
        wait(reader.commit(&id("blog"), record(2), None, None)),
        wait(reader.set_protected(&id("blog"), true)),
        wait(reader.begin(&id("blog"), 1, "publish", "t")).map(drop),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(StoreError::NotWritable)));
    }
    assert_eq!(reader.commits(), 0);
    assert_eq!(*reader.site(&id("blog")).unwrap(), record(1));
}
