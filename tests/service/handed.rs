//! Sockets that were opened before the process began.

use crate::tools::on_path;
use mycelia_spore::edge::systemd::{Listeners, Socket};
use mycelia_spore::stream::{Intake, SourceOptions, SourceSpec};
use std::env;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

/// The variable that tells the other half of the test where to write what it found.
const FOUND: &str = "SPORE_TEST_FOUND";

/// Hands over sockets as systemd does: a Unix one at `messages` and a TCP one, then what the arguments ask for.
const MANAGER: &str = "
import os, socket, sys
folder, wanted, pid = sys.argv[1:4]
unix = socket.socket(socket.AF_UNIX); unix.bind(folder + '/messages'); unix.listen()
tcp = socket.socket(); tcp.bind(('127.0.0.1', 0)); tcp.listen()
kept = [os.dup(it.fileno()) for it in (unix, tcp)] + [os.open('/dev/null', os.O_RDONLY)]
kept = [os.dup2(fd, 20 + at) for at, fd in enumerate(kept)]
for at, fd in enumerate(kept[:int(wanted)]): os.dup2(fd, 3 + at)
os.environ.update(LISTEN_FDS=wanted, LISTEN_FDNAMES='messages:http:odd')
os.environ['LISTEN_PID'] = pid or str(os.getpid())
os.execv(sys.argv[4], sys.argv[4:])
";

#[test]
#[ignore = "started by the test of handed-over sockets"]
fn taker() {
    let found = env::var(FOUND).unwrap();
    let folder = Path::new(&found).parent().unwrap();
    let mut out = fs::File::create(&found).unwrap();
    let mut handed = match Listeners::from_env() {
        Ok(handed) => handed,
        Err(error) => return writeln!(out, "{error}").unwrap(),
    };
    let names: Vec<&str> = handed.names().collect();
    writeln!(out, "{}", names.join(" ")).unwrap();
    let unix = takes_messages(&folder.join("messages"), &mut handed);
    let tcp = matches!(handed.take_named("http"), Some(Socket::Tcp(_)));
    let left = handed.names().count();
    let again = Listeners::from_env().unwrap().names().count();
    writeln!(out, "{unix} {tcp} {left} {again}").unwrap();
}

/// Whether a source at a path takes the socket that was handed over for it, and leaves its file at the end.
fn takes_messages(path: &Path, handed: &mut Listeners) -> bool {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (specs, options) = ([SourceSpec::Unix(path.into())], SourceOptions::default());
    let before = handed.names().count();
    // Where it was not handed over the process that did so is in the way.
    match Intake::open_with(&specs, options, handed, runtime.handle()) {
        Ok(intake) => intake.finish() && path.exists() && handed.names().count() < before,
        Err(_) => false,
    }
}

/// What a process finds that was handed so many descriptors, meant for this process.
fn found(wanted: &str, pid: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("found");
    let mut python = Command::new("python3");
    python
        .args(["-c", MANAGER])
        .arg(folder.path())
        .args([wanted, pid]);
    python.arg(env::current_exe().unwrap());
    python.args([
        "--exact",
        "--ignored",
        "handed::taker",
        "--test-threads",
        "1",
    ]);
    let output: Output = python.env(FOUND, &file).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read_to_string(file).unwrap()
}

#[test]
fn sockets_are_taken_by_path_and_name() {
    if !on_path("python3", "sockets handed over by a service manager") {
        return;
    }
    assert_eq!(found("2", ""), "messages http\ntrue true 0 0\n");
    assert_eq!(found("2", "1"), "\nfalse false 0 0\n", "those of another");
    assert_eq!(
        found("3", ""),
        "descriptor 5 (odd), handed over by the service manager, is no socket that listens\n"
    );
}
