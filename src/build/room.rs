//! What a program of a build finds when it begins.

use super::tools::Node;
use crate::edge::sandbox::{Access, Job, Limits, Mount, Sandbox};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What a program finds when it begins.
pub(super) struct Room<'s> {
    sandbox: &'s Sandbox,
    mounts: Vec<Mount>,
    path: Vec<PathBuf>,
}

impl<'s> Room<'s> {
    /// Nothing but the system and the operator's tools.
    pub(super) fn new(sandbox: &'s Sandbox, tools: &[PathBuf]) -> Self {
        let mut room = Self {
            sandbox,
            mounts: Vec::new(),
            path: Vec::new(),
        };
        for folder in tools {
            let inside = room.mount(folder, folder, Access::ReadOnly);
            room.search(inside.join("bin"));
            room.search(inside.join("node_modules/.bin"));
        }
        room
    }

    /// Makes a folder or a file visible, and tells where.
    pub(super) fn mount(&mut self, outside: &Path, inside: &Path, access: Access) -> PathBuf {
        let mount = Mount::bind(outside, inside, access);
        let path = self.sandbox.inside(&mount);
        self.mounts.push(mount);
        path
    }

    pub(super) fn scratch(&mut self, inside: PathBuf) {
        self.mounts.push(Mount::scratch(inside));
    }

    /// Adds a folder that programs are looked for in, after those added before.
    pub(super) fn search(&mut self, folder: PathBuf) {
        self.path.push(folder);
    }

    /// Makes one program visible.
    pub(super) fn program(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default();
        let inside = Path::new("/tools/bin").join(name);
        let seen = self.mount(path, &inside, Access::ReadOnly);
        self.search(seen.parent().unwrap_or(&seen).to_owned());
    }

    /// Makes a Node.js visible, first of all.
    pub(super) fn node(&mut self, node: &Node) {
        let seen = self.mount(&node.folder, Path::new("/tools/node"), Access::ReadOnly);
        self.path.insert(0, seen.join("bin"));
    }

    pub(super) fn job(
        &self,
        words: &[String],
        environment: Vec<(String, String)>,
        folder: PathBuf,
        limits: Limits,
    ) -> Job {
        let system = [
            "/usr/local/bin",
            "/usr/bin",
            "/bin",
            "/run/current-system/sw/bin",
        ];
        let folders = self.path.iter().map(PathBuf::as_path);
        let path = std::env::join_paths(folders.chain(system.map(Path::new))).unwrap_or_default();
        let mut variables: Vec<(OsString, OsString)> = vec![("PATH".into(), path)];
        for (name, value) in environment {
            // A later one replaces an earlier one.
            variables.retain(|(other, _)| *other != *name);
            variables.push((name.into(), value.into()));
        }
        Job {
            program: words.iter().map(OsString::from).collect(),
            environment: variables,
            folder,
            mounts: self.mounts.clone(),
            network: false,
            limits,
        }
    }
}
