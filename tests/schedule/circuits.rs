//! Accounts that fail, and the sites that wait for them.

use crate::rig::{Rig, at, failed, lines, plain, site, terms};
use mycelia_spore::schedule::{Account, CircuitState, Class, Ended, Event, Options, Phase};
use std::time::Duration;

/// Five jobs, one attempt for each message; what failed is not taken up by itself as long as these tests take.
fn impatient() -> Options {
    let mut options = plain();
    options.bounds.jobs = 5;
    options.retry.attempts = 1;
    options.retry.max = Duration::from_secs(100_000);
    options
}

/// An account that failed twice, for `a` and `b`; `c`, `d` and `e` wait for it.
fn open() -> Rig {
    let mut rig = Rig::new(impatient());
    let down = failed(Class::Transient, Some(1));
    for (ticket, name) in [(1, "a"), (2, "b")] {
        rig.send_with(name, ticket, terms(&[1]));
    }
    rig.end("a", down);
    let told = lines(&rig.end("b", down));
    assert!(told[0].starts_with("account 1: Open"), "{told:?}");
    for (ticket, name) in [(3, "c"), (4, "d"), (5, "e")] {
        assert!(rig.send_with(name, ticket, terms(&[1])).is_empty());
    }
    rig
}

fn held(rig: &Rig) -> usize {
    rig.schedule.counts().held
}

#[test]
fn sites_wait_for_an_account_that_fails_and_one_goes_first() {
    let mut rig = open();
    let account = Account(1);
    let phase = rig.schedule.site(&site("c")).unwrap().phase;
    assert_eq!(phase, Phase::Held { account });
    assert_eq!(
        lines(&rig.send("free", 9)),
        ["free: start message 9, attempt 1"],
        "other accounts work"
    );
    assert_eq!(rig.schedule.next_wake(), Some(at(60)));
    assert!(rig.tick(59).is_empty());
    assert_eq!(
        lines(&rig.tick(60)),
        ["account 1: HalfOpen", "c: start message 3, attempt 1"]
    );
    assert!(rig.send_with("f", 6, terms(&[1])).is_empty());
    let told = lines(&rig.done("c"));
    let expected = [
        "account 1: Closed",
        "c: message 3 Completed",
        "d: start message 4, attempt 1",
        "e: start message 5, attempt 1",
        "f: start message 6, attempt 1",
    ];
    assert_eq!(told, expected);
    assert_eq!(rig.schedule.circuits().count(), 0);
}

#[test]
fn the_first_to_go_may_fail_again() {
    let mut rig = open();
    rig.tick(60);
    let down = failed(Class::Unauthorised, Some(1));
    let told = lines(&rig.end("c", down));
    assert!(told[0].starts_with("account 1: Open"), "{told:?}");
    assert_eq!(held(&rig), 2, "the others had no attempt");
    let until = at(120);
    let open = CircuitState::Open { until };
    assert!(rig.schedule.circuits().eq([(Account(1), open)]));
    assert_eq!(lines(&rig.tick(120))[1], "d: start message 4, attempt 1");
}

#[test]
fn a_refusal_comes_from_an_account_that_works() {
    let mut rig = open();
    rig.tick(60);
    let told = lines(&rig.end("c", failed(Class::Rejected, Some(1))));
    assert_eq!(told[0], "account 1: Closed");
    assert_eq!(held(&rig), 0);
}

#[test]
fn failures_count_only_one_after_another() {
    let mut rig = Rig::new(impatient());
    for ticket in 0..10 {
        rig.send_with("a", ticket, terms(&[1]));
        let told = if ticket % 2 == 0 {
            rig.end("a", failed(Class::Transient, Some(1)))
        } else {
            rig.done("a")
        };
        assert!(!lines(&told)[0].starts_with("account"), "{told:?}");
    }
}

#[test]
fn one_that_says_nothing_of_the_account_lets_the_next_go_first() {
    let mut rig = open();
    rig.tick(60);
    let told = lines(&rig.end("c", failed(Class::Transient, None)));
    assert!(told.contains(&"d: start message 4, attempt 1".into()));
    assert_eq!(held(&rig), 1);
}

#[test]
fn one_that_goes_away_lets_the_next_go_first() {
    let mut rig = open();
    rig.tell(Event::Forget { site: site("c") });
    rig.tell(Event::Suspend { site: site("d") });
    assert_eq!(lines(&rig.tick(60))[1], "e: start message 5, attempt 1");
}

#[test]
fn a_wait_that_an_account_asks_for_holds_for_all_its_sites() {
    let mut rig = Rig::new(plain());
    rig.send_with("a", 1, terms(&[1]));
    rig.end(
        "a",
        Ended::Failed {
            class: Class::Transient,
            retry_after: Some(Duration::from_secs(500)),
            account: Some(Account(1)),
        },
    );
    assert!(rig.send_with("b", 2, terms(&[1])).is_empty());
    assert!(rig.tick(499).is_empty());
    assert_eq!(lines(&rig.tick(500))[1], "b: start message 2, attempt 1");
}

#[test]
fn a_site_waits_for_each_of_its_accounts() {
    let mut rig = open();
    rig.second = 30;
    let down = failed(Class::Transient, Some(2));
    for (ticket, name) in [(11, "v"), (12, "w")] {
        rig.send_with(name, ticket, terms(&[2]));
        rig.end(name, down);
    }
    rig.send_with("c", 13, terms(&[2, 1]));
    assert_eq!(lines(&rig.tick(60))[1], "d: start message 4, attempt 1");
    rig.done("d");
    assert_eq!(held(&rig), 1);
    assert_eq!(lines(&rig.tick(90))[1], "c: start message 13, attempt 1");
}

#[test]
fn messages_held_by_an_account_do_not_stop_the_others() {
    let mut rig = open();
    for number in 0..20 {
        let told = rig.send_with(&format!("held-{number}"), 100 + number, terms(&[1]));
        assert!(told.is_empty(), "{told:?}");
    }
    assert_eq!(rig.schedule.counts().queued, 0);
}
