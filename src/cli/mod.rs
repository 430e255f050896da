//! The command line: what can be asked of mycelia-spore, one file for each command.

mod args;
mod build;
mod chores;
mod control;
mod decode;
mod demo;
mod doctor;
mod encode;
mod exit;
mod feed;
mod generate;
mod input;
mod life;
mod plan;
mod render;
mod run;
mod schema;
mod screen;
mod send;
mod serve;
mod server;
mod setup;
mod sites;
mod table;
mod validate;
mod watch;

pub use args::Cli;

use crate::reconcile::SiteOrder;
use crate::telemetry::Recorder;
use args::Command;
use clap::{CommandFactory, Parser};
use clap_complete::CompleteEnv;
use exit::{Exit, Failure};
use std::process::ExitCode;

/// Parses the command line, does what it says and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    CompleteEnv::with_factory(Cli::command)
        .var(generate::COMPLETE)
        .complete();
    let cli = Cli::parse();
    let recorder = setup::tracing(&cli.global);
    match dispatch(cli, &recorder) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            render::failure(&failure);
            failure.exit().into()
        }
    }
}

fn dispatch(cli: Cli, recorder: &Recorder) -> Result<Exit, Failure> {
    let global = cli.global;
    let mark = |site, order| control::mark(&global, site, order);
    match cli.command {
        None => run::run(&global, &args::Run::default(), recorder),
        Some(Command::Run(args)) => run::run(&global, &args, recorder),
        Some(Command::Send(args)) => send::run(&global, &args),
        Some(Command::Plan(args)) => plan::run(&global, &args),
        Some(Command::Validate(args)) => validate::run(&global, &args),
        Some(Command::Build(args)) => build::run(&global, &args),
        Some(Command::Logs(args)) => build::logs(&global, &args),
        Some(Command::Doctor(args)) => doctor::run(&global, &args),
        Some(Command::Serve(args)) => serve::run(&global, &args),
        Some(Command::Status(args)) => sites::status(&global, &args),
        Some(Command::History(args)) => sites::history(&global, &args),
        Some(Command::Watch(args)) => watch::run(&global, &args),
        Some(Command::Rollback(args)) => control::rollback(&global, &args),
        Some(Command::Refresh(args)) => {
            control::look(&global, &args.site, &SiteOrder::Refresh, args.output)
        }
        Some(Command::TakeOver(args)) => {
            control::look(&global, &args.site, &SiteOrder::TakeOver, args.output)
        }
        Some(Command::Protect(args)) => mark(&args.site, &SiteOrder::Protect(true)),
        Some(Command::Unprotect(args)) => mark(&args.site, &SiteOrder::Protect(false)),
        Some(Command::Pause(args)) => mark(&args.site, &SiteOrder::Suspend),
        Some(Command::Resume(args)) => mark(&args.site, &SiteOrder::Resume),
        Some(Command::Forget(args)) => mark(&args.site, &SiteOrder::Forget),
        Some(Command::Encode(args)) => encode::run(&args),
        Some(Command::Decode(args)) => decode::run(&args),
        Some(Command::Schema(args)) => schema::run(&args),
        Some(Command::Generate(args)) => generate::run(&args),
        Some(Command::Demo(args)) => demo::run(&global, &args),
    }
}
