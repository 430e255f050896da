//! Websites built by the real tools from the repositories their owners would have: hugo, Astro, Next.js, Nuxt, and
//! plain projects of npm, pnpm and yarn; in the sandbox, by the real command, and seen by a visitor.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod dependencies;
mod farm;
#[path = "../support/fixture.rs"]
mod fixture;
mod history;
mod nix;
mod packages;
mod real;
mod refusals;
#[path = "../support/git_server.rs"]
mod server;
#[path = "../support/tools.rs"]
mod tools;
#[path = "../support/upstream.rs"]
mod upstream;
