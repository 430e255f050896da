//! The real command against the fake, as a person uses it.

use crate::cloudflare::{DomainClock, Fake, Fault, Trouble};
use insta::assert_snapshot;
use mycelia_spore::encode;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const SECRET: &str = "mushroom-5ecret";

/// A folder with sources, state and settings, and a fake with a zone.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) fake: Fake,
}

struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let fake = Fake::with(|world| world.settings.domains = DomainClock::AfterGets(1));
        fake.add_zone("spore.example");
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, fake };
        world.write("sites/notes/index.html", "<h1>notes");
        world.write("sites/notes/a/style.css", "p{}");
        world.write("key", SECRET);
        fs::set_permissions(world.path("key"), Permissions::from_mode(0o600)).unwrap();
        let settings = format!(
            "[sources]\nroots = [{:?}]\n[credentials.notes-key]\nfile = {:?}\n",
            world.path("sites"),
            world.path("key")
        );
        world.write("settings.toml", settings);
        world
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The message of the manual.
    pub(crate) fn notes(&self) -> Value {
        json!({
            "schemaVersion": 1,
            "site": { "id": "notes", "title": "Field notes", "kind": "blog" },
            "repo": { "provider": "directory", "path": self.path("sites/notes") },
            "build": { "type": "staticPrebuilt" },
            "domains": { "primary": "spore.example", "aliases": ["www.spore.example"] },
            "hosting": {
                "provider": "cloudflarePages",
                "productionBranch": "main",
                "cloudflarePages": {
                    "compatibilityDate": "2026-11-01",
                    "environment": [
                        { "name": "STAGE", "value": "production" },
                        { "name": "API_KEY", "credential": "notes-key" },
                    ],
                },
            },
            "dns": {
                "provider": "cloudflare",
                "records": [{ "name": "spore.example", "type": "txt", "value": "v=spf1 -all" }],
            },
        })
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mycelia-spore"));
        command
            .args(arguments)
            .args(["--settings", &self.path("settings.toml")])
            .args(["--state-dir", &self.path("state")])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("CLOUDFLARE_API_TOKEN", self.fake.token())
            .env("CLOUDFLARE_ACCOUNT_ID", self.fake.account())
            .env("CLOUDFLARE_API_BASE_URL", self.fake.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn spore(command: &mut Command, message: Option<&Value>) -> Said {
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        if let Some(message) = message {
            let document = encode::yaml(&message.to_string()).unwrap().remove(0);
            drop(input.write_all(&encode::to_message(&document).unwrap()));
        }
        drop(input);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// The report of a message.
    fn send(&self, message: &Value) -> Value {
        let said = Self::spore(&mut self.command(&["run", "--output=json"]), Some(message));
        serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{}", said.stderr))
    }

    /// What a person reads, without what differs from run to run.
    fn told(&self, arguments: &[&str], message: Option<&Value>) -> String {
        let said = Self::spore(&mut self.command(arguments), message);
        let text = format!("{}{}", said.stdout, said.stderr);
        let lines = text.lines().map(|line| match line.rsplit_once("  ") {
            Some((line, time)) if time.ends_with(" ms") => line,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The records of the zone: name, type, content, proxied and whose.
    fn records(&self) -> Vec<String> {
        let state = self.fake.state();
        let records = state.records("spore.example").iter().map(|record| {
            let proxied = if record.proxied { " proxied" } else { "" };
            let comment = record.comment.as_deref().unwrap_or_default();
            let (name, kind, content) = (&record.name, &record.kind, &record.content);
            format!("{name} {kind} {content}{proxied} ({comment})")
        });
        let mut records: Vec<String> = records.collect();
        records.sort();
        records
    }
}

fn outcome(report: &Value) -> (&str, Vec<&str>) {
    let steps = report["steps"].as_array().unwrap().iter();
    let steps = steps.map(|step| step["action"].as_str().unwrap());
    (report["outcome"].as_str().unwrap(), steps.collect())
}

#[test]
fn a_site_from_its_first_message_to_its_last() {
    let world = World::new();
    let message = world.notes();
    assert_snapshot!(world.told(&["plan", "-o", "text"], Some(&message)), @r#"
    ~ notes planned  https://spore.example/
        + create cloudflare-pages/notes
            + deployment_configs.preview.compatibility_date = "2026-11-01"
            + deployment_configs.production.compatibility_date = "2026-11-01"
            + deployment_configs.production.env_vars.API_KEY = (secret)
            + deployment_configs.production.env_vars.STAGE = "production"
            + production_branch = "main"
        + publish cloudflare-pages/notes (2 files, 12 B, at spore.example, www.spore.example)
        ~ set-names cloudflare-pages/notes (spore.example, www.spore.example)
        ~ records cloudflare/spore.example
            + spore.example CNAME (the address of the hosting project) (proxied)
            + spore.example TXT "v=spf1 -all"
            + www.spore.example CNAME (the address of the hosting project) (proxied)
        then await cloudflare-pages/notes (until visitors can use spore.example, www.spore.example)
    1 message: 2 to add, 2 to change, 0 to remove; nothing was changed
    "#);
    assert_eq!(
        world.fake.changes(),
        Vec::<String>::new(),
        "a plan changes nothing"
    );
    let report = world.send(&message);
    let steps = ["create", "publish", "set-names", "records", "await"];
    assert_eq!(outcome(&report), ("applied", steps.to_vec()), "{report:#}");
    assert_eq!(report["urls"][0], "https://spore.example/");
    let project = world.fake.project("notes");
    assert_eq!(project.env_var("production", "API_KEY"), Some(SECRET));
    assert_eq!(project.env_var("production", "STAGE"), Some("production"));
    assert!(
        project
            .domains
            .iter()
            .all(|domain| domain.status == "active")
    );
    assert_snapshot!(world.records().join("\n"), @r#"
    spore.example CNAME notes.pages.dev proxied (mycelia-spore site=notes)
    spore.example TXT "v=spf1 -all" (mycelia-spore site=notes)
    www.spore.example CNAME notes.pages.dev proxied (mycelia-spore site=notes)
    "#);
    // The same message again: one call for the project, one for the zones, one for the records.
    world.fake.clear_calls();
    let report = world.send(&message);
    assert_eq!(outcome(&report), ("unchanged", vec![]), "{report:#}");
    assert_eq!(world.fake.calls().len(), 3, "{:?}", world.fake.calls());
    // Less of everything.
    let mut less = message.clone();
    less["domains"].as_object_mut().unwrap().remove("aliases");
    less["dns"]["records"] = json!([]);
    less["hosting"]["cloudflarePages"]["environment"] = json!([]);
    assert_snapshot!(world.told(&["plan", "-o", "text"], Some(&less)), @r#"
    ~ notes planned  https://spore.example/
        ~ configure cloudflare-pages/notes
            - deployment_configs.production.env_vars.API_KEY
            - deployment_configs.production.env_vars.STAGE
        ~ set-names cloudflare-pages/notes (spore.example, www.spore.example -> spore.example)
        ~ records cloudflare/spore.example
            - spore.example TXT "v=spf1 -all"
            - www.spore.example CNAME notes.pages.dev (proxied)
    1 message: 0 to add, 3 to change, 0 to remove; nothing was changed
    "#);
    let report = world.send(&less);
    assert_eq!(
        outcome(&report),
        ("applied", vec!["configure", "set-names", "records"])
    );
    let project = world.fake.project("notes");
    assert_eq!(project.env_var("production", "API_KEY"), None);
    assert_eq!(project.domains.len(), 1);
    assert_snapshot!(world.records().join("\n"), @"spore.example CNAME notes.pages.dev proxied (mycelia-spore site=notes)");
    // Other files, and back.
    world.write("sites/notes/index.html", "<h1>more notes");
    assert_eq!(outcome(&world.send(&less)), ("applied", vec!["publish"]));
    let rolled = world.told(&["rollback", "notes", "-o", "text"], None);
    assert!(rolled.starts_with("+ notes applied"), "{rolled}");
    let content = |world: &World| {
        let project = world.fake.project("notes");
        let live = project.live().unwrap();
        String::from_utf8(project.content(live, "/index.html").unwrap().to_vec()).unwrap()
    };
    assert_eq!(content(&world), "<h1>notes");
    let report = world.send(&less);
    assert_eq!(outcome(&report), ("unchanged", vec![]), "a rollback holds");
    assert_eq!(content(&world), "<h1>notes");
    // The end.
    let gone = json!({
        "schemaVersion": 1,
        "site": { "id": "notes" },
        "hosting": { "provider": "cloudflarePages" },
        "lifecycle": { "ensure": "absent" },
    });
    let report = world.send(&gone);
    assert_eq!(
        outcome(&report),
        ("absent", vec!["records", "remove"]),
        "{report:#}"
    );
    assert_eq!(world.records(), Vec::<String>::new());
    assert_eq!(world.fake.state().projects().count(), 0);
    assert_eq!(outcome(&world.send(&gone)), ("absent", vec![]));
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}

#[test]
fn what_is_missing_is_named_before_anything_is_changed() {
    let world = World::new();
    for (variable, value) in [
        ("CLOUDFLARE_API_TOKEN", None),
        ("CLOUDFLARE_ACCOUNT_ID", None),
        ("CLOUDFLARE_API_TOKEN", Some("")),
        ("CLOUDFLARE_ACCOUNT_ID", Some("not-an-id")),
    ] {
        let mut command = world.command(&["run", "--output=json"]);
        match value {
            None => command.env_remove(variable),
            Some(value) => command.env(variable, value),
        };
        let said = World::spore(&mut command, Some(&world.notes()));
        assert_eq!(said.code, Some(1), "{}", said.stderr);
        let report: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(report["error"]["code"], "unauthorised");
        let message = report["error"]["message"].as_str().unwrap();
        assert!(message.contains(variable), "{message}");
        assert_eq!(report["error"]["path"], "hosting.cloudflarePages.account");
    }
    let mut message = world.notes();
    message["hosting"]["cloudflarePages"]["environment"][1]["credential"] = json!("other-key");
    let report = world.send(&message);
    let told = report["error"]["message"].as_str().unwrap();
    assert!(told.contains("other-key"), "{told}");
    message["hosting"]["cloudflarePages"]["account"] = json!("farm");
    let report = world.send(&message);
    let hint = report["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("[cloudflare.accounts.farm]"), "{hint}");
    assert_eq!(world.fake.calls().len(), 0);
}

#[test]
fn a_token_that_is_not_accepted_is_told_with_what_it_needs() {
    let world = World::new();
    let mut command = world.command(&["run", "--output=text"]);
    command.env("CLOUDFLARE_API_TOKEN", "wrong-t0ken");
    let said = World::spore(&mut command, Some(&world.notes()));
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("[unauthorised]"), "{}", said.stdout);
    assert!(
        said.stdout.contains("Cloudflare Pages: Edit"),
        "{}",
        said.stdout
    );
    assert!(!said.stdout.contains("wrong-t0ken"));
}

#[test]
fn secrets_are_in_no_output_and_no_state() {
    let faults = [
        Fault::error(403, 10_000, "Authentication error"),
        Fault::page(500),
        Fault::nonsense(),
        Fault::new(Trouble::Reset),
        Fault::expired_jwt(),
    ];
    let count = faults.len();
    for fault in faults.into_iter().map(Some).chain([None]) {
        let world = World::new();
        let calls = if fault.is_some() { 1..=12 } else { 1..=1 };
        for nth in calls.step_by(count) {
            world.fake.clear_faults();
            if let Some(fault) = fault.clone() {
                world.fake.fault(fault.nth(nth));
            }
            let mut command = world.command(&["run", "--log=trace", "--output=json"]);
            let said = World::spore(&mut command, Some(&world.notes()));
            let state = fs::read(world.folder.path().join("state/state.db")).unwrap();
            let all = [
                said.stdout.as_bytes(),
                said.stderr.as_bytes(),
                state.as_slice(),
            ]
            .concat();
            assert!(said.stderr.len() > 1000, "the log tells everything");
            for secret in [SECRET, world.fake.token(), "eyJ"] {
                let found = all.windows(secret.len()).any(|it| it == secret.as_bytes());
                assert!(!found, "{secret} is in {}", said.stderr);
            }
        }
    }
}
