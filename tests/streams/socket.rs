//! A Unix socket.

use crate::daemon::{Daemon, PATIENCE, lines, message, until};
use crate::world::{World, stream};
use insta::assert_snapshot;
use mycelia_spore::report::Report;
use mycelia_spore::stream::{Replies, Target, Writer};
use rustix::process::{Signal, getgid, getuid};
use serde_json::json;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

const SOURCE: [&str; 2] = ["--source", "unix:socket"];

fn daemon(world: &World) -> Daemon<'_> {
    Daemon::start(world, &SOURCE, &["socket"])
}

fn connect(world: &World) -> UnixStream {
    UnixStream::connect(world.path("socket")).unwrap()
}

fn open(world: &World) -> (Writer, Replies) {
    let target = Target::Unix(world.path("socket"));
    let (writer, replies) = target.open(true).unwrap();
    (writer, replies.unwrap())
}

/// Number, site and outcome of reports that came back.
fn told(replies: impl Iterator<Item = Report>) -> Vec<String> {
    by_number(replies)
        .into_iter()
        .map(|report| {
            let outcome = mycelia_spore::schema::enumerant_name(report.outcome);
            let site = report.site.map_or("-".into(), |site| site.to_string());
            format!("{} {site} {outcome}", report.seq)
        })
        .collect()
}

/// Replies by number: they come as they are done.
fn by_number(replies: impl Iterator<Item = Report>) -> Vec<Report> {
    let mut replies: Vec<_> = replies.collect();
    replies.sort_by_key(|report| report.seq);
    replies
}

#[test]
fn many_connections_are_answered_each_by_its_own_count() {
    let world = World::new();
    let daemon = daemon(&world);
    let open: Vec<_> = (0..40).map(|_| open(&world)).collect();
    // All are connected; the last one speaks first.
    for (number, (mut writer, replies)) in open.into_iter().enumerate().rev() {
        let site = format!("site-{number}");
        let messages = [message(&world, &site), message(&world, &site)];
        writer.send(&messages[0]).unwrap();
        let mut replies = replies.map(Result::unwrap);
        assert_eq!(
            told(replies.by_ref().take(1)),
            [format!("1 {site} applied")]
        );
        writer.send(&messages[1]).unwrap();
        writer.end().unwrap();
        assert_eq!(told(replies), [format!("2 {site} unchanged")]);
    }
    assert_eq!(daemon.told(80).len(), 80);
    let (code, _, log) = daemon.stop(Signal::TERM);
    assert_eq!((code, &*log), (Some(0), ""));
    assert!(!world.path("socket").exists(), "the socket goes with it");
}

#[test]
fn a_connection_that_asks_for_nothing_is_answered_nothing() {
    let world = World::new();
    let daemon = daemon(&world);
    let mut connection = connect(&world);
    connection.write_all(&message(&world, "a")).unwrap();
    assert_eq!(daemon.report()["outcome"], "applied");
    connection.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    connection.read_to_end(&mut back).unwrap();
    assert_eq!(back, b"");
}

#[test]
fn a_torn_message_ends_its_own_connection_only() {
    let world = World::new();
    let daemon = daemon(&world);
    let (a, b) = (message(&world, "a"), message(&world, "b"));
    let (mut other, other_replies) = open(&world);
    let (mut torn, torn_replies) = open(&world);
    torn.send(&a).unwrap();
    torn.send(&b[..b.len() - 1]).unwrap();
    torn.end().unwrap();
    let reports = by_number(torn_replies.map(Result::unwrap));
    let fault = &reports[1].faults[0];
    assert_eq!(fault.code, "stream-framing");
    let place = format!("message 2 at byte {}: ", a.len());
    assert!(fault.message.contains(&place), "{fault}");
    assert_eq!(told(reports.into_iter()), ["1 a applied", "2 - invalid"]);
    other.send(&b).unwrap();
    other.end().unwrap();
    assert_eq!(told(other_replies.map(Result::unwrap)), ["1 b applied"]);
    drop(daemon);
}

#[test]
fn what_is_no_message_is_told_and_the_connection_closed() {
    let world = World::new();
    let daemon = daemon(&world);
    let mut connection = connect(&world);
    connection.write_all(b"mycelia-spore dance now\n").unwrap();
    // Closed by the daemon, not by us.
    connection.read_to_end(&mut Vec::new()).ok();
    let report = daemon.report();
    assert_eq!(report["error"]["code"], "stream-io");
    let told = report["error"]["message"].as_str().unwrap();
    assert!(
        told.contains("begins with a line that is not known"),
        "{told}"
    );
    let mut connection = connect(&world);
    connection.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(daemon.report()["error"]["code"], "stream-framing");
}

#[test]
fn the_mode_is_set_before_anybody_can_connect_and_may_be_chosen() {
    let world = World::new();
    let mode = || {
        let found = fs::metadata(world.path("socket")).unwrap();
        found.permissions().mode() & 0o777
    };
    let first = daemon(&world);
    assert_eq!(mode(), 0o600);
    first.stop(Signal::TERM);
    world.write("settings.toml", "[streams]\nsocket-mode = \"0666\"\n");
    let arguments = [&SOURCE[..], &["--settings", "settings.toml"]].concat();
    let _second = Daemon::start(&world, &arguments, &["socket"]);
    assert_eq!(mode(), 0o666);
}

#[test]
fn the_socket_of_a_dead_process_is_replaced_and_that_of_a_live_one_is_not() {
    let world = World::new();
    let first = daemon(&world);
    let run = |state: &str| {
        let arguments = ["run", "--state-dir", state, "--source", "unix:socket"];
        world.spore(&arguments, b"").told()
    };
    let told = run("other").replace(&first.pid().to_string(), "[PID]");
    assert_snapshot!(told, @"
    exit: 1
    --- err
    error: socket is in use by process [PID]
    ");
    first.stop(Signal::KILL);
    assert!(world.path("socket").exists());
    let second = daemon(&world);
    let (mut writer, replies) = open(&world);
    writer.send(&message(&world, "a")).unwrap();
    writer.end().unwrap();
    assert_eq!(told_all(replies), ["1 a applied"]);
    second.stop(Signal::TERM);
    // One that does not get round to accepting is alive as well.
    let busy = UnixListener::bind(world.path("socket")).unwrap();
    let waiting: Vec<_> = std::iter::from_fn(|| {
        let socket = rustix::net::socket_with(
            rustix::net::AddressFamily::UNIX,
            rustix::net::SocketType::STREAM,
            rustix::net::SocketFlags::NONBLOCK,
            None,
        )
        .unwrap();
        let address = rustix::net::SocketAddrUnix::new(world.path("socket")).unwrap();
        rustix::net::connect(&socket, &address).ok()?;
        Some(socket)
    })
    .collect();
    assert!(!waiting.is_empty());
    assert_snapshot!(run("other"), @"
    exit: 1
    --- err
    error: socket is in use by another process
    ");
    drop(busy);
    fs::remove_file(world.path("socket")).unwrap();
    world.write("socket", "precious");
    assert_snapshot!(run("other"), @"
    exit: 1
    --- err
    error: socket is there and is no socket
    ");
    assert_eq!(fs::read(world.path("socket")).unwrap(), b"precious");
}

fn told_all(replies: Replies) -> Vec<String> {
    told(replies.map(Result::unwrap))
}

#[test]
fn who_may_not_change_a_site_is_refused_by_what_the_kernel_says() {
    let world = World::new();
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    let settings = format!(
        "[[streams.access]]\nuid = {uid}\nsites = [\"own-*\"]\n\
         [[streams.access]]\nuid = {}\nsites = [\"*\"]\n",
        uid + 1
    );
    world.write("settings.toml", settings);
    let arguments = [&SOURCE[..], &["--settings", "settings.toml"]].concat();
    let daemon = Daemon::start(&world, &arguments, &["socket"]);
    let (mut writer, replies) = open(&world);
    for site in ["own-blog", "other"] {
        writer.send(&message(&world, site)).unwrap();
    }
    writer.end().unwrap();
    let reports = by_number(replies.map(Result::unwrap));
    assert_eq!(
        reports[1].faults[0].to_string(),
        format!("site.id: user {uid} (group {gid}) may not change site other")
    );
    assert_eq!(reports[1].faults[0].code, "access-denied");
    assert_eq!(
        told(reports.into_iter()),
        ["1 own-blog applied", "2 other refused"]
    );
    assert_eq!(world.spore(&["status"], b"").json().len(), 1);
    drop(daemon);
}

#[test]
fn reports_of_many_messages_come_while_they_are_sent() {
    let world = World::new();
    let daemon = daemon(&world);
    let (mut writer, replies) = open(&world);
    let sites: Vec<_> = (0..500)
        .map(|number| {
            let mut site = world.site("a", "a");
            site["requestId"] = json!(format!("request-{number}"));
            stream([site])
        })
        .collect();
    let sending = thread::spawn(move || {
        for site in sites {
            writer.send(&site).unwrap();
        }
        writer.end().unwrap();
    });
    let reports = by_number(replies.map(Result::unwrap));
    sending.join().unwrap();
    assert_eq!(reports.len(), 500);
    for (report, number) in reports.iter().zip(1..) {
        assert_eq!(report.seq, number);
        let request = format!("request-{}", number - 1);
        assert_eq!(report.request_id.as_str(), request);
    }
    drop(daemon);
}

#[test]
fn a_client_that_waits_has_its_report_when_the_daemon_ends() {
    let world = World::new();
    let daemon = daemon(&world);
    let large = world.site("large", "large");
    for number in 0..1000 {
        let page = format!("{number}").repeat(64);
        world.write(&format!("sites/large/{number}.html"), page);
    }
    let (mut writer, replies) = open(&world);
    writer.send(&stream([large])).unwrap();
    // The message is taken when the site is begun with.
    until("the site is worked on", || {
        let folder = world.path(".local/state/mycelia-spore/local-static/releases");
        fs::read_dir(folder).is_ok_and(|mut found| found.next().is_some())
    });
    let (code, rest, log) = daemon.stop(Signal::TERM);
    assert_eq!((code, &*log), (Some(0), ""));
    assert_eq!(lines(&rest), ["1 large applied"]);
    assert_eq!(told_all(replies), ["1 large applied"]);
    assert!(
        writer.send(&message(&world, "late")).is_err(),
        "{PATIENCE:?}"
    );
}
