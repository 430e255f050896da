//! Names of records and of what they point to.

use crate::model::{Defect, DomainName, Parse, RecordName};
use compact_str::CompactString;
use std::fmt;

/// The longest name in its text form without the final dot: 255 bytes on the wire (RFC 1035 section 3.1).
const LONGEST: usize = 253;

/// A whole name in lower case without a final dot, at most 253 bytes. Labels may hold `_`, the first may be
/// `*`. Names that are not ASCII are in their xn-- form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(CompactString);

impl Name {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `zone` or lies below it.
    #[must_use]
    pub fn is_within(&self, zone: &Self) -> bool {
        self.0
            .strip_suffix(zone.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// Whether the first label is `*`.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// The first label.
    #[must_use]
    pub fn label(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }

    /// The name itself and the names it lies below, the longest first.
    pub fn and_parents(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |name| {
            name.split_once('.').map(|(_, parent)| parent)
        })
    }

    /// The name that a record points to, with or without a final dot.
    ///
    /// # Errors
    /// The text is no name, or one that nothing can be reached under.
    pub fn target(text: &str) -> Result<Self, Defect> {
        let name = Self::parse(text)?;
        if name.is_wildcard() {
            return Err(Defect::new(
                "record-value",
                format!("{text:?} stands for many names; a record points to one"),
            ));
        }
        Ok(name)
    }
}

impl Parse for Name {
    fn parse(text: &str) -> Result<Self, Defect> {
        let name = RecordName::parse(text)?;
        let defect = |message: String| Defect::new("domain-syntax", message);
        match name.as_str() {
            "@" => Err(defect("\"@\" stands for the zone's own name".into())
                .hint("write the name in full")),
            "*" => Err(defect("\"*\" is not a whole name".into())
                .hint("write it in full, as *.spore.example")),
            name if name.len() > LONGEST => Err(Defect::too_long(name.len(), LONGEST, "bytes")),
            name => Ok(Self(CompactString::new(name))),
        }
    }
}

impl From<&DomainName> for Name {
    fn from(name: &DomainName) -> Self {
        Self(CompactString::new(name.as_str()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The name of a declared set, which may wait for its zone to be known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The zone's own name, whichever zone that will be.
    Apex,
    /// A whole name.
    At(Name),
}

impl Owner {
    /// The name in a zone.
    #[must_use]
    pub fn within(&self, zone: &Name) -> Name {
        match self {
            Self::Apex => zone.clone(),
            Self::At(name) => name.clone(),
        }
    }

    /// The name, if it is known without the zone.
    #[must_use]
    pub const fn name(&self) -> Option<&Name> {
        match self {
            Self::Apex => None,
            Self::At(name) => Some(name),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apex => f.write_str("@"),
            Self::At(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names() {
        let long = format!("{0}.{0}.{0}.{0}", "a".repeat(63));
        let cases = [
            ("WWW.Spore.Example.", Some("www.spore.example")),
            ("*.spore.example", Some("*.spore.example")),
            ("_dmarc.spore.example", Some("_dmarc.spore.example")),
            ("example", Some("example")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("bücher.example", None),
            ("@", None),
            ("*", None),
            ("a.*.example", None),
            ("a..example", None),
            ("", None),
            (".", None),
            (&long, None),
            // The first label counts as well.
            (&format!("*.{}", &long[3..]), None),
        ];
        for (text, expected) in cases {
            let name = Name::parse(text).ok();
            assert_eq!(name.as_ref().map(Name::as_str), expected, "{text}");
        }
        assert!(Name::target("*.spore.example").is_err());
        assert!(Name::target("_x.spore.example.").is_ok());
    }

    #[test]
    fn names_within_zones() {
        let name = |text| Name::parse(text).unwrap();
        let zone = name("spore.example");
        assert!(zone.is_within(&zone));
        assert!(name("a.b.spore.example").is_within(&zone));
        assert!(name("*.spore.example").is_within(&zone));
        assert!(!name("myspore.example").is_within(&zone));
        assert!(!name("example").is_within(&zone));
        assert_eq!(Owner::Apex.within(&zone), zone);
        let long = name("*.a.example");
        let parents: Vec<_> = long.and_parents().collect();
        assert_eq!(parents, ["*.a.example", "a.example", "example"]);
        assert_eq!(long.label(), "*");
    }
}
