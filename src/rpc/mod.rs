//! The running daemon over Cap'n Proto RPC, as `schema/daemon.capnp` says: what others may ask of it, and the
//! side that asks.
//!
//! Capabilities of the RPC library belong to one thread. So the server has a thread of its own, and asks the loop
//! by [`Control`](crate::reconcile::Control) as everyone does.

mod calls;
mod client;
mod room;
mod server;
mod told;
mod write;

pub use client::{Asking, CallError, Site, Status, ask};
pub use server::{Door, Server};
pub use told::{Told, Trouble, What};

use crate::schema::MESSAGE_WORDS;
use capnp::message::ReaderOptions;

/// The file in the state directory that the daemon listens at.
pub const CONTROL: &str = "control.sock";

/// How long what came may be, in words, and how much of it may be read: a call carries one configuration, which
/// is read for copying it and not a second time.
const CALL: ReaderOptions = limited(4 * MESSAGE_WORDS);

/// The same of an answer: with the state of 100,000 websites it is about 40 MB.
const ANSWER: ReaderOptions = limited(64 * MESSAGE_WORDS);

const fn limited(words: usize) -> ReaderOptions {
    let mut options = ReaderOptions::new();
    options.traversal_limit_in_words = Some(words);
    options.nesting_limit = 32;
    options
}
