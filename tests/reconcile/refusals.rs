//! What the operator does not accept and what this version cannot do: told by field, and nothing is changed.

use crate::common::{Config, files, page};
use crate::daemon::{Daemon, faults, outcome, outcomes, reasons};
use mycelia_spore::model::{DnsProvider, HostingProvider, Registrar, TlsMode};
use mycelia_spore::plan::Patterns;
use mycelia_spore::schema::spore_capnp::hosting;

fn patterns(pattern: &str) -> Patterns {
    Patterns::new(vec![pattern.into()])
}

#[test]
fn what_the_policy_does_not_accept_is_named_at_once() {
    let mut daemon = Daemon::new();
    daemon.policy.sites = patterns("team-*");
    daemon.policy.domains = patterns("*.team.example");
    daemon.policy.providers = Some(vec![HostingProvider::S3Static]);
    let report = daemon.send(page("links", |config| {
        let mut domains = config.init_domains();
        domains.set_primary("links.example");
        let mut aliases = domains.init_aliases(3);
        aliases.set(0, "a.team.example");
        aliases.set(1, "team.example");
        aliases.set(2, "b.team.example");
    }));
    assert_eq!(outcome(&report), "refused");
    let expected = [
        ("policy-site", "site.id"),
        ("policy-provider", "hosting.provider"),
        ("policy-domain", "domains.primary"),
        ("policy-domain", "domains.aliases[1]"),
    ];
    assert_eq!(faults(&report), expected);
    assert!(daemon.published().is_empty());
    assert_eq!(daemon.record("links"), None);
}

#[test]
fn what_the_policy_accepts_is_done() {
    let mut daemon = Daemon::new();
    daemon.policy.sites = patterns("team-*");
    daemon.policy.domains = patterns("*.team.example");
    daemon.policy.providers = Some(vec![HostingProvider::LocalStatic]);
    let report = daemon.send(page("team-links", |config| {
        config.init_domains().set_primary("links.team.example");
    }));
    assert_eq!(outcome(&report), "applied");
}

#[test]
fn a_stricter_policy_holds_for_what_is_there_already() {
    let mut daemon = Daemon::new();
    daemon.send(page("links", |_| ()));
    let before = daemon.published();
    daemon.policy.sites = patterns("team-*");
    let report = daemon.send(page("links", |_| ()));
    assert_eq!(outcome(&report), "refused");
    assert_eq!(daemon.published(), before);
}

fn hosted(config: Config<'_>, provider: HostingProvider) -> hosting::Builder<'_> {
    let mut hosting = config.init_hosting();
    hosting.set_provider(provider);
    hosting
}

/// A field, and the edit that asks there for what cannot be done.
type Case = (&'static str, fn(Config<'_>));

#[test]
fn what_cannot_be_done_is_refused_by_field() {
    let cases: [Case; 7] = [
        ("hosting.provider", |config| {
            hosted(config, HostingProvider::S3Static)
                .init_s3_static()
                .set_bucket("links");
        }),
        ("hosting.provider", |config| {
            let hosting = hosted(config, HostingProvider::CriomosHost);
            hosting.init_criomos_host().init_targets(1).set(0, "local");
        }),
        ("hosting.localStatic.root", |config| {
            let hosting = hosted(config, HostingProvider::LocalStatic);
            hosting.init_local_static().set_root("/srv/www");
        }),
        ("domains.tls", |config| {
            let mut domains = config.init_domains();
            domains.set_primary("links.example");
            domains.set_tls(TlsMode::Acme);
        }),
        ("dns.provider", |config| {
            let mut dns = config.init_dns();
            dns.set_provider(DnsProvider::Powerdns);
            let mut record = dns.init_records(1).get(0);
            record.set_name("www.links.example");
            record.set_value("192.0.2.10");
        }),
        ("dns.provider", |config| {
            let mut dns = config.init_dns();
            dns.set_provider(DnsProvider::Route53);
            let mut record = dns.init_records(1).get(0);
            record.set_name("www.links.example");
            record.set_value("192.0.2.10");
        }),
        ("purchase", |config| {
            let mut purchase = config.init_purchase();
            purchase.set_provider(Registrar::Gandi);
            purchase.set_domain("links.example");
        }),
    ];
    let daemon = Daemon::new();
    for (path, edit) in cases {
        let report = daemon.send(page("links", edit));
        assert_eq!(outcome(&report), "refused", "{path}");
        assert_eq!(faults(&report), [("unsupported", path)]);
        assert!(report["error"]["hint"].is_string(), "{path}");
        assert!(daemon.published().is_empty(), "{path}");
        assert_eq!(daemon.record("links"), None, "{path}");
    }
}

#[test]
fn a_refusal_leaves_the_site_that_is_there() {
    let daemon = Daemon::new();
    daemon.send(page("links", |_| ()));
    let before = daemon.published();
    let report = daemon.send(page("links", |mut config| {
        config.reborrow().get_site().unwrap().set_title("Other");
        config.init_purchase().set_domain("links.example");
    }));
    assert_eq!(outcome(&report), "refused");
    assert_eq!(daemon.published(), before);
    // Afterwards the message of before finds all as it was.
    assert_eq!(outcome(&daemon.send(page("links", |_| ()))), "unchanged");
}

#[test]
fn files_outside_the_allowed_directories_are_refused() {
    let daemon = Daemon::new();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("index.html"), "secret").unwrap();
    let report = daemon.send(files("blog", outside.path(), |_| ()));
    assert_eq!(outcome(&report), "refused");
    assert_eq!(faults(&report)[0].0, "forbidden");
    assert!(daemon.published().is_empty());
}

#[test]
fn a_name_goes_to_one_site_alone() {
    let daemon = Daemon::new();
    let at = |id: &str| {
        page(id, |config| {
            config.init_domains().set_primary("shared.example");
        })
    };
    // At the same time, and one after another.
    let run = daemon.run(&[at("one"), at("two")]);
    let applied = |run: &[&str]| run.iter().filter(|it| **it == "applied").count();
    assert_eq!(applied(&outcomes(&run.reports)), 1);
    assert_eq!(run.summary.failures, 1);
    let winner = if daemon.live("one").is_some() {
        "one"
    } else {
        "two"
    };
    let loser = if winner == "one" { "two" } else { "one" };
    assert!(daemon.live(loser).is_none());
    let report = daemon.send(at(loser));
    assert_eq!(outcome(&report), "refused");
    assert!(reasons(&report)[0].contains(&format!("site {winner}")));
    assert_eq!(report.get("release"), None);
    assert_eq!(outcome(&daemon.send(at(winner))), "unchanged");
}

#[test]
fn a_project_goes_to_one_site_alone() {
    let daemon = Daemon::new();
    let in_shared = |id: &str| {
        page(id, |config| {
            config.get_hosting().unwrap().set_project_name("shared");
        })
    };
    let run = daemon.run(&[in_shared("one"), in_shared("two")]);
    assert_eq!(run.summary.failures, 1);
    assert_eq!(run.summary.outcomes["applied"], 1);
    let owner = daemon.live("shared").unwrap().site;
    let loser = if owner == "one" { "two" } else { "one" };
    let before = daemon.published();
    let report = daemon.send(in_shared(loser));
    assert_eq!(outcome(&report), "refused");
    assert!(reasons(&report)[0].contains(&format!("site {owner}")));
    assert_eq!(daemon.published(), before);
}
