//! Writes a commit out: its files by git, its submodules one by one, its links last and by us.

use super::cache::{Cache, Failure, Wanted, lower, reference};
use super::git::Git;
use super::links::Links;
use super::submodules::{self, Module};
use super::tree::{self, Entry, Kind};
use super::{Checkout, Place, SourcesSettings, lfs};
use crate::edge::EdgeError;
use crate::edge::process::ProcessError;
use crate::model::{CommitId, Repo};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// How deep submodules may lie within submodules.
const DEPTH_MAX: u32 = 8;

/// A checkout that is being written.
struct Writer<'w> {
    git: &'w Git,
    settings: &'w SourcesSettings,
    repo: &'w Repo,
    /// The repository of the message.
    place: &'w Place,
    root: &'w Path,
    links: Links,
    files: u64,
    bytes: u64,
    submodules: u32,
}

/// One repository of a checkout and where it goes.
struct Part<'p> {
    place: &'p Place,
    wanted: Wanted<'p>,
    /// From the root of the checkout; empty for the repository of the message.
    at: PathBuf,
    /// How many submodules it lies within.
    depth: u32,
}

/// What came of a part.
struct Written {
    entries: Vec<Entry>,
    modules: Vec<Module>,
    repository: PathBuf,
    committed: i64,
}

/// Writes a commit to a folder that does not exist yet.
pub(super) fn check_out(
    git: &Git,
    settings: &SourcesSettings,
    repo: &Repo,
    place: &Place,
    wanted: Wanted<'_>,
    into: &Path,
) -> Result<Checkout, EdgeError> {
    fs::create_dir(into).map_err(|error| unwritten(into, error))?;
    let writer = Writer {
        git,
        settings,
        repo,
        place,
        root: into,
        links: Links::default(),
        files: 0,
        bytes: 0,
        submodules: 0,
    };
    let done = writer.whole(wanted);
    if done.is_err() {
        // What cannot be removed now is found by whoever uses the folder next.
        drop(fs::remove_dir_all(into));
    }
    done
}

impl Writer<'_> {
    fn whole(mut self, wanted: Wanted<'_>) -> Result<Checkout, EdgeError> {
        let part = Part {
            place: self.place,
            wanted,
            at: PathBuf::new(),
            depth: 0,
        };
        let written = self.part(&part)?;
        self.links
            .check()
            .map_err(|error| EdgeError::rejected(error.to_string()).at(self.place.path))?;
        for (path, target) in self.links.iter() {
            let path = self.root.join(path);
            replace_by_link(&path, target).map_err(|error| unwritten(&path, error))?;
        }
        Ok(Checkout {
            root: self.root.to_owned(),
            site: self.site()?,
            commit: wanted.commit.clone(),
            committed: written.committed,
            repository: written.repository,
            files: self.files,
            bytes: self.bytes,
        })
    }

    /// The part of the tree that is the website.
    fn site(&self) -> Result<PathBuf, EdgeError> {
        let Some(below) = &self.repo.subdirectory else {
            return Ok(self.root.to_owned());
        };
        let site = self.root.join(below.as_str());
        if site.is_dir() {
            return Ok(site);
        }
        let remote = &self.place.remote;
        let message = format!("the repository {remote} has no directory {below}");
        Err(EdgeError::rejected(message).at("repo.subdirectory"))
    }

    /// Writes a repository's tree, then the submodules within it.
    fn part(&mut self, part: &Part<'_>) -> Result<Written, EdgeError> {
        let cache = Cache::open(
            self.git,
            &self.settings.cache,
            part.place,
            part.wanted.commit,
        )?;
        let written = cache.with(part.wanted, |repository| self.files(part, repository))?;
        // Others may use the cache while the submodules are fetched, or it may be that of one of them.
        drop(cache);
        for entry in &written.entries {
            self.files += u64::from(!matches!(entry.kind, Kind::Submodule(_)));
            self.bytes = self.bytes.saturating_add(entry.size);
        }
        self.note_links(part, &written.entries)?;
        for module in &written.modules {
            self.submodule(part, module)?;
        }
        Ok(written)
    }

    /// Writes all that is no submodule; links as files that hold their targets.
    fn files(&self, part: &Part<'_>, repository: &Path) -> Result<Written, Failure> {
        let commit = part.wanted.commit;
        let folder = self.root.join(&part.at);
        empty(&folder).map_err(|error| unwritten(&folder, error))?;
        let mut entries = self.entries(part, repository)?;
        let modules = if self.repo.submodules {
            submodules::read(self.git, repository, part.place, &entries)?
        } else {
            Vec::new()
        };
        self.unpack(repository, commit, &folder)
            .map_err(Failure::Damage)?;
        if self.repo.lfs {
            let job = lfs::Job {
                git: self.git,
                repository,
                place: part.place,
                wanted: part.wanted,
                folder: &folder,
                bytes_left: self.bytes_left(),
            };
            job.fill(&mut entries)?;
        }
        let committed = committed(self.git, repository, commit).map_err(Failure::Damage)?;
        Ok(Written {
            entries,
            modules,
            repository: repository.to_owned(),
            committed,
        })
    }

    /// The tree's paths, all of them fit to be written.
    fn entries(&self, part: &Part<'_>, repository: &Path) -> Result<Vec<Entry>, Failure> {
        let name = reference(part.wanted.commit);
        let args = ["ls-tree", "-r", "-z", "--long", "--full-tree", &name];
        let output = self
            .git
            .within(repository, args)
            .end()
            .map_err(Failure::Damage)?;
        let files_left = self.settings.limits.files.saturating_sub(self.files);
        let entries = tree::read(&output.stdout, files_left, self.bytes_left());
        entries.map_err(|error| {
            let message = format!("the repository {} cannot be written out", part.place.remote);
            Failure::Other(
                EdgeError::rejected(message)
                    .at(self.place.path)
                    .source(error),
            )
        })
    }

    fn bytes_left(&self) -> u64 {
        self.settings
            .limits
            .checkout_bytes
            .saturating_sub(self.bytes)
    }

    fn unpack(
        &self,
        repository: &Path,
        commit: &CommitId,
        folder: &Path,
    ) -> Result<(), ProcessError> {
        let index = self.git.private().join("index");
        let run = |args: &[&str]| {
            let run = self.git.within(repository, args.iter().copied());
            let run = run
                .env("GIT_INDEX_FILE", &index)
                .env("GIT_WORK_TREE", folder);
            run.end().map(drop)
        };
        run(&["read-tree", "--reset", &lower(commit)])?;
        run(&["checkout-index", "--all", "--quiet"])
    }

    /// Remembers the links of a part by what git wrote in their stead.
    fn note_links(&mut self, part: &Part<'_>, entries: &[Entry]) -> Result<(), EdgeError> {
        for entry in entries.iter().filter(|entry| entry.kind == Kind::Link) {
            let path = part.at.join(entry.path());
            let lies = self.root.join(&path);
            let target = fs::read(&lies).map_err(|error| unwritten(&lies, error))?;
            self.links.add(path, OsString::from_vec(target).into());
        }
        Ok(())
    }

    fn submodule(&mut self, part: &Part<'_>, module: &Module) -> Result<(), EdgeError> {
        self.submodules += 1;
        if self.submodules > self.settings.limits.submodules || part.depth >= DEPTH_MAX {
            let message = format!(
                "the repository {} has too many submodules",
                self.place.remote
            );
            return Err(EdgeError::rejected(message).at("repo.submodules"));
        }
        let same = module.remote.origin() == self.place.remote.origin();
        let place = Place {
            remote: module.remote.clone(),
            credential: self.place.credential.clone().filter(|_| same),
            user: self.place.user,
            path: "repo.submodules",
        };
        let place = place.allowed(self.settings.protocols)?;
        let inner = Part {
            place: &place,
            wanted: Wanted {
                commit: &module.commit,
                depth: 1,
                secret: part.wanted.secret.filter(|_| same),
            },
            at: part.at.join(&module.path),
            depth: part.depth + 1,
        };
        self.part(&inner).map(drop)
    }
}

/// When a commit was made, in seconds since 1970.
fn committed(git: &Git, repository: &Path, commit: &CommitId) -> Result<i64, ProcessError> {
    let name = lower(commit);
    let output = git
        .within(repository, ["show", "--no-patch", "--format=%ct", &name])
        .end()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // A commit whose time is nonsense has none.
    Ok(text.trim().parse().unwrap_or(0))
}

/// Makes a folder empty, be it there or not.
fn empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(folder)
}

fn replace_by_link(path: &Path, target: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    symlink(target, path)
}

pub(super) fn unwritten(path: &Path, error: io::Error) -> EdgeError {
    EdgeError::io(format!("{} cannot be written", path.display()), error)
}
