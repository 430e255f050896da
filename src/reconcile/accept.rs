//! From a message's arrival to its place in line: what needs no work is answered at once, and what is asked for
//! is kept before anything is done about it.

use super::daemon::Daemon;
use super::event::Happening;
use super::inbox::Asker;
use super::job::{Job, Lane, What};
use super::site::Mode;
use super::view::Problem;
use super::{failed, invalid, superseded};
use crate::desired::DesiredSite;
use crate::model::{Drift, Ensure, Fault, SiteId};
use crate::report::{Outcome, Report};
use crate::schedule::{DriftMode, Record, Terms};
use crate::store::{Accepted, StoreError};
use crate::stream::Spore;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

/// What the loop knows of a site that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) accepted_at: jiff::Timestamp,
    /// The highest of the writer's counters.
    pub(super) generation: u64,
    pub(super) terms: Terms,
    /// How the last attempt failed.
    pub(super) problem: Option<Box<Problem>>,
}

/// A site known from before.
pub(super) struct Known {
    pub(super) site: SiteId,
    pub(super) record: Record,
}

/// A message whose configuration was to be kept.
pub(super) struct Acceptance {
    site: SiteId,
    job: Job,
    terms: Terms,
    at: jiff::Timestamp,
    generation: u64,
    kept: Result<(), StoreError>,
}

impl<W: Write> Daemon<W> {
    /// Takes in a message.
    pub(super) fn arrive(&mut self, mut spore: Spore, asker: Asker) {
        if !self.concerns(&spore) {
            return;
        }
        self.totals.messages += 1;
        if self.lives {
            self.seq += 1;
            spore.seq = self.seq;
        }
        self.place(spore.seq);
        match self.at_once(&spore) {
            Ok(desired) => self.keep(spore, &desired, asker),
            Err(report) => self.answer_at_once(asker, *report),
        }
    }

    /// Whether this run looks at the message at all.
    fn concerns(&self, spore: &Spore) -> bool {
        match (&self.only, &spore.site) {
            (Some(only), Some(site)) => only == site,
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    /// What a message asks for that has to be worked on; else its report. What is refused here changes nothing of
    /// what was accepted before.
    fn at_once(&self, spore: &Spore) -> Result<DesiredSite, Box<Report>> {
        let config = match &spore.config {
            Ok(config) => config,
            Err(faults) => return Err(Box::new(invalid(spore, faults.as_slice()))),
        };
        let site = &config.site.id;
        let newest = self.newest_generation(site);
        if config.generation != 0 && config.generation < newest {
            let why = format!("generation {newest} was accepted already");
            return Err(Box::new(superseded(spore, why)));
        }
        if self.at_rest(site)
            && let Some(report) = self.reconciler.unchanged(spore)
        {
            return Err(Box::new(report));
        }
        let refused = |outcome, faults: Vec<Fault>| {
            let mut report = Report::of(spore, spore.site.clone());
            (report.outcome, report.faults) = (outcome, faults);
            Box::new(report)
        };
        let desired = DesiredSite::from_config(config)
            .map_err(|faults| refused(Outcome::Invalid, faults.into_vec()))?;
        let refusals = self.reconciler.policy.refusals(&desired);
        if refusals.is_empty() {
            Ok(desired)
        } else {
            Err(refused(Outcome::Refused, refusals))
        }
    }

    /// The highest of the writer's counters that was accepted for a site, or is being accepted.
    fn newest_generation(&self, site: &SiteId) -> u64 {
        let accepted = self.facts.get(site).map_or(0, |facts| facts.generation);
        let coming = self.doings.get(site).map_or(0, |doing| doing.generation);
        accepted.max(coming)
    }

    /// Whether nothing is under way for a site, nor left to be done.
    fn at_rest(&self, site: &SiteId) -> bool {
        let unfinished = || self.schedule.site(site).is_some_and(|site| site.unfinished);
        !self.doings.contains_key(site) && !unfinished()
    }

    /// Keeps what a message asks for; then it gets in line.
    fn keep(&mut self, spore: Spore, desired: &DesiredSite, asker: Asker) {
        let lane = match &desired.hosting.branches.preview {
            Some(branch) => Lane::Preview(branch.to_string()),
            None => Lane::Site,
        };
        let site = desired.id.clone();
        let at = jiff::Timestamp::now();
        let generation = spore.config.as_ref().map_or(0, |config| config.generation);
        let drift = drift_of(
            desired,
            spore.config.as_ref().map(|config| config.drift).ok(),
        );
        let services = desired.services();
        let accounts = services.iter().map(|name| self.accounts.number(name));
        let terms = Terms {
            accounts: accounts.collect(),
            paused: false,
            drift,
        };
        let accepted = Accepted {
            site: site.clone(),
            lane: lane.name().unwrap_or_default().to_owned(),
            digest: spore.digest,
            generation,
            at,
            accounts: services,
            drift,
            unfinished: true,
            suspended: false,
            health: crate::schedule::Health::Good,
        };
        let body = spore.canonical.clone();
        let job = Job {
            lane,
            ticket: self.ticket(),
            seq: spore.seq,
            request_id: spore.request_id.clone(),
            arrived: spore.arrived,
            what: What::Message(Arc::new(spore)),
            asker,
            done: Vec::new(),
            last: None,
        };
        let mut acceptance = Acceptance {
            site,
            job,
            terms,
            at,
            generation,
            kept: Ok(()),
        };
        if self.reconciler.mode == Mode::Plan {
            return self.accepted(acceptance);
        }
        let site = acceptance.site.clone();
        let doing = self.doings.entry(site).or_default();
        doing.accepting += 1;
        doing.generation = doing.generation.max(generation);
        let keeper = self.reconciler.store.clone();
        self.accepting.push_back(Box::pin(async move {
            acceptance.kept = keeper.accept(accepted, body).await;
            acceptance
        }));
    }

    /// Takes in that a message's configuration is kept, or why not.
    pub(super) fn accepted(&mut self, acceptance: Acceptance) {
        let Acceptance {
            site,
            job,
            terms,
            at,
            generation,
            kept,
        } = acceptance;
        if let Some(doing) = self.doings.get_mut(&site) {
            doing.accepting = doing.accepting.saturating_sub(1);
            if doing.accepting == 0 {
                doing.generation = 0;
            }
        }
        if let Err(error) = kept {
            let error = super::site::state_error(error);
            let report = failed(job.report(&site), &error.full());
            return self.answer_at_once(job.asker, report);
        }
        let what = Happening::Accepted {
            seq: job.seq,
            request_id: job.request_id.clone(),
        };
        self.events.tell(Some(&site), what);
        let before = self.facts.remove(&site);
        // A preview says nothing of what the website itself is to be.
        let terms = match (&before, &job.lane) {
            (Some(before), Lane::Preview(_)) => before.terms.clone(),
            _ => terms,
        };
        let generation = before
            .as_ref()
            .map_or(generation, |before| before.generation.max(generation));
        let facts = Facts {
            accepted_at: at,
            generation,
            terms: terms.clone(),
            problem: before.and_then(|before| before.problem),
        };
        self.facts.insert(site.clone(), facts);
        self.enter(site, job, terms);
    }

    /// The sites known from before, and what is known of them.
    pub(super) fn known(&mut self) -> Result<Vec<Known>, StoreError> {
        for step in self.reconciler.store.interrupted()? {
            self.interrupted.entry(step.site).or_default().push(step.id);
        }
        let mut sites: BTreeMap<SiteId, Vec<Accepted>> = BTreeMap::new();
        for accepted in self.reconciler.store.accepted()? {
            sites
                .entry(accepted.site.clone())
                .or_default()
                .push(accepted);
        }
        let known = sites.into_iter();
        Ok(known
            .map(|(site, lanes)| self.known_site(site, &lanes))
            .collect())
    }

    fn known_site(&mut self, site: SiteId, lanes: &[Accepted]) -> Known {
        let interrupted = self.interrupted.contains_key(&site);
        let unfinished = lanes.iter().any(|lane| lane.unfinished) || interrupted;
        // The website's own comes first; with previews alone there is nothing to look after.
        let own = lanes.first().filter(|accepted| accepted.lane.is_empty());
        let accounts = lanes.first().into_iter().flat_map(|lane| &lane.accounts);
        let terms = Terms {
            accounts: accounts.map(|name| self.accounts.number(name)).collect(),
            paused: false,
            drift: own.map_or(Some(DriftMode::Off), |own| own.drift),
        };
        let record = self.reconciler.store.site(&site);
        let edge = record.as_ref().and_then(|record| record.next_edge);
        let generation = record.map_or(0, |record| record.generation);
        let accepted = lanes.iter().map(|lane| lane.generation);
        let facts = Facts {
            accepted_at: lanes.first().map(|lane| lane.at).unwrap_or_default(),
            generation: accepted.max().unwrap_or(0).max(generation),
            terms: terms.clone(),
            problem: None,
        };
        self.facts.insert(site.clone(), facts);
        let record = Record {
            terms,
            unfinished,
            suspended: own.is_some_and(|own| own.suspended),
            next_edge: edge.map(|edge| self.clock.time(edge)),
            health: own.map(|own| own.health).unwrap_or_default(),
        };
        Known { site, record }
    }
}

/// What is done about differences: nothing where nothing is to be looked after.
fn drift_of(desired: &DesiredSite, asked: Option<Drift>) -> Option<DriftMode> {
    match (desired.ensure, asked) {
        (Ensure::Absent | Ensure::Paused, _) | (_, Some(Drift::Off)) => Some(DriftMode::Off),
        (Ensure::Present, Some(Drift::Repair)) => Some(DriftMode::Repair),
        (Ensure::Present, Some(Drift::Report)) => Some(DriftMode::Report),
        (Ensure::Present, Some(Drift::AsSettings) | None) => None,
    }
}
