//! Tells a server, by a signed request.

use super::{Announcement, Key, KeyError, Notification};
use crate::edge::EdgeError;
use crate::edge::http::{AGENT, Answer, Budget, Http, HttpError, HttpSettings, Request, Retry};
use crate::edge::secret::Credentials;
use crate::model::SettingsName;
use jiff::Timestamp;
use std::time::Duration;
use thiserror::Error;
use tokio::time::sleep;

/// How long one attempt may take, answer included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may be, in bytes. Nothing of it is used.
const ANSWER_MAX: usize = 1024 * 1024;

/// Why a webhook was not taken. It tells no address: where a receiver is known by nothing else, that is a secret.
#[derive(Debug, Error)]
pub(super) enum WebhookError {
    #[error("its secret cannot be used: {}", .0.full())]
    Secret(EdgeError),
    #[error("its secret cannot be used: {0}")]
    Key(#[from] KeyError),
    #[error("the server answered {status} ({attempts} in all)")]
    Refused { status: u16, attempts: String },
    #[error("{reason} ({attempts} in all)")]
    Unanswered { reason: String, attempts: String },
}

/// Sends webhooks. Clones share its connections.
#[derive(Clone)]
pub(super) struct Sender {
    http: Http,
    credentials: Credentials,
    retry: Retry,
}

impl Sender {
    pub(super) fn new(credentials: Credentials, retry: Retry) -> Self {
        let mut settings = HttpSettings::new(AGENT);
        settings.connect_timeout = TIMEOUT;
        settings.timeout = TIMEOUT;
        // Each attempt is signed with its own time, so they are made here.
        settings.retry.attempts = 1;
        Self {
            http: Http::new(settings),
            credentials,
            retry,
        }
    }

    /// The key of a webhook.
    pub(super) fn key(&self, secret: &SettingsName) -> Result<Key, WebhookError> {
        let secret = self.credentials.get(secret).map_err(WebhookError::Secret)?;
        Ok(Key::parse(secret.expose())?)
    }

    /// Looks whether a server answers anything. It is told nothing.
    pub(super) async fn knock(&self, url: &str) -> Result<(), WebhookError> {
        let request = Request::head(url).answer_max(ANSWER_MAX);
        match self.http.send(&request, &Budget::unlimited()).await {
            Ok(_) => Ok(()),
            end => verdict(end, 1),
        }
    }

    /// Sends a webhook until it is taken, or was tried often enough.
    pub(super) async fn send(
        &self,
        notification: &Notification,
        (url, secret): (&str, &SettingsName),
        announcement: &Announcement,
    ) -> Result<(), WebhookError> {
        let id = announcement.id(notification);
        let body = announcement.body();
        let budget = Budget::unlimited();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let request = signed(url, &self.key(secret)?, &id, &body);
            let end = self.http.send(&request, &budget).await;
            let Some(wait) = wait(&self.retry, &end, attempts, fastrand::f64()) else {
                return verdict(end, attempts);
            };
            sleep(wait).await;
        }
    }
}

/// The request of one attempt.
fn signed(url: &str, key: &Key, id: &str, body: &[u8]) -> Request {
    let now = Timestamp::now().as_second();
    Request::post(url)
        .header("webhook-id", id)
        .header("webhook-timestamp", &now.to_string())
        .header("webhook-signature", &key.sign(id, now, body))
        .body("application/json", body.to_vec())
        .answer_max(ANSWER_MAX)
}

/// How long to wait before the next attempt after so many; `None` when there is none. `chance` is between 0 and 1.
fn wait(
    retry: &Retry,
    end: &Result<Answer, HttpError>,
    attempts: u32,
    chance: f64,
) -> Option<Duration> {
    let asked = match end {
        Ok(answer) if matches!(answer.status, 408 | 429 | 500..) => answer.retry_after(),
        // Who took it may take it again: the id tells that it is the same.
        Err(HttpError::NotSent { .. } | HttpError::Unknown { .. }) => None,
        Ok(_) | Err(HttpError::Invalid { .. }) => return None,
    };
    if attempts >= retry.attempts {
        return None;
    }
    match asked {
        Some(asked) if !asked.is_zero() => (asked <= retry.longest_wait).then_some(asked),
        _ => {
            let doublings = 1_u32.checked_shl(attempts - 1).unwrap_or(u32::MAX);
            let bound = retry.base.saturating_mul(doublings).min(retry.max);
            Some(bound.mul_f64(chance.clamp(0.0, 1.0)))
        }
    }
}

fn verdict(end: Result<Answer, HttpError>, attempts: u32) -> Result<(), WebhookError> {
    let attempts = crate::words::count(attempts as usize, "attempt");
    let reason = match end {
        Ok(answer) if answer.is_success() => return Ok(()),
        Ok(answer) => {
            let status = answer.status;
            return Err(WebhookError::Refused { status, attempts });
        }
        Err(
            HttpError::NotSent { reason, .. }
            | HttpError::Unknown { reason, .. }
            | HttpError::Invalid { reason, .. },
        ) => reason,
    };
    Err(WebhookError::Unanswered { reason, attempts })
}
