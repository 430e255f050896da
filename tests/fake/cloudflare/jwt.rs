//! Upload tokens: JSON web tokens that only the fake can make.

use super::refusal::{self, Refusal};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use std::time::Duration;

/// What an upload token is good for.
pub(crate) struct Claims {
    pub(crate) account: String,
    pub(crate) project: String,
    /// Seconds since 1970.
    pub(crate) expires: u64,
    pub(crate) files: usize,
}

impl Claims {
    /// The signed token.
    pub(crate) fn sign(&self) -> String {
        let head = json!({ "alg": "HS256", "typ": "JWT" });
        let claims = json!({
            "exp": self.expires,
            "account": self.account,
            "project": self.project,
            "max_file_count_allowed": self.files,
        });
        let signed = format!("{}.{}", encoded(&head), encoded(&claims));
        format!("{signed}.{}", seal(&signed))
    }

    /// What a token says, when it is one of ours and not too old.
    pub(crate) fn of(token: &str, now: Duration) -> Result<Self, Refusal> {
        let claims = Self::sealed(token).ok_or_else(refusal::bad_jwt)?;
        if claims.expires <= now.as_secs() {
            return Err(refusal::expired_jwt());
        }
        Ok(claims)
    }

    fn sealed(token: &str) -> Option<Self> {
        let (signed, sealed) = token.rsplit_once('.')?;
        if seal(signed) != sealed {
            return None;
        }
        let (_, claims) = signed.split_once('.')?;
        let claims: Value = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        Some(Self {
            account: claims["account"].as_str()?.to_owned(),
            project: claims["project"].as_str()?.to_owned(),
            expires: claims["exp"].as_u64()?,
            files: usize::try_from(claims["max_file_count_allowed"].as_u64()?).ok()?,
        })
    }
}

fn encoded(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

fn seal(text: &str) -> String {
    let key = blake3::derive_key("the fake's upload tokens", b"");
    BASE64.encode(blake3::keyed_hash(&key, text.as_bytes()).as_bytes())
}
