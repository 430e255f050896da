//! Going back, and what later messages may undo of it.

use crate::common::{files, page};
use crate::daemon::{Daemon, outcome, reasons, steps};
use mycelia_spore::report::Outcome;
use mycelia_spore::store::Cause;
use std::fs;
use std::path::PathBuf;

/// A site of files with two releases.
fn two_releases(daemon: &Daemon) -> (PathBuf, Vec<u8>) {
    let source = daemon.source("blog", &[("index.html", "one")]);
    let message = files("blog", &source, |config| {
        config.init_domains().set_primary("blog.example");
    });
    daemon.send(message.clone());
    fs::write(source.join("index.html"), "two").unwrap();
    daemon.send(message.clone());
    (source, message)
}

#[test]
fn a_rollback_holds_until_the_files_change() {
    let daemon = Daemon::new();
    let (source, message) = two_releases(&daemon);
    let report = daemon.rollback("blog", None);
    assert_eq!(report.outcome, Outcome::Applied);
    assert_eq!(daemon.index("blog"), "one");
    assert_eq!(daemon.live("blog").unwrap().primary, "blog.example");
    assert_eq!(daemon.history("blog")[0].cause, Cause::Rollback);
    for _ in 0..2 {
        let report = daemon.send(message.clone());
        assert_eq!((outcome(&report), steps(&report).len()), ("unchanged", 0));
        assert!(reasons(&report)[0].contains("rolled back"));
        assert_eq!(daemon.index("blog"), "one");
        let live = daemon.live("blog").unwrap().release;
        assert_eq!(report["release"], live.as_str());
    }
    fs::write(source.join("index.html"), "three").unwrap();
    assert_eq!(outcome(&daemon.send(message.clone())), "applied");
    assert_eq!(daemon.index("blog"), "three");
    // The hold went with the change.
    fs::write(source.join("index.html"), "two").unwrap();
    assert_eq!(outcome(&daemon.send(message)), "applied");
    assert_eq!(daemon.index("blog"), "two");
}

#[test]
fn a_held_site_still_takes_new_names() {
    let daemon = Daemon::new();
    let (source, _) = two_releases(&daemon);
    daemon.rollback("blog", None);
    let renamed = files("blog", &source, |config| {
        config.init_domains().set_primary("new.example");
    });
    let report = daemon.send(renamed);
    assert_eq!(
        (outcome(&report), &*steps(&report)),
        ("applied", &["set-names"][..])
    );
    assert_eq!(daemon.live("blog").unwrap().primary, "new.example");
    assert_eq!(daemon.index("blog"), "one");
}

#[test]
fn rolling_forward_lifts_the_hold() {
    let daemon = Daemon::new();
    let (_, message) = two_releases(&daemon);
    let newest = daemon.live("blog").unwrap().release;
    daemon.rollback("blog", None);
    let report = daemon.rollback("blog", Some(newest.short()));
    assert_eq!(report.outcome, Outcome::Applied);
    assert_eq!(daemon.index("blog"), "two");
    assert_eq!(daemon.record("blog").unwrap().held, None);
    let report = daemon.send(message.clone());
    assert!(reasons(&report).is_empty());
    assert_eq!(daemon.index("blog"), "two");
    assert_eq!(outcome(&daemon.send(message)), "unchanged");
}

#[test]
fn a_page_is_held_as_well() {
    let daemon = Daemon::new();
    let titled = |title: &str| {
        page("links", |config| {
            config.get_site().unwrap().set_title(title);
        })
    };
    daemon.send(titled("one"));
    daemon.send(titled("two"));
    daemon.rollback("links", None);
    let report = daemon.send(titled("two"));
    assert_eq!(outcome(&report), "unchanged");
    assert!(reasons(&report)[0].contains("rolled back"));
    assert!(daemon.index("links").contains("one"));
    assert_eq!(outcome(&daemon.send(titled("three"))), "applied");
}

#[test]
fn where_there_is_nothing_to_go_back_to() {
    let daemon = Daemon::new();
    let unknown = daemon.rollback("links", None);
    assert_eq!(unknown.outcome, Outcome::Failed);
    assert!(unknown.faults[0].message.contains("not known"));
    daemon.send(page("links", |_| ()));
    let only_one = daemon.rollback("links", None);
    assert_eq!(only_one.outcome, Outcome::Failed);
    assert!(only_one.faults[0].message.contains("no earlier release"));
    let before = daemon.published();
    for wanted in ["ffffffff", "", "no hex"] {
        let report = daemon.rollback("links", Some(wanted));
        assert_eq!(report.outcome, Outcome::Failed, "{wanted:?}");
        assert!(report.faults[0].hint.as_ref().unwrap().contains("kept are"));
    }
    // To the live one is to nowhere.
    let live = daemon.live("links").unwrap().release;
    let report = daemon.rollback("links", Some(live.as_str()));
    assert_eq!(
        (report.outcome, report.steps.len()),
        (Outcome::Unchanged, 0)
    );
    assert_eq!(daemon.published(), before);
}
