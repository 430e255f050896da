//! The programs that fetching stands on: what is said when they are missing or too old.
//!
//! What is installed is told to a process by its `PATH`, so each case runs in a process of its own.

use crate::server::Server;
use crate::world::{World, repo, told};
use mycelia_spore::model::Repo;
use mycelia_spore::source::{Sources, SourcesSettings};
use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an ignored test of this program says when its programs are those of a folder.
fn with_programs(folder: &Path, name: &str) -> String {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env("PATH", folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let told = text.lines().filter_map(|line| line.split_once("TOLD "));
    told.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

/// Says something past the test harness to the process that started this one.
fn tell(text: &str) {
    use std::io::Write as _;
    for line in text.lines() {
        writeln!(std::io::stdout().lock(), "\nTOLD {line}").unwrap();
    }
}

#[test]
fn a_git_that_is_missing_or_too_old_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let start = || with_programs(folder.path(), "installed::starting");
    insta::assert_snapshot!(start(), @"
    unsupported at : git is not installed
    install git, as by: apt-get install git
    ");
    let git = folder.path().join("git");
    for (version, works) in [
        ("2.39.0", false),
        ("2.31.8", false),
        ("none", false),
        ("2.39.1", true),
    ] {
        fs::write(&git, format!("#!/bin/sh\necho git version {version}\n")).unwrap();
        fs::set_permissions(&git, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(start() == "ready", works, "{version}: {}", start());
    }
    fs::write(&git, "#!/bin/sh\necho git version 2.39.0\n").unwrap();
    insta::assert_snapshot!(start(), @r#"
    unsupported at : git 2.39.1 or newer is needed; installed is "git version 2.39.0"
    older ones run code of the trees they write out (CVE-2022-23521)
    "#);
}

#[test]
#[ignore = "run by the test above with programs of its own"]
fn starting() {
    let world = World::new();
    match Sources::new(SourcesSettings::new(world.cache())) {
        Ok(_) => tell("ready"),
        Err(error) => tell(&told(&error)),
    }
}

/// Where a program of this process's `PATH` lies.
fn program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap();
    let mut places = env::split_paths(&path).map(|folder| folder.join(name));
    places.find(|place| place.is_file()).unwrap()
}

#[test]
fn lfs_wants_its_program_when_there_is_a_pointer() {
    let folder = tempfile::tempdir().unwrap();
    symlink(program("git"), folder.path().join("git")).unwrap();
    insta::assert_snapshot!(with_programs(folder.path(), "installed::fetching_lfs"), @"
    unsupported at repo.lfs: git-lfs is not installed
    install git-lfs, as by: apt-get install git-lfs
    ");
}

#[test]
#[ignore = "run by the test above with programs of its own"]
fn fetching_lfs() {
    let world = World::new();
    let upstream = world.upstream("o/r");
    upstream.commit("main", &[("100644", "a", "no pointer")]);
    let server = Server::open(&world.root());
    let repo = Repo {
        lfs: true,
        ..repo("o/r")
    };
    let sources = world.sources(&server);
    world.get(&sources, &repo, None).unwrap();
    let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 5\n");
    upstream.commit("main", &[("100644", "b", &pointer)]);
    tell(&told(&world.get(&sources, &repo, None).unwrap_err()));
}
