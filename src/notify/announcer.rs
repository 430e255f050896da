//! What is new to a receiver: a pure decision.

use super::Kind;
use crate::model::SiteId;
use crate::plan::Patterns;
use crate::schedule::{Health, Notice};
use std::collections::HashMap;

/// What a receiver knows of a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Known {
    /// Nothing, or that it is well.
    #[default]
    Well,
    /// That it failed.
    Failing,
    /// That it is other than asked.
    Drifted,
    /// That it waits for approval.
    Awaiting,
}

impl Known {
    /// What there is to know of a site in this health.
    #[must_use]
    pub const fn of(health: Health) -> Self {
        match health {
            Health::Good | Health::Repaired => Self::Well,
            Health::Failing => Self::Failing,
            Health::Drifted => Self::Drifted,
            Health::Awaiting => Self::Awaiting,
        }
    }

    /// As it is kept.
    #[must_use]
    pub const fn health(self) -> Health {
        match self {
            Self::Well => Health::Good,
            Self::Failing => Health::Failing,
            Self::Drifted => Health::Drifted,
            Self::Awaiting => Health::Awaiting,
        }
    }

    /// What is told when this is new.
    const fn kind(self) -> Kind {
        match self {
            Self::Well => Kind::Recovery,
            Self::Failing => Kind::Failure,
            Self::Drifted => Kind::Drift,
            Self::Awaiting => Kind::Approval,
        }
    }
}

/// What follows from what was heard or seen of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is told; `None` for what the receiver does not want to be told.
    pub tell: Option<Kind>,
    /// What counts as known from then on.
    pub known: Known,
}

/// Decides what one receiver is told, by what it knows: each state of a site once.
///
/// What the daemon tells is [heard](Self::hear); where that is missed, sites are [seen](Self::see).
/// Only with [`note`](Self::note) something becomes known, so that what cannot be told yet is not lost.
#[derive(Clone, Debug)]
pub struct Announcer {
    on: Vec<Kind>,
    sites: Patterns,
    /// Sites that are not well, as far as the receiver knows.
    known: HashMap<SiteId, Known>,
}

impl Announcer {
    /// For a receiver who wants to know this, of these sites, and was told so much before.
    #[must_use]
    pub fn new(
        on: Vec<Kind>,
        sites: Patterns,
        known: impl IntoIterator<Item = (SiteId, Known)>,
    ) -> Self {
        let mut announcer = Self {
            on,
            sites,
            known: HashMap::new(),
        };
        for (site, known) in known {
            announcer.note(&site, known);
        }
        announcer
    }

    /// What follows from a notice of the daemon; `None` when it is nothing new.
    #[must_use]
    pub fn hear(&self, site: &SiteId, notice: Notice) -> Option<Verdict> {
        let now = match notice {
            Notice::Failure(_) => Known::Failing,
            Notice::Drift { repaired: false } => Known::Drifted,
            Notice::Awaiting => Known::Awaiting,
            Notice::Recovery => Known::Well,
            Notice::Drift { repaired: true } => {
                return match self.known(site) {
                    // It was well and is well: the repair itself is the news.
                    Known::Well => self.verdict(site, Kind::Drift, Known::Well),
                    Known::Failing | Known::Drifted | Known::Awaiting => {
                        self.become_known(site, Known::Well)
                    }
                };
            }
        };
        self.become_known(site, now)
    }

    /// What follows from a look at a site; `None` when it is nothing new. A repair is not seen afterwards.
    #[must_use]
    pub fn see(&self, site: &SiteId, health: Health) -> Option<Verdict> {
        self.become_known(site, Known::of(health))
    }

    /// Notes what is known of a site from now on.
    pub fn note(&mut self, site: &SiteId, known: Known) {
        if known == Known::Well {
            self.known.remove(site);
        } else if self.sites.accept(site.as_str()) {
            self.known.insert(site.clone(), known);
        }
    }

    /// What is known of a site.
    #[must_use]
    pub fn known(&self, site: &SiteId) -> Known {
        self.known.get(site).copied().unwrap_or_default()
    }

    /// The sites that are not well, as far as is known.
    pub fn troubled(&self) -> impl Iterator<Item = &SiteId> {
        self.known.keys()
    }

    fn become_known(&self, site: &SiteId, now: Known) -> Option<Verdict> {
        if self.known(site) == now {
            return None;
        }
        self.verdict(site, now.kind(), now)
    }

    fn verdict(&self, site: &SiteId, kind: Kind, known: Known) -> Option<Verdict> {
        let tell = self.on.contains(&kind).then_some(kind);
        let concerned = self.sites.accept(site.as_str());
        concerned.then_some(Verdict { tell, known })
    }
}

#[cfg(test)]
mod tests;
