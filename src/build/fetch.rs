//! A site whose files lie ready in a git repository.

use super::prebuilt::Listing;
use crate::artifact::Artifact;
use crate::desired::SourceBuild;
use crate::edge::EdgeError;
use crate::edge::secret::{Credentials, Secret};
use crate::model::{OutputDir, RelativePath, Repo, RepoPlace};
use crate::release::Digest;
use crate::source::{Commit, Sources, SourcesSettings};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

/// What fetches repositories. Git is looked for when it is first needed.
pub(super) struct Fetching {
    settings: SourcesSettings,
    checkouts: PathBuf,
    credentials: Credentials,
    sources: OnceLock<Sources>,
}

impl std::fmt::Debug for Fetching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetching")
            .field("cache", &self.settings.cache)
            .finish_non_exhaustive()
    }
}

/// A commit of a repository that is known, and not yet there.
pub(super) struct Found {
    fetching: Arc<Fetching>,
    repo: Repo,
    secret: Option<Secret>,
    commit: Commit,
    output: Option<RelativePath>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found")
            .field("commit", &self.commit.id)
            .finish_non_exhaustive()
    }
}

impl Fetching {
    pub(super) const fn new(
        settings: SourcesSettings,
        checkouts: PathBuf,
        credentials: Credentials,
    ) -> Self {
        Self {
            settings,
            checkouts,
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

    /// Removes checkouts that a run left behind which was killed, and the caches that were used least lately when
    /// they take more room than they may.
    pub(super) fn tidy(&self) -> Result<(), EdgeError> {
        if self.checkouts.exists() {
            fs::remove_dir_all(&self.checkouts).map_err(|error| {
                EdgeError::io(
                    format!("{} cannot be removed", self.checkouts.display()),
                    error,
                )
            })?;
        }
        if self.settings.cache.exists() {
            let swept = self.sources()?.sweep()?;
            tracing::debug!(
                removed = swept.removed,
                left = swept.left,
                "caches of repositories"
            );
        }
        Ok(())
    }

    /// Looks which commit a message means.
    pub(super) fn find(self: &Arc<Self>, build: &SourceBuild) -> Result<Option<Found>, EdgeError> {
        let Some(repo) = &build.repo else {
            return Ok(None);
        };
        match repo.place {
            RepoPlace::Github(_) | RepoPlace::Gitlab(_) | RepoPlace::Git(_) => {}
            RepoPlace::Directory(_) | RepoPlace::None => return Ok(None),
        }
        let output = match &build.build.output {
            None => None,
            Some(OutputDir::Relative(path)) => Some(path.clone()),
            Some(OutputDir::Absolute(_)) => return Ok(None),
        };
        let secret = match &repo.credential {
            Some(name) => Some(
                self.credentials
                    .get(name)
                    .map_err(|error| error.at("repo.credential"))?,
            ),
            None => None,
        };
        let commit = self.sources()?.resolve(repo, secret.as_ref())?;
        Ok(Some(Found {
            fetching: Arc::clone(self),
            repo: repo.clone(),
            secret,
            commit,
            output,
        }))
    }
}

impl Found {
    /// A digest of all that decides which files there are.
    pub(super) fn fingerprint(&self) -> Digest {
        let Repo {
            place,
            subdirectory,
            submodules,
            lfs,
            ..
        } = &self.repo;
        let place = match place {
            RepoPlace::Github(slug) => format!("{}/{slug}", self.fetching.settings.github),
            RepoPlace::Gitlab(slug) => format!("{}/{slug}", self.fetching.settings.gitlab),
            RepoPlace::Git(url) => url.to_string(),
            RepoPlace::Directory(path) => path.to_string(),
            RepoPlace::None => String::new(),
        };
        let text = |path: Option<&RelativePath>| path.map(ToString::to_string).unwrap_or_default();
        let parts = [
            place,
            self.commit.id.to_string(),
            text(subdirectory.as_ref()),
            text(self.output.as_ref()),
            format!("{submodules} {lfs}"),
        ];
        let mut hasher = blake3::Hasher::new_derive_key("mycelia-spore 2026 repository v1");
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().into()
    }

    /// Fetches the commit and reads its files. They lie in a folder that is removed with the artifact.
    pub(super) fn artifact(self) -> Result<Artifact, EdgeError> {
        let checkouts = &self.fetching.checkouts;
        let failed =
            |error| EdgeError::io(format!("{} cannot be used", checkouts.display()), error);
        fs::create_dir_all(checkouts).map_err(failed)?;
        let folder = TempDir::new_in(checkouts).map_err(failed)?;
        let into = folder.path().join("source");
        let (repo, secret) = (&self.repo, self.secret.as_ref());
        let checkout = self
            .fetching
            .sources()?
            .check_out(repo, &self.commit, secret, &into)?;
        let mut root = checkout.site;
        if let Some(output) = &self.output {
            root.push(AsRef::<str>::as_ref(output));
        }
        let root = root.canonicalize().map_err(|error| {
            let output = self
                .output
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            EdgeError::rejected(format!(
                "commit {} has no directory {output:?}",
                self.commit.id
            ))
            .at("build.outputDir")
            .source(error)
        })?;
        let artifact = Listing::below(root)?.digest()?;
        Ok(artifact.keeping(folder))
    }
}
