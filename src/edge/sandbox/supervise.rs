//! Starts a program, hands on what it writes, and ends it with all it started when it uses more than it may.

use super::cgroup::Group;
use super::processes::{self, Family};
use super::{Ended, Job, SandboxError, Stream};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};
use walkdir::WalkDir;

/// How often the processes are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How often the disk is looked at, at most.
const LOOK_AT_DISK: Duration = Duration::from_millis(500);

/// Of the time, looking at the disk takes no more than one part in this many.
const SHARE: u32 = 10;

/// How long what a program wrote is waited for after its end.
const GRACE: Duration = Duration::from_secs(1);

/// How long processes that were ended may take to be gone.
const ENDING: Duration = Duration::from_secs(20);

/// Parts of output that wait to be handed on: few, so that a program that writes much has to wait.
const WAITING: usize = 16;

/// The bytes of a block, as files' sizes on disk are counted (stat(2)).
const BLOCK: u64 = 512;

/// The variable that marks what a program without isolation started.
const MARK: &str = "SPORE_BUILD_MARK";

/// Joins control groups by the doors before `--` and becomes what follows.
const JOIN: &str =
    r#"while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift; exec "$@""#;

/// Limits itself and becomes the program. Shells call the limit on processes `-u` or `-p`, where they have it.
const LIMIT: &str = r#"ulimit -c 0; ulimit -f "$1"; ulimit -n "$2" 2>/dev/null
ulimit -u "$3" 2>/dev/null || ulimit -p "$3" 2>/dev/null; shift 3; exec "$@""#;

/// The words that run a job's program with the limits that a process holds itself.
pub(super) fn limited(job: &Job) -> Vec<OsString> {
    let blocks = job.limits.file.div_ceil(BLOCK);
    let numbers = [blocks, job.limits.open_files, job.limits.processes];
    let shell = ["/bin/sh", "-c", LIMIT, "sh"].map(OsString::from);
    let numbers = numbers.map(|number| number.to_string().into());
    let words = shell.into_iter().chain(numbers);
    words.chain(job.program.iter().cloned()).collect()
}

/// A command that joins a group first. Its environment is empty.
pub(super) fn joined(words: Vec<OsString>, group: &Group) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", JOIN, "sh"]);
    command.args(group.doors()).arg("--").args(words);
    command.env_clear();
    command
}

/// A command with an empty environment but for where programs of the system are.
pub(super) fn alone(words: Vec<OsString>) -> Command {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.args(words).env_clear().env("PATH", path);
    command
}

/// The command of a job that runs without isolation.
pub(super) fn plain(job: &Job, group: &Group) -> Command {
    let mut command = joined(limited(job), group);
    command.current_dir(&job.folder);
    for (name, fallback) in [
        ("HOME", std::env::temp_dir()),
        ("TMPDIR", std::env::temp_dir()),
    ] {
        if !job.has(name) {
            command.env(name, fallback);
        }
    }
    command.envs(job.environment.iter().cloned());
    command.env(MARK, format!("{:x}", fastrand::u128(..)));
    command
}

/// Runs a command to its end.
pub(super) fn run(
    command: &mut Command,
    job: &Job,
    group: &Group,
    output: &mut (dyn FnMut(Stream, &[u8]) + Send),
) -> Result<Ended, SandboxError> {
    let program = job.name();
    let io = |source| SandboxError::Io {
        program: program.clone(),
        source,
    };
    let begun = Instant::now();
    let mark = command.get_envs().find(|(name, _)| *name == MARK);
    let mark = mark.and_then(|(_, value)| Some(format!("{MARK}={}", value?.to_str()?)));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = command.spawn().map_err(io)?;
    let mut running = Running {
        child,
        job,
        mark,
        seen: BTreeSet::new(),
        next_look_at_disk: begun + LOOK_AT_DISK,
    };
    let receiver = running.collect();
    let ended = running.until_end(&receiver, begun + job.limits.wall, output);
    running.end_all();
    // What a process that was just ended held back.
    let deadline = Instant::now() + GRACE;
    while let Ok((stream, bytes)) =
        receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    {
        output(stream, &bytes);
    }
    let wall = begun.elapsed();
    let why = match ended.map_err(io)? {
        Why::Ended(status) if status.success() && !group.was_out_of_memory() => {
            if running.disk() > job.limits.disk {
                Why::Disk
            } else {
                return Ok(Ended { wall });
            }
        }
        Why::Ended(_) if group.was_out_of_memory() => Why::Memory,
        Why::Ended(_) if group.was_full() => Why::Processes,
        Why::Ended(_) if running.disk() > job.limits.disk => Why::Disk,
        other => other,
    };
    let limits = &job.limits;
    Err(match why {
        Why::Ended(status) => SandboxError::Failed {
            program,
            how: told(status),
        },
        Why::Time => SandboxError::Time {
            program,
            limit: limits.wall,
        },
        Why::Memory => SandboxError::Memory {
            program,
            limit: limits.memory,
        },
        Why::Processes => SandboxError::Processes {
            program,
            limit: limits.processes,
        },
        Why::Disk => SandboxError::Disk {
            program,
            limit: limits.disk,
        },
    })
}

/// Why a program is not running any more, or must not.
enum Why {
    Ended(ExitStatus),
    Time,
    Memory,
    Processes,
    Disk,
}

/// What a stream was read from, and a part of it.
type Part = (Stream, Vec<u8>);

struct Running<'j> {
    child: Child,
    job: &'j Job,
    /// What is in the environment of all it started, without isolation.
    mark: Option<String>,
    /// Its processes when they were looked at last.
    seen: BTreeSet<i32>,
    next_look_at_disk: Instant,
}

impl Running<'_> {
    fn pid(&self) -> i32 {
        Pid::from_child(&self.child).as_raw_nonzero().get()
    }

    /// Reads what the program writes on threads of their own.
    fn collect(&mut self) -> Receiver<Part> {
        let (sender, receiver) = mpsc::sync_channel(WAITING);
        if let Some(stdout) = self.child.stdout.take() {
            read(stdout, Stream::Stdout, sender.clone());
        }
        if let Some(stderr) = self.child.stderr.take() {
            read(stderr, Stream::Stderr, sender);
        }
        receiver
    }

    fn until_end(
        &mut self,
        receiver: &Receiver<Part>,
        deadline: Instant,
        output: &mut (dyn FnMut(Stream, &[u8]) + Send),
    ) -> io::Result<Why> {
        let mut next_look = Instant::now();
        let mut open = true;
        loop {
            let now = Instant::now();
            if now >= deadline {
                return Ok(Why::Time);
            }
            if now >= next_look {
                if let Some(why) = self.look(now) {
                    return Ok(why);
                }
                next_look = Instant::now() + LOOK;
            }
            if let Some(status) = self.child.try_wait()? {
                return Ok(Why::Ended(status));
            }
            let pause = next_look.saturating_duration_since(Instant::now());
            if !open {
                thread::sleep(pause.min(Duration::from_millis(5)));
                continue;
            }
            // Short at first, so that a program that ends at once is not waited for.
            match receiver.recv_timeout(pause.min(Duration::from_millis(10))) {
                Ok((stream, bytes)) => output(stream, &bytes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => open = false,
            }
        }
    }

    /// Looks whether more is used than may be.
    fn look(&mut self, now: Instant) -> Option<Why> {
        let Family { pids, memory } = processes::family(self.pid());
        let limits = &self.job.limits;
        let many = pids.len() as u64 > limits.processes;
        self.seen = pids;
        if many {
            return Some(Why::Processes);
        }
        if memory > limits.memory {
            return Some(Why::Memory);
        }
        if now < self.next_look_at_disk {
            return None;
        }
        let used = self.disk();
        let took = now.elapsed();
        self.next_look_at_disk = Instant::now() + LOOK_AT_DISK.max(took * SHARE);
        (used > limits.disk).then_some(Why::Disk)
    }

    /// The bytes on disk in writable folders.
    fn disk(&self) -> u64 {
        let files = self.job.writable().flat_map(WalkDir::new).flatten();
        let sizes = files.filter_map(|entry| entry.metadata().ok());
        sizes.map(|metadata| metadata.blocks() * BLOCK).sum()
    }

    /// Ends all that is left, and waits until it is gone.
    fn end_all(&mut self) {
        self.seen.extend(processes::family(self.pid()).pids);
        // The group holds bubblewrap; with it the first process inside ends, and with that one all others. All fail
        // only when there is nothing left to end.
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::KILL);
        drop(self.child.wait());
        let deadline = Instant::now() + ENDING;
        while let Some(mark) = &self.mark {
            let left = processes::marked(mark);
            if left.is_empty() || Instant::now() >= deadline {
                break;
            }
            for pid in left.iter().filter_map(|pid| Pid::from_raw(*pid)) {
                let _ = kill_process(pid, Signal::KILL);
            }
            processes::gone(&left, Duration::from_millis(100));
        }
        if !processes::gone(&self.seen, ENDING) {
            tracing::error!("processes of a build that was ended are still there");
        }
    }
}

fn read(mut from: impl Read + Send + 'static, stream: Stream, sender: SyncSender<Part>) {
    thread::spawn(move || {
        let mut chunk = vec![0; 16 * 1024];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    if sender.send((stream, chunk[..count].to_vec())).is_err() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    });
}

/// How a program ended. Bubblewrap, like a shell, tells a signal as an exit code above 128, of which there are 64.
fn told(status: ExitStatus) -> String {
    let told = status.code().filter(|code| (129..=192).contains(code));
    match (
        status.signal().or(told.map(|code| code - 128)),
        status.code(),
    ) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => status.to_string(),
    }
}
