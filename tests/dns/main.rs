//! DNS: the difference between the sets that are wanted and those that are there, and the backends that make
//! it vanish.
#![cfg(test)]

#[path = "../fake/cloudflare/mod.rs"]
mod cloudflare;
#[path = "../common/mod.rs"]
mod common;
mod contract;
mod differences;
mod messages;
mod obstacles;
mod properties;
#[path = "../support/reach.rs"]
mod reach;
mod world;
mod zones;
