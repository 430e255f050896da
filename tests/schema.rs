//! The schema: kept compatible, compiled as committed, commented throughout.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/compat.rs"]
mod compat;
#[path = "support/tools.rs"]
mod tools;

use capnp::message::ReaderOptions;
use capnp::schema_capnp::{code_generator_request, node, value};
use compat::Schema;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use tools::{on_path, repository};

/// The schema files that are compiled, in the order of `spore.req`.
const COMPILED: [&str; 3] = ["spore.capnp", "report.capnp", "daemon.capnp"];

/// The module annotation of `rust.capnp`.
const MODULE: u64 = 0xe1f7_a2c9_0d3b_4856;

/// Compiles the schema files of a folder.
fn compile(folder: &Path) -> Result<Vec<u8>, String> {
    let output = Command::new("capnp")
        .args(["compile", "-o-"])
        .args(COMPILED)
        .current_dir(folder)
        .output()
        .unwrap();
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn committed() -> Vec<u8> {
    fs::read(repository("schema/spore.req")).unwrap()
}

/// A folder with the schema files, `spore.capnp` changed by one replacement.
fn edited(from: &str, to: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in mycelia_spore::schema::FILES {
        let mut text = text.to_owned();
        if name == "spore.capnp" {
            assert_eq!(text.matches(from).count(), 1, "not one place: {from:?}");
            text = text.replace(from, to);
        }
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn every_released_revision_is_kept() {
    let today = Schema::of(&committed()).unwrap();
    let mut revisions = 0;
    for file in fs::read_dir(repository("schema/released")).unwrap() {
        let path = file.unwrap().path();
        let released = Schema::of(&fs::read(&path).unwrap()).unwrap();
        assert!(released.len() > 300, "{}", path.display());
        let broken = released.broken_by(&today);
        assert!(broken.is_empty(), "{}: {broken:#?}", path.display());
        revisions += 1;
    }
    assert_eq!(revisions, mycelia_spore::schema::VERSION);
}

/// An edit of the schema, and what the comparison must say of it: nothing, or a word of its complaint.
struct Edit {
    what: &'static str,
    from: &'static str,
    to: &'static str,
    complaint: Option<&'static str>,
}

const fn edit(
    what: &'static str,
    from: &'static str,
    to: &'static str,
    complaint: Option<&'static str>,
) -> Edit {
    Edit {
        what,
        from,
        to,
        complaint,
    }
}

const EDITS: [Edit; 24] = [
    edit(
        "a comment",
        "# A key and a value.",
        "# A name and a value.",
        None,
    ),
    edit(
        "a field at the end",
        "  generation @12 :UInt64;",
        "  generation @12 :UInt64;\n  urgency @13 :UInt8;",
        None,
    ),
    edit(
        "a field in a group",
        "      sensitive @5 :Bool;",
        "      sensitive @5 :Bool;\n      icon @10 :Text;",
        None,
    ),
    edit(
        "a union member",
        "    heading @6 :Text;",
        "    heading @6 :Text;\n    divider @10 :Void;",
        None,
    ),
    edit(
        "a union of new fields",
        "  key @0 :Text;",
        "  key @0 :Text;\n  union {\n    plain @2 :Void;\n    colour @3 :Text;\n  }",
        None,
    ),
    edit(
        "an enumerant",
        "  paused @2;",
        "  paused @2;\n  archived @3;",
        None,
    ),
    edit(
        "a struct and an enum",
        "struct Label {",
        "enum Mood {\n  calm @0;\n}\nstruct Extra {\n  mood @0 :Mood;\n}\nstruct Label {",
        None,
    ),
    edit(
        "a type's place in the file",
        "enum Registrar {\n",
        "struct Nothing {}\nenum Registrar {\n",
        None,
    ),
    edit(
        "the last field removed",
        "  generation @12 :UInt64;",
        "",
        Some("generation at 1: UInt64 = 0 is gone"),
    ),
    edit(
        "the last enumerant removed",
        "  paused @2;",
        "",
        Some("Ensure.paused is gone"),
    ),
    edit(
        "a union member made empty",
        "    text @7 :Text;",
        "    text @7 :Void;",
        Some("text choice 3"),
    ),
    edit(
        "two fields of one type swapped",
        "  title @1 :Text;\n  # What people call it",
        "  headline @1 :Text;\n  # What people call it",
        Some("title at 1: Text = \"\" became headline"),
    ),
    edit(
        "two fields renumbered",
        "  shell @4 :Bool;",
        "  shell @9 :Bool;\n  other @4 :Bool;",
        Some("shell at 32: Bool = false became other"),
    ),
    edit(
        "a field retyped to the same width",
        "  ttl @3 :UInt32;",
        "  ttl @3 :Int32;",
        Some("UInt32 = 0 became ttl"),
    ),
    edit(
        "text become data",
        "  requestId @11 :Text;",
        "  requestId @11 :Data;",
        Some("requestId"),
    ),
    edit(
        "a list of other things",
        "  aliases @1 :List(Text);",
        "  aliases @1 :List(Label);",
        Some("List(Text)"),
    ),
    edit(
        "another struct",
        "  hosting @4 :Hosting;",
        "  hosting @4 :Repo;",
        Some("hosting at 4"),
    ),
    edit(
        "a field renamed",
        "  projectName @1 :Text;",
        "  project @1 :Text;",
        Some("projectName"),
    ),
    edit(
        "an enumerant renamed",
        "  cloudflareReg @2;",
        "  cloudflare @2;",
        Some("Registrar.cloudflareReg became Registrar.cloudflare"),
    ),
    edit(
        "enumerants in another order",
        "  ltr @1;\n  # Left to right.\n\n  rtl @2;",
        "  ltr @2;\n  # Left to right.\n\n  rtl @1;",
        Some("TextDirection.ltr became TextDirection.rtl"),
    ),
    edit(
        "another default of a number",
        "  years @2 :UInt8 = 1;",
        "  years @2 :UInt8 = 2;",
        Some("= 1 became"),
    ),
    edit(
        "a default where there was none",
        "  currency @1 :Text;",
        "  currency @1 :Text = \"EUR\";",
        Some("= \"\" became"),
    ),
    edit(
        "a struct with another id",
        "struct Money {",
        "struct Money @0xd3b8f6f9d0a1c2e4 {",
        Some("struct Money is gone"),
    ),
    edit(
        "a field moved into a union",
        "  language @4 :Text;",
        "  union {\n    language @4 :Text;\n    native @6 :Void;\n  }",
        Some("became language choice 0 at"),
    ),
];

#[test]
fn the_comparison_tells_additions_from_breaks() {
    if !on_path("capnp", "how edits of the schema compare") {
        return;
    }
    let today = Schema::of(&committed()).unwrap();
    for edit in &EDITS {
        let folder = edited(edit.from, edit.to);
        let request =
            compile(folder.path()).unwrap_or_else(|error| panic!("{}: {error}", edit.what));
        let broken = today.broken_by(&Schema::of(&request).unwrap());
        match edit.complaint {
            None => assert_eq!(broken, [""; 0], "{}", edit.what),
            Some(word) => assert!(
                broken.iter().any(|line| line.contains(word)),
                "{}: {broken:#?}",
                edit.what
            ),
        }
    }
}

/// The nodes of a compiled schema by id, as text. Two compilers may lay the same nodes out differently.
fn nodes(request: &[u8]) -> BTreeMap<u64, String> {
    let mut options = ReaderOptions::new();
    options.traversal_limit_in_words(None);
    let message = capnp::serialize::read_message(request, options).unwrap();
    let request: code_generator_request::Reader<'_> = message.get_root().unwrap();
    let nodes = request.get_nodes().unwrap().iter();
    nodes.map(|it| (it.get_id(), format!("{it:#?}"))).collect()
}

#[test]
fn the_committed_request_is_what_the_compiler_makes_of_the_schema() {
    if !on_path("capnp", "that schema/spore.req is up to date") {
        return;
    }
    let fresh = nodes(&compile(&repository("schema")).unwrap());
    let committed = nodes(&committed());
    let advice =
        "run `capnp compile -o- spore.capnp report.capnp daemon.capnp > spore.req` in schema/";
    let ids = |nodes: &BTreeMap<u64, String>| nodes.keys().copied().collect::<Vec<_>>();
    assert_eq!(ids(&committed), ids(&fresh), "{advice}");
    for (id, node) in &fresh {
        assert_eq!(&committed[id], node, "{advice}");
    }
}

/// The Rust that the generator makes of a request, by file.
fn generated(run: impl FnOnce(&Path)) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path());
    let files = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
    let read = |file: fs::DirEntry| {
        let name = file.file_name().into_string().unwrap();
        (name, fs::read_to_string(file.path()).unwrap())
    };
    files.map(read).collect()
}

#[test]
fn both_ways_of_building_give_the_same_code() {
    if !on_path("capnp", "that both ways of building give the same code") {
        return;
    }
    let from_request = generated(|folder| {
        capnpc::codegen::CodeGenerationCommand::new()
            .output_directory(folder)
            .run(&committed()[..])
            .unwrap();
    });
    let from_schema = generated(|folder| {
        let mut command = capnpc::CompilerCommand::new();
        command.output_path(folder).src_prefix(repository("schema"));
        for file in COMPILED {
            command.file(repository("schema").join(file));
        }
        command.run().unwrap();
    });
    let names: Vec<&String> = from_request.keys().collect();
    assert_eq!(
        names,
        ["daemon_capnp.rs", "report_capnp.rs", "spore_capnp.rs"]
    );
    assert_eq!(names, from_schema.keys().collect::<Vec<_>>());
    for (name, code) in &from_request {
        // Not assert_eq!: on failure it would print ten thousand lines.
        assert!(*code == from_schema[name], "{name} differs");
    }
}

#[test]
fn the_module_annotation_names_the_generated_module() {
    let request = committed();
    let mut options = ReaderOptions::new();
    options.traversal_limit_in_words(None);
    let message = capnp::serialize::read_message(&request[..], options).unwrap();
    let request: code_generator_request::Reader<'_> = message.get_root().unwrap();
    let mut modules = BTreeMap::new();
    for node in request.get_nodes().unwrap() {
        if !matches!(node.which(), Ok(node::File(()))) {
            continue;
        }
        let file = node.get_display_name().unwrap().to_str().unwrap();
        for annotation in node.get_annotations().unwrap() {
            let Ok(value::Text(Ok(name))) = annotation.get_value().unwrap().which() else {
                panic!("{file}: an annotation that is no text");
            };
            assert_eq!(annotation.get_id(), MODULE, "{file}");
            modules.insert(file.to_owned(), name.to_str().unwrap().to_owned());
        }
    }
    let stem = |file: &str| format!("{}_capnp", file.trim_end_matches(".capnp"));
    let expected = COMPILED.map(|file| (file.to_owned(), stem(file)));
    assert_eq!(modules, BTreeMap::from(expected));
}

/// The lines of a schema that declare something without a comment in the next line.
fn uncommented(text: &str) -> Vec<(usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let declares = |line: &str| {
        let code = line.trim_start();
        let field = code.contains(" @") && code.ends_with(';');
        let block = code.ends_with('{') && !code.starts_with("union");
        !code.starts_with('#') && (field || block)
    };
    let commented =
        |next: Option<&&str>| next.is_some_and(|next| next.trim_start().starts_with('#'));
    (0..lines.len())
        .filter(|&at| declares(lines[at]) && !commented(lines.get(at + 1)))
        .map(|at| (at + 1, lines[at]))
        .collect()
}

#[test]
fn every_type_field_and_choice_is_commented() {
    for (name, text) in mycelia_spore::schema::FILES {
        assert_eq!(uncommented(text), [], "{name}");
    }
    let bad = "struct A {\n  # Said.\n  b @0 :Text;\n\n  c @1 :Text;\n  # Said.\n  union {\n    d @2 :Void;\n  }\n}\n";
    assert_eq!(
        uncommented(bad),
        [(3, "  b @0 :Text;"), (8, "    d @2 :Void;")]
    );
}
