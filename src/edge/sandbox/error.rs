//! Why a program in the sandbox did not do its work.

use super::super::{EdgeError, EdgeErrorKind};
use crate::words;
use std::io;
use std::time::Duration;
use thiserror::Error;

/// Why a program did not do its work.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// It ended with an error.
    #[error("{program} failed ({how})")]
    Failed {
        /// Its name.
        program: String,
        /// Its exit code or the signal that ended it.
        how: String,
    },
    /// It took too long.
    #[error("{program} took longer than {} and was ended", words::duration(*limit))]
    Time {
        /// Its name.
        program: String,
        /// How long it was given.
        limit: Duration,
    },
    /// It used too much memory.
    #[error("{program} used more than {} of memory and was ended", words::bytes(*limit))]
    Memory {
        /// Its name.
        program: String,
        /// How much it was given, in bytes.
        limit: u64,
    },
    /// It started too many processes.
    #[error("{program} ran more than {limit} processes and was ended")]
    Processes {
        /// Its name.
        program: String,
        /// How many it was given.
        limit: u64,
    },
    /// It wrote too much.
    #[error("{program} wrote more than {} to disk and was ended", words::bytes(*limit))]
    Disk {
        /// Its name.
        program: String,
        /// How much it was given, in bytes.
        limit: u64,
    },
    /// It could not be started or looked after.
    #[error("{program} cannot be run")]
    Io {
        /// Its name.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<SandboxError> for EdgeError {
    fn from(error: SandboxError) -> Self {
        let (field, hint) = match &error {
            SandboxError::Io { .. } => {
                let kind = EdgeErrorKind::Transient { retry_after: None };
                let message = error.to_string();
                return match error {
                    SandboxError::Io { source, .. } => Self::new(kind, message).source(source),
                    _ => Self::new(kind, message),
                };
            }
            SandboxError::Failed { .. } => ("build", None),
            SandboxError::Time { .. } => ("build.timeoutSeconds", None),
            SandboxError::Memory { .. } => ("build", Some("builds.memory-mib")),
            SandboxError::Processes { .. } => ("build", Some("builds.processes")),
            SandboxError::Disk { .. } => ("build", Some("builds.disk-mib")),
        };
        let told = Self::rejected(error.to_string()).at(field);
        match hint {
            Some(key) => told.hint(format!("the operator allows more by {key} in the settings")),
            None => told,
        }
    }
}
