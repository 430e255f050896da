//! The index of live sites by host, made from the pointers of a [`Layout`].

use super::content::check_kernel;
use super::error::ServeError;
use super::site::{Hosts, Site, read_pointer};
use super::watch::Watcher;
use crate::release::{Layout, Live};
use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The live sites. Shared by the server, which looks hosts up, and by publishers in the same
/// process, which call [`Sites::refresh`].
#[derive(Debug)]
pub struct Sites {
    layout: Layout,
    hosts: RwLock<Hosts>,
    /// The sites by project. Held while a pointer is read and applied, so that an older reading
    /// never replaces a newer one.
    projects: Mutex<HashMap<Box<str>, Arc<Site>>>,
    pub(super) watcher: Watcher,
}

impl Sites {
    /// Reads every pointer. One that cannot be used is logged and left out: one site's fault is
    /// not the others'. Blocks.
    ///
    /// # Errors
    /// If the folder of pointers cannot be made, read or watched, or the kernel lacks `openat2`.
    pub fn open(layout: Layout) -> Result<Arc<Self>, ServeError> {
        let folder = layout.live_dir();
        fs::create_dir_all(&folder).map_err(ServeError::io("create", &folder))?;
        check_kernel(&folder)?;
        // Watched before it is read, so that no change falls between.
        let sites = Self {
            watcher: Watcher::new(&folder)?,
            layout,
            hosts: RwLock::default(),
            projects: Mutex::default(),
        };
        sites.scan()?;
        Ok(Arc::new(sites))
    }

    /// Reads the pointer of a project again, so that what was published or taken down is visible
    /// from here on. Blocks for the reading of one small file.
    ///
    /// # Errors
    /// If the name is not that of a project or the pointer cannot be read; the site then stays as
    /// it was.
    pub fn refresh(&self, project: &str) -> Result<(), ServeError> {
        if project.is_empty() || project.starts_with('.') || project.contains(['/', '\0']) {
            return Err(ServeError::Project(project.to_owned()));
        }
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        let live = read_pointer(&self.layout.live(project))?;
        let known = projects.get(project).cloned();
        match (known, live) {
            (None, None) => {}
            (None, Some(live)) => {
                let site = Arc::new(Site::new(project, live));
                projects.insert(project.into(), Arc::clone(&site));
                self.change_hosts(|hosts| hosts.claim(&site));
            }
            (Some(site), Some(live)) => self.update(&site, live),
            (Some(site), None) => {
                projects.remove(project);
                self.change_hosts(|hosts| hosts.release(&site));
                tracing::info!(project, "site taken down");
            }
        }
        Ok(())
    }

    /// Makes a site follow its pointer.
    fn update(&self, site: &Arc<Site>, live: Live) {
        let before = site.pointer();
        if before.live == live {
            return;
        }
        tracing::info!(project = &*site.project, release = %live.release, "site changed");
        let same_names = before.live.primary == live.primary && before.live.aliases == live.aliases;
        let next = before.followed_by(live);
        if same_names {
            site.pointer.store(next);
            return;
        }
        self.change_hosts(|hosts| {
            hosts.release(site);
            site.pointer.store(next);
            hosts.claim(site);
        });
    }

    fn change_hosts(&self, change: impl FnOnce(&mut Hosts)) {
        change(&mut self.hosts.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Reads every pointer again and forgets the sites that have none any more. Blocks.
    pub(super) fn scan(&self) -> Result<(), ServeError> {
        let folder = self.layout.live_dir();
        let mut gone: Vec<Box<str>> = self.project_names();
        for entry in fs::read_dir(&folder).map_err(ServeError::io("read", &folder))? {
            let entry = entry.map_err(ServeError::io("read", &folder))?;
            let name = entry.file_name();
            if let Some(project) = name.to_str().and_then(project_of) {
                self.refresh_logged(project);
                // Sorted, so that this is a search and not a scan of 100,000 names each.
                if let Ok(at) = gone.binary_search_by(|known| (**known).cmp(project)) {
                    gone[at] = Box::default();
                }
            }
        }
        gone.iter()
            .filter(|name| !name.is_empty())
            .for_each(|name| self.refresh_logged(name));
        Ok(())
    }

    fn project_names(&self) -> Vec<Box<str>> {
        let projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<_> = projects.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Refreshes, and logs an error: where there is nobody to tell.
    pub(super) fn refresh_logged(&self, project: &str) {
        if let Err(error) = self.refresh(project) {
            tracing::error!(
                project,
                error = &error as &dyn std::error::Error,
                "pointer not used"
            );
        }
    }

    /// The hosts that are served, sorted.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = hosts.names().map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    /// The site of a host (lower case, without port and final dot).
    pub(super) fn find(&self, host: &str) -> Option<Arc<Site>> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.find(host).cloned()
    }

    /// Where releases and pointers lie.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// The project of a pointer file; `None` for other files, as the one a publisher is writing.
pub(super) fn project_of(file_name: &str) -> Option<&str> {
    let project = file_name.strip_suffix(".json")?;
    (!project.is_empty() && !project.starts_with('.')).then_some(project)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{FORMAT, ReleaseId};

    fn write(layout: &Layout, project: &str, primary: &str, aliases: &[&str]) {
        let live = Live {
            v: FORMAT,
            site: project.into(),
            release: ReleaseId::of(b""),
            artifact: None,
            rules: None,
            primary: primary.into(),
            aliases: aliases.iter().map(|&name| name.into()).collect(),
            redirect_aliases: false,
            previous: vec![],
        };
        fs::create_dir_all(layout.live_dir()).unwrap();
        fs::write(layout.live(project), serde_json::to_vec(&live).unwrap()).unwrap();
    }

    fn owner(sites: &Sites, host: &str) -> Option<String> {
        sites.find(host).map(|site| site.project.to_string())
    }

    #[test]
    fn hosts_follow_the_pointers() {
        let temp = tempfile::tempdir().unwrap();
        let layout = Layout::new(temp.path());
        write(
            &layout,
            "a",
            "A.example.",
            &["www.a.example", "shared.example"],
        );
        let sites = Sites::open(layout.clone()).unwrap();
        assert_eq!(
            sites.hosts(),
            ["a.example", "shared.example", "www.a.example"]
        );

        // A site's own address goes before another's alias, whatever came first.
        write(&layout, "b", "shared.example", &["a.example"]);
        sites.refresh("b").unwrap();
        assert_eq!(owner(&sites, "shared.example").unwrap(), "b");
        assert_eq!(owner(&sites, "a.example").unwrap(), "a");

        write(&layout, "b", "b.example", &[]);
        sites.refresh("b").unwrap();
        assert_eq!(owner(&sites, "shared.example").unwrap(), "a");

        fs::remove_file(layout.live("a")).unwrap();
        sites.scan().unwrap();
        assert_eq!(sites.hosts(), ["b.example"]);
    }

    #[test]
    fn a_bad_pointer_leaves_the_site_as_it_was() {
        let temp = tempfile::tempdir().unwrap();
        let layout = Layout::new(temp.path());
        write(&layout, "a", "a.example", &[]);
        let sites = Sites::open(layout.clone()).unwrap();
        fs::write(layout.live("a"), "{").unwrap();
        assert!(matches!(sites.refresh("a"), Err(ServeError::Form { .. })));
        let text = fs::read_to_string(layout.live("a")).unwrap();
        fs::write(layout.live("a"), text.replace("\"v\":1", "\"v\":2")).unwrap();
        assert!(sites.refresh("a").is_err());
        assert_eq!(sites.hosts(), ["a.example"]);
        // When it is opened anew, the others are served all the same.
        write(&layout, "b", "b.example", &[]);
        fs::write(layout.live_dir().join("c.json.tmp"), "{").unwrap();
        assert_eq!(Sites::open(layout).unwrap().hosts(), ["b.example"]);
    }

    #[test]
    fn a_project_is_one_file_name() {
        let temp = tempfile::tempdir().unwrap();
        let sites = Sites::open(Layout::new(temp.path())).unwrap();
        for name in ["", ".", "..", "a/b", "../a", ".hidden"] {
            assert!(
                matches!(sites.refresh(name), Err(ServeError::Project(_))),
                "{name}"
            );
        }
        assert!(sites.refresh("absent").is_ok());
    }
}
