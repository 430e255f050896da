//! What is fetched, and how much of it.

use crate::server::Server;
use crate::upstream::Upstream;
use crate::world::{TRANSIENT, World, branch, commit, history, repo, told, tree};
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::model::{AbsolutePath, CommitId, Parse, RelativePath, Repo, RepoPlace};
use mycelia_spore::source::{Protocol, Protocols, Sources};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

fn files(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(path, text)| ((*path).into(), (*text).into()))
        .collect()
}

#[test]
fn a_branch_is_found_and_written_out() {
    let world = World::new();
    let upstream = world.upstream("o/r");
    let main = upstream.commit(
        "main",
        &[("100644", "a.txt", "one\n"), ("100755", "bin/x", "#!")],
    );
    let next = upstream.commit("next/1", &[("100644", "b.txt", "two")]);
    let server = Server::open(&world.root());
    let sources = world.sources(&server);

    let mut repo = repo("o/r");
    let found = sources.resolve(&repo, None).unwrap();
    assert_eq!(
        (found.id.as_str(), found.branch.clone()),
        (&*main, Some(branch("main")))
    );
    let into = world.place();
    let checkout = sources.check_out(&repo, &found, None, &into).unwrap();
    assert_eq!(tree(&into), files(&[("a.txt", "one\n"), ("bin/x", "#!")]));
    let mode = |path| fs::metadata(into.join(path)).unwrap().permissions().mode() & 0o111;
    assert_eq!((mode("a.txt"), mode("bin/x")), (0, 0o111));
    assert_eq!((checkout.root, checkout.site), (into.clone(), into));
    assert_eq!(
        (checkout.files, checkout.bytes, checkout.committed),
        (2, 6, 1_700_000_000)
    );

    repo.branch = Some(branch("next/1"));
    let found = sources.resolve(&repo, None).unwrap();
    assert_eq!(
        (found.id.as_str(), found.branch),
        (&*next, Some(branch("next/1")))
    );
    assert_eq!(fs::read_dir(world.cache().join("run")).unwrap().count(), 0);
}

#[test]
fn a_subdirectory_is_the_site_and_the_rest_lies_around_it() {
    let world = World::new();
    let upstream = world.upstream("o/r");
    upstream.commit(
        "main",
        &[
            ("100644", "sites/a/index.html", "a"),
            ("100644", "lib/b", "b"),
        ],
    );
    let server = Server::open(&world.root());
    let sources = world.sources(&server);
    let mut repo = repo("o/r");
    repo.subdirectory = Some(RelativePath::parse("sites/a").unwrap());
    let checkout = world.get(&sources, &repo, None).unwrap();
    assert_eq!(checkout.site, checkout.root.join("sites/a"));
    assert!(checkout.root.join("lib/b").exists());

    repo.subdirectory = Some(RelativePath::parse("lib/b").unwrap());
    let into = world.place();
    let found = sources.resolve(&repo, None).unwrap();
    let error = sources.check_out(&repo, &found, None, &into).unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    rejected at repo.subdirectory: the repository http://HOST/o/r.git has no directory lib/b
    -
    ");
    assert!(!into.exists());
}

#[test]
fn what_was_resolved_is_fetched_though_the_branch_moves() {
    let world = World::new();
    let upstream = world.upstream("o/r");
    let old = upstream.commit("main", &[("100644", "a", "old")]);
    let server = Server::open(&world.root());
    let sources = world.sources(&server);
    let found = sources.resolve(&repo("o/r"), None).unwrap();
    upstream.commit("main", &[("100644", "a", "new")]);
    let checkout = sources
        .check_out(&repo("o/r"), &found, None, &world.place())
        .unwrap();
    assert_eq!(checkout.commit.as_str(), old);
    assert_eq!(tree(&checkout.root), files(&[("a", "old")]));
}

#[test]
fn a_pinned_commit_that_was_fetched_needs_no_connection() {
    let world = World::new();
    let upstream = world.upstream("o/r");
    let pinned = upstream.commit("main", &[("100644", "a", "1")]);
    upstream.commit("main", &[("100644", "a", "2")]);
    let server = Server::open(&world.root());
    let sources = world.sources(&server);
    let mut repo = repo("o/r");
    // However it is spelled.
    repo.revision = Some(CommitId::parse(&pinned.to_uppercase()).unwrap());
    world.get(&sources, &repo, None).unwrap();
    let asked = server.log().len();
    world.get(&sources, &repo, None).unwrap();
    assert_eq!(server.log().len(), asked);
    drop(server);

    let checkout = world.get(&sources, &repo, None).unwrap();
    assert_eq!(tree(&checkout.root), files(&[("a", "1")]));
    repo.revision = None;
    let error = sources.resolve(&repo, None).unwrap_err();
    assert_eq!((error.kind, error.path), (TRANSIENT, "repo.slug"));
    assert!(
        error.full().contains("Failed to connect"),
        "{}",
        error.full()
    );
}

/// Five commits in a row.
fn five(world: &World) -> Upstream {
    let upstream = world.upstream("o/r");
    for number in 1..=5 {
        upstream.commit("main", &[("100644", "a", &number.to_string())]);
    }
    upstream
}

fn deep(depth: u32) -> Repo {
    Repo {
        depth,
        ..repo("o/r")
    }
}

#[test]
fn history_is_as_deep_as_asked_for() {
    let world = World::new();
    five(&world);
    let server = Server::open(&world.root());
    for (depth, commits) in [(1, 1), (3, 3), (0, 5), (9, 5)] {
        let world = World::new();
        let checkout = world
            .get(&world.sources(&server), &deep(depth), None)
            .unwrap();
        assert_eq!(history(&checkout), commits, "depth {depth}");
    }
}

#[test]
fn a_cache_is_deepened_where_it_is_too_shallow_and_only_there() {
    let world = World::new();
    let upstream = five(&world);
    let server = Server::open(&world.root());
    let sources = world.sources(&server);
    for (depth, commits, fetches) in [
        (1, 1, 1),
        (3, 3, 2),
        (2, 3, 2),
        (0, 5, 3),
        (4, 5, 3),
        (1, 5, 3),
    ] {
        let checkout = world.get(&sources, &deep(depth), None).unwrap();
        assert_eq!(
            (history(&checkout), server.fetches()),
            (commits, fetches),
            "depth {depth}"
        );
    }
    upstream.commit("main", &[("100644", "a", "6")]);
    assert_eq!(history(&world.get(&sources, &deep(1), None).unwrap()), 1);
    assert_eq!(history(&world.get(&sources, &deep(0), None).unwrap()), 6);
}

#[test]
fn a_repository_with_sha256_names_is_fetched() {
    let world = World::new();
    let upstream = Upstream::with_format(&world.root(), "o/r", "sha256");
    let newest = upstream.commit("main", &[("100644", "a", "1")]);
    let server = Server::open(&world.root());
    let checkout = world
        .get(&world.sources(&server), &repo("o/r"), None)
        .unwrap();
    assert_eq!((checkout.commit.as_str(), newest.len()), (&*newest, 64));
    assert_eq!(tree(&checkout.root), files(&[("a", "1")]));
}

#[test]
fn what_is_not_there_is_told() {
    let world = World::new();
    let upstream = world.upstream("o/r");
    let newest = upstream.commit("main", &[("100644", "a", "1")]);
    world.upstream("o/empty");
    let server = Server::open(&world.root());
    let sources = world.sources(&server);
    let resolve = |repo: &Repo| told(&sources.resolve(repo, None).unwrap_err());
    insta::assert_snapshot!(resolve(&repo("o/none")), @"
    rejected at repo.slug: the repository http://HOST/o/none.git cannot be found
    check its name, and whether the credential may read it
    ");
    insta::assert_snapshot!(resolve(&repo("o/empty")), @"
    rejected at repo.defaultBranch: the repository http://HOST/o/empty.git has no commit that HEAD names
    -
    ");
    let mut other = repo("o/r");
    other.branch = Some(branch("gone"));
    insta::assert_snapshot!(resolve(&other), @"
    rejected at repo.defaultBranch: the repository http://HOST/o/r.git has no branch gone
    -
    ");

    let into = world.place();
    let check_out = |id: &str| {
        let error = sources
            .check_out(&repo("o/r"), &commit(id), None, &into)
            .unwrap_err();
        assert!(!into.exists());
        told(&error)
    };
    insta::assert_snapshot!(check_out(&"1".repeat(40)), @"
    rejected at repo.revision: the repository http://HOST/o/r.git does not have the commit
    check that it was pushed and not removed since
    ");
    let tree = upstream.git(&["rev-parse", "main^{tree}"], b"");
    insta::assert_snapshot!(check_out(&tree), @"
    rejected at repo.revision: dec00055d1aeef644597adecb6680d94b5ed075f is a tree of the repository http://HOST/o/r.git, not a commit
    -
    ");
    upstream.git(&["tag", "-a", "-m", "v1", "v1", &newest], b"");
    let tag = upstream.git(&["rev-parse", "v1"], b"");
    insta::assert_snapshot!(check_out(&tag), @"
    rejected at repo.revision: 0159cfdb1b60de75bcce2b98f4b4478d29c4fa62 is a tag of the repository http://HOST/o/r.git, not a commit
    -
    ");
}

#[test]
fn a_directory_is_no_repository_and_a_full_folder_no_place() {
    let world = World::new();
    world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let server = Server::open(&world.root());
    let sources = world.sources(&server);
    let mut other = repo("o/r");
    other.place = RepoPlace::Directory(AbsolutePath::parse("/srv").unwrap());
    insta::assert_snapshot!(told(&sources.resolve(&other, None).unwrap_err()), @"
    unsupported at repo.provider: the source is no git repository
    -
    ");

    let found = sources.resolve(&repo("o/r"), None).unwrap();
    let into = world.place();
    fs::create_dir(&into).unwrap();
    fs::write(into.join("mine"), "").unwrap();
    assert!(
        sources
            .check_out(&repo("o/r"), &found, None, &into)
            .is_err()
    );
    assert_eq!(tree(&into), files(&[("mine", "")]));
}

/// `git daemon` on a free port, ended when it is dropped.
struct Daemon {
    child: Child,
    port: u16,
    _log: BufReader<ChildStderr>,
}

impl Daemon {
    fn start(world: &World) -> Self {
        let programs = Command::new("git")
            .arg("--exec-path")
            .output()
            .unwrap()
            .stdout;
        let programs = PathBuf::from(String::from_utf8(programs).unwrap().trim());
        // It cannot choose a port itself: one that is free a moment before is tried until it is had.
        loop {
            let port = std::net::TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            // Not by way of `git`, which would stay between and be ended in its stead.
            let mut child = Command::new(programs.join("git-daemon"))
                .args(["--export-all", "--verbose", "--listen=127.0.0.1"])
                .arg(format!("--port={port}"))
                .arg(format!("--base-path={}", world.root().display()))
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut log = BufReader::new(child.stderr.take().unwrap());
            let mut line = String::new();
            log.read_line(&mut line).unwrap();
            if line.contains("Ready to rumble") {
                return Self {
                    child,
                    port,
                    _log: log,
                };
            }
            child.wait().unwrap();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn other_protocols_work_where_they_are_allowed_and_nowhere_else() {
    let world = World::new();
    world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let daemon = Daemon::start(&world);
    let address = format!("git://127.0.0.1:{}", daemon.port);
    let settings = world.settings(&address);
    let sources = Sources::new(settings.clone()).unwrap();
    let checkout = world.get(&sources, &repo("o/r"), None).unwrap();
    assert_eq!(tree(&checkout.root), files(&[("a", "1")]));

    for address in [address, format!("file://{}", world.root().display())] {
        let mut settings = world.settings(&address);
        settings.protocols = Protocols::HTTPS.and(Protocol::Http);
        let sources = Sources::new(settings.clone()).unwrap();
        let error = sources.resolve(&repo("o/r"), None).unwrap_err();
        assert_eq!(
            (error.kind, error.path),
            (EdgeErrorKind::Forbidden, "repo.slug")
        );
        // A commit that is cached is not open to them either.
        let found = commit(checkout.commit.as_str());
        let error = sources
            .check_out(&repo("o/r"), &found, None, &world.place())
            .unwrap_err();
        assert_eq!(error.kind, EdgeErrorKind::Forbidden);
    }
    let mut settings = world.settings(&format!("file://{}", world.root().display()));
    settings.protocols = Protocols::HTTPS.and(Protocol::File);
    world
        .get(&Sources::new(settings).unwrap(), &repo("o/r"), None)
        .unwrap();
}

#[test]
fn a_host_that_stalls_is_given_up_in_time() {
    let world = World::new();
    world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let server = Server::start(&world.root(), |_| crate::server::Reply::Part(10));
    let mut settings = world.settings(&server.address());
    settings.timeout = Duration::from_secs(2);
    let sources = Sources::new(settings).unwrap();
    let begun = Instant::now();
    let error = sources.resolve(&repo("o/r"), None).unwrap_err();
    assert_eq!(error.kind, TRANSIENT);
    assert!(
        error.full().contains("took longer than"),
        "{}",
        error.full()
    );
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert!(!running(&world.cache()), "a git goes on");
}

/// Whether a process works in a folder.
fn running(folder: &std::path::Path) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| fs::read_link(process.path().join("cwd")).ok())
        .any(|cwd| cwd.starts_with(folder))
}
