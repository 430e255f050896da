//! Who gets to see a credential: the repository's host and nobody else.

use crate::server::{Reply, Request, Server, basic};
use crate::world::{World, branch, commit, repo, secret, told, tree};
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::model::{Parse, Repo, RepoPlace, SettingsName, Slug};
use mycelia_spore::source::Sources;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const TOKEN: &str = "ghp_seen-by-nobody-0123456789";

/// A repository with one commit, and its server.
fn closed(world: &World, user: &'static str, password: &'static str) -> Server {
    world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    Server::closed(&world.root(), user, password)
}

fn with_credential() -> Repo {
    Repo {
        credential: Some(SettingsName::parse("mine").unwrap()),
        ..repo("o/r")
    }
}

#[test]
fn a_token_opens_a_repository_as_each_host_wants_it() {
    for (gitlab, user, text) in [
        (false, "x-access-token", TOKEN),
        (true, "oauth2", TOKEN),
        (false, "me", "me:ghp_seen-by-nobody-0123456789"),
    ] {
        let world = World::new();
        let server = closed(&world, user, TOKEN);
        let mut repo = with_credential();
        if gitlab {
            repo.place = RepoPlace::Gitlab(Slug::parse("o/r").unwrap());
        }
        let sources = world.sources(&server);
        let checkout = world.get(&sources, &repo, Some(&secret(text))).unwrap();
        assert_eq!(tree(&checkout.root)["a"], "1");
    }
}

#[test]
fn a_wrong_token_and_none_are_told_apart_from_other_faults() {
    let world = World::new();
    let server = closed(&world, "x-access-token", TOKEN);
    let sources = world.sources(&server);
    let error = sources
        .resolve(&with_credential(), Some(&secret("wrong")))
        .unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    unauthorised at repo.credential: the repository http://HOST/o/r.git does not accept the credential, or wants one
    name a credential that may read the repository; forges also answer so when there is none of that name
    ");
    assert!(
        error.full().contains("Authentication failed"),
        "{}",
        error.full()
    );
    let error = sources.resolve(&repo("o/r"), None).unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    unauthorised at repo.credential: the repository http://HOST/o/r.git does not accept the credential, or wants one
    name a credential that may read the repository; forges also answer so when there is none of that name
    ");
    let found = commit(&"1".repeat(40));
    let error = sources
        .check_out(
            &with_credential(),
            &found,
            Some(&secret("wrong")),
            &world.place(),
        )
        .unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Unauthorised);

    let forbidding = Server::start(&world.root(), |_| Reply::text(403, "no"));
    let error = world
        .sources(&forbidding)
        .resolve(&repo("o/r"), None)
        .unwrap_err();
    assert_eq!(
        (error.kind, error.path),
        (EdgeErrorKind::Unauthorised, "repo.credential")
    );
}

#[test]
fn a_secret_that_is_more_than_a_word_is_refused() {
    let world = World::new();
    let server = closed(&world, "x-access-token", TOKEN);
    let sources = world.sources(&server);
    for text in ["", "a\nhost=evil.example", "a\r", "a\0b"] {
        let error = sources
            .resolve(&with_credential(), Some(&secret(text)))
            .unwrap_err();
        assert_eq!(
            (error.kind, error.path),
            (EdgeErrorKind::Unauthorised, "repo.credential")
        );
    }
    let sources = Sources::new(world.settings("git://127.0.0.1:1")).unwrap();
    let error = sources
        .resolve(&with_credential(), Some(&secret(TOKEN)))
        .unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    unauthorised at repo.credential: the credential of the repository is of no use to a repository that is not reached by https
    -
    ");
    assert_eq!(server.log().len(), 0);
}

/// Where a text is to be seen by others: in what processes were started with, or in files.
fn places_with(text: &str, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let has = |bytes: &[u8]| bytes.windows(text.len()).any(|at| at == text.as_bytes());
    for process in fs::read_dir("/proc").unwrap().flatten() {
        for name in ["cmdline", "environ"] {
            let path = process.path().join(name);
            if fs::read(&path).is_ok_and(|bytes| has(&bytes)) {
                found.push(path.display().to_string());
            }
        }
    }
    for file in walkdir::WalkDir::new(folder).into_iter().flatten() {
        if file.file_type().is_file() && fs::read(file.path()).is_ok_and(|bytes| has(&bytes)) {
            found.push(file.path().display().to_string());
        }
    }
    found
}

#[test]
fn while_it_is_used_a_token_is_in_no_argument_variable_or_file() {
    let world = World::new();
    world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let (seen, used) = (
        Arc::new(Mutex::new(Vec::new())),
        Arc::new(AtomicUsize::new(0)),
    );
    let (places, count, folder) = (Arc::clone(&seen), Arc::clone(&used), world.path(""));
    let server = Server::start(&world.root(), move |request| {
        if request.header("authorization") != Some(&basic("x-access-token", TOKEN)) {
            return Reply::unauthorised();
        }
        count.fetch_add(1, Ordering::SeqCst);
        let pair = basic("x-access-token", TOKEN);
        for text in [TOKEN, pair.trim_start_matches("Basic ")] {
            places.lock().unwrap().extend(places_with(text, &folder));
        }
        Reply::Git
    });
    let sources = world.sources(&server);
    world
        .get(&sources, &with_credential(), Some(&secret(TOKEN)))
        .unwrap();
    assert!(used.load(Ordering::SeqCst) >= 3, "the token was not used");
    assert_eq!(*seen.lock().unwrap(), Vec::<String>::new());
    // Afterwards nothing is left that could answer.
    assert_eq!(places_with(TOKEN, &world.path("")), Vec::<String>::new());
    let socket = world.cache().join("run").display().to_string();
    assert_eq!(
        places_with(&socket, Path::new("/nonexistent")),
        Vec::<String>::new()
    );
    assert_eq!(fs::read_dir(world.cache().join("run")).unwrap().count(), 0);
}

#[test]
fn the_look_for_tokens_sees_those_that_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let text = "shown-to-all-of-us-9876";
    let mut child = std::process::Command::new("sleep")
        .args(["300"])
        .env("X", text)
        .spawn()
        .unwrap();
    fs::write(folder.path().join("file"), format!("a{text}b")).unwrap();
    // The kernel lets `spawn` return a moment before it shows the new program's environment.
    let environ = format!("/proc/{}/environ", child.id());
    while fs::read(&environ).unwrap().is_empty() {
        std::thread::yield_now();
    }
    let found = places_with(text, folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let process = format!("/proc/{}/environ", child.id());
    let file = folder.path().join("file").display().to_string();
    assert!(
        found.contains(&process) && found.contains(&file),
        "{found:?}"
    );
}

/// Requests that brought a credential.
fn credentials(server: &Server) -> usize {
    let with = |request: &&Request| request.header("authorization").is_some();
    server.log().iter().filter(with).count()
}

#[test]
fn a_redirect_does_not_take_the_token_with_it() {
    let world = World::new();
    world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let trap = Server::open(&world.root());
    let address = trap.address();
    // Before and after asking for the token; at the first request and at the second.
    for (authorise, at) in [
        (false, "/info/refs"),
        (true, "/info/refs"),
        (true, "/git-upload-pack"),
    ] {
        let address = address.clone();
        let server = Server::start(&world.root(), move |request| {
            if authorise && request.header("authorization").is_none() {
                Reply::unauthorised()
            } else if request.path.ends_with(at) {
                Reply::redirect(format!("{address}{}?{}", request.path, request.query))
            } else {
                Reply::Git
            }
        });
        let error = world.get(
            &world.sources(&server),
            &with_credential(),
            Some(&secret(TOKEN)),
        );
        let error = error.unwrap_err();
        assert_eq!(
            (error.kind, error.path),
            (EdgeErrorKind::Rejected, "repo.slug"),
            "{}",
            error.full()
        );
        assert!(
            error.message.ends_with("sends us elsewhere"),
            "{}",
            error.full()
        );
        assert_eq!(credentials(&server) > 0, authorise);
        assert_eq!(trap.log().len(), 0, "the redirect at {at} was followed");
    }
}

#[test]
fn another_host_that_asks_for_a_credential_gets_none() {
    let world = World::new();
    world
        .upstream("o/module")
        .commit("main", &[("100644", "b", "2")]);
    let thief = Server::start(&world.root(), |_| Reply::unauthorised());
    let upstream = world.upstream("o/r");
    let module = world
        .upstream("o/module2")
        .commit("main", &[("100644", "b", "2")]);
    let modules = format!(
        "[submodule \"m\"]\n\tpath = m\n\turl = {}/o/module2.git\n",
        thief.address()
    );
    upstream.commit(
        "main",
        &[
            ("100644", ".gitmodules", &modules),
            ("160000", "m", &module),
        ],
    );
    let server = Server::closed(&world.root(), "x-access-token", TOKEN);
    let mut repo = with_credential();
    repo.submodules = true;
    let error = world
        .get(&world.sources(&server), &repo, Some(&secret(TOKEN)))
        .unwrap_err();
    assert_eq!(
        (error.kind, error.path),
        (EdgeErrorKind::Unauthorised, "repo.credential")
    );
    assert!(credentials(&server) > 0 && !thief.log().is_empty());
    assert_eq!(credentials(&thief), 0);
}

#[test]
fn a_token_that_a_host_sends_back_is_not_told_on() {
    let world = World::new();
    world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let server = Server::start(&world.root(), |request| {
        match request.header("authorization") {
            None => Reply::unauthorised(),
            Some(header) => Reply::text(500, format!("you said {header}, that is {TOKEN}\n")),
        }
    });
    let error = world
        .sources(&server)
        .resolve(&with_credential(), Some(&secret(TOKEN)));
    let full = error.unwrap_err().full();
    assert!(
        full.contains("you said Basic (credential), that is (credential)"),
        "{full}"
    );
}

#[test]
fn what_a_credential_fetched_is_not_open_to_who_does_not_name_it() {
    let world = World::new();
    let server = closed(&world, "x-access-token", TOKEN);
    let sources = world.sources(&server);
    let found = sources
        .resolve(&with_credential(), Some(&secret(TOKEN)))
        .unwrap();
    sources
        .check_out(
            &with_credential(),
            &found,
            Some(&secret(TOKEN)),
            &world.place(),
        )
        .unwrap();
    let mut stranger = repo("o/r");
    stranger.revision = Some(found.id.clone());
    stranger.branch = Some(branch("main"));
    let error = world.get(&sources, &stranger, None).unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Unauthorised);
    stranger.credential = Some(SettingsName::parse("other").unwrap());
    let error = world
        .get(&sources, &stranger, Some(&secret("other")))
        .unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Unauthorised);
}
