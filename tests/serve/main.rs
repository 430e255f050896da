//! The static web server as its visitors see it: the real server, asked over real connections.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod connections;
mod files;
mod hosts;
mod paths;
mod server;
mod site;
mod switching;
