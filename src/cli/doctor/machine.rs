//! This machine: the state directory and its room, the running daemon, the folders that sources lie in.

use super::{Check, Found};
use crate::cli::control;
use crate::edge::EdgeError;
use crate::settings::Settings;
use crate::store::Store;
use crate::words;
use rustix::fs::{StatVfs, statvfs};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Bytes of room below which a disk is said to be nearly full: what one larger site takes.
const ROOM: u64 = 1_000_000_000;

/// The part of a disk's files or bytes below which it is said to be nearly full.
const PART: u64 = 20;

/// The permission bits by which others than the owner may write.
const WRITABLE: u32 = 0o022;

/// Looks at all of it.
pub(super) fn checks(settings: &Settings) -> Vec<Check> {
    let mut checks = vec![
        Check::new("state", state(settings)),
        Check::new("room", room(&settings.state_dir)),
        Check::new("daemon", daemon(settings)),
    ];
    for root in &settings.builds.roots {
        checks.push(Check::new(
            &format!("sources {}", root.display()),
            listed(root),
        ));
    }
    checks
}

/// The state directory.
fn state(settings: &Settings) -> Found {
    let path = &settings.state_dir;
    let folder = path.display();
    let store = match Store::open_readonly(path) {
        Ok(store) => store,
        Err(error) => {
            let message = format!("the state directory {folder} cannot be read");
            return Found::Broken(EdgeError::rejected(message).source(error));
        }
    };
    let mode = fs::metadata(path).map(|it| it.permissions().mode());
    if mode.is_ok_and(|mode| mode & WRITABLE != 0) {
        let message = format!("others may write into {folder}");
        let hint = format!("chmod go-w {folder}");
        return Found::Doubtful(EdgeError::rejected(message).hint(hint));
    }
    let sites = words::count(store.sites().len(), "site");
    Found::Good(format!("{folder}: {sites}"))
}

/// The room on the disk of the state directory.
fn room(state_dir: &Path) -> Found {
    // It is made by the first run.
    let there = state_dir.ancestors().find(|path| path.exists());
    let there = there.unwrap_or(state_dir);
    match statvfs(there) {
        Ok(disk) => judged(&Left::of(&disk), there),
        Err(error) => {
            let message = format!("the disk of {} cannot be asked", there.display());
            Found::Broken(EdgeError::io(message, io::Error::from(error)))
        }
    }
}

/// What is left of a disk, and what there is in all.
struct Left {
    bytes: (u64, u64),
    files: (u64, u64),
}

impl Left {
    fn of(disk: &StatVfs) -> Self {
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Self {
            bytes: (bytes(disk.f_bavail), bytes(disk.f_blocks)),
            files: (disk.f_favail, disk.f_files),
        }
    }
}

fn judged(disk: &Left, there: &Path) -> Found {
    let told = format!("{} free at {}", words::bytes(disk.bytes.0), there.display());
    // Some file systems have no bound on their number of files, and say 0.
    let scarce = |(left, all): (u64, u64)| left < all / PART;
    if disk.bytes.0 < ROOM && scarce(disk.bytes) {
        let error = EdgeError::rejected(format!("the disk is nearly full: {told}"));
        Found::Doubtful(error.hint("without room messages fail; nothing that was accepted is lost"))
    } else if scarce(disk.files) {
        let left = usize::try_from(disk.files.0).unwrap_or(usize::MAX);
        let left = words::count(left, "file");
        let message = format!("the disk has room for {left} more only");
        Found::Doubtful(EdgeError::rejected(message))
    } else {
        Found::Good(told)
    }
}

/// The daemon of this state directory.
fn daemon(settings: &Settings) -> Found {
    let ours = env!("CARGO_PKG_VERSION");
    match control::ask(settings, async |daemon| daemon.status(None).await) {
        Ok(None) => Found::Good("none is running".into()),
        Ok(Some(daemon)) => {
            let told = format!("version {} answers, process {}", daemon.version, daemon.pid);
            if daemon.version == ours {
                Found::Good(told)
            } else {
                let error = EdgeError::rejected(format!("{told}; this command is version {ours}"));
                Found::Doubtful(error.hint("restart the daemon"))
            }
        }
        Err(failure) => {
            let message = format!("it cannot be asked: {}", words::chain(&failure));
            Found::Doubtful(EdgeError::rejected(message))
        }
    }
}

/// A folder below which sources may lie.
fn listed(root: &Path) -> Found {
    match fs::read_dir(root) {
        Ok(_) => Found::Good("can be read".into()),
        Err(error) => {
            let error = EdgeError::rejected("cannot be read").source(error);
            Found::Broken(error.hint("messages may name directories below it: see sources.roots"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_nearly_full_by_its_bytes_or_its_files() {
        let told = |bytes, files| match judged(&Left { bytes, files }, Path::new("/state")) {
            Found::Good(told) => told,
            Found::Doubtful(error) => error.full(),
            Found::Lacking(_) | Found::Broken(_) => panic!("the disk is there"),
        };
        let (gb, some) = (1_000_000_000, (900, 1000));
        assert_eq!(told((50 * gb, 100 * gb), some), "50.0 GB free at /state");
        // A small part of a large disk is enough, and so is much of a small one.
        assert_eq!(told((2 * gb, 100 * gb), some), "2.0 GB free at /state");
        assert_eq!(told((gb / 2, gb), some), "500.0 MB free at /state");
        assert_eq!(
            told((gb / 2, 100 * gb), some),
            "the disk is nearly full: 500.0 MB free at /state"
        );
        assert_eq!(
            told((50 * gb, 100 * gb), (3, 1000)),
            "the disk has room for 3 files more only"
        );
        assert_eq!(told((50 * gb, 100 * gb), (0, 0)), "50.0 GB free at /state");
    }
}
