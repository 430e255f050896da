//! Whether a machine is fit, told without changing anything.

use crate::world::World;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

/// How something was found, by what it is.
fn found<'a>(checks: &'a [Value], what: &str) -> &'a Value {
    let named = checks.iter().find(|check| check["check"] == what);
    named.unwrap_or_else(|| panic!("{what} was not looked at: {checks:?}"))
}

#[test]
fn what_is_there_is_told_and_nothing_is_made() {
    let world = World::new();
    let ended = world.spore(&["doctor"], b"");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let checks = ended.json();
    assert_eq!(found(&checks, "state")["state"], "ok");
    assert_eq!(found(&checks, "daemon")["told"], "none is running");
    for tool in [
        "git", "sandbox", "hugo", "node", "npm", "pnpm", "yarn", "nix",
    ] {
        let check = found(&checks, tool);
        let lacking = check["state"] == "lacking" && check["hint"].is_string();
        assert!(check["state"] == "ok" || lacking, "{check}");
    }
    assert!(!world.path(".local/state/mycelia-spore/state.db").exists());
}

#[test]
fn what_was_set_up_and_does_not_work_ends_with_1() {
    let world = World::new();
    world.write("token", "held by nobody else");
    world.write("open", "held by everybody");
    for (file, mode) in [("token", 0o600), ("open", 0o644)] {
        fs::set_permissions(world.path(file), Permissions::from_mode(mode)).unwrap();
    }
    world.write(
        "settings.toml",
        "[credentials.good]\nfile = \"token\"\n[credentials.lost]\nfile = \"lost\"\n\
         [credentials.open]\nfile = \"open\"\n[sources]\nroots = [\"/no/such/folder\"]\n\
         [cloudflare]\napi-base-url = \"http://127.0.0.1:9\"\n\
         [cloudflare.accounts.farm]\naccount-id = \"023e105f4ecef8ad9ca31a8372d0c353\"\ntoken = \"good\"\n",
    );
    let doctor = ["--settings=settings.toml", "doctor", "--output=json"];
    let ended = world.spore(&doctor, b"");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let checks = ended.json();
    assert_eq!(found(&checks, "credential good")["state"], "ok");
    let lost = found(&checks, "credential lost");
    assert_eq!(lost["state"], "broken");
    assert!(lost["told"].as_str().unwrap().contains("lost"), "{lost}");
    let farm = found(&checks, "cloudflare account farm");
    assert_eq!(farm["state"], "broken");
    assert!(farm["told"].as_str().unwrap().contains("refused"), "{farm}");
    assert!(!format!("{checks:?}").contains("held by nobody"));
    let state = |what: &str| found(&checks, what)["state"].clone();
    assert_eq!([state("settings"), state("room")], ["ok", "ok"]);
    let doubtful = found(&checks, "credential open");
    assert_eq!(doubtful["state"], "doubtful");
    assert!(
        doubtful["told"].as_str().unwrap().contains("chmod o="),
        "{doubtful}"
    );
    assert_eq!(state("sources /no/such/folder"), "broken");
    // Offline nobody is asked.
    let ended = world.spore(&[doctor[0], "doctor", "--offline"], b"");
    assert!(
        ended
            .json()
            .iter()
            .all(|check| check["check"] != "cloudflare account farm")
    );
}
