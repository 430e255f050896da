//! `LocalStatic`: releases below a folder of this machine, served by the embedded server.
//!
//! The layout is that of [`crate::release`]. A release is written whole into a folder of its own; the
//! one rename that replaces the site's pointer makes it visible. A process killed at any instant leaves
//! the old or the new pointer, and at most a folder whose name begins with a dot, which the next
//! publication of that site removes.

mod copy;
mod names;
mod pointer;
mod publish;
mod sweep;

use super::{Applied, HostingBackend, blocking};
use crate::desired::{DesiredHosting, HostingKey, Names, local_name};
use crate::edge::EdgeError;
use crate::model::{self, DomainName, HostingSettings, LocalServer, Parse, TlsMode};
use crate::observed::{Look, ObservedHosting, ObservedSite, Ownership, TakenName};
use crate::plan::HostingAction;
use crate::release::{Layout, Live, Manifest, ReleaseId};
use names::NameIndex;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

pub use pointer::Tombstone;

/// Called with a project's name right after its pointer was replaced.
pub type Switched = Arc<dyn Fn(&str) + Send + Sync>;

/// The backend for this machine.
#[derive(Clone)]
pub struct LocalStatic {
    layout: Layout,
    names: Arc<NameIndex>,
    switched: Option<Switched>,
    port: Option<u16>,
}

impl fmt::Debug for LocalStatic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStatic")
            .field("root", &self.layout.root())
            .finish_non_exhaustive()
    }
}

impl LocalStatic {
    /// The backend that keeps its releases below this folder.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let layout = Layout::new(root);
        Self {
            names: Arc::new(NameIndex::new(layout.clone())),
            layout,
            switched: None,
            port: None,
        }
    }

    /// The same, telling a server of this process about each switch, so that it is seen at once.
    #[must_use]
    pub fn on_switch(mut self, switched: Switched) -> Self {
        self.switched = Some(switched);
        self
    }

    /// The same, with the port of the embedded server for the addresses of sites without a domain.
    #[must_use]
    pub const fn served_at(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Where releases and pointers lie.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether this release is live under this project's name: the cheap check for a site that was
    /// applied before.
    #[must_use]
    pub fn is_live(&self, project: &str, release: &ReleaseId) -> bool {
        pointer::read(&self.layout.live(project))
            .is_ok_and(|live| live.is_some_and(|live| live.release == *release))
    }

    /// Removes what was taken down before `before`: pointers and releases. Gives the projects' names. Sites may be
    /// published meanwhile.
    ///
    /// What cannot be read or removed is told in the log and left for the next time.
    ///
    /// # Errors
    /// The folder of what was taken down cannot be read.
    pub fn sweep(&self, before: jiff::Timestamp) -> Result<Vec<String>, EdgeError> {
        sweep::sweep(self, before)
    }

    fn look(&self, desired: &DesiredHosting) -> Result<ObservedSite, EdgeError> {
        supported(desired)?;
        let project = desired.key.project.as_str();
        let live = pointer::read(&self.layout.live(project))?;
        let taken = self.taken(desired)?;
        let hosting = live.map(|live| self.observed(&desired.key, live));
        Ok(ObservedSite {
            hosting,
            taken,
            ..ObservedSite::default()
        })
    }

    /// The names of `desired` that another project serves.
    fn taken(&self, desired: &DesiredHosting) -> Result<Vec<TakenName>, EdgeError> {
        let key = &desired.key;
        let (project, site) = (key.project.as_str(), key.site.as_str());
        let mut taken = Vec::new();
        for name in desired.names.all() {
            if let Some(owner) = self.names.owner(name.as_str(), project, site)? {
                let name = name.clone();
                taken.push(TakenName { name, owner });
            }
        }
        Ok(taken)
    }

    fn observed(&self, key: &HostingKey, live: Live) -> ObservedHosting {
        let manifest = self.manifest(key.project.as_str(), &live.release);
        let whole = manifest.is_some();
        let files: Vec<String> = manifest
            .map(|manifest| manifest.files.into_keys().collect())
            .unwrap_or_default();
        let ownership = match live.site.as_str() {
            "" => Ownership::Unmarked,
            site if site == key.site.as_str() => Ownership::Ours,
            site => Ownership::Foreign {
                owner: format!("site {site}"),
            },
        };
        ObservedHosting {
            // A release whose manifest is damaged holds nothing that could be compared.
            artifact: live.artifact.filter(|_| whole),
            rules: live.rules.filter(|_| whole),
            names: pointer::names(&live),
            release: Some(live.release),
            previous: live.previous,
            files: files.len(),
            paths: files,
            ..ObservedHosting::empty(ownership)
        }
    }

    /// The manifest of a release, if it is there and is the one the release is named after.
    fn manifest(&self, project: &str, release: &ReleaseId) -> Option<Manifest> {
        let bytes = std::fs::read(self.layout.manifest(project, release)).ok()?;
        if ReleaseId::of(&bytes) != *release {
            return None;
        }
        serde_json::from_slice(&bytes).ok()
    }

    fn change(&self, action: &HostingAction) -> Result<Applied, EdgeError> {
        let project = action.key().project.as_str();
        let applied = match action {
            HostingAction::Configure(_)
            | HostingAction::Build { .. }
            | HostingAction::Await { .. } => Err(not_done_here(action)),
            HostingAction::Publish(publish) => publish::publish(self, publish),
            HostingAction::SetNames { key, names, .. } => self.set_names(key, names),
            HostingAction::Activate { key, release, .. } => self.activate(key, release),
            HostingAction::Remove { .. } => {
                self.names.hold(project);
                let buried = pointer::bury(&self.layout, project);
                self.names.settle(project);
                let detail = if buried? {
                    "taken down; its releases are kept for a while"
                } else {
                    "was not there"
                };
                Ok(Applied::gone(detail))
            }
        }?;
        if let Some(switched) = &self.switched {
            switched(project);
        }
        Ok(applied)
    }

    fn set_names(&self, key: &HostingKey, names: &Names) -> Result<Applied, EdgeError> {
        let live = self.live(key)?;
        let live = pointer::with_names(live, names);
        self.switch(key.project.as_str(), &live)?;
        Ok(Applied::live(live.release, names.to_string()))
    }

    fn activate(&self, key: &HostingKey, release: &ReleaseId) -> Result<Applied, EdgeError> {
        let project = key.project.as_str();
        let mut live = self.live(key)?;
        if live.release != *release {
            let Some(place) = live.previous.iter().position(|kept| kept == release) else {
                return Err(EdgeError::rejected(format!(
                    "release {release} is not kept"
                )));
            };
            if self.manifest(project, release).is_none() {
                return Err(EdgeError::rejected(format!("release {release} is damaged")));
            }
            live.previous.remove(place);
            let before = std::mem::replace(&mut live.release, release.clone());
            live.previous.insert(0, before);
            // What the release was made of is not known to the pointer any more, so that the next message
            // compares as different and is published again.
            live.artifact = None;
            live.rules = None;
            self.switch(project, &live)?;
        }
        Ok(Applied::live(
            live.release,
            format!("release {release} is live"),
        ))
    }

    /// The pointer of a site that must be live.
    fn live(&self, key: &HostingKey) -> Result<Live, EdgeError> {
        let project = key.project.as_str();
        pointer::read(&self.layout.live(project))?
            .ok_or_else(|| EdgeError::rejected(format!("{project} is not live")))
    }

    /// Replaces a project's pointer.
    fn switch(&self, project: &str, live: &Live) -> Result<(), EdgeError> {
        self.claimed(project, live.clone(), |live| {
            pointer::write(&self.layout, project, live)
        })
    }

    /// Does the work that ends with this pointer, while no other site can take the project or its names.
    fn claimed<T>(
        &self,
        project: &str,
        mut live: Live,
        work: impl FnOnce(&mut Live) -> Result<T, EdgeError>,
    ) -> Result<T, EdgeError> {
        self.names.claim(project, &live)?;
        let done = work(&mut live);
        self.names.settle(project);
        done
    }
}

/// An action for providers that keep projects of their own.
fn not_done_here(action: &HostingAction) -> EdgeError {
    EdgeError::rejected(format!("localStatic does not {}", action.verb()))
}

/// The settings that are this backend's own.
fn own(settings: &HostingSettings) -> Result<&model::LocalStatic, EdgeError> {
    match settings {
        HostingSettings::LocalStatic(settings) => Ok(settings),
        HostingSettings::CloudflarePages(_)
        | HostingSettings::S3Static(_)
        | HostingSettings::CriomosHost(_) => {
            Err(EdgeError::rejected("these are not settings of localStatic"))
        }
    }
}

/// Says what of `LocalStatic` this version cannot do.
fn supported(desired: &DesiredHosting) -> Result<(), EdgeError> {
    let settings = own(&desired.settings)?;
    if let Some(branch) = &desired.branches.preview {
        return Err(EdgeError::unsupported(format!(
            "branch {branch} is not the production branch, and localStatic has no previews"
        ))
        .at("hosting.productionBranch"));
    }
    let (path, what) = match (settings.server, &settings.root, desired.tls) {
        (LocalServer::Caddy, ..) => ("hosting.localStatic.server", "serving by caddy"),
        (LocalServer::Nginx, ..) => ("hosting.localStatic.server", "serving by nginx"),
        (LocalServer::Embedded, Some(_), _) => {
            ("hosting.localStatic.root", "publishing for another server")
        }
        (LocalServer::Embedded, None, TlsMode::Acme) => {
            ("domains.tls", "getting certificates by ACME")
        }
        (LocalServer::Embedded, None, TlsMode::Provider | TlsMode::None) => return Ok(()),
    };
    Err(
        EdgeError::unsupported(format!("{what} is not supported by this version"))
            .at(path)
            .hint("this version serves plain HTTP from its state directory, behind a TLS proxy of yours"),
    )
}

impl HostingBackend for LocalStatic {
    fn canonical(&self, mut desired: DesiredHosting) -> Result<DesiredHosting, EdgeError> {
        if desired.names.primary.is_none() {
            desired.names.primary = local_name(&desired.key.site).ok();
        }
        desired.names.aliases.sort();
        Ok(desired)
    }

    async fn observe(&self, desired: &DesiredHosting, _: Look) -> Result<ObservedSite, EdgeError> {
        let (this, desired) = (self.clone(), desired.clone());
        blocking(move || this.look(&desired)).await
    }

    async fn perform(&self, action: &HostingAction) -> Result<Applied, EdgeError> {
        let (this, action) = (self.clone(), action.clone());
        blocking(move || this.change(&action)).await
    }

    fn urls(&self, desired: &DesiredHosting) -> Vec<String> {
        desired
            .names
            .all()
            .map(
                |name| match (name.as_str().ends_with(".localhost"), self.port) {
                    (true, Some(port)) if port != 80 => format!("http://{name}:{port}/"),
                    (true, _) => format!("http://{name}/"),
                    (false, _) if desired.tls == TlsMode::None => format!("http://{name}/"),
                    (false, _) => format!("https://{name}/"),
                },
            )
            .collect()
    }
}

/// A name as a pointer keeps it; `None` when it is not one.
fn domain(text: &str) -> Option<DomainName> {
    DomainName::parse(text).ok()
}
