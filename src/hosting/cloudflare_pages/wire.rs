//! Projects, deployments and domains as the API gives them: only what is used, and lenient where the
//! documentation and what is seen differ.

use crate::release::ReleaseId;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt::Write as _;

/// A project.
#[derive(Clone, Debug)]
pub(super) struct Project {
    /// Its name.
    pub(super) name: String,
    /// The name it answers under, as `blog.pages.dev` or `blog-4x7.pages.dev`: read, never built.
    pub(super) subdomain: String,
    /// All names it answers under, the subdomain included.
    pub(super) domains: Vec<String>,
    /// The deployment that visitors see.
    pub(super) canonical: Option<Deployment>,
    /// The newest deployment of any branch.
    pub(super) latest: Option<Deployment>,
    /// The branch that visitors see.
    pub(super) production_branch: String,
    /// All of it, for settings.
    pub(super) raw: Value,
}

impl<'de> Deserialize<'de> for Project {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            name: String,
            #[serde(default)]
            subdomain: String,
            #[serde(default)]
            domains: Vec<String>,
            canonical_deployment: Option<Deployment>,
            latest_deployment: Option<Deployment>,
            #[serde(default)]
            production_branch: String,
        }
        let raw = Value::deserialize(deserializer)?;
        let wire = Wire::deserialize(&raw).map_err(serde::de::Error::custom)?;
        Ok(Self {
            name: wire.name,
            subdomain: wire.subdomain,
            domains: wire.domains,
            canonical: wire.canonical_deployment,
            latest: wire.latest_deployment,
            production_branch: wire.production_branch,
            raw,
        })
    }
}

/// A deployment.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Deployment {
    /// Its id.
    pub(super) id: String,
    /// Its own address, for ever.
    #[serde(default)]
    pub(super) url: String,
    /// `production` or `preview`.
    #[serde(default)]
    pub(super) environment: String,
    /// Further addresses: that of its branch.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) aliases: Vec<String>,
    /// How far it has come.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) latest_stage: Stage,
    /// What caused it.
    #[serde(
        rename = "deployment_trigger",
        default,
        deserialize_with = "or_default"
    )]
    pub(super) trigger: Trigger,
    /// Whether it was passed over.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) is_skipped: bool,
    /// Why.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) skip_reason: String,
}

/// A stage of a deployment.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Stage {
    /// `queued`, `initialize`, `clone_repo`, `build` or `deploy`.
    #[serde(default)]
    pub(super) name: String,
    /// `idle`, `active`, `success`, `failure` or `canceled`.
    #[serde(default)]
    pub(super) status: String,
}

/// What caused a deployment.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Trigger {
    /// Of which commit.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
}

/// The commit of a deployment.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Metadata {
    /// The branch.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) branch: String,
    /// What was said of it.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) commit_message: String,
}

/// How a deployment is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It goes on.
    Underway,
    /// It is there.
    Done,
    /// It failed, was cancelled or was passed over.
    Failed,
}

impl Deployment {
    /// Its name as a release: its id without hyphens where that has the form of a release's name.
    pub(super) fn release(&self) -> ReleaseId {
        let id = self.id.replace('-', "");
        ReleaseId::parse(&id).unwrap_or_else(|| ReleaseId::of(self.id.as_bytes()))
    }

    pub(super) fn progress(&self) -> Progress {
        if self.is_skipped {
            return Progress::Failed;
        }
        let Stage { name, status } = &self.latest_stage;
        match (name.as_str(), status.as_str()) {
            ("deploy", "success") => Progress::Done,
            (_, "failure" | "canceled") => Progress::Failed,
            _ => Progress::Underway,
        }
    }

    /// Whether visitors see the deployments of its branch.
    pub(super) fn is_production(&self) -> bool {
        self.environment == "production"
    }
}

/// A name of a project.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Domain {
    /// The name.
    pub(super) name: String,
    /// `initializing`, `pending`, `active`, `deactivated`, `blocked` or `error`.
    pub(super) status: String,
    /// How the certificate's authority is answered.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) validation_data: Check,
    /// Whether the name leads to the project.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) verification_data: Check,
}

/// One of the two checks of a name.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Check {
    #[serde(default, deserialize_with = "or_default")]
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    error_message: String,
    #[serde(default, deserialize_with = "or_default")]
    txt_name: String,
    #[serde(default, deserialize_with = "or_default")]
    txt_value: String,
}

impl Domain {
    /// Whether visitors can use it.
    pub(super) fn is_active(&self) -> bool {
        self.status == "active"
    }

    /// Whether the checks have come to an end that another attempt may change.
    pub(super) fn is_stuck(&self) -> bool {
        matches!(self.status.as_str(), "error" | "blocked" | "deactivated")
            || [&self.validation_data, &self.verification_data]
                .iter()
                .any(|check| check.status == "error")
    }

    /// Its state for people.
    pub(super) fn told(&self) -> String {
        let mut text = self.status.clone();
        for (what, check) in [
            ("certificate", &self.validation_data),
            ("verification", &self.verification_data),
        ] {
            if check.status == "active" || check.status.is_empty() {
                continue;
            }
            let _ = write!(text, "; {what} {}", check.status);
            if !check.error_message.is_empty() {
                let _ = write!(text, ": {}", check.error_message);
            }
            if !check.txt_name.is_empty() {
                let _ = write!(
                    text,
                    " (TXT record {} = {:?})",
                    check.txt_name, check.txt_value
                );
            }
        }
        text
    }
}

/// A line of a deployment's log.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct LogLine {
    #[serde(default)]
    pub(super) line: String,
}

/// A deployment's log.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Log {
    #[serde(default)]
    pub(super) data: Vec<LogLine>,
}

/// What may be `null` where a value is expected.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
