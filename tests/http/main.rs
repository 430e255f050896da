//! The network client as servers see it: real exchanges on loopback with servers that misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod budget;
mod children;
mod client;
mod exchanges;
mod faults;
mod gzip;
mod proxy;
mod secrecy;
mod server;
mod tls;
#[path = "../support/tools.rs"]
mod tools;
