//! From a message that names a repository to a live site, with the real command.

use crate::server::Server;
use crate::upstream::Upstream;
use crate::world::World;
use mycelia_spore::encode;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

const TOKEN: &str = "ghp_seen-by-nobody-0123456789";

/// A repository with a site below `web/public`, and its server.
struct Site {
    world: World,
    upstream: Upstream,
    server: Server,
}

impl Site {
    fn new(serve: impl FnOnce(&std::path::Path) -> Server) -> Self {
        let world = World::new();
        let upstream = world.upstream("o/site");
        let server = serve(&world.root());
        let site = Self {
            world,
            upstream,
            server,
        };
        site.push("main", "<h1>one");
        let settings = format!(
            "[sources]\ngithub = {:?}\nprotocols = [\"http\"]\n[credentials.mine]\nfile = \"{}\"\n",
            site.server.address(),
            site.world.path("token").display()
        );
        fs::write(site.world.path("settings.toml"), settings).unwrap();
        let token = site.world.path("token");
        fs::write(&token, TOKEN).unwrap();
        fs::set_permissions(token, fs::Permissions::from_mode(0o600)).unwrap();
        site
    }

    fn push(&self, branch: &str, text: &str) -> String {
        let page = ("100644", "web/public/index.html", text);
        let other = ("100644", "README", "not published");
        self.upstream.commit(branch, &[page, other])
    }

    fn message() -> Value {
        json!({
            "schemaVersion": 1,
            "site": { "id": "notes", "kind": "blog" },
            "repo": { "provider": "github", "slug": "o/site", "subdirectory": "web" },
            "build": { "type": "staticPrebuilt", "outputDir": "public" },
            "hosting": { "provider": "localStatic" },
        })
    }

    fn send(&self, message: &Value) -> Value {
        let (state, settings) = (self.world.path("state"), self.world.path("settings.toml"));
        self.send_from(Path::new("/"), &state, &settings, message)
    }

    fn send_from(&self, at: &Path, state: &Path, settings: &Path, message: &Value) -> Value {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mycelia-spore"))
            .args(["run", "--output=json", "--settings"])
            .arg(settings)
            .arg("--state-dir")
            .arg(state)
            .current_dir(at)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let document = encode::yaml(&message.to_string()).unwrap().remove(0);
        let bytes = encode::to_message(&document).unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!told.contains(TOKEN), "{told}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"))
    }

    /// What visitors see.
    fn seen(&self) -> String {
        let live = fs::read(self.world.path("state/local-static/live/notes.json")).unwrap();
        let live: Value = serde_json::from_slice(&live).unwrap();
        let release = live["release"].as_str().unwrap();
        let files = format!("state/local-static/releases/notes/{release}/files");
        let files = self.world.path(&files);
        assert!(!files.join("README").exists());
        fs::read_to_string(files.join("index.html")).unwrap()
    }

    fn checkouts(&self) -> usize {
        let folder = self.world.path("state/builds/work");
        fs::read_dir(folder).map_or(0, Iterator::count)
    }
}

#[test]
fn a_repository_becomes_a_site_and_a_new_commit_its_next_release() {
    let site = Site::new(Server::open);
    let report = site.send(&Site::message());
    assert_eq!(report["outcome"], "applied", "{report:#}");
    assert_eq!(site.seen(), "<h1>one");
    assert_eq!(site.checkouts(), 0, "nothing is left of the checkout");
    // The same commit: one question to the host, and nothing is fetched.
    let fetched = site.server.fetches();
    let report = site.send(&Site::message());
    assert_eq!(report["outcome"], "unchanged", "{report:#}");
    assert_eq!(site.server.fetches(), fetched);
    let first = site.push("other", "<h1>one, on a branch");
    site.push("main", "<h1>two");
    assert_eq!(site.send(&Site::message())["outcome"], "applied");
    assert_eq!(site.seen(), "<h1>two");
    // A pinned commit counts, whatever the branch says.
    let mut pinned = Site::message();
    pinned["repo"]["revision"] = json!(first);
    assert_eq!(site.send(&pinned)["outcome"], "applied");
    assert_eq!(site.seen(), "<h1>one, on a branch");
    // What a killed run left is cleared away.
    let left = site.world.path("state/builds/work/.tmpleft/source");
    fs::create_dir_all(left).unwrap();
    assert_eq!(site.send(&pinned)["outcome"], "unchanged");
    assert_eq!(site.checkouts(), 0);
}

#[test]
fn the_state_directory_may_be_given_from_where_one_stands() {
    let site = Site::new(Server::open);
    let root = site.world.path("");
    let (state, settings) = (Path::new("./state"), Path::new("settings.toml"));
    let report = site.send_from(&root, state, settings, &Site::message());
    assert_eq!(report["outcome"], "applied", "{report:#}");
    assert_eq!(site.seen(), "<h1>one");
}

#[test]
fn a_private_repository_needs_its_credential() {
    let site = Site::new(|root| Server::closed(root, "x-access-token", TOKEN));
    let report = site.send(&Site::message());
    assert_eq!(report["outcome"], "failed");
    assert_eq!(report["error"]["code"], "unauthorised");
    assert_eq!(report["error"]["path"], "repo.credential");
    let mut message = Site::message();
    message["repo"]["credential"] = json!("other");
    let report = site.send(&message);
    assert_eq!(report["error"]["path"], "repo.credential", "{report:#}");
    message["repo"]["credential"] = json!("mine");
    assert_eq!(site.send(&message)["outcome"], "applied");
    assert_eq!(site.seen(), "<h1>one");
}

/// The field at fault, and what is done to the message.
type Case = (&'static str, fn(&mut Value));

#[test]
fn what_is_wrong_with_a_source_is_told_by_its_field() {
    let site = Site::new(Server::open);
    let cases: [Case; 3] = [
        ("repo.slug", |it| it["repo"]["slug"] = json!("o/none")),
        ("repo.defaultBranch", |it| {
            it["repo"]["defaultBranch"] = json!("none");
        }),
        ("build.outputDir", |it| {
            it["build"]["outputDir"] = json!("dist");
        }),
    ];
    for (path, edit) in cases {
        let mut message = Site::message();
        edit(&mut message);
        let report = site.send(&message);
        assert_eq!(report["outcome"], "failed", "{path}: {report:#}");
        assert_eq!(report["error"]["path"], path, "{report:#}");
    }
    assert_eq!(site.checkouts(), 0);
}
