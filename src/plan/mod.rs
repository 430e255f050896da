//! The difference between what is and what should be, as steps that make it vanish.
//!
//! Planning is pure: the same inputs give the same plan, and nothing is read or changed on the way.

pub mod dns;
mod hosting;
mod policy;

pub use hosting::{Change, Configure, HostingAction, Publish};
pub use policy::{Patterns, Policy};

use crate::artifact::Artifact;
use crate::desired::{DesiredDns, DesiredSite};
use crate::model::{DnsProvider, Ensure};
use crate::observed::ObservedSite;
use crate::records::{Capabilities, DeclaredSet, Name};
use crate::release::Digest;
use dns::{DnsAction, Rules};
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
    /// Changes in a DNS zone.
    Dns(DnsAction),
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
            Ensure::Absent => plan.absent(desired, observed, policy, standing),
            Ensure::Present => {
                let placed =
                    hosting::present(&mut plan, desired, artifact, observed, policy, standing);
                if let Some(placed) = placed {
                    plan.names(desired, observed, policy, placed);
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

    /// What leads visitors to a site that is published: its records, then waiting until its names can be used.
    fn names(
        &mut self,
        desired: &DesiredSite,
        observed: &ObservedSite,
        policy: &Policy,
        placed: hosting::Placed,
    ) {
        if desired.hosting.branches.preview.is_some() {
            return;
        }
        let target = observed.hosting.as_ref();
        let target = target.and_then(|hosting| hosting.target.as_ref());
        let target = target.map(Name::from);
        let mut before: Vec<StepIndex> = placed.last.into_iter().collect();
        match &desired.dns {
            Some(dns) if dns.provider != DnsProvider::None => {
                let sets = desired.record_sets();
                let rules = Rules::of(dns, policy, Capabilities::of(dns.provider), target);
                let records = self.records(desired, dns, &sets, observed, &rules, &before);
                before.extend(records);
            }
            dns => {
                let waits = !placed.waiting.is_empty();
                dns::by_hand(self, desired, dns.as_ref(), target.as_ref(), waits);
            }
        }
        if !placed.waiting.is_empty() {
            let action = HostingAction::Await {
                key: desired.hosting.key.clone(),
                settings: desired.hosting.settings.clone(),
                names: placed.waiting,
            };
            self.steps.push(Step {
                action: Action::Hosting(action),
                after: before,
            });
        }
    }

    /// A site that should not be there: its records go first, so that no name leads to what somebody else may
    /// have next.
    fn absent(
        &mut self,
        desired: &DesiredSite,
        observed: &ObservedSite,
        policy: &Policy,
        standing: &Standing,
    ) {
        let removal = match hosting::absent(desired, observed.hosting.as_ref(), standing) {
            Ok(removal) => removal,
            Err(withheld) => return self.withheld.push(withheld),
        };
        let mut before = Vec::new();
        if let Some(dns) = &desired.dns {
            let rules = Rules {
                // That all of the site's sets go is what was asked for.
                max_removed_percent: 100,
                ..Rules::of(dns, policy, Capabilities::of(dns.provider), None)
            };
            before = self.records(desired, dns, &[], observed, &rules, &[]);
        }
        self.steps.extend(removal.map(|removal| Step {
            action: Action::Hosting(removal),
            after: before,
        }));
    }

    /// The steps that bring records into the wanted state, each after `before`.
    fn records(
        &mut self,
        desired: &DesiredSite,
        dns: &DesiredDns,
        wanted: &[DeclaredSet],
        observed: &ObservedSite,
        rules: &Rules,
        before: &[StepIndex],
    ) -> Vec<StepIndex> {
        let difference = dns::diff(wanted, &observed.zones, rules);
        let account = desired.hosting.account();
        let actions =
            difference.actions(&desired.id, dns.provider, dns.credential.as_ref(), account);
        self.withheld.extend(difference.withheld);
        actions
            .into_iter()
            .map(|action| {
                self.steps.push(Step {
                    action: Action::Dns(match &rules.target {
                        Some(target) => action.with_target(target),
                        None => action,
                    }),
                    after: before.to_vec(),
                });
                self.steps.len() - 1
            })
            .collect()
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

impl Action {
    /// The step's verb, for reports and the journal.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Hosting(action) => action.verb(),
            Self::Dns(action) => action.verb(),
        }
    }

    /// What the step is done to, as `local-static/blog`.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Hosting(action) => action.target(),
            Self::Dns(action) => action.target(),
        }
    }
}

impl Action {
    /// What the step would change, for a plan.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Hosting(action) => action.describe(),
            Self::Dns(action) => action.describe(),
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
