//! Keeps the cache in bounds.

use super::cache::{FOLDER, remove, unwritable};
use super::{Sources, SourcesSettings};
use crate::edge::EdgeError;
use crate::edge::lock::Lock;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use walkdir::WalkDir;

/// After what time a folder of a fetch that was killed is removed: far longer than any fetch takes.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// What sweeping did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Repositories that were removed.
    pub removed: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of what is left.
    pub left: u64,
}

/// One repository of the cache.
struct Kept {
    folder: PathBuf,
    used: SystemTime,
    bytes: u64,
}

impl Sources {
    /// Removes the repositories that were not used for longest until the cache is within
    /// `limits.cache_bytes`. Those in use are left alone. What was removed is fetched again when it is wanted.
    ///
    /// # Errors
    /// The cache cannot be read or written.
    pub fn sweep(&self) -> Result<Swept, EdgeError> {
        sweep(&self.settings).map_err(unwritable)
    }
}

fn sweep(settings: &SourcesSettings) -> io::Result<Swept> {
    remove_abandoned(&settings.cache.join("run"))?;
    let mut kept = list(&settings.cache.join(FOLDER))?;
    kept.sort_by_key(|one| one.used);
    let mut swept = Swept {
        left: kept.iter().map(|one| one.bytes).sum(),
        ..Swept::default()
    };
    for one in kept {
        if swept.left <= settings.limits.cache_bytes {
            break;
        }
        let Some(lock) = Lock::attempt(&lock_of(&one.folder))? else {
            continue;
        };
        remove(&one.folder).map_err(io::Error::other)?;
        lock.remove()?;
        swept.removed += 1;
        swept.bytes += one.bytes;
        swept.left -= one.bytes;
    }
    Ok(swept)
}

/// The lock of a repository.
pub(super) fn lock_of(folder: &Path) -> PathBuf {
    folder.with_extension("lock")
}

/// The repositories there are, when each was used and how large it is.
fn list(caches: &Path) -> io::Result<Vec<Kept>> {
    let mut kept = Vec::new();
    for entry in entries(caches)? {
        let folder = entry.path();
        if !folder.is_dir() {
            continue;
        }
        let used = fs::metadata(lock_of(&folder)).and_then(|lock| lock.modified());
        kept.push(Kept {
            used: used.unwrap_or(SystemTime::UNIX_EPOCH),
            bytes: bytes_of(&folder),
            folder,
        });
    }
    Ok(kept)
}

/// The bytes of all files below; what vanishes meanwhile, since a fetch goes on, is not counted.
fn bytes_of(folder: &Path) -> u64 {
    let files = WalkDir::new(folder).into_iter().flatten();
    files
        .filter_map(|file| file.metadata().ok())
        .map(|file| file.len())
        .sum()
}

/// Removes what fetches left behind that were killed.
fn remove_abandoned(run: &Path) -> io::Result<()> {
    for entry in entries(run)? {
        let age = entry.metadata().and_then(|folder| folder.modified()).ok();
        let age = age.and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > ABANDONED) {
            remove(&entry.path()).map_err(io::Error::other)?;
        }
    }
    Ok(())
}

/// What a folder holds; nothing when it is not there.
fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
