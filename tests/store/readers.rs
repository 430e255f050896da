//! Looking at the state of another process.

use super::common::{all, entry, folder, id, record, wait};
use mycelia_spore::store::Store;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn a_directory_that_is_not_there_is_an_empty_state_and_is_not_made() {
    let (_above, folder) = folder();
    let store = Store::open_readonly(&folder).unwrap();
    assert_eq!(store.sites(), []);
    assert_eq!(store.history(&id("blog"), 9).unwrap(), []);
    assert_eq!(store.message(&id("blog")).unwrap(), None);
    assert_eq!(store.interrupted().unwrap(), []);
    assert!(!folder.exists());
}

#[test]
fn a_reader_beside_a_writer_sees_what_was_kept_when_it_looked() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    for number in 1..30 {
        wait(store.commit(&id("blog"), record(number), None, Some(entry(number)))).unwrap();
        let reader = Store::open_readonly(&folder).unwrap();
        assert_eq!(all(&reader), all(&store));
        assert_eq!(reader.history(&id("blog"), 1).unwrap(), [entry(number)]);
    }
    // The writer's last connection to close leaves nothing behind that a reader needs.
    let reader = Store::open_readonly(&folder).unwrap();
    drop(store);
    assert_eq!(reader.history(&id("blog"), 1).unwrap(), [entry(29)]);
    assert_eq!(all(&Store::open_readonly(&folder).unwrap()), all(&reader));
}

#[test]
fn a_reader_does_not_hold_the_directory() {
    let (_above, folder) = folder();
    drop(Store::open(&folder).unwrap());
    let _reader = Store::open_readonly(&folder).unwrap();
    let store = Store::open(&folder).unwrap();
    wait(store.commit(&id("blog"), record(1), None, None)).unwrap();
}

/// `status` as another user.
fn status_as_nobody(folder: &Path) -> Option<Output> {
    // The program is run from where everybody may reach it.
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("mycelia-spore");
    fs::copy(env!("CARGO_BIN_EXE_mycelia-spore"), &program).unwrap();
    open(place.path(), 0o755);
    let run = |program: &Path, arguments: &[&str]| {
        Command::new("setpriv")
            .env_remove("HOME")
            .env_remove("XDG_CONFIG_HOME")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(program)
            .args(arguments)
            .output()
    };
    if !run(Path::new("true"), &[]).is_ok_and(|can| can.status.success()) {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: becoming another user needs root (or CAP_SETUID) and setpriv"
        );
        return None;
    }
    let arguments = [
        "status",
        "-o",
        "json",
        "--state-dir",
        folder.to_str().unwrap(),
    ];
    Some(run(&program, &arguments).unwrap())
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A state directory whose operator lets others look, and one site in it.
fn opened(above: &Path, folder: &Path) -> Store {
    let store = Store::open(folder).unwrap();
    wait(store.commit(&id("blog"), record(1), None, None)).unwrap();
    open(above, 0o755);
    open(folder, 0o755);
    open(&folder.join("state.db"), 0o644);
    store
}

#[test]
fn a_reader_that_may_not_write_sees_a_state_at_rest() {
    let (above, folder) = folder();
    drop(opened(above.path(), &folder));
    let Some(told) = status_as_nobody(&folder) else {
        return;
    };
    let sites = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{told:?}");
    assert!(sites.contains("\"site\":\"blog\""), "{sites}");
}

#[test]
fn a_reader_that_may_not_write_sees_the_state_of_a_running_daemon() {
    let (above, folder) = folder();
    let store = opened(above.path(), &folder);
    for name in ["state.db-wal", "state.db-shm"] {
        open(&folder.join(name), 0o644);
    }
    let Some(told) = status_as_nobody(&folder) else {
        return;
    };
    let sites = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{told:?}");
    assert!(sites.contains("\"site\":\"blog\""), "{sites}");
    drop(store);
}

#[test]
fn a_reader_that_may_not_look_is_told_what_it_may_not_read() {
    let (above, folder) = folder();
    drop(Store::open(&folder).unwrap());
    open(above.path(), 0o755);
    // The directory is closed, then it is open and the database is closed.
    for mode in [0o700, 0o755] {
        open(&folder, mode);
        let Some(told) = status_as_nobody(&folder) else {
            return;
        };
        let error = String::from_utf8_lossy(&told.stderr);
        assert_eq!(told.status.code(), Some(1), "{told:?}");
        assert!(error.contains("state.db"), "{error}");
        assert!(error.contains("ermission denied"), "{error}");
    }
}
