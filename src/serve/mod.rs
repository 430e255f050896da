//! The static web server: plain HTTP/1.1 for the releases that the pointers of a [`Layout`] make
//! live.
//!
//! The server knows releases and nothing of how they came to be. It serves what a release's
//! manifest lists and nothing else, and answers each request from one release alone. A path means
//! what it means on Cloudflare Pages: `/about` is `about.html`, `/blog/` is `blog/index.html`, the
//! nearest `404.html` answers for what does not exist, and `_redirects` and `_headers` hold.
//!
//! [`Layout`]: crate::release::Layout

mod body;
mod cache;
mod conditional;
mod content;
mod error;
mod negotiate;
mod range;
mod release;
mod reply;
mod request;
mod respond;
mod server;
mod site;
mod sites;
mod watch;

pub use error::ServeError;
pub use server::{Limits, run, run_with};
pub use sites::Sites;
