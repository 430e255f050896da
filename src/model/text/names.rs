//! Names: of sites, projects, settings, domains and DNS records.

use super::super::ascii::{self, DIGIT, DOT, HYPHEN, LOWER, SLASH, UNDERSCORE, UPPER};
use super::super::fault::Defect;
use super::Parse;
use compact_str::CompactString;
use std::fmt;

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
pub(super) fn host_name(text: &str, underscore: bool) -> Result<u8, Defect> {
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
