//! Programs that are told.

use crate::daemon::Daemon;
use crate::living::{Living, PATIENCE, notification, notifications};
use mycelia_spore::notify::Receiver;
use mycelia_spore::report::Outcome;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A script that is told.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("told");
    fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

/// The content of a file that a script moves into place.
fn content(path: &Path) -> String {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Ok(text) = fs::read_to_string(path) {
            return text;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} was not written", path.display())
}

#[test]
fn a_program_reads_the_announcement_and_sees_nothing_else_of_the_daemon() {
    let (daemon, folder) = (Daemon::new(), tempfile::tempdir().unwrap());
    let path = script(
        folder.path(),
        "out=$1/$SPORE_SITE-$SPORE_STATE\n{ pwd; env | sort; echo; cat; } >$out.new && mv $out.new $out\n",
    );
    let args = vec![folder.path().to_str().unwrap().to_owned()];
    let receiver = Receiver::Program { path, args };
    let living = Living::new(&daemon, notifications(vec![notification("mail", receiver)]));
    let source = daemon.source("blog", &[("index.html", "one")]);
    assert_eq!(living.send("blog", &source.join("gone")), Outcome::Failed);
    let text = content(&folder.path().join("blog-failing"));
    let (environment, body) = text.split_once("\n\n").unwrap();
    let mut names = Vec::new();
    for line in environment.lines().skip(1) {
        names.push(line.split_once('=').unwrap().0);
    }
    // The shell sets the last two of its own.
    names.retain(|name| !["PWD", "_", "SHLVL", "OLDPWD"].contains(name));
    let expected = [
        "PATH",
        "SPORE_CLASS",
        "SPORE_ID",
        "SPORE_KIND",
        "SPORE_NOTIFICATION",
        "SPORE_SITE",
        "SPORE_STATE",
    ];
    assert_eq!(names, expected);
    assert!(environment.starts_with("/\n"), "{environment}");
    assert!(environment.contains("SPORE_NOTIFICATION=mail\n"));
    assert!(environment.contains("SPORE_KIND=failure\n"));
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["type"], "site.failure");
    assert_eq!(living.send("blog", &source), Outcome::Applied);
    let text = content(&folder.path().join("blog-good"));
    assert!(text.contains("SPORE_KIND=recovery\nSPORE_NOTIFICATION=mail\n"));
    living.end();
}

#[test]
fn a_program_that_fails_stops_neither_the_daemon_nor_the_next_telling() {
    let (daemon, folder) = (Daemon::new(), tempfile::tempdir().unwrap());
    let path = script(
        folder.path(),
        "[ $SPORE_SITE = next ] && touch $1/next\necho 'no mail today' >&2\nexit 3\n",
    );
    let args = vec![folder.path().to_str().unwrap().to_owned()];
    let receiver = Receiver::Program { path, args };
    let gone = Receiver::Program {
        path: "/nonexistent/program".into(),
        args: Vec::new(),
    };
    let both = vec![notification("gone", gone), notification("mail", receiver)];
    let living = Living::new(&daemon, notifications(both));
    for site in ["blog", "next"] {
        let outcome = living.send(site, &daemon.state().join("nowhere"));
        assert_eq!(outcome, Outcome::Failed);
    }
    content(&folder.path().join("next"));
    living.end();
}
