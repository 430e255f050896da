//! What sites are to be, kept before anything is done about it.

use crate::common::{folder, id, time, wait};
use mycelia_spore::release::Digest;
use mycelia_spore::schedule::{DriftMode, Health};
use mycelia_spore::store::{Accepted, AcceptedMessage, Store, Told};

fn accepted(site: &str, lane: &str, message: &[u8]) -> Accepted {
    Accepted {
        site: id(site),
        lane: lane.into(),
        digest: Digest::of(message),
        generation: 7,
        at: time(1_700_000_000_000),
        accounts: vec!["cloudflare/default".into()],
        drift: None,
        unfinished: true,
        suspended: false,
        health: Health::Good,
    }
}

fn keep(store: &Store, site: &str, lane: &str, message: &[u8]) {
    wait(store.accept(accepted(site, lane, message), message.into())).unwrap();
}

#[test]
fn every_field_survives_a_reopen() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    let mut all = Vec::new();
    let drifts = [
        Some(DriftMode::Repair),
        Some(DriftMode::Report),
        Some(DriftMode::Off),
        None,
        None,
    ];
    let healths = [
        Health::Good,
        Health::Failing,
        Health::Drifted,
        Health::Repaired,
        Health::Awaiting,
    ];
    for (number, (drift, health)) in drifts.into_iter().zip(healths).enumerate() {
        let one = Accepted {
            drift,
            health,
            unfinished: number % 2 == 0,
            suspended: number % 2 == 1,
            ..accepted(&format!("site-{number}"), "", b"one")
        };
        wait(store.accept(one.clone(), b"one".into())).unwrap();
        all.push(one);
    }
    drop(store);
    assert_eq!(Store::open(&folder).unwrap().accepted().unwrap(), all);
}

#[test]
fn what_is_accepted_anew_takes_the_place_and_keeps_the_operators_word() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    keep(&store, "blog", "", b"one");
    wait(store.suspend(&id("blog"), true)).unwrap();
    wait(store.note_health(&id("blog"), Health::Failing)).unwrap();
    wait(store.settle(&id("blog"), "", Digest::of(b"one"))).unwrap();
    assert!(!store.accepted().unwrap()[0].unfinished);
    keep(&store, "blog", "", b"two");
    let expected = Accepted {
        suspended: true,
        health: Health::Failing,
        ..accepted("blog", "", b"two")
    };
    assert_eq!(store.accepted().unwrap(), [expected]);
    // The run of the one before ends late.
    wait(store.settle(&id("blog"), "", Digest::of(b"one"))).unwrap();
    assert!(store.accepted().unwrap()[0].unfinished);
}

#[test]
fn a_preview_is_kept_beside_its_site_until_it_is_carried_out() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    keep(&store, "blog", "draft", b"preview");
    keep(&store, "blog", "", b"one");
    let message = |lane: &str, body: &[u8]| AcceptedMessage {
        lane: lane.into(),
        unfinished: true,
        body: body.into(),
    };
    let found = store.accepted_messages(&id("blog")).unwrap();
    assert_eq!(found, [message("", b"one"), message("draft", b"preview")]);
    wait(store.settle(&id("blog"), "draft", Digest::of(b"older"))).unwrap();
    assert_eq!(store.accepted_messages(&id("blog")).unwrap().len(), 2);
    wait(store.settle(&id("blog"), "draft", Digest::of(b"preview"))).unwrap();
    let found = store.accepted_messages(&id("blog")).unwrap();
    assert_eq!(found, [message("", b"one")]);
    wait(store.forget(&id("blog"))).unwrap();
    assert_eq!(store.accepted_messages(&id("blog")).unwrap(), []);
    assert_eq!(store.accepted().unwrap(), []);
}

#[test]
fn what_was_told_is_kept_by_notification_until_the_site_is_well_or_forgotten() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    let told = |site: &str, health| Told {
        site: id(site),
        health,
    };
    let note = |name: &str, told: Told| wait(store.note_told(name.into(), told)).unwrap();
    let healths = [Health::Failing, Health::Drifted, Health::Awaiting];
    for (number, health) in healths.into_iter().enumerate() {
        note("chat", told(&format!("site-{number}"), health));
    }
    note("mail", told("site-0", Health::Failing));
    note("chat", told("site-0", Health::Awaiting));
    note("chat", told("site-1", Health::Good));
    drop(store);
    let store = Store::open(&folder).unwrap();
    let kept = [
        told("site-0", Health::Awaiting),
        told("site-2", Health::Awaiting),
    ];
    assert_eq!(store.told("chat").unwrap(), kept);
    assert_eq!(
        store.told("mail").unwrap(),
        [told("site-0", Health::Failing)]
    );
    assert_eq!(store.told("pager").unwrap(), []);
    wait(store.forget(&id("site-0"))).unwrap();
    assert_eq!(store.told("chat").unwrap(), kept[1..]);
    assert_eq!(store.told("mail").unwrap(), []);
}
