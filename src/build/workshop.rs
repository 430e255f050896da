//! Builds sources in the sandbox.

use super::BuildsSettings;
use super::cache::Cache;
use super::log::Logs;
use super::permits::Permits;
use super::prebuilt::Stats;
use super::recipe::{Needs, Recipe, Work};
use super::running::Running;
use super::source::{Fetching, Origin};
use super::tools::{Node, Tools};
use crate::artifact::{Artifact, Names};
use crate::desired::SourceBuild;
use crate::edge::EdgeError;
use crate::edge::sandbox::{Isolation, Sandbox};
use crate::model::{Build, CachePolicy, SiteId, VariableValue};
use crate::release::Digest;
use crate::words;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long a build may take when the message says nothing.
const TIMEOUT: Duration = Duration::from_secs(1200);

/// Told what a build of a site is doing, line by line.
pub type Listener = Arc<dyn Fn(&SiteId, &str) + Send + Sync>;

/// Everything that builds need.
pub(super) struct Workshop {
    pub(super) settings: BuildsSettings,
    fetching: Arc<Fetching>,
    pub(super) cache: Cache,
    logs: Logs,
    stats: Stats,
    pub(super) tools: Tools,
    permits: Permits,
    sandbox: OnceLock<Sandbox>,
    listener: Option<Listener>,
}

/// A build that was looked at and not begun.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) workshop: Arc<Workshop>,
    pub(super) site: SiteId,
    pub(super) origin: Origin,
    pub(super) build: Build,
    pub(super) recipe: Recipe,
    /// What the files are named by besides.
    pub(super) names: Names,
    /// The programs it may use, with their versions.
    tools: Vec<String>,
}

impl std::fmt::Debug for Workshop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workshop")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Workshop {
    pub(super) fn new(
        settings: BuildsSettings,
        fetching: Fetching,
        listener: Option<Listener>,
    ) -> Self {
        let folder = &settings.folder;
        Self {
            cache: Cache::new(folder.clone()),
            logs: Logs::new(folder),
            stats: Stats::new(folder.join("stats")),
            tools: Tools::new(settings.tools.clone(), settings.node.clone()),
            permits: Permits::new(settings.jobs),
            fetching: Arc::new(fetching),
            sandbox: OnceLock::new(),
            listener,
            settings,
        }
    }

    /// Clears away what killed builds left, and what is needed least.
    pub(super) fn sweep(&self, needed: &BTreeSet<Digest>) -> Result<(), EdgeError> {
        let swept = self.cache.sweep(needed, self.settings.cache_bytes)?;
        let (removed, left) = (swept.removed, swept.left);
        tracing::debug!(removed, left, "artifacts and dependencies");
        Ok(())
    }

    pub(super) const fn stats(&self) -> &Stats {
        &self.stats
    }

    pub(super) fn fetching(&self) -> &Fetching {
        &self.fetching
    }

    /// Looks at the source of a message.
    pub(super) fn find(
        self: &Arc<Self>,
        site: &SiteId,
        build: &SourceBuild,
        names: Names,
    ) -> Result<Pending, EdgeError> {
        let recipe = Recipe::of(&build.build)?;
        let origin = Origin::find(build, &self.fetching, &self.settings.roots)?;
        let tools = self.inventory(&recipe);
        Ok(Pending {
            workshop: Arc::clone(self),
            site: site.clone(),
            origin,
            build: build.build.clone(),
            recipe,
            names,
            tools,
        })
    }

    /// The programs that a build may use. One that is not there is missed when it is needed.
    fn inventory(&self, recipe: &Recipe) -> Vec<String> {
        let hugo = || self.tools.hugo().map(|tool| tool.version).ok();
        let nodes = || {
            let told = |node: Node| format!("node {}", node.version);
            self.tools.nodes().into_iter().map(told)
        };
        match &recipe.work {
            Work::Nothing => Vec::new(),
            Work::Flake { .. } => vec!["nix".into()],
            Work::Command { needs, .. } => match needs {
                Needs::Hugo => hugo().into_iter().collect(),
                Needs::HugoNix => vec![self.settings.hugo_package.clone().unwrap_or_default()],
                Needs::Node => nodes().collect(),
                Needs::Any => hugo().into_iter().chain(nodes()).collect(),
            },
        }
    }

    pub(super) fn sandbox(&self) -> Result<&Sandbox, EdgeError> {
        if let Some(sandbox) = self.sandbox.get() {
            return Ok(sandbox);
        }
        let sandbox = Sandbox::new(self.settings.isolation)?;
        Ok(self.sandbox.get_or_init(|| sandbox))
    }

    /// What there is of the programs that sources and builds take.
    pub(super) fn survey(&self) -> Vec<(&'static str, Result<String, EdgeError>)> {
        let sandbox = self.sandbox().map(|sandbox| match sandbox.isolation() {
            Isolation::Bubblewrap => "builds run in bubblewrap".to_owned(),
            Isolation::None => "none: builds see and do all that the daemon can".to_owned(),
        });
        let mut found = vec![
            ("git", self.fetching.ready()),
            ("sandbox", sandbox),
            ("hugo", self.tools.hugo().map(|tool| tool.version)),
        ];
        found.extend(self.tools.survey());
        found
    }

    fn listener(&self, site: &SiteId) -> Box<dyn FnMut(&str) + Send> {
        match &self.listener {
            Some(listener) => {
                let (listener, site) = (Arc::clone(listener), site.clone());
                Box::new(move |line| listener(&site, line))
            }
            None => Box::new(|_| ()),
        }
    }
}

impl Pending {
    /// What tells without reading the source that the build would yield the same.
    pub(super) fn fingerprint(&self, now: jiff::Timestamp) -> Option<Digest> {
        if self.build.cache_policy == CachePolicy::Rebuild {
            return None;
        }
        Some(self.key(&self.origin.fingerprint(now)?))
    }

    /// The key of the build of a source: equal for builds that would yield the same.
    fn key(&self, source: &Digest) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("mycelia-spore 2026 build v1");
        let mut add = |part: &str| {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        };
        add(&source.to_string());
        let below = self.origin.subdirectory().map(ToString::to_string);
        add(&below.unwrap_or_default());
        add(&format!("{:?}", self.recipe));
        add(&format!("{:?}", self.build.kind));
        add(self.build.flake_attribute.as_str());
        add(&format!("{:?}", self.workshop.settings.isolation));
        for (name, value) in self.variables() {
            add(&name);
            add(&value);
        }
        for tool in &self.tools {
            add(tool);
        }
        hasher.finalize().into()
    }

    /// The variables of the message. Those that name a credential were refused with the message.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let plain = |value: &VariableValue| match value {
            VariableValue::Plain(text) => Some(text.to_string()),
            VariableValue::Credential(_) => None,
        };
        let mut variables: Vec<(String, String)> = self
            .build
            .environment
            .iter()
            .filter_map(|variable| Some((variable.name.to_string(), plain(&variable.value)?)))
            .collect();
        variables.sort();
        variables
    }

    /// Makes the artifact, or takes the one that an earlier build of the same made.
    ///
    /// # Errors
    /// The source cannot be fetched, the build fails, or what it leaves cannot be published.
    pub(super) fn build(&self) -> Result<Artifact, EdgeError> {
        let workshop = &self.workshop;
        let source = self.origin.digest(&workshop.stats)?;
        let key = self.key(&source);
        let known = || match self.build.cache_policy {
            CachePolicy::Reuse => workshop.cache.find(&key),
            CachePolicy::Rebuild => None,
        };
        if let Some(artifact) = known() {
            return Ok(artifact);
        }
        let _alone = workshop.cache.building(&key, 2 * self.timeout())?;
        if let Some(artifact) = known() {
            return Ok(artifact);
        }
        let _permit = workshop.permits.take();
        let log = workshop
            .logs
            .begin(&self.site, workshop.listener(&self.site))?;
        let log_path = log.path().to_owned();
        let mut running = Running {
            pending: self,
            log,
            deadline: Instant::now() + self.timeout(),
        };
        let begun = Instant::now();
        let made = running.make(&key, &source);
        let took = words::duration(begun.elapsed());
        match &made {
            Ok(artifact) => {
                let files = words::count(artifact.files().len(), "file");
                let size = words::bytes(artifact.size());
                running
                    .log
                    .say(&format!("built in {took}: {files}, {size}"));
            }
            Err(error) => running
                .log
                .say(&format!("failed after {took}: {}", error.full())),
        }
        tracing::debug!(site = %self.site, log = %log_path.display(), "build ended");
        made
    }

    pub(super) fn timeout(&self) -> Duration {
        match self.build.timeout_seconds {
            0 => TIMEOUT,
            seconds => Duration::from_secs(seconds.into()),
        }
    }
}
