//! What the state directory missed. A step changes what visitors see; a moment later the site's record says so.
//! When a run ends between the two, the next look at the site finds it other than the record says, and the
//! record follows, so that the history has every release and a rollback holds.

use super::Mode;
use super::site::Reconciler;
use crate::model::SiteId;
use crate::observed::{ObservedHosting, Ownership};
use crate::release::{Digest, ReleaseId};
use crate::store::{Cause, HistoryEntry, SiteRecord, SiteState, StoreError};

/// A change of the site that its record does not tell of.
pub(super) struct Missed {
    /// The record as it is now.
    pub(super) record: SiteRecord,
    /// What happened.
    pub(super) cause: Cause,
}

impl Reconciler {
    /// Compares a site with its record. What the record missed is kept, unless nothing may be changed.
    pub(super) async fn catch_up(
        &self,
        site: &SiteId,
        record: &SiteRecord,
        found: Option<&ObservedHosting>,
    ) -> Result<Option<Missed>, StoreError> {
        let newest = || self.newest(site);
        let Some(missed) = missed(record, found, newest)? else {
            return Ok(None);
        };
        if self.mode == Mode::Apply {
            let entry = HistoryEntry {
                release: missed.record.release.clone(),
                at: missed.record.applied_at,
                seq: 0,
                cause: missed.cause,
                detail: "found so; the run that did it ended before its note".into(),
            };
            let record = missed.record.clone();
            self.store.commit(site, record, None, Some(entry)).await?;
        }
        Ok(Some(missed))
    }

    /// The release a message asked for last.
    pub(super) fn newest(&self, site: &SiteId) -> Result<Option<ReleaseId>, StoreError> {
        let history = self.store.history(site, usize::MAX)?;
        let applied = history
            .into_iter()
            .find(|entry| entry.cause == Cause::Apply);
        Ok(applied.and_then(|entry| entry.release))
    }
}

fn missed(
    record: &SiteRecord,
    found: Option<&ObservedHosting>,
    newest: impl FnOnce() -> Result<Option<ReleaseId>, StoreError>,
) -> Result<Option<Missed>, StoreError> {
    let release = found.and_then(|found| found.release.as_ref());
    let others = found.is_some_and(|found| found.ownership != Ownership::Ours);
    if others || record.release.as_ref() == release {
        return Ok(None);
    }
    let before = SiteRecord {
        release: release.cloned(),
        // It is not the last message's state: that message is looked at whole when it is sent again.
        config_digest: Digest::from([0; 32]),
        fingerprint: None,
        applied_at: jiff::Timestamp::now(),
        state: SiteState::Live,
        detail: String::new(),
        ..record.clone()
    };
    let (record, cause) = match found {
        None => {
            let state = SiteState::Absent;
            (SiteRecord { state, ..before }, Cause::Remove)
        }
        Some(ObservedHosting {
            artifact: artifact @ Some(_),
            ..
        }) => {
            let (artifact, held) = (*artifact, None);
            let record = SiteRecord {
                artifact,
                held,
                ..before
            };
            (record, Cause::Apply)
        }
        // Only going to a kept release leaves open what it was made of.
        Some(_) => {
            let newest = newest()? == before.release;
            let held = record.artifact.filter(|_| !newest);
            (SiteRecord { held, ..before }, Cause::Rollback)
        }
    };
    Ok(Some(Missed { record, cause }))
}
