//! What the client is given: its arguments, its environment and its folder, whole.

use crate::world::{DEPLOYED, NOTE, World, arguments, environment};
use crate::{TOKEN, deploy, write};
use mycelia_spore::hosting::cloudflare_pages::wrangler::{
    BundleOptions, Environment, FunctionsSource,
};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

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
    again("given::the_whole_of_what_bundling_is_given", &[]);
    let proxies = [
        ("https_proxy", "http://proxy:1"),
        ("NO_PROXY", "example.org"),
        ("NODE_EXTRA_CA_CERTS", "/ca.pem"),
    ];
    again("given::the_whole_of_what_deploying_is_given", &proxies);
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
        "{NOTE}\nreadlink functions >\"$beside/link\"\n\
         cat package.json wrangler.json >\"$beside/ends\"\necho '{DEPLOYED}' >\"$WRANGLER_OUTPUT_FILE_PATH\""
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
    assert!(!arguments.contains(TOKEN.expose()));
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
    // They end the client's search for such files in the folders above.
    assert_eq!(world.read("ends"), "{}\n{}\n");
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
