//! One element of `dns.records`.

use super::cursor::Cursor;
use crate::model::{DnsRecord, DnsRecordType, Line, RecordName, Ttl};
use crate::schema::enumerant_name;
use crate::schema::spore_capnp::dns_record;
use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) fn record(c: &mut Cursor, r: dns_record::Reader<'_>) -> Option<DnsRecord> {
    let name = c.need("name", r.get_name());
    let kind = c.choice("type", r.get_type());
    let value = c.need::<Line<4096>>("value", r.get_value());
    let ttl = match r.get_ttl() {
        0 => Some(Ttl::Default),
        1 => Some(Ttl::Automatic),
        seconds => c.within("ttl", seconds, 30..=86_400).map(Ttl::Seconds),
    };
    if let (Some(kind), Some(value)) = (kind, &value) {
        record_value(c, kind, value.as_str());
    }
    Some(DnsRecord {
        name: name?,
        kind: kind?,
        value: value?,
        ttl: ttl?,
        proxied: r.get_proxied(),
    })
}

/// Checks that a record's data has the form of its type.
fn record_value(c: &mut Cursor, kind: DnsRecordType, value: &str) {
    let name = RecordName::accepts;
    let number = |text: Option<&str>, max: u32| {
        text.and_then(|text| text.parse::<u32>().ok())
            .is_some_and(|number| number <= max)
    };
    let mut words = value.split_ascii_whitespace();
    let (good, form) = match kind {
        DnsRecordType::A => (value.parse::<Ipv4Addr>().is_ok(), "an IPv4 address"),
        DnsRecordType::Aaaa => (is_ipv6(value), "an IPv6 address"),
        DnsRecordType::Cname | DnsRecordType::Ns => (name(value), "a name"),
        DnsRecordType::Txt => (true, ""),
        DnsRecordType::Mx => (
            number(words.next(), 65_535)
                && words.next().is_some_and(|word| word == "." || name(word)),
            "a preference and a name, as 10 mail.example",
        ),
        DnsRecordType::Srv => (
            (0..3).all(|_| number(words.next(), 65_535))
                && words.next().is_some_and(|word| word == "." || name(word)),
            "priority, weight, port and name",
        ),
        DnsRecordType::Caa => (
            number(words.next(), 255) && words.next().is_some() && words.next().is_some(),
            "flags, tag and value, as 0 issue \"ca.example\"",
        ),
    };
    if !good {
        wrong_value(c, kind, value, form);
    }
}

/// Whether a text is an IPv6 address. The usual form, groups of digits with at most one gap, is told at a
/// glance; all others are left to the parser.
fn is_ipv6(text: &str) -> bool {
    let (mut groups, mut digits, mut gaps) = (0, 0, 0);
    for byte in text.bytes() {
        match byte {
            b':' if digits > 0 => digits = 0,
            b':' if groups > 0 => gaps += 1,
            _ if !byte.is_ascii_hexdigit() || digits == 4 => {
                return text.parse::<Ipv6Addr>().is_ok();
            }
            _ => {
                groups += u32::from(digits == 0);
                digits += 1;
            }
        }
    }
    let usual = digits > 0 && matches!((groups, gaps), (8, 0) | (2..=7, 1));
    usual || text.parse::<Ipv6Addr>().is_ok()
}

#[cold]
fn wrong_value(c: &mut Cursor, kind: DnsRecordType, value: &str, form: &str) {
    let kind = enumerant_name(kind).to_uppercase();
    c.at("value")
        .fault(
            "record-value",
            format!("not the data of a record of type {kind}: {value:?}"),
        )
        .hint(format!("give {form}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn ipv6_addresses_are_told_as_the_parser_tells_them(
            text in "(([0-9a-fA-F]{1,4}|[0-9a-g]{0,5}):{0,2}){0,9}(192\\.0\\.2\\.1)?",
        ) {
            prop_assert_eq!(is_ipv6(&text), text.parse::<Ipv6Addr>().is_ok(), "{}", text);
        }
    }

    #[test]
    fn forms_of_ipv6_addresses() {
        let good = [
            "::",
            "::1",
            "1::",
            "1:2:3:4:5:6:7:8",
            "1::3:4:5:6:7:8",
            "::ffff:192.0.2.1",
        ];
        for text in good {
            assert!(is_ipv6(text), "{text}");
        }
        let bad = [
            "",
            ":",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1::2::3",
            "1:::2",
            "12345::",
        ];
        for text in bad {
            assert!(!is_ipv6(text), "{text}");
        }
    }
}
