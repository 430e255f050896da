//! Receivers that are only looked at.

use crate::living::{KEY, notification, notifications, webhook};
use crate::server::{Server, plain};
use mycelia_spore::notify::{Notifications, Receiver, examine};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// What is found of the only one.
fn found(notifications: &Notifications) -> Result<String, String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut examined = runtime.block_on(examine(notifications));
    assert_eq!(examined.len(), 1);
    examined.remove(0).1.map_err(|error| error.full())
}

#[test]
fn a_server_is_asked_for_nothing_and_told_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // It does not even know the method.
    let server = Server::always(plain(405, "Allow: POST\n", ""));
    let told = found(&webhook(folder.path(), server.url("/hook"))).unwrap();
    assert_eq!(told, "its server answers, and its key can be read");
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let text = format!("{:?}", requests[0]);
    assert!(text.contains("HEAD"), "{text}");
    assert!(!text.contains("webhook-") && !text.contains(KEY), "{text}");
}

#[test]
fn a_server_that_is_not_there_is_told_without_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::always(plain(200, "", ""));
    let url = server.url("/secret-path");
    drop(server);
    let told = found(&webhook(folder.path(), url)).unwrap_err();
    assert!(told.starts_with("its server does not answer: "), "{told}");
    assert!(!told.contains("secret-path"), "{told}");
}

#[test]
fn a_key_that_is_none_is_told_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::always(plain(200, "", ""));
    let notifications = webhook(folder.path(), server.url("/"));
    fs::write(folder.path().join("key"), "whsec_!").unwrap();
    let told = found(&notifications).unwrap_err();
    assert!(told.starts_with("its secret cannot be used: "), "{told}");
    assert_eq!(server.count(), 0);
}

#[test]
fn a_program_must_be_there_and_may_be_executed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("told");
    let program = |path: PathBuf| {
        let receiver = Receiver::Program {
            path,
            args: Vec::new(),
        };
        found(&notifications(vec![notification("mail", receiver)]))
            .map_err(|told| told.replace(folder.path().to_str().unwrap(), "FOLDER"))
    };
    let missing = program(path.clone()).unwrap_err();
    assert_eq!(
        missing,
        "FOLDER/told cannot be run: No such file or directory (os error 2)"
    );
    fs::write(&path, "#!/bin/sh\ntouch \"$0.was-run\"\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let plain = program(path.clone()).unwrap_err();
    assert_eq!(plain, "FOLDER/told may not be executed");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    assert!(program(path).is_ok());
    assert!(
        program(folder.path().to_owned())
            .unwrap_err()
            .ends_with("is not a file")
    );
    assert!(!folder.path().join("told.was-run").exists());
}
