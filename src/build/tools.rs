//! The programs that builds use: where they are and which versions.

use super::node::Pin;
use crate::edge::EdgeError;
use crate::edge::process::Command;
use nodejs_semver::Version;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How long a program may take to tell its version.
const TELLING: Duration = Duration::from_secs(30);

/// The programs of this machine.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// Folders whose `bin` and `node_modules/.bin` are looked through before `PATH`.
    folders: Vec<PathBuf>,
    /// Folders with a Node.js in `bin`.
    nodes: Vec<PathBuf>,
    versions: Mutex<BTreeMap<PathBuf, (Stamp, String)>>,
}

/// What tells that a program was replaced.
type Stamp = (u64, Option<SystemTime>);

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tool {
    /// The file, its links resolved.
    pub(super) path: PathBuf,
    /// What it says its version is, in one line.
    pub(super) version: String,
}

/// A Node.js.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The folder that holds `bin/node`.
    pub(super) folder: PathBuf,
    /// Its version.
    pub(super) version: Version,
}

impl Tools {
    pub(super) fn new(folders: Vec<PathBuf>, nodes: Vec<PathBuf>) -> Self {
        Self {
            folders,
            nodes,
            versions: Mutex::default(),
        }
    }

    /// Where programs are looked for.
    pub(super) fn path(&self) -> Vec<PathBuf> {
        let own = self
            .folders
            .iter()
            .flat_map(|folder| [folder.join("bin"), folder.join("node_modules/.bin")]);
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        own.chain(std::env::split_paths(&inherited)).collect()
    }

    /// A program, if it is there.
    fn find(&self, name: &str) -> Option<PathBuf> {
        let candidates = self.path().into_iter().map(|folder| folder.join(name));
        let mut files = candidates.filter(|path| path.is_file());
        files.next()
    }

    /// Node.js in all versions there are, the package managers that go with the newest, and Nix.
    pub(super) fn survey(&self) -> Vec<(&'static str, Result<String, EdgeError>)> {
        let nodes = self.nodes();
        let versions: Vec<String> = nodes.iter().map(|node| node.version.to_string()).collect();
        let node = match versions.as_slice() {
            [] => Err(missing("node")),
            _ => Ok(versions.join(", ")),
        };
        let newest = nodes.first();
        let manager = |name| match newest {
            Some(node) => self.manager(name, node),
            None => Err(missing("node")),
        };
        let nix = self.find("nix").ok_or_else(|| missing("nix"));
        let nix = nix.and_then(|path| self.version(&path, "--version", None));
        vec![
            ("node", node),
            ("npm", manager("npm")),
            ("pnpm", manager("pnpm")),
            ("yarn", manager("yarn")),
            ("nix", nix),
        ]
    }

    /// Hugo.
    ///
    /// # Errors
    /// It is not there, or does not tell its version.
    pub(super) fn hugo(&self) -> Result<Tool, EdgeError> {
        let path = self.find("hugo").ok_or_else(|| missing("hugo"))?;
        let version = self.version(&path, "version", None)?;
        let path = path.canonicalize().unwrap_or(path);
        Ok(Tool { path, version })
    }

    /// The version of a package manager, as it runs with a Node.js; the one that comes with it goes first.
    ///
    /// # Errors
    /// It is not there, or does not tell its version.
    pub(super) fn manager(&self, name: &str, node: &Node) -> Result<String, EdgeError> {
        let own = node.folder.join("bin");
        let path = Some(own.join(name)).filter(|path| path.is_file());
        let path = path
            .or_else(|| self.find(name))
            .ok_or_else(|| missing(name))?;
        self.version(&path, "--version", Some(&own))
    }

    /// Every Node.js there is, the newest first.
    pub(super) fn nodes(&self) -> Vec<Node> {
        let found = self.find("node").and_then(|path| path.canonicalize().ok());
        let usual = found
            .as_deref()
            .and_then(Path::parent)
            .and_then(Path::parent);
        let folders = self.nodes.iter().map(PathBuf::as_path).chain(usual);
        let mut nodes: Vec<Node> = Vec::new();
        for folder in folders {
            match self.node(folder) {
                Ok(node) if nodes.iter().any(|other| other.folder == node.folder) => {}
                Ok(node) => nodes.push(node),
                Err(error) => tracing::warn!("{}", error.full()),
            }
        }
        nodes.sort_by(|one, two| two.version.cmp(&one.version));
        nodes
    }

    fn node(&self, folder: &Path) -> Result<Node, EdgeError> {
        let text = self.version(&folder.join("bin/node"), "--version", None)?;
        let version = Version::parse(text.trim_start_matches('v')).map_err(|_| {
            EdgeError::unsupported(format!(
                "{}/bin/node says its version is {text:?}",
                folder.display()
            ))
        })?;
        Ok(Node {
            folder: folder.to_owned(),
            version,
        })
    }

    /// The newest Node.js that a site may be built with.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn node_for(&self, pins: &[Pin]) -> Result<Node, EdgeError> {
        let nodes = self.nodes();
        let fits = |node: &&Node| pins.iter().all(|pin| pin.allows(&node.version));
        if let Some(node) = nodes.iter().find(fits) {
            return Ok(node.clone());
        }
        let wanted: Vec<String> = pins.iter().map(ToString::to_string).collect();
        let there: Vec<String> = nodes.iter().map(|node| node.version.to_string()).collect();
        let there = match there.as_slice() {
            [] => "none is installed".to_owned(),
            _ => format!("there is {}", there.join(", ")),
        };
        let message = format!(
            "no Node.js fits: {} is asked for, {there}",
            wanted.join(" and ")
        );
        Err(EdgeError::unsupported(message)
            .at("build.type")
            .hint("install it and name its folder in builds.node of the settings"))
    }

    /// What a program says its version is; asked once for each state of its file.
    fn version(
        &self,
        path: &Path,
        question: &str,
        first: Option<&Path>,
    ) -> Result<String, EdgeError> {
        let unknown = |error: Box<dyn std::error::Error + Send + Sync>| {
            let message = format!("{} does not tell its version", path.display());
            EdgeError::unsupported(message).source(error)
        };
        let metadata = fs::metadata(path).map_err(|error| unknown(error.into()))?;
        let stamp = (metadata.len(), metadata.modified().ok());
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((seen, version)) = versions.get(path)
            && *seen == stamp
        {
            return Ok(version.clone());
        }
        let folders = first.map(Path::to_owned).into_iter().chain(self.path());
        let output = Command::new(path.as_os_str())
            .arg(OsStr::new(question))
            .env("PATH", std::env::join_paths(folders).unwrap_or_default())
            .env("HOME", "/nonexistent")
            .timeout(TELLING)
            .run()
            .map_err(|error| unknown(error.into()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.lines().next().unwrap_or_default().trim().to_owned();
        versions.insert(path.to_owned(), (stamp, version.clone()));
        Ok(version)
    }
}

fn missing(name: &str) -> EdgeError {
    EdgeError::unsupported(format!("{name} is not installed"))
        .at("build.type")
        .hint(format!(
            "install {name}, or name the folder that holds its bin in builds.tools of the settings"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A folder with a program in `bin` that says this.
    fn with(name: &str, says: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        write(&folder.path().join("bin").join(name), says);
        folder
    }

    fn write(path: &Path, says: &str) {
        fs::write(path, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_newest_node_that_fits_is_taken() {
        let (old, new) = (with("node", "v4.0.0"), with("node", "v99.1.2"));
        let nodes = vec![old.path().to_owned(), new.path().to_owned()];
        let tools = Tools::new(Vec::new(), nodes);
        let site = tempfile::tempdir().unwrap();
        let node = |version: &str| {
            fs::write(site.path().join(".nvmrc"), version).unwrap();
            tools.node_for(&Pin::read(&[site.path()]).unwrap())
        };
        assert_eq!(node(">=99").unwrap().folder, new.path());
        assert_eq!(node("4").unwrap().folder, old.path());
        let error = node("99.2").unwrap_err();
        let message = error.message;
        let begin = "no Node.js fits: 99.2 of .nvmrc is asked for, there is 99.1.2, ";
        assert!(message.starts_with(begin), "{message}");
        assert!(message.ends_with("4.0.0"), "{message}");
    }

    #[test]
    fn a_program_that_was_replaced_is_asked_again() {
        let folder = with("hugo", "hugo v1");
        let tools = Tools::new(vec![folder.path().to_owned()], Vec::new());
        assert_eq!(tools.hugo().unwrap().version, "hugo v1");
        write(&folder.path().join("bin/hugo"), "hugo v1.0.1");
        assert_eq!(tools.hugo().unwrap().version, "hugo v1.0.1");
    }
}
