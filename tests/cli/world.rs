//! A folder of its own for each test, the real command within it, and its answers without what differs from
//! run to run.

use serde_json::{Value, json};
use std::borrow::Borrow;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A folder that is home, holds the sources and the state.
pub(crate) struct World {
    folder: TempDir,
}

/// How a command ended, and what it said.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    folder: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, making its folders.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The document of a website whose one page is this text.
    pub(crate) fn site(&self, id: &str, text: &str) -> Value {
        self.write(&format!("sites/{id}/index.html"), text);
        json!({
            "schemaVersion": 1,
            "site": { "id": id, "kind": "blog" },
            "repo": { "provider": "directory", "path": self.path("sites").join(id) },
            "build": { "type": "staticPrebuilt" },
            "hosting": { "provider": "localStatic" },
        })
    }

    /// The command within this folder, which knows of no other place.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mycelia-spore"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the command to its end.
    pub(crate) fn spore(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut child = self.command(arguments).spawn().unwrap();
        // One that reads no input may be gone already.
        drop(child.stdin.take().unwrap().write_all(input));
        self.ended(child)
    }

    /// Waits for a command's end.
    pub(crate) fn ended(&self, child: Child) -> Ended {
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        Ended {
            code: status.code(),
            stdout,
            stderr: String::from_utf8(stderr).unwrap(),
            folder: self.folder.path().to_str().unwrap().to_owned(),
        }
    }

    /// Applies documents, with reports for people.
    pub(crate) fn apply(&self, documents: impl IntoIterator<Item = impl Borrow<Value>>) -> Ended {
        self.spore(
            &["run", "--source-root", "sites", "-o", "text"],
            &stream(documents),
        )
    }
}

/// The packed messages of documents.
pub(crate) fn stream(documents: impl IntoIterator<Item = impl Borrow<Value>>) -> Vec<u8> {
    let documents = documents.into_iter();
    let text: String = documents.map(|it| it.borrow().to_string()).collect();
    let documents = mycelia_spore::encode::json(&text).unwrap();
    let packed = documents
        .iter()
        .map(|document| mycelia_spore::encode::to_message(document).unwrap());
    packed.collect::<Vec<_>>().concat()
}

/// A document with one more section.
pub(crate) fn with(mut document: Value, section: &str, value: Value) -> Value {
    document[section] = value;
    document
}

impl Ended {
    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    /// Standard output as JSON lines.
    pub(crate) fn json(&self) -> Vec<Value> {
        let text = self.text();
        text.lines()
            .map(|it| serde_json::from_str(it).unwrap())
            .collect()
    }

    /// All of it: the exit code, both streams; times, releases and places by their kind.
    pub(crate) fn told(&self) -> String {
        let code = self.code.map_or("a signal".into(), |code| code.to_string());
        let mut told = format!("exit: {code}\n");
        for (name, text) in [("out", &self.text()), ("err", &self.stderr)] {
            if !text.is_empty() {
                told.push_str("--- ");
                told.push_str(name);
                told.push('\n');
                told.push_str(&stable(text, &self.folder));
            }
        }
        told
    }
}

/// A text without what differs from run to run.
pub(crate) fn stable(text: &str, folder: &str) -> String {
    let text = text.replace(folder, "[HOME]");
    let mut words: Vec<String> = Vec::new();
    for word in text.split_inclusive([' ', '\n', '"', ',']) {
        let (bare, end) = word.split_at(word.len() - word.chars().last().map_or(0, end_of));
        let kind = match bare {
            bare if is_release(bare) => "[RELEASE]",
            bare if is_shape(bare, "9999-99-99") => "[DATE]",
            bare if is_shape(bare, "99:99:99Z") => "[TIME]",
            "ms" => {
                if let Some(number) = words.last_mut() {
                    *number = "[N] ".into();
                }
                "ms"
            }
            bare => bare,
        };
        words.push(format!("{kind}{end}"));
    }
    words.concat()
}

/// How many bytes the character takes that ended a word, if it did.
fn end_of(last: char) -> usize {
    usize::from(" \n\",".contains(last))
}

/// The name of a release, or its beginning as lists show it.
fn is_release(word: &str) -> bool {
    matches!(word.len(), 12 | 32) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a word has digits where the shape has nines, and else the same.
fn is_shape(word: &str, shape: &str) -> bool {
    let same = |(byte, shape): (u8, u8)| {
        if shape == b'9' {
            byte.is_ascii_digit()
        } else {
            byte == shape
        }
    };
    word.len() == shape.len() && word.bytes().zip(shape.bytes()).all(same)
}
