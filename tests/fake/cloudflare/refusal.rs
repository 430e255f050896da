//! Refusals: the codes of the service, and the fake's own.

use super::wire::Answer;
use serde_json::json;

/// Codes of refusals that the service is not known to give. A client that meets one has sent something it
/// should not have sent, even where the service would let it pass.
pub(crate) mod strict {
    /// A body, parameter or name that the published schema does not allow.
    pub(crate) const SHAPE: u32 = 9_990_001;
    /// The key of an asset is not the hash of its content and extension.
    pub(crate) const HASH: u32 = 9_990_002;
    /// A manifest with a bad path, or with an asset that was not uploaded.
    pub(crate) const MANIFEST: u32 = 9_990_003;
    /// A limit that the service's own clients keep to.
    pub(crate) const LIMIT: u32 = 9_990_004;
    /// An operation that this kind of project or deployment does not have.
    pub(crate) const KIND: u32 = 9_990_005;
}

/// An answer that is no success.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
    /// Said instead of the envelope.
    text: Option<&'static str>,
}

impl Refusal {
    /// A refusal in the envelope.
    pub(crate) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            text: None,
        }
    }

    /// Whether only the fake refuses this.
    pub(crate) fn is_strict(&self) -> bool {
        (strict::SHAPE..=strict::KIND).contains(&self.code)
    }

    /// The answer.
    pub(crate) fn answer(&self) -> Answer {
        if let Some(text) = self.text {
            return Answer::text(self.status, "text/plain;charset=UTF-8", text);
        }
        let mut errors = vec![json!({ "code": self.code, "message": self.message })];
        if self.code == 7003 {
            errors.push(json!({ "code": 7000, "message": "No route for that URI" }));
        }
        Answer::json(
            self.status,
            &json!({ "result": null, "success": false, "errors": errors, "messages": [] }),
        )
    }
}

/// There is nothing under this path, or its identifier is malformed.
pub(crate) fn no_route(path: &str) -> Refusal {
    let message = format!("Could not route to {path}, perhaps your object identifier is invalid?");
    Refusal::new(404, 7003, message)
}

/// A token that is unknown, or that may not do this.
pub(crate) fn unauthorised() -> Refusal {
    Refusal::new(403, 10000, "Authentication error")
}

/// The body is not what it says it is.
pub(crate) fn bad_json(message: &str) -> Refusal {
    Refusal::new(400, strict::SHAPE, message)
}

/// A body, parameter or name outside the schema.
pub(crate) fn bad_shape(message: &str) -> Refusal {
    Refusal::new(400, strict::SHAPE, message)
}

/// A limit is passed.
pub(crate) fn over_limit(message: impl Into<String>) -> Refusal {
    Refusal::new(400, strict::LIMIT, message)
}

/// A manifest that cannot be.
pub(crate) fn bad_manifest(message: impl Into<String>) -> Refusal {
    Refusal::new(400, strict::MANIFEST, message)
}

/// Not for this kind of project or deployment.
pub(crate) fn wrong_kind(message: &str) -> Refusal {
    Refusal::new(400, strict::KIND, message)
}

/// No project of this name.
pub(crate) fn no_project() -> Refusal {
    let message = "Project not found. The specified project name does not match any of your existing projects.";
    Refusal::new(404, 8_000_007, message)
}

/// No deployment of this identifier.
pub(crate) fn no_deployment() -> Refusal {
    Refusal::new(404, 8_000_009, "Deployment not found.")
}

/// The project does not have this domain.
pub(crate) fn no_domain() -> Refusal {
    Refusal::new(
        404,
        8_000_021,
        "The domain you have requested does not exist.",
    )
}

/// No record of this identifier.
pub(crate) fn no_record() -> Refusal {
    Refusal::new(404, 81044, "Record does not exist.")
}

/// The upload token is none of ours.
pub(crate) fn bad_jwt() -> Refusal {
    Refusal::new(401, 8_000_013, "Authorization failed")
}

/// The upload token is too old: said in plain text.
pub(crate) fn expired_jwt() -> Refusal {
    Refusal {
        text: Some("Expired JWT"),
        ..Refusal::new(403, 8_000_013, "")
    }
}
