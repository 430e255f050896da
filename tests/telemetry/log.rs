//! Spans in the log.

use crate::world::World;
use crate::{blog, broken, run};
use serde_json::{Value, json};

#[test]
fn lines_say_which_site_and_step_they_belong_to() {
    let world = World::new();
    world.write("settings.toml", "");
    let ended = run(&world, &[blog(&world)], &["--log", "info"]);
    let place = "INFO site{site=blog cause=message request_id=\"deploy-7\" attempt=1}:\
                 step{action=publish target=local-static/blog}: mycelia_spore::apply: \
                 done: 1 file, 5 B; 1 copied\n";
    assert!(ended.stderr.ends_with(place), "{}", ended.stderr);
    let ended = run(&world, &[broken(&world)], &["--log", "info"]);
    let place = "INFO site{site=broken cause=message attempt=1}:\
                 step{action=publish target=local-static/broken}: mycelia_spore::apply: failed: ";
    assert!(ended.stderr.contains(place), "{}", ended.stderr);
}

#[test]
fn warnings_do_so_without_being_asked() {
    let world = World::new();
    world.write("settings.toml", "");
    let site = blog(&world);
    world.write("sites/blog/_redirects", "nonsense\n");
    let ended = run(&world, &[site], &[]);
    let place = "WARN site{site=blog cause=message request_id=\"deploy-7\" attempt=1}:\
                 step{action=publish target=local-static/blog}: mycelia_spore::hosting::local_static::publish: ";
    assert!(ended.stderr.contains(place), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn json_lines_list_their_spans() {
    let world = World::new();
    world.write("settings.toml", "");
    let ended = run(
        &world,
        &[blog(&world)],
        &["--log", "info", "--log-format", "json"],
    );
    let line: Value = serde_json::from_str(ended.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(
        line["spans"],
        json!([
            {
                "name": "site", "site": "blog", "cause": "message", "request_id": "deploy-7",
                "attempt": 1,
            },
            { "name": "step", "action": "publish", "target": "local-static/blog" },
        ])
    );
}

#[test]
fn what_the_log_is_told_to_leave_out_is_left_out() {
    let world = World::new();
    // Spans are kept for the receiver all the same; the log has only what it says of that.
    crate::export_to(&world, "http://127.0.0.1:1", "");
    let ended = run(&world, &[blog(&world)], &["--log", "off"]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    let ended = run(&world, &[world.site("other", "x")], &[]);
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert!(
        lines
            .iter()
            .all(|line| line.contains("mycelia_spore::telemetry::export: ")),
        "{lines:?}"
    );
}
