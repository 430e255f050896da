//! Tokens and what they may do.

use super::refusal::{self, Refusal};
use super::wire::{Answer, Request};
use super::world::World;
use hyper::Method;
use serde_json::json;

/// A permission of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Permission {
    /// To read Pages projects.
    PagesRead,
    /// To change Pages projects.
    PagesEdit,
    /// To read zones.
    ZoneRead,
    /// To read DNS records.
    DnsRead,
    /// To change DNS records.
    DnsEdit,
}

/// An API token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) id: String,
    /// The accounts that it reaches.
    pub(crate) accounts: Vec<String>,
    pub(crate) permissions: Vec<Permission>,
    /// Whether it is an account's token, which is verified below the account.
    pub(crate) of_account: bool,
    /// `active`, `disabled` or `expired`; only an active one is accepted.
    pub(crate) status: &'static str,
}

impl Token {
    /// A user's token that may do everything in these accounts.
    pub(crate) fn over(accounts: impl IntoIterator<Item = String>) -> Self {
        use Permission::{DnsEdit, DnsRead, PagesEdit, PagesRead, ZoneRead};
        Self {
            id: String::new(),
            accounts: accounts.into_iter().collect(),
            permissions: vec![PagesRead, PagesEdit, ZoneRead, DnsRead, DnsEdit],
            of_account: false,
            status: "active",
        }
    }

    /// Refuses what the token may not do.
    pub(crate) fn may(&self, permission: Permission) -> Result<(), Refusal> {
        let granted = self.permissions.contains(&permission);
        granted.then_some(()).ok_or_else(refusal::unauthorised)
    }

    /// Refuses an account that the token does not reach.
    pub(crate) fn reaches(&self, account: &str) -> Result<(), Refusal> {
        let reached = self.accounts.iter().any(|own| own == account);
        reached.then_some(()).ok_or_else(refusal::unauthorised)
    }

    /// The answer to a request for verification.
    pub(crate) fn verified(&self) -> Answer {
        let mut answer = json!({ "result": { "id": self.id, "status": self.status } });
        answer["success"] = true.into();
        answer["errors"] = json!([]);
        answer["messages"] = json!([{
            "code": 10000,
            "message": "This API Token is valid and active",
            "type": null,
        }]);
        Answer::json(200, &answer)
    }
}

/// The bearer token of a request.
pub(crate) fn bearer(request: &Request) -> Result<&str, Refusal> {
    let Some(header) = &request.authorization else {
        return Err(Refusal::new(
            400,
            9106,
            "Authentication failed: missing headers",
        ));
    };
    let token = header.strip_prefix("Bearer ").map(str::trim);
    match token {
        Some(token) if !token.is_empty() && token.bytes().all(|it| it.is_ascii_graphic()) => {
            Ok(token)
        }
        _ => Err(Refusal::new(400, 6003, "Invalid request headers")),
    }
}

/// Who asks, when it is an accepted token.
pub(crate) fn token(world: &World, request: &Request) -> Result<Token, Refusal> {
    let known = world.tokens.get(bearer(request)?);
    match known {
        Some(token) if token.status == "active" => Ok(token.clone()),
        _ if request.path.ends_with("/tokens/verify") => {
            Err(Refusal::new(401, 1000, "Invalid API Token"))
        }
        _ => Err(refusal::unauthorised()),
    }
}

/// The permission that a request needs, of a pair for reading and for changing.
pub(crate) fn needed(request: &Request, read: Permission, edit: Permission) -> Permission {
    if request.method == Method::GET {
        read
    } else {
        edit
    }
}
