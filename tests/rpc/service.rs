//! The real daemon under a service manager.

use crate::daemon::{Daemon, PATIENCE, lines, message};
use crate::world::World;
use rustix::process::Signal;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

/// Where a manager listens, and what it is told.
struct Manager(UnixDatagram);

impl Manager {
    fn at(world: &World) -> Self {
        let socket = UnixDatagram::bind(world.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// What is told until something is.
    fn told_until(&self, last: &str) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        while !told.iter().any(|it| it == last) {
            let mut buffer = [0; 4096];
            let length = self.0.recv(&mut buffer).unwrap();
            let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
            told.extend(text.lines().map(ToOwned::to_owned));
        }
        told
    }
}

fn arguments(world: &World) -> [&'static str; 10] {
    fs::create_dir_all(world.path("spool")).unwrap();
    world.write("settings.toml", "");
    [
        "run",
        "--settings",
        "settings.toml",
        "--state-dir",
        "state",
        "--source-root",
        "sites",
        "--output=json",
        "--source",
        "unix:messages",
    ]
}

#[test]
fn the_manager_is_told_of_the_start_of_reloads_and_of_the_end() {
    let world = World::new();
    let manager = Manager::at(&world);
    let mut command = world.command(&arguments(&world));
    command.stdin(Stdio::null());
    command.env("NOTIFY_SOCKET", world.path("notify"));
    command.env("WATCHDOG_USEC", "200000");
    let child = command.spawn().unwrap();
    manager.told_until("READY=1");
    // Ready means that nobody who connects now is refused.
    let running = Daemon::of(&world, child, &["messages", "state/control.sock"]);
    manager.told_until("WATCHDOG=1");
    for settings in ["jobs = 2\n", "jobs = none\n"] {
        world.write("settings.toml", settings);
        running.signal(Signal::HUP);
        let told = manager.told_until("READY=1");
        assert!(told.iter().any(|it| it == "RELOADING=1"), "{told:?}");
        assert!(
            told.iter().any(|it| it.starts_with("MONOTONIC_USEC=")),
            "{told:?}"
        );
    }
    running.signal(Signal::TERM);
    let told = manager.told_until("STOPPING=1");
    assert!(!told.iter().any(|it| it == "READY=1"), "{told:?}");
    let (code, _, log) = running.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("jobs"), "{log}");
}

/// Listens, and becomes the program of its arguments, as systemd starts the service of a socket.
const ACTIVATION: &str = "
import os, socket, sys
held = socket.socket(socket.AF_UNIX); held.bind('messages'); held.listen()
os.dup2(held.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_FDNAMES='messages', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])
";

#[test]
fn a_socket_that_was_handed_over_is_taken_and_left_to_the_manager() {
    let world = World::new();
    let program = world.command(&arguments(&world));
    let mut command = std::process::Command::new("python3");
    command
        .args(["-c", ACTIVATION])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(world.path(""))
        .env_clear()
        .envs(
            program
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let running = Daemon::of(&world, command.spawn().unwrap(), &["state/control.sock"]);
    fs::write(world.path("message.bin"), message(&world, "blog")).unwrap();
    let sent = running.send(&["message.bin", "--to", "unix:messages", "--wait"]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert_eq!(lines(&[running.report()]), ["1 blog applied"]);
    let (code, _, log) = running.stop(Signal::TERM);
    assert_eq!(code, Some(0), "{log}");
    assert!(world.path("messages").exists(), "the manager's file stays");
}
