//! The running daemon over HTTP, to look at: whether it is well, its numbers for a monitoring system, its sites as
//! JSON, what happens as server-sent events, and one page for people. Nothing can be changed here.

mod access;
mod api;
mod events;
mod metrics;
mod page;
mod process;
mod reply;
mod server;

pub use server::{Door, serve};

use crate::edge::secret::Credentials;
use crate::model::SettingsName;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the daemon can be looked at, and by whom.
#[derive(Clone, Debug)]
pub struct StatusSettings {
    /// Where it listens.
    pub listen: Listen,
    /// The credential that is asked for; without one everybody who can connect may look.
    pub token: Option<SettingsName>,
    /// Where credentials are kept.
    pub credentials: Credentials,
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address of this machine.
    Tcp(SocketAddr),
    /// A Unix socket, for the daemon's own user.
    Unix(PathBuf),
}
