//! From bytes to the checked configuration: what is accepted, what is refused, and how it is told.
#![cfg(test)]
#![allow(
    clippy::semicolon_if_nothing_returned,
    reason = "tables of closures that fit a line each"
)]

mod accepted;
mod dns_faults;
mod faults;
mod hosting_faults;
mod names;
mod sample;
mod stream;
mod treelink_faults;
mod whole;
