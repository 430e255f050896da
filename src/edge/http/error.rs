//! Why there is no answer, by what is known of the request.

use crate::edge::{EdgeError, EdgeErrorKind};
use crate::words::count;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// A request as errors name it: nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The address without user, password, query and fragment.
    pub url: String,
    /// How often it was tried.
    pub attempts: u32,
}

impl Exchange {
    /// How often it was tried, where that is worth telling.
    fn tried(&self) -> String {
        match self.attempts {
            0 | 1 => String::new(),
            attempts => format!(" ({})", count(attempts as usize, "attempt")),
        }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// Why there is no answer.
///
/// The texts of the libraries below are taken over without their addresses, which may hold secrets.
#[derive(Debug, Error)]
pub enum HttpError {
    /// It is certain that the server did not see the request: its name is not known, there was no
    /// connection or no trust, or the allowance is used up for longer than is waited.
    #[error("{exchange} was not sent: {reason}{}", exchange.tried())]
    NotSent {
        /// The request.
        exchange: Exchange,
        /// What is wrong.
        reason: String,
        /// When it may be sent, if that is known.
        retry_after: Option<Duration>,
    },
    /// It was sent, in this attempt or an earlier one, and what became of it is not known: the connection
    /// ended, time was up, or the answer is broken or too long.
    #[error("{exchange} has no whole answer: {reason}{}", exchange.tried())]
    Unknown {
        /// The request.
        exchange: Exchange,
        /// What is wrong.
        reason: String,
        /// When it may be sent again, if that is known.
        retry_after: Option<Duration>,
    },
    /// The request cannot be made.
    #[error("{exchange} cannot be sent: {reason}")]
    Invalid {
        /// The request.
        exchange: Exchange,
        /// What is wrong.
        reason: String,
    },
}

impl HttpError {
    /// The request.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        match self {
            Self::NotSent { exchange, .. }
            | Self::Unknown { exchange, .. }
            | Self::Invalid { exchange, .. } => exchange,
        }
    }
}

impl From<HttpError> for EdgeError {
    fn from(error: HttpError) -> Self {
        let kind = match error {
            HttpError::NotSent { retry_after, .. } | HttpError::Unknown { retry_after, .. } => {
                EdgeErrorKind::Transient { retry_after }
            }
            HttpError::Invalid { .. } => EdgeErrorKind::Rejected,
        };
        Self::new(kind, error.to_string())
    }
}

/// Why one attempt has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was not sent, and trying again may help.
    NotSent(String),
    /// It was not sent: the client could not be made, and trying again at once does not help.
    NoClient(String),
    /// It was not sent: the allowance is used up for so long that waiting is left to the caller.
    Exhausted(Duration),
    /// It was sent, and what became of it is not known.
    Unknown(String),
    /// The answer is longer than this many bytes. It would be again.
    TooLong(usize),
    /// The request cannot be made.
    Invalid(String),
}

impl Failure {
    /// What an error of the library below says about a request with these limits of time.
    pub(super) fn of(error: &reqwest::Error, connect: Duration, whole: Duration) -> Self {
        if error.is_builder() {
            return Self::Invalid(innermost(error));
        }
        let (sent, limit, what) = if error.is_connect() {
            (false, connect.min(whole), "connection")
        } else {
            (true, whole, "whole answer")
        };
        let reason = if error.is_timeout() {
            format!("no {what} within {} s", limit.as_secs_f32())
        } else {
            innermost(error)
        };
        if sent {
            Self::Unknown(reason)
        } else {
            Self::NotSent(reason)
        }
    }

    /// Why there is no client: mostly a system without certificates.
    pub(super) fn no_client(error: &reqwest::Error) -> Self {
        Self::NoClient(format!(
            "the network client cannot be made: {} (it needs the system's certificates of authorities, or a \
             file of them named by SSL_CERT_FILE)",
            innermost(error)
        ))
    }

    /// The error of an exchange that ends with this. When the server may have `seen` an earlier attempt, it is
    /// not certain any more that it saw none.
    pub(super) fn of_exchange(self, exchange: Exchange, seen: bool) -> HttpError {
        let (reason, sent, retry_after) = match self {
            Self::Invalid(reason) => return HttpError::Invalid { exchange, reason },
            Self::NotSent(reason) | Self::NoClient(reason) => (reason, seen, None),
            Self::Exhausted(wait) => (exhausted(wait), seen, Some(wait)),
            Self::Unknown(reason) => (reason, true, None),
            Self::TooLong(max) => (format!("it is longer than {max} bytes"), true, None),
        };
        if sent {
            return HttpError::Unknown {
                exchange,
                reason,
                retry_after,
            };
        }
        HttpError::NotSent {
            exchange,
            reason,
            retry_after,
        }
    }
}

/// What is said when nothing may be sent for this long.
fn exhausted(wait: Duration) -> String {
    let seconds = wait.as_secs().saturating_add(1);
    format!("the allowance of requests is used up for {seconds} s")
}

/// The text of the error at the bottom, which says what happened; those above say only where.
fn innermost(error: &reqwest::Error) -> String {
    let mut below: Option<&(dyn StdError + 'static)> = StdError::source(error);
    let mut text = None;
    while let Some(error) = below {
        text = Some(error.to_string());
        below = error.source();
    }
    // Without anything below the text may name the address.
    text.unwrap_or_else(|| "the request failed".into())
}
