//! What decides which dependencies are installed, and where they are.

use super::Manager;
use crate::edge::EdgeError;
use crate::release::Digest;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Files that package managers read when they install.
const NAMES: [&str; 10] = [
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "yarn.lock",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".yarnrc.yaml",
];

/// Endings of files that a lock file may refer to: patches of packages, and packages kept beside the source.
const ENDINGS: [&str; 3] = ["patch", "diff", "tgz"];

/// The folder of yarn's patches. Its others hold programs, which do not run then.
const YARN: &str = ".yarn/patches";

/// Folders that tools write to inside of installed dependencies.
pub(in crate::build) const WRITTEN: [&str; 4] = [".cache", ".vite", ".vite-temp", ".astro"];

/// The files of a project that decide which dependencies are installed. Nothing else is there when they are.
#[derive(Debug)]
pub(in crate::build) struct Manifests {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Manifests {
    /// The files of a project.
    ///
    /// # Errors
    /// One cannot be read.
    pub(in crate::build) fn read(root: &Path) -> Result<Self, EdgeError> {
        let mut files = BTreeMap::new();
        let entries = WalkDir::new(root).sort_by_file_name().into_iter();
        for entry in entries.filter_entry(|entry| !is_modules(entry)) {
            let unread = |error: io::Error| EdgeError::io("the source cannot be read", error);
            let entry = entry.map_err(|error| unread(error.into()))?;
            let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
            if entry.file_type().is_file() && decides(path) {
                let bytes = fs::read(entry.path()).map_err(unread)?;
                files.insert(path.to_owned(), bytes);
            }
        }
        Ok(Self { files })
    }

    /// The key under which what is installed by them is kept.
    pub(in crate::build) fn key(&self, tools: &[String]) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("mycelia-spore 2026 dependencies v1");
        let mut add = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for tool in tools {
            add(tool.as_bytes());
        }
        for (path, bytes) in &self.files {
            add(path.as_os_str().as_encoded_bytes());
            add(bytes);
        }
        hasher.finalize().into()
    }

    /// Writes them to a folder.
    ///
    /// # Errors
    /// It cannot be written.
    pub(in crate::build) fn write(&self, into: &Path) -> io::Result<()> {
        fs::create_dir_all(into)?;
        for (path, bytes) in &self.files {
            let path = into.join(path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(path, bytes)?;
        }
        Ok(())
    }
}

impl Manager {
    /// Variables that make a manager install into `node_modules`, below its own folder and without asking.
    pub(in crate::build) const fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Npm => &[("npm_config_update_notifier", "false")],
            Self::Pnpm => &[
                ("npm_config_update_notifier", "false"),
                // pnpm fetches the release of itself that package.json names, which the operator did not install.
                ("npm_config_manage_package_manager_versions", "false"),
            ],
            Self::Yarn => &[
                ("YARN_DISABLE_SELF_UPDATE_CHECK", "true"),
                // Else a project's own file could run instead of yarn.
                ("YARN_IGNORE_PATH", "1"),
            ],
            Self::YarnBerry => &[
                ("YARN_IGNORE_PATH", "1"),
                ("YARN_NODE_LINKER", "node-modules"),
                ("YARN_ENABLE_TELEMETRY", "false"),
                ("YARN_ENABLE_GLOBAL_CACHE", "false"),
            ],
            Self::Bun => &[],
        }
    }
}

fn is_modules(entry: &DirEntry) -> bool {
    entry.file_type().is_dir()
        && (entry.file_name() == "node_modules" || entry.file_name() == ".git")
}

fn decides(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let ending = path.extension().and_then(|ending| ending.to_str());
    name.is_some_and(|name| NAMES.contains(&name))
        || ending.is_some_and(|ending| ENDINGS.contains(&ending))
        || path.starts_with(YARN)
}

/// The folders of dependencies below a folder, relative to it, those within others left out.
///
/// # Errors
/// A folder cannot be listed.
pub(in crate::build) fn modules(tree: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries = WalkDir::new(tree).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if entry.file_type().is_dir() && entry.file_name() == "node_modules" {
            let path = entry.path().strip_prefix(tree).unwrap_or(entry.path());
            found.push(path.to_owned());
            entries.skip_current_dir();
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const FILES: [(&str, &str); 6] = [
        ("package.json", "{}"),
        ("package-lock.json", "{}"),
        ("packages/one/package.json", "{}"),
        ("packages/one/src/index.js", "1"),
        ("patches/left-pad.patch", "-a"),
        ("node_modules/x/package.json", "{}"),
    ];

    #[test]
    fn what_decides_is_read_and_nothing_else() {
        let root = project(&FILES);
        let manifests = Manifests::read(root.path()).unwrap();
        let copy = tempfile::tempdir().unwrap();
        manifests.write(copy.path()).unwrap();
        let paths: Vec<_> = manifests
            .files
            .keys()
            .map(|path| path.to_str().unwrap())
            .collect();
        let expected = [
            "package-lock.json",
            "package.json",
            "packages/one/package.json",
            "patches/left-pad.patch",
        ];
        assert_eq!(paths, expected);
        assert!(copy.path().join("patches/left-pad.patch").is_file());
        assert!(!copy.path().join("packages/one/src").exists());
    }

    #[test]
    fn the_key_is_of_files_and_tools() {
        let key = |files: &[(&str, &str)], tools: &[&str]| {
            let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
            Manifests::read(project(files).path()).unwrap().key(&tools)
        };
        let one = key(&FILES, &["node 22.1.0"]);
        assert_eq!(one, key(&FILES, &["node 22.1.0"]));
        assert_ne!(one, key(&FILES, &["node 22.1.1"]));
        let mut other = FILES;
        other[3].1 = "2";
        assert_eq!(one, key(&other, &["node 22.1.0"]), "sources do not matter");
        other[1].1 = "{\"lockfileVersion\": 3}";
        assert_ne!(one, key(&other, &["node 22.1.0"]));
    }

    #[test]
    fn folders_of_dependencies_are_found_wherever_the_project_has_them() {
        let root = project(&[
            ("node_modules/a/node_modules/b/index.js", ""),
            ("packages/one/node_modules/c/index.js", ""),
        ]);
        let found = modules(root.path()).unwrap();
        assert_eq!(
            found,
            [
                Path::new("node_modules"),
                Path::new("packages/one/node_modules")
            ]
        );
    }
}
