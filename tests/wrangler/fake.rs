//! A shell script in the client's place.

use crate::tools::repository;
use crate::{TOKEN, deploy, write};
use mycelia_spore::edge::{EdgeError, EdgeErrorKind};
use mycelia_spore::hosting::cloudflare_pages::wrangler::{
    BundleOptions, Deploy, Environment, FunctionsSource, Wrangler,
};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TRANSIENT: EdgeErrorKind = EdgeErrorKind::Transient { retry_after: None };

/// What a client writes of a deployment that it made.
const DEPLOYED: &str = r#"{"type":"pages-deploy-detailed","deployment_id":"d1","url":"https://d1.p.pages.dev","alias":"https://feature.p.pages.dev","environment":"preview"}"#;

/// A client made of shell, and a site with Functions.
struct World {
    folder: TempDir,
}

impl World {
    /// The client tells version 4.86.0 and otherwise does what `script` says.
    fn new(script: &str) -> Self {
        Self::of_version("echo 4.86.0", script)
    }

    fn of_version(version: &str, script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("if [ \"$1\" = --version ]; then {version}; exit; fi\n{script}\n");
        write(
            folder.path(),
            &[
                ("script", &script),
                ("site/index.html", "<h1>site</h1>"),
                ("site/functions/api.js", "export const onRequest = 1;"),
                (
                    "site/_routes.json",
                    r#"{"version":1,"include":["/api"],"exclude":[]}"#,
                ),
            ],
        );
        symlink(
            repository("tests/fake/program"),
            folder.path().join("wrangler"),
        )
        .unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn find(&self) -> Result<Wrangler, EdgeError> {
        Wrangler::find(Some(&self.path("wrangler")))
    }

    fn client(&self) -> Wrangler {
        self.find().unwrap()
    }

    fn source(&self) -> FunctionsSource {
        FunctionsSource::find(&self.path("site")).unwrap().unwrap()
    }

    fn bundle_error(&self) -> EdgeError {
        let options = BundleOptions::default();
        self.client().bundle(&self.source(), &options).unwrap_err()
    }

    fn deploy_error(&self) -> EdgeError {
        self.client()
            .deploy(&deploy(&self.path("site")))
            .unwrap_err()
    }

    /// A text with the folders of this run named.
    fn named(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "WORLD")
    }
}

/// What is told of an error, without the paths of this run.
fn told(world: &World, error: &EdgeError) -> String {
    let hint = error.hint.as_deref().unwrap_or("-");
    let told = format!(
        "{}\n{}: {}\n{hint}",
        error.kind.code(),
        error.path,
        error.full()
    );
    world.named(&told)
}

/// A script that notes its arguments and environment beside itself. The shell itself sets the variables left
/// out.
const NOTE: &str = r#"
beside=${0%/*}
printf '%s\0' "$@" >"$beside/argv"
env -0 | grep -zvE '^(PWD|OLDPWD|SHLVL|_)=' >"$beside/env"
"#;

fn arguments(world: &World, room: &str) -> Vec<String> {
    let text = world.named(&world.read("argv")).replace(room, "ROOM");
    let mut arguments: Vec<String> = text.split('\0').map(Into::into).collect();
    assert_eq!(arguments.pop().as_deref(), Some(""));
    arguments
}

/// The variables that the client saw, and the folder that it ran in.
fn environment(world: &World) -> (BTreeMap<String, String>, String) {
    let text = world.read("env");
    let pairs = text.split('\0').filter_map(|line| line.split_once('='));
    let mut all: BTreeMap<String, String> = pairs.map(|(k, v)| (k.into(), v.into())).collect();
    let room = all["HOME"].strip_suffix("/home").unwrap().to_owned();
    for value in all.values_mut() {
        *value = value.replace(&room, "ROOM");
    }
    (all, room)
}

#[test]
fn it_is_found_by_its_path_or_on_the_path() {
    let world = World::new("");
    assert_eq!(world.client().version().to_string(), "4.86.0");
    let error = Wrangler::find(Some(&world.path("none"))).unwrap_err();
    insta::assert_snapshot!(told(&world, &error), @"
    rejected
    hosting.cloudflarePages.functions: WORLD/none is not installed
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings
    ");
    let error = Wrangler::find(Some(Path::new("no-such-wrangler"))).unwrap_err();
    assert_eq!(error.message, "no-such-wrangler is not installed");
    fs::write(world.path("plain"), "").unwrap();
    let error = Wrangler::find(Some(&world.path("plain"))).unwrap_err();
    insta::assert_snapshot!(told(&world, &error), @"
    rejected
    hosting.cloudflarePages.functions: WORLD/plain cannot be run: Permission denied (os error 13)
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings
    ");
}

#[test]
fn what_cannot_be_used_is_told() {
    let mut all = String::new();
    for version in [
        "echo; echo ' ⛅️ wrangler 3.114.17'; echo -----",
        "echo unknown",
        "echo 'node is too old' >&2; exit 1",
        "exec /usr/bin/env no-such-node",
    ] {
        let world = World::of_version(version, "");
        let error = world.find().unwrap_err();
        assert_eq!(error.kind, EdgeErrorKind::Rejected);
        all.push_str(&told(&world, &error));
        all.push_str("\n\n");
    }
    insta::assert_snapshot!(all, @"
    rejected
    hosting.cloudflarePages.functions: WORLD/wrangler is wrangler 3.114.17; 4.0.0 or newer is needed
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings

    rejected
    hosting.cloudflarePages.functions: WORLD/wrangler does not tell its version
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings

    rejected
    hosting.cloudflarePages.functions: WORLD/wrangler failed (exit status: 1): node is too old
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings

    rejected
    hosting.cloudflarePages.functions: WORLD/wrangler cannot be run for want of Node.js: /usr/bin/env: 'no-such-node': No such file or directory
    install Node.js and run `npm install -g wrangler`, or name the program with `cloudflare.wrangler` in the settings
    ");
}

/// Runs a test of this program again with variables that the client must not see, and some that it may.
fn again(test: &str, variables: &[(&str, &str)]) {
    let mut program = Command::new(env::current_exe().unwrap());
    for name in ["http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy"] {
        program.env_remove(name);
    }
    let output = program
        .args(["--exact", "--ignored", test])
        .envs(variables.iter().copied())
        .envs([
            ("CLOUDFLARE_API_TOKEN", "of-the-operator"),
            ("CLOUDFLARE_API_KEY", "of-the-operator"),
            ("CLOUDFLARE_API_BASE_URL", "http://of-the-operator"),
            ("WRANGLER_LOG_SANITIZE", "false"),
            ("NODE_OPTIONS", "--inspect"),
            ("AWS_SECRET_ACCESS_KEY", "of-the-operator"),
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[test]
fn nothing_else_is_in_its_environment() {
    again("fake::the_whole_of_what_bundling_is_given", &[]);
    let proxies = [
        ("https_proxy", "http://proxy:1"),
        ("NO_PROXY", "example.org"),
        ("NODE_EXTRA_CA_CERTS", "/ca.pem"),
    ];
    again("fake::the_whole_of_what_deploying_is_given", &proxies);
}

/// The variables but for `PATH`, which must be this process's own.
fn listed(mut seen: BTreeMap<String, String>) -> String {
    assert_eq!(seen.remove("PATH"), env::var("PATH").ok());
    let lines: Vec<String> = seen
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    lines.join("\n")
}

#[test]
#[ignore = "run by nothing_else_is_in_its_environment with variables of its own"]
fn the_whole_of_what_bundling_is_given() {
    let script = format!(
        "{NOTE}\nfor each; do case $each in --outfile=*) echo x >\"${{each#*=}}\"; esac; done"
    );
    let world = World::new(&script);
    let flags = ["nodejs_compat".to_owned(), "global_navigator".to_owned()];
    let options = BundleOptions {
        compatibility_date: Some("2026-01-31"),
        compatibility_flags: &flags,
        ..BundleOptions::default()
    };
    let bundle = world
        .client()
        .bundle(&world.source(), &options)
        .unwrap()
        .unwrap();
    assert_eq!(bundle.worker, b"x\n");
    assert_eq!(
        bundle.routes.unwrap(),
        world.read("site/_routes.json").as_bytes()
    );
    assert_eq!(bundle.filepath_routing, None);
    let (seen, room) = environment(&world);
    assert!(
        !Path::new(&room).exists(),
        "the folder of the call is left behind"
    );
    insta::assert_snapshot!(listed(seen), @"
    CI=1
    HOME=ROOM/home
    NO_COLOR=1
    TMPDIR=ROOM/tmp
    WRANGLER_HIDE_BANNER=true
    WRANGLER_SEND_ERROR_REPORTS=false
    WRANGLER_SEND_METRICS=false
    XDG_CONFIG_HOME=ROOM/home
    ");
    insta::assert_snapshot!(arguments(&world, &room).join("\n"), @"
    pages
    functions
    build
    WORLD/site/functions
    --build-output-directory=WORLD/site
    --outfile=ROOM/out/_worker.bundle
    --output-routes-path=ROOM/out/_routes.json
    --output-config-path=ROOM/out/functions-filepath-routing-config.json
    --compatibility-date=2026-01-31
    --compatibility-flags=nodejs_compat
    --compatibility-flags=global_navigator
    ");
}

#[test]
#[ignore = "run by nothing_else_is_in_its_environment with variables of its own"]
fn the_whole_of_what_deploying_is_given() {
    let script = format!(
        "{NOTE}\nreadlink functions >\"$beside/link\"\necho '{DEPLOYED}' >\"$WRANGLER_OUTPUT_FILE_PATH\""
    );
    let world = World::new(&script);
    let site = world.path("site");
    let deployed = world.client().deploy(&deploy(&site)).unwrap();
    assert_eq!(
        (&*deployed.id, &*deployed.url),
        ("d1", "https://d1.p.pages.dev")
    );
    assert_eq!(
        deployed.alias.as_deref(),
        Some("https://feature.p.pages.dev")
    );
    assert_eq!(deployed.environment, Environment::Preview);
    let (seen, room) = environment(&world);
    assert!(
        !Path::new(&room).exists(),
        "the folder of the call is left behind"
    );
    let arguments = arguments(&world, &room).join("\n");
    assert!(!arguments.contains(TOKEN));
    let ceiling = Path::new(&room).parent().unwrap().to_str().unwrap();
    assert_eq!(seen["GIT_CEILING_DIRECTORIES"], ceiling);
    let seen = listed(seen).replace(&format!("={ceiling}"), "=ABOVE");
    insta::assert_snapshot!(seen, @"
    CI=1
    CLOUDFLARE_ACCOUNT_ID=account
    CLOUDFLARE_API_TOKEN=token-of-a-test
    GIT_CEILING_DIRECTORIES=ABOVE
    HOME=ROOM/home
    NODE_EXTRA_CA_CERTS=/ca.pem
    NO_COLOR=1
    NO_PROXY=example.org
    TMPDIR=ROOM/tmp
    WRANGLER_HIDE_BANNER=true
    WRANGLER_LOG=error
    WRANGLER_OUTPUT_FILE_PATH=ROOM/out/record.ndjson
    WRANGLER_SEND_ERROR_REPORTS=false
    WRANGLER_SEND_METRICS=false
    XDG_CONFIG_HOME=ROOM/home
    https_proxy=http://proxy:1
    ");
    insta::assert_snapshot!(arguments, @r#"
    pages
    deploy
    WORLD/site
    --project-name=p
    --branch=feature
    --commit-dirty=false
    --commit-hash=0123456789012345678901234567890123456789
    --commit-message=--why="not"
    second line
    "#);
    assert_eq!(
        world.named(world.read("link").trim()),
        "WORLD/site/functions"
    );
}

#[test]
fn the_address_of_the_api_is_a_variable() {
    let script = format!("{NOTE}\necho '{DEPLOYED}' >\"$WRANGLER_OUTPUT_FILE_PATH\"");
    let world = World::new(&script);
    let site = world.path("site");
    let mut wanted = deploy(&site);
    wanted.api_base_url = Some("http://127.0.0.1:1/client/v4");
    (wanted.commit_hash, wanted.commit_message) = ("", "");
    world.client().deploy(&wanted).unwrap();
    let (seen, room) = environment(&world);
    assert_eq!(
        seen["CLOUDFLARE_API_BASE_URL"],
        "http://127.0.0.1:1/client/v4"
    );
    assert!(
        !arguments(&world, &room)
            .iter()
            .any(|it| it.starts_with("--commit-hash") || it.starts_with("--commit-message"))
    );
}

#[test]
fn a_site_without_functions_brings_nothing_of_them() {
    let script = format!(
        "ls -A \"$3\" . >\"${{0%/*}}/ls\"; cat \"$3/index.html\" >>\"${{0%/*}}/ls\"\n\
         echo '{DEPLOYED}' >\"$WRANGLER_OUTPUT_FILE_PATH\""
    );
    let world = World::new(&script);
    let site = world.path("site");
    write(
        &site,
        &[
            ("_worker.js", ""),
            ("deep/functions/page.html", ""),
            (".well-known/x", ""),
        ],
    );
    let mut wanted = deploy(&site);
    wanted.functions = false;
    world.client().deploy(&wanted).unwrap();
    let listed = world.read("ls");
    let (room, site) = listed.split_once("\n\n").unwrap();
    assert!(!room.contains("functions"), "{room}");
    let (_, site) = site.split_once('\n').unwrap();
    assert_eq!(site, ".well-known\ndeep\nindex.html\n<h1>site</h1>");
}

#[test]
fn failures_carry_all_that_it_said() {
    let script = "printf '\\033[31m✘ \\033[1mone\\033[0m\\n\\n    two\\n' >&2; echo '🪵  Logs were written to \"/x\"' >&2; exit 3";
    let world = World::new(script);
    insta::assert_snapshot!(told(&world, &world.bundle_error()), @"
    rejected
    hosting.cloudflarePages.functions: wrangler 4.86.0 pages functions build failed (exit status: 3): ✘ one

        two
    -
    ");
    insta::assert_snapshot!(told(&world, &world.deploy_error()), @"
    rejected
    : wrangler 4.86.0 pages deploy failed (exit status: 3): ✘ one

        two
    -
    ");
}

#[test]
fn the_kind_of_a_failed_deployment_is_what_its_record_says() {
    for (entry, kind) in [
        (
            r#""code":10000,"message":"A request failed.""#,
            EdgeErrorKind::Unauthorised,
        ),
        (r#""code":8000000,"message":"A request failed.""#, TRANSIENT),
        (r#""code":10046,"message":"A request failed.""#, TRANSIENT),
        (
            r#""code":8000007,"message":"A request failed.""#,
            EdgeErrorKind::Rejected,
        ),
        (r#""message":"fetch failed""#, TRANSIENT),
        (
            r#""message":"Received a malformed response from the API""#,
            TRANSIENT,
        ),
        (
            r#""message":"Error: Pages only supports files up to 25 MiB in size""#,
            EdgeErrorKind::Rejected,
        ),
    ] {
        let script = format!(
            r#"echo '{{"type":"command-failed",{entry}}}' >"$WRANGLER_OUTPUT_FILE_PATH"
               echo "said with $CLOUDFLARE_API_TOKEN" >&2; exit 1"#
        );
        let error = World::new(&script).deploy_error();
        assert_eq!(error.kind, kind, "{entry}");
        assert!(error.full().ends_with("said with ***"), "{}", error.full());
    }
}

#[test]
fn a_record_that_is_missing_or_garbage_is_told() {
    let mut all = String::new();
    for script in [
        "",
        "echo '{\"type\":\"wrangler-session\"}' >\"$WRANGLER_OUTPUT_FILE_PATH\"",
        "printf '\\n\\377garbage' >\"$WRANGLER_OUTPUT_FILE_PATH\"",
    ] {
        let world = World::new(script);
        all.push_str(&told(&world, &world.deploy_error()));
        all.push_str("\n\n");
    }
    insta::assert_snapshot!(all, @"
    rejected
    : wrangler 4.86.0 ended well, but names no deployment
    whether there is a deployment is shown in Cloudflare's dashboard

    rejected
    : wrangler 4.86.0 ended well, but names no deployment
    whether there is a deployment is shown in Cloudflare's dashboard

    rejected
    : wrangler 4.86.0 ended well, but what it did cannot be read: line 2 of the client's record is not as expected: expected value at line 1 column 1
    whether there is a deployment is shown in Cloudflare's dashboard
    ");
    let world = World::new("printf garbage >\"$WRANGLER_OUTPUT_FILE_PATH\"; echo said >&2; exit 1");
    assert!(world.deploy_error().full().ends_with(": said"));
}

#[test]
fn a_bundle_that_is_missing_is_told() {
    let world = World::new("exit 0");
    insta::assert_snapshot!(told(&world, &world.bundle_error()), @"
    rejected
    hosting.cloudflarePages.functions: wrangler 4.86.0 wrote no _worker.bundle
    -
    ");
}

#[test]
fn functions_without_a_handler_are_none() {
    let world = World::new("exit 156");
    let bundle = world
        .client()
        .bundle(&world.source(), &BundleOptions::default());
    assert_eq!(bundle.unwrap(), None);
}

#[test]
fn routes_that_cloudflare_would_refuse_are_told_before_anything_is_run() {
    let world = World::new("touch \"${0%/*}/ran\"");
    write(
        &world.path("site"),
        &[("_routes.json", r#"{"version":1,"include":[],"exclude":[]}"#)],
    );
    insta::assert_snapshot!(told(&world, &world.bundle_error()), @"
    rejected
    hosting.cloudflarePages.functions: the site's _routes.json is not valid: it includes nothing
    its form is described at https://developers.cloudflare.com/pages/functions/routing/#create-a-_routesjson-file
    ");
    assert!(!world.path("ran").exists());
}

#[test]
fn what_hangs_is_ended_with_all_that_it_started() {
    // What it starts says so and then waits for ever, with the pipe to this test open.
    let world = World::new(
        "mkfifo \"$TMPDIR/never\"; echo begun >&2; cat \"$TMPDIR/never\" & cat \"$TMPDIR/never\"",
    );
    let client = world.client();
    let begun = Instant::now();
    let timeout = Duration::from_secs(2);
    let options = BundleOptions {
        timeout,
        ..BundleOptions::default()
    };
    let error = client.bundle(&world.source(), &options).unwrap_err();
    assert_eq!(error.kind, TRANSIENT);
    insta::assert_snapshot!(error.full(), @"wrangler 4.86.0 pages functions build took longer than 2 s and was ended: begun");
    let site = world.path("site");
    let error = client
        .deploy(&Deploy {
            timeout,
            ..deploy(&site)
        })
        .unwrap_err();
    assert_eq!(error.kind, TRANSIENT);
    insta::assert_snapshot!(error.full(), @"wrangler 4.86.0 pages deploy took longer than 2 s and was ended: begun");
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn functions_are_found_where_cloudflare_looks() {
    let folder = tempfile::tempdir().unwrap();
    let found = || FunctionsSource::find(folder.path()).unwrap();
    write(
        folder.path(),
        &[
            ("index.html", ""),
            ("deep/functions/x.js", ""),
            ("functions", ""),
        ],
    );
    assert_eq!(found(), None, "a file is no folder of Functions");
    fs::remove_file(folder.path().join("functions")).unwrap();
    write(folder.path(), &[("functions/x.js", "")]);
    let routes = found().unwrap();
    assert_eq!(routes.directory(), folder.path());
    write(folder.path(), &[("_worker.js", "")]);
    let worker = found().unwrap();
    assert_ne!(worker, routes, "_worker.js goes before functions/");
    fs::remove_file(folder.path().join("_worker.js")).unwrap();
    write(folder.path(), &[("_worker.js/index.js", "")]);
    assert_ne!(found().unwrap(), worker);
}
