use super::*;
use crate::model::Line;
use DnsProvider::{Cloudflare, Powerdns, Rfc2136, Route53};
use DnsRecordType::{A, Aaaa, Caa, Cname, Mx, Ns, Srv, Txt};
use proptest::prelude::*;

fn record(name: &str, kind: DnsRecordType, value: &str) -> DnsRecord {
    DnsRecord {
        name: RecordName::parse(name).unwrap(),
        kind,
        value: Line::parse(value).unwrap(),
        ttl: Ttl::Default,
        proxied: false,
    }
}

fn with_ttl(mut record: DnsRecord, ttl: Ttl) -> DnsRecord {
    record.ttl = ttl;
    record
}

fn proxied(mut record: DnsRecord) -> DnsRecord {
    record.proxied = true;
    record
}

fn grouped(
    provider: DnsProvider,
    zone: Option<&str>,
    records: &[DnsRecord],
) -> (Vec<String>, Vec<String>) {
    let zone = zone.map(|zone| ZoneRef::parse(provider, zone).unwrap());
    let mut faults = Vec::new();
    let sets = group(provider, zone.as_ref(), records, &mut faults);
    let shown =
        |set: &DeclaredSet| format!("{} {} {}", set.owner, type_name(set.kind), set.content);
    let told = |fault: &Fault| format!("{} [{}]", fault, fault.code);
    (
        sets.iter().map(shown).collect(),
        faults.iter().map(told).collect(),
    )
}

#[test]
fn records_become_sets() {
    let records = [
        record("www.spore.example", A, "192.0.2.2"),
        record("@", Txt, "two"),
        record("WWW.spore.example.", A, "192.0.2.1"),
        record("spore.example", Txt, "\"o\" \"ne\""),
        record("www.spore.example", Aaaa, "2001:db8::1"),
    ];
    let (sets, faults) = grouped(Rfc2136, Some("spore.example"), &records);
    assert_eq!(faults, [""; 0]);
    assert_eq!(
        sets,
        [
            "@ TXT \"one\", \"two\"",
            "www.spore.example A 192.0.2.1, 192.0.2.2",
            "www.spore.example AAAA 2001:db8::1",
        ]
    );
    // Which zone it is decides whether the two names are one.
    let (sets, faults) = grouped(Rfc2136, None, &records);
    assert_eq!(faults, [""; 0]);
    assert_eq!(sets[0], "@ TXT \"two\"");
    assert_eq!(sets[1], "spore.example TXT \"one\"");
}

/// Records, and what is wrong with them.
fn check(provider: DnsProvider, records: &[DnsRecord], expected: &[&str]) {
    let (_, faults) = grouped(provider, Some("spore.example"), records);
    assert_eq!(faults, expected, "{records:?}");
}

#[test]
fn records_of_a_set_agree() {
    let www = |value| record("www.spore.example", A, value);
    let minute = |value| with_ttl(www(value), Ttl::Seconds(60));
    check(Cloudflare, &[minute("192.0.2.1"), minute("192.0.2.2")], &[]);
    check(
        Cloudflare,
        &[minute("192.0.2.1"), www("192.0.2.2")],
        &[
            "dns.records[1].ttl: dns.records[0] has the same name and type and another ttl [record-conflict]",
        ],
    );
    check(
        Cloudflare,
        &[www("192.0.2.1"), proxied(www("192.0.2.2"))],
        &[
            "dns.records[1].proxied: dns.records[0] has the same name and type and differs in this [record-conflict]",
        ],
    );
    check(
        Rfc2136,
        &[www("192.0.2.1"), www("192.0.2.2"), www("192.0.2.1")],
        &["dns.records[2].value: dns.records[0] is the same record [record-duplicate]"],
    );
    check(
        Rfc2136,
        &[record("@", Txt, "ab"), record("@", Txt, "\"a\" \"b\"")],
        &["dns.records[1].value: dns.records[0] is the same record [record-duplicate]"],
    );
    check(Rfc2136, &[record("@", Mx, "0 .")], &[]);
    check(
        Rfc2136,
        &[record("@", Mx, "10 mail.example"), record("@", Mx, "0 .")],
        &[
            "dns.records[1].value: \"0 .\" says that no mail is taken: it stands alone, with preference 0 [record-conflict]",
        ],
    );
    check(
        Rfc2136,
        &[record("@", Mx, "10 .")],
        &[
            "dns.records[0].value: \"0 .\" says that no mail is taken: it stands alone, with preference 0 [record-conflict]",
        ],
    );
}

#[test]
fn a_cname_stands_alone() {
    let cname = |value| record("www.spore.example", Cname, value);
    check(
        Cloudflare,
        &[cname("a.example"), cname("b.example")],
        &[
            "dns.records[1].value: dns.records[0] has the same name and type; a name has one CNAME [record-conflict]",
        ],
    );
    let a = || record("www.spore.example", A, "192.0.2.1");
    let beside = "has the same name; the two cannot stand together [record-conflict]";
    check(
        Cloudflare,
        &[cname("a.example"), a()],
        &[&format!(
            "dns.records[1].type: dns.records[0], of type CNAME, {beside}"
        )],
    );
    check(
        Cloudflare,
        &[a(), cname("a.example")],
        &[
            "dns.records[1].type: dns.records[0], of type A, has the same name; the two cannot stand together [record-conflict]",
        ],
    );
    let txt = || record("www.spore.example", Txt, "x");
    check(Cloudflare, &[cname("a.example"), txt()], &[]);
    for provider in [Rfc2136, Powerdns, Route53] {
        check(
            provider,
            &[cname("a.example"), txt()],
            &[&format!(
                "dns.records[1].type: dns.records[0], of type CNAME, {beside}"
            )],
        );
    }
    let apex = || record("spore.example", Cname, "a.example");
    check(Cloudflare, &[apex()], &[]);
    check(DnsProvider::None, &[apex()], &[]);
    check(
        Route53,
        &[apex()],
        &[
            "dns.records[0].type: the zone's own name cannot be a CNAME at this provider [record-conflict]",
        ],
    );
}

#[test]
fn the_proxy_and_its_ttl_are_cloudflares() {
    let at = |kind, value| proxied(record("a.spore.example", kind, value));
    check(
        Cloudflare,
        &[at(A, "192.0.2.1"), at(Aaaa, "2001:db8::1")],
        &[],
    );
    check(Cloudflare, &[at(Cname, "a.example")], &[]);
    for (kind, value, name) in [
        (Txt, "x", "TXT"),
        (Mx, "10 mail.example", "MX"),
        (Caa, "0 issue ca.example", "CAA"),
        (Srv, "0 0 80 a.example", "SRV"),
        (Ns, "ns.example", "NS"),
    ] {
        check(
            Cloudflare,
            &[at(kind, value)],
            &[&format!(
                "dns.records[0].proxied: records of type {name} are not proxied, only A, AAAA and CNAME [field-conflict]"
            )],
        );
    }
    let automatic = || with_ttl(record("@", Txt, "x"), Ttl::Automatic);
    check(Cloudflare, &[automatic()], &[]);
    for provider in [Rfc2136, Powerdns, Route53, DnsProvider::None] {
        check(
            provider,
            &[automatic(), at(A, "192.0.2.1")],
            &[
                "dns.records[0].ttl: 1, for automatic, is known to cloudflare alone [out-of-range]",
                "dns.records[1].proxied: only cloudflare has a proxy [field-conflict]",
            ],
        );
    }
}

#[test]
fn names_lie_in_the_zone() {
    check(
        Rfc2136,
        &[
            record("www", A, "192.0.2.1"),
            record("myspore.example", A, "192.0.2.1"),
            record("*", A, "192.0.2.1"),
            record("*.spore.example", A, "192.0.2.1"),
        ],
        &[
            "dns.records[0].name: www is not within the zone spore.example [record-zone]",
            "dns.records[1].name: myspore.example is not within the zone spore.example [record-zone]",
            "dns.records[2].name: \"*\" is not a whole name [domain-syntax]",
        ],
    );
    // Of a zone that is told by its id, the name is not known here.
    let (sets, faults) = grouped(Cloudflare, Some("0abc"), &[record("www", A, "192.0.2.1")]);
    assert_eq!((sets.len(), faults.len()), (1, 0));
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_the_records() {
    check(
        Rfc2136,
        &[
            with_ttl(record("@", Cname, "*.example"), Ttl::Automatic),
            record("www.spore.example", Cname, "a.example"),
            proxied(record("other.example", A, "192.0.2.1")),
            record("www.spore.example", Txt, "x"),
        ],
        &[
            "dns.records[0].value: not the data of a record of type CNAME: \"*.example\" stands for many names; a record points to one [record-value]",
            "dns.records[0].ttl: 1, for automatic, is known to cloudflare alone [out-of-range]",
            "dns.records[2].name: other.example is not within the zone spore.example [record-zone]",
            "dns.records[2].proxied: only cloudflare has a proxy [field-conflict]",
            "dns.records[3].type: dns.records[1], of type CNAME, has the same name; the two cannot stand together [record-conflict]",
        ],
    );
}

proptest! {
    #[test]
    fn the_order_of_records_does_not_matter(
        (one, two) in prop::collection::vec((0..4usize, 0..5usize), 0..12).prop_flat_map(|picks| {
            (Just(picks.clone()), Just(picks).prop_shuffle())
        }),
    ) {
        let names = ["@", "a.spore.example", "b.spore.example", "*.spore.example"];
        let data = [(A, "192.0.2.1"), (A, "192.0.2.2"), (Txt, "x"), (Cname, "c.example"), (Mx, "10 a.example")];
        let grouped = |picks: Vec<(usize, usize)>| {
            let records: Vec<_> = picks
                .iter()
                .map(|&(name, value)| record(names[name], data[value].0, data[value].1))
                .collect();
            let (sets, faults) = grouped(Cloudflare, Some("spore.example"), &records);
            (sets, faults.len())
        };
        prop_assert_eq!(grouped(one), grouped(two));
    }
}
