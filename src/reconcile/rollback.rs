//! Going back to an earlier release, which the operator asks for and no message.

use super::attempt::Attempt;
use super::site::{Mode, Reconciler, Stop, StoreJournal};
use super::trace;
use crate::desired::{DesiredHosting, DesiredSite};
use crate::edge::EdgeError;
use crate::hosting::HostingBackend;
use crate::model::SiteId;
use crate::observed::{Look, ObservedHosting, Ownership};
use crate::plan::{Action, HostingAction, Plan, Step};
use crate::release::{Digest, ReleaseId};
use crate::report::{Cause as Said, Outcome, Report};
use crate::store::{Cause, HistoryEntry, SiteRecord};
use crate::stream::Spore;

impl Reconciler {
    /// Makes an earlier release of a site live again: the one named, or the one before the live one.
    ///
    /// The files rolled back from are noted, so that a message that asks for them again does not undo the
    /// operator's decision; changed files are published as ever.
    pub async fn rollback(&self, site: &SiteId, wanted: Option<&str>) -> Report {
        self.roll_back(site, wanted).await.report
    }

    /// The same, as an attempt.
    pub(super) async fn roll_back(&self, site: &SiteId, wanted: Option<&str>) -> Attempt {
        let mut report = Report::about(0, Some(site.clone()), crate::model::Line::default());
        report.cause = Said::Operator;
        let started = std::time::Instant::now();
        let ended = self.roll(site, wanted, &mut report).await;
        let mut attempt = Attempt::of(report, ended);
        attempt.report.elapsed = started.elapsed();
        attempt
    }

    async fn roll(
        &self,
        site: &SiteId,
        wanted: Option<&str>,
        report: &mut Report,
    ) -> Result<(), Stop> {
        let record = self
            .store
            .site(site)
            .ok_or_else(|| EdgeError::rejected(format!("site {site} is not known here")))?;
        let desired = self.backends.canonical(self.recorded(site)?)?;
        let looking = self.backends.observe(&desired, Look::History);
        let observed = trace::within(trace::observe("hosting"), looking).await?;
        let observed = observed.hosting;
        let observed = observed
            .filter(|found| found.ownership == Ownership::Ours)
            .ok_or_else(|| EdgeError::rejected(format!("site {site} is not live")))?;
        let missed = self
            .catch_up(site, &record, Some(&observed), Mode::Apply)
            .await?;
        let release = match (&missed, &observed.release) {
            // The same was asked before, and done up to its note.
            (Some(missed), Some(live)) if wanted.is_none() && missed.cause == Cause::Rollback => {
                live.clone()
            }
            _ => choose(&observed, wanted)?,
        };
        let record = missed.map_or_else(|| SiteRecord::clone(&record), |missed| missed.record);
        let plan = Plan {
            steps: vec![Step {
                action: Action::Hosting(HostingAction::Activate {
                    key: desired.key.clone(),
                    settings: desired.settings.clone(),
                    release: release.clone(),
                }),
                after: Vec::new(),
            }],
            withheld: Vec::new(),
        };
        let plan = if observed.release.as_ref() == Some(&release) {
            Plan::default()
        } else {
            plan
        };
        let mut journal = StoreJournal::new(&self.store, &self.events, site, 0);
        let applying = plan.apply(&self.effects(), &mut journal).await;
        report.steps = applying.steps;
        report.release = Some(release.clone());
        report.urls = self.backends.urls(&desired);
        if let Some(error) = applying.errors.into_iter().next() {
            return Err(Stop::Edge(error));
        }
        if plan.is_empty() {
            return Ok(());
        }
        report.outcome = Outcome::Applied;
        let newest = self.newest(site)? == Some(release.clone());
        let record = SiteRecord {
            release: Some(release.clone()),
            held: record.artifact.filter(|_| !newest),
            applied_at: jiff::Timestamp::now(),
            // Not the last message's state any more: it is looked at again when it is sent again.
            config_digest: Digest::from([0; 32]),
            fingerprint: None,
            ..record
        };
        let entry = HistoryEntry {
            release: Some(release),
            at: jiff::Timestamp::now(),
            seq: 0,
            cause: Cause::Rollback,
            detail: match &observed.release {
                Some(before) => format!("from {}", before.short()),
                None => String::new(),
            },
        };
        self.store.commit(site, record, None, Some(entry)).await?;
        Ok(())
    }
}

impl Reconciler {
    /// The hosting that the site's last message asked for.
    fn recorded(&self, site: &SiteId) -> Result<DesiredHosting, EdgeError> {
        let missing = || {
            EdgeError::rejected(format!("the last message of site {site} is not kept"))
                .hint("send the site's message again, then go back")
        };
        let config = self
            .store
            .message(site)
            .map_err(super::site::state_error)?
            .and_then(|body| Spore::kept(&body))
            .ok_or_else(missing)?;
        let desired = DesiredSite::from_config(&config).map_err(|_| missing())?;
        Ok(desired.hosting)
    }
}

/// The release to go to, among those that are kept.
fn choose(observed: &ObservedHosting, wanted: Option<&str>) -> Result<ReleaseId, EdgeError> {
    let Some(wanted) = wanted else {
        return observed
            .previous
            .first()
            .cloned()
            .ok_or_else(|| EdgeError::rejected("there is no earlier release to go back to"));
    };
    let kept = || observed.release.iter().chain(&observed.previous);
    let matching: Vec<&ReleaseId> = kept()
        .filter(|release| release.as_str().starts_with(wanted))
        .collect();
    match matching[..] {
        [release] if wanted.len() >= 4 => Ok(release.clone()),
        _ => {
            let kept: Vec<&str> = kept().map(ReleaseId::short).collect();
            Err(
                EdgeError::rejected(format!("{wanted:?} is not one kept release"))
                    .hint(format!("kept are, newest first: {}", kept.join(", "))),
            )
        }
    }
}
