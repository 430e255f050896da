//! Single decisions, told step by step.

use crate::rig::{Rig, at, completed, failed, lines, plain, site, terms};
use mycelia_spore::schedule::{
    Bounds, Class, Command, DriftMode, Ended, Event, Finding, Health, Notice, Options, Phase,
    Record, Terms,
};
use std::time::Duration;

fn looking(mode: DriftMode) -> Options {
    let mut options = plain();
    options.drift.mode = mode;
    options
}

fn record(unfinished: bool) -> Record {
    Record {
        terms: terms(&[]),
        unfinished,
        suspended: false,
        next_edge: None,
        health: Health::Good,
    }
}

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
    assert_eq!(rig.schedule.next_wake(), None);
    rig.send("blog", 2);
    let rejected = failed(Class::Rejected, None);
    assert_eq!(
        lines(&rig.end("blog", rejected)),
        ["blog: message 2 Failed { class: Rejected, attempts: 1 }"]
    );
    rig.send("blog", 3);
    assert_eq!(
        lines(&rig.done("blog")),
        ["blog: message 3 Completed", "blog: tell Recovery"]
    );
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
fn a_site_that_failed_is_tried_again_with_the_next_look() {
    let mut rig = Rig::new(looking(DriftMode::Report));
    rig.send("blog", 1);
    rig.end("blog", failed(Class::Conflict, None));
    assert_eq!(lines(&rig.sleep()), ["blog: start resume, attempt 1"]);
    assert_eq!(lines(&rig.done("blog")), ["blog: tell Recovery"]);
    assert_eq!(lines(&rig.sleep()), ["blog: start look, attempt 1"]);
}

#[test]
fn drift_is_told_once_and_again_after_it_was_gone() {
    let mut rig = Rig::new(looking(DriftMode::Repair));
    rig.send("blog", 1);
    rig.done("blog");
    let mut notices = Vec::new();
    for finding in [
        Finding::Repaired,
        Finding::Repaired,
        Finding::AsAsked,
        Finding::Repaired,
        Finding::Drifted,
        Finding::Drifted,
        Finding::Repaired,
        Finding::Awaiting,
        Finding::Awaiting,
        Finding::AsAsked,
    ] {
        rig.sleep();
        let told = rig.end("blog", completed(finding));
        notices.push(told.into_iter().find_map(|command| match command {
            Command::Notify { notice, .. } => Some(notice),
            _ => None,
        }));
    }
    let drift = |repaired| Some(Notice::Drift { repaired });
    assert_eq!(
        notices,
        [
            drift(true),
            None,
            None,
            drift(true),
            drift(false),
            None,
            Some(Notice::Recovery),
            Some(Notice::Awaiting),
            None,
            Some(Notice::Recovery),
        ]
    );
}

#[test]
fn ten_thousand_known_sites_are_looked_at_evenly() {
    let mut options = looking(DriftMode::Repair);
    options.bounds = Bounds {
        jobs: 20_000,
        queue: 1,
    };
    let mut rig = Rig::new(options);
    for number in 0..10_000 {
        let (site, record) = (site(&format!("site-{number}")), record(false));
        assert!(rig.tell(Event::Known { site, record }).is_empty());
    }
    for _ in 0..10 {
        // A tenth of the interval has a tenth of the sites; 1,000 of them deviate by 30 on average.
        let begun = rig.tick(rig.second + 100).len();
        assert!((850..1150).contains(&begun), "{begun}");
    }
    assert_eq!(rig.schedule.next_wake(), None);
}

#[test]
fn a_site_is_looked_at_within_the_interval_or_at_its_edge() {
    let mut rig = Rig::new(looking(DriftMode::Repair));
    rig.send("blog", 1);
    rig.done("blog");
    let look = rig.schedule.next_wake().unwrap();
    assert!(at(900) <= look && look <= at(1000), "{look:?}");
    rig.send("blog", 2);
    let next_edge = Some(at(300));
    let finding = Finding::AsAsked;
    rig.end("blog", Ended::Completed { finding, next_edge });
    assert_eq!(rig.schedule.next_wake(), next_edge);
    assert_eq!(lines(&rig.tick(300)), ["blog: start edge, attempt 1"]);
    // One that has passed is not a loop without a pause.
    rig.end("blog", Ended::Completed { finding, next_edge });
    assert_eq!(rig.schedule.next_wake(), Some(at(301)));
}

#[test]
fn a_paused_site_is_left_alone_and_caught_up_with() {
    let mut rig = Rig::new(plain());
    let blog = || site("blog");
    rig.send("other", 1);
    rig.send("blog", 2);
    assert_eq!(
        lines(&rig.tell(Event::Suspend { site: blog() })),
        ["blog: message 2 Paused"]
    );
    assert_eq!(lines(&rig.send("blog", 3)), ["blog: message 3 Paused"]);
    assert_eq!(lines(&rig.done("other")), ["other: message 1 Completed"]);
    assert_eq!(rig.schedule.next_wake(), None);
    assert_eq!(
        lines(&rig.tell(Event::Resume { site: blog() })),
        ["blog: start resume, attempt 1"]
    );
    rig.done("blog");
    let paused = Terms {
        paused: true,
        ..terms(&[])
    };
    assert_eq!(
        lines(&rig.send_with("blog", 4, paused)),
        ["blog: message 4 Paused"]
    );
    // What a message paused, only a message wakes.
    assert!(rig.tell(Event::Resume { site: blog() }).is_empty());
    assert_eq!(
        lines(&rig.send("blog", 5)),
        ["blog: start message 5, attempt 1"]
    );
}

#[test]
fn a_forgotten_site_is_not_begun_with_again() {
    let mut rig = Rig::new(looking(DriftMode::Repair));
    rig.send("blog", 1);
    rig.send("blog", 2);
    let site = site("blog");
    assert_eq!(
        lines(&rig.tell(Event::Forget { site: site.clone() })),
        ["blog: message 2 Forgotten"]
    );
    assert_eq!(
        lines(&rig.end("blog", failed(Class::Transient, None))),
        ["blog: message 1 Forgotten"]
    );
    assert_eq!(rig.schedule.site(&site), None);
    assert_eq!(rig.schedule.next_wake(), None);
}

#[test]
fn a_site_that_is_asked_for_again_waits_for_the_run_it_was_forgotten_in() {
    let mut rig = Rig::new(Options {
        bounds: Bounds { jobs: 2, queue: 9 },
        ..plain()
    });
    rig.send("blog", 1);
    let site = site("blog");
    rig.tell(Event::Forget { site });
    assert!(rig.send("blog", 2).is_empty());
    assert_eq!(
        lines(&rig.done("blog")),
        [
            "blog: message 1 Completed",
            "blog: start message 2, attempt 1"
        ]
    );
}

#[test]
fn a_drain_finishes_what_is_under_way_and_leaves_the_rest() {
    let mut rig = Rig::new(plain());
    rig.send("a", 1);
    rig.send("b", 2);
    rig.send("a", 3);
    assert_eq!(
        lines(&rig.tell(Event::Drain)),
        ["b: message 2 Left", "full: true"]
    );
    assert_eq!(lines(&rig.send("c", 4)), ["c: message 4 Left"]);
    assert_eq!(
        lines(&rig.done("a")),
        ["a: message 1 Completed", "a: message 3 Left", "drained"]
    );
    assert!(rig.tell(Event::Drain).is_empty() && rig.tell(Event::DrainNow).is_empty());
}

#[test]
fn a_drain_can_be_cut_short() {
    let mut rig = Rig::new(plain());
    rig.send("a", 1);
    rig.tell(Event::Drain);
    assert_eq!(
        lines(&rig.tell(Event::DrainNow)),
        ["a: message 1 Left", "drained"]
    );
    assert!(rig.done("a").is_empty());
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
fn looks_leave_a_job_to_messages_and_get_their_share() {
    let mut options = looking(DriftMode::Repair);
    options.bounds.jobs = 2;
    let mut rig = Rig::new(options);
    for name in ["x", "y"] {
        let (site, record) = (site(name), record(true));
        rig.tell(Event::Known { site, record });
    }
    assert_eq!(rig.schedule.counts().running, 1);
    rig.send("m0", 100);
    assert_eq!(rig.schedule.counts().running, 2);
    rig.done("x");
    // `y` has the second job by now. Of a new look, 16 messages are begun with first.
    rig.done("y");
    let (z, unfinished) = (site("z"), record(true));
    rig.send("long", 101);
    rig.tell(Event::Known {
        site: z,
        record: unfinished,
    });
    let mut passed = 0;
    for number in 1..40 {
        rig.send(&format!("m{number}"), number);
        let told = lines(&rig.done(&format!("m{}", number - 1)));
        if told.iter().any(|line| line.starts_with("z: start")) {
            break;
        }
        passed += 1;
    }
    // One message was begun with before the look came.
    assert_eq!(passed, 15);
}

#[test]
fn other_options_reach_sites_at_rest() {
    let mut rig = Rig::new(plain());
    rig.send("blog", 1);
    rig.done("blog");
    assert_eq!(rig.schedule.next_wake(), None);
    rig.tell(Event::Options(looking(DriftMode::Repair)));
    assert!(rig.schedule.next_wake().unwrap() <= at(1000));
    let mut sooner = looking(DriftMode::Report);
    sooner.drift.interval = Duration::from_secs(10);
    rig.tell(Event::Options(sooner));
    assert!(rig.schedule.next_wake().unwrap() <= at(10));
    assert_eq!(lines(&rig.sleep()), ["blog: start look, attempt 1"]);
    rig.done("blog");
    rig.tell(Event::Options(plain()));
    assert_eq!(rig.schedule.next_wake(), None);
}

#[test]
fn a_repair_that_waits_is_none_any_more_when_looks_are_only_to_tell() {
    let mut rig = Rig::new(looking(DriftMode::Repair));
    rig.send("blog", 1);
    rig.done("blog");
    rig.send("other", 2);
    rig.tick(1000);
    let phase = rig.schedule.site(&site("blog")).unwrap().phase;
    assert_eq!(phase, Phase::Ready);
    rig.tell(Event::Options(looking(DriftMode::Report)));
    assert_eq!(
        lines(&rig.done("other")),
        ["other: message 2 Completed", "blog: start look, attempt 1"]
    );
}

#[test]
fn what_was_left_unfinished_is_resumed_at_once() {
    let mut rig = Rig::new(plain());
    let (blog, unfinished) = (site("blog"), record(true));
    let known = Event::Known {
        site: blog,
        record: unfinished,
    };
    assert_eq!(
        lines(&rig.tell(known.clone())),
        ["blog: start resume, attempt 1"]
    );
    assert!(rig.tell(known).is_empty(), "it is known by now");
    assert!(rig.done("blog").is_empty());
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
