//! Exit codes, and the errors that end a command.

use crate::edge::EdgeError;
use crate::edge::socket::SocketError;
use crate::edge::systemd::SystemdError;
use crate::rpc::CallError;
use crate::settings::SettingsError;
use crate::store::StoreError;
use crate::stream::{SendError, SourceError, StreamError};
use std::io;
use std::process::ExitCode;
use thiserror::Error;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Everything is as asked.
    Converged,
    /// A message failed, was refused or is invalid.
    Failed,
    /// Wrong usage or settings.
    Usage,
    /// A plan found something to do, and the caller asked to be told by the exit code.
    Pending,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Converged => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Pending => 3,
        })
    }
}

/// Why a command ended early.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The state directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stream is no stream of messages.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Messages cannot be taken from a source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Messages cannot be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A daemon went away before it had answered.
    #[error("the connection ended after {reports} of {messages} reports")]
    Unanswered {
        /// Reports that came.
        reports: u64,
        /// Messages that were sent.
        messages: u64,
    },
    /// The running daemon does not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A socket cannot be had.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// What the service manager says makes no sense.
    #[error(transparent)]
    Systemd(#[from] SystemdError),
    /// A backend failed.
    #[error("{}", .0.full())]
    Edge(EdgeError),
    /// A text cannot be encoded.
    #[error(transparent)]
    Authoring(#[from] crate::authoring::AuthoringError),
    /// The operating system refused something.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The command line asks for something that makes no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
}

impl Failure {
    /// An error of the operating system.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// A request that makes no sense.
    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The exit code.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Usage { .. } => Exit::Usage,
            Self::Store(_)
            | Self::Stream(_)
            | Self::Source(_)
            | Self::Send(_)
            | Self::Unanswered { .. }
            | Self::Call(_)
            | Self::Socket(_)
            | Self::Systemd(_)
            | Self::Edge(_)
            | Self::Authoring(_)
            | Self::Io { .. } => Exit::Failed,
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self) -> Option<&str> {
        match self {
            Self::Usage { hint, .. } => Some(hint),
            Self::Edge(error) => error.hint.as_deref(),
            Self::Send(
                SendError::NoReader { .. } | SendError::Socket(SocketError::Nobody { .. }),
            ) => Some("is `mycelia-spore run --source ...` running there?"),
            Self::Unanswered { .. } => Some("send again: what was done already is found unchanged"),
            Self::Source(SourceError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Some(
                    "make the directory first; the daemon does not, as who may write there is for you to say",
                )
            }
            Self::Source(_)
            | Self::Call(_)
            | Self::Socket(_)
            | Self::Systemd(_)
            | Self::Send(_)
            | Self::Settings(_)
            | Self::Store(_)
            | Self::Stream(_)
            | Self::Authoring(_)
            | Self::Io { .. } => None,
        }
    }
}

impl From<EdgeError> for Failure {
    fn from(error: EdgeError) -> Self {
        Self::Edge(error)
    }
}
