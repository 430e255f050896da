//! One process at a time.

use super::common::{folder, given_folder, other_half};
use mycelia_spore::store::{Store, StoreError};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

#[test]
fn the_same_process_cannot_take_a_directory_twice() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    let error = Store::open(&folder).unwrap_err();
    let me = std::process::id().to_string();
    assert!(matches!(&error, StoreError::Locked { holder, .. } if *holder == me));
    let clone = store.clone();
    drop(store);
    Store::open(&folder).unwrap_err();
    drop(clone);
    Store::open(&folder).unwrap();
}

/// The other half: holds the directory until it is killed.
#[test]
#[ignore = "started by the tests of the lock"]
fn holder() {
    let Some(folder) = given_folder() else { return };
    let _store = Store::open(&folder).unwrap();
    eprint_ready();
    thread::sleep(Duration::from_secs(60));
}

/// Tells the first half that the directory is held.
fn eprint_ready() {
    use std::io::Write;
    std::io::stderr().write_all(b"ready\n").unwrap();
}

/// A process that holds the directory.
fn hold(folder: &std::path::Path) -> Child {
    let mut child = other_half("lock::holder", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut told = BufReader::new(child.stderr.as_mut().unwrap());
    told.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

#[test]
fn another_process_is_named_and_its_death_frees_the_directory() {
    let (_above, folder) = folder();
    let mut child = hold(&folder);
    let error = Store::open(&folder).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "state directory {} is in use by process {}",
            folder.display(),
            child.id()
        )
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let store = Store::open(&folder).unwrap();
    let error = Store::open(&folder).unwrap_err();
    assert!(matches!(&error, StoreError::Locked { holder, .. }
        if *holder == std::process::id().to_string()));
    drop(store);
}

/// The command that changes says so; the one that looks does not mind.
#[test]
fn commands_say_who_holds_the_directory() {
    let (_above, folder) = folder();
    let mut child = hold(&folder);
    let run = |command: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mycelia-spore"))
            .args([command, "--state-dir"])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = String::new();
        let mut stderr = command.stderr.take().unwrap();
        stderr.read_to_string(&mut told).unwrap();
        (command.wait().unwrap().code(), told)
    };
    let (code, told) = run("run");
    assert_eq!(code, Some(1));
    let holder = format!("is in use by process {}", child.id());
    assert!(told.contains(&holder), "{told}");
    let (code, told) = run("status");
    assert_eq!(code, Some(0), "{told}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(run("run").0, Some(0));
}

#[test]
fn a_lock_file_left_behind_is_no_lock() {
    let (_above, folder) = folder();
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("lock"), "1234567890\nold\n").unwrap();
    let _store = Store::open(&folder).unwrap();
    let now = std::fs::read_to_string(folder.join("lock")).unwrap();
    assert_eq!(now, format!("{}\n", std::process::id()));
}
