//! Runs git: an environment that holds nothing but what is said here, settings that no file can change,
//! and one span of time for all that belongs to one fetch.

use super::credential::Access;
use super::fault;
use super::{Protocols, SourcesSettings};
use crate::edge::EdgeError;
use crate::edge::process::{Command, Output, ProcessError};
use std::ffi::OsString;
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The oldest git that is run.
///
/// 2.39.1 closes CVE-2022-23521, by which a `.gitattributes` of the tree could run code whenever a tree is
/// written out, and CVE-2022-41903. The faults of 2023 to 2025 that need `git submodule`, `git clone`, `git
/// apply` or `git archive` (CVE-2023-22490, -23946, -25652, -29007, CVE-2024-32002, -32004, -32020, -32021,
/// -32465, CVE-2025-48384, -48385) are out of reach: none of these commands is ever run. A higher bound would
/// turn away the patched versions of distributions, which keep the number and take over the fixes.
pub(super) const OLDEST: Version = Version(2, 39, 1);

/// Where to get it.
const HINT: &str = "install git, as by: apt-get install git";

/// Slower than this many bytes in a second, for so many seconds, is given up.
const SLOW: [&str; 2] = ["1000", "30"];

/// How long tidying up may take when the time for the work is up.
const TIDYING: Duration = Duration::from_secs(5);

/// Settings of every git that is run; they go over those of any file.
const CONFIG: [(&str, &str); 18] = [
    // Nothing of the host's users is asked, run or believed.
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("safe.bareRepository", "explicit"),
    // A redirect would carry the credential to whoever it names.
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", SLOW[0]),
    ("http.lowSpeedTime", SLOW[1]),
    ("protocol.version", "2"),
    ("transfer.bundleURI", "false"),
    // Objects are checked on arrival: names such as .git, odd modes, hostile .gitmodules.
    ("transfer.fsckObjects", "true"),
    // Names that other file systems take for .git; and links are made by us, after a look at them.
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("core.symlinks", "false"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
];

/// Faults of objects that are let pass: the traces of old tools in author lines and in the writing of modes.
/// They say nothing of what is written out, and many an old repository has them.
const HARMLESS: [&str; 11] = [
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
];

/// A version of git: major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32, pub(super) u32);

impl Version {
    /// Reads what `git version` says, as `git version 2.39.5 (Apple Git-154)`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let word = text
            .strip_prefix("git version ")?
            .split_whitespace()
            .next()?;
        let mut numbers = word.split('.').map_while(|number| number.parse().ok());
        Some(Self(
            numbers.next()?,
            numbers.next()?,
            numbers.next().unwrap_or(0),
        ))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Git for the length of one piece of work.
#[derive(Debug)]
pub(super) struct Git {
    protocols: Protocols,
    /// The file of certificates to believe, when it is not the system's.
    certificates: Option<String>,
    fetch_max: u64,
    deadline: Instant,
    timeout: Duration,
    /// A folder that only this process's user may enter, gone when the work is done.
    private: TempDir,
}

/// One run of git, or of a program that runs git.
pub(super) struct Run<'g> {
    git: &'g Git,
    program: &'static str,
    hint: &'static str,
    args: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    config: Vec<(String, String)>,
    stdin: Vec<u8>,
    stdout_max: Option<usize>,
    file_max: Option<u64>,
    least: Duration,
    access: Option<&'g Access<'g>>,
}

impl Git {
    /// Begins a piece of work.
    pub(super) fn begin(settings: &SourcesSettings) -> Result<Self, EdgeError> {
        let folder = settings.cache.join("run");
        let private = private_folders(&folder)
            .and_then(|()| private_folder(&folder))
            .map_err(|error| EdgeError::io("the cache of sources cannot be written", error))?;
        let certificates = settings.certificates.as_ref();
        Ok(Self {
            protocols: settings.protocols,
            certificates: certificates.map(|path| path.to_string_lossy().into_owned()),
            fetch_max: settings.limits.fetch_bytes,
            deadline: Instant::now() + settings.timeout,
            timeout: settings.timeout,
            private,
        })
    }

    /// Refuses to work with a git that is missing or too old.
    pub(super) fn check_version(&self) -> Result<Version, EdgeError> {
        let output = self
            .run(["version"])
            .end()
            .map_err(|error| fault::tool("git", error))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match Version::read(&text) {
            Some(version) if version >= OLDEST => Ok(version),
            _ => Err(EdgeError::unsupported(format!(
                "git {OLDEST} or newer is needed; installed is {:?}",
                text.trim()
            ))
            .hint("older ones run code of the trees they write out (CVE-2022-23521)")),
        }
    }

    /// How long all of the work may take.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// When the work must be done.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// A folder for what must not outlive the work or be seen by others.
    pub(super) fn private(&self) -> &Path {
        self.private.path()
    }

    /// A run without a repository.
    pub(super) fn run<A: Into<OsString>>(&self, args: impl IntoIterator<Item = A>) -> Run<'_> {
        Run {
            git: self,
            program: "git",
            hint: HINT,
            args: args.into_iter().map(Into::into).collect(),
            // One that does not exist, so that git looks for none around its folder either.
            environment: vec![("GIT_DIR", "/nonexistent".into())],
            config: Vec::new(),
            stdin: Vec::new(),
            stdout_max: None,
            file_max: None,
            least: Duration::ZERO,
            access: None,
        }
    }

    /// A run within a bare repository.
    pub(super) fn within<A: Into<OsString>>(
        &self,
        repository: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Run<'_> {
        let mut run = self.run(args);
        run.environment = vec![("GIT_DIR", repository.into())];
        run
    }

    fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("HOME", "/nonexistent".into()),
            ("LC_ALL", "C".into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
            ("GIT_ATTR_NOSYSTEM", "1".into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("GIT_ALLOW_PROTOCOL", self.protocols.list().into()),
            ("GIT_PROTOCOL_FROM_USER", "0".into()),
            ("GIT_LFS_SKIP_SMUDGE", "1".into()),
        ]
    }
}

impl<'g> Run<'g> {
    /// A program that runs git.
    pub(super) const fn program(mut self, program: &'static str, hint: &'static str) -> Self {
        (self.program, self.hint) = (program, hint);
        self
    }

    /// With a variable more.
    pub(super) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// With a setting more.
    pub(super) fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.push((key.into(), value.into()));
        self
    }

    /// With something to read.
    pub(super) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Writing at most so many bytes to standard output.
    pub(super) const fn stdout_max(mut self, bytes: usize) -> Self {
        self.stdout_max = Some(bytes);
        self
    }

    /// Talking to another machine: with the credential, if there is one, and bounded in what it may store.
    pub(super) const fn remote(mut self, access: Option<&'g Access<'g>>) -> Self {
        self.access = access;
        self.file_max = Some(self.git.fetch_max);
        self
    }

    /// Even when the time for the work is up: it tidies up after it.
    pub(super) const fn even_late(mut self) -> Self {
        self.least = TIDYING;
        self
    }

    /// Runs it to its end.
    pub(super) fn end(self) -> Result<Output, ProcessError> {
        let access = self.access;
        self.command().run().map_err(|error| match (error, access) {
            (error, None) => error,
            (error, Some(access)) => access.scrubbed(error),
        })
    }

    fn command(self) -> Command {
        let git = self.git;
        let left = git.deadline.saturating_duration_since(Instant::now());
        let config = self.settings();
        let mut command = Command::new(self.program)
            .args(self.args)
            .current_dir(git.private())
            .timeout(left.max(self.least))
            .hint(self.hint)
            .stdin(self.stdin)
            .env("GIT_CONFIG_COUNT", config.len().to_string());
        for (at, (key, value)) in config.into_iter().enumerate() {
            command = command
                .env(format!("GIT_CONFIG_KEY_{at}"), key)
                .env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        for (name, value) in git.environment().into_iter().chain(self.environment) {
            command = command.env(name, value);
        }
        if let Some(bytes) = self.stdout_max {
            command = command.stdout_max(bytes);
        }
        if let Some(bytes) = self.file_max {
            command = command.file_max(bytes);
        }
        command
    }

    fn settings(&self) -> Vec<(String, String)> {
        let fixed = CONFIG.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let harmless = HARMLESS.map(|name| (format!("fetch.fsck.{name}"), "ignore".to_owned()));
        let certificates = self.git.certificates.clone();
        let certificates = certificates.map(|path| ("http.sslCAInfo".to_owned(), path));
        // After the empty `credential.helper`, which forgets the ones before it.
        let access = self.access.map(Access::config);
        let all = fixed.into_iter().chain(harmless).chain(certificates);
        all.chain(access)
            .chain(self.config.iter().cloned())
            .collect()
    }
}

/// Makes a folder, and those around it that are missing, that none but the user of this process may enter:
/// not everything that is fetched is for everybody's eyes.
pub(super) fn private_folders(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

/// A new folder that none but the user of this process may enter.
fn private_folder(within: &Path) -> std::io::Result<TempDir> {
    let mode = Permissions::from_mode(0o700);
    tempfile::Builder::new()
        .permissions(mode)
        .tempdir_in(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        for (text, version) in [
            ("git version 2.47.3\n", Some(Version(2, 47, 3))),
            (
                "git version 2.39.5 (Apple Git-154)\n",
                Some(Version(2, 39, 5)),
            ),
            ("git version 2.53.0.windows.1", Some(Version(2, 53, 0))),
            ("git version 2.50.rc1", Some(Version(2, 50, 0))),
            ("git version 3.0", Some(Version(3, 0, 0))),
            ("git version next", None),
            ("gut version 2.47.3", None),
        ] {
            assert_eq!(Version::read(text), version, "{text}");
        }
        assert!(Version(2, 39, 0) < OLDEST && OLDEST < Version(2, 40, 0));
        assert!(Version(3, 0, 0) > OLDEST);
    }
}
