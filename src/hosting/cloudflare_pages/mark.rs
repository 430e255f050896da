//! Marks: whose a project is, and what a deployment was made of.
//!
//! A project has no field for its owner, so it carries a variable of its production environment. It is set by
//! the very call that makes the project, and every list of projects shows it.

use super::wire::{Deployment, Project};
use crate::desired::DesiredHosting;
use crate::model::{DomainName, Parse, SiteId};
use crate::observed::Ownership;
use crate::release::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The variable's name.
pub(super) const VARIABLE: &str = "MYCELIA_SPORE";

/// Where it is in a project.
pub(super) const POINTER: &str = "/deployment_configs/production/env_vars/MYCELIA_SPORE/value";

/// The mark of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProjectMark {
    /// The site's id.
    pub(super) site: String,
    /// The names that were given for the site.
    #[serde(default)]
    pub(super) names: BTreeSet<String>,
    /// The variables that were set for the site, as `production.NAME`.
    #[serde(default)]
    pub(super) vars: BTreeSet<String>,
}

impl ProjectMark {
    /// The mark of a site without names or variables.
    pub(super) fn of(site: &SiteId) -> Self {
        Self {
            site: site.to_string(),
            ..Self::default()
        }
    }

    /// The mark a project carries; `None` when it carries none.
    pub(super) fn read(project: &Project) -> Option<Self> {
        let text = project.raw.pointer(POINTER)?.as_str()?;
        serde_json::from_str(text).ok()
    }

    /// As the variable's value.
    pub(super) fn text(&self) -> String {
        // Maps of text cannot fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The names given for the site.
    pub(super) fn domains(&self) -> impl Iterator<Item = DomainName> {
        self.names
            .iter()
            .filter_map(|name| DomainName::parse(name).ok())
    }
}

/// Whose a project is.
pub(super) fn ownership(mark: Option<&ProjectMark>, site: &SiteId) -> Ownership {
    match mark {
        None => Ownership::Unmarked,
        Some(mark) if mark.site.is_empty() => Ownership::Unmarked,
        Some(mark) if mark.site == site.as_str() => Ownership::Ours,
        Some(mark) => Ownership::Foreign {
            owner: format!("site {}", mark.site),
        },
    }
}

/// What a deployment was made of, as its commit message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReleaseMark {
    /// The artifact's digest.
    pub(super) artifact: Digest,
    /// The digest of everything beside the artifact that decides what visitors see.
    pub(super) rules: Digest,
    /// The number of its files.
    pub(super) files: usize,
}

impl ReleaseMark {
    /// The mark of an artifact published as `hosting` asks.
    pub(super) fn of(artifact: Digest, files: usize, hosting: &DesiredHosting) -> Self {
        Self {
            artifact,
            rules: rules(hosting),
            files,
        }
    }

    /// The mark a deployment carries; `None` when another program made it.
    pub(super) fn read(deployment: &Deployment) -> Option<Self> {
        let message = &deployment.trigger.metadata.commit_message;
        message.strip_prefix("mycelia-spore ")?;
        let field = |name: &str| {
            message
                .split_whitespace()
                .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
        };
        Some(Self {
            artifact: Digest::from_hex(field("artifact")?)?,
            rules: Digest::from_hex(field("rules")?)?,
            files: field("files")?.parse().ok()?,
        })
    }

    /// Whether two deployments show visitors the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.artifact == other.artifact && self.rules == other.rules
    }

    /// As a commit message: for people first, and within the 384 bytes that Cloudflare's own client keeps to.
    /// `attempt` tells one attempt to publish from another.
    pub(super) fn message(&self, site: &SiteId, attempt: &str) -> String {
        let Self {
            artifact,
            rules,
            files,
        } = self;
        format!(
            "mycelia-spore {site} files={files} artifact={artifact} rules={rules} attempt={attempt}"
        )
    }

    /// As the hash of a commit, which has 40 hexadecimal digits.
    pub(super) fn commit(&self) -> String {
        let both = [*self.artifact.as_bytes(), *self.rules.as_bytes()].concat();
        let mut digits = Digest::of(&both).to_string();
        digits.truncate(40);
        digits
    }
}

/// The digest of everything beside the artifact that decides what visitors see.
pub(super) fn rules(hosting: &DesiredHosting) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("mycelia-spore 2026 pages rules v1");
    hasher.update(hosting.rules.digest().as_bytes());
    if let crate::model::HostingSettings::CloudflarePages(pages) = &hosting.settings {
        hasher.update(crate::schema::enumerant_name(pages.functions).as_bytes());
    }
    hasher.finalize().into()
}
