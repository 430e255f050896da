//! Sections that contradict each other, and the fields that are named.

use crate::common::{Config, files, page};
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::model::{BuildType, Ensure, Faults, RepoProvider, SiteKind};
use mycelia_spore::schema::spore_capnp::{build, repo};
use mycelia_spore::stream::{Frames, Spore};
use std::path::Path;

/// What a packed message asks for.
pub(crate) fn desired(packed: &[u8]) -> Result<DesiredSite, Faults> {
    let frame = Frames::new(packed).next().unwrap().unwrap();
    DesiredSite::from_config(&Spore::decode(&frame).config.unwrap())
}

/// Code and path of each fault.
fn told(packed: &[u8]) -> Vec<(&'static str, String)> {
    let faults = desired(packed)
        .err()
        .map_or_else(Vec::new, Faults::into_vec);
    for fault in &faults {
        assert!(
            !fault.message.is_empty() && !fault.message.ends_with('.'),
            "{fault}"
        );
    }
    faults
        .into_iter()
        .map(|fault| (fault.code, fault.path))
        .collect()
}

fn repo(config: Config<'_>) -> repo::Builder<'_> {
    config.get_repo().unwrap()
}

fn build(config: Config<'_>) -> build::Builder<'_> {
    config.get_build().unwrap()
}

/// Takes the source away.
fn without_source(config: Config<'_>) {
    config.init_repo().set_provider(RepoProvider::None);
}

/// The source at GitHub instead.
fn at_github(config: Config<'_>) {
    let mut repo = config.init_repo();
    repo.set_provider(RepoProvider::Github);
    repo.set_slug("example-org/blog");
}

/// Faults expected and the edit of a site of files that brings them about.
type Case = (&'static [(&'static str, &'static str)], fn(Config<'_>));

fn check(cases: &[Case], message: impl Fn(fn(Config<'_>)) -> Vec<u8>) {
    let mut wrong = Vec::new();
    for (number, (expected, edit)) in cases.iter().enumerate() {
        let found = told(&message(*edit));
        let found: Vec<_> = found.iter().map(|(code, path)| (*code, &**path)).collect();
        if found != *expected {
            wrong.push(format!("case {number}: {expected:?}: found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sites_of_files() {
    let missing_output: &[_] = &[("missing", "build.outputDir")];
    let wrong_output: &[_] = &[("path-syntax", "build.outputDir")];
    let cases: &[Case] = &[
        (&[], |_| ()),
        (&[], |config| build(config).set_output_dir("public")),
        // No build and no page of links.
        (&[("missing", "build")], |mut config| {
            let dynamic: capnp::dynamic_value::Builder<'_> = config.reborrow().into();
            let mut config: capnp::dynamic_struct::Builder<'_> = dynamic.downcast();
            config.clear_named("build").unwrap();
        }),
        // The place of the files.
        (missing_output, without_source),
        (missing_output, |config| {
            let dynamic: capnp::dynamic_value::Builder<'_> = config.into();
            let mut config: capnp::dynamic_struct::Builder<'_> = dynamic.downcast();
            config.clear_named("repo").unwrap();
        }),
        (wrong_output, |mut config| {
            without_source(config.reborrow());
            build(config).set_output_dir("public");
        }),
        (&[], |mut config| {
            without_source(config.reborrow());
            build(config).set_output_dir("/srv/blog");
        }),
        (wrong_output, |config| {
            build(config).set_output_dir("/srv/blog");
        }),
        // A source that a build would have to fetch is no contradiction.
        (&[], at_github),
        // Builds without a source.
        (&[("missing", "repo")], |mut config| {
            without_source(config.reborrow());
            build(config).set_type(BuildType::Hugo);
        }),
        (
            &[("missing", "build.command"), ("missing", "repo")],
            |mut config| {
                without_source(config.reborrow());
                build(config).set_type(BuildType::Command);
            },
        ),
    ];
    check(cases, |edit| files("blog", Path::new("/srv/blog"), edit));
}

#[test]
fn commands_and_environment() {
    let cases: &[Case] = &[
        (&[("missing", "build.command")], |config| {
            build(config).set_type(BuildType::Command);
        }),
        (&[], |config| {
            let mut build = build(config);
            build.set_type(BuildType::Command);
            build.init_command(1).set(0, "make");
        }),
        (&[("field-conflict", "build.command")], |config| {
            let mut build = build(config);
            build.set_type(BuildType::Command);
            build.set_shell(true);
            let mut words = build.init_command(2);
            words.set(0, "make");
            words.set(1, "site");
        }),
        (&[], |config| {
            let mut build = build(config);
            build.set_type(BuildType::Command);
            build.set_shell(true);
            build.init_command(1).set(0, "make site");
        }),
        (&[("field-conflict", "build.command")], |config| {
            let mut build = build(config);
            build.set_type(BuildType::Hugo);
            build.set_shell(true);
        }),
        (
            &[
                ("credential-misplaced", "build.environment[1].credential"),
                ("credential-misplaced", "build.environment[2].credential"),
            ],
            |config| {
                let mut build = build(config);
                build.set_type(BuildType::Hugo);
                let mut variables = build.init_environment(3);
                let mut variable = variables.reborrow().get(0);
                variable.set_name("LANG");
                variable.set_value("C");
                for (index, name) in [(1, "TOKEN"), (2, "KEY")] {
                    let mut variable = variables.reborrow().get(index);
                    variable.set_name(name);
                    variable.set_credential("token");
                }
            },
        ),
    ];
    check(cases, |edit| files("blog", Path::new("/srv/blog"), edit));
}

#[test]
fn pages_of_links() {
    let cases: &[Case] = &[
        (&[], |_| ()),
        (&[], |config| {
            config.init_build().set_type(BuildType::Treelink);
        }),
        (&[("field-conflict", "build.type")], |mut config| {
            let mut site = config.reborrow().get_site().unwrap();
            site.set_kind(SiteKind::Docs);
            config.init_build().set_type(BuildType::Treelink);
        }),
        (&[("missing", "site.treelink")], |mut config| {
            config.reborrow().init_site().set_id("links");
            config.init_build().set_type(BuildType::Treelink);
        }),
        (&[("missing", "build")], |mut config| {
            config.reborrow().init_site().set_id("links");
        }),
    ];
    check(cases, |edit| page("links", edit));
}

#[test]
fn all_contradictions_are_told_at_once() {
    let cases: &[Case] = &[(
        &[
            ("missing", "build.command"),
            ("credential-misplaced", "build.environment[0].credential"),
            ("missing", "repo"),
        ],
        |mut config| {
            without_source(config.reborrow());
            let mut build = build(config);
            build.set_type(BuildType::Command);
            let mut variable = build.init_environment(1).get(0);
            variable.set_name("TOKEN");
            variable.set_credential("token");
        },
    )];
    check(cases, |edit| files("blog", Path::new("/srv/blog"), edit));
}

#[test]
fn only_id_and_hosting_matter_when_a_site_should_be_absent() {
    let packed = files("blog", Path::new("/srv/blog"), |mut config| {
        without_source(config.reborrow());
        build(config.reborrow()).set_type(BuildType::Command);
        let mut domains = config.reborrow().init_domains();
        domains.set_primary("blog.example");
        domains.set_tls(mycelia_spore::model::TlsMode::Acme);
        config.init_lifecycle().set_ensure(Ensure::Absent);
    });
    let desired = desired(&packed).unwrap();
    assert!(desired.recipe.is_none());
    assert_eq!(desired.hosting.names.primary, None);
    assert_eq!(desired.hosting.tls, mycelia_spore::model::TlsMode::Provider);
}

#[test]
fn what_is_paused_is_checked_all_the_same() {
    let packed = files("blog", Path::new("/srv/blog"), |mut config| {
        without_source(config.reborrow());
        config.init_lifecycle().set_ensure(Ensure::Paused);
    });
    assert_eq!(told(&packed), [("missing", "build.outputDir".to_owned())]);
    let packed = files("blog", Path::new("/srv/blog"), |mut config| {
        repo(config.reborrow()).set_subdirectory("site");
        config.init_lifecycle().set_ensure(Ensure::Paused);
    });
    assert_eq!(desired(&packed).unwrap().ensure, Ensure::Paused);
}
