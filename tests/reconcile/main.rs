//! From packed messages to reports and live sites, with the real store and `LocalStatic`.
#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;
mod daemon;
mod failures;
mod lifecycle;
mod lives;
mod order;
mod refusals;
mod rollback;
