//! The command line: what can be asked of mycelia-spore, one file for each command.

mod args;
mod build;
mod decode;
mod demo;
mod doctor;
mod encode;
mod exit;
mod feed;
mod generate;
mod input;
mod plan;
mod render;
mod rollback;
mod run;
mod schema;
mod send;
mod serve;
mod setup;
mod sites;
mod validate;

pub use args::Cli;

use args::Command;
use clap::Parser;
use exit::{Exit, Failure};
use std::process::ExitCode;

/// Parses the command line, does what it says and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    setup::tracing(&cli.global);
    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            render::failure(&failure);
            failure.exit().into()
        }
    }
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let global = cli.global;
    match cli.command {
        None => run::run(&global, &args::Run::default()),
        Some(Command::Run(args)) => run::run(&global, &args),
        Some(Command::Send(args)) => send::run(&global, &args),
        Some(Command::Plan(args)) => plan::run(&global, &args),
        Some(Command::Validate(args)) => validate::run(&global, &args),
        Some(Command::Build(args)) => build::run(&global, &args),
        Some(Command::Logs(args)) => build::logs(&global, &args),
        Some(Command::Forget(args)) => sites::forget(&global, &args.site),
        Some(Command::Doctor(args)) => doctor::run(&global, &args),
        Some(Command::Serve(args)) => serve::run(&global, &args),
        Some(Command::Status(args)) => sites::status(&global, &args),
        Some(Command::History(args)) => sites::history(&global, &args),
        Some(Command::Rollback(args)) => rollback::run(&global, &args),
        Some(Command::Protect(args)) => sites::protect(&global, &args.site, true),
        Some(Command::Unprotect(args)) => sites::protect(&global, &args.site, false),
        Some(Command::Encode(args)) => encode::run(&args),
        Some(Command::Decode(args)) => decode::run(&args),
        Some(Command::Schema(args)) => schema::run(&args),
        Some(Command::Generate(args)) => generate::run(&args),
        Some(Command::Demo(args)) => demo::run(&global, &args),
    }
}
