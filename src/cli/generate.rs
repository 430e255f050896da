//! `generate`: shell completions and the manual page.

use super::args::{Cli, Generate, GenerateWhat};
use super::exit::{Exit, Failure};
use super::render;
use clap::{Command, CommandFactory};
use clap_complete::env::Shells;
use clap_mangen::Man;
use std::io;

/// The variable by which a shell asks this program how its line may go on.
pub(super) const COMPLETE: &str = "COMPLETE";

pub(super) fn run(args: &Generate) -> Result<Exit, Failure> {
    let command = Cli::command();
    let mut bytes = Vec::new();
    match &args.what {
        GenerateWhat::Completions { shell } => {
            let name = "mycelia-spore";
            let shells = Shells::builtins();
            if let Some(shell) = shells.completer(&shell.to_string()) {
                shell
                    .write_registration(COMPLETE, name, name, name, &mut bytes)
                    .map_err(Failure::io("the completions cannot be made"))?;
            }
        }
        GenerateWhat::Man => {
            manual(&command, &mut bytes).map_err(Failure::io("the manual page cannot be made"))?;
        }
    }
    render::answer(&bytes)?;
    Ok(Exit::Converged)
}

/// One page for everything: the commands stand in it, and not on pages of their own.
fn manual(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let root = Man::new(command.clone());
    root.render_title(page)?;
    root.render_name_section(page)?;
    root.render_synopsis_section(page)?;
    root.render_description_section(page)?;
    root.render_options_section(page)?;
    page.extend(b".SH COMMANDS\n");
    for subcommand in command.get_subcommands() {
        section("", subcommand, page)?;
    }
    let mut extra = Vec::new();
    root.render_extra_section(&mut extra)?;
    let extra = String::from_utf8_lossy(&extra).replace(".SH EXTRA", ".SH EXAMPLES AND EXIT CODES");
    page.extend(extra.bytes());
    root.render_version_section(page)
}

/// One command's part of the page, and those of the commands below it. The options of every command are told
/// once, above.
fn section(above: &str, command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let name = format!("{above}{}", command.get_name());
    let full = format!("mycelia-spore {name}");
    let man = Man::new(command.clone().bin_name(full).disable_help_flag(true));
    let mut roff = Vec::new();
    man.render_synopsis_section(&mut roff)?;
    man.render_description_section(&mut roff)?;
    man.render_options_section(&mut roff)?;
    let text = String::from_utf8_lossy(&roff)
        .replace(".SH SYNOPSIS\n", &format!(".SS {name}\n"))
        .replace(".SH DESCRIPTION\n", ".PP\n")
        .replace(".SH OPTIONS\n", "");
    page.extend(text.bytes());
    for subcommand in command.get_subcommands() {
        section(&format!("{name} "), subcommand, page)?;
    }
    Ok(())
}
