//! What can go wrong at the edge of the daemon, by what is to be done about it.

use crate::words;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// An error of a backend, a build or any other edge.
#[derive(Debug)]
pub struct EdgeError {
    /// What is to be done about it.
    pub kind: EdgeErrorKind,
    /// The field of the message that is concerned, as `dns.provider`; empty when none is.
    pub path: &'static str,
    /// What was tried and what is wrong, whole.
    pub message: String,
    /// What a person can do.
    pub hint: Option<String>,
    /// Who says so.
    pub origin: Origin,
    /// The error below, if there is one.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Whose error it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This machine's.
    Here,
    /// It is the answer of a provider's service, or that there was none.
    Service,
    /// The same to an account at the provider, as `cloudflare/default`.
    Account(Box<str>),
}

/// What is to be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeErrorKind {
    /// Trying again may help, after this time if one is given.
    Transient {
        /// How long the other side asks to wait.
        retry_after: Option<Duration>,
    },
    /// Credentials are missing or not accepted.
    Unauthorised,
    /// Something else is in the way and must be moved by a person.
    Conflict,
    /// The other side understood and said no.
    Rejected,
    /// The operator does not allow it.
    Forbidden,
    /// This daemon cannot do it.
    Unsupported,
}

impl EdgeErrorKind {
    /// A name for programs, never changed once given.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Transient { .. } => "transient",
            Self::Unauthorised => "unauthorised",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
            Self::Forbidden => "forbidden",
            Self::Unsupported => "unsupported",
        }
    }
}

impl EdgeError {
    /// An error of this kind.
    #[must_use]
    pub fn new(kind: EdgeErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            path: "",
            message: message.into(),
            hint: None,
            origin: Origin::Here,
            source: None,
        }
    }

    /// Something this daemon cannot do.
    #[must_use]
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(EdgeErrorKind::Unsupported, message)
    }

    /// Something that was understood and is not possible.
    #[must_use]
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::new(EdgeErrorKind::Rejected, message)
    }

    /// A failure of the operating system that trying again may cure.
    #[must_use]
    pub fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        Self::new(EdgeErrorKind::Transient { retry_after: None }, message).source(source)
    }

    /// The same about a field of the message.
    #[must_use]
    pub const fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// The same, as the answer of a provider's service.
    #[must_use]
    pub fn remote(mut self) -> Self {
        self.origin = Origin::Service;
        self
    }

    /// The same as the answer to this account; nothing when it is not a service's answer.
    #[must_use]
    pub fn of_account(mut self, account: Option<String>) -> Self {
        if let (Origin::Service, Some(account)) = (&self.origin, account) {
            self.origin = Origin::Account(account.into());
        }
        self
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with the error below.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The message and those of all errors below, joined by ": ".
    #[must_use]
    pub fn full(&self) -> String {
        words::chain(self)
    }
}

impl fmt::Display for EdgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for EdgeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| -> &(dyn StdError + 'static) { source })
    }
}
