//! The real command, as people and programs meet it: what it prints, how it ends, what it leaves behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod doctor;
mod forms;
mod generate;
mod process;
mod sites;
#[path = "../support/tools.rs"]
mod tools;
mod usage;
mod world;
