//! The running daemon asked over Cap'n Proto RPC, by its own client, by its commands and by pycapnp.
#![cfg(test)]

mod calls;
#[path = "../streams/daemon.rs"]
#[allow(
    dead_code,
    reason = "this suite asks other questions than that of streams"
)]
mod daemon;
mod disk;
mod life;
mod orders;
mod python;
mod service;
#[path = "../support/spooled.rs"]
mod spooled;
#[path = "../support/tools.rs"]
mod tools;
#[path = "../cli/world.rs"]
#[allow(
    dead_code,
    reason = "this suite asks other questions than that of the command line"
)]
mod world;

use crate::daemon::Daemon;
use crate::world::World;
use mycelia_spore::rpc::{Asking, CallError};
use serde_json::Value;

/// A daemon that takes messages from a directory, and calls at `rpc`.
fn start<'w>(world: &'w World, arguments: &[&str]) -> Daemon<'w> {
    std::fs::create_dir_all(world.path("spool")).unwrap();
    let usual = [
        "--state-dir",
        "state",
        "--source",
        "dir:spool",
        "--rpc",
        "unix:rpc",
    ];
    let signs = ["spool/failed", "rpc", "state/control.sock"];
    Daemon::start(world, &[&usual[..], arguments].concat(), &signs)
}

/// The message of a document.
fn message(document: &Value) -> capnp::message::Reader<capnp::serialize::OwnedSegments> {
    let packed = world::stream([document]);
    capnp::serialize_packed::read_message(&packed[..], capnp::message::ReaderOptions::new())
        .unwrap()
}

/// Asks the daemon at `rpc`.
fn ask<T>(
    world: &World,
    ask: impl AsyncFnOnce(Asking) -> Result<T, CallError>,
) -> Result<T, CallError> {
    mycelia_spore::rpc::ask(&world.path("rpc"), ask)
}
