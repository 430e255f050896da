//! Cloudflare Pages, against a fake of its API that the real client has proven.
#![cfg(test)]

mod allowances;
mod cli;
#[path = "../fake/cloudflare/mod.rs"]
mod cloudflare;
mod command_lives;
#[path = "../common/mod.rs"]
mod common;
mod faults;
mod functions;
mod git;
mod lives;
mod living;
mod many;
mod names;
mod place;
mod previews;
#[path = "../support/reach.rs"]
mod reach;
mod releases;
mod settings;
mod terminal;
#[path = "../support/tools.rs"]
mod tools;
mod uploads;
#[path = "../support/upstream.rs"]
mod upstream;
mod whole;
