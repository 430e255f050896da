//! Programs that mean harm, in the real sandbox.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod bench;
mod limits;
mod outside;
mod refused;
#[path = "../support/tools.rs"]
mod tools;
