//! What the command writes of itself: its schema, completions, its manual page, a demo.

use crate::tools::{on_path, repository};
use crate::world::World;
use insta::assert_snapshot;
use mycelia_spore::schema::FILES;
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn the_schema_files_are_written_and_never_overwritten() {
    let world = World::new();
    assert_snapshot!(world.spore(&["schema", "proto"], b"").told(), @"
    exit: 0
    --- out
    proto/spore.capnp
    proto/report.capnp
    proto/daemon.capnp
    proto/rust.capnp
    ");
    for (name, _) in FILES {
        let written = fs::read(world.path("proto").join(name)).unwrap();
        assert_eq!(written, fs::read(repository("schema").join(name)).unwrap());
    }
    assert_snapshot!(world.spore(&["schema", "proto"], b"").told(), @"exit: 0");
    world.write("proto/report.capnp", "mine");
    fs::remove_file(world.path("proto/spore.capnp")).unwrap();
    assert_snapshot!(world.spore(&["schema", "proto"], b"").told(), @"
    exit: 2
    --- err
    error: proto/report.capnp is there and differs
      hint: move it away, or name another directory
    ");
    assert_eq!(fs::read(world.path("proto/report.capnp")).unwrap(), b"mine");
    assert!(
        !world.path("proto/spore.capnp").exists(),
        "some of the files were written"
    );
    assert_snapshot!(world.spore(&["schema", "proto/rust.capnp"], b"").told(), @"
    exit: 1
    --- err
    error: proto/rust.capnp cannot be written: Not a directory (os error 20)
    ");
}

/// Hands a text to a program's standard input, which must accept it, and gives what it writes.
fn accepted(program: &str, arguments: &[&str], text: &[u8]) -> String {
    use std::io::Write as _;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    assert!(output.stderr.is_empty(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn completions_are_what_the_shells_accept() {
    let world = World::new();
    let completions = |shell: &str| {
        let ended = world.spore(&["generate", "completions", shell], b"");
        assert_eq!((ended.code, &ended.stderr[..]), (Some(0), ""));
        assert!(ended.text().contains("mycelia-spore"), "{shell}");
        ended.stdout
    };
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let text = completions(shell);
        if on_path(shell, &format!("that {shell} accepts the completions")) {
            accepted(shell, &[check], &text);
        }
    }
}

#[test]
fn completions_in_bash_know_commands_options_and_sites() {
    if !on_path("bash", "completions in bash") {
        return;
    }
    let world = World::new();
    for site in ["blog-a", "blog-b", "docs"] {
        assert_eq!(world.apply([world.site(site, site)]).code, Some(0));
    }
    let program = world.command(&[]).get_program().to_owned();
    let folder = std::path::Path::new(&program).parent().unwrap();
    let registration = world
        .spore(&["generate", "completions", "bash"], b"")
        .text();
    let complete = |words: &[&str]| {
        let script = format!(
            "{registration}\nPATH={}:$PATH HOME={}\nCOMP_WORDS=({}); COMP_CWORD={}\n\
             _clap_complete_mycelia_spore mycelia-spore '{}'\nprintf '%s ' \"${{COMPREPLY[@]}}\"\n",
            folder.display(),
            world.path("").display(),
            words.join(" "),
            words.len() - 1,
            words.last().unwrap(),
        );
        accepted("bash", &[], script.as_bytes())
    };
    assert_eq!(complete(&["mycelia-spore", "roll"]), "rollback ");
    assert_eq!(
        complete(&["mycelia-spore", "rollback", "bl"]),
        "blog-a blog-b "
    );
    assert_eq!(complete(&["mycelia-spore", "watch", "d"]), "docs ");
    assert_eq!(complete(&["mycelia-spore", "status", "nothing"]).trim(), "");
    let option = complete(&["mycelia-spore", "plan", "--detail"]);
    assert_eq!(option, "--detailed-exitcode ");
}

#[test]
fn the_manual_page_is_one() {
    let world = World::new();
    let ended = world.spore(&["generate", "man"], b"");
    assert_eq!(ended.code, Some(0));
    let page = ended.text();
    assert!(page.contains(".TH mycelia-spore 1"), "{page}");
    for told in [
        ".SS run",
        ".SS generate completions",
        "detailed",
        ".SH EXAMPLES AND EXIT CODES",
    ] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    if on_path("man", "that man accepts the manual page") {
        let shown = accepted("man", &["--warnings", "-l", "-"], ended.stdout.as_slice());
        assert!(shown.contains("mycelia-spore"), "{shown}");
    }
}

#[test]
fn the_demo_publishes_its_sites_and_leaves_nothing_behind() {
    let world = World::new();
    let ended = world.spore(&["demo", "--once"], b"");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = ended.text();
    for site in ["links", "blog", "docs"] {
        let begin = format!("+ {site} applied  http://{site}.localhost:");
        assert!(text.lines().any(|line| line.starts_with(&begin)), "{text}");
    }
    assert!(ended.stderr.starts_with("3 messages, "), "{}", ended.stderr);
    let left: Vec<_> = fs::read_dir(world.path("")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_demo_keeps_its_sites_where_it_is_told_to() {
    let world = World::new();
    let first = world.spore(&["demo", "--once", "--dir", "demo"], b"");
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let status = world.spore(&["status", "--state-dir", "demo/state"], b"");
    assert_eq!(status.json().len(), 3);
    let second = world
        .spore(&["demo", "--once", "--dir", "demo"], b"")
        .text();
    assert_eq!(second.matches(" unchanged ").count(), 3, "{second}");
}

#[test]
fn help_names_every_command() {
    let world = World::new();
    assert_snapshot!(world.spore(&["--help"], b"").text(), @"
    Makes the websites that packed Cap'n Proto SporeConfig messages describe real.

    Without a command, messages are read from standard input until its end and applied.

    Usage: mycelia-spore [OPTIONS] [COMMAND]

    Commands:
      run        Apply each message of a stream
      send       Send messages to a running daemon
      plan       Show what each message of a stream would change, and change nothing
      validate   Check each message of a stream without looking at any site
      build      Make the files of a site and publish nothing
      logs       Show what the last build of a site wrote
      serve      Serve the sites that LocalStatic published
      status     List the sites and their state
      history    List what was released of a site, newest first
      watch      Tell what happens in the running daemon
      rollback   Make an earlier release of a site live again
      refresh    Let the running daemon look now whether a site is as asked, and repair it
      take-over  Let the running daemon take over what has the site's names at its provider and belongs
                 to nobody
      pause      Leave a site as it is until it is resumed
      resume     Look after a paused site again
      protect    Protect a site from being taken down
      unprotect  Lift a site's protection
      forget     Stop managing a site; what is published of it stays
      doctor     Check settings, credentials, tools and reachability, and change nothing
      encode     Turn JSON, YAML, TOML or Cap'n Proto text into packed messages
      decode     Turn packed messages into JSON
      schema     Write the schema files out
      generate   Write shell completions or the manual page
      demo       Publish three example sites and serve them on this machine
      help       Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Global options:
          --settings <FILE>
              The settings file [default: $XDG_CONFIG_HOME/mycelia-spore/settings.toml, then
              /etc/mycelia-spore/settings.toml]
              
              [env: SPORE_SETTINGS=]

          --state-dir <DIR>
              Where state is kept [default: $STATE_DIRECTORY, then $XDG_STATE_HOME/mycelia-spore]

          --source-root <DIR>
              A directory below which sources may lie, besides those of the settings; may be repeated

          --log <FILTER>
              What is logged to standard error, as tracing filters: error, warn, info, debug, trace or
              mycelia_spore::serve=debug
              
              [env: SPORE_LOG=]
              [default: warn]

          --log-format <LOG_FORMAT>
              The form of the log

              Possible values:
              - text: Lines for people
              - json: One JSON object a line
              
              [default: text]

          --color <COLOR>
              When colours are used; NO_COLOR is honoured

              Possible values:
              - auto:   When standard output is a terminal
              - always: Always
              - never:  Never
              
              [default: auto]

    Examples:
      mycelia-spore demo                              three example sites, served on this machine
      mycelia-spore encode site.yaml | mycelia-spore  one message in, one website out
      mycelia-spore plan < config.bin                 what would change
      mycelia-spore run --serve 127.0.0.1:8080 < config.bin

    Exit codes:
      0  every site is as asked
      1  a message failed, was refused or is invalid
      2  wrong usage or settings
      3  plan --detailed-exitcode: something would change
    ");
    assert_eq!(
        world.spore(&["--version"], b"").text(),
        concat!("mycelia-spore ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
