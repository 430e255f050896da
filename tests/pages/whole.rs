//! Whole messages, with every trouble at every call: project, files, names, records, waiting.

use crate::cloudflare::{DomainClock, Fake, Fault, Trouble};
use crate::common::block_on;
use crate::reach::{IMPATIENT, reached_within};
use mycelia_spore::build::Builds;
use mycelia_spore::dns::DnsBackends;
use mycelia_spore::dns::cloudflare::CloudflareDns;
use mycelia_spore::encode;
use mycelia_spore::hosting::Backends;
use mycelia_spore::hosting::cloudflare_pages::{CloudflarePages, PagesOptions};
use mycelia_spore::hosting::local_static::LocalStatic;
use mycelia_spore::plan::Policy;
use mycelia_spore::reconcile::{Mode, Reconciler};
use mycelia_spore::report::{Outcome, Report};
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
            builds: Builds::default(),
            store: Store::open(&folder.path().join("state")).unwrap(),
            policy: Policy::default(),
            mode: Mode::Apply,
            jobs: 1,
            only: None,
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
