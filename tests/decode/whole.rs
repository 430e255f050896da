//! Faults of the message as a whole, and all faults told at once.

use super::sample::{
    Config, build, decode, decode_flat, domains, edited, hosting, message, number, raw, record,
    site, told,
};
use capnp::message::Builder;
use capnp::serialize;
use mycelia_spore::decode::{request_id, site_id};

#[test]
fn nothing_was_written() {
    let mut message = Builder::new_default();
    message.init_root::<Config<'_>>();
    assert_eq!(
        told(decode(&message)),
        [("message-empty".into(), String::new())]
    );
}

#[test]
fn null_root_is_an_empty_message() {
    // One segment of one word: a null pointer.
    let bytes = [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(
        told(decode_flat(&bytes)),
        [("message-empty".into(), String::new())]
    );
}

#[test]
fn message_of_an_unknown_revision_is_judged_no_further() {
    let outcome = edited(|mut c| {
        c.set_schema_version(9);
        site(c).set_id("");
    });
    assert_eq!(
        told(outcome),
        [("version-unknown".into(), "schemaVersion".into())]
    );
}

#[test]
fn all_faults_are_told_in_the_order_of_the_fields() {
    let outcome = edited(|mut c| {
        site(c.reborrow()).set_id("No");
        site(c.reborrow()).set_title(raw(b"\xff"));
        build(c.reborrow()).set_timeout_seconds(20_000);
        domains(c.reborrow()).set_primary("");
        number(hosting(c.reborrow()), "provider", 7);
        let mut record = record(c.reborrow());
        record.set_value("192.0.2.999");
        record.set_ttl(5);
        c.set_request_id("\u{7}");
    });
    let expected = [
        ("name-syntax", "site.id"),
        ("text-utf8", "site.title"),
        ("enum-unknown", "hosting.provider"),
        ("out-of-range", "build.timeoutSeconds"),
        ("missing", "domains.primary"),
        ("out-of-range", "dns.records[0].ttl"),
        ("record-value", "dns.records[0].value"),
        ("control-character", "requestId"),
    ];
    let expected = expected.map(|(code, path)| (code.to_owned(), path.to_owned()));
    assert_eq!(told(outcome), expected);
}

#[test]
fn every_faulty_element_of_a_list_is_told() {
    let outcome = edited(|c| {
        let mut aliases = domains(c).init_aliases(4);
        for (index, name) in (0..).zip(["a.example", "a b", "c.example", "-d"]) {
            aliases.set(index, name);
        }
    });
    let expected = ["domains.aliases[1]", "domains.aliases[3]"];
    let expected = expected.map(|path| ("domain-syntax".to_owned(), path.to_owned()));
    assert_eq!(told(outcome), expected);
}

#[test]
fn faults_say_what_is_wrong_and_what_to_do() {
    let faults = edited(|c| site(c).set_id("Field Notes")).unwrap_err();
    assert_eq!(
        faults.to_string(),
        "site.id: not a valid name: \"Field Notes\""
    );
    let hint = faults.as_slice()[0].hint.as_deref().unwrap();
    assert!(hint.contains("a-z, 0-9 and -"), "{hint}");
    let faults = edited(|c| number(site(c), "kind", 77)).unwrap_err();
    assert_eq!(faults.to_string(), "site.kind: unknown value 77");
    let faults = edited(|c| domains(c).init_aliases(1).set(0, "SPORE.example")).unwrap_err();
    assert_eq!(
        faults.to_string(),
        "domains.aliases: name \"spore.example\" stands twice"
    );
}

#[test]
fn pointer_of_another_kind_is_a_fault_of_its_field() {
    // The root's first pointers, each turned from a struct's into a list's by its lowest bits.
    let sections = [
        "site", "repo", "build", "domains", "hosting", "dns", "purchase",
    ];
    let bytes = serialize::write_message_to_words(&message(|_| {}));
    let root = &bytes[8..16];
    let data_words = usize::from(u16::from_le_bytes([root[4], root[5]]));
    for (index, section) in sections.into_iter().enumerate() {
        let mut bytes = bytes.clone();
        bytes[16 + 8 * (data_words + index)] |= 1;
        let found = told(decode_flat(&bytes));
        assert_eq!(found, [("message-malformed".into(), section.to_owned())]);
    }
}

#[test]
fn site_and_request_are_told_of_faulty_messages() {
    let message = message(|c| domains(c).set_primary(""));
    let root = message.get_root_as_reader().unwrap();
    assert_eq!(site_id(root).unwrap().as_str(), "field-notes");
    assert_eq!(request_id(root).as_str(), "deploy-4711");
    let message = super::sample::message(|mut c| {
        c.set_request_id(raw(b"\xff"));
        site(c).set_id("No");
    });
    let root = message.get_root_as_reader().unwrap();
    assert_eq!(site_id(root), None);
    assert!(request_id(root).is_empty());
}
