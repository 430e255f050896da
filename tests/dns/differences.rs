//! What is changed, what is left and what is deleted.

use crate::world::{ZONE, cloudflare, lines, name, standard, wanted, zone};
use mycelia_spore::model::{DnsDeletePolicy, DnsOwnership, DnsProvider};
use mycelia_spore::plan::dns::{ChangeKind, DnsChange, diff};

const NOTHING: [&str; 0] = [];

#[test]
fn what_is_missing_is_made() {
    let asked = [
        "www.spore.example A 192.0.2.2 | 192.0.2.1",
        "@ TXT v=spf1 -all @60",
    ];
    assert_eq!(
        lines(&standard(), &[], &asked),
        [
            "+ spore.example TXT \"v=spf1 -all\" (ttl 60)",
            "+ www.spore.example A 192.0.2.1, 192.0.2.2 (ttl 3600)",
        ]
    );
    let asked = [
        "www.spore.example CNAME blog.pages.dev @300 proxied",
        "a.spore.example A 192.0.2.1",
    ];
    assert_eq!(
        lines(&cloudflare(), &[], &asked),
        [
            "+ a.spore.example A 192.0.2.1",
            "+ www.spore.example CNAME blog.pages.dev (proxied)",
        ]
    );
}

#[test]
fn what_is_as_wanted_is_left() {
    let cases = [
        (
            "ours www.spore.example A 192.0.2.1 @60",
            "www.spore.example A 192.0.2.1 @60",
        ),
        // What the message leaves open is no difference.
        (
            "ours www.spore.example A 192.0.2.1 @7",
            "www.spore.example A 192.0.2.1",
        ),
        (
            "ours www.spore.example A 192.0.2.1 @auto",
            "www.spore.example A 192.0.2.1",
        ),
        (
            "free www.spore.example A 192.0.2.1 @60",
            "www.spore.example A 192.0.2.1",
        ),
        // What is proxied has no ttl of its own.
        (
            "ours www.spore.example A 192.0.2.1 @auto proxied",
            "www.spore.example A 192.0.2.1 @60 proxied",
        ),
        (
            "ours www.spore.example A 192.0.2.1 @300 proxied",
            "www.spore.example A 192.0.2.1 @auto proxied",
        ),
        // Texts are compared whole.
        ("ours spore.example TXT \"a\" \"b\"", "@ TXT ab"),
        (
            "ours spore.example MX 10 MAIL.example.",
            "@ MX 10 mail.example",
        ),
    ];
    for (there, asked) in cases {
        assert_eq!(lines(&cloudflare(), &[there], &[asked]), NOTHING, "{there}");
    }
}

#[test]
fn what_differs_is_changed() {
    let cases = [
        (
            "www.spore.example A 192.0.2.1 @60",
            "www.spore.example A 192.0.2.2 | 192.0.2.3",
            "~ www.spore.example A 192.0.2.1 -> 192.0.2.2, 192.0.2.3 (ttl 60)",
        ),
        (
            "www.spore.example A 192.0.2.1 @60",
            "www.spore.example A 192.0.2.1 @300",
            "~ www.spore.example A 192.0.2.1 (ttl 60) -> 192.0.2.1 (ttl 300)",
        ),
        (
            "www.spore.example A 192.0.2.1 @60",
            "www.spore.example A 192.0.2.1 @auto",
            "~ www.spore.example A 192.0.2.1 (ttl 60) -> 192.0.2.1 (ttl automatic)",
        ),
        (
            "www.spore.example A 192.0.2.1 @60",
            "www.spore.example A 192.0.2.1 proxied",
            "~ www.spore.example A 192.0.2.1 (ttl 60) -> 192.0.2.1 (proxied)",
        ),
        // Not to be proxied is declared by leaving it out.
        (
            "www.spore.example A 192.0.2.1 @auto proxied",
            "www.spore.example A 192.0.2.1",
            "~ www.spore.example A 192.0.2.1 (proxied) -> 192.0.2.1 (ttl automatic)",
        ),
    ];
    for (there, asked, expected) in cases {
        let there = format!("ours {there}");
        assert_eq!(lines(&cloudflare(), &[&there], &[asked]), [expected]);
    }
    // Records of one set that do not agree.
    let there = [
        "ours www.spore.example A 192.0.2.1 @60",
        "ours www.spore.example A 192.0.2.2 @90",
    ];
    let asked = "www.spore.example A 192.0.2.1 | 192.0.2.2";
    assert_eq!(lines(&standard(), &there, &[asked]), NOTHING);
    assert_eq!(
        lines(&standard(), &there, &["www.spore.example A 192.0.2.1"]),
        ["~ www.spore.example A 192.0.2.1, 192.0.2.2 (with several ttls) -> 192.0.2.1 (ttl 3600)"]
    );
}

#[test]
fn what_is_not_ours_is_named_and_left() {
    let asked = ["www.spore.example A 192.0.2.1"];
    let foreign = "! set www.spore.example A 192.0.2.1: it belongs to site shop";
    for there in [
        "shop www.spore.example A 192.0.2.9",
        "shop www.spore.example A 192.0.2.1",
    ] {
        for ownership in [DnsOwnership::Marked, DnsOwnership::Adopt] {
            let rules = mycelia_spore::plan::dns::Rules {
                ownership,
                ..standard()
            };
            assert_eq!(lines(&rules, &[there], &asked), [foreign]);
        }
    }
    let there = ["free www.spore.example A 192.0.2.9 @60"];
    assert_eq!(
        lines(&standard(), &there, &asked),
        [
            "! set www.spore.example A 192.0.2.1: there is another one that carries no mark: \
         dns.ownership = adopt takes it over"
        ]
    );
    let mut adopting = standard();
    adopting.ownership = DnsOwnership::Adopt;
    assert_eq!(
        lines(&adopting, &there, &asked),
        ["~ www.spore.example A 192.0.2.9 -> 192.0.2.1 (ttl 60), which nobody had marked"]
    );
    // A set of which only a part is ours is nobody's.
    let mixed = [
        "ours www.spore.example A 192.0.2.1",
        "free www.spore.example A 192.0.2.2",
    ];
    assert_eq!(lines(&standard(), &mixed, &asked).len(), 1);
    assert!(lines(&standard(), &mixed, &asked)[0].contains("carries no mark"));
    assert_eq!(lines(&standard(), &mixed, &[]), NOTHING);
}

#[test]
fn what_is_no_longer_wanted_goes_unless_it_is_kept() {
    let there = [
        "ours a.spore.example TXT x",
        "free b.spore.example TXT x",
        "shop c.spore.example TXT x",
    ];
    assert_eq!(
        lines(&standard(), &there, &[]),
        ["- a.spore.example TXT \"x\""]
    );
    let mut keeping = standard();
    keeping.delete_policy = DnsDeletePolicy::Keep;
    assert_eq!(
        lines(&keeping, &there, &[]),
        ["? delete a.spore.example TXT \"x\": dns.deletePolicy is keep"]
    );
}

/// So many sets of this site, of which the last few are no longer wanted.
fn dropping(percent: u8, there: usize, gone: usize) -> Vec<String> {
    let line = |index: usize| format!("n{index:03}.spore.example TXT x");
    let found: Vec<String> = (0..there)
        .map(|index| format!("ours {}", line(index)))
        .collect();
    let mut asked: Vec<String> = (0..there - gone).map(line).collect();
    asked.push("new.spore.example TXT x".into());
    let mut rules = standard();
    rules.max_removed_percent = percent;
    let refs = |lines: &[String]| -> Vec<String> { lines.to_vec() };
    let (found, asked) = (refs(&found), refs(&asked));
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    lines(&rules, &found, &asked)
}

#[test]
fn the_change_brake_leaves_a_zone_that_would_lose_too_much() {
    // Up to the limit, and below ten sets, nothing is braked.
    for (percent, there, gone) in [(30, 10, 3), (30, 9, 9), (100, 20, 20), (50, 20, 10)] {
        assert_eq!(dropping(percent, there, gone).len(), gone + 1);
    }
    assert_eq!(
        dropping(30, 10, 4),
        [
            "! change 5 record sets of spore.example: it would delete 4 of this site's 10 sets there \
         (40 %), more than policy.max-removed-dns-percent = 30 allows: n006.spore.example TXT, \
         n007.spore.example TXT, n008.spore.example TXT, n009.spore.example TXT"
        ]
    );
    let told = dropping(30, 33, 10);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("10 of this site's 33 sets there (31 %)"),
        "{}",
        told[0]
    );
    assert!(
        told[0].ends_with("n027.spore.example TXT, 5 more"),
        "{}",
        told[0]
    );
    assert_eq!(dropping(0, 10, 1).len(), 1);
}

#[test]
fn the_brake_looks_at_each_zone_by_itself_and_at_our_sets_alone() {
    let line = |zone: &str, index: usize| format!("n{index}.{zone} TXT x");
    let make = |name: &str, owner: &str, count| -> Vec<String> {
        (0..count)
            .map(|index| format!("{owner} {}", line(name, index)))
            .collect()
    };
    let (one, mut two) = (
        make("one.example", "ours", 10),
        make("two.example", "ours", 5),
    );
    two.extend(make("x.two.example", "free", 90));
    let refs = |lines: &[String]| lines.iter().map(String::clone).collect::<Vec<_>>();
    let (one, two) = (refs(&one), refs(&two));
    let zones = [
        zone(
            "one.example",
            &one.iter().map(String::as_str).collect::<Vec<_>>(),
        ),
        zone(
            "two.example",
            &two.iter().map(String::as_str).collect::<Vec<_>>(),
        ),
    ];
    let difference = diff(&[], &zones, &standard());
    assert_eq!(difference.zones.len(), 1);
    assert_eq!(difference.zones[0].name, name("two.example"));
    assert_eq!(difference.zones[0].changes.len(), 5);
    assert_eq!(difference.withheld.len(), 1);
}

#[test]
fn names_are_there_before_what_leads_to_them() {
    let there = [
        "ours old.spore.example A 192.0.2.1",
        "ours alpha.spore.example MX 10 old.spore.example",
        "ours www.spore.example A 192.0.2.1",
    ];
    let asked = [
        "@ MX 10 zz.spore.example",
        "_sip._tcp.spore.example SRV 0 0 5060 zz.spore.example",
        "below.spore.example NS zz.spore.example",
        "www.spore.example CNAME zz.spore.example",
        "zz.spore.example A 192.0.2.1",
        "zz.spore.example AAAA 2001:db8::1",
    ];
    let mut rules = standard();
    rules.max_removed_percent = 100;
    let told = lines(&rules, &there, &asked);
    let short: Vec<String> = told
        .iter()
        .map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        short,
        [
            "- www.spore.example A",
            "+ www.spore.example CNAME",
            "+ zz.spore.example A",
            "+ zz.spore.example AAAA",
            "+ _sip._tcp.spore.example SRV",
            "+ below.spore.example NS",
            "+ spore.example MX",
            "- alpha.spore.example MX",
            "- old.spore.example A",
        ]
    );
}

#[test]
fn actions_tell_what_they_do() {
    let declared = [
        wanted("www.spore.example CNAME HOSTING proxied"),
        wanted("@ TXT x"),
    ];
    let difference = diff(
        &declared,
        &[zone(ZONE, &["ours a.spore.example TXT y"])],
        &cloudflare(),
    );
    let actions = difference.actions(&crate::world::site(), DnsProvider::Cloudflare, None, None);
    let [action] = &actions[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(
        (action.verb(), &*action.target()),
        ("records", "cloudflare/spore.example")
    );
    assert_eq!(
        action.describe(),
        "+ spore.example TXT \"x\"; + www.spore.example CNAME (the address of the hosting project) \
         (proxied); - a.spore.example TXT \"y\""
    );
    assert!(action.needs_target());
    let action = action.with_target(&name("blog.pages.dev"));
    assert!(!action.needs_target());
    let lines: Vec<String> = action.lines().collect();
    assert_eq!(
        lines[1],
        "+ www.spore.example CNAME blog.pages.dev (proxied)"
    );
    let kinds: Vec<ChangeKind> = action.changes.iter().map(DnsChange::kind).collect();
    assert_eq!(
        kinds,
        [ChangeKind::Create, ChangeKind::Create, ChangeKind::Delete]
    );
    assert!(
        diff(&[], &[zone(ZONE, &[])], &cloudflare())
            .zones
            .is_empty()
    );
}
