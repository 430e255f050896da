//! Which zone a message means.

use super::Name;
use crate::model::{Defect, DnsProvider, Parse};
use std::fmt;

/// A zone's identifier at a provider: 1 to 64 letters, digits, `-` and `_`, so that it can stand in a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(String);

impl ZoneId {
    /// The identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parse for ZoneId {
    fn parse(text: &str) -> Result<Self, Defect> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.into()));
        }
        Err(
            Defect::new("zone-syntax", format!("not a zone's id or name: {text:?}"))
                .hint("give the zone's name, or its id at the provider"),
        )
    }
}

impl fmt::Display for ZoneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The zone a message means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneRef {
    /// By its identifier at the provider.
    Id(ZoneId),
    /// By its name.
    Name(Name),
}

impl ZoneRef {
    /// Reads `dns.zoneId`. Where a provider has identifiers, they have no dots; the others know zones by
    /// their names.
    ///
    /// # Errors
    /// The text is neither.
    pub fn parse(provider: DnsProvider, text: &str) -> Result<Self, Defect> {
        let by_id = match provider {
            DnsProvider::Cloudflare | DnsProvider::Route53 => !text.contains('.'),
            DnsProvider::Rfc2136 | DnsProvider::Powerdns | DnsProvider::None => false,
        };
        if by_id {
            return ZoneId::parse(text).map(Self::Id);
        }
        let name = Name::parse(text)?;
        if name.is_wildcard() {
            return Err(Defect::new(
                "zone-syntax",
                format!("{text:?} is not the name of a zone"),
            ));
        }
        Ok(Self::Name(name))
    }

    /// The zone's name, if that is how it is told.
    #[must_use]
    pub const fn name(&self) -> Option<&Name> {
        match self {
            Self::Id(_) => None,
            Self::Name(name) => Some(name),
        }
    }
}

impl fmt::Display for ZoneRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_by_id_and_by_name() {
        let id = |text: &str| ZoneRef::Id(ZoneId(text.into()));
        let name = |text| ZoneRef::Name(Name::parse(text).unwrap());
        let hex = "023e105f4ecef8ad9ca31a8372d0c353";
        let cases = [
            (DnsProvider::Cloudflare, hex, Some(id(hex))),
            (DnsProvider::Route53, "Z0ABC", Some(id("Z0ABC"))),
            (DnsProvider::Cloudflare, "a/b", None),
            (DnsProvider::Cloudflare, "../x", None),
            (
                DnsProvider::Cloudflare,
                "Spore.example",
                Some(name("spore.example")),
            ),
            (
                DnsProvider::Powerdns,
                "spore.example.",
                Some(name("spore.example")),
            ),
            (DnsProvider::Rfc2136, "lan", Some(name("lan"))),
            (DnsProvider::Rfc2136, "*.lan", None),
            (DnsProvider::Rfc2136, "@", None),
            (DnsProvider::None, "a b.example", None),
        ];
        for (provider, text, expected) in cases {
            assert_eq!(ZoneRef::parse(provider, text).ok(), expected, "{text}");
        }
    }
}
