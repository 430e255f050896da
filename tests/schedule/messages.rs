//! Messages: which is carried out, when, how often, and what becomes of it.

use crate::rig::{Rig, at, failed, lines, plain, site};
use mycelia_spore::schedule::{Class, Command, Ended, Phase, RetryPolicy};
use std::time::Duration;

#[test]
fn the_newest_message_of_a_site_is_carried_out_after_the_one_under_way() {
    let mut rig = Rig::new(plain());
    assert_eq!(
        lines(&rig.send("blog", 1)),
        ["blog: start message 1, attempt 1"]
    );
    assert!(rig.send("blog", 2).is_empty());
    assert_eq!(
        lines(&rig.send("blog", 3)),
        ["blog: message 2 Superseded { by: Ticket(3) }"]
    );
    assert_eq!(
        lines(&rig.done("blog")),
        [
            "blog: message 1 Completed",
            "blog: start message 3, attempt 1"
        ]
    );
    assert_eq!(lines(&rig.done("blog")), ["blog: message 3 Completed"]);
    assert_eq!(rig.schedule.next_wake(), None);
}

#[test]
fn sites_begin_in_order_of_arrival_and_keep_their_turn() {
    let mut rig = Rig::new(plain());
    rig.send("a", 1);
    for (name, ticket) in [("b", 2), ("a", 3), ("c", 4), ("b", 5)] {
        rig.send(name, ticket);
    }
    let mut begun = Vec::new();
    let mut name = "a".to_owned();
    for _ in 0..4 {
        for command in rig.done(&name) {
            if let Command::Start { site, ticket, .. } = command {
                name = site.to_string();
                begun.push((name.clone(), ticket.unwrap().0));
            }
        }
    }
    let expected = [("b", 5), ("a", 3), ("c", 4)];
    assert_eq!(begun, expected.map(|(name, it)| (name.to_owned(), it)));
}

#[test]
fn what_may_pass_is_tried_again_until_the_bound_and_told_once() {
    let mut rig = Rig::new(plain());
    rig.send("blog", 1);
    let outage = failed(Class::Transient, None);
    for attempt in 2..=3 {
        assert!(rig.end("blog", outage).is_empty());
        let phase = rig.schedule.site(&site("blog")).unwrap().phase;
        assert!(matches!(phase, Phase::Retrying { attempts, .. } if attempts == attempt - 1));
        let again = format!("blog: start message 1, attempt {attempt}");
        assert_eq!(lines(&rig.sleep()), [again]);
    }
    assert_eq!(
        lines(&rig.end("blog", outage)),
        [
            "blog: message 1 Failed { class: Transient, attempts: 3 }",
            "blog: tell Failure(Transient)"
        ]
    );
    // Looks or none: what was asked for and may pass is taken up again, and told no more.
    for _ in 0..3 {
        assert_eq!(rig.schedule.next_wake(), Some(at(rig.second + 10)));
        assert_eq!(lines(&rig.sleep()), ["blog: start resume, attempt 1"]);
        for _ in 1..3 {
            assert!(rig.end("blog", outage).is_empty());
            rig.sleep();
        }
        assert!(rig.end("blog", outage).is_empty());
    }
    rig.send("blog", 2);
    let rejected = failed(Class::Rejected, None);
    assert_eq!(
        lines(&rig.end("blog", rejected)),
        ["blog: message 2 Failed { class: Rejected, attempts: 1 }"]
    );
    assert_eq!(
        rig.schedule.next_wake(),
        None,
        "trying again changes nothing"
    );
    rig.send("blog", 3);
    assert_eq!(
        lines(&rig.done("blog")),
        ["blog: message 3 Completed", "blog: tell Recovery"]
    );
}

#[test]
fn waits_grow_from_the_first_to_the_longest() {
    let policy = RetryPolicy {
        first: Duration::from_secs(3),
        factor: 2,
        max: Duration::from_secs(20),
        attempts: 9,
    };
    let bounds = [1, 2, 3, 4, u32::MAX].map(|attempts| policy.bound(attempts).as_secs());
    assert_eq!(bounds, [3, 6, 12, 20, 20]);
    let mut options = plain();
    options.retry = policy;
    let (mut rig, mut longest) = (Rig::new(options), [Duration::ZERO; 3]);
    for ticket in 0..500 {
        rig.send("blog", ticket);
        for longest in &mut longest {
            rig.end("blog", failed(Class::Transient, None));
            let wait = at(rig.second).until(rig.schedule.next_wake().unwrap());
            *longest = wait.max(*longest);
            rig.sleep();
        }
        rig.done("blog");
    }
    for (longest, bound) in longest.into_iter().zip([3, 6, 12]) {
        let bound = Duration::from_secs(bound);
        assert!(bound * 9 / 10 < longest && longest <= bound, "{longest:?}");
    }
}

#[test]
fn a_run_that_ended_without_a_word_is_tried_again() {
    let mut rig = Rig::new(plain());
    rig.send("blog", 1);
    rig.end("blog", Ended::Interrupted);
    assert_eq!(lines(&rig.sleep()), ["blog: start message 1, attempt 2"]);
}

#[test]
fn nobody_comes_back_earlier_than_asked() {
    for seconds in [1, 30, 3600] {
        let mut rig = Rig::new(plain());
        rig.send("blog", 1);
        rig.end(
            "blog",
            Ended::Failed {
                class: Class::Transient,
                retry_after: Some(Duration::from_secs(seconds)),
                account: None,
            },
        );
        let wake = rig.schedule.next_wake().unwrap();
        let latest = at(seconds) + plain().retry.first;
        assert!(at(seconds) <= wake && wake <= latest, "{wake:?}");
    }
}

#[test]
fn a_newer_message_ends_the_wait_for_another_attempt() {
    let mut rig = Rig::new(plain());
    rig.send("blog", 1);
    rig.end("blog", failed(Class::Transient, None));
    assert_eq!(
        lines(&rig.send("blog", 2)),
        [
            "blog: message 1 Superseded { by: Ticket(2) }",
            "blog: start message 2, attempt 1"
        ]
    );
}

#[test]
fn a_full_queue_stops_the_reading_and_drops_nothing() {
    let mut rig = Rig::new(plain());
    let names = ["a", "b", "c", "d", "e", "f"];
    let told: Vec<_> = (1..)
        .zip(names)
        .flat_map(|(ticket, name)| rig.send(name, ticket))
        .collect();
    assert_eq!(lines(&told)[1..], ["full: true"]);
    assert_eq!(rig.schedule.counts().queued, 5);
    let mut begun = 1;
    for name in names {
        let told = rig.done(name);
        begun += usize::from(told.iter().any(|it| matches!(it, Command::Start { .. })));
        let on = told.contains(&Command::Full(false));
        assert_eq!(on, name == "c", "{name}");
    }
    assert_eq!(begun, names.len());
}

#[test]
fn time_does_not_go_back() {
    let mut rig = Rig::new(plain());
    rig.second = 100;
    rig.send("blog", 1);
    rig.second = 50;
    rig.end(
        "blog",
        Ended::Failed {
            class: Class::Transient,
            retry_after: Some(Duration::from_secs(10)),
            account: None,
        },
    );
    assert!(rig.schedule.next_wake().unwrap() >= at(110));
}

#[test]
fn a_run_that_nobody_started_ends_in_nothing() {
    let mut rig = Rig::new(plain());
    assert!(rig.done("blog").is_empty());
    rig.send("blog", 1);
    rig.done("blog");
    assert!(rig.done("blog").is_empty());
    let status = rig.schedule.sites().next().unwrap();
    assert_eq!(status.phase, Phase::Resting { until: None });
    assert!(!status.unfinished && status.failure.is_none());
}
