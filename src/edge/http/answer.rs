//! What a server answers.

use super::error::Failure;
use super::fields;
use crate::edge::EdgeErrorKind;
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use std::fmt;
use std::time::Duration;

/// An answer, whole.
#[derive(Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The content, decompressed.
    pub body: Bytes,
    headers: HeaderMap,
    received: Timestamp,
}

/// Shows the status and how long the content is: neither that nor the header is for logs.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// The first value of a header field; `None` when it is not there or not ASCII text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type of the content, with its parameters.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.header(CONTENT_TYPE.as_str())
    }

    /// How long the server asks to wait (RFC 9110 section 10.2.3), from when the answer came.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers, self.received)
    }

    /// Whether the status is one of success (200 to 299).
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// What an answer other than success means where nothing more is known of the server; `None` for success.
    #[must_use]
    pub fn failure(&self) -> Option<EdgeErrorKind> {
        let retry_after = self.retry_after();
        match self.status {
            200..=299 => None,
            401 | 403 => Some(EdgeErrorKind::Unauthorised),
            409 => Some(EdgeErrorKind::Conflict),
            408 | 425 | 429 | 500.. => Some(EdgeErrorKind::Transient { retry_after }),
            _ => Some(EdgeErrorKind::Rejected),
        }
    }

    /// The content as JSON.
    ///
    /// # Errors
    /// It is not JSON, or not of this form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// Reads an answer whose header has come, up to so many bytes of content.
    pub(super) async fn read(
        mut response: Response,
        max: usize,
        failure: impl Fn(&reqwest::Error) -> Failure,
    ) -> Result<Self, Failure> {
        // Where the length is known, nothing is read in vain.
        let announced = response.content_length().unwrap_or_default();
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        if announced > max {
            return Err(Failure::TooLong(max));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len() + chunk.len() > max {
                return Err(Failure::TooLong(max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self {
            status: response.status().as_u16(),
            body: body.freeze(),
            headers: std::mem::take(response.headers_mut()),
            received: Timestamp::now(),
        })
    }
}

/// How long a header asks to wait.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    fields::retry_after(text(RETRY_AFTER)?, text(DATE), now)
}
