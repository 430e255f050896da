//! Which zone a set belongs to.

use crate::world::{cloudflare, standard, told, wanted, zone};
use mycelia_spore::plan::dns::{Rules, diff};

/// What is to be done in these empty zones, with the zone before each line.
fn placed(rules: &Rules, zones: &[&str], lines: &[&str]) -> Vec<String> {
    let zones: Vec<_> = zones.iter().map(|name| zone(name, &[])).collect();
    let declared: Vec<_> = lines.iter().map(|line| wanted(line)).collect();
    let difference = diff(&declared, &zones, rules);
    let changes = difference.zones.iter().flat_map(|zone| {
        let changes = zone.changes.iter();
        changes.map(move |change| format!("{}: {}", zone.id, change.key()))
    });
    let withheld = difference.withheld.iter().map(|withheld| {
        assert!(withheld.refused);
        format!("! {}: {}", withheld.action, withheld.reason)
    });
    changes.chain(withheld).collect()
}

#[test]
fn the_longest_name_wins() {
    let asked = [
        "a.b.example TXT x",
        "b.example TXT x",
        "a.example TXT x",
        "xb.example TXT x",
    ];
    assert_eq!(
        placed(&standard(), &["example", "b.example"], &asked),
        [
            "id-b.example: a.b.example TXT",
            "id-b.example: b.example TXT",
            "id-example: a.example TXT",
            "id-example: xb.example TXT",
        ]
    );
}

#[test]
fn a_name_without_a_zone_is_told() {
    assert_eq!(
        placed(
            &standard(),
            &["b.example"],
            &["a.example TXT x", "b.example TXT x"]
        ),
        [
            "id-b.example: b.example TXT",
            "! set a.example TXT \"x\": no zone was found that holds it: make the zone at the provider, \
         or check the credential and dns.zoneId",
        ]
    );
    assert_eq!(placed(&standard(), &[], &["a.example TXT x"]).len(), 1);
}

#[test]
fn zones_of_one_name_are_not_guessed_between() {
    let (mut one, mut two) = (
        zone("a.example", &["ours old.a.example TXT x"]),
        zone("a.example", &[]),
    );
    (one.id, two.id) = ("1".into(), "2".into());
    let difference = diff(&[wanted("a.example TXT x")], &[one, two], &standard());
    assert_eq!(
        told(&difference),
        [
            "! set a.example TXT \"x\": there are 2 zones of the name a.example: give the id of one as \
         dns.zoneId"
        ]
    );
}

#[test]
fn the_zones_own_name_is_found_by_the_other_names() {
    let zones = ["a.example", "b.example"];
    assert_eq!(
        placed(&standard(), &["a.example"], &["@ TXT x"]),
        ["id-a.example: a.example TXT"]
    );
    assert_eq!(
        placed(&standard(), &zones, &["@ TXT x", "www.a.example TXT x"]),
        [
            "id-a.example: a.example TXT",
            "id-a.example: www.a.example TXT",
        ]
    );
    let unknown = "! set @ TXT \"x\": no name tells which zone \"@\" is of: give dns.zoneId";
    assert_eq!(placed(&standard(), &zones, &["@ TXT x"]), [unknown]);
    assert_eq!(placed(&standard(), &[], &["@ TXT x"]), [unknown]);
    let both = ["@ TXT x", "www.a.example TXT x", "www.b.example TXT x"];
    assert_eq!(placed(&standard(), &zones, &both)[2..], [unknown]);
    // A name elsewhere makes one zone no more certain; the message's own word does.
    let elsewhere = ["@ TXT x", "www.a.example TXT x", "www.c.example TXT x"];
    assert_eq!(placed(&standard(), &["a.example"], &elsewhere)[1], unknown);
    let given = Rules {
        zone_given: true,
        ..standard()
    };
    let placed_there = placed(&given, &["a.example"], &elsewhere);
    assert_eq!(placed_there[0], "id-a.example: a.example TXT");
    assert_eq!(placed_there.len(), 3);
    // Whichever it is, what is there is not taken for unwanted.
    let there = zones.map(|name| {
        let lines = [
            format!("ours {name} TXT x"),
            format!("ours {name} A 192.0.2.1"),
        ];
        zone(name, &[&*lines[0], &*lines[1]])
    });
    let difference = diff(&[wanted("@ TXT y")], &there, &standard());
    for zone in &difference.zones {
        assert_eq!(zone.changes.len(), 1);
        assert_eq!(
            zone.changes[0].key().kind,
            mycelia_spore::model::DnsRecordType::A
        );
    }
    assert_eq!(difference.zones.len(), 2);
}

#[test]
fn the_zones_own_name_may_be_written_in_two_ways() {
    assert_eq!(
        placed(&standard(), &["a.example"], &["@ TXT x", "a.example TXT y"]),
        ["id-a.example: a.example TXT"]
    );
    let twice = "! set a.example TXT: the message declares it twice, in ways that do not agree";
    assert_eq!(
        placed(
            &standard(),
            &["a.example"],
            &["@ TXT x @60", "a.example TXT y"]
        ),
        [twice]
    );
    let asked = ["@ CNAME x.example", "a.example CNAME y.example"];
    assert_eq!(
        placed(&cloudflare(), &["a.example"], &asked),
        ["! set a.example CNAME: the message declares it twice, in ways that do not agree"]
    );
    let asked = ["@ CNAME x.example", "a.example A 192.0.2.1"];
    let why =
        "the message declares a CNAME and other types of this name, which cannot stand together";
    assert_eq!(
        placed(&cloudflare(), &["a.example"], &asked),
        [
            format!("! set a.example A: {why}"),
            format!("! set a.example CNAME: {why}"),
        ]
    );
    // What is there of such a set is not taken for unwanted.
    let there = zone("a.example", &[]);
    let mut there = there;
    there
        .sets
        .push(crate::world::found("ours a.example A 192.0.2.1"));
    let declared: Vec<_> = asked.iter().map(|line| wanted(line)).collect();
    assert!(diff(&declared, &[there], &cloudflare()).zones.is_empty());
}
