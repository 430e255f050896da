//! Other languages' writers and readers: the producers of `examples/producers/` write streams that the real
//! command applies, and its reports are read back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/tools.rs"]
mod tools;

use serde_json::Value;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tools::{on_path, repository, skipped};

const SITES: [&str; 3] = ["atlas", "field-notes", "spores"];

/// A folder with the schema, three websites' files and the daemon's state.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for site in SITES {
            let files = folder.path().join("sites").join(site);
            fs::create_dir_all(&files).unwrap();
            fs::write(files.join("index.html"), format!("<h1>{site}</h1>")).unwrap();
        }
        let world = Self { folder };
        let output = world.spore(&["schema", "schema"], b"");
        assert!(output.status.success(), "{output:?}");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the real command within the folder.
    fn spore(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mycelia-spore"));
        command.args(arguments);
        self.run(&mut command, input)
    }

    /// Runs a program within the folder.
    fn run(&self, command: &mut Command, input: &[u8]) -> Output {
        let mut child = command
            .current_dir(self.folder.path())
            .env("PWD", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Streams of tests are far shorter than a pipe.
        drop(child.stdin.take().unwrap().write_all(input));
        child.wait_with_output().unwrap()
    }

    /// Runs a producer and gives the stream it wrote.
    fn produce(&self, command: &mut Command) -> Vec<u8> {
        let output = self.run(command, b"");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        output.stdout
    }

    /// Applies a stream and gives its reports as they were written.
    fn apply(&self, stream: &[u8], form: &str) -> Output {
        let arguments = [
            "run",
            "--state-dir",
            "state",
            "--source-root",
            "sites",
            "-o",
            form,
        ];
        self.spore(&arguments, stream)
    }

    /// Applies a stream of the three websites and checks that each is published.
    fn publishes(&self, stream: &[u8]) {
        let output = self.apply(stream, "json");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let reports: Vec<Value> = text
            .lines()
            .map(|it| serde_json::from_str(it).unwrap())
            .collect();
        assert_eq!(reports.len(), SITES.len(), "{text}");
        for ((report, site), seq) in reports.iter().zip(SITES).zip(1..) {
            assert_eq!(report["seq"], seq);
            assert_eq!(report["site"], site);
            assert_eq!(report["outcome"], "applied", "{report}");
            assert_eq!(report["steps"][0]["action"], "publish");
            assert_eq!(report["urls"][0], format!("http://{site}.localhost/"));
            let release = report["release"].as_str().unwrap();
            assert!(self.published(site, release), "{report}");
        }
    }

    /// Whether the page of a site lies in its release.
    fn published(&self, site: &str, release: &str) -> bool {
        let state = self.path("state/local-static");
        let page = format!("<h1>{site}</h1>");
        let mut folders = vec![state];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(path);
                } else if path.to_str().unwrap().contains(release)
                    && fs::read(&path).is_ok_and(|content| content == page.as_bytes())
                {
                    return true;
                }
            }
        }
        false
    }

    /// What the message of each website says, as Cap'n Proto text.
    fn value(&self, site: &str) -> String {
        let path = self.path("sites").join(site);
        format!(
            "(schemaVersion = 1, site = (id = \"{site}\", kind = docs), \
             repo = (provider = directory, path = \"{}\"), \
             build = (type = staticPrebuilt), hosting = (provider = localStatic))",
            path.display()
        )
    }
}

fn producer(path: &str) -> PathBuf {
    repository("examples/producers").join(path)
}

/// The Python that has pycapnp.
fn python(unchecked: &str) -> Option<PathBuf> {
    let python = env::var_os("SPORE_PYTHON").map(PathBuf::from);
    if python.is_none() {
        skipped("SPORE_PYTHON names no Python with pycapnp", unchecked);
    }
    python
}

#[test]
fn capnp_encode_writes_streams() {
    if !on_path("capnp", "streams of capnp encode") {
        return;
    }
    let world = World::new();
    let values: Vec<String> = SITES.iter().map(|site| world.value(site)).collect();
    let mut encode = Command::new("capnp");
    encode.args(["encode", "--packed", "schema/spore.capnp", "SporeConfig"]);
    let output = world.run(&mut encode, values.join("\n").as_bytes());
    assert!(output.status.success(), "{output:?}");
    world.publishes(&output.stdout);
}

#[test]
fn the_shell_producers_write_streams() {
    if !on_path("capnp", "examples/producers/shell") || !on_path("bash", "examples/producers/shell")
    {
        return;
    }
    let world = World::new();
    let mut publish = Command::new("bash");
    publish
        .arg(producer("shell/publish.sh"))
        .args(["schema", "sites"]);
    world.publishes(&world.produce(&mut publish));

    let world = World::new();
    let mut file = "@0x9c2b3e1f6a7d8c05;\nusing Spore = import \"/spore.capnp\";\n".to_owned();
    for (name, site) in ["first", "second", "third"].into_iter().zip(SITES) {
        let value = world.value(site);
        writeln!(file, "const {name} :Spore.SporeConfig = {value};").unwrap();
    }
    fs::write(world.path("sites.capnp"), &file).unwrap();
    let constants = |file: &str| {
        let mut command = Command::new("bash");
        command.arg(producer("shell/constants.sh"));
        command.args(["schema", file, "first", "second", "third"]);
        command
    };
    world.publishes(&world.produce(&mut constants("sites.capnp")));
    // Of a faulty file not one byte goes out, not even of the constants before the fault.
    fs::write(
        world.path("faulty.capnp"),
        file.replace("field-notes\", kind", "x\", knid"),
    )
    .unwrap();
    let output = world.run(&mut constants("faulty.capnp"), b"");
    assert!(!output.status.success());
    assert_eq!(output.stdout, b"");
}

#[test]
fn pycapnp_writes_streams_and_reads_reports() {
    let Some(python) = python("examples/producers/python") else {
        return;
    };
    let world = World::new();
    let mut publish = Command::new(&python);
    publish
        .arg(producer("python/publish.py"))
        .args(["schema", "sites"]);
    let stream = world.produce(&mut publish);
    world.publishes(&stream);

    let reports = world.apply(&stream, "capnp");
    assert!(reports.status.success(), "{reports:?}");
    let mut reader = Command::new(&python);
    reader.arg(producer("python/reports.py")).arg("schema");
    let output = world.run(&mut reader, &reports.stdout);
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @"
    1 atlas unchanged http://atlas.localhost/
    2 field-notes unchanged http://field-notes.localhost/
    3 spores unchanged http://spores.localhost/
    ");
    assert!(output.status.success());
}

#[test]
fn pycapnp_reads_faults() {
    let Some(python) = python("the reports of faults by pycapnp") else {
        return;
    };
    let world = World::new();
    // A message of nothing but defaults: one segment of one null word.
    let reports = world.apply(&[0x10, 0x01, 0x00, 0x00], "capnp");
    assert_eq!(reports.status.code(), Some(1), "{reports:?}");
    let mut reader = Command::new(&python);
    reader.arg(producer("python/reports.py")).arg("schema");
    let output = world.run(&mut reader, &reports.stdout);
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @"1  invalid the message is empty: no site, no hosting");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn capnp_es_writes_streams() {
    let unchecked = "examples/producers/javascript";
    let Some(modules) = env::var_os("SPORE_NODE_MODULES") else {
        return skipped(
            "SPORE_NODE_MODULES names no folder with capnp-es",
            unchecked,
        );
    };
    if !on_path("node", unchecked) || !on_path("capnp", unchecked) {
        return;
    }
    let world = World::new();
    for file in ["package.json", "publish.js"] {
        let from = producer("javascript").join(file);
        fs::copy(from, world.path(file)).unwrap();
    }
    std::os::unix::fs::symlink(&modules, world.path("node_modules")).unwrap();
    let compiler = Path::new(&modules).join(".bin/capnp-es");
    let mut compile = Command::new("node");
    compile.arg(compiler).args(["schema/spore.capnp", "-ojs:."]);
    world.produce(&mut compile);
    let mut publish = Command::new("node");
    publish.args(["publish.js", "sites"]);
    world.publishes(&world.produce(&mut publish));
}

#[test]
fn capnp_decode_reads_reports() {
    if !on_path("capnp", "reports by capnp decode") {
        return;
    }
    let world = World::new();
    let mut encode = Command::new("capnp");
    encode.args(["encode", "--packed", "schema/spore.capnp", "SporeConfig"]);
    let stream = world
        .run(&mut encode, world.value("atlas").as_bytes())
        .stdout;
    // The second message of the stream is nothing but defaults.
    let stream = [&stream[..], &[0x10, 0x01, 0x00, 0x00]].concat();
    let reports = world.apply(&stream, "capnp").stdout;
    let mut decode = Command::new("capnp");
    decode.args(["decode", "--packed", "schema/report.capnp", "SporeReport"]);
    let output = world.run(&mut decode, &reports);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // How lines are broken is the compiler's own affair.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "seq = 1, site = \"atlas\", outcome = applied, steps = [",
        "action = \"publish\", target = \"local-static/atlas\", outcome = done",
        "urls = [ \"http://atlas.localhost/\" ]",
        "seq = 2, outcome = invalid, steps = [], withheld = [], urls = [], error = ( code = \"message-empty\"",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(text.matches("elapsedMs = ").count(), 2);
    assert_eq!(text.matches("release = \"").count(), 1);
}
