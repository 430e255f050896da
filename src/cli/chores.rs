//! What is cleared away: before a stream is read, and every few hours while a daemon lives.

use super::exit::Failure;
use crate::edge::EdgeError;
use crate::hosting::local_static::LocalStatic;
use crate::reconcile::Reconciler;
use crate::release::Digest;
use crate::settings::Settings;
use crate::store::Store;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often a daemon clears away: seldom enough that looking through the caches costs nothing that is noticed, and
/// often enough that what exceeds its room by then is not much.
pub(super) const EVERY: Duration = Duration::from_secs(6 * 3600);

/// What is cleared away, by the settings in force.
pub(super) struct Chores {
    reconciler: Arc<Reconciler>,
    tombstone_days: u16,
}

impl Chores {
    pub(super) fn new(settings: &Settings, reconciler: Arc<Reconciler>) -> Self {
        Self {
            reconciler,
            tombstone_days: settings.tombstone_days,
        }
    }

    /// Clears away what is needed least and what was taken down long ago. What cannot be removed is told in the log:
    /// it is no reason to leave sites as they are.
    pub(super) fn sweep(&self) {
        let Reconciler { builds, store, .. } = &*self.reconciler;
        if let Err(error) = builds.sweep(&needed(store)) {
            tracing::warn!("{}", error.full());
        }
        let local_static = &self.reconciler.backends.local_static;
        if let Err(error) = self.bury_for_good(local_static) {
            tracing::warn!("{}", error.full());
        }
    }

    fn bury_for_good(&self, local_static: &LocalStatic) -> Result<(), EdgeError> {
        let days = i64::from(self.tombstone_days);
        let before = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
        for project in local_static.sweep(before)? {
            tracing::info!(
                project,
                "removed what was left of a site taken down long ago"
            );
        }
        Ok(())
    }
}

/// Does the chores beside the daemon's work: now, again and again after a pause, and whenever the settings are other ones. It ends
/// when nobody can change them any more.
pub(super) async fn keep<T>(
    mut chores: watch::Receiver<Arc<T>>,
    pause: Duration,
    sweep: impl Fn(&T) + Clone + Send + 'static,
) where
    T: Send + Sync + 'static,
{
    loop {
        let now = Arc::clone(&chores.borrow_and_update());
        let work = sweep.clone();
        let swept = tokio::task::spawn_blocking(move || work(&now)).await;
        if let Err(error) = swept {
            tracing::error!("clearing away ended early: {error}");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = chores.changed() => if changed.is_err() { return; },
        }
    }
}

/// Tells of the steps that an earlier run began and did not end.
///
/// An interrupted step needs no repair of its own. Every message is planned against what is found, and the
/// record that would let a site be passed over as unchanged is only written after its last step. So the
/// step is noted as seen, and its site is told to a person.
pub(super) async fn tell_interrupted(store: &Store, lives: bool) -> Result<(), Failure> {
    let next = if lives {
        "the site is looked at now"
    } else {
        "the site's next message finishes it"
    };
    for step in store.interrupted()? {
        tracing::warn!(
            site = %step.site,
            "{} {} was interrupted; {next}",
            step.action,
            step.target
        );
        // A daemon notes it when it has looked.
        if !lives {
            store.resolve_interrupted(step.id, "seen at start").await?;
        }
    }
    Ok(())
}

/// The artifacts that sites were made of, which may be needed again.
fn needed(store: &Store) -> BTreeSet<Digest> {
    store
        .sites()
        .into_iter()
        .flat_map(|(_, record)| [record.artifact, record.held])
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    /// What was done by which settings, as it was done.
    fn kept(pause: Duration) -> (watch::Sender<Arc<u8>>, Receiver<u8>) {
        let (done, seen) = channel();
        let (settings, due) = watch::channel(Arc::new(1));
        tokio::spawn(keep(due, pause, move |by| {
            // Nobody listens at the end of the test.
            let _ = done.send(*by);
        }));
        (settings, seen)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn chores_are_done_at_once_and_by_other_settings() {
        let (settings, seen) = kept(EVERY);
        assert_eq!(seen.recv().unwrap(), 1);
        settings.send_replace(Arc::new(2));
        assert_eq!(seen.recv().unwrap(), 2);
        drop(settings);
        assert!(seen.recv().is_err(), "it has ended");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn chores_are_done_again_after_a_pause() {
        let (_settings, seen) = kept(Duration::from_millis(1));
        assert_eq!(seen.iter().take(3).collect::<Vec<_>>(), [1; 3]);
    }
}
