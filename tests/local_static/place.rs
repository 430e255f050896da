//! A backend in a folder of its own, and what lies in that folder.

use crate::common::{self, artifact, block_on, keeping, publication};
use mycelia_spore::artifact::Artifact;
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::edge::EdgeError;
use mycelia_spore::hosting::local_static::LocalStatic;
use mycelia_spore::hosting::{Applied, HostingBackend};
use mycelia_spore::model::Ensure;
use mycelia_spore::observed::ObservedHosting;
use mycelia_spore::plan::HostingAction;
use mycelia_spore::release::{Live, Manifest, ReleaseId};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A backend with its folder.
pub(crate) struct Place {
    pub(crate) backend: LocalStatic,
    folder: tempfile::TempDir,
}

/// The site `blog` at `blog.example`.
pub(crate) fn blog() -> DesiredSite {
    common::desired("blog", keeping(5), common::names(&["blog.example"]))
}

/// The artifact of one page.
pub(crate) fn index(text: &str) -> Arc<Artifact> {
    artifact(&[("index.html", text)])
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            backend: LocalStatic::new(folder.path().join("sites")),
            folder,
        }
    }

    /// The folder, and beside the backend's own in it room for a source.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The backend as a new process finds it.
    pub(crate) fn reopened(&self) -> LocalStatic {
        LocalStatic::new(self.backend.layout().root())
    }

    pub(crate) fn perform(&self, action: &HostingAction) -> Result<Applied, EdgeError> {
        block_on(self.backend.perform(action))
    }

    pub(crate) fn try_publish(
        &self,
        site: &DesiredSite,
        artifact: &Arc<Artifact>,
    ) -> Result<Applied, EdgeError> {
        self.perform(&publication(&self.backend, site, artifact))
    }

    /// Publishes, and gives the release.
    pub(crate) fn publish(&self, site: &DesiredSite, artifact: &Arc<Artifact>) -> ReleaseId {
        self.try_publish(site, artifact).unwrap().release.unwrap()
    }

    /// Takes the site down.
    pub(crate) fn remove(&self, site: &DesiredSite) {
        let mut site = site.clone();
        site.ensure = Ensure::Absent;
        self.perform(&HostingAction::Remove {
            key: site.hosting.key,
            settings: site.hosting.settings,
        })
        .unwrap();
    }

    pub(crate) fn observe(&self, site: &DesiredSite) -> Option<ObservedHosting> {
        block_on(common::observe(&self.backend, site)).hosting
    }

    /// The pointer of `blog`.
    pub(crate) fn live(&self) -> Live {
        let path = self.backend.layout().live("blog");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    pub(crate) fn manifest(&self, release: &ReleaseId) -> Manifest {
        let path = self.backend.layout().manifest("blog", release);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// A file of a release of `blog`.
    pub(crate) fn file(&self, release: &ReleaseId, path: &str) -> PathBuf {
        self.backend.layout().files("blog", release).join(path)
    }

    /// What lies in the folder of `blog`'s releases, sorted.
    pub(crate) fn releases(&self) -> Vec<String> {
        let folder = self.backend.layout().releases("blog");
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// All files with their contents.
    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.backend.layout().root().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    found.insert(path, bytes);
                }
            }
        }
        found
    }
}

/// Writes over a file that is read-only, in its place.
pub(crate) fn damage(path: &Path, text: &str) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, text).unwrap();
}
