//! What Cloudflare answers: an envelope around a result, or errors with codes.

use crate::edge::http::{Answer, HttpError};
use crate::edge::{EdgeError, EdgeErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use thiserror::Error;

/// How much of an answer that is not understood is shown, in characters.
const EXCERPT: usize = 200;

/// The codes that this program knows what to do about. Their HTTP statuses vary; the code is what counts.
pub mod codes {
    /// Pages: an unknown error; trying again helps.
    pub const PAGES_UNKNOWN: u32 = 8_000_000;
    /// Pages: a project of that name is there.
    pub const PROJECT_EXISTS: u32 = 8_000_002;
    /// Pages: there is no such project.
    pub const PROJECT_NOT_FOUND: u32 = 8_000_007;
    /// Pages: there is no such deployment.
    pub const DEPLOYMENT_NOT_FOUND: u32 = 8_000_009;
    /// Pages: the upload token is not accepted.
    pub const UPLOAD_TOKEN: u32 = 8_000_013;
    /// Pages: the domain is on a project already, or cannot be had.
    pub const DOMAIN_UNAVAILABLE: u32 = 8_000_018;
    /// Pages: the domain is not on the project.
    pub const DOMAIN_NOT_FOUND: u32 = 8_000_021;
    /// Too many bulk operations at once; trying again helps.
    pub const BULK: u32 = 10_046;
    /// Pages: the project has too many deployments to be deleted with them.
    pub const TOO_MANY_DEPLOYMENTS: u32 = 8_000_076;
    /// DNS: there is no such record.
    pub const RECORD_NOT_FOUND: u32 = 81_044;
    /// DNS: a record of that name, or the very same, is there.
    pub const RECORD_EXISTS: [u32; 2] = [81_057, 81_058];
    /// Codes that say that the token is not accepted or may not do this.
    pub const UNAUTHORISED: [u32; 7] = [1000, 6003, 6111, 9106, 9109, 10_000, 10_001];
}

/// What was asked for, and where it stands in a longer list.
#[derive(Debug)]
pub struct Reply<T> {
    /// The result.
    pub result: T,
    /// Where it stands in the list, for an answer that is a page of one.
    pub info: PageInfo,
}

/// Where a page stands in its list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PageInfo {
    /// How many items the whole list has; 0 when it is not told.
    #[serde(default)]
    pub total_count: usize,
    /// How many pages the whole list has; 0 when it is not told.
    #[serde(default)]
    pub total_pages: usize,
}

/// One error of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Code {
    /// Its number.
    pub code: u32,
    /// What it says.
    #[serde(default)]
    pub message: String,
}

/// Why a call did not give its result.
#[derive(Debug, Error)]
pub enum ApiError {
    /// Cloudflare said no.
    #[error("Cloudflare refused {call}: {}", told(*status, codes, text))]
    Refused {
        /// The method and the path.
        call: String,
        /// The HTTP status.
        status: u16,
        /// The errors.
        codes: Vec<Code>,
        /// The beginning of an answer that is not in the API's own form; empty for one that is.
        text: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The answer says that all went well, and is not understood.
    #[error("Cloudflare's answer to {call} is not understood: {what}: {text}")]
    Garbled {
        /// The method and the path.
        call: String,
        /// What is wrong with it.
        what: String,
        /// Its beginning.
        text: String,
    },
    /// There was no answer.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// An answer's errors for people.
fn told(status: u16, codes: &[Code], text: &str) -> String {
    if codes.is_empty() {
        return format!("status {status}: {text}");
    }
    let codes: Vec<String> = codes
        .iter()
        .map(|Code { code, message }| format!("{message} [{code}]"))
        .collect();
    codes.join("; ")
}

#[derive(Deserialize)]
struct Envelope<T> {
    success: bool,
    result: Option<T>,
    result_info: Option<PageInfo>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    errors: Vec<Code>,
}

/// Reads an answer. A result that is missing is `None`.
pub(super) fn read<T: DeserializeOwned>(
    call: &str,
    answer: &Answer,
) -> Result<Reply<Option<T>>, ApiError> {
    let good = (200..300).contains(&answer.status);
    if good && answer.body.is_empty() {
        return Ok(Reply {
            result: None,
            info: PageInfo::default(),
        });
    }
    if good {
        let envelope: Envelope<T> =
            serde_json::from_slice(&answer.body).map_err(|error| ApiError::Garbled {
                call: call.into(),
                what: error.to_string(),
                text: excerpt(&answer.body),
            })?;
        if envelope.success {
            return Ok(Reply {
                result: envelope.result,
                info: envelope.result_info.unwrap_or_default(),
            });
        }
    }
    let failure = serde_json::from_slice(&answer.body).ok();
    let codes = failure.map(|Failure { errors }| errors).unwrap_or_default();
    Err(ApiError::Refused {
        call: call.into(),
        status: answer.status,
        text: if codes.is_empty() {
            excerpt(&answer.body)
        } else {
            String::new()
        },
        codes,
        retry_after: answer.retry_after(),
    })
}

/// The beginning of a text that nobody expected: an error page, or half an answer.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT)]);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(EXCERPT).collect()
}

impl ApiError {
    /// Whether Cloudflare gave this code.
    #[must_use]
    pub fn has(&self, code: u32) -> bool {
        self.codes().iter().any(|known| known.code == code)
    }

    /// The codes that Cloudflare gave.
    #[must_use]
    pub fn codes(&self) -> &[Code] {
        match self {
            Self::Refused { codes, .. } => codes,
            Self::Garbled { .. } | Self::Http(_) => &[],
        }
    }

    /// The HTTP status of a refusal.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Garbled { .. } | Self::Http(_) => None,
        }
    }

    /// Whether there is nothing of that name.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        const MISSING: [u32; 4] = [
            codes::PROJECT_NOT_FOUND,
            codes::DEPLOYMENT_NOT_FOUND,
            codes::DOMAIN_NOT_FOUND,
            codes::RECORD_NOT_FOUND,
        ];
        MISSING.iter().any(|code| self.has(*code))
            || (self.status() == Some(404) && self.codes().is_empty())
    }

    /// Whether it is not known if the change was made: then what is there must be read before it is asked
    /// for again.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status >= 500,
            Self::Garbled { .. } => true,
            Self::Http(error) => matches!(error, HttpError::Unknown { .. }),
        }
    }

    fn kind(&self) -> EdgeErrorKind {
        let (status, codes, retry_after) = match self {
            Self::Refused {
                status,
                codes,
                retry_after,
                ..
            } => (*status, codes, *retry_after),
            Self::Garbled { .. } | Self::Http(_) => {
                return EdgeErrorKind::Transient { retry_after: None };
            }
        };
        let transient = [codes::PAGES_UNKNOWN, codes::BULK];
        let any = |known: &[u32]| codes.iter().any(|code| known.contains(&code.code));
        if status == 429 || status >= 500 || any(&transient) {
            EdgeErrorKind::Transient { retry_after }
        } else if any(&codes::UNAUTHORISED) || matches!(status, 401 | 403) {
            EdgeErrorKind::Unauthorised
        } else if any(&[codes::PROJECT_EXISTS, codes::DOMAIN_UNAVAILABLE]) || status == 409 {
            EdgeErrorKind::Conflict
        } else {
            EdgeErrorKind::Rejected
        }
    }
}

impl From<ApiError> for EdgeError {
    fn from(error: ApiError) -> Self {
        let kind = error.kind();
        let edge = match error {
            ApiError::Http(error) => return Self::from(error).remote(),
            error => Self::new(kind, error.to_string()).remote(),
        };
        match kind {
            EdgeErrorKind::Unauthorised => edge.hint(
                "the token needs the permissions \"Cloudflare Pages: Edit\" for the account and, for DNS \
                 records, \"DNS: Edit\" and \"Zone: Read\" for the zone",
            ),
            EdgeErrorKind::Transient { .. }
            | EdgeErrorKind::Conflict
            | EdgeErrorKind::Rejected
            | EdgeErrorKind::Forbidden
            | EdgeErrorKind::Unsupported => edge,
        }
    }
}
