//! The daemon as a service: what its manager is told, what it hands over, and the unit files.
#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../reconcile/daemon.rs"]
#[allow(
    dead_code,
    reason = "this suite asks other questions than that of the loop"
)]
mod daemon;
mod handed;
mod manager;
#[path = "../support/tools.rs"]
mod tools;
mod units;
