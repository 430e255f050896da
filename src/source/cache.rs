//! The bare repository that keeps what was fetched of one place.
//!
//! A commit that is whole in it has the ref `refs/spore/COMMIT`: git makes it after all that the commit needs
//! has arrived. What a crash leaves behind is a lock file of git's, which is removed here since nobody else can
//! hold it, or a repository that git cannot read, which is thrown away and fetched again.

use super::Place;
use super::credential::Access;
use super::fault::{self, Fault};
use super::git::{Git, private_folders};
use super::history;
use super::sweep::lock_of;
use crate::edge::lock::Lock;
use crate::edge::process::ProcessError;
use crate::edge::secret::Secret;
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::model::CommitId;
use crate::release::Digest;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The folder of the caches, below that of all that this module keeps.
pub(super) const FOLDER: &str = "git";

/// All history, as git itself writes it for `fetch --depth` (`INFINITE_DEPTH`).
const ALL: &str = "2147483647";

/// A commit that is wanted, and how.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) commit: &'w CommitId,
    /// Commits of history; 0 for all.
    pub(super) depth: u32,
    pub(super) secret: Option<&'w Secret>,
}

/// Why work on a cache came to nothing.
pub(super) enum Failure {
    /// Git could not do what it can do in every cache that is whole.
    Damage(ProcessError),
    /// Something else.
    Other(EdgeError),
}

impl From<EdgeError> for Failure {
    fn from(error: EdgeError) -> Self {
        Self::Other(error)
    }
}

/// The cache of one place, which nobody else uses meanwhile.
#[derive(Debug)]
pub(super) struct Cache<'g> {
    git: &'g Git,
    place: &'g Place,
    format: &'static str,
    folder: PathBuf,
    _lock: Lock,
}

impl<'g> Cache<'g> {
    /// Opens the cache of a place for commits with names as long as this one, and waits for whoever uses it.
    pub(super) fn open(
        git: &'g Git,
        root: &Path,
        place: &'g Place,
        commit: &CommitId,
    ) -> Result<Self, EdgeError> {
        let caches = root.join(FOLDER);
        let format = format_of(commit);
        let folder = caches.join(place.key(format).to_string());
        let lock = private_folders(&caches)
            .and_then(|()| Lock::wait(&lock_of(&folder), git.deadline()))
            .map_err(unwritable)?;
        let Some(lock) = lock else {
            let kind = EdgeErrorKind::Transient { retry_after: None };
            let remote = &place.remote;
            let message =
                format!("another fetch of the repository {remote} does not come to an end");
            return Err(EdgeError::new(kind, message).at(place.path));
        };
        let cache = Self {
            git,
            place,
            format,
            folder,
            _lock: lock,
        };
        cache.prepare()?;
        Ok(cache)
    }

    /// Does something with a commit, fetching it first if it is not there. If the cache turns out to be
    /// damaged, it is made anew and the work is done again.
    pub(super) fn with<T>(
        &self,
        wanted: Wanted<'_>,
        work: impl Fn(&Path) -> Result<T, Failure>,
    ) -> Result<T, EdgeError> {
        let attempt = || {
            self.ensure(wanted)?;
            work(&self.folder)
        };
        let damaged = |error| fault::remote(self.place, error);
        let first = match attempt() {
            Ok(done) => return Ok(done),
            Err(Failure::Damage(error @ ProcessError::Failed { .. })) => error,
            Err(Failure::Damage(error)) => return Err(damaged(error)),
            Err(Failure::Other(error)) => return Err(error),
        };
        tracing::warn!(repository = %self.place.remote, error = %first, "the cache is damaged and made anew");
        remove(&self.folder).and_then(|()| self.prepare())?;
        attempt().map_err(|failure| match failure {
            Failure::Damage(error) => damaged(error),
            Failure::Other(error) => error,
        })
    }

    /// Makes the repository if there is none, and removes the locks of gits that are no more.
    fn prepare(&self) -> Result<(), EdgeError> {
        if self.folder.join("HEAD").exists() {
            return unlock(&self.folder).map_err(unwritable);
        }
        remove(&self.folder)?;
        let format = format!("--object-format={}", self.format);
        let run = self.git.within(
            &self.folder,
            ["init", "--quiet", "--bare", "--template=", &format],
        );
        run.end()
            .map(drop)
            .map_err(|error| fault::tool("making a cache", error))
    }

    /// Makes sure that a commit and so much of its history is there; asks the place only if it is not.
    fn ensure(&self, wanted: Wanted<'_>) -> Result<(), Failure> {
        if !self.has(wanted) {
            self.fetch(wanted)?;
        }
        let kind = self.kind(wanted.commit).map_err(Failure::Damage)?;
        if kind == "commit" {
            return Ok(());
        }
        let (commit, remote) = (wanted.commit, &self.place.remote);
        let message = format!("{commit} is a {kind} of the repository {remote}, not a commit");
        Err(EdgeError::rejected(message).at("repo.revision").into())
    }

    fn has(&self, wanted: Wanted<'_>) -> bool {
        let Wanted { commit, depth, .. } = wanted;
        self.kind(commit).is_ok() && history::reaches(self.git, &self.folder, commit, depth)
    }

    /// What sort of object a name that was fetched is of.
    fn kind(&self, commit: &CommitId) -> Result<String, ProcessError> {
        let run = self
            .git
            .within(&self.folder, ["cat-file", "-t", &reference(commit)]);
        let output = run.end()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn fetch(&self, wanted: Wanted<'_>) -> Result<(), Failure> {
        let access = Access::open(self.git, self.place, wanted.secret)?;
        let run = self.git.within(&self.folder, self.fetch_args(wanted));
        match run.remote(access.as_ref()).end() {
            Ok(_) => Ok(()),
            Err(error) if Fault::of(&error) == Fault::Unknown && !self.is_whole() => {
                Err(Failure::Damage(error))
            }
            Err(error) => Err(fault::remote(self.place, error).into()),
        }
    }

    /// Whether all that the refs need is there and can be read.
    fn is_whole(&self) -> bool {
        let args = [
            "fsck",
            "--connectivity-only",
            "--no-dangling",
            "--no-progress",
        ];
        self.git.within(&self.folder, args).end().is_ok()
    }

    fn fetch_args(&self, wanted: Wanted<'_>) -> Vec<String> {
        let shallow = self.folder.join("shallow").exists();
        let depth = match wanted.depth {
            // What is whole stays whole.
            0 if !shallow => None,
            0 => Some(format!("--depth={ALL}")),
            depth => Some(format!("--depth={depth}")),
        };
        let fixed = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
        ];
        let (from, to) = (lower(wanted.commit), reference(wanted.commit));
        let places = [
            "--end-of-options".into(),
            self.place.remote.to_string(),
            format!("{from}:{to}"),
        ];
        fixed
            .into_iter()
            .map(str::to_owned)
            .chain(depth)
            .chain(places)
            .collect()
    }
}

/// The way in which a repository with such a commit names its objects: one way for all.
fn format_of(commit: &CommitId) -> &'static str {
    if commit.as_str().len() == 64 {
        "sha256"
    } else {
        "sha1"
    }
}

impl Place {
    /// What names the cache of this place. The credential's name is part of it, so that what was fetched by
    /// one is not open to a message that does not name it.
    fn key(&self, format: &str) -> Digest {
        let credential = match &self.credential {
            Some(name) => format!("by {name}"),
            None => "open".to_owned(),
        };
        Digest::of(format!("{format} {credential} {}", self.remote).as_bytes())
    }
}

/// The ref that says a commit is whole.
pub(super) fn reference(commit: &CommitId) -> String {
    format!("refs/spore/{}", lower(commit))
}

/// A commit as git writes it.
pub(super) fn lower(commit: &CommitId) -> String {
    commit.as_str().to_ascii_lowercase()
}

/// Removes the lock files and half-written packs of a git that was ended in the middle.
fn unlock(folder: &Path) -> io::Result<()> {
    let refs = WalkDir::new(folder.join("refs")).into_iter();
    let rest = [folder.to_owned(), folder.join("objects/pack")];
    let rest = rest
        .into_iter()
        .flat_map(|folder| WalkDir::new(folder).max_depth(1));
    // Of what is not there git will complain.
    for entry in refs.chain(rest).flatten() {
        let name = entry.file_name().to_string_lossy();
        if entry.file_type().is_file() && (name.ends_with(".lock") || name.starts_with("tmp_")) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes a folder that may be there.
pub(super) fn remove(folder: &Path) -> Result<(), EdgeError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(error)),
        _ => Ok(()),
    }
}

pub(super) fn unwritable(error: io::Error) -> EdgeError {
    EdgeError::io("the cache of sources cannot be written", error)
}
