//! Sources from git, fetched by the real git from real servers on this machine: `git http-backend` behind a
//! small web server, and `git daemon`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod cache;
mod credentials;
mod daemon;
mod fetching;
mod hostile;
mod installed;
mod lfs;
#[path = "../support/git_server.rs"]
mod server;
mod submodules;
mod tls;
#[path = "../support/tools.rs"]
mod tools;
#[path = "../support/upstream.rs"]
mod upstream;
mod world;
