//! What is printed, and where: answers to standard output, errors and progress to standard error.

use super::args::{Color, Global, Output, TextOrJson};
use super::exit::Failure;
use super::screen;
use crate::sink::{Form, Style};
use crate::words;
use anstyle::{AnsiColor, Style as Ansi};
use std::io::{self, IsTerminal, Write};

/// Whether colours may be written to standard output.
pub(super) fn color(global: &Global) -> bool {
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    }
}

/// The form of reports: as asked, or by who reads them.
pub(super) fn form(global: &Global, asked: Option<Output>) -> Form {
    let usual = if io::stdout().is_terminal() {
        Output::Text
    } else {
        Output::Json
    };
    match asked.unwrap_or(usual) {
        Output::Text => Form::Text(Style {
            color: color(global),
        }),
        Output::Json => Form::Json,
        Output::Capnp => Form::Capnp,
    }
}

/// Whether a list is to be JSON.
pub(super) fn json(asked: Option<TextOrJson>) -> bool {
    match asked {
        Some(form) => form == TextOrJson::Json,
        None => !io::stdout().is_terminal(),
    }
}

/// Prints an answer. A reader that went away has read enough.
pub(super) fn answer(bytes: &[u8]) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let written = output.write_all(bytes).and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::io("standard output cannot be written")(error))
        }
        _ => Ok(()),
    }
}

/// Prints a part of an answer that goes on. Whether anybody reads on.
pub(super) fn piped(bytes: &[u8]) -> bool {
    let mut output = io::stdout().lock();
    output
        .write_all(bytes)
        .and_then(|()| output.flush())
        .is_ok()
}

/// Prints a line of progress or advice to standard error.
pub(super) fn note(line: &str) {
    // If standard error is gone there is nobody left to tell.
    drop(writeln!(screen::Lines, "{line}"));
}

/// Prints why the command ended early.
pub(super) fn failure(failure: &Failure) {
    let color = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let paint = |ansi: Ansi| if color { ansi } else { Ansi::new() };
    let red = paint(Ansi::new().fg_color(Some(AnsiColor::Red.into())).bold());
    let faint = paint(Ansi::new().dimmed());
    let mut text = format!("{red}error:{red:#} {}", words::chain(failure));
    if let Some(hint) = failure.hint() {
        text.push_str("\n  ");
        text.push_str(&format_args!("{faint}hint: {hint}{faint:#}").to_string());
    }
    note(&text);
}
