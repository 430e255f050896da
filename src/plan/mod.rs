//! The difference between what is and what should be, as steps that make it vanish.
//!
//! Planning is pure: the same inputs give the same plan, and nothing is read or changed on the way.

mod hosting;
mod policy;

pub use hosting::{Change, Configure, HostingAction, Publish};
pub use policy::{Patterns, Policy};

use crate::artifact::Artifact;
use crate::desired::DesiredSite;
use crate::model::{DnsConfig, DnsProvider, Ensure};
use crate::observed::ObservedSite;
use crate::release::Digest;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A step's place in its plan.
pub type StepIndex = usize;

/// What must be done to bring one site into the requested state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The steps, each after those it needs.
    pub steps: Vec<Step>,
    /// What was asked for and is not done, and why.
    pub withheld: Vec<Withheld>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// The steps that must be done before.
    pub after: Vec<StepIndex>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Something at the hosting backend.
    Hosting(HostingAction),
}

/// What is known of one site beyond its message and what is seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the site may not be taken down.
    pub protected: bool,
    /// The artifact the operator rolled back from: it is not published again, another one is.
    pub held: Option<Digest>,
    /// Digests of the secret settings that its project was given, by name: a provider does not give them out.
    pub sent: BTreeMap<String, Digest>,
}

/// Something asked for that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// What would have been done.
    pub action: String,
    /// Why it is not, and what to do about it.
    pub reason: String,
    /// Whether the message asked the daemon for it; otherwise it is left to a person on purpose.
    pub refused: bool,
}

impl Plan {
    /// The plan that leads from `observed` to `desired` as far as `policy` allows.
    ///
    /// `artifact` is what the site's recipe yielded. It is `None` for a site that should be absent, and for one
    /// whose live release is known to have been made of the same input and rules.
    #[must_use]
    pub fn between(
        desired: &DesiredSite,
        artifact: Option<&Arc<Artifact>>,
        observed: &ObservedSite,
        policy: &Policy,
        standing: &Standing,
    ) -> Self {
        let mut plan = Self::default();
        match desired.ensure {
            Ensure::Paused => {}
            Ensure::Absent => {
                hosting::absent(&mut plan, desired, observed.hosting.as_ref(), standing);
            }
            Ensure::Present => {
                hosting::present(&mut plan, desired, artifact, observed, policy, standing);
                if let Some(dns) = &desired.dns {
                    by_hand(&mut plan, dns);
                }
            }
        }
        plan
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether something that the message asked for is withheld.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.withheld.iter().any(|withheld| withheld.refused)
    }

    /// Adds a step that needs an earlier one, and gives its place.
    fn step(&mut self, action: HostingAction, after: Option<StepIndex>) -> StepIndex {
        self.steps.push(Step {
            action: Action::Hosting(action),
            after: after.into_iter().collect(),
        });
        self.steps.len() - 1
    }

    fn withhold(&mut self, action: impl Into<String>, reason: impl Into<String>) {
        self.withheld.push(Withheld {
            action: action.into(),
            reason: reason.into(),
            refused: true,
        });
    }
}

/// With `dns.provider = none` the records are shown for a person to enter.
fn by_hand(plan: &mut Plan, dns: &DnsConfig) {
    if dns.provider != DnsProvider::None {
        return;
    }
    for record in &dns.records {
        let kind = crate::schema::enumerant_name(record.kind).to_uppercase();
        plan.withheld.push(Withheld {
            action: format!("dns record {} {kind} {}", record.name, record.value),
            reason: "dns.provider is none: enter it where the zone is kept".into(),
            refused: false,
        });
    }
}

impl Action {
    /// The step's verb, for reports and the journal.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Hosting(action) => action.verb(),
        }
    }

    /// What the step is done to, as `local-static/blog`.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Hosting(action) => action.target(),
        }
    }
}

impl Action {
    /// What the step would change, for a plan.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Hosting(action) => action.describe(),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb(), self.target())
    }
}

impl Step {
    /// Whether one of the steps this one needs is in `failed`.
    #[must_use]
    pub fn blocked_by(&self, failed: &[StepIndex]) -> Option<StepIndex> {
        self.after
            .iter()
            .copied()
            .find(|step| failed.contains(step))
    }
}
