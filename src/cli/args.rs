//! The arguments of every command.

#![allow(
    clippy::doc_markdown,
    reason = "these comments are shown as help texts, where backticks are noise"
)]

use crate::model::{Parse, SiteId};
use crate::settings::JOBS_ALLOWED;
use crate::stream::{SourceSpec, Target};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  mycelia-spore demo                              three example sites, served on this machine
  mycelia-spore encode site.yaml | mycelia-spore  one message in, one website out
  mycelia-spore plan < config.bin                 what would change
  mycelia-spore run --serve 127.0.0.1:8080 < config.bin

Exit codes:
  0  every site is as asked
  1  a message failed, was refused or is invalid
  2  wrong usage or settings
  3  plan --detailed-exitcode: something would change";

/// Makes the websites that packed Cap'n Proto SporeConfig messages describe real.
///
/// Without a command, messages are read from standard input until its end and applied.
#[derive(Debug, Parser)]
#[command(name = "mycelia-spore", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What every command understands.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// The settings file [default: $XDG_CONFIG_HOME/mycelia-spore/settings.toml, then
    /// /etc/mycelia-spore/settings.toml]
    #[arg(long, global = true, value_name = "FILE", env = "SPORE_SETTINGS", value_hint = ValueHint::FilePath)]
    pub(super) settings: Option<PathBuf>,
    /// Where state is kept [default: $STATE_DIRECTORY, then $XDG_STATE_HOME/mycelia-spore]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) state_dir: Option<PathBuf>,
    /// A directory below which sources may lie, besides those of the settings; may be repeated
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) source_root: Vec<PathBuf>,
    /// What is logged to standard error, as tracing filters: error, warn, info, debug, trace or
    /// mycelia_spore::serve=debug
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        env = "SPORE_LOG",
        default_value = "warn",
        value_parser = filter
    )]
    pub(super) log: String,
    /// The form of the log
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) log_format: LogFormat,
    /// When colours are used; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) color: Color,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// When standard output is a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Apply each message of a stream
    Run(Run),
    /// Send messages to a running daemon
    Send(Send),
    /// Show what each message of a stream would change, and change nothing
    Plan(Plan),
    /// Check each message of a stream without looking at any site
    Validate(Validate),
    /// Make the files of a site and publish nothing
    Build(Build),
    /// Show what the last build of a site wrote
    Logs(Logs),
    /// Serve the sites that LocalStatic published
    Serve(Serve),
    /// List the sites and their state
    Status(Status),
    /// List what was released of a site, newest first
    History(History),
    /// Tell what happens in the running daemon
    Watch(Watch),
    /// Make an earlier release of a site live again
    Rollback(Rollback),
    /// Let the running daemon look now whether a site is as asked, and repair it
    Refresh(Look),
    /// Let the running daemon take over what has the site's names at its provider and belongs to nobody
    TakeOver(Look),
    /// Leave a site as it is until it is resumed
    Pause(Site),
    /// Look after a paused site again
    Resume(Site),
    /// Protect a site from being taken down
    Protect(Site),
    /// Lift a site's protection
    Unprotect(Site),
    /// Stop managing a site; what is published of it stays
    Forget(Site),
    /// Check settings, credentials, tools and reachability, and change nothing
    Doctor(Doctor),
    /// Turn JSON, YAML, TOML or Cap'n Proto text into packed messages
    Encode(Encode),
    /// Turn packed messages into JSON
    Decode(Decode),
    /// Write the schema files out
    Schema(Schema),
    /// Write shell completions or the manual page
    Generate(Generate),
    /// Publish three example sites and serve them on this machine
    Demo(Demo),
}

/// The form reports are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// Lines for people; the default on a terminal.
    Text,
    /// One JSON object a line; the default elsewhere.
    Json,
    /// Packed `SporeReport` messages.
    Capnp,
}

#[derive(Debug, Default, Args)]
pub(super) struct Run {
    /// The stream; standard input when absent or "-"
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) input: Option<PathBuf>,
    /// Take messages from stdin, fifo:PATH, unix:PATH or dir:PATH instead; may be repeated
    #[arg(long, value_name = "SOURCE", conflicts_with = "input")]
    pub(super) source: Vec<SourceSpec>,
    /// Answer Cap'n Proto RPC at unix:PATH as well, as schema/daemon.capnp says; may be repeated
    #[arg(long, value_name = "SOCKET", value_parser = socket, requires = "source")]
    pub(super) rpc: Vec<PathBuf>,
    /// Serve the published sites at this address meanwhile, and on after the stream's end until a signal
    #[arg(long, value_name = "ADDR")]
    pub(super) serve: Option<SocketAddr>,
    /// Sites worked on at once [default: 8]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<usize>,
    /// Look only at the messages of this site
    #[arg(long, value_name = "ID", value_parser = site_id, add = sites(), conflicts_with = "source")]
    pub(super) site: Option<SiteId>,
    /// The form of the reports
    #[arg(long, short, value_enum)]
    pub(super) output: Option<Output>,
}

#[derive(Debug, Args)]
pub(super) struct Send {
    /// Files of messages: packed streams, .json, .jsonl, .yaml, .toml, or FILE.capnp:CONSTANT; "-" for a
    /// packed stream on standard input
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<String>,
    /// Where to: unix:PATH or fifo:PATH
    #[arg(
        long,
        value_name = "TARGET",
        env = "SPORE_TO",
        default_value = "unix:/run/mycelia-spore/spore.sock"
    )]
    pub(super) to: Target,
    /// Wait for the reports, print them and end as `run` would
    #[arg(long)]
    pub(super) wait: bool,
    /// The form of the reports
    #[arg(long, short, value_enum, requires = "wait")]
    pub(super) output: Option<Output>,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The stream; standard input when absent or "-"
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) input: Option<PathBuf>,
    /// Look only at the messages of this site
    #[arg(long, value_name = "ID", value_parser = site_id, add = sites())]
    pub(super) site: Option<SiteId>,
    /// The form of the reports
    #[arg(long, short, value_enum)]
    pub(super) output: Option<Output>,
    /// Exit with 3 when something would change
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub(super) struct Validate {
    /// The stream; standard input when absent or "-"
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) input: Option<PathBuf>,
    /// The form of the answers
    #[arg(long, short, value_enum)]
    pub(super) output: Option<Output>,
}

#[derive(Debug, Args)]
pub(super) struct Build {
    /// The site; as its last message says, unless --input is given
    #[arg(value_name = "SITE", value_parser = site_id, add = sites())]
    pub(super) site: Option<SiteId>,
    /// Take the messages of this stream instead; "-" for standard input
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) input: Option<PathBuf>,
    /// Build even if an earlier build of the same is there
    #[arg(long)]
    pub(super) rebuild: bool,
    /// Build twice and fail if the files differ
    #[arg(long)]
    pub(super) verify: bool,
    /// Write the files to this directory, which must be new or empty
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) into: Option<PathBuf>,
    /// Do not show what the build writes
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// The form of the answer
    #[arg(long, short, value_enum)]
    pub(super) output: Option<TextOrJson>,
}

#[derive(Debug, Args)]
pub(super) struct Logs {
    /// The site
    #[arg(value_parser = site_id, add = sites())]
    pub(super) site: SiteId,
    /// List the files of the logs, the newest first
    #[arg(long)]
    pub(super) list: bool,
    /// How many builds to go back
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "list")]
    pub(super) back: usize,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(super) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// One site; all when absent
    #[arg(value_parser = site_id, add = sites())]
    pub(super) site: Option<SiteId>,
    /// The form of the list
    #[arg(long, short, value_enum)]
    pub(super) output: Option<TextOrJson>,
}

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TextOrJson {
    /// A table for people; the default on a terminal.
    Text,
    /// One JSON object a line; the default elsewhere.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct History {
    /// The site
    #[arg(value_parser = site_id, add = sites())]
    pub(super) site: SiteId,
    /// How many entries at most
    #[arg(long, default_value_t = 20)]
    pub(super) limit: usize,
    /// The form of the list
    #[arg(long, short, value_enum)]
    pub(super) output: Option<TextOrJson>,
}

#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The site
    #[arg(value_parser = site_id, add = sites())]
    pub(super) site: SiteId,
    /// The release, or the beginning of its name; the one before the live one when absent
    #[arg(value_name = "RELEASE")]
    pub(super) release: Option<String>,
    /// The form of the report
    #[arg(long, short, value_enum)]
    pub(super) output: Option<Output>,
}

#[derive(Debug, Args)]
pub(super) struct Watch {
    /// One site; all, and the daemon itself, when absent
    #[arg(value_parser = site_id, add = sites())]
    pub(super) site: Option<SiteId>,
    /// The form of what is told
    #[arg(long, short, value_enum)]
    pub(super) output: Option<TextOrJson>,
}

#[derive(Debug, Args)]
pub(super) struct Look {
    /// The site
    #[arg(value_parser = site_id, add = sites())]
    pub(super) site: SiteId,
    /// The form of the report
    #[arg(long, short, value_enum)]
    pub(super) output: Option<Output>,
}

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Do not ask any provider
    #[arg(long)]
    pub(super) offline: bool,
    /// The form of the answer
    #[arg(long, short, value_enum)]
    pub(super) output: Option<TextOrJson>,
}

#[derive(Debug, Args)]
pub(super) struct Site {
    /// The site
    #[arg(value_parser = site_id, add = sites())]
    pub(super) site: SiteId,
}

#[derive(Debug, Args)]
pub(super) struct Encode {
    /// Files: .json, .jsonl, .yaml, .toml, or FILE.capnp:CONSTANT; "-" for standard input
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<String>,
    /// The form of what is read, where the name does not tell
    #[arg(long, value_enum)]
    pub(super) format: Option<EncodeFormat>,
}

/// The form of a text to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum EncodeFormat {
    /// An object, several, or an array of objects.
    Json,
    /// One or more documents.
    Yaml,
    /// One document.
    Toml,
}

#[derive(Debug, Args)]
pub(super) struct Decode {
    /// The stream; standard input when absent or "-"
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) input: Option<PathBuf>,
    /// Several lines for each message, indented
    #[arg(long)]
    pub(super) pretty: bool,
}

#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Where to write the files; they are made, never overwritten with other content
    #[arg(value_name = "DIR", default_value = "schema", value_hint = ValueHint::DirPath)]
    pub(super) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Generate {
    #[command(subcommand)]
    pub(super) what: GenerateWhat,
}

#[derive(Debug, Subcommand)]
pub(super) enum GenerateWhat {
    /// Shell completions, to standard output
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// The manual page, to standard output
    Man,
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The port to serve at; a free one when absent
    #[arg(long, default_value_t = 0)]
    pub(super) port: u16,
    /// Where to keep the demo's sites; a temporary directory, removed at the end, when absent
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<PathBuf>,
    /// Publish, print the addresses and end, without serving on
    #[arg(long)]
    pub(super) once: bool,
}

/// The sites that are known, for the shell's completion. Where they cannot be read there are none to choose from.
fn sites() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let begun = begun.to_str().unwrap_or_default();
        let known = super::sites::names().into_iter();
        known
            .filter(|name| name.starts_with(begun))
            .map(CompletionCandidate::new)
            .collect::<Vec<_>>()
    })
}

/// A site's id as an argument.
fn site_id(text: &str) -> Result<SiteId, String> {
    SiteId::parse(text).map_err(|defect| match defect.hint {
        Some(hint) => format!("{}: {hint}", defect.message),
        None => defect.message,
    })
}

/// A Unix socket as an argument.
fn socket(text: &str) -> Result<PathBuf, String> {
    match text.parse() {
        Ok(SourceSpec::Unix(path)) => Ok(path),
        Ok(_) | Err(_) => Err("use unix:PATH".into()),
    }
}

/// A tracing filter as an argument.
fn filter(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A number of sites worked on at once as an argument.
fn jobs(text: &str) -> Result<usize, String> {
    let allowed = JOBS_ALLOWED;
    let number = text.parse().ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| format!("not a number from {} to {}", allowed.start(), allowed.end()))
}
