//! From text to messages: each file of `tests/fixtures/valid` encodes, each of `tests/fixtures/invalid` is
//! told its faults, kept beside it as a snapshot.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use mycelia_spore::authoring::{AuthoringError, Format, encode_file};
use mycelia_spore::json::to_json;
use mycelia_spore::stream::Frames;
use serde_json::Value;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The cases of a folder of `tests/fixtures`, by name.
fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from("tests/fixtures").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it != "snap"))
        .collect();
    files.sort();
    files
}

/// The packed messages of a file, back to back.
fn packed(name: &str, format: Option<Format>) -> Result<Vec<u8>, AuthoringError> {
    let messages = encode_file(name, format)?;
    Ok(messages.into_iter().flat_map(|it| it.packed).collect())
}

/// The messages of a stream as JSON.
fn decoded(stream: &[u8]) -> Vec<Value> {
    let frames = Frames::new(stream).map(Result::unwrap);
    let json = |frame: mycelia_spore::stream::Frame| to_json(frame.message.get_root().unwrap());
    frames.map(|frame| json(frame).unwrap()).collect()
}

/// All that is said of an error.
fn told(error: &AuthoringError) -> String {
    mycelia_spore::words::chain(error)
}

#[test]
fn valid_documents_encode() {
    let cases = cases("valid");
    assert!(cases.len() >= 18, "{cases:?}");
    for path in cases {
        let name = path.to_str().unwrap();
        let stream = packed(name, None).unwrap_or_else(|error| panic!("{}", told(&error)));
        assert!(!decoded(&stream).is_empty(), "{name}");
    }
}

#[test]
fn invalid_documents_are_told_all_their_faults() {
    let cases = cases("invalid");
    assert!(cases.len() >= 25, "{cases:?}");
    for path in cases {
        let name = path.to_str().unwrap();
        let error = match packed(name, None) {
            Ok(_) => panic!("{name} encodes"),
            Err(error) => told(&error),
        };
        let case = path.file_name().unwrap().to_str().unwrap().to_owned();
        insta::with_settings!({
            snapshot_path => "fixtures/invalid",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(case, error);
        });
    }
}

/// A document of each message of a file, as JSON.
fn documents(path: &str) -> Vec<Value> {
    decoded(&packed(path, None).unwrap())
}

/// Writes a text to a file of the folder and encodes it.
fn encoded(folder: &TempDir, name: &str, text: &str) -> Vec<u8> {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    packed(path.to_str().unwrap(), None).unwrap_or_else(|error| panic!("{}\n{text}", told(&error)))
}

/// The same document without nulls, which TOML does not have.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let filled = object.iter().filter(|(_, value)| !value.is_null());
            let filled = filled.map(|(key, value)| (key.clone(), without_nulls(value)));
            Value::Object(filled.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// The same document with all keys in the opposite order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let pairs = object.iter().rev();
            Value::Object(
                pairs
                    .map(|(key, value)| (key.clone(), reversed(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
        other => other.clone(),
    }
}

#[test]
fn the_same_content_gives_the_same_bytes_in_every_form_and_order() {
    let folder = tempfile::tempdir().unwrap();
    for path in cases("valid") {
        let name = path.to_str().unwrap();
        let original = packed(name, None).unwrap();
        let documents = decoded(&original);
        let lines: Vec<String> = documents.iter().map(Value::to_string).collect();
        assert_eq!(
            encoded(&folder, "a.jsonl", &lines.join("\n")),
            original,
            "{name} as JSON"
        );
        let list = Value::Array(documents.iter().map(reversed).collect()).to_string();
        assert_eq!(
            encoded(&folder, "a.json", &list),
            original,
            "{name} in another order"
        );
        let yaml: Vec<String> = documents
            .iter()
            .map(|document| serde_saphyr::to_string(document).unwrap())
            .collect();
        assert_eq!(
            encoded(&folder, "a.yml", &yaml.join("\n---\n")),
            original,
            "{name} as YAML"
        );
        let tomls = documents.iter().map(|document| {
            let toml = toml::to_string(&without_nulls(document)).unwrap();
            encoded(&folder, "a.toml", &toml)
        });
        assert_eq!(
            tomls.collect::<Vec<_>>().concat(),
            original,
            "{name} as TOML"
        );
    }
}

#[test]
fn a_message_becomes_json_and_the_json_the_same_message() {
    let folder = tempfile::tempdir().unwrap();
    let documents = documents("tests/fixtures/valid/dns.json");
    let text = fs::read_to_string("tests/fixtures/valid/dns.json").unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    let mut filled = documents[0].clone();
    // What was written is there; what is there besides are the schema's defaults.
    assert_contains(&filled, &written);
    filled["dns"]["records"][0]["ttl"] = 60.into();
    let again = encoded(&folder, "a.json", &filled.to_string());
    assert_eq!(decoded(&again), [filled]);
}

fn assert_contains(whole: &Value, part: &Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (key, value) in part {
                assert_contains(&whole[key], value);
            }
        }
        (Value::Array(whole), Value::Array(part)) => {
            assert_eq!(whole.len(), part.len());
            whole
                .iter()
                .zip(part)
                .for_each(|(whole, part)| assert_contains(whole, part));
        }
        _ => assert_eq!(whole, part),
    }
}

#[test]
fn a_file_may_hold_several_messages() {
    let ids = |name: &str| -> Vec<String> {
        let documents = documents(name);
        let ids = documents
            .iter()
            .map(|it| it["site"]["id"].as_str().unwrap().to_owned());
        ids.collect()
    };
    let expected = ["first", "second", "third"];
    assert_eq!(ids("tests/fixtures/valid/several.yaml"), expected);
    assert_eq!(ids("tests/fixtures/valid/several.jsonl"), expected);
}

#[test]
fn an_alias_bomb_is_stopped_early() {
    let text = fs::read_to_string("tests/fixtures/invalid/alias-bomb.yaml").unwrap();
    let begun = Instant::now();
    assert!(mycelia_spore::encode::yaml(&text).is_err());
    // Unbounded it would be ten thousand million values.
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string("tests/fixtures/valid/founding.json").unwrap();
    let marked = encoded(&folder, "a.json", &format!("\u{feff}{text}"));
    assert_eq!(marked, encoded(&folder, "b.json", &text));
}

#[test]
fn what_cannot_be_read_whole_is_not_read_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.yaml");
    fs::File::create(&path)
        .unwrap()
        .set_len((64 << 20) + 1)
        .unwrap();
    let error = told(&packed(path.to_str().unwrap(), None).unwrap_err());
    assert!(
        error.ends_with("more than 67108864 bytes; write the messages to several files"),
        "{error}"
    );
    let error = told(&packed("tests/fixtures", Some(Format::Json)).unwrap_err());
    insta::assert_snapshot!(error, @"tests/fixtures cannot be read: Is a directory (os error 21)");
    let error = told(&packed("no-such.json", None).unwrap_err());
    insta::assert_snapshot!(error, @"no-such.json cannot be read: No such file or directory (os error 2)");
    let error = told(&packed("README.md", None).unwrap_err());
    insta::assert_snapshot!(error, @"README.md: the form is not known; give --format json, yaml or toml, or FILE.capnp:CONSTANT");
}
