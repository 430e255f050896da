//! The only network client of the daemon.
//!
//! [`Http::send`] sends a [`Request`] within a [`Budget`] and gives the [`Answer`], whatever its status is.
//! It tries again what may be done twice or was not done; what may have been done and must not be done twice
//! is left to the caller. Redirects are not followed: a token would go where nobody meant it to go.
//!
//! The log has methods, hosts, paths, statuses and times. It never has headers, queries or content.

mod answer;
mod budget;
mod error;
mod fields;
mod ledger;
mod request;
mod retry;

pub use answer::Answer;
pub use budget::Budget;
pub use error::{Exchange, HttpError};
pub use request::{Part, Request};
pub use retry::{LONGEST_WAIT, Retry};

use self::error::Failure;
use self::retry::End;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Client, Url};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use tokio::time::sleep;
use tracing::debug;

/// How long a connection is kept without a request. Servers end idle ones after a minute or so; who ends
/// them first does not send a request into a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(30);

/// Who asks, where it is this program (`User-Agent`).
pub const AGENT: &str = concat!("mycelia-spore/", env!("CARGO_PKG_VERSION"));

/// The header field in which a server says what is left of its quotas.
const RATE_LIMIT: &str = "ratelimit";

/// How requests are sent.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Who asks (`User-Agent`).
    pub user_agent: String,
    /// How long making a connection may take, with name and trust.
    pub connect_timeout: Duration,
    /// How long one attempt may take, from its beginning to the end of the answer.
    pub timeout: Duration,
    /// When requests are sent again.
    pub retry: Retry,
}

impl HttpSettings {
    /// 10 s for a connection, 60 s for an attempt, and the [`Retry`] that is the default.
    #[must_use]
    pub fn new(user_agent: impl Into<String>) -> Self {
        Self {
            user_agent: user_agent.into(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            retry: Retry::default(),
        }
    }
}

/// The network client. Clones share its connections.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    settings: HttpSettings,
    /// For https. Made for the first request: reading the system's certificates takes time.
    trusting: OnceCell<Client>,
    /// For http, which needs no certificates: the daemon's own tests run where there are none.
    plain: OnceCell<Client>,
}

impl Http {
    /// A client that makes its first connection for its first request.
    #[must_use]
    pub fn new(settings: HttpSettings) -> Self {
        Self(Arc::new(Inner {
            settings,
            trusting: OnceCell::new(),
            plain: OnceCell::new(),
        }))
    }

    /// Sends a request, and sends it again where that may help and does no harm:
    /// - what the server did not see, and what it answered with 429: always;
    /// - what it may have seen, and what it answered with 500, 502 to 504, 520 to 527 or 530: only if the
    ///   request is repeatable.
    ///
    /// An answer of any status is given when it is not one of these, or when the attempts are used up, or when
    /// it asks to wait for more than [`Retry::longest_wait`]. An answer that is too long is not asked for again.
    ///
    /// # Errors
    /// An [`HttpError`] that says what is known of the request when there is no answer.
    pub async fn send(&self, request: &Request, budget: &Budget) -> Result<Answer, HttpError> {
        let url = request.check()?;
        let retry = &self.0.settings.retry;
        let (mut attempts, mut seen) = (0, false);
        loop {
            let begun = Instant::now();
            let end = self.attempt(request, url, budget).await;
            attempts += u32::from(!matches!(end, Err(Failure::Exhausted(_))));
            log(request, url, attempts, &end, begun.elapsed());
            let how = End::of(&end);
            let Some(wait) = retry.wait(how, request.repeatable, attempts, fastrand::f64()) else {
                let exchange = request.exchange(attempts);
                return end.map_err(|failure| failure.of_exchange(exchange, seen));
            };
            seen |= how.may_have_been_done();
            sleep(wait).await;
        }
    }

    /// Sends a request once.
    async fn attempt(
        &self,
        request: &Request,
        url: &Url,
        budget: &Budget,
    ) -> Result<Answer, Failure> {
        let settings = &self.0.settings;
        let timeout = request.timeout.unwrap_or(settings.timeout);
        let client = self.client(url).await?;
        let failure = |error: &_| Failure::of(error, settings.connect_timeout, timeout);
        let built = request.build(client, url, timeout)?;
        let permit = budget.permit(settings.retry.longest_wait).await;
        let permit = permit.map_err(Failure::Exhausted)?;
        let response = client.execute(built).await;
        let response = response.map_err(|error| failure(&error))?;
        let (left, closed) = told(response.status().as_u16(), response.headers());
        permit.learn(&left, closed);
        drop(permit);
        Answer::read(response, request.answer_max, failure).await
    }
}

impl Http {
    /// The client below for an address. It never leads elsewhere: redirects are not followed.
    async fn client(&self, url: &Url) -> Result<&Client, Failure> {
        let (client, trusting) = match url.scheme() {
            "http" => (&self.0.plain, false),
            _ => (&self.0.trusting, true),
        };
        let made = client.get_or_try_init(async || self.0.settings.client(trusting));
        made.await
    }
}

/// What the header of an answer says of the allowance: what is left, and for how long nobody may send.
fn told(status: u16, headers: &HeaderMap) -> (Vec<fields::Left>, Option<Duration>) {
    let lines = headers.get_all(RATE_LIMIT).into_iter();
    let left = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(fields::rate_limit)
        .collect();
    let closed = (status == 429).then(|| answer::retry_after(headers, Timestamp::now()));
    (left, closed.flatten())
}

/// Notes an attempt in the log.
fn log(
    request: &Request,
    url: &Url,
    attempt: u32,
    end: &Result<Answer, Failure>,
    elapsed: Duration,
) {
    let (status, reason) = match end {
        Ok(answer) => (Some(answer.status), None),
        Err(failure) => (None, Some(failure)),
    };
    debug!(
        method = request.method(),
        host = url.host_str(),
        path = url.path(),
        status,
        reason = reason.map(tracing::field::debug),
        attempt,
        elapsed_ms = elapsed.as_millis(),
        "request"
    );
}

impl HttpSettings {
    /// A client below. It takes `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, and if it is to trust anybody, the
    /// certificates of the system.
    fn client(&self, trusting: bool) -> Result<Client, Failure> {
        // Fails only when there is one already, and any will do.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE)
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        if !trusting {
            builder = builder.tls_certs_only([]);
        }
        builder.build().map_err(|error| Failure::no_client(&error))
    }
}
