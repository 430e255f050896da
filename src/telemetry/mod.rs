//! Exports spans to a receiver of OpenTelemetry: OTLP over HTTP with protobuf
//! (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP").
//!
//! [`Recorder`] is the layer of the log's subscriber that keeps the spans that end, in a queue with bounds;
//! [`Exporter`] sends them in batches. A receiver that is slow or gone delays nobody: what the queue has no room for
//! is lost and counted.

mod export;
mod layer;
mod protobuf;
mod span;

pub use export::Exporter;
pub use layer::Recorder;

use crate::edge::EdgeError;
use crate::edge::http::Request;
use crate::edge::secret::{Credentials, Secret};
use crate::model::SettingsName;

/// Where traces are received (OTLP exporter specification, "Endpoint URLs for OTLP/HTTP").
const PATH: &str = "/v1/traces";

/// Header fields that the exporter or the network client writes itself.
const OWN_HEADERS: [&str; 7] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
];

/// Looks whether a receiver takes what it is sent, by sending it nothing in the right form.
///
/// # Errors
/// It does not answer, or with something other than success, or a credential cannot be read.
pub async fn examine(settings: &TelemetrySettings) -> Result<String, EdgeError> {
    if let Some(mut exporter) = Exporter::new(settings.clone(), &Recorder::default()) {
        exporter.knock().await?;
    }
    Ok(format!("{} takes traces", settings.otlp))
}

/// Where spans are exported to.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// The receiver's address, without `/v1/traces`.
    pub otlp: String,
    /// Header fields of each request, by name, and the credentials that are their values.
    pub headers: Vec<(String, SettingsName)>,
    /// Where these credentials are kept.
    pub credentials: Credentials,
    /// What receivers call this daemon (`service.name`).
    pub service_name: String,
}

impl TelemetrySettings {
    /// What is wrong with them, where that can be told without sending anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if self.otlp.contains(['?', '#']) {
            return Some("the address has a query or a fragment".into());
        }
        let own = |name: &&String| OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str());
        if let Some(name) = self.headers.iter().map(|(name, _)| name).find(own) {
            return Some(format!("the header {name} is not to be chosen"));
        }
        let secret = Secret::new("x".into());
        let names = self.headers.iter().map(|(name, _)| (name, &secret));
        self.request(names).fault()
    }

    /// Whether others are exported to in the same way; what the credentials are is not looked at.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.otlp == other.otlp
            && self.headers == other.headers
            && self.service_name == other.service_name
    }

    /// A request without a body.
    fn request<'a>(&self, headers: impl Iterator<Item = (&'a String, &'a Secret)>) -> Request {
        let request = Request::post(format!("{}{PATH}", self.otlp.trim_end_matches('/')));
        headers.fold(request, |request, (name, secret)| {
            request.secret_header(name, secret)
        })
    }
}
