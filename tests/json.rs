//! Messages become JSON as Cap'n Proto's own tool makes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/tools.rs"]
mod tools;

use capnp::dynamic_value;
use capnp::introspect::{Introspect, Type, TypeVariant};
use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::schema::EnumSchema;
use capnp::{serialize, serialize_packed};
use mycelia_spore::json::{to_json, to_value};
use mycelia_spore::schema::report_capnp::spore_report;
use mycelia_spore::schema::spore_capnp::{HostingProvider, spore_config};
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tools::{on_path, repository};

/// What `capnp convert` makes of messages, or what it says of an error.
fn convert(forms: &str, file: &str, root: &str, bytes: &[u8]) -> Result<Vec<Value>, String> {
    let mut child = Command::new("capnp")
        .args(["convert", forms, "--short", file, root])
        .current_dir(repository("schema"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The messages are smaller than a pipe. The tool stops reading at an error, which its status tells.
    drop(child.stdin.take().unwrap().write_all(bytes));
    let output = child.wait_with_output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let values = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    let values = values.collect::<Result<_, _>>();
    values.map_err(|error: serde_json::Error| error.to_string())
}

/// The streams of `tests/golden`.
fn golden() -> Vec<PathBuf> {
    let files = fs::read_dir(repository("tests/golden")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let mut streams: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "packed"))
        .collect();
    streams.sort();
    streams
}

/// The JSON of packed messages by this crate.
fn own_json(packed: &[u8]) -> Vec<Value> {
    let mut input = packed;
    let mut values = Vec::new();
    while let Some(message) =
        serialize_packed::try_read_message(&mut input, ReaderOptions::new()).unwrap()
    {
        let root = message.get_root::<spore_config::Reader<'_>>().unwrap();
        values.push(to_json(root).unwrap());
    }
    values
}

fn pack(message: &Builder<HeapAllocator>) -> Vec<u8> {
    let mut packed = Vec::new();
    serialize_packed::write_message(&mut packed, message).unwrap();
    packed
}

#[test]
fn agrees_with_capnp_on_floats_and_reports() {
    if !on_path("capnp", "the JSON of floats against capnp convert") {
        return;
    }
    for float in [
        0.0,
        -0.0,
        0.1,
        1e21,
        -2.5e-7,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        let mut message = Builder::new_default();
        let mut report = message.init_root::<spore_report::Builder<'_>>();
        report.set_elapsed_ms(float);
        report.set_seq(u64::MAX);
        report.reborrow().init_error();
        let ours = to_value(report.into_reader()).unwrap();
        let theirs = convert(
            "packed:json",
            "report.capnp",
            "SporeReport",
            &pack(&message),
        );
        assert_eq!(
            with_floats(&theirs.unwrap()[0]),
            with_floats(&ours),
            "{float}"
        );
    }
}

/// The same with every number as a float, as the tool writes 0.0 as 0.
fn with_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), with_floats(value)))
            .collect(),
        other => other.clone(),
    }
}

/// What only a newer writer, or a careless one, puts into a message.
#[test]
fn agrees_with_capnp_on_what_the_schema_does_not_know() {
    let mut message = Builder::new_default();
    let config = message.init_root::<spore_config::Builder<'_>>();
    let mut config = dynamic_struct(config);
    let unknown = dynamic_value::Enum::new(999, enumeration(HostingProvider::introspect()));
    let dynamic_value::Builder::Struct(mut hosting) =
        config.reborrow().init_named("hosting").unwrap()
    else {
        panic!("a struct");
    };
    hosting
        .set_named("provider", dynamic_value::Reader::Enum(unknown))
        .unwrap();
    let root = message.get_root::<spore_config::Builder<'_>>().unwrap();
    let mut treelink = root.init_site().init_treelink();
    let mut entries = treelink.reborrow().init_entries(4);
    // A chosen member that is a null pointer is told all the same.
    dynamic_struct(entries.reborrow().get(0))
        .clear_named("heading")
        .unwrap();
    dynamic_struct(entries.reborrow().get(1))
        .clear_named("link")
        .unwrap();
    entries.reborrow().get(2).set_text("");
    let variables = message
        .get_root::<spore_config::Builder<'_>>()
        .unwrap()
        .init_build()
        .init_environment(2);
    let mut variables = variables;
    dynamic_struct(variables.reborrow().get(0))
        .clear_named("value")
        .unwrap();
    dynamic_struct(variables.reborrow().get(1))
        .clear_named("credential")
        .unwrap();
    let packed = pack(&message);
    let ours = own_json(&packed);
    insta::assert_snapshot!(ours[0]["build"]["environment"], @r#"[{"value":""},{"credential":""}]"#);
    insta::assert_snapshot!(ours[0]["hosting"]["provider"], @"999");
    insta::assert_snapshot!(ours[0]["site"]["treelink"]["entries"], @r#"[{"heading":""},{"link":{"featured":false,"sensitive":false}},{"text":""},{"unspecified":null}]"#);
    if !on_path("capnp", "the JSON of unknown choices against capnp convert") {
        return;
    }
    let theirs = convert("packed:json", "spore.capnp", "SporeConfig", &packed);
    assert_eq!(theirs.unwrap(), ours);
}

fn dynamic_struct<'a>(
    builder: impl Into<dynamic_value::Builder<'a>>,
) -> capnp::dynamic_struct::Builder<'a> {
    match builder.into() {
        dynamic_value::Builder::Struct(builder) => builder,
        _ => panic!("a struct"),
    }
}

fn enumeration(kind: Type) -> EnumSchema {
    match kind.which() {
        TypeVariant::Enum(schema) => schema.into(),
        _ => panic!("an enum"),
    }
}

/// Flips bits of messages. Where Cap'n Proto's tool still reads one, both say the same of it; where it does
/// not, this crate must at least not panic.
#[test]
fn agrees_with_capnp_on_damaged_messages() {
    if !on_path(
        "capnp",
        "the JSON of damaged messages against capnp convert",
    ) {
        return;
    }
    let mut compared = 0;
    for path in golden() {
        let packed = fs::read(&path).unwrap();
        let message = serialize_packed::read_message(&packed[..], ReaderOptions::new()).unwrap();
        let flat = serialize::write_message_segments_to_words(&message.into_segments());
        for number in 0..6_usize {
            let mut damaged = flat.clone();
            // Behind the segment table, at places that no two files share.
            let bit = 64 + (number * 7919 + packed.len() * 31) % ((flat.len() - 8) * 8);
            damaged[bit / 8] ^= 1 << (bit % 8);
            let mut input = &damaged[..];
            let Ok(message) = serialize::read_message(&mut input, ReaderOptions::new()) else {
                continue;
            };
            let ours = message
                .get_root::<spore_config::Reader<'_>>()
                .map_err(|error| error.to_string())
                .and_then(|root| to_json(root).map_err(|error| error.to_string()));
            let theirs = convert("binary:json", "spore.capnp", "SporeConfig", &damaged);
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                assert_eq!(theirs, [ours], "{} bit {bit}", path.display());
                compared += 1;
            }
        }
    }
    assert!(compared >= 20, "{compared}");
}

/// An error names the field.
#[test]
fn tells_where_a_message_is_damaged() {
    let mut message = Builder::new_default();
    let config = message.init_root::<spore_config::Builder<'_>>();
    let mut records = config.init_dns().init_records(2);
    records
        .reborrow()
        .get(1)
        .set_value(capnp::text::Reader(b"caf\xe9"));
    let root = message
        .get_root_as_reader::<spore_config::Reader<'_>>()
        .unwrap();
    let error = to_json(root).unwrap_err().to_string();
    assert!(error.starts_with("dns.records[1].value: "), "{error}");
    assert!(error.contains("not UTF-8"), "{error}");
}
