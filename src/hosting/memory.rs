//! A backend that keeps releases in memory: a real one, held to the same contract as the others, for
//! tests of what stands above backends.

use super::{Applied, HostingBackend};
use crate::desired::{DesiredHosting, Names};
use crate::edge::EdgeError;
use crate::observed::{Look, ObservedHosting, ObservedSite, Ownership, TakenName};
use crate::plan::HostingAction;
use crate::release::{Digest, ReleaseId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The backend. Clones share their contents.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    sites: Arc<Mutex<BTreeMap<String, Site>>>,
}

#[derive(Clone, Debug)]
struct Site {
    owner: String,
    live: Release,
    previous: Vec<Release>,
    names: Names,
}

#[derive(Clone, Debug)]
struct Release {
    id: ReleaseId,
    artifact: Option<Digest>,
    rules: Option<Digest>,
    paths: Vec<String>,
}

impl Memory {
    /// Changes who a project is marked as belonging to; empty for nobody.
    pub fn mark(&self, project: &str, owner: &str) {
        if let Some(site) = self.sites().get_mut(project) {
            owner.clone_into(&mut site.owner);
        }
    }

    fn sites(&self) -> MutexGuard<'_, BTreeMap<String, Site>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostingBackend for Memory {
    fn canonical(&self, mut desired: DesiredHosting) -> Result<DesiredHosting, EdgeError> {
        desired.names.aliases.sort();
        Ok(desired)
    }

    async fn observe(&self, desired: &DesiredHosting, _: Look) -> Result<ObservedSite, EdgeError> {
        let sites = self.sites();
        let key = &desired.key;
        let others = sites
            .iter()
            .filter(|(project, _)| *project != key.project.as_str());
        let taken = others
            .flat_map(|(_, site)| site.names.all().map(|name| (name, &site.owner)))
            .filter(|(name, _)| desired.names.all().any(|wanted| wanted == *name))
            .map(|(name, owner)| TakenName {
                name: name.clone(),
                owner: format!("site {owner}"),
            })
            .collect();
        let ownership = |site: &Site| match site.owner.as_str() {
            "" => Ownership::Unmarked,
            owner if owner == key.site.as_str() => Ownership::Ours,
            owner => Ownership::Foreign {
                owner: format!("site {owner}"),
            },
        };
        let hosting = sites.get(key.project.as_str()).map(|site| ObservedHosting {
            release: Some(site.live.id.clone()),
            artifact: site.live.artifact,
            rules: site.live.rules,
            names: site.names.clone(),
            paths: site.live.paths.clone(),
            files: site.live.paths.len(),
            previous: site.previous.iter().map(|it| it.id.clone()).collect(),
            ..ObservedHosting::empty(ownership(site))
        });
        Ok(ObservedSite {
            hosting,
            taken,
            ..ObservedSite::default()
        })
    }

    async fn perform(&self, action: &HostingAction) -> Result<Applied, EdgeError> {
        let mut sites = self.sites();
        let project = action.key().project.to_string();
        let gone = || EdgeError::rejected(format!("{project} is not live"));
        let release = match action {
            HostingAction::Configure(_)
            | HostingAction::Build { .. }
            | HostingAction::Await { .. } => {
                let verb = action.verb();
                return Err(EdgeError::rejected(format!("memory does not {verb}")));
            }
            HostingAction::Publish(publish) => {
                let artifact = publish.artifact.digest();
                let rules = publish.hosting.rules.digest();
                let live = Release {
                    id: ReleaseId::of(&[*artifact.as_bytes(), *rules.as_bytes()].concat()),
                    artifact: Some(artifact),
                    rules: Some(rules),
                    paths: publish.artifact.files().keys().cloned().collect(),
                };
                let id = live.id.clone();
                let mut previous = sites
                    .remove(&project)
                    .map(|site| [vec![site.live], site.previous].concat())
                    .unwrap_or_default();
                previous.retain(|release| release.id != id);
                let site = Site {
                    owner: publish.hosting.key.site.to_string(),
                    live,
                    previous,
                    names: publish.hosting.names.clone(),
                };
                sites.insert(project, site);
                Some(id)
            }
            HostingAction::SetNames { names, .. } => {
                let site = sites.get_mut(&project).ok_or_else(gone)?;
                site.names = names.clone();
                Some(site.live.id.clone())
            }
            HostingAction::Activate { release, .. } => {
                let site = sites.get_mut(&project).ok_or_else(gone)?;
                if site.live.id != *release {
                    let place = site.previous.iter().position(|kept| kept.id == *release);
                    let place = place.ok_or_else(|| {
                        EdgeError::rejected(format!("release {release} is not kept"))
                    })?;
                    let mut wanted = site.previous.remove(place);
                    (wanted.artifact, wanted.rules) = (None, None);
                    let before = std::mem::replace(&mut site.live, wanted);
                    site.previous.insert(0, before);
                }
                Some(release.clone())
            }
            HostingAction::Remove { .. } => {
                sites.remove(&project);
                None
            }
        };
        Ok(Applied {
            release,
            ..Applied::default()
        })
    }

    fn urls(&self, desired: &DesiredHosting) -> Vec<String> {
        desired
            .names
            .all()
            .map(|name| format!("memory://{name}/"))
            .collect()
    }
}
