//! What builds left: artifacts by their digest, which build made which, and installed dependencies.
//!
//! ```text
//! keys/KEY.json            what the build of this key yielded: the artifact and all its files' digests
//! artifacts/DIGEST/...     the files, read-only
//! dependencies/KEY/tree/   installed dependencies; `bytes` beside it tells their size
//! locks/                   who builds or uses what just now; their times tell when something was last used
//! work/                    folders of builds that are running
//! ```
//!
//! A hit is one file read. Everything is made elsewhere and moved into place, so that what is there is whole.

use super::prebuilt::Listing;
use crate::artifact::{Artifact, ArtifactFile, Body, Names, PagesHash};
use crate::edge::EdgeError;
use crate::edge::lock::Lock;
use crate::release::Digest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use tempfile::{NamedTempFile, TempDir};
use walkdir::WalkDir;

/// How long the right to use something is waited for that is being removed just now.
const BRIEFLY: Duration = Duration::from_secs(10);

/// The folder of what builds left.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// What a build yielded.
#[derive(Debug, Deserialize, Serialize)]
struct Entry {
    /// The artifact's digest.
    artifact: Digest,
    /// Lengths and digests by path.
    files: BTreeMap<String, (u64, Digest, Option<PagesHash>)>,
}

/// A folder for a build, removed with it.
#[derive(Debug)]
pub(super) struct WorkFolder {
    folder: TempDir,
    _lock: Lock,
}

/// Installed dependencies, there as long as this is.
#[derive(Debug)]
pub(super) struct Dependencies {
    /// The folder, with `node_modules` where the project has them.
    pub(super) tree: PathBuf,
    _lock: Lock,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Swept {
    /// Artifacts and dependencies that were removed.
    pub(super) removed: u64,
    /// Bytes that are still there.
    pub(super) left: u64,
}

/// Something that could be removed.
struct Candidate {
    folder: PathBuf,
    lock: PathBuf,
    used: SystemTime,
    bytes: u64,
}

impl Cache {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The artifact that a build of this key yielded.
    pub(super) fn find(&self, key: &Digest) -> Option<Artifact> {
        let text = fs::read(self.entry(key)).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        let digest = entry.artifact;
        let lock = self.share("artifact", &digest).ok()?;
        let folder = self.artifact(&digest);
        if !folder.is_dir() {
            return None;
        }
        let file = |(path, (size, digest, pages))| {
            (
                path,
                ArtifactFile {
                    size,
                    digest,
                    pages,
                },
            )
        };
        let files = entry.files.into_iter().map(file).collect();
        let artifact = Artifact::new(files, Body::Directory(folder));
        (artifact.digest() == digest).then(|| artifact.keeping(lock))
    }

    /// Keeps what a build left, read-only and without anything that is not published.
    ///
    /// # Errors
    /// The files cannot be read or kept.
    pub(super) fn keep(
        &self,
        key: &Digest,
        made: &Listing,
        names: Names,
    ) -> Result<Artifact, EdgeError> {
        let made = made.digest(names)?;
        let Body::Directory(from) = made.body() else {
            return Ok(made);
        };
        let digest = made.digest();
        let lock = self.share("artifact", &digest)?;
        let folder = self.artifact(&digest);
        let failed = |error| unkept(&self.folder, error);
        if !folder.is_dir() {
            fs::create_dir_all(self.folder.join("artifacts")).map_err(failed)?;
            let work = self.work()?;
            let new = work.path().join("artifact");
            copy(from, made.files().keys(), &new).map_err(failed)?;
            sync(&new).map_err(failed)?;
            rename(&new, &folder).map_err(failed)?;
        }
        self.note(key, &made).map_err(failed)?;
        let artifact = Artifact::new(made.files().clone(), Body::Directory(folder));
        Ok(artifact.keeping(lock))
    }

    fn note(&self, key: &Digest, made: &Artifact) -> io::Result<()> {
        let line = |(path, file): (&String, &ArtifactFile)| {
            (path.clone(), (file.size, file.digest, file.pages))
        };
        let entry = Entry {
            artifact: made.digest(),
            files: made.files().iter().map(line).collect(),
        };
        let (path, text) = (self.entry(key), serde_json::to_vec(&entry)?);
        // A build that made the same again has nothing to wait for the disk for.
        if fs::read(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        let folder = self.folder.join("keys");
        fs::create_dir_all(&folder)?;
        let mut file = NamedTempFile::new_in(&folder)?;
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    }

    /// An empty folder on the cache's file system.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn work(&self) -> Result<WorkFolder, EdgeError> {
        let parent = self.folder.join("work");
        let failed = |error| unkept(&self.folder, error);
        fs::create_dir_all(&parent).map_err(failed)?;
        let folder = TempDir::new_in(&parent).map_err(failed)?;
        let lock = Lock::attempt(&folder.path().join("lock")).map_err(failed)?;
        let lock = lock.ok_or_else(|| failed(io::ErrorKind::WouldBlock.into()))?;
        Ok(WorkFolder {
            folder,
            _lock: lock,
        })
    }

    /// Waits until nobody else builds what has this key.
    ///
    /// # Errors
    /// It took longer than that.
    pub(super) fn building(&self, key: &Digest, longest: Duration) -> Result<Lock, EdgeError> {
        let path = self.lock("build", key)?;
        let lock = Lock::wait(&path, Instant::now() + longest);
        lock.map_err(|error| unkept(&self.folder, error))?
            .ok_or_else(|| EdgeError::rejected("another build of the same source did not end"))
    }

    /// Installed dependencies, if they are there.
    pub(super) fn dependencies(&self, key: &Digest) -> Result<Option<Dependencies>, EdgeError> {
        let lock = self.share("dependencies", key)?;
        let tree = self.dependencies_folder(key).join("tree");
        Ok(tree.is_dir().then_some(Dependencies { tree, _lock: lock }))
    }

    /// Keeps dependencies that were installed in this folder, which is moved.
    ///
    /// # Errors
    /// They cannot be moved.
    pub(super) fn keep_dependencies(
        &self,
        key: &Digest,
        installed: &Path,
    ) -> Result<Dependencies, EdgeError> {
        let failed = |error| unkept(&self.folder, error);
        let lock = self.share("dependencies", key)?;
        let folder = self.dependencies_folder(key);
        let work = self.work()?;
        let new = work.path().join("dependencies");
        fs::create_dir(&new).map_err(failed)?;
        fs::rename(installed, new.join("tree")).map_err(failed)?;
        fs::write(new.join("bytes"), size(&new).to_string()).map_err(failed)?;
        fs::create_dir_all(self.folder.join("dependencies")).map_err(failed)?;
        rename(&new, &folder).map_err(failed)?;
        let tree = folder.join("tree");
        Ok(Dependencies { tree, _lock: lock })
    }

    /// Removes what is needed least: first what killed builds left, then, until no more than `most` bytes are left,
    /// what no site needs and was used longest ago. What is in use stays.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub(super) fn sweep(&self, needed: &BTreeSet<Digest>, most: u64) -> Result<Swept, EdgeError> {
        self.try_sweep(needed, most)
            .map_err(|error| unkept(&self.folder, error))
    }

    fn try_sweep(&self, needed: &BTreeSet<Digest>, most: u64) -> io::Result<Swept> {
        for folder in folders(&self.folder.join("work"))? {
            if let Some(lock) = Lock::attempt(&folder.join("lock"))? {
                remove(&folder)?;
                drop(lock);
            }
        }
        let mut candidates = self.candidates(needed)?;
        candidates.sort_by_key(|candidate| candidate.used);
        let mut swept = Swept {
            removed: 0,
            left: candidates.iter().map(|candidate| candidate.bytes).sum(),
        };
        for candidate in candidates {
            if swept.left <= most {
                break;
            }
            let Some(lock) = Lock::attempt(&candidate.lock)? else {
                continue;
            };
            remove(&candidate.folder)?;
            lock.remove()?;
            swept.removed += 1;
            swept.left -= candidate.bytes;
        }
        self.forget_keys()?;
        Ok(swept)
    }

    /// What no site needs.
    fn candidates(&self, needed: &BTreeSet<Digest>) -> io::Result<Vec<Candidate>> {
        let mut found = Vec::new();
        for kind in ["artifact", "dependencies"] {
            let folder = match kind {
                "artifact" => "artifacts",
                other => other,
            };
            for folder in folders(&self.folder.join(folder))? {
                let name = folder.file_name().unwrap_or_default().to_string_lossy();
                let needs = |digest| needed.contains(&digest);
                if kind == "artifact" && Digest::from_hex(&name).is_some_and(needs) {
                    continue;
                }
                let lock = self.folder.join("locks").join(format!("{kind}-{name}"));
                let told = fs::read_to_string(folder.join("bytes"));
                let told = told.ok().and_then(|text| text.parse().ok());
                let used = fs::metadata(&lock).and_then(|lock| lock.modified());
                found.push(Candidate {
                    bytes: told.unwrap_or_else(|| size(&folder)),
                    used: used.unwrap_or(SystemTime::UNIX_EPOCH),
                    folder,
                    lock,
                });
            }
        }
        Ok(found)
    }

    /// Removes the entries whose artifact is gone.
    fn forget_keys(&self) -> io::Result<()> {
        #[derive(Deserialize)]
        struct Of {
            artifact: Digest,
        }
        let Some(entries) = there(fs::read_dir(self.folder.join("keys")))? else {
            return Ok(());
        };
        for entry in entries {
            let path = entry?.path();
            let Some(text) = there(fs::read(&path))? else {
                continue;
            };
            let of = serde_json::from_slice::<Of>(&text);
            let there = of.is_ok_and(|of| self.artifact(&of.artifact).is_dir());
            if !there {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn entry(&self, key: &Digest) -> PathBuf {
        self.folder.join("keys").join(format!("{key}.json"))
    }

    fn artifact(&self, digest: &Digest) -> PathBuf {
        self.folder.join("artifacts").join(digest.to_string())
    }

    fn dependencies_folder(&self, key: &Digest) -> PathBuf {
        self.folder.join("dependencies").join(key.to_string())
    }

    fn lock(&self, kind: &str, of: &Digest) -> Result<PathBuf, EdgeError> {
        let folder = self.folder.join("locks");
        fs::create_dir_all(&folder).map_err(|error| unkept(&self.folder, error))?;
        Ok(folder.join(format!("{kind}-{of}")))
    }

    /// The right to use something until it is dropped.
    fn share(&self, kind: &str, of: &Digest) -> Result<Lock, EdgeError> {
        let path = self.lock(kind, of)?;
        let deadline = Instant::now() + BRIEFLY;
        loop {
            match Lock::share(&path).map_err(|error| unkept(&self.folder, error))? {
                Some(lock) => return Ok(lock),
                None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
                None => return Err(unkept(&self.folder, io::ErrorKind::WouldBlock.into())),
            }
        }
    }
}

impl WorkFolder {
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // What cannot be removed is found by the next sweep.
        drop(remove(self.folder.path()));
    }
}

fn unkept(folder: &Path, error: io::Error) -> EdgeError {
    EdgeError::io(
        format!("the folder of builds {} cannot be used", folder.display()),
        error,
    )
}

/// The answer, unless the file is not there.
fn there<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The folders in a folder that may be missing.
fn folders(of: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(entries) = there(fs::read_dir(of))? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Moves a folder into place; one that is there already is as good, as it has the same name.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(_) if to.is_dir() => Ok(()),
        other => other,
    }
}

/// Makes a folder of these files, none of them a link, all read-only.
fn copy<'p>(from: &Path, paths: impl Iterator<Item = &'p String>, into: &Path) -> io::Result<()> {
    fs::create_dir(into)?;
    for path in paths {
        let (source, target) = (from.join(path).canonicalize()?, into.join(path));
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        // The build's own file is as good as a copy: nothing is left that could write to it.
        if fs::hard_link(&source, &target).is_err() {
            fs::copy(&source, &target)?;
        }
        fs::set_permissions(&target, Permissions::from_mode(0o444))?;
    }
    Ok(())
}

/// Brings a folder to the disk.
fn sync(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(&folder)?;
    #[cfg(not(target_os = "linux"))]
    folder.sync_all()?;
    Ok(())
}

/// Removes a folder, also one whose folders were made read-only.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            for entry in WalkDir::new(folder).into_iter().flatten() {
                if entry.file_type().is_dir() {
                    fs::set_permissions(entry.path(), Permissions::from_mode(0o700))?;
                }
            }
            fs::remove_dir_all(folder)
        }
        other => other,
    }
}

/// The bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: BTreeSet<Digest> = BTreeSet::new();

    fn key(number: u8) -> Digest {
        Digest::from([number; 32])
    }

    /// A cache, and what it kept of a site with this text under this key.
    fn kept(cache: &Cache, number: u8, text: &str) -> Artifact {
        let site = tempfile::tempdir().unwrap();
        fs::write(site.path().join("index.html"), text).unwrap();
        fs::create_dir(site.path().join("a")).unwrap();
        std::os::unix::fs::symlink("../index.html", site.path().join("a/link.html")).unwrap();
        let listing = Listing::below(site.path().canonicalize().unwrap(), &[]).unwrap();
        let names = Names { pages: true };
        cache.keep(&key(number), &listing, names).unwrap()
    }

    fn folder(artifact: &Artifact) -> PathBuf {
        match artifact.body() {
            Body::Directory(folder) => folder.clone(),
            Body::Memory(_) => panic!("it is not in memory"),
        }
    }

    #[test]
    fn what_was_kept_is_found_by_its_key_with_all_its_names() {
        let place = tempfile::tempdir().unwrap();
        let cache = Cache::new(place.path().to_owned());
        let made = kept(&cache, 1, "one");
        let found = cache.find(&key(1)).unwrap();
        assert_eq!(
            (found.digest(), found.files()),
            (made.digest(), made.files())
        );
        assert!(found.files().values().all(|file| file.pages.is_some()));
        let link = folder(&found).join("a/link.html");
        assert!(fs::symlink_metadata(&link).unwrap().is_file(), "a copy");
        assert_eq!(
            fs::metadata(link).unwrap().permissions().mode() & 0o777,
            0o444
        );
        assert!(cache.find(&key(2)).is_none());
        // Another build that made the same keeps no second copy.
        assert_eq!(folder(&kept(&cache, 2, "one")), folder(&made));
    }

    #[test]
    fn an_entry_that_is_damaged_is_none() {
        let place = tempfile::tempdir().unwrap();
        let cache = Cache::new(place.path().to_owned());
        drop(kept(&cache, 1, "one"));
        let path = cache.entry(&key(1));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("index.html", "other.html")).unwrap();
        assert!(cache.find(&key(1)).is_none());
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert!(cache.find(&key(1)).is_none());
    }

    #[test]
    fn what_is_needed_or_in_use_stays_and_the_oldest_goes_first() {
        let place = tempfile::tempdir().unwrap();
        let cache = Cache::new(place.path().to_owned());
        let needed: BTreeSet<Digest> = [kept(&cache, 1, "needed").digest()].into();
        drop(kept(&cache, 2, "oldest"));
        std::thread::sleep(Duration::from_millis(20));
        drop(kept(&cache, 3, "newest"));
        let used = kept(&cache, 4, "used");
        let installed = cache.work().unwrap();
        fs::create_dir_all(installed.path().join("new/node_modules")).unwrap();
        let dependencies = cache.keep_dependencies(&key(5), &installed.path().join("new"));
        assert!(dependencies.unwrap().tree.join("node_modules").is_dir());
        let all = cache.sweep(&needed, 1000).unwrap();
        assert_eq!(all.removed, 0);
        // Each site is its text twice: the page and the copy of the link to it.
        let swept = cache.sweep(&needed, all.left - 1).unwrap();
        assert_eq!((swept.removed, swept.left), (1, all.left - 12));
        assert!(cache.find(&key(2)).is_none());
        assert!(cache.find(&key(3)).is_some());
        cache.sweep(&needed, 0).unwrap();
        let there = |number| cache.find(&key(number)).is_some();
        assert_eq!([1, 3, 4].map(there), [true, false, true]);
        assert!(cache.dependencies(&key(5)).unwrap().is_none());
        drop(used);
        cache.sweep(&NONE, 0).unwrap();
        assert_eq!([1, 4].map(there), [false, false]);
    }

    #[test]
    fn folders_of_killed_builds_are_removed_and_those_of_running_ones_stay() {
        let place = tempfile::tempdir().unwrap();
        let cache = Cache::new(place.path().to_owned());
        let running = cache.work().unwrap();
        let left = place.path().join("work/left/deep");
        fs::create_dir_all(&left).unwrap();
        fs::set_permissions(left.parent().unwrap(), Permissions::from_mode(0o555)).unwrap();
        cache.sweep(&NONE, 0).unwrap();
        assert!(running.path().is_dir());
        assert!(!left.parent().unwrap().exists());
    }
}
