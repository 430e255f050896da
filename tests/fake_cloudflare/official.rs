//! The official client, wrangler, against the fake of the Cloudflare API: what the fake takes for right is
//! what the service's own client sends, and what it answers is understood.

use crate::cloudflare::{Deployment, Fake, Fault, Project};
use crate::tools::{on_path, skipped};
use serde_json::Value;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const UNCHECKED: &str = "the fake of the Cloudflare API by wrangler";

/// Bytes that are no text.
const BINARY: [u8; 6] = [0, 255, 7, 13, 10, 128];

/// The program, a fake and a folder for both.
struct World {
    program: PathBuf,
    fake: Fake,
    folder: TempDir,
}

impl World {
    /// `None`, and a word about it, where wrangler is not installed.
    fn new() -> Option<Self> {
        let modules = env::var_os("SPORE_NODE_MODULES").map(PathBuf::from);
        let program = modules.map(|modules| modules.join("wrangler/bin/wrangler.js"));
        let Some(program) = program.filter(|program| program.is_file()) else {
            skipped(
                "SPORE_NODE_MODULES names no folder with wrangler",
                UNCHECKED,
            );
            return None;
        };
        if !on_path("node", UNCHECKED) || !node_is_new_enough() {
            return None;
        }
        Some(Self {
            program,
            fake: Fake::start(),
            folder: TempDir::new().unwrap(),
        })
    }

    /// Runs wrangler and returns all that it wrote, whether it succeeded or not.
    fn run(&self, arguments: &[&str]) -> Output {
        let folder = self.folder.path();
        Command::new("node")
            .arg(&self.program)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap())
            .env("HOME", folder)
            .env("CI", "1")
            .env("NO_COLOR", "1")
            .env("WRANGLER_HIDE_BANNER", "true")
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_SEND_ERROR_REPORTS", "false")
            .env("CLOUDFLARE_API_BASE_URL", self.fake.url())
            .env("CLOUDFLARE_API_TOKEN", self.fake.token())
            .env("CLOUDFLARE_ACCOUNT_ID", self.fake.account())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs wrangler below `pages`, demands success and returns its standard output.
    fn pages(&self, arguments: &[&str]) -> String {
        self.fake.clear_calls();
        let output = self.run(&[&["pages"], arguments].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}{complaints}");
        assert_eq!(self.fake.violations(), [""; 0]);
        said
    }

    fn deploy(&self, branch: &str) -> String {
        let commit = ["--commit-hash", "5903e5", "--commit-message", "Spring"];
        let project = ["--project-name", "spores", "--branch", branch];
        self.pages(&[&["deploy", "site"], &project[..], &commit[..]].concat())
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join("site").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn write_site(&self) {
        self.write("index.html", "<!doctype html><title>Spores</title>");
        self.write("notes/Moss.tar.gz", BINARY);
        self.write("notes/LICENSE", "Free as spores.");
        self.write("notes/.hidden", "Still here.");
        self.write("style.css", "p { color: green }");
        self.write("_headers", "/*\n  x-spore: yes\n");
        self.write("_redirects", "/old /new 301\n");
    }

    fn project(&self) -> Project {
        self.fake.project("spores")
    }

    fn uploads(&self) -> usize {
        let calls = self.fake.calls();
        let uploads = calls
            .iter()
            .filter(|call| call.path == "/pages/assets/upload");
        uploads.count()
    }
}

/// Whether Node.js is one that wrangler runs on, which demands version 20 or later.
fn node_is_new_enough() -> bool {
    let output = Command::new("node").arg("--version").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    let major = version.trim_start_matches('v').split('.').next();
    let enough = major.is_some_and(|major| major.parse::<u32>().is_ok_and(|major| major >= 20));
    if !enough {
        let why = format!("Node.js is {} and not 20 or later", version.trim());
        skipped(&why, UNCHECKED);
    }
    enough
}

fn newest(project: &Project) -> &Deployment {
    project.deployments.last().unwrap()
}

#[test]
fn wrangler_deploys_to_the_fake() {
    let Some(world) = World::new() else { return };
    let create = ["project", "create", "spores", "--production-branch", "main"];
    let said = world.pages(&create);
    assert!(said.contains("spores.pages.dev"), "{said}");
    world.write_site();
    first_deployment(&world);
    second_deployment(&world);
    preview(&world);
    deployments_are_listed_and_deleted(&world);
    projects_are_listed(&world);
    world.pages(&["project", "delete", "spores", "--yes"]);
    assert!(!world.fake.state().projects().any(|it| it.name == "spores"));
}

fn first_deployment(world: &World) {
    let said = world.deploy("main");
    // It deals several files out to three requests.
    assert_eq!(world.uploads(), 3);
    let project = world.project();
    let live = project.live().unwrap();
    assert!(said.contains(live.short_id()), "{said}");
    assert_eq!(live.environment, "production");
    assert_eq!(live.trigger.branch, "main");
    assert_eq!(live.trigger.commit_hash, "5903e5");
    assert_eq!(live.trigger.commit_message, "Spring");
    let paths: Vec<&str> = live.manifest.keys().map(String::as_str).collect();
    let expected = [
        "/index.html",
        "/notes/.hidden",
        "/notes/LICENSE",
        "/notes/Moss.tar.gz",
        "/style.css",
    ];
    assert_eq!(paths, expected);
    let binary = project.content(live, "/notes/Moss.tar.gz");
    assert_eq!(binary, Some(&BINARY[..]));
    assert_eq!(live.parts["_headers"], "/*\n  x-spore: yes\n");
    assert_eq!(live.parts["_redirects"], "/old /new 301\n");
    let kept = project.assets.values().filter(|asset| asset.kept);
    assert_eq!(kept.count(), expected.len());
}

fn second_deployment(world: &World) {
    world.deploy("main");
    assert_eq!(world.uploads(), 0);
    let project = world.project();
    assert_eq!(project.deployments.len(), 2);
    assert_eq!(project.live().unwrap().id, newest(&project).id);
}

fn preview(world: &World) {
    world.write("index.html", "<!doctype html><title>More spores</title>");
    let said = world.deploy("wet/autumn");
    assert_eq!(world.uploads(), 1);
    let project = world.project();
    let preview = newest(&project);
    assert_eq!(preview.environment, "preview");
    assert_eq!(preview.aliases, ["https://wet-autumn.spores.pages.dev"]);
    assert!(
        said.contains("https://wet-autumn.spores.pages.dev"),
        "{said}"
    );
    assert_eq!(project.live().unwrap().id, project.deployments[1].id);
}

fn deployments_are_listed_and_deleted(world: &World) {
    let list = ["deployment", "list", "--project-name", "spores", "--json"];
    let said: Value = serde_json::from_str(&world.pages(&list)).unwrap();
    let branches = said.as_array().unwrap().iter().map(|it| &it["Branch"]);
    let branches: Vec<&Value> = branches.collect();
    assert_eq!(branches, ["wet/autumn", "main", "main"]);
    let first = world.project().deployments[0].id.clone();
    let delete = ["deployment", "delete", &first, "--project-name", "spores"];
    world.pages(&[&delete[..], &["--force"]].concat());
    let project = world.project();
    assert_eq!(project.deployments.len(), 2);
    assert!(project.deployment(&first).is_none());
}

fn projects_are_listed(world: &World) {
    {
        let (mut state, account) = (world.fake.state(), world.fake.account().to_owned());
        let project = state.project(&account, "spores").unwrap().clone();
        for n in 0..14 {
            let mut other = project.clone();
            other.name = format!("moss-{n}");
            let projects = &mut state.accounts.get_mut(&account).unwrap().projects;
            projects.insert(other.name.clone(), other);
        }
    }
    let said = world.pages(&["project", "list"]);
    assert!(
        said.contains("spores") && said.contains("moss-13"),
        "{said}"
    );
    assert_eq!(world.fake.calls().len(), 2);
}

/// What the fake refuses, the client tells in the fake's words: so its envelope is the service's.
#[test]
fn wrangler_understands_refusals() {
    let Some(world) = World::new() else { return };
    let refused = |args: &[&str]| {
        let output = world.run(&[&["pages"], args].concat());
        assert!(!output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said + &String::from_utf8_lossy(&output.stderr)
    };
    let said = refused(&["deployment", "list", "--project-name", "moss"]);
    assert!(
        said.contains("Project not found") && said.contains("8000007"),
        "{said}"
    );
    world.fake.fault(Fault::throttled(Some(1)));
    let said = refused(&["project", "list"]);
    assert!(said.contains("throttling"), "{said}");
}

/// An upload token that the service calls too old is fetched anew, and the upload goes on.
#[test]
fn wrangler_recovers_from_an_expired_token() {
    let Some(world) = World::new() else { return };
    world.pages(&["project", "create", "spores", "--production-branch", "main"]);
    world.write("index.html", "<!doctype html><title>Spores</title>");
    let refused = Fault::error(401, 8_000_013, "Authorization failed");
    let refused = world
        .fake
        .fault(refused.on("POST", "/pages/assets/upload").nth(1));
    world.deploy("main");
    assert_eq!(world.fake.struck(refused), 1);
    assert_eq!(world.uploads(), 2);
    let project = world.project();
    assert!(project.live().unwrap().manifest.contains_key("/index.html"));
}
