//! How bubblewrap is called (bwrap(1)).

use super::cgroup::Group;
use super::{Access, HOME, Job, Kind, Limits, Mount, SandboxError, root, supervise};
use crate::edge::EdgeError;
use crate::edge::process::{self, ProcessError};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// The program's user and group in the sandbox: not root, and the usual first user's.
const USER: &str = "1000";

/// Folders of the system, read-only. Where they are links, so they are inside.
const SYSTEM: [&str; 8] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/run/current-system",
];

/// What programs need of the system's settings. Of `/etc/ssl` only the certificates: keys lie beside them.
const ETC: [&str; 11] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/mime.types",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];

/// What is needed besides to find hosts on the network.
const ETC_OF_NETWORK: [&str; 2] = ["/etc/resolv.conf", "/etc/nsswitch.conf"];

/// Files that are made for the sandbox. Without `hosts` a program cannot find its own machine.
const MADE: [(&str, &str); 3] = [
    ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    (
        "passwd",
        "root:x:0:0::/:/bin/false\nbuild:x:1000:1000::/home/build:/bin/sh\n",
    ),
    ("group", "root:x:0:\nbuild:x:1000:\n"),
];

/// The folder, beside these, where mounts are staged.
const STAGE: &str = "stage";

/// How long bubblewrap may take to show that it works.
const PROBE: Duration = Duration::from_secs(20);

/// An installed bubblewrap that works.
#[derive(Debug)]
pub(super) struct Bubblewrap {
    program: PathBuf,
    /// Whether it can forbid namespaces within the sandbox (since 0.8.0).
    disables_namespaces: bool,
    /// The folder of the files that are made, and of the place where mounts are staged for another user.
    made: TempDir,
    /// Whether it must run as somebody else.
    root: bool,
}

impl Bubblewrap {
    /// Looks for bubblewrap and tries it.
    pub(super) fn find() -> Result<Self, EdgeError> {
        let program = which("bwrap").ok_or_else(|| {
            EdgeError::unsupported("bubblewrap (bwrap) is not installed, which keeps builds apart")
                .at("build.type")
                .hint(
                    "install bubblewrap; or set builds.sandbox = \"none\" in the settings, after which builds see and \
                     do all that the daemon can",
                )
        })?;
        let help = process::Command::new(&program)
            .arg("--help")
            .timeout(PROBE)
            .run();
        let disables_namespaces = help.is_ok_and(|help| {
            let text = String::from_utf8_lossy(&help.stdout).into_owned() + &help.stderr;
            text.contains("--disable-userns")
        });
        let root = root::is_root();
        if root {
            root::check(which)?;
        }
        let made = made().map_err(|error| {
            EdgeError::io("a folder for the sandbox's own files cannot be made", error)
        })?;
        let found = Self {
            program,
            disables_namespaces,
            made,
            root,
        };
        found.probe()?;
        Ok(found)
    }

    /// Runs nothing, as everything else will be run.
    fn probe(&self) -> Result<(), EdgeError> {
        let job = Job {
            program: Vec::new(),
            environment: Vec::new(),
            folder: PathBuf::from("/"),
            mounts: Vec::new(),
            network: false,
            limits: Limits {
                wall: PROBE,
                memory: 1 << 30,
                processes: 100,
                disk: 0,
                file: 0,
                open_files: 64,
                scratch: 1 << 20,
            },
        };
        let mut words = self
            .words(&job, std::iter::empty(), &["/bin/sh".into()])
            .into_iter();
        let program = words.next().unwrap_or_default();
        let ended = process::Command::new(program)
            .args(words)
            .timeout(PROBE)
            .run();
        ended.map(drop).map_err(|error| {
            let told = match &error {
                ProcessError::Failed { stderr, .. } => stderr.trim().to_owned(),
                other => other.to_string(),
            };
            EdgeError::unsupported(format!("bubblewrap cannot make namespaces here: {told}"))
                .at("build.type")
                .hint(
                    "allow user namespaces (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces, the \
                     service's RestrictNamespaces); or set builds.sandbox = \"none\" in the settings, after which \
                     builds see and do all that the daemon can",
                )
        })
    }

    /// The command of a job.
    pub(super) fn command(&self, job: &Job, group: &Group) -> Result<Command, SandboxError> {
        if self.root {
            job.writable()
                .try_for_each(root::give)
                .map_err(|source| SandboxError::Io {
                    program: job.name(),
                    source,
                })?;
            let words = self.words(job, group.doors(), &supervise::limited(job));
            return Ok(supervise::alone(words));
        }
        let words = self.words(job, std::iter::empty(), &supervise::limited(job));
        Ok(supervise::joined(words, group))
    }

    /// The words that run a program in the sandbox; as root, after joining the groups with these doors.
    fn words(
        &self,
        job: &Job,
        doors: impl Iterator<Item = PathBuf>,
        program: &[OsString],
    ) -> Vec<OsString> {
        let bound = |mount: &Mount| match &mount.kind {
            Kind::Bind(outside, _) => Some(outside.clone()),
            Kind::Scratch => None,
        };
        let bound: Vec<PathBuf> = job.mounts.iter().filter_map(bound).collect();
        let stage = self.made.path().join(STAGE);
        let staged = |(number, _): (usize, &PathBuf)| root::staged(&stage, number);
        let seen: Vec<PathBuf> = if self.root {
            bound.iter().enumerate().map(staged).collect()
        } else {
            bound.clone()
        };
        let mut words = vec![self.program.clone().into_os_string()];
        words.extend(self.arguments(job, &seen));
        words.push("--".into());
        words.extend(program.iter().cloned());
        if self.root {
            let bound: Vec<&Path> = bound.iter().map(PathBuf::as_path).collect();
            return root::words(doors, &stage, &bound, words);
        }
        words
    }

    /// The arguments of bubblewrap, with the places where it finds what is bound.
    fn arguments(&self, job: &Job, bound: &[PathBuf]) -> Vec<OsString> {
        let mut bound = bound.iter();
        let mut args = Arguments::default();
        args.all(&["--unshare-user", "--unshare-pid", "--unshare-ipc"]);
        args.all(&["--unshare-uts", "--unshare-cgroup-try"]);
        if !job.network {
            args.all(&["--unshare-net"]);
        }
        if self.disables_namespaces {
            args.all(&["--disable-userns"]);
        }
        args.all(&["--die-with-parent", "--new-session", "--cap-drop", "ALL"]);
        args.all(&["--uid", USER, "--gid", USER, "--hostname", "build"]);
        for folder in SYSTEM {
            args.system(Path::new(folder));
        }
        for (name, _) in MADE {
            let inside = Path::new("/etc").join(name);
            args.bind("--ro-bind", &self.made.path().join(name), &inside);
        }
        let network = ETC_OF_NETWORK.iter().filter(|_| job.network);
        for file in ETC.iter().chain(network) {
            if let Ok(real) = Path::new(file).canonicalize() {
                args.bind("--ro-bind", &real, Path::new(file));
            }
        }
        args.all(&["--proc", "/proc", "--dev", "/dev"]);
        for folder in ["/dev/shm", "/tmp", HOME] {
            args.scratch(Path::new(folder), job.limits.scratch);
        }
        for mount in &job.mounts {
            let how = match &mount.kind {
                Kind::Scratch => {
                    args.scratch(&mount.inside, job.limits.scratch);
                    continue;
                }
                Kind::Bind(_, Access::ReadOnly) => "--ro-bind",
                Kind::Bind(_, Access::Writable) => "--bind",
            };
            if let Some(outside) = bound.next() {
                args.bind(how, outside, &mount.inside);
            }
        }
        // Both are folders in memory without a limit.
        args.all(&["--remount-ro", "/dev", "--remount-ro", "/"]);
        for (name, value) in [("HOME", HOME), ("TMPDIR", "/tmp")] {
            if !job.has(name) {
                args.all(&["--setenv", name, value]);
            }
        }
        for (name, value) in &job.environment {
            args.words
                .extend(["--setenv".into(), name.clone(), value.clone()]);
        }
        args.words
            .extend(["--chdir".into(), job.folder.clone().into_os_string()]);
        args.words
    }
}

/// The arguments of bubblewrap.
#[derive(Default)]
struct Arguments {
    words: Vec<OsString>,
}

impl Arguments {
    fn all(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(OsString::from));
    }

    fn bind(&mut self, how: &str, outside: &Path, inside: &Path) {
        let words = [OsStr::new(how), outside.as_os_str(), inside.as_os_str()];
        self.words.extend(words.map(OsStr::to_owned));
    }

    fn scratch(&mut self, inside: &Path, size: u64) {
        self.all(&["--size", &size.to_string(), "--tmpfs"]);
        self.words.push(inside.as_os_str().to_owned());
    }

    /// A folder of the system, if the host has it.
    fn system(&mut self, path: &Path) {
        if let Ok(target) = fs::read_link(path) {
            self.bind("--symlink", &target, path);
        } else if path.is_dir() {
            self.bind("--ro-bind", path, path);
        }
    }
}

fn made() -> std::io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for (name, text) in MADE {
        fs::write(folder.path().join(name), text)?;
    }
    fs::create_dir(folder.path().join(STAGE))?;
    root::open_to_all(folder.path())?;
    Ok(folder)
}

/// A program on the daemon's `PATH`.
fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(name));
    candidates.find(|path| path.is_file())
}
