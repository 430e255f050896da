//! Pages of links, rendered whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says on stderr what it left out"
)]

mod content;
mod hostile;
mod judges;
mod samples;
