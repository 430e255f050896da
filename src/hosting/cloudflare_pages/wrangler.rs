//! Cloudflare's own client, `wrangler`, run as a child process.
//!
//! It does two jobs: [`Wrangler::bundle`] compiles Pages Functions into the parts of a deployment, which
//! nothing else can do, and [`Wrangler::deploy`] publishes a whole site where the operator prefers the
//! official client. Both block, for seconds: a call takes about 2 s of processor time and 200 MB.
//!
//! The client reads far more than its arguments: a login in the home folder, `.env` files and a
//! `wrangler.json` in the folder it runs in, configurations and a `package.json` in those above it, and what
//! `git` says there. A site could so choose the address to which the token is sent. Therefore each call runs
//! in an empty folder of its own, with a home of its own and only the variables that it needs;
//! the site's own configuration of the client is not read.

mod bundle;
mod deploy;
mod record;
mod room;
mod routes;

pub use bundle::{Bundle, BundleOptions, FunctionsSource};
pub use deploy::{Deploy, Deployed, Environment};

use crate::edge::process::{Command, ProcessError};
use crate::edge::{EdgeError, EdgeErrorKind};
use room::Room;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The field of a message that needs the client.
const FIELD: &str = "hosting.cloudflarePages.functions";

/// What a person can do who has no client, or not a fit one.
const INSTALL: &str = "install Node.js and run `npm install -g wrangler`, or name the program with \
                       `cloudflare.wrangler` in the settings";

/// How long the client may take to tell its version: Node.js starts slowly on a loaded machine.
const VERSION_TIMEOUT: Duration = Duration::from_secs(60);

/// The oldest version whose output and arguments are known.
const OLDEST: Version = Version {
    major: 4,
    minor: 0,
    patch: 0,
};

/// The exit status of a shell, of `env` among others, that finds no program to run (POSIX, Shell Command
/// Language, 2.8.2): the client is a script of Node.js, and there is none.
const NO_INTERPRETER: i32 = 127;

/// A client that was found and is fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrangler {
    program: PathBuf,
    version: Version,
}

/// A version of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The number that changes with incompatible changes.
    pub major: u32,
    /// The number that changes with additions.
    pub minor: u32,
    /// The number that changes with corrections.
    pub patch: u32,
}

impl Version {
    /// The first version in what the client says of itself, with or without a banner around it.
    fn find(said: &str) -> Option<Self> {
        said.split_whitespace().find_map(|word| {
            // What follows the three numbers, as `-beta.1`, is of no interest.
            let mut numbers = word
                .trim_start_matches('v')
                .split(['.', '-', '+'])
                .map_while(|part| part.parse().ok());
            Some(Self {
                major: numbers.next()?,
                minor: numbers.next()?,
                patch: numbers.next()?,
            })
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            major,
            minor,
            patch,
        } = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl Wrangler {
    /// Finds the client: the program that the operator configured, else `wrangler` on `PATH`. Asks it for
    /// its version, which takes up to 2 s.
    ///
    /// # Errors
    /// `Rejected` when there is no such program, no Node.js to run it, or its version is below 4.
    pub fn find(configured: Option<&Path>) -> Result<Self, EdgeError> {
        let program = match configured {
            // The client runs in another folder, where a relative path would lead elsewhere.
            Some(path) if path.components().nth(1).is_some() => std::path::absolute(path)
                .map_err(|source| EdgeError::io("the path of wrangler cannot be read", source))?,
            Some(name) => name.to_owned(),
            None => PathBuf::from("wrangler"),
        };
        let version = read_version(&program).map_err(|error| error.at(FIELD).hint(INSTALL))?;
        if version < OLDEST {
            let program = program.display();
            return Err(EdgeError::rejected(format!(
                "{program} is wrangler {version}; {OLDEST} or newer is needed"
            ))
            .at(FIELD)
            .hint(INSTALL));
        }
        Ok(Self { program, version })
    }

    /// The version that was found.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Says that a job failed because of what became of the process.
    fn failed(&self, job: &str, error: ProcessError) -> EdgeError {
        let client = format!("wrangler {}", self.version);
        match error {
            ProcessError::Failed { status, stderr, .. } => {
                EdgeError::rejected(format!("{client} {job} failed ({status}){}", told(&stderr)))
            }
            ProcessError::TimedOut {
                timeout, stderr, ..
            } => EdgeError::new(
                EdgeErrorKind::Transient { retry_after: None },
                format!(
                    "{client} {job} took longer than {} s and was ended{}",
                    timeout.as_secs_f32(),
                    told(&stderr)
                ),
            ),
            ProcessError::NotFound { .. } => {
                EdgeError::rejected(format!("{} is not there any more", self.program.display()))
                    .hint(INSTALL)
            }
            ProcessError::Io { source, .. } => {
                EdgeError::io(format!("{client} {job} cannot be run"), source)
            }
            ProcessError::TooMuchOutput { .. } => {
                EdgeError::rejected(format!("{client} {job} failed")).source(error)
            }
        }
    }
}

/// A call of the client in a room, with all of the environment that every call has, beside `PATH`.
fn command(program: &Path, room: &Room) -> Command {
    Command::new(program)
        .current_dir(room.path())
        // Where a login would be stored; it is empty, so no login of the operator is picked up.
        .env("HOME", room.home())
        .env("XDG_CONFIG_HOME", room.home())
        .env("TMPDIR", room.temporary())
        .env("CI", "1")
        .env("NO_COLOR", "1")
        // The banner asks the registry of packages for a newer version.
        .env("WRANGLER_HIDE_BANNER", "true")
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_SEND_ERROR_REPORTS", "false")
}

fn read_version(program: &Path) -> Result<Version, EdgeError> {
    let room = Room::new()?;
    let output = command(program, &room)
        .arg("--version")
        .timeout(VERSION_TIMEOUT)
        .run()
        .map_err(unusable)?;
    Version::find(&plain(&String::from_utf8_lossy(&output.stdout))).ok_or_else(|| {
        EdgeError::rejected(format!("{} does not tell its version", program.display()))
    })
}

/// Says why the version of a program cannot be read.
fn unusable(error: ProcessError) -> EdgeError {
    match error {
        ProcessError::Failed {
            program,
            status,
            stderr,
        } if status.code() == Some(NO_INTERPRETER) => {
            let told = told(&stderr);
            EdgeError::rejected(format!("{program} cannot be run for want of Node.js{told}"))
        }
        ProcessError::Io { program, source } => {
            EdgeError::rejected(format!("{program} cannot be run")).source(source)
        }
        ProcessError::TimedOut { .. } => EdgeError::new(
            EdgeErrorKind::Transient { retry_after: None },
            plain(&error.to_string()),
        ),
        ProcessError::NotFound { .. }
        | ProcessError::Failed { .. }
        | ProcessError::TooMuchOutput { .. } => EdgeError::rejected(plain(&error.to_string())),
    }
}

/// What the client said on standard error, to follow what failed.
fn told(stderr: &str) -> String {
    match said(stderr).as_str() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

/// What the client said on standard error: whole but for colours and for the place of its log, which is gone
/// with the folder that it ran in.
fn said(stderr: &str) -> String {
    let text = plain(stderr);
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("Logs were written to \""))
        .collect();
    kept.join("\n").trim().to_owned()
}

/// A text without the escape sequences of terminals.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_with_and_without_a_banner() {
        for (said, version) in [
            ("4.86.0\n", "4.86.0"),
            (
                "\n ⛅️ wrangler 3.114.17 (update available 4.86.0)\n---\n",
                "3.114.17",
            ),
            ("v4.0.1-beta.2", "4.0.1"),
        ] {
            assert_eq!(Version::find(said).unwrap().to_string(), version);
        }
        for said in ["", "wrangler", "4.86", "Node.js 20"] {
            assert_eq!(Version::find(said), None, "{said}");
        }
    }

    #[test]
    fn what_the_client_said_is_whole_but_for_colours_and_the_place_of_its_log() {
        let stderr = "\u{1b}[31m✘ \u{1b}[41;31m[\u{1b}[41;97mERROR\u{1b}[0m] one\n\n  two\n\
                      🪵  Logs were written to \"/tmp/x.log\"\n";
        assert_eq!(said(stderr), "✘ [ERROR] one\n\n  two");
    }
}
