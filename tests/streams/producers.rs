//! The producers of `examples/producers/`, each in its own language, against the running daemon.

use crate::daemon::{Daemon, lines};
use crate::tools::{on_path, repository, skipped};
use crate::world::World;
use insta::assert_snapshot;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with the schema and the files of two websites.
fn world() -> World {
    let world = World::new();
    for site in ["atlas", "spores"] {
        world.write(&format!("sites/{site}/index.html"), site);
    }
    let schema = world.spore(&["schema", "schema"], b"");
    assert_eq!(schema.code, Some(0), "{}", schema.told());
    world
}

fn producer(path: &str) -> PathBuf {
    repository("examples/producers").join(path)
}

/// Runs a program within the folder, to its good end.
fn run(world: &World, command: &mut Command) -> String {
    let output = output(world, command);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Lines about sites, which come as the sites are done.
fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn output(world: &World, command: &mut Command) -> Output {
    command.current_dir(world.path("")).output().unwrap()
}

#[test]
fn a_shell_script_writes_into_the_pipe() {
    if !on_path("capnp", "examples/producers/shell/fifo.sh") || !on_path("flock", "the same") {
        return;
    }
    let world = world();
    let daemon = Daemon::start(&world, &["--source", "fifo:pipe"], &["pipe"]);
    let mut command = Command::new("bash");
    let script = producer("shell/fifo.sh");
    run(
        &world,
        command.arg(script).args(["schema", "sites", "pipe"]),
    );
    let reports = daemon.reports(2);
    assert_eq!(lines(&reports), ["1 atlas applied", "2 spores applied"]);
    // The plainest producer of all.
    let stream = mycelia_spore::encode::json(&world.site("plain", "plain").to_string()).unwrap();
    let message = mycelia_spore::encode::to_message(&stream[0]).unwrap();
    world.write("message.bin", message);
    run(
        &world,
        Command::new("bash").args(["-c", "cat message.bin > pipe"]),
    );
    assert_eq!(lines(&[daemon.report()]), ["3 plain applied"]);
}

#[test]
fn a_shell_script_puts_files_into_the_directory() {
    let world = world();
    fs::create_dir(world.path("spool")).unwrap();
    let daemon = Daemon::start(&world, &["--source", "dir:spool"], &["spool/failed"]);
    let stream = mycelia_spore::encode::json(&world.site("plain", "plain").to_string()).unwrap();
    let message = mycelia_spore::encode::to_message(&stream[0]).unwrap();
    world.write("good.bin", &message);
    world.write("torn.bin", &message[1..]);
    let script = || {
        let mut command = Command::new("bash");
        command.arg(producer("shell/spool.sh")).arg("spool");
        command
    };
    let told = run(&world, script().arg("good.bin"));
    assert_eq!(
        lines(&[serde_json::from_str(&told).unwrap()]),
        ["1 plain applied"]
    );
    let torn = output(&world, script().arg("torn.bin"));
    assert_eq!(torn.status.code(), Some(1));
    assert_eq!(daemon.told(2).len(), 2);
}

#[test]
fn pycapnp_sends_by_the_socket_and_reads_the_reports() {
    let Some(python) = env::var_os("SPORE_PYTHON") else {
        let why = "SPORE_PYTHON names no Python with pycapnp";
        return skipped(why, "examples/producers/python/socket_reports.py");
    };
    let world = world();
    let _daemon = Daemon::start(&world, &["--source", "unix:socket"], &["socket"]);
    let script = producer("python/socket_reports.py");
    let send = || {
        let mut command = Command::new(&python);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(&script).args(["schema", "socket", "sites"]);
        command
    };
    assert_snapshot!(sorted(&run(&world, &mut send())), @"
    1 atlas applied http://atlas.localhost/
    2 spores applied http://spores.localhost/
    ");
    // A folder whose name is no site's.
    fs::create_dir(world.path("sites/Not-A-Name")).unwrap();
    let wrong = output(&world, &mut send());
    assert_eq!(wrong.status.code(), Some(1));
    assert_snapshot!(sorted(&String::from_utf8(wrong.stdout).unwrap()), @r#"
    1  invalid not a valid name: "Not-A-Name"
    2 atlas unchanged http://atlas.localhost/
    3 spores unchanged http://spores.localhost/
    "#);
}

#[test]
fn capnp_es_puts_files_into_the_directory_and_reads_the_reports() {
    let unchecked = "examples/producers/javascript/spool.js";
    let Some(modules) = env::var_os("SPORE_NODE_MODULES") else {
        return skipped(
            "SPORE_NODE_MODULES names no folder with capnp-es",
            unchecked,
        );
    };
    if !on_path("node", unchecked) || !on_path("capnp", unchecked) {
        return;
    }
    let world = world();
    fs::create_dir(world.path("spool")).unwrap();
    let _daemon = Daemon::start(&world, &["--source", "dir:spool"], &["spool/failed"]);
    for file in ["package.json", "publish.js", "spool.js"] {
        fs::copy(producer("javascript").join(file), world.path(file)).unwrap();
    }
    std::os::unix::fs::symlink(&modules, world.path("node_modules")).unwrap();
    let compiler = Path::new(&modules).join(".bin/capnp-es");
    let mut compile = Command::new("node");
    run(
        &world,
        compile.arg(compiler).args(["schema/spore.capnp", "-ojs:."]),
    );
    let mut command = Command::new("node");
    let told = run(&world, command.args(["spool.js", "sites", "spool"]));
    assert_snapshot!(told, @"
    atlas applied http://atlas.localhost/
    spores applied http://spores.localhost/
    ");
}

#[test]
fn cxx_sends_by_the_socket_and_reads_the_report() {
    let unchecked = "examples/producers/c++/publish.c++";
    if !on_path("capnp", unchecked) || !on_path("g++", unchecked) {
        return;
    }
    let headers = ["/usr/include", "/usr/local/include"];
    if !headers
        .iter()
        .any(|it| Path::new(it).join("capnp/serialize.h").exists())
    {
        return skipped("the headers of Cap'n Proto are not installed", unchecked);
    }
    let world = world();
    let mut compile = Command::new("capnp");
    compile.args(["compile", "-oc++:.", "--src-prefix=schema"]);
    let schemas = ["spore", "report", "rust"].map(|name| format!("schema/{name}.capnp"));
    run(&world, compile.args(schemas));
    let mut link = Command::new("g++");
    link.args(["-std=c++17", "-I.", "-o", "publish"]);
    link.arg(producer("c++/publish.c++"));
    link.args(["spore", "report", "rust"].map(|name| format!("{name}.capnp.c++")));
    run(&world, link.args(["-lcapnp", "-lkj"]));
    let _daemon = Daemon::start(&world, &["--source", "unix:socket"], &["socket"]);
    let publish = |site: &str| {
        let mut command = Command::new(world.path("publish"));
        let folder = world.path("sites").join(site);
        command.args(["socket", site]).arg(folder);
        command
    };
    assert_snapshot!(run(&world, &mut publish("atlas")), @"atlas applied http://atlas.localhost/");
    let wrong = output(&world, &mut publish("Not-A-Name"));
    assert_eq!(wrong.status.code(), Some(1));
    assert_snapshot!(String::from_utf8(wrong.stdout).unwrap(), @r#" invalid not a valid name: "Not-A-Name""#);
}
