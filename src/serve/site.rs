//! One site: what its pointer says, and the hosts it claims.

use super::error::ServeError;
use super::release::Release;
use super::sites::Sites;
use crate::release::{FORMAT, Live};
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};
use tokio::sync::OnceCell;

/// A site: the owner of one pointer file.
#[derive(Debug)]
pub(super) struct Site {
    /// The project's name.
    pub(super) project: Box<str>,
    pub(super) pointer: ArcSwap<Pointer>,
}

/// What a pointer said when it was last read. A request takes it once and keeps to it.
#[derive(Debug)]
pub(super) struct Pointer {
    /// The pointer.
    pub(super) live: Live,
    /// The release it names, loaded when it is first asked for.
    release: Arc<OnceCell<Arc<Release>>>,
}

/// The sites that claim each host, the one that is served first.
#[derive(Debug, Default)]
pub(super) struct Hosts(HashMap<Box<str>, Vec<Arc<Site>>>);

/// Reads a pointer; `None` if there is none.
pub(super) fn read_pointer(path: &Path) -> Result<Option<Live>, ServeError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(ServeError::io("read", path))?,
    };
    let live: Live = serde_json::from_slice(&bytes).map_err(|source| ServeError::Form {
        path: path.to_owned(),
        source,
    })?;
    match live.v {
        FORMAT => Ok(Some(live)),
        found => Err(ServeError::Revision {
            path: path.to_owned(),
            found,
        }),
    }
}

impl Site {
    /// A site with what its pointer says.
    pub(super) fn new(project: &str, live: Live) -> Self {
        let release = Arc::default();
        Self {
            project: project.into(),
            pointer: ArcSwap::from_pointee(Pointer { live, release }),
        }
    }

    /// What is live now. A request asks once and keeps to the answer.
    pub(super) fn pointer(&self) -> Arc<Pointer> {
        self.pointer.load_full()
    }
}

impl Pointer {
    /// The next pointer of the site; a release that is loaded and stays live is kept.
    pub(super) fn followed_by(&self, live: Live) -> Arc<Self> {
        let release = if live.release == self.live.release {
            Arc::clone(&self.release)
        } else {
            Arc::default()
        };
        Arc::new(Self { live, release })
    }

    /// The website's own address in the form of a host.
    pub(super) fn primary(&self) -> String {
        host_name(&self.live.primary)
    }

    /// The release, loaded by the first caller while the others wait.
    pub(super) async fn release(
        &self,
        sites: &Sites,
        project: &str,
    ) -> Result<Arc<Release>, ServeError> {
        let load = async || {
            let layout = sites.layout().clone();
            let (project, release) = (project.to_owned(), self.live.release.clone());
            let folder = layout.release(&project, &release);
            let load = move || Release::load(&layout, &project, &release);
            let loaded = tokio::task::spawn_blocking(load).await;
            let loaded = loaded.map_err(|error| ServeError::io("load", folder)(error.into()))??;
            Ok(Arc::new(loaded))
        };
        self.release.get_or_try_init(load).await.cloned()
    }

    /// The hosts of the site, its own address first.
    fn hosts(&self) -> impl Iterator<Item = String> {
        let names = std::iter::once(&self.live.primary).chain(&self.live.aliases);
        names
            .map(|name| host_name(name))
            .filter(|name| !name.is_empty())
    }
}

/// A name in the form in which hosts are looked up.
fn host_name(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

impl Hosts {
    /// The site of a host in the form in which hosts are looked up.
    pub(super) fn find(&self, host: &str) -> Option<&Arc<Site>> {
        self.0.get(host)?.first()
    }

    /// The hosts that are claimed.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    /// Adds the claims of a site. A host that several claim goes to one whose own address it is,
    /// and then by the name of the project, so that the order of events makes no difference.
    pub(super) fn claim(&mut self, site: &Arc<Site>) {
        for host in site.pointer().hosts() {
            let claims = self.0.entry(host.as_str().into()).or_default();
            if claims.iter().any(|known| Arc::ptr_eq(known, site)) {
                continue;
            }
            claims.push(Arc::clone(site));
            if claims.len() > 1 {
                claims.sort_by_key(|site| (site.pointer().primary() != host, site.project.clone()));
                let served = &*claims[0].project;
                tracing::warn!(host, served, "several sites claim one host");
            }
        }
    }

    /// Takes the claims of a site away.
    pub(super) fn release(&mut self, site: &Arc<Site>) {
        for host in site.pointer().hosts() {
            if let Some(claims) = self.0.get_mut(host.as_str()) {
                claims.retain(|known| !Arc::ptr_eq(known, site));
                if claims.is_empty() {
                    self.0.remove(host.as_str());
                }
            }
        }
    }
}
