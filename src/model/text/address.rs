//! Addresses, paths of rules and headers.

use super::super::fault::Defect;
use super::RelativePath;
use super::names::host_name;
use super::{Parse, bytes_at_most};
use compact_str::CompactString;
use std::fmt;

text_type!(
    /// A repository's address: https, a host, a path; no user, password, query or fragment, so that no
    /// secret can hide in it.
    RepoUrl,
    |text| {
        bytes_at_most(text, 2048)?;
        https(text)?;
        let rest = text.get("https://".len()..).unwrap_or_default();
        if rest.contains(['@', '?', '#']) || !rest.contains('/') {
            return Err(Defect::new(
                "url-syntax",
                format!("not a repository address: {text:?}"),
            )
            .hint("write https://HOST/PATH without user, query or fragment"));
        }
        Ok(())
    }
);
text_type!(
    /// An `https` address of at most 2,048 bytes.
    HttpsUrl,
    |text| {
        bytes_at_most(text, 2048)?;
        https(text)
    }
);

/// Refuses everything but `https://HOST…` without white space, quotes or user information.
fn https(text: &str) -> Result<(), Defect> {
    let wrong = || {
        Err(
            Defect::new("url-syntax", format!("not an https address: {text:?}"))
                .hint("write https://HOST/..."),
        )
    };
    let Some(rest) = text.strip_prefix("https://") else {
        return wrong();
    };
    no_user(rest)?;
    authority(rest).or_else(|_| wrong())?;
    no_url_breaks(text)
}

/// Refuses a user or a password before the host of `rest` (what follows `//`), without repeating it:
/// reports and logs are no place for a secret.
fn no_user(rest: &str) -> Result<(), Defect> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    if rest[..end].contains('@') {
        return Err(
            Defect::new("url-syntax", "has a user or a password before its host")
                .hint("take it out; where access is needed, name a credential"),
        );
    }
    Ok(())
}

/// Checks the `HOST[:PORT]` at the head of `rest` (what follows `//`).
fn authority(rest: &str) -> Result<(), Defect> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, port) = match rest[..end].rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (&rest[..end], None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(Defect::new("url-syntax", format!("bad port in {rest:?}")));
    }
    host_name(host, true).map(|_| ())
}

/// Refuses characters that RFC 3986 does not allow raw in an address.
fn no_url_breaks(text: &str) -> Result<(), Defect> {
    match text
        .chars()
        .find(|character| character.is_whitespace() || "<>\"`{}|\\^".contains(*character))
    {
        None => Ok(()),
        Some(bad) => Err(
            Defect::new("url-syntax", format!("{bad:?} may not stand in an address"))
                .hint("percent-encode it"),
        ),
    }
}

/// The schemes a page of links may point to. What is not listed — `javascript:` and `data:` above all —
/// is refused.
const LINK_SCHEMES: [&str; 9] = [
    "https", "http", "mailto", "tel", "sms", "xmpp", "matrix", "geo", "ipfs",
];

text_type!(
    /// Where an entry of a page leads: an address with one of a few harmless schemes.
    LinkUrl,
    |text| {
        bytes_at_most(text, 2048)?;
        no_url_breaks(text)?;
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        let known = LINK_SCHEMES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme));
        if !known {
            return Err(
                Defect::new("url-scheme", format!("no scheme that is allowed: {text:?}")).hint(
                    "begin with https:, http:, mailto:, tel:, sms:, xmpp:, matrix:, geo: or ipfs:",
                ),
            );
        }
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => rest
                .strip_prefix("//")
                .ok_or_else(|| Defect::new("url-syntax", format!("no host in {text:?}")))
                .and_then(|rest| no_user(rest).and_then(|()| authority(rest))),
            _ if rest.is_empty() => {
                Err(Defect::new("url-syntax", format!("nothing after {scheme}:")))
            }
            _ => Ok(()),
        }
    }
);
text_type!(
    /// A path pattern of header, redirect and cache rules: `/` first, at most 2,000 bytes (the limit of a
    /// Cloudflare Pages rule line), no white space.
    PathPattern,
    |text| {
        bytes_at_most(text, 2000)?;
        if text.starts_with('/') && !text.contains(char::is_whitespace) {
            return Ok(());
        }
        Err(
            Defect::new("path-syntax", format!("not a path pattern: {text:?}"))
                .hint("begin with '/', without spaces"),
        )
    }
);
text_type!(
    /// Where a redirect leads: a path beginning with a single `/`, or an https address.
    RedirectTarget,
    |text| {
        bytes_at_most(text, 2000)?;
        no_url_breaks(text)?;
        if text.starts_with("//") {
            return Err(Defect::new(
                "url-syntax",
                format!("{text:?} would leave the site by a protocol-relative address"),
            ));
        }
        if text.starts_with('/') {
            return Ok(());
        }
        https(text)
    }
);
text_type!(
    /// A header's name: a token of RFC 9110 section 5.6.2.
    HeaderName,
    |text| {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !text.is_empty() && text.len() <= 128 && text.bytes().all(token) {
            return Ok(());
        }
        Err(Defect::new(
            "header-syntax",
            format!("not a header name: {text:?}"),
        ))
    }
);
text_type!(
    /// A header's value: visible ASCII, spaces and tabs, at most 2,000 bytes.
    HeaderValue,
    |text| {
        if text.len() > 2000 {
            return Err(Defect::too_long(text.len(), 2000, "bytes"));
        }
        if text
            .bytes()
            .all(|byte| byte == b'\t' || (0x20..0x7f).contains(&byte))
        {
            return Ok(());
        }
        Err(Defect::new(
            "header-syntax",
            format!("not a header value: {text:?}"),
        ))
    }
);
text_type!(
    /// The address of an S3-compatible service: https, or http to this machine, at most 2,048 bytes.
    Endpoint,
    |text| {
        bytes_at_most(text, 2048)?;
        let Some(rest) = text.strip_prefix("http://") else {
            return https(text);
        };
        no_user(rest)?;
        authority(rest)?;
        no_url_breaks(text)?;
        let host = rest.split([':', '/', '?', '#']).next().unwrap_or_default();
        let local = |address: std::net::Ipv4Addr| address.is_loopback();
        if host == "localhost" || host.parse().is_ok_and(local) {
            return Ok(());
        }
        Err(
            Defect::new("url-syntax", format!("not an https address: {text:?}"))
                .hint("http is for services on this machine alone"),
        )
    }
);
text_type!(
    /// The key below which a site lies in a bucket: a relative path of at most 512 bytes.
    KeyPrefix,
    |text| {
        bytes_at_most(text, 512)?;
        RelativePath::parse(text).map(drop)
    }
);
text_type!(
    /// A host that is reached by ssh as `user@host`, or `local`. Neither part can be read as an option.
    SshTarget,
    |text| {
        bytes_at_most(text, 255)?;
        let user = |user: &str| {
            !user.is_empty()
                && !user.starts_with('-')
                && user
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let good = match text.split_once('@') {
            Some((name, host)) => user(name) && host_name(host, true).is_ok(),
            None => text == "local",
        };
        if good {
            return Ok(());
        }
        Err(
            Defect::new("target-syntax", format!("not a host: {text:?}"))
                .hint("write user@host, or local for this machine"),
        )
    }
);
