//! Looks at sites that nobody asked for.

use crate::rig::{Rig, at, completed, failed, lines, looking, plain, site, terms};
use mycelia_spore::schedule::{
    Bounds, Class, Command, DriftMode, Ended, Event, Finding, Health, Notice, Phase, Record,
};
use std::time::Duration;

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
