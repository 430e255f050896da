//! What is fetched and run when dependencies are installed.

use crate::farm::{Farm, Needs, Registry, farm, message};
use crate::fixture::Fixture;
use serde_json::{Value, json};

fn built_by(manager: &str) -> Value {
    let output = if manager == "pnpm" { "public" } else { "dist" };
    message(json!({ "type": "command", "command": [manager, "run", "build"], "outputDir": output }))
}

/// The packages that were asked for since a count, sorted.
fn asked(farm: &Farm, since: usize) -> Vec<String> {
    let log = farm.registry.as_ref().unwrap().log();
    let mut paths: Vec<_> = log[since..].iter().map(|it| it.path.clone()).collect();
    paths.sort();
    paths
}

#[test]
fn packages_are_fetched_once_for_each_lock_file() {
    let Some(farm) = farm(Needs::Node, Registry::Near, "what npm fetches") else {
        return;
    };
    let project = Fixture::named("npm-plain");
    farm.push(&project);
    farm.apply(&built_by("npm"));
    let packages = [
        "/escape-html/-/escape-html-1.0.3.tgz",
        "/mime/-/mime-4.0.4.tgz",
    ];
    assert_eq!(asked(&farm, 0), packages);
    // Other words, the same lock file.
    farm.push(
        &project
            .clone()
            .replacing("build.js", "More haste", "Less haste"),
    );
    farm.apply(&built_by("npm"));
    assert_eq!(asked(&farm, 0), packages, "nothing more is fetched");
    // Another lock file, whose package is not what it says. npm is not to wait before it looks again.
    let lock = project.text("package-lock.json");
    let locked: Value = serde_json::from_str(lock).unwrap();
    let integrity = locked["packages"]["node_modules/mime"]["integrity"].as_str();
    let changed = project
        .clone()
        .replacing("package-lock.json", integrity.unwrap(), "sha512-AAAA")
        .with(".npmrc", "fetch-retry-mintimeout=1\nfetch-retry-factor=1\n");
    farm.push(&changed);
    let report = farm.send(&built_by("npm"));
    assert_eq!(report["outcome"], "failed", "{report:#}");
    assert!(farm.log().contains("EINTEGRITY"), "{}", farm.log());
    assert!(asked(&farm, 2).contains(&packages[1].to_owned()));
}

/// A script that fails if it is run.
fn scripted(project: Fixture) -> Fixture {
    let scripts = r#""scripts": {
    "preinstall": "exit 1",
    "install": "exit 1",
    "postinstall": "exit 1",
    "prepare": "exit 1","#;
    project.replacing("package.json", r#""scripts": {"#, scripts)
}

#[test]
fn no_manager_runs_scripts_of_an_installation() {
    for (name, manager) in [("npm-plain", "npm"), ("pnpm", "pnpm"), ("yarn", "yarn")] {
        let unchecked = format!("scripts that {manager} leaves alone");
        let Some(farm) = farm(Needs::Node, Registry::Near, &unchecked) else {
            return;
        };
        farm.push(&scripted(Fixture::named(name)));
        farm.apply(&built_by(manager));
    }
}

/// A project, its package manager, and files by which the manager would run something instead of itself or beside
/// itself.
type OwnProgram = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const OWN_PROGRAMS: [OwnProgram; 4] = [
    (
        "yarn",
        "yarn",
        &[
            (".yarnrc", "yarn-path \".yarn/releases/own.cjs\"\n"),
            (".yarn/releases/own.cjs", "console.log('I_RAN')"),
        ],
    ),
    (
        "yarn",
        "yarn",
        &[
            (".yarnrc.yml", "yarnPath: .yarn/releases/own.cjs\n"),
            (".yarn/releases/own.cjs", "console.log('I_RAN')"),
        ],
    ),
    ("pnpm", "pnpm", &[(".pnpmfile.cjs", "console.log('I_RAN')")]),
    (
        "npm-plain",
        "npm",
        &[(
            ".npmrc",
            "node-options=--import=data:text/javascript,console.log('I_RAN')\n",
        )],
    ),
];

#[test]
fn no_manager_runs_programs_of_the_project_while_there_is_a_network() {
    for (name, manager, files) in OWN_PROGRAMS {
        let unchecked = format!("programs of a project that {manager} leaves alone");
        let Some(farm) = farm(Needs::Node, Registry::Near, &unchecked) else {
            return;
        };
        let mut project = Fixture::named(name);
        for (path, text) in files {
            project = project.with(path, *text);
        }
        farm.push(&project);
        let mut message = built_by(manager);
        message["build"]["command"] = json!(["node", "build.js"]);
        let report = farm.send(&message);
        let log = farm.log();
        let (_, installing) = log.split_once("== dependencies: ").expect(&log);
        let installing = installing.split("\n== ").next().unwrap();
        assert!(!installing.contains("I_RAN"), "{files:?}: {log}");
        assert_eq!(report["outcome"], "applied", "{files:?}: {log}");
    }
}

#[test]
fn a_build_writes_to_neither_its_packages_nor_the_network() {
    let Some(farm) = farm(Needs::Node, Registry::Near, "what a build is kept from") else {
        return;
    };
    let registry = farm.registry.as_ref().unwrap().address();
    let script = format!(
        "import {{ mkdirSync, readFileSync, writeFileSync }} from 'node:fs';
const tried = [];
const attempt = async (what, work) => {{
  try {{ await work(); tried.push(what + ': done'); }} catch (error) {{ tried.push(what + ': ' + (error.cause ?? error).code); }}
}};
await attempt('package', () => writeFileSync('node_modules/mime/package.json', '{{}}'));
await attempt('new package', () => mkdirSync('node_modules/other'));
await attempt('cache of a tool', () => writeFileSync('node_modules/.cache/x', 'x'));
await attempt('network', () => fetch('{registry}/mime'));
tried.push('token: ' + (process.env.CLOUDFLARE_API_TOKEN ?? 'none'));
tried.push('token of others: ' + readFileSync('/proc/1/environ', 'utf8').includes('seen-by-nobody'));
mkdirSync('dist');
writeFileSync('dist/index.html', tried.join('\\n'));
"
    );
    farm.push(&Fixture::named("npm-plain").with("build.js", script));
    farm.apply(&built_by("npm"));
    let page = farm.open().page("/");
    let expected = "package: EROFS\nnew package: EROFS\ncache of a tool: done\nnetwork: ECONNREFUSED\n\
                    token: none\ntoken of others: false";
    assert_eq!(page, expected);
}
