//! What goes wrong with one site stays with that site, and is mended by the next message.

use crate::common::{files, page};
use crate::daemon::{Daemon, nowhere, outcome, outcomes};
use mycelia_spore::store::SiteState;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn one_failing_site_does_not_stop_the_others() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    let empty = daemon.source("empty", &[("readme.txt", "no index")]);
    let run = daemon.run(&[
        page("links", |_| ()),
        files("missing", &nowhere(&daemon), |_| ()),
        files("empty", &empty, |_| ()),
        files("blog", &source, |_| ()),
    ]);
    let expected = ["applied", "failed", "failed", "applied"];
    assert_eq!(outcomes(&run.reports), expected);
    for report in &run.reports[1..3] {
        assert!(!report["error"]["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(daemon.index("blog"), "one");
    assert_eq!(run.summary.failures, 2);
    assert!(run.summary.stream.is_none());
}

#[test]
fn a_failed_message_is_tried_again() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    let message = files("blog", &source, |_| ());
    daemon.send(message.clone());
    fs::remove_file(source.join("index.html")).unwrap();
    let report = daemon.send(message.clone());
    assert_eq!(outcome(&report), "failed");
    assert_eq!(daemon.index("blog"), "one", "the site stays up");
    let record = daemon.record("blog").unwrap();
    assert_eq!(record.state, SiteState::Failed);
    assert!(!record.detail.is_empty());
    fs::write(source.join("index.html"), "two").unwrap();
    assert_eq!(outcome(&daemon.send(message.clone())), "applied");
    assert_eq!(daemon.index("blog"), "two");
    let record = daemon.record("blog").unwrap();
    assert_eq!((record.state, &*record.detail), (SiteState::Live, ""));
    assert_eq!(outcome(&daemon.send(message)), "unchanged");
}

#[test]
fn what_failed_and_is_well_again_without_a_change_is_live() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    let message = files("blog", &source, |_| ());
    daemon.send(message.clone());
    let away = source.with_extension("away");
    fs::rename(&source, &away).unwrap();
    assert_eq!(outcome(&daemon.send(message.clone())), "failed");
    fs::rename(&away, &source).unwrap();
    assert_eq!(outcome(&daemon.send(message)), "unchanged");
    assert_eq!(daemon.record("blog").unwrap().state, SiteState::Live);
}

#[test]
fn a_damaged_pointer_fails_its_own_site_alone() {
    let daemon = Daemon::new();
    daemon.send(page("links", |_| ()));
    fs::write(daemon.layout().live("links"), "{").unwrap();
    let run = daemon.run(&[page("links", |_| ()), page("other", |_| ())]);
    assert_eq!(outcomes(&run.reports), ["failed", "applied"]);
    let error = &run.reports[0]["error"];
    assert!(error["message"].as_str().unwrap().contains("is damaged"));
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("move the file away")
    );
}

#[test]
fn a_step_that_fails_leaves_no_release_behind_that_is_told_as_live() {
    let daemon = Daemon::new();
    daemon.send(page("links", |_| ()));
    let live = daemon.live("links").unwrap().release;
    let rejected = page("links", |config| {
        let mut hosting = config.get_hosting().unwrap();
        hosting.set_error_document("missing.html");
    });
    let report = daemon.send(rejected);
    assert_eq!(outcome(&report), "failed");
    assert_eq!(report["steps"][0]["outcome"], "failed");
    assert_eq!(report["release"], live.as_str());
    assert_eq!(daemon.live("links").unwrap().release, live);
    let record = daemon.record("links").unwrap();
    assert_eq!(
        (record.state, &record.release),
        (SiteState::Failed, &Some(live))
    );
    assert_eq!(outcome(&daemon.send(page("links", |_| ()))), "unchanged");
}

#[test]
fn a_panic_fails_its_own_site_alone() {
    let mut daemon = Daemon::new();
    let armed = Arc::new(AtomicBool::new(true));
    let fuse = Arc::clone(&armed);
    daemon.switched = Some(Arc::new(move |project| {
        assert!(
            project != "two" || !fuse.load(Ordering::SeqCst),
            "as a defect would"
        );
    }));
    let messages = ["one", "two", "three"].map(|id| page(id, |_| ()));
    let run = daemon.run(&messages);
    assert_eq!(outcomes(&run.reports), ["applied", "failed", "applied"]);
    armed.store(false, Ordering::SeqCst);
    // Its step may have been done: whatever is found is brought to what was asked.
    let report = daemon.send(messages[1].clone());
    assert!(["applied", "unchanged"].contains(&outcome(&report)));
    assert_eq!(daemon.record("two").unwrap().state, SiteState::Live);
    assert!(daemon.live("two").is_some());
}
