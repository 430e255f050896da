//! Where the source of a build is, and how it gets to the folder that it is built in.

use super::prebuilt::{Listing, Stats};
use crate::artifact::Names;
use crate::desired::{Directory, SourceBuild};
use crate::edge::EdgeError;
use crate::edge::secret::{Credentials, Secret};
use crate::model::{RelativePath, Repo, RepoPlace};
use crate::release::Digest;
use crate::source::{Commit, Sources, SourcesSettings};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// What fetches repositories. Git is looked for when it is first needed.
pub(super) struct Fetching {
    settings: SourcesSettings,
    credentials: Credentials,
    sources: OnceLock<Sources>,
}

/// A source that was found, and is not yet there.
#[derive(Debug)]
pub(super) enum Origin {
    /// A commit of a repository.
    Commit(Box<Found>),
    /// A directory of this machine.
    Folder(Folder),
}

/// A commit of a repository.
pub(super) struct Found {
    fetching: Arc<Fetching>,
    repo: Repo,
    secret: Option<Secret>,
    commit: Commit,
}

/// A directory of this machine.
#[derive(Debug)]
pub(super) struct Folder {
    listing: Listing,
    subdirectory: Option<RelativePath>,
}

/// A source in the folder that it is built in.
#[derive(Debug)]
pub(super) struct Source {
    /// The folder.
    pub(super) root: PathBuf,
    /// The part of it that is the website.
    pub(super) site: PathBuf,
    /// The commit, or a digest of a directory's files.
    pub(super) revision: String,
    /// The branch; empty when none is known.
    pub(super) branch: String,
    /// When it was committed, in seconds since 1970; 0 for a directory.
    pub(super) committed: i64,
}

impl std::fmt::Debug for Fetching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetching")
            .field("cache", &self.settings.cache)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found")
            .field("commit", &self.commit.id)
            .finish_non_exhaustive()
    }
}

impl Fetching {
    pub(super) const fn new(settings: SourcesSettings, credentials: Credentials) -> Self {
        Self {
            settings,
            credentials,
            sources: OnceLock::new(),
        }
    }

    fn sources(&self) -> Result<&Sources, EdgeError> {
        if let Some(sources) = self.sources.get() {
            return Ok(sources);
        }
        let sources = Sources::new(self.settings.clone())?;
        Ok(self.sources.get_or_init(|| sources))
    }

    /// Whether repositories can be fetched.
    pub(super) fn ready(&self) -> Result<String, EdgeError> {
        self.sources()?.version()
    }

    /// Removes the caches that were used least lately when they take more room than they may.
    pub(super) fn sweep(&self) -> Result<(), EdgeError> {
        if self.settings.cache.exists() {
            let swept = self.sources()?.sweep()?;
            let (removed, left) = (swept.removed, swept.left);
            tracing::debug!(removed, left, "caches of repositories");
        }
        Ok(())
    }

    /// Looks which commit a message means.
    fn find(self: &Arc<Self>, repo: &Repo) -> Result<Found, EdgeError> {
        let secret = match &repo.credential {
            Some(name) => {
                let secret = self.credentials.get(name);
                Some(secret.map_err(|error| error.at("repo.credential"))?)
            }
            None => None,
        };
        let commit = self.sources()?.resolve(repo, secret.as_ref())?;
        Ok(Found {
            fetching: Arc::clone(self),
            repo: repo.clone(),
            secret,
            commit,
        })
    }
}

impl Origin {
    /// Finds the source of a message.
    ///
    /// # Errors
    /// There is none, it is not allowed, or cannot be reached.
    pub(super) fn find(
        build: &SourceBuild,
        fetching: &Arc<Fetching>,
        roots: &[PathBuf],
    ) -> Result<Self, EdgeError> {
        let none = || EdgeError::rejected("there is no source to build").at("repo");
        let repo = build.repo.as_ref().ok_or_else(none)?;
        match &repo.place {
            RepoPlace::Github(_) | RepoPlace::Gitlab(_) | RepoPlace::Git(_) => {
                Ok(Self::Commit(Box::new(fetching.find(repo)?)))
            }
            RepoPlace::Directory(base) => {
                let directory = Directory {
                    base: base.clone(),
                    below: Vec::new(),
                };
                let listing = Listing::of_source(&directory, roots);
                Ok(Self::Folder(Folder {
                    listing: listing.map_err(|error| error.at("repo.path"))?,
                    subdirectory: repo.subdirectory.clone(),
                }))
            }
            RepoPlace::None => Err(none()),
        }
    }

    /// What tells without reading it that the source is the same; `None` while it was changed too short a time
    /// ago.
    pub(super) fn fingerprint(&self, now: jiff::Timestamp) -> Option<Digest> {
        match self {
            Self::Commit(found) => Some(found.digest()),
            Self::Folder(folder) => folder.listing.fingerprint(now),
        }
    }

    /// What the source is, by its content.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn digest(&self, stats: &Stats) -> Result<Digest, EdgeError> {
        match self {
            Self::Commit(found) => Ok(found.digest()),
            Self::Folder(folder) => Ok(folder.listing.read(stats, Names::default())?.digest()),
        }
    }

    /// The part of the source that is the website.
    pub(super) const fn subdirectory(&self) -> Option<&RelativePath> {
        match self {
            Self::Commit(found) => found.repo.subdirectory.as_ref(),
            Self::Folder(folder) => folder.subdirectory.as_ref(),
        }
    }

    /// Writes the source to a folder that does not exist yet, with its history if that is wanted and the message asks
    /// for more than the commit itself.
    ///
    /// # Errors
    /// It cannot be fetched or written, or holds what is not written.
    pub(super) fn write(
        &self,
        into: &Path,
        digest: &Digest,
        history: bool,
    ) -> Result<Source, EdgeError> {
        match self {
            Self::Commit(found) => found.write(into, history && found.repo.depth != 1),
            Self::Folder(folder) => folder.write(into, digest),
        }
    }

    /// What a person calls it.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Commit(found) => format!("commit {}", found.commit.id),
            Self::Folder(folder) => format!("directory {}", folder.listing.root().display()),
        }
    }
}

impl Found {
    /// A digest of all that decides which files there are.
    fn digest(&self) -> Digest {
        let Repo {
            place,
            submodules,
            lfs,
            depth,
            ..
        } = &self.repo;
        let settings = &self.fetching.settings;
        let place = match place {
            RepoPlace::Github(slug) => format!("{}/{slug}", settings.github),
            RepoPlace::Gitlab(slug) => format!("{}/{slug}", settings.gitlab),
            RepoPlace::Git(url) => url.to_string(),
            RepoPlace::Directory(path) => path.to_string(),
            RepoPlace::None => String::new(),
        };
        let options = format!("{submodules} {lfs} {depth}");
        let mut hasher = blake3::Hasher::new_derive_key("mycelia-spore 2026 repository v1");
        for part in [place, self.commit.id.to_string(), options] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().into()
    }

    fn write(&self, into: &Path, history: bool) -> Result<Source, EdgeError> {
        let sources = self.fetching.sources()?;
        let secret = self.secret.as_ref();
        let checkout = sources.check_out(&self.repo, &self.commit, secret, into)?;
        if history {
            sources.add_history(&self.repo, &self.commit, secret, &checkout)?;
        }
        let branch = self.commit.branch.as_ref();
        Ok(Source {
            root: checkout.root,
            site: checkout.site,
            revision: checkout.commit.to_string(),
            branch: branch.map(ToString::to_string).unwrap_or_default(),
            committed: checkout.committed,
        })
    }
}

impl Folder {
    fn write(&self, into: &Path, digest: &Digest) -> Result<Source, EdgeError> {
        let copied = self.listing.copy(into);
        let from = self.listing.root().display();
        copied.map_err(|error| EdgeError::io(format!("{from} cannot be copied"), error))?;
        let mut site = into.to_owned();
        if let Some(below) = &self.subdirectory {
            site.push(AsRef::<str>::as_ref(below));
            if !fs::metadata(&site).is_ok_and(|it| it.is_dir()) {
                let message = format!("{from} has no directory {below}");
                return Err(EdgeError::rejected(message).at("repo.subdirectory"));
            }
        }
        Ok(Source {
            root: into.to_owned(),
            site,
            revision: digest.to_string(),
            branch: String::new(),
            committed: 0,
        })
    }
}
