//! The life of a website: planned, published, changed, protected, taken down, rolled back.

use crate::world::{World, stream, with};
use insta::assert_snapshot;
use mycelia_spore::release::Digest;
use serde_json::json;
use std::fs;

#[test]
fn a_plan_changes_nothing() {
    let world = World::new();
    let site = world.site("blog", "one");
    let plan = ["plan", "--source-root", "sites", "-o", "text"];
    assert_snapshot!(world.spore(&plan, &stream([&site])).told(), @"
    exit: 0
    --- out
    ~ blog planned  http://blog.localhost/  [N] ms
        + publish local-static/blog (1 file, 3 B, at blog.localhost)
    1 message: 1 to add, 0 to change, 0 to remove; nothing was changed
    ");
    assert!(!world.path(".local").exists(), "a state directory was made");
    assert_eq!(world.apply([site]).code, Some(0));
    let before = tree(&world);
    let changed = world.site("blog", "two");
    assert_snapshot!(world.spore(&plan, &stream([changed])).told(), @"
    exit: 0
    --- out
    ~ blog planned  http://blog.localhost/  [N] ms
        ~ publish local-static/blog (1 file, 3 B, at blog.localhost)
    1 message: 0 to add, 1 to change, 0 to remove; nothing was changed
    ");
    assert_eq!(tree(&world), before);
}

/// Every file of the state with a digest of its content.
fn tree(world: &World) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![world.path(".local")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let digest = Digest::of(&fs::read(entry.path()).unwrap());
                files.push(format!("{} {digest}", entry.path().display()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn applying_twice_changes_nothing_the_second_time() {
    let world = World::new();
    let site = world.site("blog", "one");
    assert_snapshot!(world.apply([&site]).told(), @"
    exit: 0
    --- out
    + blog applied  http://blog.localhost/  [N] ms
        publish local-static/blog (1 file, 3 B; 1 copied)
    ");
    assert_snapshot!(world.apply([&site]).told(), @"
    exit: 0
    --- out
    = blog unchanged  http://blog.localhost/  [N] ms
    ");
    world.site("blog", "two");
    assert_snapshot!(world.apply([site]).told(), @"
    exit: 0
    --- out
    + blog applied  http://blog.localhost/  [N] ms
        publish local-static/blog (1 file, 3 B; 1 copied)
    ");
}

#[test]
fn only_the_site_that_was_asked_for_is_looked_at() {
    let world = World::new();
    let bytes = stream([world.site("a", "a"), world.site("b", "b")]);
    let ended = world.spore(
        &["run", "--site", "b", "--source-root", "sites", "-o", "text"],
        &bytes,
    );
    assert_snapshot!(ended.told(), @"
    exit: 0
    --- out
    + b applied  http://b.localhost/  [N] ms
        publish local-static/b (1 file, 1 B; 1 copied)
    ");
}

#[test]
fn an_older_generation_comes_too_late() {
    let world = World::new();
    let site = |generation: u64| with(world.site("blog", "one"), "generation", json!(generation));
    assert_eq!(world.apply([site(7)]).code, Some(0));
    assert_snapshot!(world.apply([site(6)]).told(), @"
    exit: 0
    --- out
    = blog superseded  [N] ms
        ! withheld apply: generation 7 was applied already
    ");
}

#[test]
fn a_protected_site_is_taken_down_only_after_its_protection_is_lifted() {
    let world = World::new();
    let site = world.site("blog", "one");
    let absent = json!({
        "site": { "id": "blog" },
        "hosting": { "provider": "localStatic" },
        "lifecycle": { "ensure": "absent" },
    });
    assert_eq!(world.apply([&site]).code, Some(0));
    assert_snapshot!(world.spore(&["protect", "blog"], b"").told(), @"
    exit: 0
    --- err
    blog is protected from being taken down
    ");
    assert_snapshot!(world.spore(&["status", "-o", "text"], b"").told(), @"
    exit: 0
    --- out
    SITE  STATE  ADDRESS         RELEASE       APPLIED   NOTE
    blog  live   blog.localhost  [RELEASE]  just now  protected
    --- err
    1 site: 1 live
    ");
    assert_snapshot!(world.apply([&absent]).told(), @"
    exit: 1
    --- out
    ! blog refused  [N] ms
        ! withheld remove local-static/blog: the site is protected from deletion: `mycelia-spore unprotect blog` lifts it
    ");
    assert_eq!(world.spore(&["status"], b"").json()[0]["state"], "live");
    assert_snapshot!(world.spore(&["unprotect", "blog"], b"").told(), @"
    exit: 0
    --- err
    blog is no longer protected
    ");
    assert_snapshot!(world.apply([&absent]).told(), @"
    exit: 0
    --- out
    - blog absent  [N] ms
        remove local-static/blog (taken down; its releases are kept for a while)
    ");
    assert_snapshot!(world.apply([absent]).told(), @"
    exit: 0
    --- out
    - blog absent  [N] ms
    ");
    assert_eq!(world.spore(&["status"], b"").json()[0]["state"], "absent");
    assert_snapshot!(world.apply([site]).told(), @"
    exit: 0
    --- out
    + blog applied  http://blog.localhost/  [N] ms
        publish local-static/blog (1 file, 3 B)
    ");
}

#[test]
fn a_forgotten_site_stays_published_and_is_found_again() {
    let world = World::new();
    let site = world.site("blog", "one");
    assert_eq!(world.apply([&site]).code, Some(0));
    let live = ".local/state/mycelia-spore/local-static/live/blog.json";
    assert_snapshot!(world.spore(&["forget", "blog"], b"").told(), @"
    exit: 0
    --- err
    blog is forgotten; what is published of it stays, and its next message finds it as it is
    ");
    assert!(world.path(live).exists());
    assert!(world.spore(&["status"], b"").json().is_empty());
    assert_eq!(world.spore(&["history", "blog"], b"").code, Some(2));
    assert_eq!(world.spore(&["forget", "blog"], b"").code, Some(2));
    // Its mark is still on what is published: the next message has nothing to take over.
    assert_snapshot!(world.apply([&site]).told(), @"
    exit: 0
    --- out
    = blog unchanged  http://blog.localhost/  [N] ms
    ");
    assert_eq!(world.spore(&["status"], b"").json()[0]["state"], "live");
}

#[test]
fn a_message_may_protect_but_not_unprotect() {
    let world = World::new();
    let site = world.site("blog", "one");
    let protected = with(site.clone(), "lifecycle", json!({ "protect": true }));
    assert_eq!(world.apply([protected]).code, Some(0));
    assert_eq!(world.apply([site]).code, Some(0));
    assert_eq!(world.spore(&["status"], b"").json()[0]["protected"], true);
}

#[test]
fn a_paused_site_is_left_as_it_is() {
    let world = World::new();
    let site = world.site("blog", "one");
    assert_eq!(world.apply([&site]).code, Some(0));
    world.site("blog", "two");
    let paused = with(site, "lifecycle", json!({ "ensure": "paused" }));
    assert_snapshot!(world.apply([paused]).told(), @"
    exit: 0
    --- out
    = blog paused  [N] ms
    ");
    assert_eq!(world.spore(&["status"], b"").json()[0]["state"], "paused");
}

#[test]
fn a_rollback_holds_until_the_content_changes() {
    let world = World::new();
    let site = world.site("blog", "one");
    world.apply([&site]);
    assert_snapshot!(world.spore(&["rollback", "blog", "-o", "text"], b"").told(), @"
    exit: 1
    --- out
    ! blog failed  [N] ms
        there is no earlier release to go back to [rejected]
    ");
    world.site("blog", "two");
    world.apply([&site]);
    assert_snapshot!(world.spore(&["rollback", "blog", "-o", "text"], b"").told(), @"
    exit: 0
    --- out
    + blog applied  http://blog.localhost/  [N] ms
        activate local-static/blog (release [RELEASE] is live)
    ");
    assert_snapshot!(world.spore(&["status", "-o", "text"], b"").told(), @"
    exit: 0
    --- out
    SITE  STATE  ADDRESS         RELEASE       APPLIED   NOTE
    blog  live   blog.localhost  [RELEASE]  just now  rolled back
    --- err
    1 site: 1 live
    ");
    // The writer sends the same again: what the operator rolled back stays so.
    assert_snapshot!(world.apply([&site]).told(), @"
    exit: 0
    --- out
    = blog unchanged  http://blog.localhost/  [N] ms
        ! withheld publish local-static/blog: the operator rolled back from these files; changed ones are published
    ");
    assert_snapshot!(world.spore(&["history", "blog", "-o", "text"], b"").told(), @"
    exit: 0
    --- out
    RELEASE       WHEN                  WHY       WHAT
    [RELEASE]  [DATE] [TIME]  rollback  from [RELEASE] (live)
    [RELEASE]  [DATE] [TIME]  apply     1 file, 3 B; 1 copied
    [RELEASE]  [DATE] [TIME]  apply     1 file, 3 B; 1 copied
    ");
    world.site("blog", "three");
    assert_snapshot!(world.apply([site]).told(), @"
    exit: 0
    --- out
    + blog applied  http://blog.localhost/  [N] ms
        publish local-static/blog (1 file, 5 B; 1 copied)
    ");
    assert_snapshot!(world.spore(&["status", "-o", "text"], b"").told(), @"
    exit: 0
    --- out
    SITE  STATE  ADDRESS         RELEASE       APPLIED   NOTE
    blog  live   blog.localhost  [RELEASE]  just now
    --- err
    1 site: 1 live
    ");
    assert_snapshot!(world.spore(&["rollback", "blog", "0123abc", "-o", "text"], b"").told(), @r#"
    exit: 1
    --- out
    ! blog failed  [N] ms
        "0123abc" is not one kept release [rejected]
          hint: kept are, newest first: [RELEASE], [RELEASE], [RELEASE]
    "#);
}

#[test]
fn status_and_history_for_programs() {
    let world = World::new();
    let site = with(
        world.site("blog", "one"),
        "labels",
        json!([{ "key": "team", "value": "docs" }]),
    );
    let site = with(site, "domains", json!({ "primary": "blog.example" }));
    assert_snapshot!(world.spore(&["status", "-o", "text"], b"").told(), @"
    exit: 0
    --- err
    no sites yet; send one: mycelia-spore encode site.yaml | mycelia-spore
    ");
    world.apply([site]);
    let mut status = world.spore(&["status", "blog"], b"").json().remove(0);
    let mut entry = world.spore(&["history", "blog"], b"").json().remove(0);
    assert_eq!(status["release"], entry["release"]);
    status["release"] = json!("R");
    entry["release"] = json!("R");
    for time in [status["applied_at"].take(), entry["at"].take()] {
        time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    }
    assert_snapshot!(status, @r#"{"v":1,"site":"blog","state":"live","provider":"localStatic","project":"blog","primary":"blog.example","release":"R","generation":0,"applied_at":null,"next_edge":null,"protected":false,"rolled_back":false,"labels":{"team":"docs"},"detail":""}"#);
    assert_snapshot!(entry, @r#"{"v":1,"release":"R","at":null,"seq":1,"cause":"apply","detail":"1 file, 3 B; 1 copied"}"#);
}

#[test]
fn history_shows_the_newest_first_and_no_more_than_asked() {
    let world = World::new();
    for text in ["one", "two", "three"] {
        let site = world.site("blog", text);
        world.apply([site]);
    }
    let entries = world
        .spore(&["history", "blog", "--limit", "2"], b"")
        .json();
    assert_eq!(entries.len(), 2);
    let live = &world.spore(&["status", "blog"], b"").json()[0]["release"];
    assert_eq!(&entries[0]["release"], live);
}

#[test]
fn a_state_directory_may_have_any_name() {
    let world = World::new();
    let bytes = stream([world.site("blog", "one")]);
    let run = |arguments: &[&str]| {
        let arguments = [
            arguments,
            &["--state-dir", "a b%3f?#é", "--source-root", "sites"],
        ]
        .concat();
        world.spore(&arguments, &bytes)
    };
    assert_eq!(run(&["run"]).json()[0]["outcome"], "applied");
    assert_eq!(run(&["plan"]).json()[0]["outcome"], "unchanged");
    assert_eq!(run(&["status"]).json()[0]["site"], "blog");
    let made: Vec<_> = fs::read_dir(world.path("a b%3f?#é")).unwrap().collect();
    assert!(!made.is_empty());
    assert_eq!(
        fs::read_dir(world.path("")).unwrap().count(),
        2,
        "another folder was made"
    );
}
