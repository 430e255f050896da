//! Cloudflare Pages, against a fake of its API that the real client has proven.
#![cfg(test)]

#[path = "../fake/cloudflare/mod.rs"]
mod cloudflare;
#[path = "../common/mod.rs"]
mod common;
mod faults;
mod releases;
mod setup;
