//! Newtypes that cannot hold a bad value: each is made by [`Parse::parse`] and only read after.
//!
//! Limits come from the comments of `schema/spore.capnp`; where a standard sets them it is named.

use super::ascii::{self, DIGIT, DOT, HYPHEN, LOWER, SLASH, UNDERSCORE, UPPER};
use super::fault::Defect;
use compact_str::CompactString;
use std::fmt;

/// A value that is read from the text of one field.
pub trait Parse: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// A [`Defect`] that says what is wrong with the text and what to do about it.
    fn parse(text: &str) -> Result<Self, Defect>;
}

/// Declares a newtype around text: the type, its accessors and its parser's check.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(CompactString);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Parse for $name {
            #[inline]
            fn parse(text: &str) -> Result<Self, Defect> {
                let check: fn(&str) -> Result<(), Defect> = $check;
                check(text)?;
                Ok(Self(CompactString::new(text)))
            }
        }

        text_type!(@traits $name);
    };
    (@traits $name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
    };
}

/// One line of plain text of at most `MAX` characters, without control characters.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Line<const MAX: usize>(CompactString);

/// Plain text of at most `MAX` characters that may hold several lines (`\n`), without other
/// control characters.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Lines<const MAX: usize>(CompactString);

macro_rules! bounded_text {
    ($name:ident, $allowed:expr) => {
        impl<const MAX: usize> $name<MAX> {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether there is no text.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl<const MAX: usize> Parse for $name<MAX> {
            #[inline]
            fn parse(text: &str) -> Result<Self, Defect> {
                // Bytes bound characters from above, so most texts need no counting.
                if text.len() > MAX {
                    let count = text.chars().count();
                    if count > MAX {
                        return Err(Defect::too_long(count, MAX, "characters"));
                    }
                }
                no_control(text, $allowed)?;
                Ok(Self(CompactString::new(text)))
            }
        }

        impl<const MAX: usize> fmt::Display for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<const MAX: usize> fmt::Debug for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.0.as_str(), f)
            }
        }
    };
}
bounded_text!(Line, "");
bounded_text!(Lines, "\n");

/// Refuses control characters other than those in `allowed`.
#[inline]
fn no_control(text: &str, allowed: &str) -> Result<(), Defect> {
    if ascii::plain(text) {
        return Ok(());
    }
    match text
        .chars()
        .find(|&character| character.is_control() && !allowed.contains(character))
    {
        None => Ok(()),
        Some(bad) => Err(Defect::new(
            "control-character",
            format!("control character U+{:04X}", u32::from(bad)),
        )
        .hint("remove it: texts reach command lines, paths and pages")),
    }
}

/// Refuses texts of more than `max` bytes and control characters.
fn bytes_at_most(text: &str, max: usize) -> Result<(), Defect> {
    if text.len() > max {
        return Err(Defect::too_long(text.len(), max, "bytes"));
    }
    no_control(text, "")
}

/// A DNS label as site ids and project names use it: 1 to 63 of `a-z 0-9 -`, a letter or digit first
/// and last (RFC 1035 section 2.3.1 with RFC 1123's leading digit, lower case only).
fn label(text: &str) -> Result<(), Defect> {
    if ascii::labels(text, LOWER | DIGIT | HYPHEN).is_some() {
        return Ok(());
    }
    Err(
        Defect::new("name-syntax", format!("not a valid name: {text:?}"))
            .hint("use 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit"),
    )
}

/// A name in the operator's settings: 1 to 63 of `a-z 0-9 . _ -`.
fn settings_name(text: &str) -> Result<(), Defect> {
    let inner = LOWER | DIGIT | DOT | UNDERSCORE | HYPHEN;
    if (1..=63).contains(&text.len()) && ascii::all_of(text, inner) {
        return Ok(());
    }
    Err(
        Defect::new("name-syntax", format!("not a valid name: {text:?}"))
            .hint("use 1 to 63 of a-z, 0-9, '.', '_' and '-'"),
    )
}

/// The host-name syntax of RFC 952 and RFC 1123 section 2.1; with `underscore`, labels may also hold
/// `_` as the names of DNS records do (RFC 8552). Gives the classes of its bytes together.
#[inline]
fn host_name(text: &str, underscore: bool) -> Result<u8, Defect> {
    let inner = if underscore { UNDERSCORE } else { 0 };
    let allowed = LOWER | UPPER | DIGIT | HYPHEN | DOT | inner;
    match ascii::labels(text, allowed) {
        Some(classes) if text.len() <= 253 => Ok(classes),
        _ => Err(host_name_defect(text)),
    }
}

/// What is wrong with a text that is not a host name.
#[cold]
fn host_name_defect(text: &str) -> Defect {
    let defect = |what: String| Defect::new("domain-syntax", what);
    if !text.is_ascii() {
        return defect(format!("not ASCII: {text:?}"))
            .hint("write international names in their xn-- form");
    }
    if text.is_empty() || text.len() > 253 {
        return defect(format!("{} bytes; a domain name has 1 to 253", text.len()));
    }
    let size = |label: &&str| !(1..=63).contains(&label.len());
    match text.split('.').find(size) {
        Some(label) => defect(format!(
            "{text:?} has a label of {} bytes; each has 1 to 63",
            label.len()
        )),
        None => defect(format!("{text:?} is not a domain name"))
            .hint("letters, digits and inner '-' between dots"),
    }
}

text_type!(
    /// The name that identifies a website for ever. It is a DNS label, so that it can stand in a
    /// host name and in a path.
    SiteId,
    label
);
text_type!(
    /// A website's name at a provider.
    ProjectName,
    label
);
impl ProjectName {
    /// The name of a site's project when the message gives none: its id, which has the same syntax.
    #[must_use]
    pub fn of_site(site: &SiteId) -> Self {
        Self(site.0.clone())
    }
}
text_type!(
    /// The name of a credential, account or contact that the operator's settings resolve.
    SettingsName,
    settings_name
);
text_type!(
    /// A label's key: 1 to 63 of `a-z 0-9 . _ - /`.
    LabelKey,
    |text| {
        let inner = LOWER | DIGIT | DOT | UNDERSCORE | HYPHEN | SLASH;
        if (1..=63).contains(&text.len()) && ascii::all_of(text, inner) {
            return Ok(());
        }
        Err(
            Defect::new("name-syntax", format!("not a valid key: {text:?}"))
                .hint("use 1 to 63 of a-z, 0-9, '.', '_', '-' and '/'"),
        )
    }
);

/// A host name in lower case, without a final dot, at most 253 bytes (RFC 1035 section 3.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(CompactString);

impl DomainName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this name is `parent` or lies below it.
    #[must_use]
    pub fn is_within(&self, parent: &Self) -> bool {
        self.0
            .strip_suffix(parent.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// A name in lower case, given the classes of its bytes.
#[inline]
fn folded(name: &str, classes: u8) -> CompactString {
    let mut name = CompactString::new(name);
    if classes & UPPER != 0 {
        name.make_ascii_lowercase();
    }
    name
}

impl Parse for DomainName {
    #[inline]
    fn parse(text: &str) -> Result<Self, Defect> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let classes = host_name(name, false)?;
        let all_digits = |top: &str| top.bytes().all(|byte| byte.is_ascii_digit());
        if classes & DIGIT != 0 && name.rsplit('.').next().is_some_and(all_digits) {
            return Err(Defect::new(
                "domain-syntax",
                format!("{text:?} looks like an IP address"),
            )
            .hint("a site is reached by a name"));
        }
        Ok(Self(folded(name, classes)))
    }
}
text_type!(@traits DomainName);

/// The name of a DNS record: `@`, or a name in lower case whose labels may begin with `_` and whose
/// first label may be `*`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(CompactString);

impl RecordName {
    /// Whether a text is such a name, possibly with a final dot.
    #[must_use]
    pub fn accepts(text: &str) -> bool {
        record_name(text.strip_suffix('.').unwrap_or(text)).is_ok()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parse for RecordName {
    #[inline]
    fn parse(text: &str) -> Result<Self, Defect> {
        let name = text.strip_suffix('.').unwrap_or(text);
        Ok(Self(folded(name, record_name(name)?)))
    }
}

/// Checks the name of a record that has no final dot. Gives the classes of its bytes together.
#[inline]
fn record_name(name: &str) -> Result<u8, Defect> {
    match name {
        "@" | "*" => Ok(0),
        name => host_name(name.strip_prefix("*.").unwrap_or(name), true),
    }
}
text_type!(@traits RecordName);

text_type!(
    /// OWNER/NAME or GROUP/…/NAME of a hosted repository.
    Slug,
    |text| {
        bytes_at_most(text, 255)?;
        let inner = LOWER | UPPER | DIGIT | DOT | UNDERSCORE | HYPHEN;
        let part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && !part.starts_with('-')
                && ascii::all_of(part, inner)
        };
        if text.contains('/') && text.split('/').all(part) {
            return Ok(());
        }
        Err(
            Defect::new("slug-syntax", format!("not a repository: {text:?}"))
                .hint("write OWNER/NAME"),
        )
    }
);
text_type!(
    /// A git branch name that `git check-ref-format --branch` accepts and that cannot be read as an
    /// option.
    RefName,
    |text| {
        bytes_at_most(text, 255)?;
        let bad_byte = |byte| {
            matches!(byte, b' ' | b'~' | b'^' | b':' | b'?' | b'*' | b'[' | b'\\')
        };
        let bad_pair = |pair: &[u8]| matches!(pair, b".." | b"@{");
        let bad_part = |part: &str| {
            part.is_empty()
                || part.starts_with('.')
                || part.ends_with('.')
                || part.strip_suffix(".lock").is_some()
        };
        let bad = text.starts_with('-')
            || text == "@"
            || text.bytes().any(bad_byte)
            || text.as_bytes().windows(2).any(bad_pair)
            || text.split('/').any(bad_part);
        if bad {
            return Err(Defect::new(
                "ref-syntax",
                format!("not a branch name: {text:?}"),
            ));
        }
        Ok(())
    }
);
text_type!(
    /// A full git commit id: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits.
    CommitId,
    |text| {
        let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hex && matches!(text.len(), 40 | 64) {
            return Ok(());
        }
        Err(
            Defect::new("commit-syntax", format!("not a full commit id: {text:?}"))
                .hint("give all 40 or 64 hexadecimal digits"),
        )
    }
);
text_type!(
    /// A path below some root: `/` between parts, no empty part, no `.`, no `..`, at most 4,096 bytes.
    RelativePath,
    |text| {
        bytes_at_most(text, 4096)?;
        if !text.is_empty() && text.split('/').all(|part| !matches!(part, "" | "." | "..")) {
            return Ok(());
        }
        Err(
            Defect::new("path-syntax", format!("not a relative path: {text:?}"))
                .hint("write parts between single slashes, without . and .."),
        )
    }
);
text_type!(
    /// An absolute path of the daemon's machine: no empty part, no `.`, no `..`, at most 4,096 bytes.
    AbsolutePath,
    |text| {
        bytes_at_most(text, 4096)?;
        let good = text.strip_prefix('/').is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .trim_end_matches('/')
                    .split('/')
                    .all(|part| !matches!(part, "" | "." | ".."))
        });
        if good {
            return Ok(());
        }
        Err(
            Defect::new("path-syntax", format!("not an absolute path: {text:?}"))
                .hint("begin with '/', without . and .."),
        )
    }
);
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
text_type!(
    /// A BCP 47 language tag, by its well-formedness: subtags of 1 to 8 letters and digits between `-`.
    LanguageTag,
    |text| {
        let mut parts = text.split('-');
        let first = parts.next().unwrap_or_default();
        let good = text.len() <= 35
            && (2..=8).contains(&first.len())
            && first.bytes().all(|byte| byte.is_ascii_alphabetic())
            && parts.all(|part| {
                (1..=8).contains(&part.len())
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
        if good {
            return Ok(());
        }
        Err(
            Defect::new("language-syntax", format!("not a language tag: {text:?}"))
                .hint("write a BCP 47 tag such as en or pt-BR"),
        )
    }
);
text_type!(
    /// The name of an environment variable (POSIX, Base Definitions 8.1, with lower case), at most 128 bytes.
    VariableName,
    |text| {
        let bytes = text.as_bytes();
        let good = (1..=128).contains(&bytes.len())
            && !bytes[0].is_ascii_digit()
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if good {
            return Ok(());
        }
        Err(Defect::new(
            "name-syntax",
            format!("not a variable name: {text:?}"),
        ))
    }
);
text_type!(
    /// A mail address, by the shape that matters for a `mailto:` link: `LOCAL@HOST`, at most 254 bytes
    /// (RFC 5321 section 4.5.3.1.3 less its angle brackets).
    EmailAddress,
    |text| {
        bytes_at_most(text, 254)?;
        let wrong = || {
            Err(Defect::new(
                "email-syntax",
                format!("not a mail address: {text:?}"),
            ))
        };
        let Some((local, host)) = text.rsplit_once('@') else {
            return wrong();
        };
        let local_ok = !local.is_empty()
            && local
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&byte));
        if local_ok && host_name(host, false).is_ok() {
            Ok(())
        } else {
            wrong()
        }
    }
);
text_type!(
    /// A telephone number: `+` and 5 to 15 digits (ITU-T E.164), spaces allowed.
    PhoneNumber,
    |text| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let good = text.starts_with('+')
            && (5..=15).contains(&digits)
            && text[1..]
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b' ')
            && text.len() <= 32;
        if good {
            return Ok(());
        }
        Err(
            Defect::new("phone-syntax", format!("not a telephone number: {text:?}"))
                .hint("write it in international form, as +351 912 345 678"),
        )
    }
);
text_type!(
    /// A name on another platform, without `@`.
    Handle,
    |text| {
        let good = (1..=100).contains(&text.len())
            && !text.starts_with('@')
            && !text.contains("..")
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-@+/".contains(&byte));
        if good {
            return Ok(());
        }
        Err(Defect::new("handle-syntax", format!("not a handle: {text:?}"))
            .hint("write the name alone, without @ or address"))
    }
);

/// A colour of the sRGB space, 8 bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl Parse for Rgb {
    fn parse(text: &str) -> Result<Self, Defect> {
        let channel = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        let hex = text.len() == 7
            && text.starts_with('#')
            && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
        match (hex, channel(1), channel(3), channel(5)) {
            (true, Some(red), Some(green), Some(blue)) => Ok(Self { red, green, blue }),
            _ => Err(
                Defect::new("color-syntax", format!("not a colour: {text:?}"))
                    .hint("write #rrggbb"),
            ),
        }
    }
}

/// An instant, read from an RFC 3339 date and time with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub jiff::Timestamp);

impl Parse for Timestamp {
    fn parse(text: &str) -> Result<Self, Defect> {
        text.parse().map(Self).map_err(|_| {
            Defect::new("time-syntax", format!("not a date and time: {text:?}"))
                .hint("write RFC 3339 with an offset, as 2026-12-01T08:00:00+01:00")
        })
    }
}

/// A calendar date, `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub jiff::civil::Date);

impl Parse for Date {
    fn parse(text: &str) -> Result<Self, Defect> {
        let shape = text.len() == 10;
        match text.parse() {
            Ok(date) if shape => Ok(Self(date)),
            _ => Err(Defect::new("date-syntax", format!("not a date: {text:?}"))
                .hint("write YYYY-MM-DD")),
        }
    }
}
