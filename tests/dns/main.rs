//! DNS: the difference between the sets that are wanted and those that are there, and the backends that make
//! it vanish.
#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;
mod contract;
mod differences;
mod messages;
mod obstacles;
mod properties;
mod world;
mod zones;
