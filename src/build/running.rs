//! One build, from its source to what is kept of it.

use super::cache::{Dependencies, WorkFolder, remove};
use super::log::Log;
use super::nix;
use super::node::{self, Manager, Manifests, Pin, Project};
use super::prebuilt::Listing;
use super::recipe::{Needs, Work};
use super::room::Room;
use super::source::Source;
use super::tools::Node;
use super::workshop::{Pending, Workshop};
use crate::artifact::Artifact;
use crate::edge::EdgeError;
use crate::edge::sandbox::{Access, Isolation, Job, Limits};
use crate::model::SiteId;
use crate::release::Digest;
use crate::words;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the source is, as a build sees it: always the same, so that paths in what it makes are too.
const INSIDE: &str = "/build";

/// Variables that every program of a build gets.
const COMMON: [(&str, &str); 3] = [("CI", "1"), ("LANG", "C.UTF-8"), ("TZ", "UTC")];

/// The system's certificate authorities (Debian, Alpine, NixOS), which Node.js does not look at by itself: a
/// company's own, for one, is among them.
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Variables by which tools are told not to call home.
const NO_TELEMETRY: [(&str, &str); 6] = [
    ("DO_NOT_TRACK", "1"),
    ("ASTRO_TELEMETRY_DISABLED", "1"),
    ("NEXT_TELEMETRY_DISABLED", "1"),
    ("NUXT_TELEMETRY_DISABLED", "1"),
    ("GATSBY_TELEMETRY_DISABLED", "1"),
    ("NG_CLI_ANALYTICS", "false"),
];

/// Variables by which Hugo is forbidden what a site's own configuration could allow it: the environment, other
/// programs, the network (gohugo.io/about/security).
const HUGO_SECURITY: [(&str, &str); 3] = [
    ("HUGO_SECURITY_FUNCS_GETENV", "none"),
    ("HUGO_SECURITY_EXEC_ALLOW", "none"),
    ("HUGO_SECURITY_HTTP_URLS", "none"),
];

/// A build that is running.
pub(super) struct Running<'p> {
    pub(super) pending: &'p Pending,
    pub(super) log: Log,
    /// When it must have ended.
    pub(super) deadline: Instant,
}

/// The way a project of Node.js is built.
struct NodeProject {
    project: Project,
    node: Node,
}

impl Running<'_> {
    fn workshop(&self) -> &Workshop {
        &self.pending.workshop
    }

    /// Makes the artifact.
    pub(super) fn make(&mut self, key: &Digest, digest: &Digest) -> Result<Artifact, EdgeError> {
        let work = self.workshop().cache.work()?;
        self.log
            .say(&format!("source: {}", self.pending.origin.told()));
        let pending = self.pending;
        // Files that lie ready are not to be published with their history.
        let history = matches!(pending.recipe.work, Work::Command { .. });
        let folder = work.path().join("source");
        let source = pending.origin.write(&folder, digest, history)?;
        let listing = match &pending.recipe.work {
            Work::Nothing => self.output(&source)?,
            Work::Flake { attribute } => self.flake(&source, &work, attribute)?,
            Work::Command { words, needs } => {
                self.command(&source, &work, words, *needs)?;
                remove(&source.root.join(".git")).map_err(|error| {
                    EdgeError::io("the history of the source cannot be removed", error)
                })?;
                self.output(&source)?
            }
        };
        self.workshop().cache.keep(key, &listing, pending.names)
    }

    /// What the build left, once all of it is found fit to be published.
    fn output(&self, source: &Source) -> Result<Listing, EdgeError> {
        let output = &self.pending.recipe.output;
        let folder = resolve(&source.root, &source.site.join(output)).ok_or_else(|| {
            let made = match self.pending.recipe.work {
                Work::Nothing => "the source has",
                Work::Command { .. } | Work::Flake { .. } => "the build left",
            };
            let there = folders(&source.site);
            EdgeError::rejected(format!("{made} no directory {output:?}; there are {there}"))
                .at("build.outputDir")
                .hint("build.outputDir names the directory of the built files")
        })?;
        Listing::below(folder, &[]).map_err(|error| error.at("build.outputDir"))
    }

    /// Builds an output of the source's flake.
    fn flake(
        &mut self,
        source: &Source,
        work: &WorkFolder,
        attribute: &str,
    ) -> Result<Listing, EdgeError> {
        let flake = nix::Flake::of(&source.site, attribute);
        self.log.say(&format!("nix build {}", flake.told()));
        let built = self.nix(&flake, work)?;
        let output = &self.pending.recipe.output;
        let folder = built.join(output);
        let folder = folder.canonicalize().map_err(|error| {
            EdgeError::rejected(format!("the flake's output has no directory {output:?}"))
                .at("build.outputDir")
                .source(error)
        })?;
        // What Nix built may be joined from several paths of its store, all of them readable by everyone.
        let store = nix::store_of(&built);
        Listing::below(folder, &[store]).map_err(|error| error.at("build.outputDir"))
    }

    fn nix(&mut self, flake: &nix::Flake, work: &WorkFolder) -> Result<PathBuf, EdgeError> {
        let isolated = self.workshop().settings.isolation == Isolation::Bubblewrap;
        let (home, left) = (work.path().join("home"), self.left()?);
        let output = flake.build(&home, isolated, left);
        output.map_err(|failure| {
            self.log.output(failure.stderr.as_bytes());
            self.failed(failure.error)
        })
    }

    /// Runs the command of a build.
    fn command(
        &mut self,
        source: &Source,
        work: &WorkFolder,
        words: &[String],
        needs: Needs,
    ) -> Result<(), EdgeError> {
        let workshop = Arc::clone(&self.pending.workshop);
        let mut room = Room::new(workshop.sandbox()?, &workshop.settings.tools);
        let top = room.mount(&source.root, Path::new(INSIDE), Access::Writable);
        match needs {
            Needs::Hugo => room.program(&workshop.tools.hugo()?.path),
            Needs::HugoNix => {
                let hugo = self.hugo_of_nix(source, work)?;
                room.program(&hugo);
            }
            Needs::Any => {
                if let Ok(hugo) = workshop.tools.hugo() {
                    room.program(&hugo.path);
                }
            }
            Needs::Node => {}
        }
        let _dependencies = match needs {
            Needs::Node | Needs::Any => self.dependencies(source, work, needs, &mut room, &top)?,
            Needs::Hugo | Needs::HugoNix => None,
        };
        let site = source
            .site
            .strip_prefix(&source.root)
            .unwrap_or(Path::new(""));
        let mut environment = owned(&COMMON);
        environment.extend(telling(source, &self.pending.site));
        environment.extend(owned(&[("NODE_ENV", "production")]));
        environment.extend(owned(&NO_TELEMETRY));
        environment.extend(owned(&HUGO_SECURITY));
        environment.extend(self.pending.variables());
        self.log.say(&words.join(" "));
        let job = room.job(words, environment, top.join(site), self.limits()?);
        self.run(&job)
    }

    /// The Hugo that the operator or the site's flake names.
    fn hugo_of_nix(&mut self, source: &Source, work: &WorkFolder) -> Result<PathBuf, EdgeError> {
        let attribute = &self.pending.build.flake_attribute;
        let settings = &self.workshop().settings;
        let flake = match (attribute.as_str(), &settings.hugo_package) {
            ("", Some(package)) => nix::Flake::named(package),
            ("", None) => {
                let message = "the settings name no Nix package of Hugo";
                return Err(EdgeError::unsupported(message).at("build.type").hint(
                    "set builds.hugo-package, nixpkgs#hugo say, or give build.flakeAttribute",
                ));
            }
            (attribute, _) => nix::Flake::of(&source.site, attribute),
        };
        self.log.say(&format!("nix build {}", flake.told()));
        let hugo = self.nix(&flake, work)?.join("bin/hugo");
        if hugo.is_file() {
            return Ok(hugo);
        }
        let message = format!("{} has no bin/hugo", flake.told());
        Err(EdgeError::rejected(message).at("build.flakeAttribute"))
    }

    /// Looks which Node.js a site needs, and installs its dependencies where the build will look for them.
    fn dependencies(
        &mut self,
        source: &Source,
        work: &WorkFolder,
        needs: Needs,
        room: &mut Room<'_>,
        top: &Path,
    ) -> Result<Option<Dependencies>, EdgeError> {
        let Some(found) = self.node_project(source, needs)? else {
            return Ok(None);
        };
        room.node(&found.node);
        let project = found.project.folder.clone();
        for folder in [&source.site, &project] {
            let below = folder.strip_prefix(&source.root).unwrap_or(Path::new(""));
            room.search(top.join(below).join("node_modules/.bin"));
        }
        let Some(manager) = found.project.manager else {
            return Ok(None);
        };
        let installed = self.installed(&found, manager, work)?;
        let unread = |error| EdgeError::io("installed dependencies cannot be used", error);
        let below = project.strip_prefix(&source.root).unwrap_or(Path::new(""));
        for modules in node::modules(&installed.tree).map_err(unread)? {
            let (from, to) = (installed.tree.join(&modules), project.join(&modules));
            // A source may hold some of its own by mistake.
            remove(&to).map_err(unread)?;
            if self.workshop().settings.isolation == Isolation::None {
                copy_tree(&from, &to).map_err(unread)?;
                continue;
            }
            let inside = top.join(below).join(&modules);
            fs::create_dir_all(&to).map_err(unread)?;
            room.mount(&from, &inside, Access::ReadOnly);
            for written in node::WRITTEN {
                if from.join(written).is_dir() {
                    room.scratch(inside.join(written));
                }
            }
        }
        Ok(Some(installed))
    }

    fn node_project(
        &self,
        source: &Source,
        needs: Needs,
    ) -> Result<Option<NodeProject>, EdgeError> {
        let Some(project) = Project::find(&source.root, &source.site)? else {
            return match needs {
                Needs::Node => {
                    let message = "the source has no package.json";
                    let error = EdgeError::rejected(message).at("build.type");
                    Err(error.hint("repo.subdirectory names the directory of the website"))
                }
                Needs::Any | Needs::Hugo | Needs::HugoNix => Ok(None),
            };
        };
        let mut folders = vec![source.site.as_path()];
        if project.folder != source.site {
            folders.push(&project.folder);
        }
        let node = self.workshop().tools.node_for(&Pin::read(&folders)?)?;
        Ok(Some(NodeProject { project, node }))
    }

    /// Dependencies as the lock file names them: from the cache, or installed with the network and without any
    /// program of theirs.
    fn installed(
        &mut self,
        found: &NodeProject,
        manager: Manager,
        work: &WorkFolder,
    ) -> Result<Dependencies, EdgeError> {
        let workshop = Arc::clone(&self.pending.workshop);
        let version = workshop.tools.manager(manager.program(), &found.node)?;
        manager.keeps_to_lock_file(&version)?;
        let tools = [
            format!("node {}", found.node.version),
            format!("{} {version}", manager.program()),
            format!("{:?} {:?}", manager, workshop.settings.registry),
        ];
        let manifests = Manifests::read(&found.project.folder)?;
        let key = manifests.key(&tools);
        if let Some(there) = workshop.cache.dependencies(&key)? {
            self.log.say("dependencies: as they were installed before");
            return Ok(there);
        }
        let unwritten = |error| EdgeError::io("dependencies cannot be installed", error);
        let folder = work.path().join("dependencies");
        manifests.write(&folder).map_err(unwritten)?;
        let mut room = Room::new(workshop.sandbox()?, &workshop.settings.tools);
        let top = room.mount(&folder, Path::new(INSIDE), Access::Writable);
        room.node(&found.node);
        let store = work.path().join("store");
        fs::create_dir(&store).map_err(unwritten)?;
        let inside = room.mount(&store, Path::new("/store"), Access::Writable);
        let words = manager.install(&inside.to_string_lossy());
        let mut environment = owned(&COMMON);
        environment.extend(owned(manager.environment()));
        if let Some(file) = &workshop.settings.certificates {
            let seen = room.mount(file, Path::new("/tools/certificates"), Access::ReadOnly);
            environment.push(("NODE_EXTRA_CA_CERTS".into(), seen.display().to_string()));
        } else if Path::new(SYSTEM_CERTIFICATES).is_file() {
            environment.push(("NODE_EXTRA_CA_CERTS".into(), SYSTEM_CERTIFICATES.into()));
        }
        if let Some(registry) = &workshop.settings.registry {
            for name in [
                "npm_config_registry",
                "YARN_REGISTRY",
                "YARN_NPM_REGISTRY_SERVER",
            ] {
                environment.push((name.into(), registry.clone()));
            }
        }
        self.log.say(&format!(
            "dependencies: {} (Node.js {}, {} {})",
            words.join(" "),
            found.node.version,
            manager.program(),
            version
        ));
        let job = Job {
            network: true,
            ..room.job(&words, environment, top, self.limits()?)
        };
        self.run(&job)?;
        for modules in node::modules(&folder).map_err(unwritten)? {
            for written in node::WRITTEN {
                fs::create_dir_all(folder.join(&modules).join(written)).map_err(unwritten)?;
            }
        }
        workshop.cache.keep_dependencies(&key, &folder)
    }

    /// Runs a program, its output going to the log.
    fn run(&mut self, job: &Job) -> Result<(), EdgeError> {
        let workshop = Arc::clone(&self.pending.workshop);
        let log = &mut self.log;
        let ended = workshop
            .sandbox()?
            .run(job, &mut |_, bytes| log.output(bytes));
        match ended {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(error.into())),
        }
    }

    /// The error of a failed program, with the last of what it wrote.
    fn failed(&mut self, error: EdgeError) -> EdgeError {
        let mut error = error;
        let told = self.log.told();
        if !told.is_empty() {
            error.message = format!("{}; it wrote:\n{told}", error.message);
        }
        if error.path.is_empty() {
            error.path = "build";
        }
        if error.hint.is_none() {
            let site = &self.pending.site;
            error.hint = Some(format!("all of it: mycelia-spore logs {site}"));
        }
        error
    }

    fn limits(&self) -> Result<Limits, EdgeError> {
        Ok(Limits {
            wall: self.left()?,
            ..self.workshop().settings.limits
        })
    }

    /// The time that is left.
    fn left(&self) -> Result<Duration, EdgeError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let limit = words::duration(self.pending.timeout());
            let message = format!("the build took longer than {limit}");
            return Err(EdgeError::rejected(message).at("build.timeoutSeconds"));
        }
        Ok(left)
    }
}

/// Variables that tell a build what it is of.
fn telling(source: &Source, site: &SiteId) -> Vec<(String, String)> {
    let epoch = source.committed.max(0).to_string();
    owned(&[
        ("SOURCE_DATE_EPOCH", &epoch),
        ("SPORE_SITE", site.as_str()),
        ("SPORE_REVISION", &source.revision),
        ("SPORE_BRANCH", &source.branch),
    ])
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(own).collect()
}

/// The real path of something that a build left, links followed as the build sees them; `None` when it is not there
/// or not within the source.
fn resolve(root: &Path, path: &Path) -> Option<PathBuf> {
    const LINKS: usize = 40;
    let root = root.canonicalize().ok()?;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        if let Ok(target) = fs::read_link(&path) {
            let parent = path.parent()?.to_owned();
            path = match target.strip_prefix(INSIDE) {
                Ok(below) => root.join(below),
                Err(_) => parent.join(target),
            };
            continue;
        }
        let real = path.canonicalize().ok()?;
        return (real.starts_with(&root) && real.is_dir()).then_some(real);
    }
    None
}

/// The names of the folders in a folder, for a person who looks for one.
fn folders(within: &Path) -> String {
    let entries = fs::read_dir(within).into_iter().flatten().flatten();
    let folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut names: Vec<String> = entries
        .filter(folder)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "node_modules")
        .collect();
    names.sort();
    match names.as_slice() {
        [] => "none".into(),
        _ => names.join(", "),
    }
}

/// Copies a folder with its links.
fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry?;
        let below = entry.path().strip_prefix(from).unwrap_or(entry.path());
        let target = to.join(below);
        if entry.path_is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else if entry.file_type().is_dir() {
            fs::create_dir_all(target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
