//! The sources of the long-lived daemon and the client that sends to it, with the real command.
#![cfg(test)]

mod daemon;
mod fifo;
mod pressure;
mod producers;
mod send;
mod socket;
mod spool;
mod together;
#[path = "../support/tools.rs"]
mod tools;
#[path = "../cli/world.rs"]
#[allow(
    dead_code,
    reason = "this suite asks other questions than that of the command line"
)]
mod world;
