//! Which package manager installs a project's dependencies, told by its lock file.

use super::pin::{manifest, read};
use crate::edge::EdgeError;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Lock files, and whose they are. The one of Bun is named so that it can be refused by name.
const LOCK_FILES: [(&str, Manager); 6] = [
    ("npm-shrinkwrap.json", Manager::Npm),
    ("package-lock.json", Manager::Npm),
    ("pnpm-lock.yaml", Manager::Pnpm),
    ("yarn.lock", Manager::Yarn),
    ("bun.lock", Manager::Bun),
    ("bun.lockb", Manager::Bun),
];

/// Fields of a `package.json` that name dependencies.
const DEPENDENCIES: [&str; 4] = [
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "workspaces",
];

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::build) enum Manager {
    Npm,
    Pnpm,
    /// The first generation of yarn.
    Yarn,
    /// The later ones.
    YarnBerry,
    Bun,
}

/// A project and how its dependencies are installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::build) struct Project {
    /// The folder of the lock file.
    pub(in crate::build) folder: PathBuf,
    /// `None` for a project without dependencies.
    pub(in crate::build) manager: Option<Manager>,
}

impl Manager {
    /// The program.
    pub(in crate::build) const fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn | Self::YarnBerry => "yarn",
            Self::Bun => "bun",
        }
    }

    /// The command that installs exactly what the lock file names and runs nothing of it. What it keeps for
    /// later goes to `store`.
    pub(in crate::build) fn install(self, store: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Npm => &[
                "npm",
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                // Some attempts, so that a network that is down is told within a minute.
                "--fetch-retries=2",
                "--fetch-retry-mintimeout=1000",
                "--fetch-retry-maxtimeout=10000",
                // A project's .npmrc could name another program.
                "--git=git",
                "--cache",
                store,
            ],
            Self::Pnpm => &[
                "pnpm",
                "install",
                "--frozen-lockfile",
                "--ignore-scripts",
                "--ignore-pnpmfile",
                "--store-dir",
                store,
            ],
            Self::Yarn => &[
                "yarn",
                "install",
                "--frozen-lockfile",
                "--ignore-scripts",
                "--non-interactive",
                "--cache-folder",
                store,
            ],
            Self::YarnBerry => &["yarn", "install", "--immutable", "--mode=skip-build"],
            Self::Bun => &["bun", "install", "--frozen-lockfile", "--ignore-scripts"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

impl Manager {
    /// Whether an installed release keeps to the lock file. yarn of another generation than the lock file's takes
    /// what is newest and writes the lock file anew, whatever it is told.
    ///
    /// # Errors
    /// It does not.
    pub(in crate::build) fn keeps_to_lock_file(self, version: &str) -> Result<(), EdgeError> {
        let first = version.split('.').next().unwrap_or_default() == "1";
        let (lock, wanted) = match self {
            Self::Yarn if !first => ("yarn 1", "yarn 1"),
            Self::YarnBerry if first => ("yarn 2 or later", "the yarn that wrote it"),
            Self::Npm | Self::Pnpm | Self::Yarn | Self::YarnBerry | Self::Bun => return Ok(()),
        };
        let message = format!("yarn.lock is of {lock}, and yarn {version} is installed");
        let hint = format!("install {wanted}, and name its folder in builds.tools of the settings");
        Err(EdgeError::unsupported(message).at("build.type").hint(hint))
    }
}

impl Project {
    /// Finds the project of a website: the nearest folder with a lock file from `site` up to `root`, which holds
    /// the whole source. `None` when the site is no project of Node.js.
    ///
    /// # Errors
    /// There are dependencies and no lock file, or lock files of several package managers, or one of a manager
    /// that is not supported.
    pub(in crate::build) fn find(root: &Path, site: &Path) -> Result<Option<Self>, EdgeError> {
        let mut folder = site;
        loop {
            if let Some(manager) = locked(folder)? {
                return Ok(Some(Self {
                    folder: folder.to_owned(),
                    manager: Some(manager),
                }));
            }
            match folder.parent() {
                Some(parent) if folder != root => folder = parent,
                _ => return unlocked(site),
            }
        }
    }
}

/// The manager whose lock file a folder has.
fn locked(folder: &Path) -> Result<Option<Manager>, EdgeError> {
    let there: Vec<_> = LOCK_FILES
        .iter()
        .filter(|(name, _)| folder.join(name).is_file())
        .collect();
    let Some((name, manager)) = there.first() else {
        return Ok(None);
    };
    if let Some((other, _)) = there.iter().find(|(_, other)| other != manager) {
        let message = format!("there are lock files of two package managers: {name} and {other}");
        return Err(EdgeError::rejected(message)
            .at("build.type")
            .hint("keep the one that is in use"));
    }
    Ok(Some(match manager {
        Manager::Yarn if is_berry(&folder.join(name))? => {
            refuse_plugins(folder)?;
            Manager::YarnBerry
        }
        Manager::Bun => {
            let message = format!("dependencies locked by bun ({name}) are not supported");
            return Err(EdgeError::unsupported(message)
                .at("build.type")
                .hint("lock them by npm, pnpm or yarn"));
        }
        manager => *manager,
    }))
}

/// Whether a `yarn.lock` is of yarn 2 or later, which begin theirs with what they call metadata.
fn is_berry(lock: &Path) -> Result<bool, EdgeError> {
    Ok(read(lock)?.is_some_and(|text| text.lines().any(|line| line == "__metadata:")))
}

/// Refuses plugins of yarn, which are programs of the project: nothing else of it runs where there is a network.
fn refuse_plugins(folder: &Path) -> Result<(), EdgeError> {
    #[derive(Deserialize)]
    struct Configuration {
        plugins: Option<IgnoredAny>,
    }
    let Some(text) = read(&folder.join(".yarnrc.yml"))? else {
        return Ok(());
    };
    if text.trim().is_empty() {
        return Ok(());
    }
    let configuration: Configuration = serde_saphyr::from_str(&text).map_err(|error| {
        EdgeError::rejected(".yarnrc.yml cannot be read")
            .at("build.type")
            .source(error)
    })?;
    if configuration.plugins.is_none() {
        return Ok(());
    }
    let message = ".yarnrc.yml names plugins, which yarn would run while it installs";
    Err(EdgeError::unsupported(message)
        .at("build.type")
        .hint("remove them; those that yarn 4 comes with need not be named"))
}

/// What a website without a lock file is.
fn unlocked(site: &Path) -> Result<Option<Project>, EdgeError> {
    let Some(text) = read(&site.join("package.json"))? else {
        return Ok(None);
    };
    let manifest = manifest(&text)?;
    let filled = |field: &&&str| match manifest.get(**field) {
        Some(Value::Object(items)) => !items.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    };
    if let Some(field) = DEPENDENCIES.iter().find(filled) {
        let message = format!("package.json has {field}, but there is no lock file");
        return Err(EdgeError::rejected(message).at("build.type").hint(
            "commit package-lock.json (npm install), pnpm-lock.yaml or yarn.lock with the source",
        ));
    }
    Ok(Some(Project {
        folder: site.to_owned(),
        manager: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The project found in a folder of these files, whose website is in `web`.
    fn found(files: &[(&str, &str)]) -> Result<Option<(String, Option<Manager>)>, String> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("web")).unwrap();
        for (name, text) in files {
            fs::write(root.path().join(name), text).unwrap();
        }
        let project = Project::find(root.path(), &root.path().join("web"));
        let project = project.map_err(|error| error.message)?;
        Ok(project.map(|project| {
            let folder = project.folder.strip_prefix(root.path()).unwrap();
            (folder.display().to_string(), project.manager)
        }))
    }

    #[test]
    fn the_nearest_lock_file_tells() {
        let web = |manager| Ok(Some(("web".to_owned(), Some(manager))));
        assert_eq!(found(&[("web/package-lock.json", "{}")]), web(Manager::Npm));
        assert_eq!(found(&[("web/pnpm-lock.yaml", "")]), web(Manager::Pnpm));
        assert_eq!(found(&[("web/yarn.lock", "# v1\n")]), web(Manager::Yarn));
        let berry = "# made by yarn\n\n__metadata:\n  version: 8\n";
        assert_eq!(found(&[("web/yarn.lock", berry)]), web(Manager::YarnBerry));
        let above = found(&[("pnpm-lock.yaml", ""), ("web/package.json", "{}")]);
        assert_eq!(above, Ok(Some((String::new(), Some(Manager::Pnpm)))));
        let both = [("yarn.lock", ""), ("web/package-lock.json", "{}")];
        assert_eq!(found(&both), web(Manager::Npm));
    }

    #[test]
    fn yarn_keeps_to_lock_files_of_its_generation() {
        let keeps = |manager: Manager, version| manager.keeps_to_lock_file(version).is_ok();
        assert!(keeps(Manager::Yarn, "1.22.22"));
        assert!(!keeps(Manager::Yarn, "4.18.1"));
        assert!(keeps(Manager::YarnBerry, "4.18.1"));
        assert!(!keeps(Manager::YarnBerry, "1.22.22"));
        assert!(keeps(Manager::Npm, "1.0.0"));
    }

    #[test]
    fn plugins_of_yarn_are_refused() {
        let lock = ("web/yarn.lock", "__metadata:\n  version: 8\n");
        let with = |text| found(&[lock, ("web/.yarnrc.yml", text)]);
        let fine = Ok(Some(("web".to_owned(), Some(Manager::YarnBerry))));
        for text in [
            "",
            "# nothing\n",
            "nodeLinker: node-modules\nnpmScopes:\n  a: {}\n",
        ] {
            assert_eq!(with(text), fine, "{text}");
        }
        let told = ".yarnrc.yml names plugins, which yarn would run while it installs";
        for text in [
            "plugins:\n  - a.cjs\n",
            "nodeLinker: pnp\n\"plugins\": [{path: a.cjs}]\n",
        ] {
            assert_eq!(with(text), Err(told.into()), "{text}");
        }
        let broken = with("plugins: [");
        assert_eq!(broken, Err(".yarnrc.yml cannot be read".into()));
    }

    #[test]
    fn what_is_not_locked_is_refused() {
        assert_eq!(found(&[]), Ok(None));
        let nothing = found(&[("web/package.json", r#"{"dependencies": {}}"#)]);
        assert_eq!(nothing, Ok(Some(("web".to_owned(), None))));
        let some = found(&[("web/package.json", r#"{"devDependencies": {"a": "1"}}"#)]);
        let message = "package.json has devDependencies, but there is no lock file";
        assert_eq!(some, Err(message.into()));
    }

    #[test]
    fn lock_files_that_contradict_or_are_unknown_are_named() {
        let two = found(&[("web/package-lock.json", "{}"), ("web/yarn.lock", "")]);
        let message =
            "there are lock files of two package managers: package-lock.json and yarn.lock";
        assert_eq!(two, Err(message.into()));
        let bun = found(&[("web/bun.lock", "{}")]);
        assert_eq!(
            bun,
            Err("dependencies locked by bun (bun.lock) are not supported".into())
        );
    }
}
