//! Bytes that earlier revisions wrote are read as before, and messages become the same JSON as with the
//! reference implementation.
//!
//! `tests/golden/` holds the messages of each file of `tests/fixtures/valid` and their JSON.
//! `SPORE_UPDATE_GOLDEN=1 cargo test --test golden` writes the files of new and changed fixtures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/tools.rs"]
mod tools;

use capnp::dynamic_value::{self, Builder};
use capnp::introspect::TypeVariant;
use capnp::{dynamic_list, dynamic_struct, serialize_packed};
use mycelia_spore::authoring::encode_file;
use mycelia_spore::json::to_json;
use mycelia_spore::schema::spore_capnp::spore_config;
use mycelia_spore::stream::Frames;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tools::{on_path, repository};

/// The messages of a stream as JSON.
fn decoded(stream: &[u8]) -> Vec<Value> {
    let frames = Frames::new(stream).map(Result::unwrap);
    let json = frames.map(|frame| to_json(frame.message.get_root().unwrap()).unwrap());
    json.collect()
}

/// The messages of a stream as the reference implementation turns them into JSON.
fn converted(stream: &[u8]) -> Vec<Value> {
    let mut capnp = Command::new("capnp")
        .args(["convert", "packed:json", "spore.capnp", "SporeConfig"])
        .current_dir(repository("schema"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = capnp.stdin.take().unwrap();
    let stream = stream.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&stream));
    let output = capnp.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

/// Files of a folder of `tests/`, sorted.
fn files(folder: &str, keep: impl Fn(&OsStr) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(repository("tests").join(folder)) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut kept: Vec<PathBuf> = paths
        .filter(|it| it.extension().is_some_and(&keep))
        .collect();
    kept.sort();
    kept
}

fn streams() -> Vec<PathBuf> {
    files("golden", |extension| extension == "packed")
}

/// The JSON kept beside a stream.
fn kept(stream: &Path) -> Vec<Value> {
    let text = fs::read(stream.with_extension("json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Writes a file whose content is not what it should be.
fn update(path: &Path, content: &[u8]) {
    if fs::read(path).ok().as_deref() != Some(content) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[test]
fn each_valid_fixture_has_its_bytes_kept() {
    let updating = std::env::var_os("SPORE_UPDATE_GOLDEN").is_some();
    let mut names = BTreeSet::new();
    for fixture in files("fixtures/valid", |_| true) {
        let name = fixture.file_name().unwrap().to_str().unwrap().to_owned();
        let golden = repository("tests/golden").join(format!("{name}.packed"));
        let messages = encode_file(fixture.to_str().unwrap(), None).unwrap();
        let stream: Vec<u8> = messages.into_iter().flat_map(|it| it.packed).collect();
        if updating {
            let json = Value::Array(decoded(&stream));
            update(&golden, &stream);
            update(
                &golden.with_extension("json"),
                format!("{json:#}\n").as_bytes(),
            );
        }
        let there = fs::read(&golden).unwrap_or_default();
        assert!(
            there == stream,
            "{name}: run with SPORE_UPDATE_GOLDEN=1, and look at the change"
        );
        names.insert(golden);
    }
    assert_eq!(names, streams().into_iter().collect());
}

#[test]
fn kept_bytes_are_read_as_when_they_were_written() {
    let streams = streams();
    assert!(streams.len() >= 18, "{streams:?}");
    for stream in streams {
        assert_eq!(
            decoded(&fs::read(&stream).unwrap()),
            kept(&stream),
            "{}",
            stream.display()
        );
    }
}

#[test]
fn kept_bytes_have_the_json_of_the_reference_implementation() {
    if !on_path(
        "capnp",
        "the JSON of the golden corpus against capnp convert",
    ) {
        return;
    }
    for stream in streams() {
        assert_eq!(
            kept(&stream),
            converted(&fs::read(&stream).unwrap()),
            "{}",
            stream.display()
        );
    }
}

/// What arbitrary messages are made of: bytes, then zeros, so that a shorter supply makes a smaller message.
struct Supply<'b>(std::slice::Iter<'b, u8>);

impl Supply<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit.max(1)
    }

    fn number(&mut self) -> u64 {
        let len = self.below(9);
        (0..len).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 16] = [
            "",
            "a",
            "Field notes",
            "\"",
            "\\",
            "/",
            "\n",
            "\t",
            "\r",
            "\u{1}",
            "\u{7f}",
            "é",
            "蘑菇",
            "🍄",
            "\u{2028}",
            "\u{feff}",
        ];
        let count = self.below(6);
        (0..count).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }

    /// Sets some of a struct's fields, and one member of its union.
    fn fill(&mut self, mut target: dynamic_struct::Builder<'_>, depth: usize) {
        let schema = target.get_schema();
        for field in schema.get_non_union_fields().unwrap() {
            if self.byte() > 96 {
                self.field(&mut target, field, depth);
            }
        }
        let members: Vec<_> = schema.get_union_fields().unwrap().iter().collect();
        if !members.is_empty() {
            let member = members[self.below(members.len())];
            self.field(&mut target, member, depth);
        }
    }

    fn field(
        &mut self,
        target: &mut dynamic_struct::Builder<'_>,
        field: capnp::schema::Field,
        depth: usize,
    ) {
        match field.get_type().which() {
            TypeVariant::Struct(_) => {
                let Builder::Struct(inner) = target.reborrow().init(field).unwrap() else {
                    panic!("a struct field that holds no struct");
                };
                self.fill(inner, depth + 1);
            }
            TypeVariant::List(element) => {
                let len = u32::try_from(self.below(if depth > 3 { 2 } else { 4 })).unwrap();
                let Builder::List(list) = target.reborrow().initn(field, len).unwrap() else {
                    panic!("a list field that holds no list");
                };
                self.list(list, element.which(), depth);
            }
            kind => self.scalar(kind, |value| target.set(field, value).unwrap()),
        }
    }

    fn list(&mut self, mut list: dynamic_list::Builder<'_>, element: TypeVariant, depth: usize) {
        for index in 0..list.len() {
            if let TypeVariant::Struct(_) = element {
                let Builder::Struct(inner) = list.reborrow().get(index).unwrap() else {
                    panic!("a list of structs that holds none");
                };
                self.fill(inner, depth + 1);
            } else {
                self.scalar(element, |value| list.set(index, value).unwrap());
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
    fn scalar(&mut self, kind: TypeVariant, set: impl FnOnce(dynamic_value::Reader<'_>)) {
        use dynamic_value::Reader;
        match kind {
            TypeVariant::Void => set(Reader::Void),
            TypeVariant::Bool => set(Reader::Bool(self.byte() & 1 == 1)),
            TypeVariant::UInt8 => set(Reader::UInt8(self.byte())),
            TypeVariant::UInt16 => set(Reader::UInt16(self.number() as u16)),
            TypeVariant::UInt32 => set(Reader::UInt32(self.number() as u32)),
            TypeVariant::UInt64 => set(Reader::UInt64(self.number())),
            TypeVariant::Text => set(Reader::Text(self.text().as_str().into())),
            TypeVariant::Data => {
                let bytes: Vec<u8> = (0..self.below(8)).map(|_| self.byte()).collect();
                set(Reader::Data(&bytes));
            }
            // Now and then one that only a later revision has.
            TypeVariant::Enum(schema) => {
                let number = self.below(20) as u16;
                set(Reader::Enum(dynamic_value::Enum::new(
                    number,
                    schema.into(),
                )));
            }
            _ => panic!("a kind of field that the schema has not had: teach the test"),
        }
    }
}

#[test]
fn any_message_has_the_json_of_the_reference_implementation() {
    if !on_path(
        "capnp",
        "the JSON of arbitrary messages against capnp convert",
    ) {
        return;
    }
    let config = ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let bytes = proptest::collection::vec(any::<u8>(), 0..2000);
    let checked = TestRunner::new(config).run(&bytes, |bytes| {
        let stream = message_of(&bytes);
        prop_assert_eq!(decoded(&stream), converted(&stream));
        Ok(())
    });
    checked.unwrap();
}

/// An arbitrary message, packed.
fn message_of(bytes: &[u8]) -> Vec<u8> {
    let mut message = capnp::message::Builder::new_default();
    let root = message.init_root::<spore_config::Builder<'_>>();
    let Builder::Struct(root) = root.into() else {
        panic!("the root is no struct");
    };
    Supply(bytes.iter()).fill(root, 0);
    let mut stream = Vec::new();
    serialize_packed::write_message(&mut stream, &message).unwrap();
    stream
}
