//! What a program takes that is run as a process of its own: time, processor time and memory.

use crate::harness::{Result, output};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs the arguments and writes three figures to standard error: seconds on the wall, processor seconds in
/// the program, and those in the kernel for it; those of its children are in them. The most memory that it or
/// one of its children held, in KiB, is written to the file that `$0` names, what the program says next to it.
///
/// The shell's own `time` tells milliseconds, GNU time only hundredths of seconds, but memory too. Both stand
/// between this process and the program, which would otherwise be charged with the memory of this process: the
/// kernel counts what is held up to the moment at which the program takes its parent's copy's place.
const SCRIPT: &str = r#"
TIMEFORMAT='%3R %3U %3S'
time command time --format=%M --output="$0" "$@" >"$0.said" 2>&1
"#;

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Seconds from beginning to end.
    pub(crate) wall: f64,
    /// Processor seconds, in the kernel too.
    pub(crate) cpu: f64,
    /// The most memory held at once, in MB of 1,000,000 bytes.
    pub(crate) memory: f64,
}

/// A program that is run again and again in the same surroundings.
pub(crate) struct Child {
    program: Vec<PathBuf>,
    environment: Vec<(&'static str, String)>,
    folder: PathBuf,
}

impl Child {
    /// A program, with the arguments that always come first. Beside `PATH` it sees only this environment; it
    /// works in a folder, where its figures are left too.
    pub(crate) fn new(
        program: Vec<PathBuf>,
        environment: Vec<(&'static str, String)>,
        folder: &Path,
    ) -> Self {
        Self {
            program,
            environment,
            folder: folder.to_path_buf(),
        }
    }

    /// Runs it once. It has to succeed.
    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<Usage> {
        let figures = self.folder.join("figures");
        let mut command = Command::new("bash");
        command
            .args(["-c", SCRIPT])
            .arg(&figures)
            .args(&self.program)
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        let done = command.output()?;
        if !done.status.success() {
            let said = fs::read(figures.with_extension("said")).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            return Err(format!("{command:?} failed ({}): {said}", done.status).into());
        }
        let times = String::from_utf8(done.stderr)?;
        let times: Vec<f64> = times
            .split_whitespace()
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()?;
        let [wall, user, system] = times[..] else {
            return Err(format!("not what bash tells: {times:?}").into());
        };
        let kibibytes: f64 = fs::read_to_string(&figures)?.trim().parse()?;
        Ok(Usage {
            wall,
            cpu: user + system,
            memory: kibibytes * 1024.0 / 1e6,
        })
    }
}

/// Whether a run can be measured here; says loudly what is missing.
pub(crate) fn measurable() -> bool {
    let tried = output(Command::new("bash").args(["-c", "command time --format=%M true"]));
    if let Err(error) = &tried {
        println!("NOT MEASURED: bash or GNU time is missing (Debian: bash time): {error}");
    }
    tried.is_ok()
}
