//! Texts become messages: what is accepted, what is refused and how that is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/tools.rs"]
mod tools;

use capnp::message::ReaderOptions;
use mycelia_spore::authoring::{self, AuthoringError, Encoded, Format};
use mycelia_spore::encode;
use mycelia_spore::json::to_json;
use mycelia_spore::model::SporeConfig;
use mycelia_spore::schema::{FILES, spore_capnp::spore_config};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;

/// An error and what lies below it, as the command line tells them.
fn told(error: &dyn std::error::Error) -> String {
    let below = std::iter::successors(error.source(), |error| error.source());
    below.fold(error.to_string(), |text, error| format!("{text}: {error}"))
}

/// The JSON of a packed message, which the daemon must accept.
fn decoded(packed: &[u8]) -> Value {
    let message = capnp::serialize_packed::read_message(packed, ReaderOptions::new()).unwrap();
    let root = message.get_root::<spore_config::Reader<'_>>().unwrap();
    SporeConfig::from_reader(root).unwrap();
    to_json(root).unwrap()
}

#[test]
fn one_text_may_hold_several_messages() {
    let one = |id: &str| json!({"site": {"id": id, "treelink": {"name": "X"}}, "hosting": {"provider": "localStatic"}});
    let (a, b) = (one("a"), one("b"));
    for (format, text) in [
        (Format::Json, format!("{a}{b}")),
        (Format::Json, format!("{a}\n{b}\n")),
        (Format::Json, json!([a, b]).to_string()),
        (Format::Yaml, format!("{a}\n---\n{b}\n")),
        (
            Format::Yaml,
            format!("--- # first\n{a}\n...\n---\n{b}\n---\n"),
        ),
    ] {
        let messages = authoring::encode_text("sites", text.as_bytes(), format).unwrap();
        let told: Vec<_> = messages
            .iter()
            .map(|message| (message.site.as_str(), message.source.as_str()))
            .collect();
        assert_eq!(
            told,
            [("a", "sites, message 1"), ("b", "sites, message 2")],
            "{text}"
        );
    }
}

#[test]
fn a_message_too_large_for_the_daemon_does_not_go_out() {
    let rule = |i: usize| json!({"from": format!("/{i}/{}", "f".repeat(990)), "to": "/t"});
    let value = json!({
        "site": {"id": "x", "treelink": {"name": "X"}},
        "hosting": {"provider": "localStatic", "redirects": (0..1500).map(rule).collect::<Value>()},
    });
    let error = authoring::encode_text("big.json", value.to_string().as_bytes(), Format::Json);
    insta::assert_snapshot!(error.unwrap_err(), @r"
    big.json:
      the message has 1548352 bytes; at most 1048576 are allowed [too-long]
    ");
}

#[test]
fn numbers_may_be_written_in_several_ways() {
    let base = |generation: &str| {
        format!(
            r#"{{"generation": {generation}, "site": {{"id": "x", "treelink": {{"name": "X"}}}}, "hosting": {{"provider": "localStatic"}}}}"#
        )
    };
    for (written, read) in [
        ("7", Some("7")),
        ("\"7\"", Some("7")),
        ("7.0", Some("7")),
        ("7e2", Some("700")),
        ("18446744073709551615", Some("18446744073709551615")),
        ("\"18446744073709551615\"", Some("18446744073709551615")),
        ("18446744073709551616", None),
        ("\"18446744073709551616\"", None),
        ("9007199254740993.0", None),
        ("7.5", None),
        ("-1", None),
        ("\"+7\"", None),
        ("\" 7\"", None),
        ("\"0x7\"", None),
        ("true", None),
    ] {
        let messages = authoring::encode_text("x.json", base(written).as_bytes(), Format::Json);
        let found = messages.map(|messages| decoded(&messages[0].packed)["generation"].clone());
        assert_eq!(found.ok(), read.map(Value::from), "{written}");
    }
}

#[test]
fn documents_are_checked_for_any_struct_of_the_schema() {
    use mycelia_spore::schema::report_capnp::spore_report;
    let text = r#"{"seq": "3", "elapsedMs": 1, "outcome": "applied", "error": {"code": "x"}, "urls": ["u"]}"#;
    let documents = encode::json(text).unwrap();
    let mut message = capnp::message::Builder::new_default();
    let root = message.init_root::<spore_report::Builder<'_>>();
    encode::fill(root, &documents[0]).unwrap();
    let report = message
        .get_root_as_reader::<spore_report::Reader<'_>>()
        .unwrap();
    assert_eq!(report.get_seq(), 3);
    assert_eq!(report.get_elapsed_ms().to_bits(), 1.0_f64.to_bits());
    assert_eq!(report.get_error().unwrap().get_code().unwrap(), "x");
    let documents = encode::json(r#"{"elapsedMs": "soon", "v": "NaN"}"#).unwrap();
    let root = message.init_root::<spore_report::Builder<'_>>();
    let faults = encode::fill(root, &documents[0]).unwrap_err();
    insta::assert_snapshot!(faults, @r#"elapsedMs: a number is expected here, not the text "soon"; v: a whole number is expected here, not the text "NaN""#);
}

#[test]
fn files_are_told_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let text = r#"{"site": {"id": "x", "treelink": {"name": "X"}}, "hosting": {"provider": "localStatic"}}"#;
    for file in ["a.json", "a.jsonl", "a.yaml", "a.yml"] {
        let messages = authoring::encode_file(&write(file, text), None).unwrap();
        assert_eq!(messages[0].site.as_str(), "x", "{file}");
    }
    let unnamed = write("a", text);
    assert!(authoring::encode_file(&unnamed, Some(Format::Json)).is_ok());
    let refused = |file: &str| {
        let error = authoring::encode_file(file, None).unwrap_err();
        told(&error).replace(folder.path().to_str().unwrap(), "FOLDER")
    };
    let missing = folder.path().join("missing.json");
    insta::assert_snapshot!(refused(&unnamed), @r#"FOLDER/a: the form is not known; give --format json, yaml or toml, or FILE.capnp:CONSTANT"#);
    insta::assert_snapshot!(refused(missing.to_str().unwrap()), @"FOLDER/missing.json cannot be read: No such file or directory (os error 2)");
    insta::assert_snapshot!(refused(&write("empty.json", " ")), @"FOLDER/empty.json: there is no message in it");
    fs::write(folder.path().join("latin.yaml"), b"a: 1\nb: \xe9").unwrap();
    let latin = folder.path().join("latin.yaml");
    insta::assert_snapshot!(refused(latin.to_str().unwrap()), @"FOLDER/latin.yaml cannot be encoded: line 2, column 4: not UTF-8");
}

/// A folder with a Cap'n Proto file that imports the schema as given.
fn capnp_file(import: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let head = format!("@0xd1e3a1f0b2c4d5e6;\nusing Spore = import \"{import}\";\n");
    fs::write(folder.path().join("site.capnp"), head + text).unwrap();
    folder
}

const CONSTANTS: &str = r#"
const apex :Spore.DnsRecord = (name = "@", type = a, value = "192.0.2.1");
const blog :Spore.SporeConfig = (
  schemaVersion = 1,
  site = (id = "blog", title = "Field notes", kind = blog),
  repo = (provider = directory, path = "/srv/src/blog"),
  build = (type = staticPrebuilt, outputDir = "public"),
  hosting = (provider = localStatic),
  dns = (zoneId = "spore.example", records = [.apex]),
);
const both :List(Spore.SporeConfig) = [.blog, (
  site = (id = "links", treelink = (name = "Links", entries = [(link = (title = "T", url = "https://t.example/"))])),
  hosting = (provider = localStatic),
)];
const empty :Spore.SporeConfig = ();
const number :UInt32 = 7;
"#;

/// What encoding a constant gives, with the folder's name taken out; `None` when there is no `capnp`.
fn constant(folder: &tempfile::TempDir, constant: &str) -> Option<Result<Vec<Encoded>, String>> {
    if !tools::on_path("capnp", "constants of Cap'n Proto files") {
        return None;
    }
    let name = format!("{}/site.capnp{constant}", folder.path().display());
    let shown = |error: AuthoringError| {
        let text = told(&error);
        text.replace(folder.path().to_str().unwrap(), "FOLDER")
    };
    Some(authoring::encode_file(&name, None).map_err(shown))
}

#[test]
fn constants_give_the_same_bytes_as_other_forms() {
    let folder = capnp_file("/spore.capnp", CONSTANTS);
    let Some(blog) = constant(&folder, ":blog") else {
        return;
    };
    let json = json!({
        "schemaVersion": 1,
        "site": {"id": "blog", "title": "Field notes", "kind": "blog"},
        "repo": {"provider": "directory", "path": "/srv/src/blog"},
        "build": {"type": "staticPrebuilt", "outputDir": "public"},
        "hosting": {"provider": "localStatic"},
        "dns": {"zoneId": "spore.example", "records": [{"name": "@", "type": "a", "value": "192.0.2.1"}]},
    });
    let other = authoring::encode_text("x", json.to_string().as_bytes(), Format::Json).unwrap();
    let blog = blog.unwrap();
    assert_eq!(blog[0].packed, other[0].packed);
    let both = constant(&folder, ":both").unwrap().unwrap();
    let sites: Vec<&str> = both.iter().map(|message| message.site.as_str()).collect();
    assert_eq!(sites, ["blog", "links"]);
    assert_eq!(both[0].packed, blog[0].packed);
}

#[test]
fn a_schema_beside_the_file_serves_too() {
    let folder = capnp_file("spore.capnp", CONSTANTS);
    let Some(without) = constant(&folder, ":blog") else {
        return;
    };
    let told = without.unwrap_err();
    assert!(
        told.contains("site.capnp:2:22-35: error: Import failed: spore.capnp"),
        "{told}"
    );
    let hint = "cannot be encoded: write import \"/spore.capnp\", with a slash, to use the schema of this program";
    assert!(told.contains(hint), "{told}");
    for (name, text) in FILES {
        fs::write(folder.path().join(name), text).unwrap();
    }
    assert!(constant(&folder, ":blog").unwrap().is_ok());
}

#[test]
fn constants_that_are_no_messages_are_refused() {
    let folder = capnp_file("/spore.capnp", CONSTANTS);
    let mut told = String::new();
    for name in [":blgo", "", ":apex", ":number", ":empty"] {
        let Some(result) = constant(&folder, name) else {
            return;
        };
        writeln!(told, "{}", result.unwrap_err()).unwrap();
    }
    insta::assert_snapshot!(told, @r#"
    FOLDER/site.capnp:blgo cannot be encoded: there is no constant "blgo"; it has blog, both, empty
    FOLDER/site.capnp cannot be encoded: name a constant: FILE.capnp:CONSTANT; it has blog, both, empty
    FOLDER/site.capnp:apex cannot be encoded: the constant "apex" is neither a SporeConfig nor a List(SporeConfig)
    FOLDER/site.capnp:number cannot be encoded: the constant "number" is neither a SporeConfig nor a List(SporeConfig)
    FOLDER/site.capnp:empty:
      the message is empty: no site, no hosting [message-empty]
        hint: was a SporeConfig written? Cap'n Proto messages carry no type
    "#);
}

/// `capnp eval --packed` writes a message without the part that is wrong; nothing of the kind may go out.
#[test]
fn half_a_message_never_goes_out() {
    for (text, code) in [
        (
            CONSTANTS.replace("kind = blog", "kind = blgo"),
            "Not defined: blgo",
        ),
        (CONSTANTS.replace("title =", "titel ="), "titel"),
        (
            format!("{CONSTANTS}const broken :UInt8 = 256;"),
            "out of range",
        ),
    ] {
        let folder = capnp_file("/spore.capnp", &text);
        let Some(result) = constant(&folder, ":blog") else {
            return;
        };
        let told = result.unwrap_err();
        assert!(told.contains(code), "{told}");
        assert!(told.contains("site.capnp:"), "the place: {told}");
    }
}
