//! Where programs are tried: a folder for them and what became of them.

use crate::tools;
use mycelia_spore::edge::sandbox::{
    Access, Isolation, Job, Limits, Mount, Sandbox, SandboxError, Stream,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const MIB: u64 = 1 << 20;

/// A place to try programs in.
pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    folder: TempDir,
    pub(crate) limits: Limits,
    pub(crate) network: bool,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) environment: Vec<(String, String)>,
}

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) ended: Result<(), SandboxError>,
    /// What it wrote, standard error too.
    pub(crate) output: String,
}

impl Bench {
    /// In bubblewrap; `None` where it is not installed.
    pub(crate) fn new(unchecked: &str) -> Option<Self> {
        tools::on_path("bwrap", unchecked).then(|| Self::isolated(Isolation::Bubblewrap))
    }

    /// Without isolation.
    pub(crate) fn open() -> Self {
        Self::isolated(Isolation::None)
    }

    fn isolated(isolation: Isolation) -> Self {
        Self {
            sandbox: Sandbox::new(isolation).unwrap(),
            folder: tempfile::tempdir().unwrap(),
            limits: Limits {
                wall: Duration::from_secs(60),
                memory: 512 * MIB,
                processes: 100,
                disk: 64 * MIB,
                file: 32 * MIB,
                open_files: 256,
                scratch: 16 * MIB,
            },
            network: false,
            mounts: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// The folder that programs may change; they find it at `/build`.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a shell script.
    pub(crate) fn sh(&self, script: &str) -> Tried {
        self.run(&["/bin/sh", "-c", script])
    }

    /// Runs a Python program.
    pub(crate) fn python(&self, program: &str) -> Tried {
        self.run(&["/usr/bin/python3", "-c", program])
    }

    pub(crate) fn run(&self, words: &[&str]) -> Tried {
        let mount = Mount::bind(self.folder(), "/build", Access::Writable);
        let folder = self.sandbox.inside(&mount);
        let mut environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
        for (name, value) in &self.environment {
            environment.push((name.into(), value.into()));
        }
        let mut mounts = vec![mount];
        mounts.extend(self.mounts.iter().cloned());
        let job = Job {
            program: words.iter().map(Into::into).collect(),
            environment,
            folder,
            mounts,
            network: self.network,
            limits: self.limits,
        };
        let mut output = Vec::new();
        let ended = self.sandbox.run(&job, &mut |_: Stream, bytes| {
            output.extend_from_slice(bytes);
        });
        Tried {
            ended: ended.map(drop),
            output: String::from_utf8_lossy(&output).into_owned(),
        }
    }
}

impl Tried {
    /// What it wrote, when it ended well.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert!(self.ended.is_ok(), "{:?}: {}", self.ended, self.output);
        self.output
    }

    /// The error, in words.
    #[track_caller]
    pub(crate) fn ill(self) -> String {
        match self.ended {
            Ok(()) => panic!("it ended well: {}", self.output),
            Err(error) => error.to_string(),
        }
    }
}

/// The command lines of all processes that hold these words.
pub(crate) fn running(words: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(words)).collect()
}

/// A number that no other test of this run has, for a `sleep` that can be told from all others.
pub(crate) fn long_time() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}{number:03}", 10_000 + std::process::id())
}

/// A program of this machine, run as it is.
pub(crate) fn outside(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A folder of the daemon's with a secret in it.
pub(crate) fn secret_folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, "it is a secret").unwrap();
    (folder, file)
}
