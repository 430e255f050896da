//! Where a repository is reached: protocol, host and path, each taken apart so that git and the checks of
//! this module cannot read one address in two ways.

use crate::model::Slug;
use std::fmt;
use thiserror::Error;

/// A way of reaching a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Protocol {
    /// HTTP within TLS.
    Https = 1,
    /// HTTP in the clear.
    Http = 2,
    /// The protocol of `git daemon`: in the clear, without credentials.
    Git = 4,
    /// A repository of this machine.
    File = 8,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Https, Self::Http, Self::Git, Self::File];

    /// The scheme of its addresses, which is also the name git knows it by.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Git => "git",
            Self::File => "file",
        }
    }

    /// The port that is meant when none is named (RFC 9110 sections 4.2.1 and 4.2.2, git-daemon(1)).
    const fn default_port(self) -> Option<u16> {
        match self {
            Self::Https => Some(443),
            Self::Http => Some(80),
            Self::Git => Some(9418),
            Self::File => None,
        }
    }

    fn of(scheme: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.scheme() == scheme)
    }
}

/// The ways by which repositories may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocols(u8);

impl Protocols {
    /// `https` alone.
    pub const HTTPS: Self = Self(Protocol::Https as u8);

    /// These and one more.
    #[must_use]
    pub const fn and(self, protocol: Protocol) -> Self {
        Self(self.0 | protocol as u8)
    }

    /// Whether this one is allowed.
    #[must_use]
    pub const fn allow(self, protocol: Protocol) -> bool {
        self.0 & protocol as u8 != 0
    }

    /// As `GIT_ALLOW_PROTOCOL` wants it: names between colons.
    pub(super) fn list(self) -> String {
        let allowed = Protocol::ALL.into_iter().filter(|one| self.allow(*one));
        allowed.map(Protocol::scheme).collect::<Vec<_>>().join(":")
    }
}

impl Default for Protocols {
    fn default() -> Self {
        Self::HTTPS
    }
}

/// The address of a repository, or of a host or group of repositories.
///
/// It holds no user, password, query, fragment, `.` or `..`, and nothing that git could take for an option
/// or for the name of a transport helper.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remote {
    protocol: Protocol,
    /// `HOST[:PORT]` in lower case without the port that is meant anyway; empty for `file`.
    authority: String,
    /// Empty, or `/` and a path that does not end with one.
    path: String,
}

/// An address that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RemoteError {
    /// Its scheme is none of those known here. The scheme is told, not the rest, which may hold a password.
    #[error("{0:?} is not a protocol for repositories")]
    Protocol(String),
    /// It names a user or a password.
    #[error("the address names a user or a password")]
    User,
    /// It is malformed.
    #[error("{text:?} is not the address of a repository: {why}")]
    Syntax {
        /// The address.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Remote {
    /// Reads `SCHEME://HOST[:PORT]/PATH`.
    ///
    /// # Errors
    /// The scheme is unknown, a user is named, or the host or the path has characters that do not belong.
    pub fn parse(text: &str) -> Result<Self, RemoteError> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| RemoteError::Protocol(scheme_of(text)))?;
        let protocol =
            Protocol::of(scheme).ok_or_else(|| RemoteError::Protocol(scheme_of(text)))?;
        if rest.contains('@') {
            return Err(RemoteError::User);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let wrong = |why| {
            let text = text.to_owned();
            RemoteError::Syntax { text, why }
        };
        Ok(Self {
            protocol,
            authority: read_authority(protocol, authority).map_err(wrong)?,
            path: read_path(path).map_err(wrong)?,
        })
    }

    /// A host that is reached by https and needs no further word.
    pub(super) fn https(host: &str) -> Self {
        Self {
            protocol: Protocol::Https,
            authority: host.to_owned(),
            path: String::new(),
        }
    }

    /// How it is reached.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The repository of this name at a host.
    #[must_use]
    pub fn repository(&self, slug: &Slug) -> Self {
        let name = slug.as_str();
        let name = name.strip_suffix(".git").unwrap_or(name);
        Self {
            path: format!("{}/{name}.git", self.path),
            ..self.clone()
        }
    }

    /// Scheme, host and port: what a credential is bound to.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.protocol.scheme(), self.authority)
    }

    /// The host, and the port unless it is the usual one.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// The address that an entry of `.gitmodules` means: one of its own, or one that begins with `./` or
    /// `../` and is relative to this repository.
    ///
    /// # Errors
    /// It is malformed, or leaves the host.
    pub(super) fn submodule(&self, text: &str) -> Result<Self, RemoteError> {
        if !text.starts_with("./") && !text.starts_with("../") {
            return Self::parse(text);
        }
        let wrong = |why| RemoteError::Syntax {
            text: text.to_owned(),
            why,
        };
        let mut path = self.path.as_str();
        let mut rest = text;
        loop {
            if let Some(after) = rest.strip_prefix("./") {
                rest = after;
            } else if let Some(after) = rest.strip_prefix("../") {
                let parent = path.rfind('/').ok_or_else(|| wrong("it leaves the host"))?;
                (path, rest) = (&path[..parent], after);
            } else {
                break;
            }
        }
        Ok(Self {
            path: read_path(&format!("{path}/{rest}")).map_err(wrong)?,
            ..self.clone()
        })
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

/// What stands before the first colon: `ext` of `ext::sh -c ...`, nothing of a plain path.
fn scheme_of(text: &str) -> String {
    let end = text.find([':', '@', '/']).unwrap_or(0);
    text[..end].to_owned()
}

fn read_authority(protocol: Protocol, text: &str) -> Result<String, &'static str> {
    if protocol == Protocol::File {
        return if text.is_empty() {
            Ok(String::new())
        } else {
            Err("a file has no host")
        };
    }
    let (host, port) = match text.rfind(':') {
        Some(at) if !text.ends_with(']') => (&text[..at], Some(&text[at + 1..])),
        _ => (text, None),
    };
    if !is_host(host) {
        return Err("the host is malformed");
    }
    let host = host.to_ascii_lowercase();
    let Some(port) = port else { return Ok(host) };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if Some(port) == protocol.default_port() => Ok(host),
        Ok(port @ 1..) if digits => Ok(format!("{host}:{port}")),
        _ => Err("the port is malformed"),
    }
}

/// Whether this is a name or an address as RFC 3986 section 3.2.2 has them, less what only confuses.
fn is_host(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[') {
        let inner = inner.strip_suffix(']').unwrap_or_default();
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    text.bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().all(plain)
}

fn read_path(text: &str) -> Result<String, &'static str> {
    let text = text.trim_end_matches('/');
    // What RFC 3986 section 3.3 has in a path, less `@`, which some take for the end of a user.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    if !text.bytes().all(plain) {
        return Err("its path has characters that do not belong there");
    }
    let mut parts = text.split('/').skip(1);
    if parts.any(|part| matches!(part, "" | "." | "..")) {
        return Err("its path has an empty part, . or ..");
    }
    for (at, _) in text.match_indices('%') {
        match text
            .get(at + 1..at + 3)
            .map(|hex| u8::from_str_radix(hex, 16))
        {
            Some(Ok(0x20..=0x7e | 0x80..)) => {}
            _ => return Err("its path has a percent sign that encodes nothing printable"),
        }
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Parse;
    use proptest::prelude::*;

    fn parsed(text: &str) -> String {
        match Remote::parse(text) {
            Ok(remote) => format!("{remote} at {}", remote.origin()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn addresses_have_one_form() {
        let same = "https://git.example/o/r.git at https://git.example";
        assert_eq!(parsed("https://git.example/o/r.git"), same);
        assert_eq!(parsed("https://GIT.example:443/o/r.git/"), same);
        assert_eq!(
            parsed("http://[::1]:8080/r"),
            "http://[::1]:8080/r at http://[::1]:8080"
        );
        assert_eq!(parsed("git://h:9418/~me/r"), "git://h/~me/r at git://h");
        assert_eq!(parsed("file:///srv/r.git"), "file:///srv/r.git at file://");
    }

    #[test]
    fn what_git_would_run_or_misread_is_no_address() {
        for text in [
            "ext::sh -c touch% /tmp/x",
            "--upload-pack=touch /tmp/x",
            "-oProxyCommand=x://h/r",
            "ssh://git@h/r",
            "git@h:o/r.git",
            "fd::17/x",
            "/srv/r.git",
            "HTTPS://h/r",
            "https://u:p@h/r",
            "https://h/o@r",
            "https://h/r?q",
            "https://h/r#f",
            "https://h\\@evil/r",
            "https://-h/r",
            "https:///r",
            "https://h:/r",
            "https://h:+1/r",
            "https://h:0/r",
            "https://h:65536/r",
            "https://[::1/r",
            "https://h/a/../b",
            "https://h//b",
            "https://h/a%0ahost=evil",
            "https://h/a%0dx",
            "https://h/a%00",
            "https://h/a%zz",
            "https://h/a%2",
            "https://h/a%é0",
            "https://h/a b",
            "https://h/\r",
            "file://host/r",
        ] {
            assert!(Remote::parse(text).is_err(), "{text:?} was taken");
        }
        assert_eq!(
            parsed("ext::sh"),
            r#""ext" is not a protocol for repositories"#
        );
        assert!(!parsed("https://u:p@h/r").contains("u:p"));
    }

    #[test]
    fn names_and_submodules_are_found_from_a_base() {
        let host = Remote::parse("https://git.example/base/").unwrap();
        let slug = |text| Slug::parse(text).unwrap();
        let remote = host.repository(&slug("o/r"));
        assert_eq!(remote.to_string(), "https://git.example/base/o/r.git");
        assert_eq!(host.repository(&slug("o/r.git")), remote);
        let submodule = |text: &str| remote.submodule(text).map(|it| it.to_string());
        assert_eq!(
            submodule("../s.git").unwrap(),
            "https://git.example/base/o/s.git"
        );
        assert_eq!(
            submodule("./s").unwrap(),
            "https://git.example/base/o/r.git/s"
        );
        assert_eq!(
            submodule("../../x/s").unwrap(),
            "https://git.example/base/x/s"
        );
        assert_eq!(
            submodule("https://other.example/s").unwrap(),
            "https://other.example/s"
        );
        for bad in [
            "../../../../../s",
            "../a/../../s",
            "../-x y",
            "s.git",
            "..",
            "ext::sh",
        ] {
            assert!(submodule(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn only_https_is_allowed_unless_more_is() {
        assert_eq!(Protocols::default().list(), "https");
        let more = Protocols::HTTPS.and(Protocol::Http).and(Protocol::File);
        assert_eq!(more.list(), "https:http:file");
        assert!(more.allow(Protocol::File) && !more.allow(Protocol::Git));
    }

    proptest! {
        #[test]
        fn an_address_read_again_is_the_same(text in "(https|http|git)://[a-zA-Z0-9.:-]{1,12}(/[a-z~%0-9.-]{1,6}){0,3}/?") {
            if let Ok(remote) = Remote::parse(&text) {
                prop_assert_eq!(Remote::parse(&remote.to_string()), Ok(remote));
            }
        }

        #[test]
        fn a_submodule_stays_at_its_host_or_names_another(text in "[./a-z:@%-]{0,20}") {
            let remote = Remote::parse("https://git.example/o/r").unwrap();
            if let Ok(other) = remote.submodule(&text) {
                prop_assert!(other.to_string().starts_with("https://") || text.contains("://"));
                prop_assert!(!other.to_string().contains("/../"));
            }
        }
    }
}
