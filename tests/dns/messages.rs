//! The DNS section of messages.

use crate::common::{Config, page};
use mycelia_spore::desired::{DesiredDns, DesiredSite};
use mycelia_spore::dns::DnsScope;
use mycelia_spore::model::{DnsProvider, Ensure, Faults, Parse};
use mycelia_spore::records::{Content, Name, Owner, ZoneRef};
use mycelia_spore::stream::{Frames, Spore};

/// What a message of a page with these records asks for.
fn desired(
    zone: &str,
    records: &[(&str, &str)],
    edit: impl FnOnce(Config<'_>),
) -> Result<DesiredDns, Faults> {
    let packed = page("links", |mut config| {
        let mut dns = config.reborrow().init_dns();
        dns.set_provider(DnsProvider::Rfc2136);
        dns.set_zone_id(zone);
        let mut list = dns.init_records(u32::try_from(records.len()).unwrap());
        for (index, (name, value)) in (0..).zip(records) {
            let mut record = list.reborrow().get(index);
            record.set_name(name);
            record.set_value(value);
        }
        edit(config);
    });
    let frame = Frames::new(&*packed).next().unwrap().unwrap();
    let config = Spore::decode(&frame).config.unwrap();
    DesiredSite::from_config(&config).map(|site| site.dns.unwrap())
}

fn faults(result: Result<DesiredDns, Faults>) -> Vec<String> {
    let faults = result.unwrap_err().into_vec();
    faults
        .iter()
        .map(|fault| format!("{fault} [{}]", fault.code))
        .collect()
}

#[test]
fn a_section_becomes_sets() {
    let records = [
        ("@", "192.0.2.1"),
        ("www.spore.example", "192.0.2.2"),
        ("@", "192.0.2.3"),
    ];
    let dns = desired("Spore.Example.", &records, |_| {}).unwrap();
    let zone = Name::parse("spore.example").unwrap();
    assert_eq!(dns.zone, Some(ZoneRef::Name(zone)));
    let [apex, www] = &dns.sets[..] else {
        panic!("{dns:?}")
    };
    assert_eq!(apex.owner, Owner::Apex);
    assert!(matches!(&apex.content, Content::Data(data) if data.len() == 2));
    let www = www.owner.name().unwrap();
    assert_eq!(dns.names(), [www.clone()].into());
}

#[test]
fn all_faults_are_told_with_their_fields() {
    let records = [
        ("@", "192.0.2.1"),
        ("a.other.example", "192.0.2.1"),
        ("@", "192.0.2.1"),
    ];
    assert_eq!(
        faults(desired("spore.example", &records, |_| {})),
        [
            "dns.records[1].name: a.other.example is not within the zone spore.example [record-zone]",
            "dns.records[2].value: dns.records[0] is the same record [record-duplicate]",
        ]
    );
    assert_eq!(
        faults(desired("*.x", &records[..1], |_| {})),
        ["dns.zoneId: \"*.x\" is not the name of a zone [zone-syntax]"]
    );
}

#[test]
fn the_zone_must_be_told_where_no_name_tells_it() {
    let apex = [("@", "192.0.2.1")];
    assert_eq!(
        faults(desired("", &apex, |_| {})),
        ["dns.zoneId: is required: no name tells which zone \"@\" is of [missing]"]
    );
    // For a person who enters the record it need not be told.
    let by_hand = desired("", &apex, |config| {
        let mut dns = config.get_dns().unwrap();
        dns.set_provider(DnsProvider::None);
    });
    assert_eq!(by_hand.unwrap().sets.len(), 1);
    // The names of the website tell it as well.
    let named = desired("", &apex, |config| {
        config.init_domains().set_primary("spore.example");
    });
    assert_eq!(named.unwrap().zone, None);
}

#[test]
fn nothing_is_wrong_with_the_records_of_a_site_that_should_be_absent() {
    let records = [("a.other.example", "192.0.2.1")];
    let absent = |config: Config<'_>| config.init_lifecycle().set_ensure(Ensure::Absent);
    let dns = desired("spore.example", &records, absent).unwrap();
    assert!(dns.zone.is_some());
}
