//! What the running daemon tells its operator's receivers: a real loop, real requests and real programs.
#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../reconcile/daemon.rs"]
#[allow(
    dead_code,
    reason = "this suite asks other questions than that of the loop"
)]
mod daemon;
mod examined;
mod living;
mod programs;
#[path = "../http/server.rs"]
#[allow(
    dead_code,
    reason = "this suite asks other questions than that of the network client"
)]
mod server;
#[path = "../support/tools.rs"]
mod tools;
mod webhooks;
