//! From a recipe to an artifact.
//!
//! [`Builds::prepare`] is cheap and tells by a fingerprint whether the input may have changed since it
//! was last seen; [`Prepared::build`] does the work. Neither writes anything but caches and logs.
//!
//! A build of a source goes through the workshop (`workshop`, `running`): the source is written to a folder of its own
//! (`source`), what it needs is looked up (`recipe`, `tools`, `node`), dependencies are installed with the network and
//! without running anything of theirs, and the command runs in a sandbox without the network. What it leaves is kept by
//! digest (`cache`), its output as a log (`log`).

mod cache;
mod log;
mod nix;
mod node;
mod permits;
mod prebuilt;
mod recipe;
mod room;
mod running;
mod source;
mod tools;
pub mod treelink;
mod workshop;

pub use log::Logs;
pub use workshop::Listener;

use crate::artifact::{Artifact, Names};
use crate::desired::{Recipe, TreelinkRecipe};
use crate::edge::EdgeError;
use crate::edge::sandbox::{Isolation, Limits};
use crate::edge::secret::Credentials;
use crate::model::SiteId;
use crate::release::Digest;
use crate::source::SourcesSettings;
use prebuilt::Listing;
use source::Fetching;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use workshop::{Pending, Workshop};

/// Builds at once when nothing else is said: each takes a core or more, and memory by the GiB.
const JOBS: usize = 2;

/// What the operator decides about builds.
#[derive(Clone, Debug)]
pub struct BuildsSettings {
    /// The folder of caches, logs and running builds.
    pub folder: PathBuf,
    /// Directories of this machine below which sources may lie.
    pub roots: Vec<PathBuf>,
    /// How programs of a build are kept from everything else.
    pub isolation: Isolation,
    /// How many builds run at once.
    pub jobs: usize,
    /// What a build may use; its time is told by the message.
    pub limits: Limits,
    /// How much room artifacts that no site needs and installed dependencies may take, in bytes.
    pub cache_bytes: u64,
    /// Folders that builds may read and whose programs they may run.
    pub tools: Vec<PathBuf>,
    /// Folders with a Node.js in `bin`, besides the one on `PATH`.
    pub node: Vec<PathBuf>,
    /// The flake output that `hugoNix` takes Hugo from.
    pub hugo_package: Option<String>,
    /// Where npm, pnpm and yarn fetch packages from; `None` for their own registries.
    pub registry: Option<String>,
    /// Certificate authorities that packages' hosts may be known by, besides those of Node.js; `None` for the
    /// system's.
    pub certificates: Option<PathBuf>,
}

impl BuildsSettings {
    /// Builds in bubblewrap, two at once, each with 4 GiB of memory, 1,024 processes and 10 GiB of disk; caches up to
    /// 10 GiB. No directory of this machine may be read.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            folder,
            roots: Vec::new(),
            isolation: Isolation::Bubblewrap,
            jobs: JOBS,
            limits: Limits {
                wall: Duration::from_secs(1200),
                memory: 4 * GIB,
                processes: 1024,
                disk: 10 * GIB,
                file: 2 * GIB,
                open_files: 65_536,
                scratch: GIB,
            },
            cache_bytes: 10 * GIB,
            tools: Vec::new(),
            node: Vec::new(),
            hugo_package: None,
            registry: None,
            certificates: None,
        }
    }
}

/// Makes artifacts of what the operator's settings allow.
#[derive(Clone, Debug)]
pub struct Builds {
    roots: Vec<PathBuf>,
    workshop: Arc<Workshop>,
}

/// A recipe whose input was looked at.
#[derive(Debug)]
pub struct Prepared<'r> {
    input: Input<'r>,
    workshop: Arc<Workshop>,
    names: Names,
    now: jiff::Timestamp,
}

#[derive(Debug)]
enum Input<'r> {
    Listing(Listing),
    Page(&'r TreelinkRecipe),
    Build(Box<Pending>),
}

/// What a recipe yielded.
#[derive(Debug)]
pub struct Built {
    /// The files.
    pub artifact: Artifact,
    /// When the same input will yield something else by the passing of time alone, if it will.
    pub next_edge: Option<jiff::Timestamp>,
}

impl Builds {
    /// Builds by these settings. The listener is told what they are doing.
    #[must_use]
    pub fn new(
        settings: BuildsSettings,
        sources: SourcesSettings,
        credentials: Credentials,
        listener: Option<Listener>,
    ) -> Self {
        let roots = settings.roots.clone();
        let fetching = Fetching::new(sources, credentials);
        let workshop = Arc::new(Workshop::new(settings, fetching, listener));
        Self { roots, workshop }
    }

    /// Clears away what earlier runs left, and what is needed least of what takes more room than it may. The
    /// artifacts of `needed` stay.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn sweep(&self, needed: &BTreeSet<Digest>) -> Result<(), EdgeError> {
        self.workshop.fetching().sweep()?;
        self.workshop.sweep(needed)
    }

    /// What there is of the programs that sources and builds take: each with its version, or why it cannot be used.
    #[must_use]
    pub fn survey(&self) -> Vec<(&'static str, Result<String, EdgeError>)> {
        self.workshop.survey()
    }

    /// Looks at a recipe's input. Its files are also given the names that are asked for.
    ///
    /// # Errors
    /// The input is missing, not allowed, or cannot be published.
    pub fn prepare<'r>(
        &self,
        site: &SiteId,
        recipe: &'r Recipe,
        names: Names,
        now: jiff::Timestamp,
    ) -> Result<Prepared<'r>, EdgeError> {
        let input = match recipe {
            Recipe::Prebuilt(directory) => Input::Listing(Listing::of(directory, &self.roots)?),
            Recipe::Treelink(page) => Input::Page(page),
            Recipe::Source(build) => {
                Input::Build(Box::new(self.workshop.find(site, build, names)?))
            }
        };
        let workshop = Arc::clone(&self.workshop);
        Ok(Prepared {
            input,
            workshop,
            names,
            now,
        })
    }
}

impl Prepared<'_> {
    /// A digest that is equal when the input is, without reading it; `None` when that cannot be told,
    /// because something changed too short a time ago or an earlier build is not to be used.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Digest> {
        match &self.input {
            Input::Listing(listing) => listing.fingerprint(self.now),
            Input::Build(pending) => pending.fingerprint(self.now),
            // A page depends on the message and the renderer alone.
            Input::Page(_) => Some(Digest::of(
                concat!("treelink ", env!("CARGO_PKG_VERSION")).as_bytes(),
            )),
        }
    }

    /// Makes the artifact.
    ///
    /// # Errors
    /// The input cannot be read, or the build fails.
    pub fn build(self) -> Result<Built, EdgeError> {
        match self.input {
            Input::Listing(listing) => Ok(Built {
                artifact: listing.read(self.workshop.stats(), self.names)?,
                next_edge: None,
            }),
            Input::Build(pending) => Ok(Built {
                artifact: pending.build()?,
                next_edge: None,
            }),
            Input::Page(recipe) => {
                let page = treelink::Page {
                    content: &recipe.content,
                    title: &recipe.title,
                    description: &recipe.description,
                    language: &recipe.language,
                    base_url: &recipe.base_url,
                    now: self.now,
                };
                let rendered = treelink::render(&page).map_err(|error| {
                    EdgeError::rejected("the page cannot be rendered").source(error)
                })?;
                Ok(Built {
                    artifact: Artifact::in_memory(rendered.files),
                    next_edge: rendered.next_edge,
                })
            }
        }
    }
}
