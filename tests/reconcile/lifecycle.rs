//! A site's life: published, unchanged, changed, paused, taken down.

use crate::common::{files, page};
use crate::daemon::{Daemon, outcome, outcomes, reasons, steps};
use mycelia_spore::model::Ensure;
use mycelia_spore::store::{Cause, SiteState};
use std::fs;

fn ensure(id: &str, ensure: Ensure) -> Vec<u8> {
    page(id, |config| config.init_lifecycle().set_ensure(ensure))
}

#[test]
fn a_site_is_published_and_told() {
    let daemon = Daemon::new();
    let report = daemon.send(page("links", |mut config| {
        config.set_request_id("deploy-1");
        config.init_domains().set_primary("li.example");
    }));
    assert_eq!(outcome(&report), "applied");
    assert_eq!(steps(&report), ["publish"]);
    assert_eq!(report["request_id"], "deploy-1");
    assert_eq!(report["urls"][0], "https://li.example/");
    let live = daemon.live("links").unwrap();
    assert_eq!(report["release"], live.release.as_str());
    assert_eq!((&*live.site, &*live.primary), ("links", "li.example"));
    let record = daemon.record("links").unwrap();
    assert_eq!(record.state, SiteState::Live);
    assert_eq!(record.release, Some(live.release));
    assert_eq!(record.primary, "li.example");
    assert_eq!(daemon.history("links")[0].cause, Cause::Apply);
}

#[test]
fn the_same_again_is_unchanged_and_writes_nothing() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    for message in [page("links", |_| ()), files("blog", &source, |_| ())] {
        let first = daemon.send(message.clone());
        assert_eq!(outcome(&first), "applied");
        let before = daemon.published();
        for _ in 0..2 {
            let report = daemon.send(message.clone());
            assert_eq!(outcome(&report), "unchanged");
            assert_eq!(steps(&report), [""; 0]);
            assert_eq!(report["release"], first["release"]);
            assert_eq!(report["urls"], first["urls"]);
        }
        // Within one run as well.
        let run = daemon.run(std::slice::from_ref(&message));
        assert_eq!(outcomes(&run.reports), ["unchanged"]);
        assert_eq!(daemon.published(), before);
    }
    assert_eq!(daemon.history("blog").len(), 1);
}

#[test]
fn changed_files_are_published() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one"), ("a.css", "a{}")]);
    let message = files("blog", &source, |_| ());
    daemon.send(message.clone());
    // Of the same length, within the same second.
    fs::write(source.join("a.css"), "b{}").unwrap();
    let report = daemon.send(message.clone());
    assert_eq!(outcome(&report), "applied");
    fs::remove_file(source.join("a.css")).unwrap();
    assert_eq!(outcome(&daemon.send(message.clone())), "applied");
    assert_eq!(outcome(&daemon.send(message)), "unchanged");
    assert_eq!(daemon.live("blog").unwrap().previous.len(), 2);
}

#[test]
fn other_names_alone_keep_the_release() {
    let daemon = Daemon::new();
    let at = |name: &str| page("links", |config| config.init_domains().set_primary(name));
    let source = daemon.source("blog", &[("index.html", "one")]);
    let files_at = |name: &str| {
        files("blog", &source, |config| {
            config.init_domains().set_primary(name);
        })
    };
    daemon.send(files_at("a.example"));
    let before = daemon.live("blog").unwrap();
    let report = daemon.send(files_at("b.example"));
    assert_eq!(
        (outcome(&report), &*steps(&report)),
        ("applied", &["set-names"][..])
    );
    let after = daemon.live("blog").unwrap();
    assert_eq!(after.release, before.release);
    assert_eq!(after.primary, "b.example");
    assert_eq!(report["release"], after.release.as_str());
    assert_eq!(outcome(&daemon.send(files_at("b.example"))), "unchanged");
    // A page of links carries its address in itself.
    daemon.send(at("c.example"));
    assert_eq!(steps(&daemon.send(at("d.example"))), ["publish"]);
}

#[test]
fn what_was_lost_is_published_again() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    for message in [page("links", |_| ()), files("blog", &source, |_| ())] {
        let first = daemon.send(message.clone());
        let project = first["site"].as_str().unwrap();
        fs::remove_file(daemon.layout().live(project)).unwrap();
        let report = daemon.send(message);
        assert_eq!(outcome(&report), "applied");
        assert_eq!(report["release"], first["release"]);
        assert!(daemon.live(project).is_some());
    }
}

#[test]
fn what_is_paused_stays_as_it_is() {
    let daemon = Daemon::new();
    let report = daemon.send(ensure("links", Ensure::Paused));
    assert_eq!(outcome(&report), "paused");
    assert!(daemon.live("links").is_none());
    daemon.send(page("links", |_| ()));
    let before = daemon.published();
    let paused = page("links", |mut config| {
        config.reborrow().get_site().unwrap().set_title("Other");
        config.init_lifecycle().set_ensure(Ensure::Paused);
    });
    let report = daemon.send(paused);
    assert_eq!((outcome(&report), steps(&report).len()), ("paused", 0));
    assert_eq!(daemon.published(), before);
    assert_eq!(daemon.record("links").unwrap().state, SiteState::Paused);
    // Unpaused, it is as it was.
    assert_eq!(outcome(&daemon.send(page("links", |_| ()))), "unchanged");
    assert_eq!(daemon.record("links").unwrap().state, SiteState::Live);
}

#[test]
fn what_should_be_absent_is_taken_down() {
    let daemon = Daemon::new();
    daemon.send(page("links", |_| ()));
    let release = daemon.live("links").unwrap().release;
    let report = daemon.send(ensure("links", Ensure::Absent));
    assert_eq!(
        (outcome(&report), &*steps(&report)),
        ("absent", &["remove"][..])
    );
    assert!(report.get("release").is_none());
    assert_eq!(report["urls"], serde_json::json!([]));
    assert!(daemon.live("links").is_none());
    assert_eq!(daemon.record("links").unwrap().state, SiteState::Absent);
    assert_eq!(daemon.history("links")[0].cause, Cause::Remove);
    for id in ["links", "never-was"] {
        let report = daemon.send(ensure(id, Ensure::Absent));
        assert_eq!((outcome(&report), steps(&report).len()), ("absent", 0));
    }
    let report = daemon.send(page("links", |_| ()));
    assert_eq!(outcome(&report), "applied");
    assert_eq!(daemon.live("links").unwrap().release, release);
}

#[test]
fn the_same_message_again_does_not_undo_an_unprotect() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    let messages = [
        page("links", |config| config.init_lifecycle().set_protect(true)),
        files("blog", &source, |config| {
            config.init_lifecycle().set_protect(true);
        }),
    ];
    for (name, message) in ["links", "blog"].into_iter().zip(messages) {
        daemon.send(message.clone());
        assert!(daemon.record(name).unwrap().protected);
        let (reconciler, id) = (daemon.reconciler(), crate::common::site_id(name));
        let unprotected = reconciler.store.set_protected(&id, false);
        crate::common::block_on(unprotected).unwrap();
        drop(reconciler);
        daemon.send(message);
        assert!(!daemon.record(name).unwrap().protected, "{name}");
    }
}

#[test]
fn what_is_protected_stays_until_the_operator_says_so() {
    let daemon = Daemon::new();
    daemon.send(page("links", |config| {
        config.init_lifecycle().set_protect(true);
    }));
    // A later message does not turn it off.
    daemon.send(page("links", |mut config| config.set_generation(2)));
    for _ in 0..2 {
        let report = daemon.send(ensure("links", Ensure::Absent));
        assert_eq!(outcome(&report), "refused");
        assert!(reasons(&report)[0].contains("unprotect links"));
        assert!(daemon.live("links").is_some());
        assert!(report.get("release").is_some());
    }
    let reconciler = daemon.reconciler();
    let id = crate::common::site_id("links");
    let unprotected = reconciler.store.set_protected(&id, false);
    crate::common::block_on(unprotected).unwrap();
    drop(reconciler);
    let report = daemon.send(ensure("links", Ensure::Absent));
    assert_eq!(outcome(&report), "absent");
}

#[test]
fn records_for_a_person_to_enter_are_listed() {
    let daemon = Daemon::new();
    let message = page("links", |config| {
        let mut dns = config.init_dns();
        dns.set_provider(mycelia_spore::model::DnsProvider::None);
        let mut record = dns.init_records(1).get(0);
        record.set_name("www.li.example");
        record.set_value("192.0.2.10");
    });
    let report = daemon.send(message.clone());
    assert_eq!(outcome(&report), "applied");
    let action = report["withheld"][0]["action"].as_str().unwrap();
    assert_eq!(action, "dns record www.li.example A 192.0.2.10");
    assert_eq!(outcome(&daemon.send(message)), "unchanged");
}
