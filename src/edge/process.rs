//! Runs other programs: the only place that starts any.
//!
//! A program gets no environment but `PATH` and what it is given by name, so that no secret of the daemon
//! reaches it by accident. What it writes is read while it runs and bounded, and when its time is up it is
//! ended with all that it started.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long a program may take when nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How much a program may write to standard output when nothing else is said, in bytes.
const STDOUT_MAX: usize = 64 * 1024 * 1024;

/// How much is kept of what a program writes to standard error, in bytes: the end, where errors stand.
const STDERR_KEPT: usize = 256 * 1024;

/// How often a program is looked at that has closed its output and not ended.
const POLL: Duration = Duration::from_millis(5);

/// How long the output of a program that has ended is waited for: a process it left behind may hold it open.
const GRACE: Duration = Duration::from_secs(1);

/// A program to run, and how.
#[derive(Debug)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    stdin: Vec<u8>,
    timeout: Duration,
    stdout_max: usize,
    file_max: Option<u64>,
    hint: String,
}

/// What a program wrote before it ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// To standard output, whole.
    pub stdout: Vec<u8>,
    /// To standard error; of very long ones the end. What is not UTF-8 is replaced.
    pub stderr: String,
}

/// Why a program did not do its work.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// There is no such program.
    #[error("{program} is not installed{}", hinted(hint))]
    NotFound {
        /// Its name.
        program: String,
        /// How to get it; empty when there is nothing to say.
        hint: String,
    },
    /// It could not be started or waited for.
    #[error("{program} cannot be run")]
    Io {
        /// Its name.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended with an error.
    #[error("{program} failed ({status}){}", told(stderr))]
    Failed {
        /// Its name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// It took too long and was ended.
    #[error("{program} took longer than {} s and was ended{}", timeout.as_secs_f32(), told(stderr))]
    TimedOut {
        /// Its name.
        program: String,
        /// How long it was given.
        timeout: Duration,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// It wrote more than was allowed and was ended.
    #[error("{program} wrote more than {max} bytes and was ended")]
    TooMuchOutput {
        /// Its name.
        program: String,
        /// How much was allowed.
        max: usize,
    },
}

fn hinted(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!(" ({hint})")
    }
}

fn told(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

impl Command {
    /// A program, looked up on `PATH` unless its name has a slash.
    #[must_use]
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            environment: Vec::new(),
            directory: None,
            stdin: Vec::new(),
            timeout: TIMEOUT,
            stdout_max: STDOUT_MAX,
            file_max: None,
            hint: String::new(),
        }
        .inherit("PATH")
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Gives the program a variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Lets the program see a variable of this process, if it is set.
    #[must_use]
    pub fn inherit(self, name: impl AsRef<OsStr>) -> Self {
        match std::env::var_os(&name) {
            Some(value) => self.env(name.as_ref(), value),
            None => self,
        }
    }

    /// Runs the program in a folder.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Gives the program something to read; if nothing is given, its standard input is empty.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// How long the program may take. If not said, 60 s.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many bytes the program may write to standard output. If not said, 64 MiB.
    #[must_use]
    pub const fn stdout_max(mut self, bytes: usize) -> Self {
        self.stdout_max = bytes;
        self
    }

    /// How long, in bytes, a file may become that the program or what it starts writes; the one that goes on
    /// is ended by the signal `SIGXFSZ`. If not said, as long as the disk allows. Held on Linux alone.
    #[must_use]
    pub const fn file_max(mut self, bytes: u64) -> Self {
        self.file_max = Some(bytes);
        self
    }

    /// What a person can do when there is no such program.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// There is no such program, it ended with anything but success, took too long or wrote too much.
    pub fn run(self) -> Result<Output, ProcessError> {
        let mut child = self.spawn()?;
        if let Err(source) = self.limit(&child) {
            end(&mut child);
            return Err(self.io(source));
        }
        let deadline = Instant::now() + self.timeout;
        feed(&mut child, &self.stdin);
        let (sender, receiver) = mpsc::channel();
        collect_stdout(&mut child, self.stdout_max, sender.clone());
        collect_stderr(&mut child, sender);
        let mut written = Written::default();
        let ended = written.until_end(&mut child, &receiver, deadline);
        let finished = matches!(ended, Ok(Some(_))) && written.is_whole() && !written.overflowed;
        if !finished {
            end(&mut child);
            written.wait(&receiver, Instant::now() + GRACE);
        }
        let status = ended.map_err(|source| self.io(source))?;
        self.judge(written, status)
    }

    fn judge(&self, written: Written, status: Option<ExitStatus>) -> Result<Output, ProcessError> {
        let program = self.name();
        let stderr = String::from_utf8_lossy(&written.stderr.unwrap_or_default()).into_owned();
        if written.overflowed {
            let max = self.stdout_max;
            return Err(ProcessError::TooMuchOutput { program, max });
        }
        match (status, written.stdout) {
            (Some(status), Some(stdout)) if status.success() => Ok(Output { stdout, stderr }),
            (Some(status), _) if !status.success() => Err(ProcessError::Failed {
                program,
                status,
                stderr,
            }),
            _ => Err(ProcessError::TimedOut {
                program,
                timeout: self.timeout,
                stderr,
            }),
        }
    }

    fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    fn io(&self, source: io::Error) -> ProcessError {
        ProcessError::Io {
            program: self.name(),
            source,
        }
    }

    /// Limits a program that has just begun. What it starts later is limited with it.
    #[cfg(target_os = "linux")]
    fn limit(&self, child: &Child) -> io::Result<()> {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let Some(bytes) = self.file_max else {
            return Ok(());
        };
        let limit = Rlimit {
            current: Some(bytes),
            maximum: Some(bytes),
        };
        match prlimit(Some(Pid::from_child(child)), Resource::Fsize, limit) {
            // It has ended already.
            Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    #[allow(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "there is a limit on Linux alone"
    )]
    fn limit(&self, _: &Child) -> io::Result<()> {
        Ok(())
    }

    fn spawn(&self) -> Result<Child, ProcessError> {
        let mut command = std::process::Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that what it starts can be ended with it.
            .process_group(0);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.spawn().map_err(|source| {
            // A missing folder is told by the same kind of error as a missing program.
            let folder = self.directory.as_ref().is_none_or(|folder| folder.is_dir());
            if source.kind() == io::ErrorKind::NotFound && folder {
                ProcessError::NotFound {
                    program: self.name(),
                    hint: self.hint.clone(),
                }
            } else {
                self.io(source)
            }
        })
    }
}

/// Ends a program and all that it started.
fn end(child: &mut Child) {
    let group = rustix::process::Pid::from_child(child);
    // Both fail only when there is nothing left to end.
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    let _ = child.wait();
}

/// Writes to a program's standard input on a thread of its own, as the program may not read it at once.
fn feed(child: &mut Child, bytes: &[u8]) {
    let Some(mut stdin) = child.stdin.take() else {
        return;
    };
    if bytes.is_empty() {
        return;
    }
    let bytes = bytes.to_vec();
    // A program that does not read all of its input says so by its status, if it matters.
    thread::spawn(move || drop(stdin.write_all(&bytes)));
}

/// What was read of one stream, when it has come to its end.
enum Part {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Overflow,
}

fn collect_stdout(child: &mut Child, max: usize, sender: Sender<Part>) {
    let Some(stdout) = child.stdout.take() else {
        return;
    };
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // After a read error what was read before it is what there is.
        drop(stdout.take(limit).read_to_end(&mut bytes));
        let part = if bytes.len() > max {
            Part::Overflow
        } else {
            Part::Stdout(bytes)
        };
        drop(sender.send(part));
    });
}

fn collect_stderr(child: &mut Child, sender: Sender<Part>) {
    let Some(mut stderr) = child.stderr.take() else {
        return;
    };
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut chunk = [0; 8 * 1024];
        while let Ok(len @ 1..) = stderr.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..len]);
            if bytes.len() > 2 * STDERR_KEPT {
                bytes.drain(..bytes.len() - STDERR_KEPT);
            }
        }
        bytes.drain(..bytes.len().saturating_sub(STDERR_KEPT));
        drop(sender.send(Part::Stderr(bytes)));
    });
}

/// What a program has written so far.
#[derive(Default)]
struct Written {
    stdout: Option<Vec<u8>>,
    stderr: Option<Vec<u8>>,
    overflowed: bool,
}

impl Written {
    const fn is_whole(&self) -> bool {
        (self.stdout.is_some() || self.overflowed) && self.stderr.is_some()
    }

    fn take(&mut self, part: Part) {
        match part {
            Part::Stdout(bytes) => self.stdout = Some(bytes),
            Part::Stderr(bytes) => self.stderr = Some(bytes),
            Part::Overflow => self.overflowed = true,
        }
    }

    /// Waits for the program's end and that of its output; `None` when time is up or it wrote too much.
    fn until_end(
        &mut self,
        child: &mut Child,
        receiver: &Receiver<Part>,
        deadline: Instant,
    ) -> io::Result<Option<ExitStatus>> {
        loop {
            if let Some(status) = child.try_wait()? {
                self.wait(receiver, Instant::now() + GRACE);
                return Ok(Some(status));
            }
            if self.overflowed || Instant::now() >= deadline {
                return Ok(None);
            }
            if self.is_whole() {
                thread::sleep(POLL);
            } else if let Ok(part) = receiver.recv_timeout(POLL) {
                self.take(part);
            }
        }
    }

    /// Waits for the rest of the output.
    fn wait(&mut self, receiver: &Receiver<Part>, deadline: Instant) {
        while !self.is_whole() {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(part) = receiver.recv_timeout(left) else {
                return;
            };
            self.take(part);
        }
    }
}

#[cfg(test)]
mod tests;
