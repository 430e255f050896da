use super::*;
use DnsRecordType::{A, Aaaa, Caa, Cname, Mx, Ns, Srv, Txt};
use proptest::prelude::*;

/// What a text is read as, in a zone file and for people.
#[test]
fn data_of_each_type() {
    let long = "k".repeat(300);
    let chunks = format!("\"{}\" \"{}\"", "k".repeat(255), "k".repeat(45));
    let whole = format!("\"{long}\"");
    let cases = [
        (A, "192.0.2.10", "192.0.2.10", "192.0.2.10"),
        (Aaaa, "2001:DB8:0:0::10", "2001:db8::10", "2001:db8::10"),
        (
            Cname,
            "WWW.Spore.Example.",
            "www.spore.example.",
            "www.spore.example",
        ),
        (Cname, "_x.pages.dev", "_x.pages.dev.", "_x.pages.dev"),
        (Ns, "ns1.example", "ns1.example.", "ns1.example"),
        (
            Mx,
            "10  mail.example.",
            "10 mail.example.",
            "10 mail.example",
        ),
        (Mx, "0 .", "0 .", "0 ."),
        (
            Srv,
            "0 5 5060 sip.example",
            "0 5 5060 sip.example.",
            "0 5 5060 sip.example",
        ),
        (Srv, "0 0 0 .", "0 0 0 .", "0 0 0 ."),
        (
            Caa,
            "0 ISSUE ca.example",
            "0 issue \"ca.example\"",
            "0 issue \"ca.example\"",
        ),
        (
            Caa,
            "128 issue \"ca.example; a=b\"",
            "128 issue \"ca.example; a=b\"",
            "128 issue \"ca.example; a=b\"",
        ),
        (Caa, "0 issue ;", "0 issue \";\"", "0 issue \";\""),
        (Caa, "0 iodef \"\"", "0 iodef \"\"", "0 iodef \"\""),
        (Txt, "v=spf1 -all", "\"v=spf1 -all\"", "\"v=spf1 -all\""),
        (Txt, " two  words ", "\" two  words \"", "\" two  words \""),
        (
            Txt,
            "say \"hi\" \\o/",
            r#""say \"hi\" \\o/""#,
            r#""say \"hi\" \\o/""#,
        ),
        (Txt, r#""one " "two""#, "\"one two\"", "\"one two\""),
        (
            Txt,
            r#""\"\\\065\a\255""#,
            r#""\"\\Aa\255""#,
            r#""\"\\Aa\255""#,
        ),
        (Txt, "é", r#""\195\169""#, r#""\195\169""#),
        (Txt, "\"é\"", r#""\195\169""#, r#""\195\169""#),
        (Txt, "\"\"", "\"\"", "\"\""),
        (Txt, &long, &chunks, &whole),
        (Txt, &chunks, &chunks, &whole),
        // Longer than a zone file allows in one piece, but of one meaning.
        (Txt, &whole, &chunks, &whole),
    ];
    for (kind, text, zone_file, people) in cases {
        let data = RecordData::parse(kind, text).unwrap();
        assert_eq!(data.kind(), kind);
        assert_eq!(data.to_string(), zone_file, "{text}");
        assert_eq!(data.plain().to_string(), people, "{text}");
    }
}

#[test]
fn what_is_not_data_of_its_type_is_told() {
    let cases = [
        (A, "192.0.2", "\"192.0.2\""),
        (A, "192.0.2.010", "\"192.0.2.010\""),
        (A, " 192.0.2.10", "\" 192.0.2.10\""),
        (Aaaa, "192.0.2.10", "\"192.0.2.10\""),
        (Aaaa, "fe80::1%eth0", "\"fe80::1%eth0\""),
        (Cname, "@", "\"@\" stands for the zone's own name"),
        (
            Cname,
            "*.spore.example",
            "\"*.spore.example\" stands for many names; a record points to one",
        ),
        (Cname, ".", "0 bytes; a domain name has 1 to 253"),
        (Ns, "bücher.example", "not ASCII: \"bücher.example\""),
        (Mx, "10", "\"10\" has 1 parts where 2 are needed"),
        (
            Mx,
            "10 mail.example 20",
            "\"10 mail.example 20\" has 3 parts where 2 are needed",
        ),
        (
            Mx,
            "+1 mail.example",
            "the preference \"+1\" is not a number of its range",
        ),
        (
            Mx,
            "65536 mail.example",
            "the preference \"65536\" is not a number of its range",
        ),
        (
            Srv,
            "0 5 70000 sip.example",
            "the port \"70000\" is not a number of its range",
        ),
        (
            Srv,
            "0 5 sip.example",
            "\"0 5 sip.example\" has 3 parts where 4 are needed",
        ),
        (Caa, "0 issue", "\"0 issue\" has fewer than 3 parts"),
        (
            Caa,
            "256 issue \"ca.example\"",
            "the flags \"256\" is not a number of its range",
        ),
        (
            Caa,
            "0 is-sue \"ca.example\"",
            "the tag \"is-sue\" has other than letters and digits",
        ),
        (
            Caa,
            "0 issue ca.example x",
            "the value \"ca.example x\" is not quoted",
        ),
        (Caa, "0 issue \"a\" \"b\"", "more than one value"),
        (Txt, "\"open", "a quotation mark is not closed"),
        (Txt, "\"open\\\"", "a quotation mark is not closed"),
        (Txt, "\"a\" b", "outside of the quotation marks: \"b\""),
        (Txt, "\"\\", "nothing follows the last backslash"),
        (
            Txt,
            "\"\\256\"",
            "a backslash with digits is \\000 to \\255, not \\256",
        ),
        (
            Txt,
            "\"\\25\"",
            "a backslash with digits is \\000 to \\255, not \\25\"",
        ),
        (
            Txt,
            "\"\\2é\"",
            "a backslash with digits is \\000 to \\255, not \\2é\"",
        ),
    ];
    for (kind, text, expected) in cases {
        let defect = RecordData::parse(kind, text).unwrap_err();
        let prefix = format!("not the data of a record of type {}: ", type_name(kind));
        assert_eq!(
            defect.message.strip_prefix(&prefix),
            Some(expected),
            "{text}"
        );
        assert_eq!(defect.code, "record-value");
        assert!(defect.hint.is_some(), "{text}");
    }
}

/// Any data.
fn data() -> impl Strategy<Value = RecordData> {
    let name = || {
        "(_?[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?)(\\.[a-z0-9]{1,6}){0,3}"
            .prop_map(|text| Name::target(&text).unwrap())
    };
    let host = || prop::option::of(name());
    prop_oneof![
        any::<Ipv4Addr>().prop_map(RecordData::A),
        any::<Ipv6Addr>().prop_map(RecordData::Aaaa),
        name().prop_map(RecordData::Cname),
        name().prop_map(RecordData::Ns),
        prop::collection::vec(any::<u8>(), 0..600).prop_map(RecordData::Txt),
        "[ -~]{0,40}".prop_map(|text| RecordData::Txt(text.into())),
        (any::<u16>(), host()).prop_map(|(preference, exchange)| RecordData::Mx {
            preference,
            exchange
        }),
        (
            any::<u8>(),
            "[a-z0-9]{1,15}",
            prop::collection::vec(any::<u8>(), 0..40)
        )
            .prop_map(|(flags, tag, value)| RecordData::Caa { flags, tag, value }),
        (any::<u16>(), any::<u16>(), any::<u16>(), host()).prop_map(
            |(priority, weight, port, target)| RecordData::Srv {
                priority,
                weight,
                port,
                target
            }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_written_is_read_back(data in data()) {
        for text in [data.to_string(), data.plain().to_string()] {
            prop_assert_eq!(RecordData::parse(data.kind(), &text), Ok(data.clone()), "{}", text);
        }
    }

    #[test]
    fn what_is_read_does_not_change_when_written(text in "[ -~é]{0,30}", quoted in any::<bool>()) {
        let text = if quoted { format!("\"{text}\"") } else { text };
        for kind in [A, Aaaa, Caa, Cname, Mx, Ns, Srv, Txt] {
            if let Ok(data) = RecordData::parse(kind, &text) {
                prop_assert_eq!(RecordData::parse(kind, &data.to_string()), Ok(data));
            }
        }
    }

    #[test]
    fn no_part_of_a_text_is_longer_than_the_wire_allows(text in prop::collection::vec(any::<u8>(), 0..1200)) {
        let written = RecordData::Txt(text.clone()).to_string();
        let parts = quoted::read(&written).unwrap();
        prop_assert!(parts.iter().all(|part| part.len() <= 255));
        prop_assert_eq!(parts.concat(), text);
    }
}
