//! What is kept of sites.

use crate::model::{HostingProvider, ProjectName, SiteId};
use crate::release::{Digest, ReleaseId};
use crate::schema::enumerant_name;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is known of a site after its last message.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteRecord {
    /// The backend.
    pub provider: HostingProvider,
    /// Its name at the backend.
    pub project: ProjectName,
    /// The digest of the last message that was carried out; zero when the next one must be looked at whole.
    pub config_digest: Digest,
    /// The fingerprint of the source as it was seen then.
    pub fingerprint: Option<Digest>,
    /// The digest of the artifact made then.
    pub artifact: Option<Digest>,
    /// The release that visitors see.
    pub release: Option<ReleaseId>,
    /// The highest generation seen.
    pub generation: u64,
    /// When something was changed last.
    pub applied_at: jiff::Timestamp,
    /// When the same message will yield something else by the passing of time alone.
    pub next_edge: Option<jiff::Timestamp>,
    /// Whether the site may not be taken down.
    pub protected: bool,
    /// The artifact the operator rolled back from.
    pub held: Option<Digest>,
    /// Digests of the secret settings that its project was given, by name.
    pub sent: BTreeMap<String, Digest>,
    /// How the site is.
    pub state: SiteState,
    /// Its address; may be empty.
    pub primary: String,
    /// The operator's marks.
    pub labels: Vec<(String, String)>,
    /// What a person should know.
    pub detail: String,
}

impl SiteRecord {
    /// The record for programs: one object, whose fields keep their names and meanings.
    #[must_use]
    pub fn json(&self, site: &SiteId) -> Value {
        json!({
            "v": 1,
            "site": site.as_str(),
            "state": self.state.name(),
            "provider": enumerant_name(self.provider),
            "project": self.project.as_str(),
            "primary": self.primary,
            "release": self.release.as_ref().map(ToString::to_string),
            "generation": self.generation,
            "applied_at": self.applied_at.to_string(),
            "next_edge": self.next_edge.map(|edge| edge.to_string()),
            "protected": self.protected,
            "rolled_back": self.held.is_some(),
            "labels": self.labels.iter().cloned().collect::<BTreeMap<_, _>>(),
            "detail": self.detail,
        })
    }
}

/// Declares an enum that is kept by name.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$item_doc])* $item,)*
        }

        impl $name {
            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$item => $text,)*
                }
            }

            /// The one of this name.
            #[must_use]
            pub fn of(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$item),)*
                    _ => None,
                }
            }
        }
    };
}

named! {
    /// How a site is.
    SiteState {
        /// It is as its last message asked.
        Live = "live",
        /// It was taken down.
        Absent = "absent",
        /// It is left as it is.
        Paused = "paused",
        /// Its last message could not be carried out.
        Failed = "failed",
    }
}

named! {
    /// Why a release became live.
    Cause {
        /// A message.
        Apply = "apply",
        /// The operator went back.
        Rollback = "rollback",
        /// The site was taken down.
        Remove = "remove",
    }
}

/// A line of a site's history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// The release that became live; `None` when the site was taken down.
    pub release: Option<ReleaseId>,
    /// When.
    pub at: jiff::Timestamp,
    /// The message's number in its stream; 0 when there was none.
    pub seq: u64,
    /// Why.
    pub cause: Cause,
    /// What happened, for people.
    pub detail: String,
}

/// A step in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepId(pub(super) i64);

/// A step that was begun and never noted as ended.
#[derive(Clone, Debug, PartialEq)]
pub struct InterruptedStep {
    /// The step.
    pub id: StepId,
    /// The site.
    pub site: SiteId,
    /// The message's number in its stream.
    pub seq: u64,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub target: String,
    /// When it was begun.
    pub begun: jiff::Timestamp,
}
