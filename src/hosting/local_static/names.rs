//! Which project serves which name.

use super::pointer;
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::release::{Layout, Live};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The owners of all names below a root. Read from the pointers when it is first asked, since most runs
/// over unchanged sites never ask; kept in step by the one process that holds the state directory.
pub(super) struct NameIndex {
    layout: Layout,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// `None` until it is first asked.
    index: Option<Index>,
    /// The projects that are just being changed.
    claimed: HashSet<String>,
}

#[derive(Default)]
struct Index {
    /// The project and the site that serve a name.
    owners: HashMap<String, (String, String)>,
    /// What a project has.
    projects: HashMap<String, Project>,
}

/// One project's site and the names it serves.
#[derive(Default)]
struct Project {
    site: String,
    names: HashSet<String>,
}

impl NameIndex {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            layout,
            known: Mutex::default(),
        }
    }

    /// Who serves `name`, unless it is `project` itself.
    pub(super) fn owner(
        &self,
        name: &str,
        project: &str,
        site: &str,
    ) -> Result<Option<String>, EdgeError> {
        let mut guard = self.lock();
        let index = self.loaded(&mut guard)?;
        Ok(index.owner(name, project, site))
    }

    /// Gives a site its project and its names, unless another site has one of them: the check and the note
    /// are one step, so that two sites asking at once cannot both get it. What the project had before stays
    /// its own until [`settle`](Self::settle).
    pub(super) fn claim(&self, project: &str, live: &Live) -> Result<(), EdgeError> {
        let mut guard = self.lock();
        let index = self.loaded(&mut guard)?;
        let conflict = |what: &str, owner: &str| {
            let message = format!("{what} already belongs to {owner}");
            Err(EdgeError::new(EdgeErrorKind::Conflict, message))
        };
        if let Some(owner) = index.holder(project).filter(|owner| *owner != live.site) {
            return conflict(project, &format!("site {owner}"));
        }
        for name in all(live) {
            if let Some(owner) = index.owner(name, project, &live.site) {
                return conflict(name, &owner);
            }
        }
        index.add(project, live);
        guard.claimed.insert(project.to_owned());
        Ok(())
    }

    /// Keeps a project from being cleared away until [`settle`](Self::settle).
    pub(super) fn hold(&self, project: &str) {
        self.lock().claimed.insert(project.to_owned());
    }

    /// Brings what is known of a project in step with its pointer, whatever became of a claim.
    pub(super) fn settle(&self, project: &str) {
        let mut guard = self.lock();
        guard.claimed.remove(project);
        let Some(index) = &mut guard.index else {
            return;
        };
        index.forget(project);
        if let Ok(Some(live)) = pointer::read(&self.layout.live(project)) {
            index.add(project, &live);
        }
    }

    /// Does the work while no site can take the project. `None` when one is just at it.
    pub(super) fn unless_claimed<T>(&self, project: &str, work: impl FnOnce() -> T) -> Option<T> {
        let guard = self.lock();
        let free = !guard.claimed.contains(project);
        free.then(work)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn loaded<'g>(&self, known: &'g mut Known) -> Result<&'g mut Index, EdgeError> {
        match &mut known.index {
            Some(index) => Ok(index),
            none => Ok(none.insert(self.load()?)),
        }
    }

    fn load(&self) -> Result<Index, EdgeError> {
        let folder = self.layout.live_dir();
        let mut index = Index::default();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(index),
            Err(error) => {
                let what = format!("{} cannot be read", folder.display());
                return Err(EdgeError::io(what, error));
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let project = name.to_str().and_then(|name| name.strip_suffix(".json"));
            let Some(project) = project.filter(|project| !project.starts_with('.')) else {
                continue;
            };
            // A damaged pointer serves no name; its own site's next message reports it.
            if let Ok(Some(live)) = pointer::read(&entry.path()) {
                index.add(project, &live);
            }
        }
        Ok(index)
    }
}

/// All names of a pointer.
fn all(live: &Live) -> impl Iterator<Item = &String> {
    std::iter::once(&live.primary).chain(&live.aliases)
}

impl Index {
    fn owner(&self, name: &str, project: &str, site: &str) -> Option<String> {
        let (owner, of) = self.owners.get(name)?;
        if owner == project {
            None
        } else if of == site {
            Some(format!(
                "this site's project {owner}: take that one down first"
            ))
        } else {
            Some(format!("site {of}"))
        }
    }

    /// The site that has a project; `None` when nobody has.
    fn holder(&self, project: &str) -> Option<&str> {
        let site = &self.projects.get(project)?.site;
        (!site.is_empty()).then_some(site)
    }

    fn add(&mut self, project: &str, live: &Live) {
        let entry = self.projects.entry(project.to_owned()).or_default();
        entry.site.clone_from(&live.site);
        for name in all(live) {
            let owner = (project.to_owned(), live.site.clone());
            self.owners.insert(name.clone(), owner);
            entry.names.insert(name.clone());
        }
    }

    fn forget(&mut self, project: &str) {
        let Some(Project { names, .. }) = self.projects.remove(project) else {
            return;
        };
        for name in names {
            if self
                .owners
                .get(&name)
                .is_some_and(|(owner, _)| owner == project)
            {
                self.owners.remove(&name);
            }
        }
    }
}
