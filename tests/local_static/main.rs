//! What `LocalStatic` does beyond the contract of all backends: files, links, crashes and damage.
#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod manifest;
mod names;
mod place;
mod releases;
mod removal;
mod unsupported;
