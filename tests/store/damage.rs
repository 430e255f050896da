//! What cannot be read is said to be so, and is left as it is.

use super::common::{entry, folder, id, record, wait};
use mycelia_spore::release::Digest;
use mycelia_spore::store::{SiteRecord, Store, StoreError};
use rusqlite::Connection;
use std::fs;
use std::path::Path;

/// A closed state directory with one site.
fn state() -> (tempfile::TempDir, std::path::PathBuf) {
    let (above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    let message = Some(vec![7; 20_000]);
    wait(store.commit(&id("blog"), record(1), message, Some(entry(1)))).unwrap();
    (above, folder)
}

fn change(folder: &Path, statement: &str) {
    let connection = Connection::open(folder.join("state.db")).unwrap();
    connection.execute_batch(statement).unwrap();
}

/// What both ways of opening say.
fn refusals(folder: &Path) -> [StoreError; 2] {
    [
        Store::open(folder).unwrap_err(),
        Store::open_readonly(folder).unwrap_err(),
    ]
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let (_above, folder) = state();
    change(&folder, "PRAGMA user_version = 5; CREATE TABLE later (x)");
    let before = fs::read(folder.join("state.db")).unwrap();
    for error in refusals(&folder) {
        assert!(matches!(
            error,
            StoreError::Newer {
                found: 5,
                known: 4,
                ..
            }
        ));
        let expected = format!(
            "state database {}/state.db has revision 5; this version knows 4",
            folder.display()
        );
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(fs::read(folder.join("state.db")).unwrap(), before);
    // The directory is free again.
    change(&folder, "PRAGMA user_version = 4");
    Store::open(&folder).unwrap();
}

#[test]
fn a_database_of_the_first_revision_is_read_and_updated() {
    let (_above, folder) = state();
    change(
        &folder,
        "DROP TABLE accepted; DROP TABLE accepted_message; DROP TABLE told; \
         ALTER TABLE site DROP COLUMN sent; PRAGMA user_version = 1",
    );
    let before = Store::open_readonly(&folder).unwrap().sites();
    assert!(!before.is_empty());
    assert!(before.iter().all(|(_, record)| record.sent.is_empty()));
    let store = Store::open(&folder).unwrap();
    assert_eq!(store.sites(), before);
    let (id, record) = &before[0];
    let mut record = SiteRecord::clone(record);
    record.sent = [("env".to_owned(), Digest::of(b"sent"))].into();
    wait(store.commit(id, record.clone(), None, None)).unwrap();
    drop(store);
    assert_eq!(*Store::open(&folder).unwrap().site(id).unwrap(), record);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_above, folder) = state();
    let text = "not a database".repeat(1000);
    fs::write(folder.join("state.db"), &text).unwrap();
    for error in refusals(&folder) {
        let told = error.to_string();
        assert!(told.contains("is not a database"), "{told}");
        assert!(told.contains("state.db"), "the file is not named: {told}");
    }
    assert_eq!(fs::read_to_string(folder.join("state.db")).unwrap(), text);
}

#[test]
fn a_damaged_page_is_an_error() {
    let (_above, folder) = state();
    let path = folder.join("state.db");
    let mut bytes = fs::read(&path).unwrap();
    // The first page holds the list of the tables, after SQLite's own header of 100 bytes.
    bytes[100..4096].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    for error in refusals(&folder) {
        let told = error.to_string();
        assert!(told.contains("malformed"), "{told}");
        assert!(told.contains("state.db"), "the file is not named: {told}");
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_database_cut_short_is_an_error() {
    let (_above, folder) = state();
    let path = folder.join("state.db");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..4096]).unwrap();
    for error in refusals(&folder) {
        assert!(error.to_string().contains("malformed"), "{error}");
    }
}

#[test]
fn a_value_that_is_not_understood_is_told_with_its_site_and_column() {
    let cases = [
        ("provider", "'tape'"),
        ("project", "'Not A Name'"),
        ("config_digest", "x'00'"),
        ("fingerprint", "x'00'"),
        ("artifact", "x'0011'"),
        ("release", "'short'"),
        ("applied_at", "9223372036854775807"),
        ("next_edge", "9223372036854775807"),
        ("held", "x''"),
        ("state", "'asleep'"),
        ("labels", "'{'"),
    ];
    for (column, value) in cases {
        let (_above, folder) = state();
        change(&folder, &format!("UPDATE site SET {column} = {value}"));
        for error in refusals(&folder) {
            let told = error.to_string();
            let what = format!("site blog: column {column} is damaged");
            assert!(told.contains(&what), "{column}: {told}");
        }
    }
    let (_above, folder) = state();
    change(&folder, "UPDATE site SET id = 'No Id'");
    for error in refusals(&folder) {
        assert!(
            error.to_string().contains("column id is damaged"),
            "{error}"
        );
    }
}

#[test]
fn damaged_history_and_journal_do_not_stop_the_daemon_from_starting() {
    let (_above, folder) = state();
    change(&folder, "UPDATE history SET cause = 'whim'");
    let store = Store::open(&folder).unwrap();
    let told = store.history(&id("blog"), 1).unwrap_err().to_string();
    assert!(told.contains("site blog: history column cause"), "{told}");
    assert_eq!(*store.site(&id("blog")).unwrap(), record(1));
}

/// What a crash between the making of the file and of its tables leaves.
#[test]
fn an_empty_database_file_is_an_empty_state() {
    let (_above, folder) = folder();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("state.db"), "").unwrap();
    assert_eq!(Store::open_readonly(&folder).unwrap().sites(), []);
    let store = Store::open(&folder).unwrap();
    wait(store.commit(&id("blog"), record(1), None, None)).unwrap();
    drop(store);
    assert_eq!(Store::open_readonly(&folder).unwrap().sites().len(), 1);
}

#[test]
fn what_was_written_before_a_crash_is_read_from_the_log() {
    let (above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    wait(store.commit(&id("blog"), record(5), None, None)).unwrap();
    // What a power cut leaves: the database with its log, and no shared memory.
    let left = above.path().join("left");
    fs::create_dir(&left).unwrap();
    for name in ["state.db", "state.db-wal"] {
        fs::copy(folder.join(name), left.join(name)).unwrap();
    }
    drop(store);
    // A last transaction of which only a part arrived counts as not made.
    let log = left.join("state.db-wal");
    let length = fs::metadata(&log).unwrap().len();
    let mut bytes = fs::read(&log).unwrap();
    bytes.extend_from_slice(&vec![0xff; 3000]);
    fs::write(&log, bytes).unwrap();
    assert!(length > 0);
    let store = Store::open(&left).unwrap();
    assert_eq!(*store.site(&id("blog")).unwrap(), record(5));
}
