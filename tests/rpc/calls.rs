//! What each call answers.

use crate::daemon::{Daemon, lines, until};
use crate::world::{World, with};
use crate::{ask, message, spooled, start};
use insta::assert_snapshot;
use mycelia_spore::model::{Parse, SiteId};
use mycelia_spore::reconcile::SiteOrder;
use mycelia_spore::report::{Outcome, Report};
use mycelia_spore::rpc::{Asking, CallError, Told, What};
use mycelia_spore::schema::daemon_capnp::Activity;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::sync::mpsc;
use std::thread;

fn site(id: &str) -> SiteId {
    SiteId::parse(id).unwrap()
}

async fn apply(daemon: &Asking, document: &Value) -> Result<Report, CallError> {
    let message = message(document);
    daemon.apply(message.get_root().unwrap()).await
}

async fn plan(daemon: &Asking, document: &Value) -> Result<Report, CallError> {
    let message = message(document);
    daemon.plan(message.get_root().unwrap()).await
}

#[test]
fn a_message_is_planned_applied_and_found_again() {
    let world = World::new();
    let running = start(&world, &[]);
    let blog = world.site("blog", "hello");
    let (planned, applied, again, status) = ask(&world, async |daemon| {
        Ok((
            plan(&daemon, &blog).await?,
            apply(&daemon, &blog).await?,
            apply(&daemon, &blog).await?,
            daemon.status(None).await?,
        ))
    })
    .unwrap();
    assert_eq!(planned.outcome, Outcome::Planned);
    assert_eq!(applied.outcome, Outcome::Applied);
    assert_eq!(applied.steps.len(), planned.steps.len());
    assert!(applied.release.is_some());
    assert_eq!(again.outcome, Outcome::Unchanged);
    assert_eq!(
        lines(&running.reports(2)),
        ["1 blog applied", "2 blog unchanged"]
    );
    assert_eq!(status.pid, running.pid());
    assert_eq!(status.sites.len(), 1);
    assert_eq!(status.sites["blog"].activity, Activity::Resting);
    assert!(!status.sites["blog"].unfinished);
    assert!(
        status.sites["blog"].until.is_some(),
        "the next look is due some time"
    );
}

#[test]
fn calls_are_answered_as_they_are_done_and_none_is_lost() {
    const SITES: usize = 40;
    const ROUNDS: usize = 25;
    let world = World::new();
    let _running = start(&world, &[]);
    let documents: Vec<Value> = (0..SITES)
        .map(|number| world.site(&format!("site-{number}"), "text"))
        .collect();
    let reports = ask(&world, async |daemon| {
        let calls = (0..ROUNDS * SITES).map(|number| apply(&daemon, &documents[number % SITES]));
        Ok(futures_util::future::join_all(calls).await)
    })
    .unwrap();
    let mut numbers = Vec::new();
    for report in reports {
        let report = report.unwrap();
        assert!(report.converged(), "{report:?}");
        numbers.push(report.seq);
    }
    numbers.sort_unstable();
    let all: Vec<u64> = (1..=(ROUNDS * SITES) as u64).collect();
    assert_eq!(numbers, all);
}

#[test]
fn what_is_wrong_with_a_message_is_its_report() {
    let world = World::new();
    let _running = start(&world, &[]);
    let missing = world.site("blog", "hello");
    let outside = with(
        missing.clone(),
        "repo",
        json!({ "provider": "directory", "path": "/" }),
    );
    let (empty, outside) = ask(&world, async |daemon| {
        let mut empty = capnp::message::Builder::new_default();
        let root: mycelia_spore::schema::spore_capnp::spore_config::Builder<'_> = empty.init_root();
        let empty = daemon.apply(root.into_reader()).await?;
        Ok((empty, apply(&daemon, &outside).await?))
    })
    .unwrap();
    assert_eq!(empty.outcome, Outcome::Invalid);
    assert_eq!(empty.faults[0].code, "message-empty");
    assert_eq!(outside.outcome, Outcome::Refused, "{:?}", outside.faults);
}

#[test]
fn who_may_not_change_a_site_does_not_see_it_either() {
    let world = World::new();
    let uid = rustix::process::getuid().as_raw();
    world.write(
        "settings.toml",
        format!("[[streams.access]]\nuid = {uid}\nsites = [\"blog-*\"]\n"),
    );
    let running = start(&world, &["--settings", "settings.toml"]);
    let other = world.site("docs", "hello");
    spooled::send(&world, "message", &other);
    assert_eq!(lines(&[running.report()]), ["1 docs applied"]);
    let (refused, allowed, order, status, watch) = ask(&world, async |daemon| {
        let docs = site("docs");
        Ok((
            apply(&daemon, &other).await?,
            apply(&daemon, &world.site("blog-a", "hello")).await?,
            daemon.order(&docs, &SiteOrder::Forget).await?,
            daemon.status(None).await?,
            daemon.watch(Some(&docs), |_| true).await.unwrap_err(),
        ))
    })
    .unwrap();
    assert_eq!(refused.outcome, Outcome::Refused);
    assert_eq!(refused.faults[0].code, "access-denied");
    assert_eq!(allowed.outcome, Outcome::Applied);
    assert_eq!(order.outcome, Outcome::Refused);
    assert_eq!(status.sites.keys().collect::<Vec<_>>(), ["blog-a"]);
    assert_eq!(
        watch.to_string(),
        format!(
            "site.id: user {uid} (group {}) may not change site docs",
            rustix::process::getgid().as_raw()
        )
    );
    // The operator's own socket knows no such rules.
    let all = mycelia_spore::rpc::ask(&world.path("state/control.sock"), async |daemon| {
        daemon.status(None).await
    });
    assert_eq!(all.unwrap().sites.len(), 2);
}

/// What happens to a site, in a word each.
fn word(told: &Told) -> &'static str {
    match &told.what {
        What::Accepted { .. } => "accepted",
        What::Started { .. } => "started",
        What::Progress(_) => "progress",
        What::Step(_) => "step",
        What::Retrying { .. } => "retrying",
        What::Reported(_) => "reported",
        What::Noticed { .. } => "noticed",
        What::Circuit { .. } => "circuit",
        What::Forgotten => "forgotten",
        What::Draining => "draining",
        What::Missed(_) => "missed",
        What::Unknown => "unknown",
    }
}

#[test]
fn who_watches_a_site_is_told_what_happens_to_it_and_to_no_other() {
    let world = World::new();
    let running = start(&world, &[]);
    let (sender, told) = mpsc::channel::<Told>();
    let socket = world.path("rpc");
    let watching = thread::spawn(move || {
        mycelia_spore::rpc::ask(&socket, async move |daemon| {
            let tell = move |told| sender.send(told).is_ok();
            daemon.watch(Some(&site("blog")), tell).await
        })
    });
    // Messages until the watch is there.
    let (mut round, mut seen) = (0, Vec::new());
    while seen.is_empty() {
        round += 1;
        ask(&world, async |daemon| {
            apply(&daemon, &world.site("other", &round.to_string())).await?;
            apply(&daemon, &world.site("blog", &round.to_string())).await
        })
        .unwrap();
        seen.extend(told.try_iter());
    }
    while seen.last().map(word) != Some("reported") {
        seen.push(told.recv_timeout(crate::daemon::PATIENCE).unwrap());
    }
    assert!(seen.iter().all(|told| told.site == Some(site("blog"))));
    let mut words: Vec<&str> = seen.iter().map(word).collect();
    words.dedup();
    assert_snapshot!(words.join(" "), @"accepted started step reported");
    let (code, _, log) = running.stop(Signal::TERM);
    assert_eq!(code, Some(0), "{log}");
    watching.join().unwrap().unwrap();
}

#[test]
fn a_call_that_has_no_report_when_the_daemon_ends_is_told_so() {
    let world = World::new();
    // Nobody listens there: what can pass is tried again.
    world.write(
        "settings.toml",
        "[cloudflare]\napi-base-url = \"http://127.0.0.1:9\"\n",
    );
    let arguments = ["--source-root", "sites", "--rpc", "unix:rpc"];
    let mut command = spooled::command(&world, &arguments);
    command.env("CLOUDFLARE_API_TOKEN", "token");
    command.env("CLOUDFLARE_ACCOUNT_ID", "023e105f4ecef8ad9ca31a8372d0c353");
    let child = command.spawn().unwrap();
    let running = Daemon::of(&world, child, &["rpc"]);
    let hosting = json!({ "provider": "cloudflarePages" });
    let document = with(world.site("blog", "one"), "hosting", hosting);
    let socket = world.path("rpc");
    let call = thread::spawn(move || {
        mycelia_spore::rpc::ask(&socket, async move |daemon| apply(&daemon, &document).await)
    });
    until("it is tried again", || {
        let status = ask(&world, async |daemon| daemon.status(None).await).unwrap();
        let site = status.sites.get("blog");
        site.is_some_and(|site| site.activity == Activity::Retrying)
    });
    let (code, _, log) = running.stop(Signal::TERM);
    assert_eq!(code, Some(0), "{log}");
    let error = call.join().unwrap().unwrap_err();
    assert_snapshot!(error, @"the daemon went away: remote exception: the daemon ends; what it accepted is carried out by the next one");
    assert!(!world.path("rpc").exists() && !world.path("state/control.sock").exists());
    // The next daemon knows of it.
    let _running = start(&world, &[]);
    let status = ask(&world, async |daemon| daemon.status(None).await).unwrap();
    assert!(status.sites.contains_key("blog"));
}

#[test]
fn one_who_sends_nonsense_or_hangs_up_troubles_nobody() {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    let world = World::new();
    let running = start(&world, &[]);
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0; 7], b""] {
        let mut connection = UnixStream::connect(world.path("rpc")).unwrap();
        connection.write_all(bytes).unwrap();
        connection.shutdown(std::net::Shutdown::Write).unwrap();
        drop(connection.read_to_end(&mut Vec::new()));
    }
    let files = || {
        fs::read_dir(format!("/proc/{}/fd", running.pid()))
            .unwrap()
            .count()
    };
    let before = files();
    for _ in 0..200 {
        drop(UnixStream::connect(world.path("rpc")).unwrap());
    }
    let report = ask(&world, async |daemon| {
        apply(&daemon, &world.site("blog", "x")).await
    });
    assert_eq!(report.unwrap().outcome, Outcome::Applied);
    until("no descriptor is left open", || files() <= before + 1);
}

#[test]
fn who_watches_is_told_what_a_build_does() {
    if !crate::tools::on_path("bwrap", "that builds are told of while they run") {
        return;
    }
    let world = World::new();
    let _running = start(&world, &[]);
    let (sender, told) = mpsc::channel::<String>();
    let socket = world.path("rpc");
    thread::spawn(move || {
        mycelia_spore::rpc::ask(&socket, async move |daemon| {
            let tell = move |told: Told| match told.what {
                What::Progress(line) => sender.send(line).is_ok(),
                _ => true,
            };
            daemon.watch(None, tell).await
        })
    });
    // Messages until the watch is there.
    let mut seen: Vec<String> = Vec::new();
    for round in 1.. {
        let mut message = world.site("blog", "source");
        let command = format!("mkdir out; echo {round} > out/index.html");
        message["build"] = json!({
            "type": "command", "command": [command], "shell": true, "outputDir": "out",
        });
        let report = ask(&world, async |daemon| apply(&daemon, &message).await).unwrap();
        assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.faults);
        seen.extend(told.try_iter());
        if seen.iter().any(|line| line.starts_with("built in ")) {
            break;
        }
        assert!(round < 100, "{seen:?}");
    }
    let command = seen.iter().find(|line| line.contains("mkdir out"));
    assert!(command.is_some(), "{seen:?}");
}
