//! A folder with a cache, upstreams and places to write to.

use crate::server::Server;
use crate::upstream::Upstream;
use mycelia_spore::edge::secret::Secret;
use mycelia_spore::edge::{EdgeError, EdgeErrorKind};
use mycelia_spore::model::{CommitId, Parse, RefName, Repo, RepoPlace, Slug};
use mycelia_spore::source::{
    Checkout, Commit, Protocol, Protocols, Remote, Sources, SourcesSettings,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// What a test has.
pub(crate) struct World {
    folder: TempDir,
    places: AtomicU32,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("out")).unwrap();
        Self {
            folder,
            places: AtomicU32::new(0),
        }
    }

    /// The folder that servers show.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("upstream")
    }

    pub(crate) fn upstream(&self, name: &str) -> Upstream {
        Upstream::new(&self.root(), name)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn cache(&self) -> PathBuf {
        // Names that a shell would take apart.
        self.path("the operator's cache")
    }

    /// A folder to check out to that does not exist.
    pub(crate) fn place(&self) -> PathBuf {
        let count = self.places.fetch_add(1, Ordering::Relaxed);
        self.path("out").join(count.to_string())
    }

    /// Settings by which slugs are found at this address.
    pub(crate) fn settings(&self, address: &str) -> SourcesSettings {
        let remote = Remote::parse(address).unwrap();
        let protocols = Protocols::HTTPS.and(Protocol::Http).and(Protocol::Git);
        SourcesSettings {
            github: remote.clone(),
            gitlab: remote,
            protocols,
            timeout: Duration::from_secs(120),
            ..SourcesSettings::new(self.cache())
        }
    }

    pub(crate) fn sources(&self, server: &Server) -> Sources {
        Sources::new(self.settings(&server.address())).unwrap()
    }

    /// Resolves and checks out.
    pub(crate) fn get(
        &self,
        sources: &Sources,
        repo: &Repo,
        secret: Option<&Secret>,
    ) -> Result<Checkout, EdgeError> {
        let commit = sources.resolve(repo, secret)?;
        sources.check_out(repo, &commit, secret, &self.place())
    }
}

/// A repository at the host of slugs, all else as when a message says nothing.
pub(crate) fn repo(slug: &str) -> Repo {
    Repo {
        place: RepoPlace::Github(Slug::parse(slug).unwrap()),
        branch: None,
        revision: None,
        subdirectory: None,
        credential: None,
        depth: 1,
        submodules: false,
        lfs: false,
    }
}

pub(crate) fn branch(name: &str) -> RefName {
    RefName::parse(name).unwrap()
}

pub(crate) fn commit(id: &str) -> Commit {
    Commit {
        id: CommitId::parse(id).unwrap(),
        branch: None,
    }
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// The files below a folder and what they hold; of links where they lead.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder).min_depth(1) {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(folder).unwrap();
        let content = if entry.path_is_symlink() {
            format!("-> {}", fs::read_link(entry.path()).unwrap().display())
        } else if entry.file_type().is_file() {
            String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned()
        } else if fs::read_dir(entry.path()).unwrap().count() == 0 {
            "(empty)".into()
        } else {
            continue;
        };
        found.insert(path.to_string_lossy().into_owned(), content);
    }
    found
}

/// How many commits of history a checkout's repository shows.
pub(crate) fn history(checkout: &Checkout) -> usize {
    let output = Command::new("git")
        .args([
            "rev-list",
            "--count",
            &format!("refs/spore/{}", checkout.commit),
        ])
        .env("GIT_DIR", &checkout.repository)
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

pub(crate) const TRANSIENT: EdgeErrorKind = EdgeErrorKind::Transient { retry_after: None };

/// Kind, path, message and hint, to be compared; without what differs between runs.
pub(crate) fn told(error: &EdgeError) -> String {
    let hint = error.hint.as_deref().unwrap_or("-");
    let text = format!(
        "{} at {}: {}\n{hint}",
        error.kind.code(),
        error.path,
        error.message
    );
    let mut words = text.split("127.0.0.1:");
    let mut told = words.next().unwrap_or_default().to_owned();
    for rest in words {
        told.push_str("HOST");
        told.push_str(rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    }
    told
}
