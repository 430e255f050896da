//! Sites that are paused or forgotten, and the end of all.

use crate::rig::{Rig, failed, lines, looking, plain, site, terms};
use mycelia_spore::schedule::{Bounds, Class, DriftMode, Event, Options, Terms};

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
