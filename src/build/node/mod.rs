//! Sites that are built by Node.js.

mod dependencies;
mod manager;
mod pin;

pub(super) use dependencies::{Manifests, WRITTEN, modules};
pub(super) use manager::{Manager, Project};
pub(super) use pin::Pin;
