//! Outputs of flakes, built by Nix.
//!
//! Nix isolates builds by itself; evaluating a flake is pure. What runs here is the operator's `nix` alone.

use crate::edge::EdgeError;
use crate::edge::process::{Command, ProcessError};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The store, unless the operator's environment names another.
const STORE: &str = "/nix/store";

/// Variables by which the operator tells Nix how to work.
const INHERITED: [&str; 8] = [
    "NIX_CONFIG",
    "NIX_CONF_DIR",
    "NIX_REMOTE",
    "NIX_STORE_DIR",
    "NIX_STATE_DIR",
    "NIX_LOG_DIR",
    "NIX_SSL_CERT_FILE",
    "NIX_PATH",
];

/// An output of a flake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flake {
    reference: String,
    /// As a person wrote it.
    told: String,
}

/// A build that failed, and what Nix wrote.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: EdgeError,
    pub(super) stderr: String,
}

impl Flake {
    /// An output of a source's own flake, `.#site` say.
    pub(super) fn of(source: &Path, attribute: &str) -> Self {
        let output = attribute.strip_prefix('.').unwrap_or(attribute);
        Self {
            reference: format!("path:{}{output}", source.display()),
            told: attribute.to_owned(),
        }
    }

    /// An output that the operator names, `nixpkgs#hugo` say.
    pub(super) fn named(reference: &str) -> Self {
        Self {
            reference: reference.to_owned(),
            told: reference.to_owned(),
        }
    }

    /// As a person wrote it.
    pub(super) fn told(&self) -> &str {
        &self.told
    }

    /// Builds it and tells its place in the store. Its inputs are those of its lock file; one that is not locked is an
    /// error.
    ///
    /// # Errors
    /// Nix is not installed, the flake cannot be evaluated or built, or it took too long.
    pub(super) fn build(
        &self,
        home: &Path,
        isolated: bool,
        longest: Duration,
    ) -> Result<PathBuf, Box<Failure>> {
        let quiet = |error| {
            Box::new(Failure {
                error,
                stderr: String::new(),
            })
        };
        fs::create_dir_all(home).map_err(|error| {
            quiet(EdgeError::io(
                format!("{} cannot be made", home.display()),
                error,
            ))
        })?;
        let mut command = Command::new("nix")
            .args(["build", "--no-link", "--json", "--print-build-logs"])
            // With --no-write-lock-file, inputs that are not locked would be let pass.
            .arg("--no-update-lock-file")
            .args(["--extra-experimental-features", "nix-command flakes"])
            // What a flake asks Nix to do beyond building, such as using other caches, is not done.
            .args(["--option", "accept-flake-config", "false"])
            .env("HOME", home)
            .timeout(longest)
            .hint("install Nix, or build the site another way");
        if isolated {
            // Not by NIX_CONFIG, which is the operator's.
            command = command.args(["--option", "sandbox", "true"]);
            command = command.args(["--option", "sandbox-fallback", "false"]);
        }
        command = command.args(["--", &self.reference]);
        for name in INHERITED {
            command = command.inherit(name);
        }
        match command.run() {
            Ok(output) => first_output(&output.stdout).map_err(|error| {
                Box::new(Failure {
                    error,
                    stderr: output.stderr,
                })
            }),
            Err(error) => Err(Box::new(failure(error))),
        }
    }
}

fn failure(error: ProcessError) -> Failure {
    match error {
        ProcessError::Failed { status, stderr, .. } => Failure {
            error: EdgeError::rejected(format!("nix build failed ({status})"))
                .at("build.flakeAttribute"),
            stderr,
        },
        ProcessError::TimedOut {
            timeout, stderr, ..
        } => Failure {
            error: EdgeError::rejected(format!(
                "nix build took longer than {} s",
                timeout.as_secs()
            ))
            .at("build.timeoutSeconds"),
            stderr,
        },
        ProcessError::NotFound { .. } => Failure {
            error: EdgeError::unsupported(error.to_string()).at("build.type"),
            stderr: String::new(),
        },
        ProcessError::Io { .. } | ProcessError::TooMuchOutput { .. } => Failure {
            error: EdgeError::rejected("nix build failed").source(error),
            stderr: String::new(),
        },
    }
}

/// The output named `out`, or else the first, of what `nix build --json` says it built: a list of derivations with
/// their `outputs`.
fn first_output(json: &[u8]) -> Result<PathBuf, EdgeError> {
    let answer: Value = serde_json::from_slice(json)
        .map_err(|error| EdgeError::rejected("nix told nothing it built").source(error))?;
    let outputs = answer.pointer("/0/outputs").and_then(Value::as_object);
    let output = outputs.and_then(|outputs| outputs.get("out").or_else(|| outputs.values().next()));
    let path = output.and_then(Value::as_str);
    path.map(PathBuf::from)
        .ok_or_else(|| EdgeError::rejected("nix told nothing it built").at("build.flakeAttribute"))
}

/// The store that holds a path.
pub(super) fn store_of(path: &Path) -> PathBuf {
    let store = path.parent().unwrap_or_else(|| Path::new(STORE));
    store.canonicalize().unwrap_or_else(|_| store.to_owned())
}
