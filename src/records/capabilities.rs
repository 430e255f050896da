//! What providers can do, as far as it decides which sets can stand in a zone.

use crate::model::{DnsProvider, DnsRecordType, Ttl};

/// The TTL in seconds for servers that have none of their own: what pdns's `default-ttl` is unless set.
const HOUR: Ttl = Ttl::Seconds(3600);

/// The TTL in seconds that Route 53's console fills in.
const ROUTE53: Ttl = Ttl::Seconds(300);

/// Types that Cloudflare refuses beside a CNAME (its errors 81053 and 81054); it takes the others.
const CLOUDFLARE: CnameBeside =
    CnameBeside::AllBut(&[DnsRecordType::A, DnsRecordType::Aaaa, DnsRecordType::Cname]);

/// What a provider can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the zone's own name may have a CNAME, which the provider answers with the target's addresses.
    pub cname_flattening: bool,
    /// What may stand beside a CNAME.
    pub cname_beside: CnameBeside,
    /// Whether visitors can go through a proxy of the provider.
    pub proxying: bool,
    /// Whether a TTL can be left to the provider for ever.
    pub automatic_ttl: bool,
    /// The TTL of sets that are made without one.
    pub default_ttl: Ttl,
}

/// What may stand beside a CNAME of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CnameBeside {
    /// Nothing, as RFC 1034 section 3.6.2 has it.
    Nothing,
    /// All types but these.
    AllBut(&'static [DnsRecordType]),
}

impl Capabilities {
    /// A name server that keeps to the standard.
    pub const STANDARD: Self = Self {
        cname_flattening: false,
        cname_beside: CnameBeside::Nothing,
        proxying: false,
        automatic_ttl: false,
        default_ttl: HOUR,
    };

    /// What a provider can do. Of nobody in particular the least is asked: a person enters the records.
    #[must_use]
    pub const fn of(provider: DnsProvider) -> Self {
        match provider {
            DnsProvider::Cloudflare => Self {
                cname_flattening: true,
                cname_beside: CLOUDFLARE,
                proxying: true,
                automatic_ttl: true,
                default_ttl: Ttl::Automatic,
            },
            DnsProvider::Rfc2136 | DnsProvider::Powerdns => Self::STANDARD,
            DnsProvider::Route53 => Self {
                default_ttl: ROUTE53,
                ..Self::STANDARD
            },
            DnsProvider::None => Self {
                cname_flattening: true,
                cname_beside: CLOUDFLARE,
                ..Self::STANDARD
            },
        }
    }

    /// Whether sets of these two types cannot have the same name.
    #[must_use]
    pub fn exclude(&self, one: DnsRecordType, other: DnsRecordType) -> bool {
        let beside = match (one, other) {
            (DnsRecordType::Cname, DnsRecordType::Cname) => return false,
            (DnsRecordType::Cname, beside) | (beside, DnsRecordType::Cname) => beside,
            _ => return false,
        };
        match self.cname_beside {
            CnameBeside::Nothing => true,
            CnameBeside::AllBut(types) => types.contains(&beside),
        }
    }

    /// Whether a set of this type cannot have the name of a set whose type this daemon does not know.
    #[must_use]
    pub fn exclude_unknown(&self, kind: DnsRecordType) -> bool {
        kind == DnsRecordType::Cname && self.cname_beside == CnameBeside::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DnsRecordType::{A, Aaaa, Cname, Mx, Txt};

    #[test]
    fn what_stands_beside_a_cname_depends_on_the_provider() {
        let (cloudflare, standard) = (
            Capabilities::of(DnsProvider::Cloudflare),
            Capabilities::of(DnsProvider::Rfc2136),
        );
        for (one, other, at_cloudflare, elsewhere) in [
            (Cname, A, true, true),
            (Aaaa, Cname, true, true),
            (Cname, Mx, false, true),
            (Txt, Cname, false, true),
            (A, Txt, false, false),
            (Cname, Cname, false, false),
        ] {
            assert_eq!(cloudflare.exclude(one, other), at_cloudflare);
            assert_eq!(standard.exclude(one, other), elsewhere);
        }
        assert!(standard.exclude_unknown(Cname) && !standard.exclude_unknown(A));
        assert!(!cloudflare.exclude_unknown(Cname));
    }
}
