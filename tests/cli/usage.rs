//! Exit codes and errors of usage.

use crate::tools::on_path;
use crate::world::{World, stream, with};
use insta::assert_snapshot;
use serde_json::json;
use std::process::{Command, Stdio};

#[test]
fn an_empty_stream_is_done_at_once_and_says_nothing() {
    let world = World::new();
    for arguments in [&[][..], &["run"], &["plan"], &["validate"], &["decode"]] {
        let ended = world.spore(arguments, b"");
        assert_eq!(ended.told(), "exit: 0\n", "{arguments:?}");
    }
    let nothing = world.command(&[]).stdin(Stdio::null()).spawn().unwrap();
    assert_eq!(world.ended(nothing).told(), "exit: 0\n");
}

#[test]
fn a_terminal_is_told_what_is_expected_instead_of_being_waited_for() {
    if !on_path("script", "standard input and output that are terminals") {
        return;
    }
    let world = World::new();
    let at_terminal = |command: &str| {
        let command = format!(
            "{} {command}; echo exit: $?",
            env!("CARGO_BIN_EXE_mycelia-spore")
        );
        let mut script = Command::new("script");
        script
            .args(["-qec", &command, "/dev/null"])
            .stdin(Stdio::null());
        let output = script
            .current_dir(world.path(""))
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().replace('\r', "")
    };
    assert_snapshot!(at_terminal(""), @"
    error: packed SporeConfig messages are read from standard input, which is a terminal
      hint: try `mycelia-spore demo`, or `mycelia-spore encode site.yaml | mycelia-spore`
    exit: 2
    ");
    world.write("a.json", world.site("a", "a").to_string());
    assert_snapshot!(at_terminal("encode a.json"), @"
    error: packed messages are bytes, and standard output is a terminal
      hint: send them on: mycelia-spore encode site.yaml | mycelia-spore, or > config.bin
    exit: 2
    ");
}

#[test]
fn wrong_usage_ends_with_2() {
    let world = World::new();
    let told = |arguments: &[&str]| {
        let ended = world.spore(arguments, b"");
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        ended.stderr
    };
    assert_snapshot!(told(&["--frobnicate"]), @"
    error: unexpected argument '--frobnicate' found

    Usage: mycelia-spore [OPTIONS] [COMMAND]

    For more information, try '--help'.
    ");
    assert_snapshot!(told(&["pln"]), @"
    error: unrecognized subcommand 'pln'

      tip: a similar subcommand exists: 'plan'

    Usage: mycelia-spore [OPTIONS] [COMMAND]

    For more information, try '--help'.
    ");
    assert_snapshot!(told(&["status", "Blog"]), @r#"
    error: invalid value 'Blog' for '[SITE]': not a valid name: "Blog": use 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit

    For more information, try '--help'.
    "#);
    assert_snapshot!(told(&["run", "--jobs", "0"]), @"
    error: invalid value '0' for '--jobs <N>': not a number from 1 to 1024

    For more information, try '--help'.
    ");
    assert_snapshot!(told(&["run", "-o", "xml"]), @"
    error: invalid value 'xml' for '--output <OUTPUT>'
      [possible values: text, json, capnp]

    For more information, try '--help'.
    ");
    assert_snapshot!(told(&["status", "none"]), @"
    error: site none is not known here
      hint: `mycelia-spore status` lists the sites; is it the right --state-dir?
    ");
    assert_snapshot!(told(&["protect", "none"]), @"
    error: site none is not known here
      hint: `mycelia-spore status` lists the sites; is it the right --state-dir?
    ");
    assert_snapshot!(told(&["history", "none"]), @"
    error: site none is not known here
      hint: `mycelia-spore status` lists the sites; is it the right --state-dir?
    ");
    assert_snapshot!(told(&["rollback", "none"]), @"
    error: site none is not known here
      hint: `mycelia-spore status` lists the sites; is it the right --state-dir?
    ");
    assert_snapshot!(told(&["--log", "mycelia_spore=loud", "status"]), @r#"
    error: invalid value 'mycelia_spore=loud' for '--log <FILTER>': error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5

    For more information, try '--help'.
    "#);
    assert!(
        !world.path(".local").exists(),
        "asking makes no state directory"
    );
}

#[test]
fn bad_settings_end_with_2_and_name_file_line_and_key() {
    let world = World::new();
    let told = |text: &str| {
        world.write("spore.toml", text);
        let ended = world.spore(&["--settings", "spore.toml"], b"");
        assert_eq!(ended.code, Some(2), "{text}");
        ended.told()
    };
    assert_snapshot!(told("jobs = 2\nstate_dir = \"x\"\n"), @r#"
    exit: 2
    --- err
    error: settings spore.toml: TOML parse error at line 2, column 1
      |
    2 | state_dir = "x"
      | ^^^^^^^^^
    unknown field `state_dir`, expected one of `state-dir`, `jobs`, `policy`, `sources`, `builds`, `streams`, `status`, `telemetry`, `notifications`, `retry`, `breaker`, `drift`, `local-static`, `credentials`, `cloudflare`
    "#);
    assert_snapshot!(told("[policy]\nproviders = [\"localStatic\", \"ftp\"]\n"), @r#"
    exit: 2
    --- err
    error: settings spore.toml: TOML parse error at line 2, column 29
      |
    2 | providers = ["localStatic", "ftp"]
      |                             ^^^^^
    unknown variant `ftp`, expected one of `cloudflarePages`, `localStatic`, `s3Static`, `criomosHost`
    "#);
    assert_snapshot!(told("jobs = \"many\"\n"), @r#"
    exit: 2
    --- err
    error: settings spore.toml: TOML parse error at line 1, column 8
      |
    1 | jobs = "many"
      |        ^^^^^^
    invalid type: string "many", expected usize
    "#);
    assert_snapshot!(told("jobs = 0\n"), @"
    exit: 2
    --- err
    error: settings spore.toml, line 1: jobs: 0 is not within 1 to 1024
    ");
    assert_snapshot!(told("[sources\n"), @"
    exit: 2
    --- err
    error: settings spore.toml: TOML parse error at line 1, column 9
      |
    1 | [sources
      |         ^
    unclosed table, expected `]`
    ");
    assert_snapshot!(world.spore(&["--settings", "none.toml"], b"").told(), @"
    exit: 2
    --- err
    error: settings none.toml cannot be read: No such file or directory (os error 2)
    ");
    // The usual place is looked at too.
    world.write(".config/mycelia-spore/settings.toml", "jobs = -1\n");
    assert_snapshot!(world.spore(&[], b"").told(), @"
    exit: 2
    --- err
    error: settings [HOME]/.config/mycelia-spore/settings.toml: TOML parse error at line 1, column 8
      |
    1 | jobs = -1
      |        ^^
    invalid value: integer `-1`, expected usize
    ");
}

#[test]
fn exit_codes_tell_how_a_stream_ended() {
    let world = World::new();
    let good = world.site("good", "good");
    let invalid = [0x10, 0x01, 0x00, 0x00];
    let failed = with(
        good.clone(),
        "repo",
        json!({ "provider": "directory", "path": world.path("sites/none") }),
    );
    let refused = with(
        good.clone(),
        "hosting",
        json!({ "provider": "s3Static", "s3Static": { "bucket": "links" } }),
    );
    let run = |arguments: &[&str], stream: &[u8]| {
        let arguments = [arguments, &["--source-root", "sites"]].concat();
        world.spore(&arguments, stream).code
    };
    assert_eq!(run(&["plan"], &stream([&good])), Some(0));
    assert_eq!(
        run(&["plan", "--detailed-exitcode"], &stream([&good])),
        Some(3)
    );
    assert_eq!(run(&["run"], &stream([&good])), Some(0));
    assert_eq!(
        run(&["plan", "--detailed-exitcode"], &stream([&good])),
        Some(0)
    );
    assert_eq!(run(&["run"], &stream([&failed])), Some(1));
    assert_eq!(run(&["run"], &stream([refused])), Some(1));
    assert_eq!(run(&["run"], &invalid), Some(1));
    assert_eq!(run(&["validate"], &invalid), Some(1));
    assert_eq!(run(&["validate"], &stream([&good])), Some(0));
    // A failure goes before a change that is waiting.
    assert_eq!(
        run(
            &["plan", "--detailed-exitcode"],
            &stream([world.site("new", "new"), failed])
        ),
        Some(1)
    );
    // One good message among others does not make up for them.
    assert_eq!(
        run(&["run"], &[&invalid, &stream([good])[..]].concat()),
        Some(1)
    );
}

#[test]
fn a_torn_stream_keeps_what_came_before_and_ends_with_1() {
    let world = World::new();
    let mut bytes = stream([world.site("a", "a"), world.site("b", "b")]);
    bytes.truncate(bytes.len() - 5);
    let run = |command| world.spore(&[command, "--source-root", "sites"], &bytes);
    let reports = run("run");
    assert_eq!(reports.code, Some(1));
    let outcomes: Vec<_> = reports
        .json()
        .iter()
        .map(|it| it["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["applied", "invalid"]);
    assert_snapshot!(reports.stderr, @"error: message 2 at byte 67: the stream ends within a message: it was cut short (stopped at byte 129); nothing after it can be trusted");
    assert_snapshot!(world.spore(&["validate", "-o", "text"], &bytes).told(), @"
    exit: 1
    --- out
    = a valid  [N] ms
    --- err
    error: message 2 at byte 67: the stream ends within a message: it was cut short (stopped at byte 129); nothing after it can be trusted
    ");
    let decoded = world.spore(&["decode"], &bytes);
    assert_eq!(decoded.json().len(), 1);
    assert_snapshot!(decoded.stderr, @"error: message 2 at byte 67: the stream ends within a message: it was cut short (stopped at byte 129); nothing after it can be trusted");
    assert_snapshot!(world.spore(&["run", "none.bin"], b"").told(), @"
    exit: 1
    --- err
    error: none.bin cannot be opened: No such file or directory (os error 2)
    ");
}
