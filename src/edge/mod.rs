//! The only places that reach outside the daemon.

pub mod error;
pub mod process;

pub use error::{EdgeError, EdgeErrorKind};
