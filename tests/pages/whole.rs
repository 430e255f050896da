//! Whole messages, with every trouble at every call: project, files, names, records, waiting.

use crate::cloudflare::{DomainClock, Fake, Fault, Trouble};
use crate::common::block_on;
use crate::reach::{IMPATIENT, reached_within};
use mycelia_spore::build::{Builds, BuildsSettings};
use mycelia_spore::dns::DnsBackends;
use mycelia_spore::dns::cloudflare::CloudflareDns;
use mycelia_spore::edge::secret::Credentials;
use mycelia_spore::encode;
use mycelia_spore::hosting::Backends;
use mycelia_spore::hosting::cloudflare_pages::{CloudflarePages, PagesOptions};
use mycelia_spore::hosting::local_static::LocalStatic;
use mycelia_spore::plan::{Patterns, Policy};
use mycelia_spore::reconcile::{Events, Mode, Reconciler};
use mycelia_spore::report::{Outcome, Report};
use mycelia_spore::source::SourcesSettings;
use mycelia_spore::store::Store;
use mycelia_spore::stream::{Frames, Spore};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A daemon's reconciler and the fake it works with.
struct Farm {
    fake: Fake,
    reconciler: Reconciler,
    _folder: TempDir,
}

impl Farm {
    fn new() -> Self {
        Self::with(Policy::default())
    }

    fn with(policy: Policy) -> Self {
        let fake = Fake::with(|world| world.settings.domains = DomainClock::AtOnce);
        fake.add_zone("spore.example");
        let folder = tempfile::tempdir().unwrap();
        let cloudflare = reached_within(&fake, &folder, IMPATIENT);
        let reconciler = Reconciler {
            backends: Backends {
                local_static: LocalStatic::new(folder.path().join("local")),
                cloudflare_pages: CloudflarePages::new(cloudflare.clone(), PagesOptions::default()),
            },
            dns: DnsBackends {
                cloudflare: CloudflareDns::new(cloudflare),
            },
            builds: Builds::new(
                BuildsSettings {
                    roots: Vec::new(),
                    ..BuildsSettings::new(folder.path().join("builds"))
                },
                SourcesSettings::new(folder.path().join("sources-cache")),
                Credentials::default(),
                None,
            ),
            store: Store::open(&folder.path().join("state")).unwrap(),
            policy,
            mode: Mode::Apply,
            events: Events::default(),
        };
        Self {
            fake,
            reconciler,
            _folder: folder,
        }
    }

    async fn send(&self, message: &Value) -> Report {
        let document = encode::yaml(&message.to_string()).unwrap().remove(0);
        let bytes = encode::to_message(&document).unwrap();
        let frame = Frames::new(&bytes[..]).next().unwrap().unwrap();
        self.reconciler.reconcile(&Spore::decode(&frame)).await
    }

    /// Names, types and contents of the zone's records.
    fn records(&self) -> Vec<(String, String, String)> {
        let state = self.fake.state();
        let records = state.records("spore.example").iter();
        let mut records: Vec<_> = records
            .map(|it| (it.name.clone(), it.kind.clone(), it.content.clone()))
            .collect();
        records.sort();
        records
    }
}

fn links(names: &[&str], records: &Value) -> Value {
    json!({
        "schemaVersion": 1,
        "site": { "id": "links", "treelink": { "entries": [
            { "link": { "title": "Notes", "url": "https://notes.example/" } },
        ] } },
        "domains": { "primary": names[0], "aliases": names[1..] },
        "hosting": { "provider": "cloudflarePages" },
        "dns": { "provider": "cloudflare", "records": records },
    })
}

fn troubles() -> [(&'static str, Fault); 8] {
    [
        ("throttled", Fault::throttled(Some(0))),
        ("an error", Fault::error(500, 1, "internal error")),
        ("a gateway's page", Fault::page(502)),
        ("nonsense", Fault::nonsense()),
        ("a reset", Fault::new(Trouble::Reset)),
        ("half an answer", Fault::new(Trouble::Truncated)),
        ("silence", Fault::new(Trouble::SlowAnswer(IMPATIENT * 2))),
        ("done, then lost", Fault::new(Trouble::DoneThenLost)),
    ]
}

/// Sends `before` untroubled and then `message` with each trouble at each call, again when it failed; checks
/// that the records are those expected and that the report told the truth.
fn everywhere(before: Option<&Value>, message: &Value, expected: &[(&str, &str, &str)]) {
    let start = async || {
        let farm = Farm::new();
        if let Some(before) = before {
            assert!(farm.send(before).await.converged());
        }
        farm.fake.clear_calls();
        farm
    };
    block_on(async {
        let clean = start().await;
        let report = clean.send(message).await;
        assert!(report.converged(), "{:?} {:?}", report.faults, report.steps);
        let calls = clean.fake.calls();
        for number in 1..=calls.len() {
            for (what, trouble) in troubles() {
                let farm = start().await;
                let fault = trouble.nth(u32::try_from(number).unwrap());
                let fault = farm.fake.fault(fault);
                let at = format!("{what} at call {number}: {}", calls[number - 1]);
                let first = farm.send(message).await;
                assert_eq!(farm.fake.struck(fault), 1, "{at}");
                if !first.converged() {
                    assert_eq!(first.outcome, Outcome::Failed, "{at}: {:?}", first.faults);
                    let again = farm.send(message).await;
                    assert!(again.converged(), "{at}: {:?}", again.faults);
                }
                let found = farm.records();
                let found: Vec<_> = found
                    .iter()
                    .map(|(name, kind, content)| (&**name, &**kind, &**content))
                    .collect();
                assert_eq!(found, expected, "{at}");
                let last = farm.send(message).await;
                let told = (last.outcome, &last.steps);
                let rest = matches!(last.outcome, Outcome::Unchanged | Outcome::Absent);
                assert!(rest && last.steps.is_empty(), "{at}: {told:?}");
                let projects: Vec<usize> = {
                    let state = farm.fake.state();
                    state.projects().map(|it| it.deployments.len()).collect()
                };
                assert!(
                    projects.iter().all(|count| *count == 1),
                    "{at}: {projects:?}"
                );
                assert_eq!(farm.fake.violations(), Vec::<String>::new(), "{at}");
            }
        }
    });
}

#[test]
fn a_first_message() {
    let message = links(
        &["spore.example", "www.spore.example"],
        &json!([{ "name": "@", "type": "txt", "value": "v=spf1 -all" }]),
    );
    let expected = [
        ("spore.example", "CNAME", "links.pages.dev"),
        ("spore.example", "TXT", "\"v=spf1 -all\""),
        ("www.spore.example", "CNAME", "links.pages.dev"),
    ];
    everywhere(None, &message, &expected);
}

#[test]
fn a_message_with_other_names_and_records() {
    let before = links(
        &["spore.example", "www.spore.example"],
        &json!([
            { "name": "@", "type": "txt", "value": "v=spf1 -all" },
            { "name": "a.spore.example", "type": "a", "value": "192.0.2.1" },
            { "name": "a.spore.example", "type": "a", "value": "192.0.2.2" },
        ]),
    );
    let message = links(
        &["spore.example", "new.spore.example"],
        &json!([
            { "name": "@", "type": "txt", "value": "v=spf1 mx -all" },
            { "name": "a.spore.example", "type": "cname", "value": "b.example" },
        ]),
    );
    let expected = [
        ("a.spore.example", "CNAME", "b.example"),
        ("new.spore.example", "CNAME", "links.pages.dev"),
        ("spore.example", "CNAME", "links.pages.dev"),
        ("spore.example", "TXT", "\"v=spf1 mx -all\""),
    ];
    everywhere(Some(&before), &message, &expected);
}

#[test]
fn a_last_message() {
    let before = links(&["spore.example"], &json!([]));
    let message = json!({
        "schemaVersion": 1,
        "site": { "id": "links" },
        "hosting": { "provider": "cloudflarePages" },
        "lifecycle": { "ensure": "absent" },
    });
    everywhere(Some(&before), &message, &[]);
}

/// The same page published on this machine.
fn here(message: &Value) -> Value {
    let mut message = message.clone();
    message["hosting"] = json!({ "provider": "localStatic" });
    message
}

#[test]
fn records_of_a_site_on_this_machine_are_kept_as_well() {
    block_on(async {
        let farm = Farm::new();
        let records = json!([{ "name": "spore.example", "type": "a", "value": "192.0.2.1" }]);
        let message = here(&links(&["spore.example"], &records));
        let report = farm.send(&message).await;
        assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.faults);
        let expected = ("spore.example", "A", "192.0.2.1");
        let expected = [(expected.0.into(), expected.1.into(), expected.2.into())];
        assert_eq!(farm.records(), expected);
        // Somebody deletes it; the same message puts it right.
        for zone in farm.fake.state().zones.values_mut() {
            zone.records.clear();
        }
        let report = farm.send(&message).await;
        assert_eq!(report.outcome, Outcome::Applied);
        let verbs: Vec<_> = report
            .steps
            .iter()
            .map(|step| step.action.as_str())
            .collect();
        assert_eq!(verbs, ["records"]);
        assert_eq!(farm.records(), expected);
        assert_eq!(farm.send(&message).await.outcome, Outcome::Unchanged);
    });
}

#[test]
fn a_site_that_moves_to_another_provider_says_where_it_still_is() {
    block_on(async {
        let farm = Farm::new();
        let message = links(&["spore.example"], &json!([]));
        let before = here(&message);
        assert!(farm.send(&before).await.converged());
        let report = farm.send(&message).await;
        assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.faults);
        let [left] = &report.withheld[..] else {
            panic!("{:?}", report.withheld)
        };
        assert_eq!(left.action, "remove links at localStatic");
        let report = farm.send(&message).await;
        assert_eq!(report.outcome, Outcome::Unchanged);
        assert!(report.withheld.is_empty());
        // Taken down there, it stays where it is now.
        let mut gone = before;
        gone["lifecycle"] = json!({ "ensure": "absent" });
        let records = farm.records();
        assert_eq!(farm.send(&gone).await.outcome, Outcome::Absent);
        assert_eq!(farm.records(), records);
        assert!(farm.fake.project("links").live().is_some());
        assert!(farm.send(&message).await.converged());
    });
}

#[test]
fn going_back_in_the_dashboard_holds_until_the_files_change() {
    block_on(async {
        let farm = Farm::new();
        let message = |title: &str| {
            let mut message = links(&["spore.example"], &json!([]));
            message["site"]["title"] = title.into();
            message
        };
        assert!(farm.send(&message("One")).await.converged());
        assert!(farm.send(&message("Two")).await.converged());
        let account = farm.fake.account().to_owned();
        let first = {
            let mut state = farm.fake.state();
            let project = state.project(&account, "links").ok().unwrap();
            project.canonical = Some(project.deployments[0].id.clone());
            project.canonical.clone()
        };
        let live = || farm.fake.project("links").canonical;
        let report = farm.send(&message("Two")).await;
        assert_eq!(report.outcome, Outcome::Unchanged, "{:?}", report.steps);
        assert!(report.withheld[0].reason.contains("rolled back"));
        assert_eq!(live(), first);
        assert!(farm.send(&message("Three")).await.converged());
        assert_ne!(live(), first);
    });
}

#[test]
fn records_of_names_that_are_not_accepted_are_refused_before_anything_is_changed() {
    block_on(async {
        let farm = Farm::with(Policy {
            domains: Patterns::new(vec!["*.spore.example".into()]),
            ..Policy::default()
        });
        let zone = farm.fake.state().zones.keys().next().unwrap().clone();
        let mut by_id = links(
            &["www.spore.example"],
            &json!([{ "name": "@", "type": "txt", "value": "x" }]),
        );
        by_id["dns"]["zoneId"] = zone.into();
        let by_name = |name: &str| {
            let records = json!([{ "name": name, "type": "txt", "value": "x" }]);
            links(&["www.spore.example"], &records)
        };
        for message in [
            by_id,
            by_name("other.example"),
            by_name("*.other.example"),
            by_name("spore.example"),
        ] {
            let report = farm.send(&message).await;
            assert_eq!(report.outcome, Outcome::Refused, "{message}");
            assert_eq!(report.faults[0].code, "policy-domain");
            assert_eq!(report.faults[0].path, "dns.records");
        }
        assert_eq!(farm.fake.changes(), Vec::<String>::new());
        let report = farm.send(&by_name("_dmarc.www.spore.example")).await;
        assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.faults);
    });
}

#[test]
fn one_bad_record_does_not_keep_back_the_others() {
    block_on(async {
        let farm = Farm::new();
        let records: Vec<Value> = (0..130)
            .map(|number| {
                let name = format!("h{number}.spore.example");
                json!({ "name": name, "type": "a", "value": "192.0.2.1" })
            })
            .collect();
        let message = links(&["spore.example"], &records.into());
        // The first batch is refused whole, and then one of its names by itself.
        let batch = "/zones/*/dns_records/batch";
        let refusal = || Fault::error(400, 9005, "Content for A record is invalid.");
        farm.fake.fault(refusal().on("POST", batch).nth(1));
        farm.fake.fault(refusal().on("POST", batch).nth(5));
        let report = farm.send(&message).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(
            report.faults[0].message.contains("9005"),
            "{:?}",
            report.faults
        );
        assert!(
            report.faults[0].message.contains("records of h"),
            "{:?}",
            report.faults
        );
        assert_eq!(farm.records().len(), 130, "all but the bad one");
        let report = farm.send(&message).await;
        assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.faults);
        assert_eq!(farm.records().len(), 131);
    });
}
