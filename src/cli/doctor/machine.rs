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
        Ok(disk) => judged(&disk, there),
        Err(error) => {
            let message = format!("the disk of {} cannot be asked", there.display());
            Found::Broken(EdgeError::io(message, io::Error::from(error)))
        }
    }
}

fn judged(disk: &StatVfs, there: &Path) -> Found {
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let told = format!("{} free at {}", words::bytes(free), there.display());
    let scarce = |left: u64, all: u64| left < all / PART;
    // Some file systems have no bound on their number of files, and say 0.
    if free < ROOM && scarce(disk.f_bavail, disk.f_blocks) {
        let error = EdgeError::rejected(format!("the disk is nearly full: {told}"));
        Found::Doubtful(error.hint("without room messages fail; nothing that was accepted is lost"))
    } else if scarce(disk.f_favail, disk.f_files) {
        let left = words::count(usize::try_from(disk.f_favail).unwrap_or(usize::MAX), "file");
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
