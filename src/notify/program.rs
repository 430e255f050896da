//! Tells a program of this machine: it reads the announcement, and its environment says what it is about.

use super::{Announcement, Notification};
use crate::edge::process::{Command, ProcessError};
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::{JoinError, spawn_blocking};

/// How long a program may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How much it may write to its standard output, in bytes. Nothing of it is used.
const OUTPUT_MAX: usize = 1024 * 1024;

/// Why a program did not do its part.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProgramError {
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error("it was not waited for")]
    Lost(#[from] JoinError),
}

/// Runs the program to its end, once.
pub(super) async fn run(
    notification: &Notification,
    (path, args): (PathBuf, Vec<String>),
    announcement: &Announcement,
) -> Result<(), ProgramError> {
    let command = Command::new(path)
        .args(args)
        .current_dir("/")
        .env("SPORE_NOTIFICATION", notification.name.as_str())
        .env("SPORE_ID", announcement.id(notification))
        .env("SPORE_KIND", announcement.kind.name())
        .env("SPORE_SITE", announcement.site.as_str())
        .env("SPORE_STATE", announcement.state())
        .env("SPORE_CLASS", announcement.class().unwrap_or_default())
        .stdin(announcement.body())
        .stdout_max(OUTPUT_MAX)
        .timeout(TIMEOUT);
    spawn_blocking(|| command.run()).await??;
    Ok(())
}
