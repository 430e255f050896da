//! The only places that reach outside the daemon.

pub mod cloudflare;
pub mod error;
pub mod http;
pub(crate) mod lock;
pub mod process;
pub mod sandbox;
pub mod secret;
pub mod socket;
pub mod systemd;

pub use error::{EdgeError, EdgeErrorKind, Origin};
