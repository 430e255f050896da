//! Spoilt fields of DNS records and of a purchase.

use super::sample::{check, dns, edited, number, purchase, record, told};
use mycelia_spore::schema::spore_capnp::DnsRecordType;

#[test]
fn dns_section() {
    check(&[
        ("enum-unknown", "dns.provider", |c| {
            number(dns(c), "provider", 5)
        }),
        ("too-long", "dns.zoneId", |c| {
            dns(c).set_zone_id("x".repeat(254))
        }),
        ("too-long", "dns.records", |c| {
            dns(c).init_records(1001);
        }),
        ("name-syntax", "dns.credential", |c| {
            dns(c).set_credential("A")
        }),
        ("enum-unknown", "dns.ownership", |c| {
            number(dns(c), "ownership", 2)
        }),
        ("enum-unknown", "dns.deletePolicy", |c| {
            number(dns(c), "deletePolicy", 2)
        }),
        ("missing", "dns.records[0].name", |c| record(c).set_name("")),
        ("domain-syntax", "dns.records[0].name", |c| {
            record(c).set_name("a.*.b")
        }),
        ("enum-unknown", "dns.records[0].type", |c| {
            number(record(c), "type", 8)
        }),
        ("missing", "dns.records[0].value", |c| {
            record(c).set_value("")
        }),
        ("control-character", "dns.records[0].value", |c| {
            record(c).set_value("192.0.2.10\n")
        }),
        ("too-long", "dns.records[0].value", |c| {
            record(c).set_value("1".repeat(4097))
        }),
        ("out-of-range", "dns.records[0].ttl", |c| {
            record(c).set_ttl(29)
        }),
        ("out-of-range", "dns.records[0].ttl", |c| {
            record(c).set_ttl(86_401)
        }),
        ("out-of-range", "dns.records[0].ttl", |c| {
            record(c).set_ttl(2)
        }),
    ]);
}

#[test]
fn data_of_records_by_type() {
    use DnsRecordType::{A, Aaaa, Caa, Cname, Mx, Ns, Srv, Txt};
    let cases = [
        (A, "192.0.2.10", true),
        (A, "192.0.2", false),
        (A, "192.0.2.256", false),
        (A, "2001:db8::10", false),
        (Aaaa, "2001:db8::10", true),
        (Aaaa, "::ffff:192.0.2.10", true),
        (Aaaa, "192.0.2.10", false),
        (Cname, "pages.dev", true),
        (Cname, "_x.pages.dev.", true),
        (Cname, "a b", false),
        (Ns, "ns1.example", true),
        (Ns, "ns1..example", false),
        (Txt, "v=spf1 -all", true),
        (Mx, "10 mail.example", true),
        (Mx, "0 .", true),
        (Mx, "mail.example", false),
        (Mx, "65536 mail.example", false),
        (Srv, "0 5 5060 sip.example", true),
        (Srv, "0 5 sip.example", false),
        (Caa, "0 issue \"ca.example\"", true),
        (Caa, "256 issue \"ca.example\"", false),
        (Caa, "0 issue", false),
    ];
    for (kind, value, good) in cases {
        let found = told(edited(|c| {
            let mut record = record(c);
            record.set_type(kind);
            record.set_value(value);
        }));
        let fault = ("record-value".to_owned(), "dns.records[0].value".to_owned());
        let expected = if good { vec![] } else { vec![fault] };
        assert_eq!(found, expected, "{value}");
    }
}

#[test]
fn purchase_section() {
    check(&[
        ("enum-unknown", "purchase.provider", |c| {
            number(purchase(c), "provider", 5)
        }),
        ("missing", "purchase.domain", |c| purchase(c).set_domain("")),
        ("domain-syntax", "purchase.domain", |c| {
            purchase(c).set_domain("example")
        }),
        ("out-of-range", "purchase.years", |c| {
            purchase(c).set_years(0)
        }),
        ("out-of-range", "purchase.years", |c| {
            purchase(c).set_years(11)
        }),
        ("missing", "purchase.maximumPrice.currency", |c| {
            purchase(c).init_maximum_price().set_minor_units(1);
        }),
        ("currency-syntax", "purchase.maximumPrice.currency", |c| {
            purchase(c).init_maximum_price().set_currency("eur");
        }),
        ("name-syntax", "purchase.contact", |c| {
            purchase(c).set_contact("a b")
        }),
        ("name-syntax", "purchase.credential", |c| {
            purchase(c).set_credential("é")
        }),
    ]);
}
