//! A repository at a host, the daemon's settings and state, and visitors.

use crate::fixture::{Fixture, digests};
use crate::packages;
use crate::server::Server;
use crate::tools::{on_path, skipped};
use crate::upstream::Upstream;
use mycelia_spore::encode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;
use walkdir::WalkDir;

/// What a website needs to be built, beyond bubblewrap.
#[derive(Clone, Copy)]
pub(crate) enum Needs {
    Hugo,
    /// Hugo and Nix.
    Nix,
    /// Node.js 22 and the package managers, and a few small packages.
    Node,
    /// The same, and hundreds of packages and some time.
    Patience,
}

/// Where packages come from.
#[derive(Clone, Copy)]
pub(crate) enum Registry {
    /// From the package managers' own registries.
    Real,
    /// From one on this machine that keeps what it fetched.
    Near,
}

/// A repository at a host, and the daemon that makes a website of it.
pub(crate) struct Farm {
    folder: TempDir,
    upstream: Upstream,
    _host: Server,
    pub(crate) registry: Option<Server>,
    /// Variables of the daemon's own.
    pub(crate) environment: Vec<(&'static str, &'static str)>,
}

/// `None`, said loudly, where the programs are not there.
pub(crate) fn farm(needs: Needs, registry: Registry, unchecked: &str) -> Option<Farm> {
    if !on_path("git", unchecked) || !sandboxed(unchecked) || !on_path("curl", unchecked) {
        return None;
    }
    if matches!(needs, Needs::Nix) && !on_path("nix", unchecked) {
        return None;
    }
    if matches!(needs, Needs::Hugo | Needs::Nix) {
        return on_path("hugo", unchecked).then(|| Farm::new(None, ""));
    }
    if matches!(needs, Needs::Patience) && env::var_os("SPORE_FAST").is_some() {
        skipped("SPORE_FAST is set", unchecked);
        return None;
    }
    let tools = node(unchecked)?;
    let registry = match registry {
        Registry::Real => None,
        Registry::Near => Some(packages::open()),
    };
    Some(Farm::new(registry, &tools))
}

/// Whether bubblewrap is there and may make a sandbox.
fn sandboxed(unchecked: &str) -> bool {
    if !on_path("bwrap", unchecked) {
        return false;
    }
    let tried = Command::new("bwrap")
        .args(["--unshare-all", "--ro-bind", "/", "/", "true"])
        .output()
        .unwrap();
    if !tried.status.success() {
        let told = String::from_utf8_lossy(&tried.stderr);
        skipped(
            &format!("bubblewrap makes no sandbox: {}", told.trim()),
            unchecked,
        );
    }
    tried.status.success()
}

/// The settings that name Node.js and the package managers.
fn node(unchecked: &str) -> Option<String> {
    let folder = |variable: &str, program: &str| {
        let folder = env::var_os(variable).map(PathBuf::from);
        let folder = folder.filter(|folder| folder.join("bin").join(program).is_file());
        if folder.is_none() {
            skipped(
                &format!("{variable} names no folder with bin/{program}"),
                unchecked,
            );
        }
        folder
    };
    let node = folder("SPORE_NODE22", "node")?;
    let managers = folder("SPORE_MANAGERS", "pnpm")?;
    let (node, managers) = (node.display(), managers.display());
    Some(format!("node = [\"{node}\"]\ntools = [\"{managers}\"]\n"))
}

impl Farm {
    fn new(registry: Option<Server>, tools: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = folder.path().join("host");
        let upstream = Upstream::new(&host, "o/site");
        let server = Server::open(&host);
        let mut settings = format!(
            "[sources]\ngithub = {:?}\nprotocols = [\"http\"]\n[builds]\n{tools}",
            server.address()
        );
        if let Some(registry) = &registry {
            writeln!(settings, "npm-registry = {:?}", registry.address()).unwrap();
        }
        fs::write(folder.path().join("settings.toml"), settings).unwrap();
        Self {
            folder,
            upstream,
            _host: server,
            registry,
            environment: Vec::new(),
        }
    }

    /// Adds lines to the settings.
    pub(crate) fn set(&self, lines: &str) {
        let path = self.folder.path().join("settings.toml");
        let settings = fs::read_to_string(&path).unwrap();
        fs::write(path, settings + lines).unwrap();
    }

    /// A folder for anything.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Pushes a project to the repository.
    pub(crate) fn push(&self, fixture: &Fixture) -> String {
        fixture.commit(&self.upstream, "main")
    }

    /// The real command.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mycelia-spore"));
        command
            .arg("--settings")
            .arg(self.folder.path().join("settings.toml"))
            .arg("--state-dir")
            .arg(self.folder.path().join("state"))
            .args(arguments)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap())
            // What no build may see.
            .env("CLOUDFLARE_API_TOKEN", "seen-by-nobody")
            .envs(self.environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn spore(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = self.command(arguments).spawn().unwrap();
        // One that reads no input may be gone already.
        drop(child.stdin.take().unwrap().write_all(input));
        child.wait_with_output().unwrap()
    }

    /// Sends a message and gives the report.
    pub(crate) fn send(&self, message: &Value) -> Value {
        let document = encode::yaml(&message.to_string()).unwrap().remove(0);
        let bytes = encode::to_message(&document).unwrap();
        let output = self.spore(&["run", "--output=json"], &bytes);
        let told = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"))
    }

    /// Sends a message that must be applied; the log is shown if it is not.
    pub(crate) fn apply(&self, message: &Value) {
        let report = self.send(message);
        assert_eq!(report["outcome"], "applied", "{report:#}\n{}", self.log());
    }

    /// What the last build wrote.
    pub(crate) fn log(&self) -> String {
        let output = self.spore(&["logs", "site"], b"");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The files that visitors are shown.
    pub(crate) fn published(&self) -> BTreeMap<String, String> {
        let local = self.folder.path().join("state/local-static");
        let live = fs::read(local.join("live/site.json")).unwrap();
        let live: Value = serde_json::from_slice(&live).unwrap();
        let release = live["release"].as_str().unwrap();
        digests(&local.join("releases/site").join(release).join("files"))
    }

    /// Builds the site of the last message once more, from nothing but its installed dependencies.
    pub(crate) fn rebuilt(&self) -> BTreeMap<String, String> {
        let into = self.folder.path().join("again");
        let into = into.to_str().unwrap();
        let output = self.spore(
            &["build", "site", "--rebuild", "--quiet", "--into", into],
            b"",
        );
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        digests(into.as_ref())
    }

    /// A server of the published sites, to be visited.
    pub(crate) fn open(&self) -> Visited {
        let mut child = self
            .command(&["serve", "--listen=127.0.0.1:0"])
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        told.read_line(&mut line).unwrap();
        let (_, address) = line.trim().rsplit_once("http://").expect(&line);
        Visited {
            address: address.to_owned(),
            child,
        }
    }
}

impl Drop for Farm {
    /// What builds left is read-only, and could not be removed by anybody but root.
    fn drop(&mut self) {
        let entries = WalkDir::new(self.folder.path()).into_iter();
        for folder in entries.flatten().filter(|it| it.file_type().is_dir()) {
            drop(fs::set_permissions(
                folder.path(),
                Permissions::from_mode(0o700),
            ));
        }
    }
}

/// A running server.
pub(crate) struct Visited {
    address: String,
    child: Child,
}

impl Visited {
    /// The body of a page, which must be there.
    pub(crate) fn page(&self, path: &str) -> String {
        let output = self.curl(path);
        assert!(output.status.success(), "{path}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn curl(&self, path: &str) -> Output {
        Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--fail",
                "--location",
                "--noproxy",
                "*",
            ])
            .args(["--header", "Host: site.example"])
            .arg(format!("http://{}{path}", self.address))
            .output()
            .unwrap()
    }
}

impl Drop for Visited {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The message of a website in the repository, built this way.
pub(crate) fn message(build: Value) -> Value {
    let mut message = json!({
        "schemaVersion": 1,
        "site": { "id": "site", "kind": "docs" },
        "repo": { "provider": "github", "slug": "o/site" },
        "domains": { "primary": "site.example" },
        "hosting": { "provider": "localStatic" },
    });
    message["build"] = build;
    message
}
