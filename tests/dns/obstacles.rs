//! What cannot stand where it is wanted, and what is never touched.

use crate::world::{cloudflare, lines, name, standard};
use mycelia_spore::model::{DnsDeletePolicy, DnsOwnership};
use mycelia_spore::plan::dns::Rules;

const NOTHING: [&str; 0] = [];
const WWW: [&str; 1] = ["www.spore.example CNAME blog.pages.dev"];

fn adopting() -> Rules {
    Rules {
        ownership: DnsOwnership::Adopt,
        ..standard()
    }
}

#[test]
fn a_cname_takes_the_place_of_our_own_sets() {
    let there = [
        "ours www.spore.example A 192.0.2.1",
        "ours www.spore.example TXT x",
    ];
    assert_eq!(
        lines(&standard(), &there, &WWW),
        [
            "- www.spore.example A 192.0.2.1",
            "- www.spore.example TXT \"x\"",
            "+ www.spore.example CNAME blog.pages.dev (ttl 3600)",
        ]
    );
    // And the other way round.
    let there = ["ours www.spore.example CNAME blog.pages.dev"];
    assert_eq!(
        lines(&standard(), &there, &["www.spore.example A 192.0.2.1"]),
        [
            "- www.spore.example CNAME blog.pages.dev",
            "+ www.spore.example A 192.0.2.1 (ttl 3600)",
        ]
    );
}

#[test]
fn a_cname_does_not_take_the_place_of_others() {
    let set = "! set www.spore.example CNAME blog.pages.dev: it cannot stand beside";
    for rules in [standard(), adopting()] {
        assert_eq!(
            lines(&rules, &["shop www.spore.example A 192.0.2.1"], &WWW),
            [format!(
                "{set} www.spore.example A, which belongs to site shop"
            )]
        );
        assert_eq!(
            lines(&rules, &["free www.spore.example TXT x"], &WWW),
            [format!(
                "{set} www.spore.example TXT, which carries no mark: delete that one by hand"
            )]
        );
    }
    let there = ["shop www.spore.example CNAME a.example"];
    assert_eq!(
        lines(&standard(), &there, &["www.spore.example TXT x"]),
        [
            "! set www.spore.example TXT \"x\": it cannot stand beside www.spore.example CNAME, which \
         belongs to site shop"
        ]
    );
}

#[test]
fn nothing_goes_to_make_room_for_what_cannot_come() {
    let there = [
        "ours www.spore.example A 192.0.2.1",
        "shop www.spore.example TXT x",
    ];
    assert_eq!(
        lines(&standard(), &there, &WWW),
        [
            "! set www.spore.example CNAME blog.pages.dev: it cannot stand beside www.spore.example \
         TXT, which belongs to site shop",
            "? delete www.spore.example A 192.0.2.1: what would take its place is withheld",
        ]
    );
    // What is not in its way goes as ever.
    let there = [
        "ours www.spore.example A 192.0.2.1",
        "shop www.spore.example TXT x",
    ];
    assert_eq!(
        lines(&standard(), &there, &["www.spore.example TXT y"]),
        [
            "- www.spore.example A 192.0.2.1",
            "! set www.spore.example TXT \"y\": it belongs to site shop",
        ]
    );
    // What stays is in the way of others in turn.
    let there = [
        "ours www.spore.example CNAME a.example",
        "other www.spore.example TXT",
    ];
    let asked = ["www.spore.example A 192.0.2.1", "www.spore.example TXT y"];
    assert_eq!(
        lines(&cloudflare(), &there, &asked),
        [
            "- www.spore.example CNAME a.example",
            "+ www.spore.example A 192.0.2.1",
            "! set www.spore.example TXT \"y\": there is one with data that this version cannot read",
        ]
    );
    assert_eq!(
        lines(&standard(), &there, &asked),
        [
            "! set www.spore.example A 192.0.2.1: it cannot stand beside www.spore.example CNAME, which \
         stays: what would take its place is withheld",
            "! set www.spore.example TXT \"y\": there is one with data that this version cannot read",
            "? delete www.spore.example CNAME a.example: what would take its place is withheld",
        ]
    );
    let mut keeping = standard();
    keeping.delete_policy = DnsDeletePolicy::Keep;
    assert_eq!(
        lines(&keeping, &["ours www.spore.example A 192.0.2.1"], &WWW),
        [
            "! set www.spore.example CNAME blog.pages.dev: it cannot stand beside www.spore.example A, \
         which stays: dns.deletePolicy is keep",
            "? delete www.spore.example A 192.0.2.1: dns.deletePolicy is keep",
        ]
    );
}

#[test]
fn at_cloudflare_a_cname_stands_beside_mail() {
    let there = [
        "shop www.spore.example MX 10 mail.example",
        "other www.spore.example HTTPS",
    ];
    assert_eq!(
        lines(&cloudflare(), &there, &WWW),
        ["+ www.spore.example CNAME blog.pages.dev"]
    );
    assert_eq!(
        lines(&standard(), &there[1..], &WWW),
        [
            "! set www.spore.example CNAME blog.pages.dev: there is a record of type HTTPS of this \
         name, beside which no CNAME can stand"
        ]
    );
}

#[test]
fn the_name_servers_of_a_zone_are_never_touched() {
    let there = [
        "ours spore.example NS ns1.example",
        "ours below.spore.example NS ns1.example",
    ];
    assert_eq!(
        lines(&standard(), &there, &[]),
        ["- below.spore.example NS ns1.example"]
    );
    for rules in [standard(), adopting(), cloudflare()] {
        assert_eq!(
            lines(&rules, &there[..1], &["@ NS ns2.example"]),
            [
                "! set spore.example NS ns2.example: the name servers of the zone itself are the \
             provider's to keep"
            ]
        );
    }
    assert_eq!(
        lines(&cloudflare(), &there[..1], &["@ CNAME blog.pages.dev"]),
        ["+ spore.example CNAME blog.pages.dev"]
    );
    assert_eq!(
        lines(&standard(), &there[..1], &["@ CNAME blog.pages.dev"]),
        [
            "! set spore.example CNAME blog.pages.dev: the zone's own name cannot be a CNAME at this \
         provider: give its addresses as records of type a and aaaa"
        ]
    );
}

#[test]
fn names_of_certificates_come_and_go_by_themselves() {
    let there = ["ours _acme-challenge.www.spore.example TXT token @60"];
    assert_eq!(lines(&standard(), &there, &[]), NOTHING);
    let asked = ["_acme-challenge.www.spore.example TXT mine"];
    assert_eq!(
        lines(&standard(), &there, &asked),
        ["~ _acme-challenge.www.spore.example TXT \"token\" -> \"mine\" (ttl 60)"]
    );
}

#[test]
fn what_a_provider_has_not_is_told() {
    assert_eq!(
        lines(&standard(), &[], &["a.spore.example A 192.0.2.1 proxied"]),
        ["! set a.spore.example A 192.0.2.1: this provider has no proxy"]
    );
    assert_eq!(
        lines(&standard(), &[], &["a.spore.example A 192.0.2.1 @auto"]),
        ["! set a.spore.example A 192.0.2.1: this provider has no automatic ttl"]
    );
}

#[test]
fn names_lead_to_the_hosting_project() {
    let asked = ["www.spore.example CNAME HOSTING"];
    let there = ["ours www.spore.example CNAME blog.pages.dev @auto"];
    // Before the project is there, nobody knows its address.
    assert_eq!(
        lines(&cloudflare(), &there, &asked),
        ["~ www.spore.example CNAME blog.pages.dev -> (the address of the hosting project)"]
    );
    let mut known = cloudflare();
    known.target = Some(name("blog.pages.dev"));
    assert_eq!(lines(&known, &there, &asked), NOTHING);
    assert_eq!(
        lines(&known, &[], &asked),
        ["+ www.spore.example CNAME blog.pages.dev"]
    );
    known.target = Some(name("blog-x1.pages.dev"));
    assert_eq!(
        lines(
            &known,
            &["ours www.spore.example CNAME blog.pages.dev @60"],
            &asked
        ),
        ["~ www.spore.example CNAME blog.pages.dev -> blog-x1.pages.dev (ttl 60)"]
    );
}

#[test]
fn what_the_message_declares_itself_goes_before_the_hosting_project() {
    let told =
        "? set www.spore.example CNAME (the address of the hosting project): the message declares";
    for (declared, key) in [
        ("www.spore.example A 192.0.2.1", "www.spore.example A"),
        (
            "www.spore.example CNAME a.example",
            "www.spore.example CNAME",
        ),
    ] {
        let asked = ["www.spore.example CNAME HOSTING", declared];
        let lines = lines(&cloudflare(), &[], &asked);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], format!("+ {declared}"));
        assert_eq!(lines[1], format!("{told} {key} itself"));
    }
    // So it does where it contradicts itself in other types, and leads there in one way.
    let asked = [
        "spore.example TXT x",
        "@ TXT y @60",
        "@ CNAME HOSTING",
        "spore.example CNAME HOSTING",
    ];
    let lines = |asked: &[&str]| lines(&cloudflare(), &[], asked);
    assert_eq!(
        lines(&asked)[0],
        "+ spore.example CNAME (the address of the hosting project)"
    );
    assert_eq!(lines(&asked).len(), 2);
    let twice = [
        "@ CNAME HOSTING",
        "@ CNAME HOSTING proxied",
        "@ CNAME HOSTING",
    ];
    assert_eq!(
        lines(&twice),
        ["! set spore.example CNAME: the message declares it twice, in ways that do not agree"]
    );
    // What can stand beside it does.
    let asked = ["www.spore.example CNAME HOSTING", "www.spore.example TXT x"];
    assert_eq!(lines(&asked).len(), 2);
    assert!(lines(&asked).iter().all(|line| line.starts_with('+')));
}
