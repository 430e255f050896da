//! Fetches the source of a website from a git repository.
//!
//! [`Sources::resolve`] finds out which commit is meant, [`Sources::check_out`] writes exactly that one to a
//! folder, without `.git`, and keeps what it fetched in a cache so that the next commit costs little and the
//! same one costs no connection at all.
//!
//! The repository is not trusted, nor is what its host answers. Git runs with an empty environment and fixed
//! settings (`git`), is asked to write nothing but plain files (`write`), and its redirects, hooks, submodules
//! and links are refused or done here after a look at them (`tree`, `links`, `submodules`). A credential
//! reaches the scheme, host and port of the repository and nobody else (`credential`). Why git itself, and why
//! the credential goes this way, is told in `docs/decisions/0010-git-fetches-sources.md`.

mod cache;
mod clone;
mod credential;
mod fault;
mod git;
mod history;
mod lfs;
mod links;
mod remote;
mod submodules;
mod sweep;
mod tree;
mod write;

pub use remote::{Protocol, Protocols, Remote, RemoteError};
pub use sweep::Swept;

use crate::edge::secret::Secret;
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::model::{CommitId, Parse, RefName, Repo, RepoPlace};
use cache::{Cache, Failure, Wanted};
use credential::Access;
use git::Git;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long fetching may take when nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The user that goes with a token at GitHub, and at hosts that look at the token alone.
const TOKEN_USER: &str = "x-access-token";

/// The user that goes with a token at GitLab.
const GITLAB_USER: &str = "oauth2";

/// What the operator decides about fetching.
#[derive(Clone, Debug)]
pub struct SourcesSettings {
    /// The folder that fetched repositories are kept in; it belongs to this module alone.
    pub cache: PathBuf,
    /// The host that `github` means.
    pub github: Remote,
    /// The host that `gitlab` means.
    pub gitlab: Remote,
    /// The protocols that repositories and their submodules may be reached by.
    pub protocols: Protocols,
    /// How long resolving or checking out may take, all in all.
    pub timeout: Duration,
    /// The file of certificate authorities (PEM) to trust; `None` for the system's.
    pub certificates: Option<PathBuf>,
    /// How much may be fetched, written and kept.
    pub limits: Limits,
}

/// How much may be fetched, written and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one answer of a repository's host, and of each LFS object.
    pub fetch_bytes: u64,
    /// Bytes of all files of a checkout, submodules and LFS objects included.
    pub checkout_bytes: u64,
    /// Files of a checkout, submodules included.
    pub files: u64,
    /// Submodules of a checkout, at all depths.
    pub submodules: u32,
    /// Bytes that [`Sources::sweep`] leaves in the cache.
    pub cache_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            fetch_bytes: 4 * GIB,
            checkout_bytes: 4 * GIB,
            files: 200_000,
            submodules: 64,
            cache_bytes: 20 * GIB,
        }
    }
}

impl SourcesSettings {
    /// github.com, gitlab.com and any other host, by https alone, with caches in this folder.
    #[must_use]
    pub fn new(cache: PathBuf) -> Self {
        Self {
            cache,
            github: Remote::https("github.com"),
            gitlab: Remote::https("gitlab.com"),
            protocols: Protocols::HTTPS,
            timeout: TIMEOUT,
            certificates: None,
            limits: Limits::default(),
        }
    }
}

/// Fetches sources.
#[derive(Clone, Debug)]
pub struct Sources {
    settings: SourcesSettings,
}

/// A commit that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub id: CommitId,
    /// The branch it was found by; `None` when the message names the commit itself.
    pub branch: Option<RefName>,
}

/// A source that was written to a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The folder, with the whole tree.
    pub root: PathBuf,
    /// The part of it that is the website.
    pub site: PathBuf,
    /// The commit.
    pub commit: CommitId,
    /// When it was committed, in seconds since 1970; what `SOURCE_DATE_EPOCH` wants.
    pub committed: i64,
    /// The bare repository that it came from, with `repo.depth` generations of the commit under the ref
    /// `refs/spore/COMMIT`. It may change or go as soon as something else is fetched or swept.
    pub repository: PathBuf,
    /// Files and links that were written, those of submodules included.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A repository, who it is asked as, and the field of the message that names it.
#[derive(Clone, Debug)]
struct Place {
    remote: Remote,
    /// The user that goes with a token.
    user: &'static str,
    /// The name of the credential that is used, when one is.
    credential: Option<String>,
    path: &'static str,
}

impl Sources {
    /// Makes ready to fetch.
    ///
    /// # Errors
    /// The cache cannot be written; or git is not installed, or older than 2.39.1.
    pub fn new(settings: SourcesSettings) -> Result<Self, EdgeError> {
        let version = Git::begin(&settings)?.check_version()?;
        tracing::debug!(%version, "git fetches sources");
        Ok(Self { settings })
    }

    /// The version of git.
    ///
    /// # Errors
    /// It is not installed any more, or too old.
    pub fn version(&self) -> Result<String, EdgeError> {
        Ok(Git::begin(&self.settings)?.check_version()?.to_string())
    }

    /// Finds the commit that is meant: the one the message names, or else the newest of its branch, or else
    /// the newest of the branch that the repository's HEAD names. A named one costs no connection.
    ///
    /// # Errors
    /// `Unauthorised`: the repository wants another credential. `Rejected`: there is no such repository or
    /// branch. `Forbidden`: the operator does not allow the protocol. `Unsupported`: the source is no git
    /// repository. `Transient`: the host cannot be reached or is too slow.
    pub fn resolve(&self, repo: &Repo, secret: Option<&Secret>) -> Result<Commit, EdgeError> {
        let place = self.place(repo, secret)?;
        if let Some(revision) = &repo.revision {
            let id = commit(&cache::lower(revision))?;
            return Ok(Commit { id, branch: None });
        }
        let git = Git::begin(&self.settings)?;
        let access = Access::open(&git, &place, secret)?;
        let wanted = match &repo.branch {
            Some(branch) => format!("refs/heads/{branch}"),
            None => "HEAD".to_owned(),
        };
        let url = place.remote.to_string();
        let run = git.run([
            "ls-remote",
            "--quiet",
            "--symref",
            "--end-of-options",
            &url,
            &wanted,
        ]);
        let output = run
            .remote(access.as_ref())
            .end()
            .map_err(|error| fault::remote(&place, error))?;
        let listed = String::from_utf8_lossy(&output.stdout);
        let found = Listed::read(&listed, &wanted);
        let id = found.commit.ok_or_else(|| no_branch(&place, repo))?;
        let head = found.head.and_then(|name| RefName::parse(name).ok());
        Ok(Commit {
            id: commit(id)?,
            branch: repo.branch.clone().or(head),
        })
    }

    /// Writes a commit to a folder that does not exist yet, fetching it if the cache does not have it.
    ///
    /// # Errors
    /// As [`Self::resolve`]; and `Rejected` when the host does not have the commit, or when the tree holds
    /// what is not written: paths and links that leave it, `.git`, more than the operator allows. What was
    /// written so far is removed.
    pub fn check_out(
        &self,
        repo: &Repo,
        commit: &Commit,
        secret: Option<&Secret>,
        into: &Path,
    ) -> Result<Checkout, EdgeError> {
        let place = self.place(repo, secret)?;
        let git = Git::begin(&self.settings)?;
        let wanted = Wanted {
            commit: &commit.id,
            depth: repo.depth,
            secret,
        };
        write::check_out(&git, &self.settings, repo, &place, wanted, into)
    }

    /// Gives a checkout its history, `repo.depth` generations of it, as a clone that names neither the host nor a
    /// credential.
    ///
    /// # Errors
    /// As [`Self::check_out`].
    pub fn add_history(
        &self,
        repo: &Repo,
        commit: &Commit,
        secret: Option<&Secret>,
        checkout: &Checkout,
    ) -> Result<(), EdgeError> {
        let place = self.place(repo, secret)?;
        let git = Git::begin(&self.settings)?;
        let wanted = Wanted {
            commit: &commit.id,
            depth: repo.depth,
            secret,
        };
        let cache = Cache::open(&git, &self.settings.cache, &place, &commit.id)?;
        let branch = commit
            .branch
            .as_ref()
            .map_or(clone::BRANCH, RefName::as_str);
        cache.with(wanted, |repository| {
            let made = clone::make(
                &git,
                repository,
                &commit.id,
                (branch, repo.depth),
                &checkout.root,
            );
            made.map_err(Failure::Damage)
        })
    }

    /// The repository of a message.
    fn place(&self, repo: &Repo, secret: Option<&Secret>) -> Result<Place, EdgeError> {
        let settings = &self.settings;
        let (remote, user, path) = match &repo.place {
            RepoPlace::Github(slug) => (settings.github.repository(slug), TOKEN_USER, "repo.slug"),
            RepoPlace::Gitlab(slug) => (settings.gitlab.repository(slug), GITLAB_USER, "repo.slug"),
            RepoPlace::Git(url) => {
                let remote = Remote::parse(url.as_str());
                let remote = remote.map_err(|error| refused(&error).at("repo.url"))?;
                (remote, TOKEN_USER, "repo.url")
            }
            RepoPlace::Directory(_) | RepoPlace::None => {
                return Err(
                    EdgeError::unsupported("the source is no git repository").at("repo.provider")
                );
            }
        };
        let name = repo.credential.as_ref().map_or("", |name| name.as_str());
        let place = Place {
            remote,
            user,
            credential: secret.map(|_| name.to_owned()),
            path,
        };
        place.allowed(settings.protocols)
    }
}

impl Place {
    /// The same, if the operator allows the way it is reached.
    fn allowed(self, protocols: Protocols) -> Result<Self, EdgeError> {
        if protocols.allow(self.remote.protocol()) {
            return Ok(self);
        }
        let remote = &self.remote;
        let message = format!("the repository {remote} may not be reached by this protocol");
        let error = EdgeError::new(EdgeErrorKind::Forbidden, message).at(self.path);
        Err(error.hint("give its https address"))
    }
}

/// What `git ls-remote --symref` says of a ref.
struct Listed<'l> {
    commit: Option<&'l str>,
    /// The branch it stands for.
    head: Option<&'l str>,
}

impl<'l> Listed<'l> {
    /// Reads lines `COMMIT<tab>REF` and `ref: refs/heads/BRANCH<tab>REF`; others, of refs that merely end
    /// like this one, are passed over.
    fn read(listing: &'l str, wanted: &str) -> Self {
        let lines = listing.lines().filter_map(|line| line.split_once('\t'));
        let values = lines
            .filter(|(_, name)| *name == wanted)
            .map(|(value, _)| value);
        let (heads, commits): (Vec<_>, Vec<_>) =
            values.partition(|value| value.starts_with("ref: "));
        let head = heads
            .first()
            .and_then(|head| head.strip_prefix("ref: refs/heads/"));
        let commit = commits.first().copied();
        Self { commit, head }
    }
}

/// Reads a commit that the other side named.
fn commit(text: &str) -> Result<CommitId, EdgeError> {
    let parsed = CommitId::parse(text);
    parsed.map_err(|_| EdgeError::rejected(format!("the repository names no commit, but {text:?}")))
}

fn no_branch(place: &Place, repo: &Repo) -> EdgeError {
    let remote = &place.remote;
    let message = match &repo.branch {
        Some(branch) => format!("the repository {remote} has no branch {branch}"),
        None => format!("the repository {remote} has no commit that HEAD names"),
    };
    EdgeError::rejected(message).at("repo.defaultBranch")
}

fn refused(error: &RemoteError) -> EdgeError {
    EdgeError::rejected(error.to_string())
        .hint("write https://HOST/PATH without user, query or fragment")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ref_itself_is_believed() {
        let listing = "ref: refs/heads/main\tHEAD\n11\tHEAD\n22\trefs/remotes/origin/HEAD\n";
        let listed = Listed::read(listing, "HEAD");
        assert_eq!((listed.commit, listed.head), (Some("11"), Some("main")));
        let listing = "33\trefs/x/refs/heads/main\n44\trefs/heads/main\n";
        let listed = Listed::read(listing, "refs/heads/main");
        assert_eq!((listed.commit, listed.head), (Some("44"), None));
        assert_eq!(Listed::read("", "HEAD").commit, None);
    }
}
