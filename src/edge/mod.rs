//! The only places that reach outside the daemon.

pub mod cloudflare;
pub mod error;
pub mod http;
pub mod process;
pub mod secret;
pub mod socket;

pub use error::{EdgeError, EdgeErrorKind};
