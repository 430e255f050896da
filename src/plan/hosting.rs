//! What to do at the hosting backend.

use super::{Plan, Policy, Standing, Withheld};
use crate::artifact::Artifact;
use crate::desired::{DesiredHosting, DesiredSite, HostingKey, Names};
use crate::model::{DomainName, HostingProvider, HostingSettings};
use crate::observed::{ObservedHosting, ObservedSite, Ownership};
use crate::release::ReleaseId;
use crate::words::{bytes, count};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The fewest files a release must have for the change brake to look at it: below that, a percentage
/// says little.
const BRAKE_FROM: usize = 10;

/// One change at a hosting backend. Performing it twice does what performing it once does.
#[derive(Clone, Debug)]
pub enum HostingAction {
    /// Makes an artifact the release that visitors see, under these names.
    Publish(Box<Publish>),
    /// Changes the names visitors use, keeping the release.
    SetNames {
        /// Which website.
        key: HostingKey,
        /// The backend and its settings.
        settings: HostingSettings,
        /// The new names.
        names: Names,
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

/// What is published, and how.
#[derive(Clone, Debug)]
pub struct Publish {
    /// Which website, where and under which names and rules.
    pub hosting: DesiredHosting,
    /// The files.
    pub artifact: Arc<Artifact>,
}

impl HostingAction {
    /// The backend's settings.
    #[must_use]
    pub const fn settings(&self) -> &HostingSettings {
        match self {
            Self::Publish(publish) => &publish.hosting.settings,
            Self::SetNames { settings, .. }
            | Self::Activate { settings, .. }
            | Self::Remove { settings, .. } => settings,
        }
    }

    /// Which website.
    #[must_use]
    pub const fn key(&self) -> &HostingKey {
        match self {
            Self::Publish(publish) => &publish.hosting.key,
            Self::SetNames { key, .. } | Self::Activate { key, .. } | Self::Remove { key, .. } => {
                key
            }
        }
    }

    /// The verb, for reports and the journal.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Publish(_) => "publish",
            Self::SetNames { .. } => "set-names",
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
    /// What would change, for a plan.
    #[must_use]
    pub fn describe(&self) -> String {
        let list = |names: &Names| {
            let names: Vec<&str> = names.all().map(DomainName::as_str).collect();
            names.join(", ")
        };
        match self {
            Self::Publish(publish) => format!(
                "{}, {}, at {}",
                count(publish.artifact.files().len(), "file"),
                bytes(publish.artifact.size()),
                list(&publish.hosting.names)
            ),
            Self::SetNames { names, .. } => list(names),
            Self::Activate { release, .. } => format!("release {release}"),
            Self::Remove { .. } => "visitors will find nothing".into(),
        }
    }
}

impl PartialEq for HostingAction {
    /// Actions are equal when they do the same: a publication is told by its artifact's digest.
    fn eq(&self, other: &Self) -> bool {
        let same = |names: Option<&Names>, others: Option<&Names>| names == others;
        self.verb() == other.verb()
            && self.key() == other.key()
            && match (self, other) {
                (Self::Publish(one), Self::Publish(two)) => {
                    one.artifact.digest() == two.artifact.digest()
                        && one.hosting.rules == two.hosting.rules
                        && same(Some(&one.hosting.names), Some(&two.hosting.names))
                }
                (Self::SetNames { names, .. }, Self::SetNames { names: others, .. }) => {
                    same(Some(names), Some(others))
                }
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
    standing: Standing,
) {
    let wanted = format!(
        "publish {}",
        target(&desired.hosting.settings, &desired.hosting.key)
    );
    if let Some(taken) = observed.taken.first() {
        let reason = format!("{} already belongs to {}", taken.name, taken.owner);
        return plan.withhold(wanted, reason);
    }
    let found = observed.hosting.as_ref();
    if let Some(reason) = found.and_then(|found| not_ours(&found.ownership, policy.adopt)) {
        return plan.withhold(wanted, reason);
    }
    let Some(artifact) = artifact.filter(|artifact| !made_of(found, artifact, desired)) else {
        return rename(plan, desired, found);
    };
    if standing.held == Some(artifact.digest()) {
        plan.withheld.push(Withheld {
            action: wanted,
            reason: "the operator rolled back from these files; changed ones are published".into(),
            refused: false,
        });
        return rename(plan, desired, found);
    }
    let present = found.map_or(&[][..], |found| &found.paths);
    match brake(artifact, present, policy) {
        Some(reason) => plan.withhold(wanted, reason),
        None => plan.step(HostingAction::Publish(Box::new(Publish {
            hosting: desired.hosting.clone(),
            artifact: Arc::clone(artifact),
        }))),
    }
}

/// Whether what is live was made of this artifact by these rules, and says whose it is.
fn made_of(found: Option<&ObservedHosting>, artifact: &Artifact, desired: &DesiredSite) -> bool {
    found.is_some_and(|found| {
        found.ownership == Ownership::Ours
            && found.artifact == Some(artifact.digest())
            && found.rules == Some(desired.hosting.rules.digest())
    })
}

/// Gives what is live its names, where they differ.
fn rename(plan: &mut Plan, desired: &DesiredSite, found: Option<&ObservedHosting>) {
    let hosting = &desired.hosting;
    if found.is_some_and(|found| found.names != hosting.names) {
        plan.step(HostingAction::SetNames {
            key: hosting.key.clone(),
            settings: hosting.settings.clone(),
            names: hosting.names.clone(),
        });
    }
}

/// The website should not be there.
pub(super) fn absent(
    plan: &mut Plan,
    desired: &DesiredSite,
    observed: Option<&ObservedHosting>,
    standing: Standing,
) {
    let Some(observed) = observed else { return };
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
        Some(reason) => plan.withhold(format!("remove {}", remove.target()), reason),
        None => plan.step(remove),
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

/// Why a release that drops so many of the present files is suspicious; `None` when it is not.
fn brake(artifact: &Artifact, present: &[String], policy: &Policy) -> Option<String> {
    let present: BTreeSet<&String> = present.iter().collect();
    if present.len() < BRAKE_FROM {
        return None;
    }
    let gone = present
        .iter()
        .filter(|path| !artifact.files().contains_key(path.as_str()))
        .count();
    let allowed = usize::from(policy.max_removed_percent);
    (gone * 100 > present.len() * allowed).then(|| {
        format!(
            "it would drop {gone} of {} files, more than policy.max-removed-percent = {allowed} \
             allows",
            present.len()
        )
    })
}
