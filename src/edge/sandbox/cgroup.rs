//! Limits held by the kernel, where this process may make control groups (cgroups(7)): of version 2 in a group that
//! was delegated to it, or of version 1 as root. Where it may not, there are none, and `supervise` is alone.

use super::Limits;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Where control groups are.
const ROOT: &str = "/sys/fs/cgroup";

/// How the groups' names begin; the number of the process that made them follows.
const NAME: &str = "spore-";

/// How often, and how long after each other, the removal of a group is tried whose last process is just ending.
const ATTEMPTS: (u32, Duration) = (200, Duration::from_millis(5));

/// Control groups of one program; removed with this.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// One for version 2, one for each controller for version 1.
    folders: Vec<PathBuf>,
}

impl Group {
    /// A group with these limits, or as much of it as this process may make.
    pub(super) fn make(limits: &Limits) -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let name = format!("{NAME}{}-{:x}", std::process::id(), fastrand::u64(..));
        let mut group = Self::default();
        for line in own.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
                continue;
            };
            let path = path.trim_start_matches('/');
            if controllers.is_empty() {
                let root = Path::new(ROOT);
                let own = [root.join("unified").join(path), root.join(path)];
                let own = own
                    .iter()
                    .find(|own| own.join("cgroup.controllers").is_file());
                if let Some(own) = own {
                    group.version_2(own, &name, limits);
                }
                continue;
            }
            for controller in controllers.split(',') {
                let own = Path::new(ROOT).join(controllers).join(path);
                group.version_1(controller, &own.join(&name), limits);
            }
        }
        group
    }

    /// A group below the process's own, or beside it: a group that has processes cannot limit groups below it, so a
    /// service's own processes are often kept in one beside.
    fn version_2(&mut self, own: &Path, name: &str, limits: &Limits) {
        let is_group = |folder: &&Path| folder.join("cgroup.controllers").is_file();
        let beside = own.parent().filter(is_group);
        for parent in [Some(own), beside].into_iter().flatten() {
            // It may be on already, or not ours to turn on; the files tell.
            drop(write(
                &parent.join("cgroup.subtree_control"),
                "+memory +pids",
            ));
            let folder = parent.join(name);
            clear(parent);
            if fs::create_dir(&folder).is_err() {
                continue;
            }
            let wanted = [
                ("memory.max", limits.memory),
                ("pids.max", limits.processes),
            ];
            let limited = wanted
                .iter()
                .try_for_each(|(file, limit)| limit_to(&folder, file, *limit));
            if limited.is_ok() {
                // Swap would let it use more than that, slowly.
                drop(limit_to(&folder, "memory.swap.max", 0));
                self.folders.push(folder);
                return;
            }
            drop(fs::remove_dir(folder));
        }
    }

    fn version_1(&mut self, controller: &str, folder: &Path, limits: &Limits) {
        let (file, limit) = match controller {
            "memory" => ("memory.limit_in_bytes", limits.memory),
            "pids" => ("pids.max", limits.processes),
            _ => return,
        };
        folder.parent().into_iter().for_each(clear);
        if fs::create_dir(folder).is_err() {
            return;
        }
        if limit_to(folder, file, limit).is_ok() {
            self.folders.push(folder.to_owned());
        } else {
            drop(fs::remove_dir(folder));
        }
    }

    /// The files to which a process writes its number in order to join.
    pub(super) fn doors(&self) -> impl Iterator<Item = PathBuf> {
        self.folders
            .iter()
            .map(|folder| folder.join("cgroup.procs"))
    }

    /// Whether the kernel ended a process because memory was used up.
    pub(super) fn was_out_of_memory(&self) -> bool {
        self.counted("memory.events", "oom_kill") || self.counted("memory.oom_control", "oom_kill")
    }

    /// Whether the kernel refused a process because there were too many.
    pub(super) fn was_full(&self) -> bool {
        self.counted("pids.events", "max")
    }

    fn counted(&self, file: &str, event: &str) -> bool {
        let count = |folder: &PathBuf| {
            let text = fs::read_to_string(folder.join(file)).ok()?;
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(event)?.strip_prefix(' '));
            line?.trim().parse::<u64>().ok()
        };
        self.folders.iter().filter_map(count).any(|count| count > 0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let (attempts, pause) = ATTEMPTS;
        for folder in &self.folders {
            for _ in 0..attempts {
                match fs::remove_dir(folder) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        thread::sleep(pause);
                    }
                    _ => break,
                }
            }
        }
    }
}

/// Removes the groups of processes that were killed before they could.
fn clear(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(NAME));
        let owner = rest.and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            // One that still has processes stays.
            drop(fs::remove_dir(entry.path()));
        }
    }
}

fn limit_to(folder: &Path, file: &str, limit: u64) -> io::Result<()> {
    write(&folder.join(file), &limit.to_string())
}

/// Writes to a file that is there. Where there is none, the folder is no group with this controller.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(text.as_bytes())
}
