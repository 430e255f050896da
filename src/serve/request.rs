//! What a request asks for: the host and the path, checked.

use crate::site_rules::escape_path;
use hyper::header::{HOST, HeaderMap};
use hyper::http::request::Parts;
use hyper::{StatusCode, Uri, Version};

/// The longest request target, in bytes (RFC 9112 section 3 asks for 8000 at least).
pub(super) const MAX_TARGET: usize = 8 * 1024;
/// The most bytes of header names and values.
pub(super) const MAX_HEADERS: usize = 32 * 1024;

/// Why a request is not answered, in terms of its form alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The status to answer with.
    pub(super) status: StatusCode,
    /// What is wrong.
    pub(super) text: &'static str,
}

/// A refusal with status 400.
const fn bad(text: &'static str) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        text,
    }
}

/// A host with the port, if one is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    /// In lower case, without a final dot.
    pub(super) host: String,
    /// The port as it was written.
    pub(super) port: Option<u16>,
}

/// Refuses a request that is too large.
pub(super) fn check_size(parts: &Parts) -> Result<(), Refusal> {
    let authority = parts.uri.authority().map_or(0, |text| text.as_str().len());
    let path = parts
        .uri
        .path_and_query()
        .map_or(0, |text| text.as_str().len());
    if authority + path > MAX_TARGET {
        return Err(Refusal {
            status: StatusCode::URI_TOO_LONG,
            text: "the request target is too long",
        });
    }
    let length = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        name.as_str().len() + value.len()
    };
    if parts.headers.iter().map(length).sum::<usize>() > MAX_HEADERS {
        return Err(Refusal {
            status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            text: "the request's headers are too large",
        });
    }
    Ok(())
}

/// The host that a request is for: that of its target if this is a URL, else of `Host`, which
/// must be given exactly once (RFC 9112 section 3.2).
pub(super) fn authority(parts: &Parts) -> Result<Authority, Refusal> {
    let given = host_header(&parts.headers, parts.version)?;
    let scheme = parts.uri.scheme_str().map(str::to_ascii_lowercase);
    let written = match (parts.uri.authority(), scheme.as_deref()) {
        (None, _) => given,
        (Some(authority), Some("http" | "https")) => authority.as_str(),
        // A bare host and port are for CONNECT alone, which is a proxy's.
        (Some(_), _) => return Err(bad("the request target is not valid")),
    };
    parse_authority(written).ok_or(bad("the host is not valid"))
}

fn host_header(headers: &HeaderMap, version: Version) -> Result<&str, Refusal> {
    let mut lines = headers.get_all(HOST).into_iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().map_err(|_| bad("the host is not valid")),
        (None, _) if version < Version::HTTP_11 => Ok(""),
        (None, _) => Err(bad("Host is missing")),
        (Some(_), Some(_)) => Err(bad("Host is given twice")),
    }
}

/// Reads `host`, `host:port` or `[address]:port`; the host may be empty.
fn parse_authority(text: &str) -> Option<Authority> {
    let text = text.trim_matches([' ', '\t']);
    let host_end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, port) = text.split_at(host_end);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
    if !host.bytes().all(allowed) {
        return None;
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok()?)
        }
        _ => return None,
    };
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    Some(Authority { host, port })
}

/// A path that may be looked up: it begins with `/` and holds no empty segment but the last, no
/// `.` or `..` segment, no NUL and no backslash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SitePath(String);

impl SitePath {
    /// The path of a request target, decoded once. Repeated slashes count as one.
    pub(super) fn of(uri: &Uri) -> Result<Self, Refusal> {
        Self::decode(uri.path())
    }

    /// The path of a location on the same site, its query and fragment left aside.
    pub(super) fn of_location(location: &str) -> Result<Self, Refusal> {
        let end = location.find(['?', '#']).unwrap_or(location.len());
        Self::decode(&location[..end])
    }

    fn decode(text: &str) -> Result<Self, Refusal> {
        const BAD: Refusal = bad("the path is not valid");
        if !text.starts_with('/') {
            return Err(BAD);
        }
        let decoded = decode_once(text).ok_or(BAD)?;
        if decoded
            .split('/')
            .any(|segment| segment == "." || segment == "..")
        {
            return Err(BAD);
        }
        Ok(Self(decoded))
    }

    /// The decoded path.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as it stands in a URL.
    pub(super) fn escaped(&self) -> String {
        escape_path(&self.0).into_owned()
    }
}

/// Decodes the escapes of a path and joins repeated slashes. `None` for broken escapes, for
/// escaped slashes, which would change meaning, and for NUL, backslash and what is not UTF-8.
fn decode_once(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let decoded = match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let value = u8::try_from(digit()? * 16 + digit()?).ok()?;
                (value != b'/').then_some(value)?
            }
            b'/' if out.last() == Some(&b'/') => continue,
            byte => byte,
        };
        if matches!(decoded, 0 | b'\\') {
            return None;
        }
        out.push(decoded);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_are_brought_into_one_form() {
        for (text, expected) in [
            ("example.com", Some(("example.com", None))),
            ("Example.COM.:8080", Some(("example.com", Some(8080)))),
            ("example.com:", Some(("example.com", None))),
            ("[::1]:80", Some(("[::1]", Some(80)))),
            ("", Some(("", None))),
            ("user@example.com", None),
            ("example.com:80:80", None),
            ("example.com:+80", None),
            ("example.com:99999", None),
            ("example.com/x", None),
            ("[::1", None),
            ("[::1]x", None),
            ("ex ample", None),
        ] {
            let expected = expected.map(|(host, port)| Authority {
                host: host.into(),
                port,
            });
            assert_eq!(parse_authority(text), expected, "{text}");
        }
    }

    #[test]
    fn paths_are_decoded_once() {
        for (text, expected) in [
            ("/", Some("/")),
            ("/a%20b/%C3%A9", Some("/a b/\u{e9}")),
            ("/%2541", Some("/%41")),
            ("//a///b//", Some("/a/b/")),
            ("/..a/.well-known/...", Some("/..a/.well-known/...")),
            ("/a%2fb", None),
            ("/a%2Fb", None),
            ("/a%5cb", None),
            ("/a\\b", None),
            ("/a%00", None),
            ("/%zz", None),
            ("/%4", None),
            ("/%", None),
            ("/%ff", None),
            ("/%c0%ae", None),
            ("/..", None),
            ("/a/../b", None),
            ("/%2e%2e/b", None),
            ("/./a", None),
            ("", None),
            ("*", None),
            ("a", None),
        ] {
            let found = SitePath::decode(text).ok();
            assert_eq!(found.as_ref().map(SitePath::as_str), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_path_survives_its_escaped_form(text in "(/[\\PC]{0,6}){1,4}") {
            if let Ok(path) = SitePath::decode(&text) {
                prop_assert!(!path.as_str().contains("//"));
                prop_assert_eq!(SitePath::decode(&path.escaped()), Ok(path));
            }
        }
    }
}
