//! Spans in the log, and at a receiver of OpenTelemetry.
#![cfg(test)]

#[path = "../streams/daemon.rs"]
#[allow(
    dead_code,
    reason = "this suite asks other questions than that of streams"
)]
mod daemon;
mod exported;
mod log;
mod receivers;
#[path = "../http/server.rs"]
#[allow(dead_code, reason = "the receivers here do fewer things wrong")]
mod server;
mod settings;
#[path = "../support/spooled.rs"]
mod spooled;
#[path = "../support/tools.rs"]
#[allow(dead_code, reason = "no program on PATH is asked for here")]
mod tools;
#[path = "../cli/world.rs"]
#[allow(
    dead_code,
    reason = "this suite asks other questions than that of the command line"
)]
mod world;

use crate::world::{Ended, World, stream, with};
use serde_json::{Value, json};

/// Writes settings that export to an address, with these further lines in their table.
fn export_to(world: &World, otlp: &str, more: &str) {
    let text = format!("[telemetry]\notlp = \"{otlp}\"\n{more}");
    world.write("settings.toml", text);
}

/// Runs messages to their end, with these further arguments.
fn run(world: &World, documents: &[Value], arguments: &[&str]) -> Ended {
    world.spore(
        &[&usual()[..], arguments].concat(),
        &stream(documents.iter()),
    )
}

fn usual() -> [&'static str; 9] {
    [
        "run",
        "--source-root",
        "sites",
        "--settings",
        "settings.toml",
        "--state-dir",
        "state",
        "-o",
        "json",
    ]
}

/// A site whose message has a token.
fn blog(world: &World) -> Value {
    with(world.site("blog", "hello"), "requestId", json!("deploy-7"))
}

/// A site that cannot be published: where its releases go there is something else.
fn broken(world: &World) -> Value {
    world.write("state/local-static/releases/broken", "");
    world.site("broken", "hello")
}
