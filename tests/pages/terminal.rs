//! What a person sees while files are sent: the real command in a real terminal.

use crate::cli::World;
use crate::cloudflare::{Fault, Trouble};
use crate::tools::on_path;
use mycelia_spore::encode;
use std::num::NonZero;
use std::process::{Command, Stdio};
use std::time::Duration;

const ROWS: NonZero<u16> = NonZero::new(30).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(100).unwrap();

/// A site of three large files, each of which travels alone, and the last two of them slowly.
fn world() -> World {
    let world = World::new();
    for number in 1..=3 {
        let name = format!("sites/notes/{number}.bin");
        world.write(&name, vec![number; 3_000_000]);
    }
    for (nth, millis) in [(2, 400), (3, 900)] {
        let slow = Fault::new(Trouble::SlowAnswer(Duration::from_millis(millis)));
        let uploads = slow.on("POST", "/pages/assets/upload");
        world.fake.fault(uploads.nth(nth));
    }
    let mut notes = world.notes();
    // A rule that does not hold is told while files are sent.
    world.write("sites/notes/_redirects", "nonsense\n");
    notes["hosting"]["cloudflarePages"] = serde_json::json!({});
    let document = encode::yaml(&notes.to_string()).unwrap().remove(0);
    world.write("message", encode::to_message(&document).unwrap());
    world
}

/// The command, as a shell takes it.
fn line(command: &Command) -> String {
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

/// What a terminal is sent.
fn in_terminal(world: &World, variables: &[(&str, &str)]) -> Vec<u8> {
    let message = world.path("message");
    let command = world.command(&["run", &message]);
    let mut terminal = Command::new("script");
    let run = format!("stty rows {ROWS} cols {COLUMNS}; {}", line(&command));
    terminal.args(["-qec", &run, "/dev/null"]);
    terminal.env_clear().env("TERM", "xterm");
    let given = command.get_envs();
    terminal.envs(given.filter_map(|(name, value)| Some((name, value?))));
    terminal.envs(variables.iter().copied());
    let output = terminal.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// What is on its screen in the end.
fn screen(sent: &[u8]) -> String {
    let mut parser = vt100::Parser::new(ROWS, COLUMNS, 0);
    parser.process(sent);
    parser.screen().contents().trim_end().to_owned()
}

#[test]
fn a_terminal_shows_uploads_below_what_stays() {
    if !on_path("script", "progress in a terminal") {
        return;
    }
    let sent = in_terminal(&world(), &[]);
    let text = String::from_utf8(sent.clone()).unwrap();
    assert!(text.contains("notes  [                        ] 0 B of 9.00 MB, 0 of 6 files"));
    // Which of the two is drawn is for the machine to say.
    let parts = ["] 3.00 MB of 9.00 MB, ", "] 6.00 MB of 9.00 MB, "];
    let partly = parts.iter().any(|part| text.contains(part));
    assert!(partly && text.contains("=>  "), "{text:?}");
    let screen = screen(&sent);
    let first = screen.lines().next().unwrap();
    assert!(
        first.starts_with("+ notes applied  https://spore.example/"),
        "{screen}"
    );
    assert!(screen.contains("sent 6 files, 9.0 MB"), "{screen}");
    assert!(
        !screen.contains("MB of"),
        "nothing is left of what went on: {screen}"
    );
}

#[test]
fn who_cannot_write_over_lines_gets_lines() {
    let world = world();
    if on_path("script", "a terminal without control characters") {
        let text = String::from_utf8(in_terminal(&world, &[("TERM", "dumb")])).unwrap();
        assert!(text.starts_with("+ notes applied"), "{text:?}");
        assert!(
            !text.contains('\u{1b}') || !text.contains("[2K"),
            "{text:?}"
        );
    }
    world.write("sites/notes/1.bin", "changed");
    let message = world.path("message");
    let mut command = world.command(&["run", "--output=text", &message]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(text.contains("+ notes applied"), "{text:?}");
    assert!(
        text.chars().all(|it| it == '\n' || !it.is_control()),
        "{text:?}"
    );
}
