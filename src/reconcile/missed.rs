//! What the state directory missed. A step changes what visitors see; a moment later the site's record says so.
//! When a run ends between the two, the next look at the site finds it other than the record says, and the
//! record follows, so that the history has every release and a rollback holds.

use super::Mode;
use super::site::Reconciler;
use crate::model::{HostingProvider, SiteId};
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
        mode: Mode,
    ) -> Result<Option<Missed>, StoreError> {
        let history = || self.store.history(site, usize::MAX);
        let Some(missed) = missed(record, found, history)? else {
            return Ok(None);
        };
        if mode == Mode::Apply {
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
        Ok(newest(self.store.history(site, usize::MAX)?))
    }
}

/// The release a message asked for last.
fn newest(history: Vec<HistoryEntry>) -> Option<ReleaseId> {
    let applied = history
        .into_iter()
        .find(|entry| entry.cause == Cause::Apply);
    applied.and_then(|entry| entry.release)
}

fn missed(
    record: &SiteRecord,
    found: Option<&ObservedHosting>,
    history: impl FnOnce() -> Result<Vec<HistoryEntry>, StoreError>,
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
    let Some(found) = found else {
        let record = SiteRecord {
            state: SiteState::Absent,
            ..before
        };
        let cause = Cause::Remove;
        return Ok(Some(Missed { record, cause }));
    };
    let history = history()?;
    // Where the same files make the same release, going back leaves open what it was made of; elsewhere a release
    // that was live before can only have been gone back to.
    let again = match record.provider {
        HostingProvider::LocalStatic => found.artifact.is_none(),
        HostingProvider::CloudflarePages
        | HostingProvider::S3Static
        | HostingProvider::CriomosHost => {
            history.iter().any(|entry| entry.release == before.release)
        }
    };
    let (held, artifact, cause) = if again {
        let newest = newest(history) == before.release;
        let held = record.artifact.filter(|_| !newest);
        (held, record.artifact, Cause::Rollback)
    } else {
        (None, found.artifact, Cause::Apply)
    };
    let record = SiteRecord {
        artifact,
        held,
        ..before
    };
    Ok(Some(Missed { record, cause }))
}
