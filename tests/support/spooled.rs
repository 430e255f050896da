//! A daemon that takes messages from the directory `spool`.

use crate::world::{World, stream};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Its command, by the file `settings.toml` and with its state in `state`.
pub(crate) fn command(world: &World, arguments: &[&str]) -> Command {
    fs::create_dir_all(world.path("spool")).unwrap();
    let usual = [
        "run",
        "-o",
        "json",
        "--settings",
        "settings.toml",
        "--state-dir",
        "state",
        "--source",
        "dir:spool",
    ];
    world.command(&[&usual[..], arguments].concat())
}

/// Puts the message of a document where the daemon takes it, as a file of this name.
pub(crate) fn send(world: &World, name: &str, document: &Value) {
    fs::write(world.path("message"), stream([document])).unwrap();
    let name = format!("spool/{name}.bin");
    fs::rename(world.path("message"), world.path(&name)).unwrap();
}
