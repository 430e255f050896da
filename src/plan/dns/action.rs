//! The changes in one zone as one step.

use super::DnsChange;
use crate::model::{DnsProvider, SettingsName, SiteId};
use crate::records::Name;
use crate::schema::enumerant_name;

/// All changes in one zone. Performing it twice does what performing it once does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsAction {
    /// The site whose mark the sets get.
    pub site: SiteId,
    /// Who answers for the zone.
    pub provider: DnsProvider,
    /// The credential; `None` for the provider's default one.
    pub credential: Option<SettingsName>,
    /// The account of the hosting provider, whose credential is the default one where both are the same
    /// company's.
    pub account: Option<SettingsName>,
    /// What the provider knows the zone by.
    pub zone_id: String,
    /// The zone's name.
    pub zone: Name,
    /// The changes in the order in which they can be made.
    pub changes: Vec<DnsChange>,
}

impl DnsAction {
    /// The verb, for reports and the journal.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        "records"
    }

    /// What it is done to, as `cloudflare/spore.example`.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{}/{}", enumerant_name(self.provider), self.zone)
    }

    /// What would change, one line for each set.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.changes.iter().map(ToString::to_string)
    }

    /// What would change, for a plan: its lines joined by "; ".
    #[must_use]
    pub fn describe(&self) -> String {
        self.lines().collect::<Vec<_>>().join("; ")
    }

    /// Whether a change waits for the address of the hosting project.
    #[must_use]
    pub fn needs_target(&self) -> bool {
        self.changes.iter().any(DnsChange::needs_target)
    }

    /// The same with the address of the hosting project filled in.
    #[must_use]
    pub fn with_target(&self, target: &Name) -> Self {
        let fill = |change: &DnsChange| change.with_target(target);
        Self {
            changes: self.changes.iter().map(fill).collect(),
            ..self.clone()
        }
    }
}
