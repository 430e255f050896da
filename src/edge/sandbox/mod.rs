//! Runs programs that nobody vouches for: those of a website's build.
//!
//! Bubblewrap gives a program namespaces of its own: it sees the system read-only, the folders it was given, no
//! process but its own, and no network unless it was given that. It gets no environment but the one named here;
//! bubblewrap itself is started with an empty one, since it stays visible inside as process 1. Limits are held by a
//! control group where the host allows one (`cgroup`), and everywhere by looking at what is running (`supervise`).
//! Where the daemon is root, builds are not (`root`).
//!
//! With [`Isolation::None`] programs run as the daemon's user, see all that it sees, and can reach the network.
//! Time, processes, memory and disk are limited as well, and what is left running is ended.

mod bubblewrap;
mod cgroup;
mod error;
mod processes;
mod root;
mod supervise;

pub use error::SandboxError;

use super::EdgeError;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The home of a program in the sandbox.
const HOME: &str = "/home/build";

/// How programs are kept from everything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// By bubblewrap.
    #[default]
    Bubblewrap,
    /// Not at all, as the operator says so.
    None,
}

/// Runs programs.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// `None` when nothing is kept from anything.
    bubblewrap: Option<Arc<bubblewrap::Bubblewrap>>,
}

/// Where something was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// To standard output.
    Stdout,
    /// To standard error.
    Stderr,
}

/// A program to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// The program and its arguments. A name without a slash is looked for on `PATH`.
    pub program: Vec<OsString>,
    /// All of its environment, but for `HOME` and `TMPDIR` where they are left out.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it starts, as it sees it ([`Sandbox::inside`]).
    pub folder: PathBuf,
    /// What it sees beside the system. A later one may lie within an earlier one.
    pub mounts: Vec<Mount>,
    /// Whether it may use the host's network, with all that listens there.
    pub network: bool,
    /// What it may use.
    pub limits: Limits,
}

/// What a program sees at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    inside: PathBuf,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A file or folder of the host.
    Bind(PathBuf, Access),
    /// An empty folder in memory, gone with the program.
    Scratch,
}

/// What may be done with a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may be read.
    ReadOnly,
    /// It may be changed.
    Writable,
}

/// What a program and all that it starts may use together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time on the wall.
    pub wall: Duration,
    /// Memory in bytes, files in scratch folders left out where no control group counts them.
    pub memory: u64,
    /// Processes at once; where the kernel counts, threads too.
    pub processes: u64,
    /// Bytes on disk in all writable folders together.
    pub disk: u64,
    /// Bytes of a single file.
    pub file: u64,
    /// Open files of a single process.
    pub open_files: u64,
    /// Bytes of a single scratch folder, of which the home and `/tmp` are two.
    pub scratch: u64,
}

/// A program that ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How long it took.
    pub wall: Duration,
}

impl Mount {
    /// A file or folder of the host. The program finds it at `inside`, which is absolute.
    #[must_use]
    pub fn bind(outside: impl Into<PathBuf>, inside: impl Into<PathBuf>, access: Access) -> Self {
        Self {
            inside: inside.into(),
            kind: Kind::Bind(outside.into(), access),
        }
    }

    /// An empty folder, gone with the program. Without isolation there is none.
    #[must_use]
    pub fn scratch(inside: impl Into<PathBuf>) -> Self {
        Self {
            inside: inside.into(),
            kind: Kind::Scratch,
        }
    }
}

impl Sandbox {
    /// Makes ready to run programs.
    ///
    /// # Errors
    /// Bubblewrap is not installed, or may not make namespaces here.
    pub fn new(isolation: Isolation) -> Result<Self, EdgeError> {
        let bubblewrap = match isolation {
            Isolation::Bubblewrap => Some(Arc::new(bubblewrap::Bubblewrap::find()?)),
            Isolation::None => None,
        };
        Ok(Self { bubblewrap })
    }

    /// How programs are kept from everything else.
    #[must_use]
    pub const fn isolation(&self) -> Isolation {
        match self.bubblewrap {
            Some(_) => Isolation::Bubblewrap,
            None => Isolation::None,
        }
    }

    /// Where a program finds what is mounted: without isolation, where it really is.
    #[must_use]
    pub fn inside(&self, mount: &Mount) -> PathBuf {
        match (&self.bubblewrap, &mount.kind) {
            (None, Kind::Bind(outside, _)) => outside.clone(),
            _ => mount.inside.clone(),
        }
    }

    /// Runs a program to its end, and tells what it writes as it comes. When this returns, nothing of it is running
    /// any more. The program's end is tied to the calling thread's.
    ///
    /// # Errors
    /// It could not be started, as a mount is missing say; ended with anything but success, or used more than it may.
    pub fn run(
        &self,
        job: &Job,
        output: &mut (dyn FnMut(Stream, &[u8]) + Send),
    ) -> Result<Ended, SandboxError> {
        let group = cgroup::Group::make(&job.limits);
        let mut command = match &self.bubblewrap {
            Some(bubblewrap) => bubblewrap.command(job, &group)?,
            None => supervise::plain(job, &group),
        };
        supervise::run(&mut command, job, &group, output)
    }
}

impl Job {
    /// The folders of the host that it may change.
    fn writable(&self) -> impl Iterator<Item = &Path> {
        self.mounts.iter().filter_map(|mount| match &mount.kind {
            Kind::Bind(outside, Access::Writable) => Some(outside.as_path()),
            Kind::Bind(_, Access::ReadOnly) | Kind::Scratch => None,
        })
    }

    fn name(&self) -> String {
        let name = self.program.first().map(|word| word.to_string_lossy());
        name.unwrap_or_default().into_owned()
    }

    fn has(&self, variable: &str) -> bool {
        self.environment.iter().any(|(name, _)| name == variable)
    }
}
