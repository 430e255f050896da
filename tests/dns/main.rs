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
#[path = "../pages/setup.rs"]
mod pages;
mod properties;
mod world;
mod zones;
