//! Projects that are not built, and what their owners are told.

use crate::farm::{Needs, Registry, farm, message};
use crate::fixture::Fixture;
use serde_json::json;

/// What is wrong, how it became so, the outcome, and what is told.
type Case = (
    &'static str,
    fn(Fixture) -> Fixture,
    &'static str,
    &'static str,
);

#[test]
fn what_a_project_lacks_is_told_before_anything_is_fetched() {
    let unchecked = "projects that are refused";
    let Some(farm) = farm(Needs::Node, Registry::Near, unchecked) else {
        return;
    };
    let cases: [Case; 5] = [
        (
            "no lock file",
            |it| it.without("package-lock.json"),
            "failed",
            "package.json has dependencies, but there is no lock file",
        ),
        (
            "two lock files",
            |it| it.with("yarn.lock", ""),
            "failed",
            "there are lock files of two package managers: package-lock.json and yarn.lock",
        ),
        (
            "no version of Node.js",
            |it| it.without(".nvmrc"),
            "failed",
            "the source does not say which Node.js it is built with",
        ),
        (
            "another version of Node.js",
            |it| it.with(".nvmrc", "v99.1.0\n"),
            "refused",
            "no Node.js fits: v99.1.0 of .nvmrc is asked for, there is 22.23.3",
        ),
        (
            "a version of Node.js by its nickname",
            |it| it.with(".nvmrc", "lts/jod\n"),
            "failed",
            ".nvmrc names Node.js \"lts/jod\", which is no version",
        ),
    ];
    let build = json!({ "type": "command", "command": ["npm", "run", "build"] });
    for (index, (what, edit, outcome, told)) in cases.into_iter().enumerate() {
        let folder = format!("case-{index}");
        farm.push(&edit(Fixture::named("npm-plain")).below(&folder));
        let mut message = message(build.clone());
        message["repo"]["subdirectory"] = json!(folder);
        let report = farm.send(&message);
        assert_eq!(report["outcome"], outcome, "{what}: {report:#}");
        assert_eq!(report["error"]["path"], "build.type", "{what}: {report:#}");
        let error = report["error"]["message"].as_str().unwrap();
        assert!(error.starts_with(told), "{what}: {error}");
        assert!(report["error"]["hint"].is_string(), "{what}: {report:#}");
    }
    assert!(farm.registry.as_ref().unwrap().log().is_empty());
}

#[test]
fn a_lock_file_that_is_behind_names_what_it_lacks() {
    let unchecked = "lock files that are behind";
    for (name, manager, told) in [
        (
            "npm-plain",
            "npm",
            "lock file's mime@4.0.4 does not satisfy mime@4.0.3",
        ),
        ("pnpm", "pnpm", "ERR_PNPM_OUTDATED_LOCKFILE"),
        ("yarn", "yarn", "Your lockfile needs to be updated"),
    ] {
        let Some(farm) = farm(Needs::Node, Registry::Near, unchecked) else {
            return;
        };
        let project = Fixture::named(name);
        let (from, to) = match manager {
            "npm" => (r#""mime": "4.0.4""#, r#""mime": "4.0.3""#),
            "pnpm" => (r#""slugify": "1.6.6""#, r#""slugify": "1.6.5""#),
            _ => (r#""kleur": "4.1.5""#, r#""kleur": "4.1.4""#),
        };
        farm.push(&project.replacing("package.json", from, to));
        let build = json!({ "type": "command", "command": [manager, "run", "build"] });
        let report = farm.send(&message(build));
        assert_eq!(report["outcome"], "failed", "{manager}: {report:#}");
        let error = report["error"]["message"].as_str().unwrap();
        assert!(error.contains(told), "{manager}: {error}");
        let hint = report["error"]["hint"].as_str().unwrap();
        assert!(hint.contains("mycelia-spore logs site"), "{hint}");
        assert!(farm.log().contains(told), "{manager}: {}", farm.log());
    }
}

#[test]
fn a_build_that_fails_tells_the_last_it_wrote() {
    let unchecked = "builds that fail";
    let Some(farm) = farm(Needs::Hugo, Registry::Real, unchecked) else {
        return;
    };
    let broken = Fixture::named("hugo").with(
        "content/notes/broken.md",
        "Dark without a {{< lantern >}}.\n",
    );
    farm.push(&broken);
    let report = farm.send(&message(json!({ "type": "hugo" })));
    assert_eq!(report["outcome"], "failed", "{report:#}");
    let error = report["error"]["message"].as_str().unwrap();
    assert!(error.starts_with("hugo failed (exit code 255)"), "{error}");
    assert!(error.contains("lantern"), "{error}");
    assert!(farm.log().contains("lantern"), "{}", farm.log());
}
