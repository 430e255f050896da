//! Repositories within repositories, where the message asks for them.

use crate::server::Server;
use crate::upstream::Upstream;
use crate::world::{World, repo, secret, told, tree};
use mycelia_spore::edge::{EdgeError, EdgeErrorKind};
use mycelia_spore::model::Repo;
use mycelia_spore::source::{Checkout, Limits, Sources};
use std::fs;

fn with_submodules() -> Repo {
    Repo {
        submodules: true,
        ..repo("o/r")
    }
}

/// An entry of `.gitmodules`.
fn section(path: &str, url: &str) -> String {
    format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n")
}

#[test]
fn submodules_are_written_where_they_belong() {
    let world = World::new();
    let inner = world
        .upstream("x/inner")
        .commit("main", &[("100644", "c", "3")]);
    let middle = world.upstream("o/middle").commit(
        "main",
        &[
            ("100644", "b", "2"),
            (
                "100644",
                ".gitmodules",
                &section("deep/inner", "../../x/inner.git"),
            ),
            ("160000", "deep/inner", &inner),
        ],
    );
    let server = Server::closed(&world.root(), "x-access-token", "token");
    let absolute = format!("{}/x/inner.git", server.address());
    let modules = [section("m", "../middle.git"), section("n/i", &absolute)].concat();
    world.upstream("o/r").commit(
        "main",
        &[
            ("100644", "a", "1"),
            ("100644", ".gitmodules", &modules),
            ("160000", "m", &middle),
            ("160000", "n/i", &inner),
            ("120000", "link", "m/deep/inner/c"),
        ],
    );
    let sources = world.sources(&server);
    let token = secret("token");
    let checkout = world
        .get(&sources, &with_submodules(), Some(&token))
        .unwrap();
    let mut files = tree(&checkout.root);
    files.retain(|path, _| !path.ends_with(".gitmodules"));
    let paths: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(paths, ["a", "link", "m/b", "m/deep/inner/c", "n/i/c"]);
    assert_eq!(files["m/deep/inner/c"], "3");
    assert_eq!(checkout.files, 7);

    // Unless they are asked for they are empty folders.
    let checkout = world.get(&sources, &repo("o/r"), Some(&token)).unwrap();
    assert_eq!(tree(&checkout.root)["m"], "(empty)");

    let mut settings = world.settings(&server.address());
    settings.limits = Limits {
        submodules: 2,
        ..Limits::default()
    };
    let few = Sources::new(settings).unwrap();
    let error = world
        .get(&few, &with_submodules(), Some(&token))
        .unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    rejected at repo.submodules: the repository http://HOST/o/r.git has too many submodules
    -
    ");
}

/// A tree with such a `.gitmodules` and a submodule at this path is asked for.
fn attack(world: &World, modules: &str, path: &str) -> Result<Checkout, EdgeError> {
    let module = world
        .upstream("o/m")
        .commit("main", &[("100644", "b", "2")]);
    let upstream = Upstream::new(&world.root(), "o/r");
    let file = upstream.blob(modules);
    let tree = upstream.raw_tree(&[("100644", ".gitmodules", &file), ("160000", path, &module)]);
    upstream.commit_tree("main", &tree);
    let server = Server::open(&world.root());
    world.get(&world.sources(&server), &with_submodules(), None)
}

#[test]
fn addresses_of_submodules_are_held_to_the_same_rules() {
    let world = World::new();
    let touched = world.path("touched");
    let touch = format!("ext::sh -c touch% {}", touched.display());
    let local = format!("file://{}", world.root().join("o/m.git").display());
    let plain = world.root().join("o/m.git").display().to_string();
    for (url, kind) in [
        (&*touch, EdgeErrorKind::Rejected),
        (&*local, EdgeErrorKind::Forbidden),
        (&*plain, EdgeErrorKind::Rejected),
        ("git@github.com:o/m.git", EdgeErrorKind::Rejected),
        (
            "ssh://-oProxyCommand=touch/o/m.git",
            EdgeErrorKind::Rejected,
        ),
        ("--upload-pack=touch", EdgeErrorKind::Rejected),
        ("../../../../m.git", EdgeErrorKind::Rejected),
    ] {
        let world = World::new();
        let error = attack(&world, &section("m", url), "m").unwrap_err();
        assert_eq!(error.kind, kind, "{url}: {}", error.full());
        assert_eq!(fs::read_dir(world.path("out")).unwrap().count(), 0);
    }
    assert!(!touched.exists());
}

#[test]
fn a_command_that_gitmodules_names_is_not_run() {
    let world = World::new();
    let touched = world.path("touched");
    let modules = format!(
        "{}\tupdate = !touch {}\n",
        section("m", "../m.git"),
        touched.display()
    );
    let error = attack(&world, &modules, "m").unwrap_err();
    // Git's own check of objects refuses it before anything else could.
    assert_eq!(
        (error.kind, error.path),
        (EdgeErrorKind::Rejected, "repo.slug")
    );
    assert!(
        error.full().contains("gitmodulesUpdate"),
        "{}",
        error.full()
    );
    assert!(!touched.exists());
}

#[test]
fn a_carriage_return_in_a_path_leads_nowhere() {
    // CVE-2025-48384: written to a settings file and read back, the path lost its end and led elsewhere.
    for (path, written) in [
        ("m\r", "\"m\r\""),
        ("m\n", "\"m\\n\""),
        ("a\u{1}", "a\u{1}"),
    ] {
        let world = World::new();
        let modules = format!("[submodule \"m\"]\n\tpath = {written}\n\turl = ../m.git\n");
        let error = attack(&world, &modules, path).unwrap_err();
        assert_eq!(error.kind, EdgeErrorKind::Rejected, "{}", error.full());
        assert!(
            error.full().contains("is not a path that may be written"),
            "{}",
            error.full()
        );
    }
}

#[test]
fn a_submodule_without_an_address_is_told_and_one_that_is_not_wanted_left_out() {
    let world = World::new();
    let error = attack(&world, &section("other", "../m.git"), "m").unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    rejected at repo.submodules: the submodule m has no address in .gitmodules
    -
    ");
    let world = World::new();
    let modules = format!("{}\tupdate = none\n", section("m", "../m.git"));
    let checkout = attack(&world, &modules, "m").unwrap();
    assert_eq!(tree(&checkout.root)["m"], "(empty)");
}

#[test]
fn repositories_that_hold_each_other_come_to_an_end() {
    let world = World::new();
    let upstream = world.upstream("o/r");
    let mut newest = upstream.commit("main", &[("100644", "a", "1")]);
    for _ in 0..10 {
        let modules = section("m", "../r.git");
        newest = upstream.commit(
            "main",
            &[
                ("100644", ".gitmodules", &modules),
                ("160000", "m", &newest),
            ],
        );
    }
    let server = Server::open(&world.root());
    let error = world
        .get(&world.sources(&server), &with_submodules(), None)
        .unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    rejected at repo.submodules: the repository http://HOST/o/r.git has too many submodules
    -
    ");
    assert_eq!(
        fs::read_dir(world.path("out")).unwrap().count(),
        0,
        "{newest}"
    );
}
