//! Files that people write, through the real command: what comes out, and that nothing does when anything
//! is at fault.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/tools.rs"]
mod tools;

use mycelia_spore::json::to_json;
use mycelia_spore::stream::Frames;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tools::on_path;

/// Runs `mycelia-spore encode` within a folder.
fn encode(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mycelia-spore"))
        .arg("encode")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments reads no input.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

/// Runs it where it must fail, writing nothing, and gives what it says.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = encode(folder, arguments, "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, b"", "bytes went out");
    String::from_utf8(output.stderr).unwrap()
}

/// The ids of the sites of a stream.
fn sites(stream: &[u8]) -> Vec<String> {
    let frames = Frames::new(stream).map(Result::unwrap);
    let json = frames.map(|frame| to_json(frame.message.get_root().unwrap()).unwrap());
    json.map(|it| it["site"]["id"].as_str().unwrap().to_owned())
        .collect()
}

fn folder_of(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// A document of a site with this id.
fn site(id: &str) -> String {
    json!({ "site": { "id": id, "treelink": {} }, "hosting": { "provider": "localStatic" } })
        .to_string()
}

#[test]
fn files_go_out_in_the_order_of_the_arguments() {
    let folder = folder_of(&[("b.json", &site("b")), ("a.json", &site("a"))]);
    let output = encode(folder.path(), &["b.json", "a.json", "b.json"], "");
    assert_eq!(sites(&output.stdout), ["b", "a", "b"]);
    assert_eq!(output.stderr, b"");
}

#[test]
fn standard_input_needs_its_form_named() {
    let folder = folder_of(&[]);
    let output = encode(folder.path(), &["-", "--format", "json"], &site("a"));
    assert_eq!(sites(&output.stdout), ["a"]);
    insta::assert_snapshot!(refused(folder.path(), &["-"]), @"error: -: the form is not known; give --format json, yaml or toml, or FILE.capnp:CONSTANT");
}

#[test]
fn one_fault_keeps_every_message_of_every_file_in() {
    let several = [site("first"), site("Second"), site("third")].join("\n");
    let folder = folder_of(&[("good.json", &site("good")), ("several.jsonl", &several)]);
    insta::assert_snapshot!(refused(folder.path(), &["good.json", "several.jsonl"]), @r#"
    error: several.jsonl, message 2:
      site.id: not a valid name: "Second" [name-syntax]
        hint: use 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit
    "#);
    insta::assert_snapshot!(refused(folder.path(), &["good.json", "none.json"]), @"error: none.json cannot be read: No such file or directory (os error 2)");
}

const CONSTANT: &str = "
@0xd8d3cf7c1a4f9e21;
using Spore = import \"/spore.capnp\";
const defaults :Spore.Hosting = (provider = localStatic);
const blog :Spore.SporeConfig = (
  schemaVersion = 1,
  site = (id = \"blog\", title = \"Field notes\", kind = blog),
  repo = (provider = directory, path = \"/srv/src/blog\"),
  build = (outputDir = \"public\"),
  hosting = .defaults,
);
const nothing :Spore.SporeConfig = ();
const wrong :Spore.Label = (key = \"a\", value = \"b\");
";

#[test]
fn a_constant_of_a_capnp_file_is_a_message() {
    if !on_path("capnp", "constants of Cap'n Proto files") {
        return;
    }
    let folder = folder_of(&[("site.capnp", CONSTANT)]);
    let output = encode(folder.path(), &["site.capnp:blog"], "");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(sites(&output.stdout), ["blog"], "{errors}");
    assert_eq!(errors, "");
}

/// `capnp eval` writes what it has understood of a faulty constant before it fails: of these files a message
/// without the field at fault, which might be a valid message of another meaning.
#[test]
fn of_a_faulty_constant_nothing_goes_out() {
    if !on_path("capnp", "faulty constants of Cap'n Proto files") {
        return;
    }
    let enumerant = CONSTANT.replace("kind = blog", "kind = blogg");
    let field = CONSTANT.replace("outputDir", "outputDri");
    let syntax = CONSTANT.replace("kind = blog)", "kind = blog");
    let folder = folder_of(&[
        ("site.capnp", CONSTANT),
        ("enumerant.capnp", &enumerant),
        ("field.capnp", &field),
        ("syntax.capnp", &syntax),
    ]);
    let half = Command::new("capnp")
        .args(["eval", "--packed", "-I"])
        .arg(tools::repository("schema"))
        .args(["enumerant.capnp", "blog"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        !half.status.success() && !half.stdout.is_empty(),
        "{half:?}"
    );
    let told = |name| refused(folder.path(), &[name]);
    // What follows is the installed compiler's own text.
    for (name, says) in [
        ("enumerant.capnp:blog", "enumerant.capnp:7:"),
        ("field.capnp:blog", "field.capnp:9:"),
        ("syntax.capnp:blog", "syntax.capnp:11:"),
        ("none.capnp:blog", "none.capnp: no such file"),
    ] {
        let error = told(name);
        let begin = format!("error: {name} cannot be encoded: capnp failed (exit status: 1): ");
        assert!(error.starts_with(&begin) && error.contains(says), "{error}");
    }
    insta::assert_snapshot!(told("site.capnp:nothing"), @"
    error: site.capnp:nothing:
      the message is empty: no site, no hosting [message-empty]
        hint: was a SporeConfig written? Cap'n Proto messages carry no type
    ");
    insta::assert_snapshot!(told("site.capnp:block"), @r#"error: site.capnp:block cannot be encoded: there is no constant "block"; it has blog, nothing"#);
    // A message carries no type, so this one would be read as something else.
    insta::assert_snapshot!(told("site.capnp:wrong"), @r#"error: site.capnp:wrong cannot be encoded: the constant "wrong" is neither a SporeConfig nor a List(SporeConfig)"#);
}

#[test]
fn without_capnp_the_other_forms_work_and_constants_say_what_is_missing() {
    let folder = folder_of(&[("site.capnp", CONSTANT), ("site.json", &site("a"))]);
    let run = |argument| {
        Command::new(env!("CARGO_BIN_EXE_mycelia-spore"))
            .args(["encode", argument])
            .env("PATH", folder.path())
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    assert_eq!(sites(&run("site.json").stdout), ["a"]);
    let output = run("site.capnp:blog");
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"error: site.capnp:blog cannot be encoded: capnp is not installed (Debian: apt install capnproto; Nix: nixpkgs#capnproto; or write YAML, TOML or JSON)");
}

/// A limit of the schema: a document that has exactly as much as is allowed, and one that has more.
struct Limit {
    what: &'static str,
    document: fn(usize) -> Value,
    most: usize,
    fault: &'static str,
}

fn with(extra: Value) -> Value {
    let mut document = json!({
        "schemaVersion": 1,
        "site": { "id": "a", "treelink": {} },
        "hosting": { "provider": "localStatic" },
    });
    merge(&mut document, extra);
    document
}

fn merge(into: &mut Value, extra: Value) {
    match (into, extra) {
        (Value::Object(into), Value::Object(extra)) => {
            for (key, value) in extra {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, extra) => *into = extra,
    }
}

fn treelink(content: &Value) -> Value {
    with(json!({ "site": { "treelink": content } }))
}

fn text(characters: usize) -> String {
    // Two bytes each: characters are counted, not bytes.
    "é".repeat(characters)
}

fn ascii(bytes: usize) -> String {
    "a".repeat(bytes)
}

fn many(count: usize, each: impl Fn(usize) -> Value) -> Value {
    (0..count).map(each).collect()
}

fn address(bytes: usize) -> String {
    let base = "https://a.example/";
    base.to_owned() + &ascii(bytes - base.len())
}

macro_rules! limits {
    ($($what:literal $most:literal $fault:literal $document:expr;)*) => {
        [$(Limit { what: $what, most: $most, fault: $fault, document: $document }),*]
    };
}

#[test]
fn each_limit_is_reached_and_not_passed() {
    let limits = limits! {
        "labels" 32 "labels" |n| with(json!({ "labels": many(n, |i| json!({ "key": format!("k{i}") })) }));
        "label key" 63 "labels[0].key" |n| with(json!({ "labels": [{ "key": ascii(n) }] }));
        "label value" 255 "labels[0].value" |n| with(json!({ "labels": [{ "key": "a", "value": text(n) }] }));
        "request id" 128 "requestId" |n| with(json!({ "requestId": text(n) }));
        "site id" 63 "site.id" |n| with(json!({ "site": { "id": ascii(n) } }));
        "title" 200 "site.title" |n| with(json!({ "site": { "title": text(n) } }));
        "description" 300 "site.description" |n| with(json!({ "site": { "description": text(n) } }));
        "name" 80 "site.treelink.name" |n| treelink(&json!({ "name": text(n) }));
        "headline" 160 "site.treelink.headline" |n| treelink(&json!({ "headline": text(n) }));
        "bio" 600 "site.treelink.bio" |n| treelink(&json!({ "bio": text(n) }));
        "footer" 160 "site.treelink.footer" |n| treelink(&json!({ "footer": text(n) }));
        "entries" 200 "site.treelink.entries" |n| treelink(&json!({ "entries": many(n, |_| json!({ "text": "a" })) }));
        "socials" 24 "site.treelink.socials" |n| treelink(&json!({ "socials": many(n, |_| json!({ "handle": "a", "platform": "x" })) }));
        "verify" 16 "site.treelink.verify" |n| treelink(&json!({ "verify": many(n, |_| json!("https://a.example")) }));
        "avatar" 262_144 "site.treelink.avatar.image" |n| {
            let mut image = b"GIF89a".to_vec();
            image.resize(n, 0);
            treelink(&json!({ "avatar": { "image": image } }))
        };
        "alt" 160 "site.treelink.avatar.alt" |n| treelink(&json!({ "avatar": { "alt": text(n) } }));
        "link title" 80 "site.treelink.entries[0].link.title" |n| treelink(&json!({ "entries": [{ "link": { "title": text(n), "url": "https://a.example" } }] }));
        "link url" 2048 "site.treelink.entries[0].link.url" |n| treelink(&json!({ "entries": [{ "link": { "title": "a", "url": address(n) } }] }));
        "subtitle" 120 "site.treelink.entries[0].link.subtitle" |n| treelink(&json!({ "entries": [{ "link": { "title": "a", "url": "https://a.example", "subtitle": text(n) } }] }));
        "heading" 80 "site.treelink.entries[0].heading" |n| treelink(&json!({ "entries": [{ "heading": text(n) }] }));
        "text" 600 "site.treelink.entries[0].text" |n| treelink(&json!({ "entries": [{ "text": text(n) }] }));
        "handle" 100 "site.treelink.socials[0].handle" |n| treelink(&json!({ "socials": [{ "platform": "x", "handle": ascii(n) }] }));
        "canonical" 2048 "site.treelink.seo.canonical" |n| treelink(&json!({ "seo": { "canonical": address(n) } }));
        "slug" 255 "repo.slug" |n| with(json!({ "repo": { "slug": format!("a/{}", ascii(n - 2)) } }));
        "branch" 255 "repo.defaultBranch" |n| with(json!({ "repo": { "slug": "a/b", "defaultBranch": ascii(n) } }));
        "repository url" 2048 "repo.url" |n| with(json!({ "repo": { "provider": "git", "url": address(n) } }));
        "repository path" 4096 "repo.path" |n| with(json!({ "repo": { "provider": "directory", "path": format!("/{}", ascii(n - 1)) } }));
        "depth" 100_000 "repo.depth" |n| with(json!({ "repo": { "slug": "a/b", "depth": n } }));
        "command" 64 "build.command" |n| with(json!({ "build": { "type": "treelink", "command": many(n, |_| json!("a")) } }));
        "word" 4096 "build.command[0]" |n| with(json!({ "build": { "type": "treelink", "command": [ascii(n)] } }));
        "environment" 128 "build.environment" |n| with(json!({ "build": { "type": "treelink", "environment": many(n, |i| json!({ "name": format!("V{i}"), "value": "" })) } }));
        "variable" 5120 "build.environment[0].value" |n| with(json!({ "build": { "type": "treelink", "environment": [{ "name": "A", "value": ascii(n) }] } }));
        "timeout" 14_400 "build.timeoutSeconds" |n| with(json!({ "build": { "type": "treelink", "timeoutSeconds": n } }));
        "aliases" 100 "domains.aliases" |n| with(json!({ "domains": { "primary": "a.example", "aliases": many(n, |i| json!(format!("b{i}.example"))) } }));
        "headers" 100 "hosting.headers" |n| with(json!({ "hosting": { "headers": many(n, |_| json!({ "path": "/" })) } }));
        "redirects" 2000 "hosting.redirects" |n| with(json!({ "hosting": { "redirects": many(n, |_| json!({ "from": "/a", "to": "/b" })) } }));
        "header value" 2000 "hosting.headers[0].set[0].value" |n| with(json!({ "hosting": { "headers": [{ "path": "/", "set": [{ "name": "A", "value": ascii(n) }] }] } }));
        "releases" 100 "hosting.localStatic.keepReleases" |n| with(json!({ "hosting": { "localStatic": { "keepReleases": n } } }));
        "records" 1000 "dns.records" |n| with(json!({ "dns": { "records": many(n, |i| json!({ "name": format!("n{i}.example"), "value": "192.0.2.1" })) } }));
        "ttl" 86_400 "dns.records[0].ttl" |n| with(json!({ "dns": { "records": [{ "name": "a.example", "value": "192.0.2.1", "ttl": n }] } }));
        "years" 10 "purchase.years" |n| with(json!({ "purchase": { "domain": "a.example", "years": n } }));
    };
    let encode = |document: &Value| {
        let documents = mycelia_spore::encode::json(&document.to_string()).unwrap();
        mycelia_spore::encode::to_message(&documents[0])
    };
    for limit in limits {
        let fits = encode(&(limit.document)(limit.most));
        assert!(fits.is_ok(), "{}: {fits:?}", limit.what);
        let faults = encode(&(limit.document)(limit.most + 1)).unwrap_err();
        let paths: Vec<&str> = faults
            .as_slice()
            .iter()
            .map(|it| it.path.as_str())
            .collect();
        assert_eq!(paths, [limit.fault], "{}: {faults}", limit.what);
    }
}

#[test]
fn a_message_larger_than_any_reader_takes_is_not_written() {
    let record =
        |i| json!({ "name": format!("n{i:03}.example"), "type": "txt", "value": ascii(2000) });
    let document = with(json!({ "dns": { "records": many(1000, record) } }));
    let folder = folder_of(&[("large.json", &document.to_string())]);
    insta::assert_snapshot!(refused(folder.path(), &["large.json"]), @"
    error: large.json:
      the message has 2048376 bytes; at most 1048576 are allowed [too-long]
    ");
}
