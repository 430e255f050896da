//! Who may look.

use crate::edge::secret::{Credentials, Secret};
use crate::model::SettingsName;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap};

/// What tells digests of tokens apart from those of other secrets.
const CONTEXT: &str = "mycelia-spore 2026 status token v1";

/// Who may look.
#[derive(Clone, Debug)]
pub(super) struct Access {
    /// Whether it is a TCP socket, which a browser can be led to by any page.
    tcp: bool,
    token: Option<SettingsName>,
    credentials: Credentials,
}

/// What is answered to one who may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The token is missing or another.
    Token,
    /// The token to compare with cannot be read.
    Unreadable,
    /// The request is for another host: a page of that name may try to read this one in a visitor's browser.
    Host,
}

impl Access {
    pub(super) const fn new(
        tcp: bool,
        token: Option<SettingsName>,
        credentials: Credentials,
    ) -> Self {
        Self {
            tcp,
            token,
            credentials,
        }
    }

    /// Whether a request with these headers is answered. The token is read anew each time, so that one that was
    /// replaced is taken up without a restart.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(name) = &self.token else {
            return if !self.tcp || is_local(headers) {
                Ok(())
            } else {
                Err(Refusal::Host)
            };
        };
        let expected = self.credentials.get(name).map_err(|error| {
            tracing::error!("status.token: {}", error.full());
            Refusal::Unreadable
        })?;
        match given(headers) {
            // Digests say nothing of where two texts differ, however long the comparison takes.
            Some(given) if given.digest(CONTEXT) == expected.digest(CONTEXT) => Ok(()),
            _ => Err(Refusal::Token),
        }
    }
}

/// The token of a request: as a bearer token (RFC 6750), or as the password of any user (RFC 7617), which is
/// what browsers can send.
fn given(headers: &HeaderMap) -> Option<Secret> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = text.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Secret::new(value.trim().to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    Some(Secret::new(password.to_owned()))
}

/// Whether the request names this machine as every machine names itself.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else {
        return true;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let loopback = address
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    loopback || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(hyper::header::HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn without_a_token_only_this_machine_s_own_names_are_answered() {
        let access = Access::new(true, None, Credentials::default());
        for (host, expected) in [
            ("localhost", Ok(())),
            ("LOCALHOST:9000", Ok(())),
            ("127.0.0.1:80", Ok(())),
            ("127.3.2.1", Ok(())),
            ("[::1]:9000", Ok(())),
            ("[::1]", Ok(())),
            ("evil.example:9000", Err(Refusal::Host)),
            ("localhost.evil.example", Err(Refusal::Host)),
            ("127.0.0.1.evil.example", Err(Refusal::Host)),
            ("", Err(Refusal::Host)),
        ] {
            assert_eq!(access.check(&headers(&[(HOST, host)])), expected, "{host}");
        }
        assert_eq!(access.check(&HeaderMap::new()), Ok(()));
        let unix = Access::new(false, None, Credentials::default());
        assert_eq!(unix.check(&headers(&[(HOST, "evil.example")])), Ok(()));
    }

    #[test]
    fn a_token_is_read_from_either_scheme() {
        let told = |text: &str| {
            let given = given(&headers(&[(AUTHORIZATION, text)]));
            given.map(|given| given.expose().to_owned())
        };
        for (text, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic eDphOmI=", Some("a:b")),
            ("Basic eA==", None),
            ("Basic %", None),
            ("Digest abc", None),
            ("abc", None),
        ] {
            assert_eq!(told(text).as_deref(), expected, "{text}");
        }
    }
}
