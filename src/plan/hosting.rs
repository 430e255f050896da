//! What to do at the hosting backend.

use super::{Action, Plan, Policy, Standing, StepIndex, Withheld};
use crate::artifact::Artifact;
use crate::desired::{DesiredHosting, DesiredSite, HostingKey, Names, Property};
use crate::model::{DomainName, HostingProvider, HostingSettings};
use crate::observed::{Abilities, ObservedHosting, ObservedSite, Ownership};
use crate::release::ReleaseId;
use crate::words::{bytes, count};
use std::fmt;
use std::sync::Arc;

/// The fewest files a release must have for the change brake to look at it: below that, a percentage
/// says little.
const BRAKE_FROM: usize = 10;

/// One change at a hosting backend. Performing it twice does what performing it once does.
#[derive(Clone, Debug)]
pub enum HostingAction {
    /// Makes the project, or changes its settings.
    Configure(Box<Configure>),
    /// Makes an artifact the release that visitors see, under these names.
    Publish(Box<Publish>),
    /// Has the provider build a release from the repository that the project is connected to.
    Build {
        /// Which website, and of which branch.
        hosting: Box<DesiredHosting>,
    },
    /// Changes the names visitors use, keeping the release.
    SetNames {
        /// Which website.
        key: HostingKey,
        /// The backend and its settings.
        settings: HostingSettings,
        /// The names that it had.
        from: Box<Names>,
        /// The new names.
        names: Names,
    },
    /// Waits until visitors can use these names.
    Await {
        /// Which website.
        key: HostingKey,
        /// The backend and its settings.
        settings: HostingSettings,
        /// The names.
        names: Vec<DomainName>,
    },
    /// Makes an earlier release the one that visitors see.
    Activate {
        /// Which website.
        key: HostingKey,
        /// The backend and its settings.
        settings: HostingSettings,
        /// The release.
        release: ReleaseId,
    },
    /// Takes the website down.
    Remove {
        /// Which website.
        key: HostingKey,
        /// The backend and its settings.
        settings: HostingSettings,
    },
}

/// A project to make, or the settings of one to change.
#[derive(Clone, Debug)]
pub struct Configure {
    /// Which website, with all the settings that its message declares.
    pub hosting: DesiredHosting,
    /// Whether the project is not there yet.
    pub create: bool,
    /// The settings that differ.
    pub changes: Vec<Change>,
}

/// A setting of a project that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name at the provider.
    pub name: String,
    /// What it is; `None` when it is not set.
    pub from: Option<Property>,
    /// What it should be; `None` when it should not be set.
    pub to: Option<Property>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Property| match value {
            Property::Plain(text) => format!("{text:?}"),
            Property::Secret(_) | Property::Hidden => "(secret)".into(),
        };
        let name = &self.name;
        match (&self.from, &self.to) {
            (None, Some(to)) => write!(f, "+ {name} = {}", shown(to)),
            (Some(_), None) => write!(f, "- {name}"),
            (Some(from), Some(to)) => write!(f, "~ {name} = {} -> {}", shown(from), shown(to)),
            (None, None) => f.write_str(name),
        }
    }
}

/// What is published, and how.
#[derive(Clone, Debug)]
pub struct Publish {
    /// Which website, where and under which names and rules.
    pub hosting: DesiredHosting,
    /// The files.
    pub artifact: Arc<Artifact>,
    /// The names of what visitors see until then.
    pub from: Names,
}

impl HostingAction {
    /// The backend's settings.
    #[must_use]
    pub const fn settings(&self) -> &HostingSettings {
        match self {
            Self::Configure(configure) => &configure.hosting.settings,
            Self::Publish(publish) => &publish.hosting.settings,
            Self::Build { hosting } => &hosting.settings,
            Self::SetNames { settings, .. }
            | Self::Await { settings, .. }
            | Self::Activate { settings, .. }
            | Self::Remove { settings, .. } => settings,
        }
    }

    /// Which website.
    #[must_use]
    pub const fn key(&self) -> &HostingKey {
        match self {
            Self::Configure(configure) => &configure.hosting.key,
            Self::Publish(publish) => &publish.hosting.key,
            Self::Build { hosting } => &hosting.key,
            Self::SetNames { key, .. }
            | Self::Await { key, .. }
            | Self::Activate { key, .. }
            | Self::Remove { key, .. } => key,
        }
    }

    /// The verb, for reports and the journal.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Configure(configure) if configure.create => "create",
            Self::Configure(_) => "configure",
            Self::Publish(_) => "publish",
            Self::Build { .. } => "build",
            Self::SetNames { .. } => "set-names",
            Self::Await { .. } => "await",
            Self::Activate { .. } => "activate",
            Self::Remove { .. } => "remove",
        }
    }

    /// What it is done to, as `local-static/blog`.
    #[must_use]
    pub fn target(&self) -> String {
        target(self.settings(), self.key())
    }
}

/// A website at a backend, as `local-static/blog`.
fn target(settings: &HostingSettings, key: &HostingKey) -> String {
    let backend = match settings.provider() {
        HostingProvider::CloudflarePages => "cloudflare-pages",
        HostingProvider::LocalStatic => "local-static",
        HostingProvider::S3Static => "s3-static",
        HostingProvider::CriomosHost => "criomos-host",
    };
    format!("{backend}/{}", key.project)
}

impl HostingAction {
    /// What would change, for a plan: one line for each setting of a project.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Configure(configure) => {
                let changes: Vec<String> =
                    configure.changes.iter().map(ToString::to_string).collect();
                changes.join("\n")
            }
            Self::Publish(publish) => publish.describe(),
            Self::Build { hosting } => match &hosting.connected {
                Some(connected) => format!("from {}/{}", connected.service, connected.slug),
                None => String::new(),
            },
            Self::SetNames { from, names, .. } => renamed(from, names),
            Self::Await { names, .. } => {
                let names: Vec<&str> = names.iter().map(DomainName::as_str).collect();
                format!("until visitors can use {}", names.join(", "))
            }
            Self::Activate { release, .. } => format!("release {release}"),
            Self::Remove { .. } => "visitors will find nothing".into(),
        }
    }
}

impl Publish {
    fn describe(&self) -> String {
        let files = count(self.artifact.files().len(), "file");
        let size = bytes(self.artifact.size());
        let names = &self.hosting.names;
        match &self.hosting.branches.preview {
            Some(branch) => format!("{files}, {size}, as a preview of branch {branch}"),
            None if names.primary.is_none() => format!("{files}, {size}"),
            None => format!("{files}, {size}, at {}", renamed(&self.from, names)),
        }
    }
}

/// Names, and what they were if they were others.
fn renamed(from: &Names, to: &Names) -> String {
    if from == to || from.all().next().is_none() {
        return to.to_string();
    }
    let aliases = match (from.redirect_aliases, to.redirect_aliases) {
        (false, true) => "; aliases redirect",
        (true, false) => "; aliases do not redirect any more",
        _ => "",
    };
    if from.to_string() == to.to_string() {
        format!("{to}{aliases}")
    } else {
        format!("{from} -> {to}{aliases}")
    }
}

impl PartialEq for HostingAction {
    /// Actions are equal when they do the same: a publication is told by its artifact's digest.
    fn eq(&self, other: &Self) -> bool {
        self.verb() == other.verb()
            && self.key() == other.key()
            && match (self, other) {
                (Self::Configure(one), Self::Configure(two)) => one.changes == two.changes,
                (Self::Publish(one), Self::Publish(two)) => {
                    one.artifact.digest() == two.artifact.digest()
                        && one.hosting.rules == two.hosting.rules
                        && one.hosting.names == two.hosting.names
                        && one.hosting.branches == two.hosting.branches
                }
                (Self::Build { hosting: one }, Self::Build { hosting: two }) => {
                    one.connected == two.connected
                }
                (
                    Self::SetNames { from, names, .. },
                    Self::SetNames {
                        from: before,
                        names: others,
                        ..
                    },
                ) => names == others && from == before,
                (Self::Await { names, .. }, Self::Await { names: others, .. }) => names == others,
                (
                    Self::Activate { release, .. },
                    Self::Activate {
                        release: others, ..
                    },
                ) => release == others,
                _ => true,
            }
    }
}

/// The website should be there as described.
pub(super) fn present(
    plan: &mut Plan,
    desired: &DesiredSite,
    artifact: Option<&Arc<Artifact>>,
    observed: &ObservedSite,
    policy: &Policy,
    standing: &Standing,
) -> Option<Placed> {
    let wanted = format!(
        "publish {}",
        target(&desired.hosting.settings, &desired.hosting.key)
    );
    if let Some(taken) = observed.taken.first() {
        let reason = format!("{} already belongs to {}", taken.name, taken.owner);
        plan.withhold(wanted, reason);
        return None;
    }
    let found = observed.hosting.as_ref();
    if let Some(reason) = found.and_then(|found| not_ours(&found.ownership, policy.adopt)) {
        plan.withhold(wanted, reason);
        return None;
    }
    let present = Present {
        desired,
        found,
        abilities: observed.abilities,
        standing,
        wanted,
    };
    present.plan(plan, artifact, policy).ok()
}

/// How far a plan has come with a website that should be there.
pub(super) struct Placed {
    /// The step after which the website is there, if any is needed.
    pub(super) last: Option<StepIndex>,
    /// Names that visitors cannot use yet.
    pub(super) waiting: Vec<DomainName>,
}

/// What a plan for a website that should be there looks at.
struct Present<'p> {
    desired: &'p DesiredSite,
    found: Option<&'p ObservedHosting>,
    abilities: Abilities,
    standing: &'p Standing,
    wanted: String,
}

impl Present<'_> {
    /// The project, then its release, then its names: visitors are never led to an empty project. What may not
    /// be published is not given a project, a name or other settings either.
    fn plan(
        &self,
        plan: &mut Plan,
        artifact: Option<&Arc<Artifact>>,
        policy: &Policy,
    ) -> Result<Placed, Refused> {
        let publish = self.publication(plan, artifact, policy)?;
        let mut last = self.configure(plan);
        let configured = last.is_some();
        if let Some(action) = publish.or_else(|| self.build(configured)) {
            last = Some(plan.step(action, last));
        }
        if self.desired.hosting.branches.preview.is_none()
            && let Some(action) = self.names(plan)
        {
            last = Some(plan.step(action, last));
        }
        Ok(Placed {
            last,
            waiting: self.waiting(),
        })
    }

    /// The project, where it is missing, unmarked or not as declared.
    fn configure(&self, plan: &mut Plan) -> Option<StepIndex> {
        if !self.abilities.projects {
            return None;
        }
        let changes = self.changes();
        let ours = self
            .found
            .is_some_and(|found| found.ownership == Ownership::Ours);
        if ours && changes.is_empty() {
            return None;
        }
        let configure = Configure {
            hosting: self.desired.hosting.clone(),
            create: self.found.is_none(),
            changes,
        };
        Some(plan.step(HostingAction::Configure(Box::new(configure)), None))
    }

    /// The settings that differ: those declared, and those that were and are no longer. A preview changes
    /// nothing of a project that is there.
    fn changes(&self) -> Vec<Change> {
        let wanted = &self.desired.hosting.properties;
        let Some(found) = self.found else {
            return wanted
                .iter()
                .map(|(name, value)| Change {
                    name: name.clone(),
                    from: None,
                    to: Some(value.clone()),
                })
                .collect();
        };
        if self.desired.hosting.branches.preview.is_some() {
            return Vec::new();
        }
        let declared = wanted.iter().filter_map(|(name, to)| {
            let from = found.properties.get(name);
            (!self.same(name, from, to)).then(|| Change {
                name: name.clone(),
                from: from.cloned(),
                to: Some(to.clone()),
            })
        });
        let dropped = found.properties.iter().filter(|(name, _)| {
            found.owned.contains(name.as_str()) && !wanted.contains_key(name.as_str())
        });
        let dropped = dropped.map(|(name, from)| Change {
            name: name.clone(),
            from: Some(from.clone()),
            to: None,
        });
        declared.chain(dropped).collect()
    }

    /// Whether a setting is as it should be. Of a value that is not given out it is known only what was sent.
    fn same(&self, name: &str, from: Option<&Property>, to: &Property) -> bool {
        match (from, to) {
            (Some(Property::Hidden), Property::Secret(digest)) => {
                self.standing.sent.get(name) == Some(digest)
            }
            (from, to) => from == Some(to),
        }
    }

    /// The publication of an artifact that is not live yet.
    fn publication(
        &self,
        plan: &mut Plan,
        artifact: Option<&Arc<Artifact>>,
        policy: &Policy,
    ) -> Result<Option<HostingAction>, Refused> {
        let Some(artifact) =
            artifact.filter(|artifact| !made_of(self.found, artifact, self.desired))
        else {
            return Ok(None);
        };
        let preview = self.desired.hosting.branches.preview.is_some();
        if self.standing.held == Some(artifact.digest()) && !preview {
            plan.withheld.push(Withheld {
                action: self.wanted.clone(),
                reason: "the operator rolled back from these files; changed ones are published"
                    .into(),
                refused: false,
            });
            return Ok(None);
        }
        let reason = beyond(artifact, self.abilities)
            .or_else(|| brake(artifact, self.found.filter(|_| !preview)?, policy));
        if let Some(reason) = reason {
            plan.withhold(&self.wanted, reason);
            return Err(Refused);
        }
        Ok(Some(HostingAction::Publish(Box::new(Publish {
            hosting: self.desired.hosting.clone(),
            artifact: Arc::clone(artifact),
            from: self.names_before(),
        }))))
    }

    /// The names of what visitors see, where they go with the release.
    fn names_before(&self) -> Names {
        let found = self.found.filter(|_| !self.abilities.names_apart);
        found.map_or_else(
            || self.desired.hosting.names.clone(),
            |found| found.names.clone(),
        )
    }

    /// A build by the provider: the first one, and one for each change of the project's settings. Later
    /// commits are built by the provider without being asked.
    fn build(&self, configured: bool) -> Option<HostingAction> {
        let hosting = &self.desired.hosting;
        let built = self.found.is_some_and(|found| found.release.is_some());
        (hosting.connected.is_some() && (configured || !built)).then(|| HostingAction::Build {
            hosting: Box::new(hosting.clone()),
        })
    }

    /// The names, where they differ and do not go with the release.
    fn names(&self, plan: &mut Plan) -> Option<HostingAction> {
        let hosting = &self.desired.hosting;
        let publishes = plan
            .steps
            .iter()
            .any(|step| matches!(&step.action, Action::Hosting(HostingAction::Publish(_))));
        let present = match self.found {
            Some(found) => &found.names,
            None if self.abilities.names_apart => &Names::default(),
            None => return None,
        };
        for other in self.found.iter().flat_map(|found| &found.others) {
            plan.withheld.push(Withheld {
                action: format!("drop {other}"),
                reason: "somebody else gave the project this name".into(),
                refused: false,
            });
        }
        let taken_along = publishes && !self.abilities.names_apart;
        if *present == hosting.names || taken_along {
            return None;
        }
        Some(HostingAction::SetNames {
            key: hosting.key.clone(),
            settings: hosting.settings.clone(),
            from: Box::new(present.clone()),
            names: hosting.names.clone(),
        })
    }

    /// Names that visitors cannot use yet, old and new.
    fn waiting(&self) -> Vec<DomainName> {
        if !self.abilities.names_apart {
            return Vec::new();
        }
        let waits = |name: &&DomainName| match self.found {
            None => true,
            Some(found) => {
                !found.names.all().any(|there| there == *name)
                    || found.pending.iter().any(|pending| pending.name == **name)
            }
        };
        let names = self.desired.hosting.names.all();
        names.filter(waits).cloned().collect()
    }
}

/// The release may not be published; the plan says why.
struct Refused;

/// Why the backend would not take an artifact; `None` when it would.
fn beyond(artifact: &Artifact, abilities: Abilities) -> Option<String> {
    let files = artifact.files();
    if let Some(max) = abilities.max_files.filter(|max| files.len() > *max) {
        return Some(format!(
            "it has {} files, and the provider takes at most {max}",
            files.len()
        ));
    }
    let max = abilities.max_file_size?;
    let long: Vec<String> = files
        .iter()
        .filter(|(_, file)| file.size > max)
        .map(|(path, file)| format!("{path} ({})", bytes(file.size)))
        .collect();
    let first = long.first()?;
    let more = match long.len() {
        1 => String::new(),
        number => format!(" and {} more", number - 1),
    };
    Some(format!(
        "the provider takes files of at most {}: {first}{more}",
        bytes(max)
    ))
}

/// Whether what is live was made of this artifact by these rules, and says whose it is.
fn made_of(found: Option<&ObservedHosting>, artifact: &Artifact, desired: &DesiredSite) -> bool {
    found.is_some_and(|found| {
        found.ownership == Ownership::Ours
            && found.artifact == Some(artifact.digest())
            && found.rules == Some(desired.hosting.rules.digest())
    })
}

/// The website should not be there: the action that takes it down, if it is there, or why it stays.
pub(super) fn absent(
    desired: &DesiredSite,
    observed: Option<&ObservedHosting>,
    standing: &Standing,
) -> Result<Option<HostingAction>, Withheld> {
    let Some(observed) = observed else {
        return Ok(None);
    };
    let remove = HostingAction::Remove {
        key: desired.hosting.key.clone(),
        settings: desired.hosting.settings.clone(),
    };
    let reason = match not_ours(&observed.ownership, false) {
        Some(reason) => Some(reason),
        None if standing.protected => Some(format!(
            "the site is protected from deletion: `mycelia-spore unprotect {}` lifts it",
            desired.id
        )),
        None => None,
    };
    match reason {
        Some(reason) => Err(Withheld {
            action: format!("remove {}", remove.target()),
            reason,
            refused: true,
        }),
        None => Ok(Some(remove)),
    }
}

/// Why something that is there may not be touched; `None` when it may.
fn not_ours(ownership: &Ownership, adopt: bool) -> Option<String> {
    match ownership {
        Ownership::Ours => None,
        Ownership::Unmarked if adopt => None,
        Ownership::Unmarked => Some(
            "something of that name is there and belongs to nobody: `policy.adopt = true` in the \
             settings takes it over"
                .into(),
        ),
        Ownership::Foreign { owner } => Some(format!("it belongs to {owner}")),
    }
}

/// Why a release that drops so many of the present files is suspicious; `None` when it is not. Where only the
/// number of files is known, what is fewer counts as dropped.
fn brake(artifact: &Artifact, found: &ObservedHosting, policy: &Policy) -> Option<String> {
    let present = found.files;
    if present < BRAKE_FROM {
        return None;
    }
    let gone = if found.paths.is_empty() {
        present.saturating_sub(artifact.files().len())
    } else {
        let kept = |path: &&String| artifact.files().contains_key(path.as_str());
        found.paths.iter().filter(|path| !kept(path)).count()
    };
    let allowed = usize::from(policy.max_removed_percent);
    (gone * 100 > present * allowed).then(|| {
        format!(
            "it would drop {gone} of {present} files, more than policy.max-removed-percent = \
             {allowed} allows"
        )
    })
}
