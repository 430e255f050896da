//! Repositories that Cloudflare builds.

use crate::cloudflare::{Build, BuildFailure, Fake};
use crate::common::block_on;
use crate::place::Place;
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::encode;
use mycelia_spore::hosting::cloudflare_pages::PagesOptions;
use mycelia_spore::model::Faults;
use mycelia_spore::plan::Plan;
use mycelia_spore::stream::{Frames, Spore};
use serde_json::{Value, json};

/// A message that leaves the build to Cloudflare, after an edit.
fn connected(edit: impl FnOnce(&mut Value)) -> Result<DesiredSite, Faults> {
    let mut message = json!({
        "schemaVersion": 1,
        "site": { "id": "docs", "kind": "docs" },
        "repo": { "provider": "github", "slug": "example-org/docs", "defaultBranch": "trunk" },
        "build": { "framework": "hugo" },
        "hosting": {
            "provider": "cloudflarePages",
            "cloudflarePages": { "release": "gitIntegration" },
        },
    });
    edit(&mut message);
    let document = encode::yaml(&message.to_string()).unwrap().remove(0);
    let bytes = encode::to_message(&document)?;
    let frame = Frames::new(&bytes[..]).next().unwrap().unwrap();
    DesiredSite::from_config(&*Spore::decode(&frame).config?)
}

fn place(build: Build) -> Place {
    let fake = Fake::with(|world| world.settings.build = build);
    Place::over(fake, PagesOptions::default())
}

/// A build that is done as soon as it is asked for.
fn quick() -> Build {
    Build {
        polls: 0,
        ..Build::default()
    }
}

fn verbs(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(|step| step.action.verb()).collect()
}

#[test]
fn a_repository_is_connected_built_and_then_left_alone() {
    block_on(async {
        let place = place(quick());
        let site = connected(|_| ()).unwrap();
        let plan = place.plan(&site, None).await;
        assert_eq!(verbs(&plan), ["create", "build"]);
        let applying = place.carry_out(&plan).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let project = place.fake.project("docs");
        let source = project.source.as_ref().unwrap();
        assert_eq!(source["type"], "github");
        assert_eq!(source["config"]["owner"], "example-org");
        assert_eq!(source["config"]["repo_name"], "docs");
        assert_eq!(project.production_branch, "trunk");
        assert_eq!(project.build_config["build_command"], "hugo");
        assert_eq!(project.build_config["destination_dir"], "public");
        assert_eq!(project.deployments.len(), 1);
        assert!(project.live().is_some());
        let place = place.restarted();
        place.fake.clear_calls();
        assert_eq!(place.plan(&site, None).await, Plan::default());
        assert_eq!(place.fake.calls().len(), 1);
        // Another command: this alone is sent, and built.
        let site = connected(|it| it["build"]["command"] = json!(["hugo", "--minify"])).unwrap();
        let plan = place.plan(&site, None).await;
        assert_eq!(verbs(&plan), ["configure", "build"]);
        let changed = plan.steps[0].action.describe();
        assert_eq!(
            changed,
            "~ build_config.build_command = \"hugo\" -> \"hugo --minify\""
        );
        let applying = place.carry_out(&plan).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        assert_eq!(place.fake.project("docs").deployments.len(), 2);
        assert_eq!(place.plan(&site, None).await, Plan::default());
        assert_eq!(place.fake.violations(), Vec::<String>::new());
    });
}

#[test]
fn presets_and_settings_reach_the_project() {
    let cases = [
        ("next", "npx next build", "out"),
        ("astro", "npm run build", "dist"),
        ("nuxt", "npm run build", "dist"),
    ];
    for (framework, command, output) in cases {
        block_on(async {
            let place = place(quick());
            let site = connected(|it| {
                it["repo"]["provider"] = json!("gitlab");
                it["repo"]["slug"] = json!("group/sub/docs");
                it["repo"]["subdirectory"] = json!("website");
                it["build"]["framework"] = json!(framework);
                it["hosting"]["cloudflarePages"]["previewDeployments"] = json!("custom");
                it["hosting"]["cloudflarePages"]["previewBranches"] = json!(["release/*"]);
            });
            let plan = place.plan(&site.unwrap(), None).await;
            let applying = place.carry_out(&plan).await;
            assert!(applying.errors.is_empty(), "{:?}", applying.errors);
            let project = place.fake.project("docs");
            let build = &project.build_config;
            assert_eq!(
                (&build["build_command"], &build["destination_dir"]),
                (&json!(command), &json!(output))
            );
            assert_eq!(build["root_dir"], "website");
            let config = &project.source.as_ref().unwrap()["config"];
            assert_eq!(config["owner"], "group/sub");
            assert_eq!(config["preview_deployment_setting"], "custom");
            assert_eq!(config["preview_branch_includes"], json!(["release/*"]));
        });
    }
}

#[test]
fn a_build_that_fails_shows_the_end_of_its_log() {
    block_on(async {
        let place = place(Build {
            failure: Some(BuildFailure {
                stage: "build",
                log: vec![
                    "Error: no theme".into(),
                    "Failed: build command exited with 1".into(),
                ],
            }),
            ..quick()
        });
        let site = connected(|_| ()).unwrap();
        let plan = place.plan(&site, None).await;
        let applying = place.carry_out(&plan).await;
        let [error] = &applying.errors[..] else {
            panic!("{:?}", applying.steps)
        };
        for told in ["build is failure", "Error: no theme", "exited with 1"] {
            assert!(error.message.contains(told), "{error}");
        }
    });
}

#[test]
fn an_app_that_may_not_read_the_repository_is_told_with_what_to_do() {
    block_on(async {
        let fake = Fake::with(|world| world.settings.git_authorised = false);
        let place = Place::over(fake, PagesOptions::default());
        let site = connected(|_| ()).unwrap();
        let plan = place.plan(&site, None).await;
        let applying = place.carry_out(&plan).await;
        let [error] = &applying.errors[..] else {
            panic!("{:?}", applying.steps)
        };
        assert_eq!(error.path, "repo.slug", "{error}");
        assert!(
            error.hint.as_ref().unwrap().contains("dashboard"),
            "{error:?}"
        );
    });
}

/// A field, and the edit that asks there for what cannot be done.
type Case = (&'static str, fn(&mut Value));

#[test]
fn what_cloudflare_cannot_build_is_a_fault_of_the_message() {
    let cases: [Case; 5] = [
        ("repo.provider", |it| {
            it["repo"] = json!({ "provider": "git", "url": "https://git.example/docs.git" });
        }),
        ("repo.provider", |it| {
            it["repo"] = json!({ "provider": "directory", "path": "/srv/docs" });
        }),
        ("repo", |it| {
            drop(it.as_object_mut().unwrap().remove("repo"));
        }),
        ("build.outputDir", |it| {
            it["build"]["outputDir"] = json!("/srv/public");
        }),
        ("build.command", |it| {
            it["build"]["shell"] = json!(true);
            it["build"]["command"] = json!(["hugo", "--minify"]);
        }),
    ];
    for (path, edit) in cases {
        let faults = connected(edit).unwrap_err();
        assert_eq!(faults.as_slice()[0].path, path, "{faults:?}");
    }
    let quoted = connected(|it| it["build"]["command"] = json!(["sh", "-c", "echo 'a b'"]));
    let command = quoted.unwrap().hosting.connected.unwrap().command;
    assert_eq!(command.unwrap(), "sh -c 'echo '\\''a b'\\'''");
}
