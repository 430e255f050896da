//! The token that files are sent with: a JSON Web Token that the API gives for one project and a few minutes.

use crate::edge::cloudflare::{Account, ApiError, Client};
use crate::edge::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use tokio::sync::Mutex;

/// Seconds before its end at which a token is renewed: a request that begins later may not be done in time.
const MARGIN: i64 = 30;

/// A token that renews itself.
pub(super) struct UploadToken<'a> {
    account: &'a Account,
    project: &'a str,
    current: Mutex<Current>,
}

struct Current {
    client: Client,
    claims: Claims,
    /// Counts renewals, so that several requests that were refused with one token renew it once.
    digest: crate::release::Digest,
}

/// What the token says of itself.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Claims {
    /// When it ends, in seconds since 1970 (RFC 7519 section 4.1.4).
    exp: Option<i64>,
    /// The most files of a release that the account's plan allows.
    max_file_count_allowed: Option<usize>,
}

#[derive(Deserialize)]
struct Given {
    jwt: String,
}

impl<'a> UploadToken<'a> {
    /// Asks for a token.
    pub(super) async fn get(account: &'a Account, project: &'a str) -> Result<Self, ApiError> {
        let current = Current::get(account, project).await?;
        Ok(Self {
            account,
            project,
            current: Mutex::new(current),
        })
    }

    /// Calls with the token, which is renewed when it is about to end.
    pub(super) async fn client(&self) -> Result<Client, ApiError> {
        let mut current = self.current.lock().await;
        if current.ends_soon(jiff::Timestamp::now()) {
            *current = Current::get(self.account, self.project).await?;
        }
        Ok(current.client.clone())
    }

    /// Renews the token that was refused, unless another request has done so.
    pub(super) async fn renew(&self, refused: &Client) -> Result<(), ApiError> {
        let mut current = self.current.lock().await;
        if current.digest == digest(refused.token()) {
            *current = Current::get(self.account, self.project).await?;
        }
        Ok(())
    }

    /// The most files that the account's plan allows, where the token tells.
    pub(super) async fn max_files(&self) -> Option<usize> {
        self.current.lock().await.claims.max_file_count_allowed
    }
}

impl Current {
    async fn get(account: &Account, project: &str) -> Result<Self, ApiError> {
        let path = account.path(&format!("pages/projects/{project}/upload-token"));
        let Given { jwt } = account.client.get(&path).await?;
        let claims = claims(&jwt);
        let token = Secret::new(jwt);
        Ok(Self {
            digest: digest(&token),
            client: account.client.with_token(token),
            claims,
        })
    }

    fn ends_soon(&self, now: jiff::Timestamp) -> bool {
        self.claims
            .exp
            .is_some_and(|end| end - now.as_second() < MARGIN)
    }
}

fn digest(token: &Secret) -> crate::release::Digest {
    token.digest("pages upload token")
}

/// What a token says of itself; nothing when it is not of the usual form. It is not checked: that is for the one
/// who gave it.
fn claims(jwt: &str) -> Claims {
    let claims = jwt.split('.').nth(1).and_then(|part| {
        let json = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&json).ok()
    });
    claims.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_where_there_are_any() {
        let jwt = |claims: &str| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        let read = claims(&jwt(
            r#"{"exp":1700000000,"max_file_count_allowed":100000}"#,
        ));
        assert_eq!(read.exp, Some(1_700_000_000));
        assert_eq!(read.max_file_count_allowed, Some(100_000));
        for odd in [
            "",
            "a",
            "a.b",
            "a.!!.c",
            &jwt("[]"),
            &jwt("{}"),
            &jwt("null"),
        ] {
            assert_eq!(claims(odd).exp, None, "{odd}");
        }
    }
}
