//! The fake of the Cloudflare API keeps the rules that it is there for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails, in its helpers too"
)]

#[path = "../fake/cloudflare/mod.rs"]
mod cloudflare;
#[path = "../support/tools.rs"]
mod tools;

mod assets;
mod client;
mod deployments;
mod domains;
mod faults;
mod official;
mod projects;
mod records;
