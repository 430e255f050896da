//! One notification at work: it listens, decides and tells, one thing after another.

use super::webhook::{Sender, WebhookError};
use super::{Announcement, Announcer, Known, Notification, Receiver, Verdict, program};
use crate::model::SiteId;
use crate::reconcile::{Control, Event, Happening, Which};
use crate::report::Report;
use crate::store::{Store, Told};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

/// Announcements that may wait. What comes when they are full is found by a look when they have gone.
const WAITING: usize = 256;

/// Reports that are remembered for the notices that follow them: one follows at once, if any does.
const REPORTS: usize = 64;

/// How long what is being told at the end may still take.
const GRACE: Duration = Duration::from_secs(5);

/// Why a receiver was not told.
#[derive(Debug, Error)]
enum TellError {
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    #[error(transparent)]
    Program(#[from] program::ProgramError),
}

/// What is told, and what the receiver knows then.
struct Waiting {
    announcement: Announcement,
    known: Known,
}

/// What was tried, and how it ended.
type Ended = (Waiting, Result<(), TellError>);

/// What the receiver knows, for the next run.
struct Memory {
    name: String,
    store: Store,
}

impl Memory {
    fn known(&self) -> Vec<(SiteId, Known)> {
        // Without it people are told once more what they know.
        let told = self.store.told(&self.name).unwrap_or_else(|error| {
            tracing::warn!(
                notification = self.name,
                "what was told is not known: {error}"
            );
            Vec::new()
        });
        let known = |told: Told| (told.site, Known::of(told.health));
        told.into_iter().map(known).collect()
    }

    async fn keep(&self, site: SiteId, known: Known) {
        let health = known.health();
        let told = Told { site, health };
        if let Err(error) = self.store.note_told(self.name.clone(), told).await {
            tracing::warn!(
                notification = self.name,
                "what was told cannot be noted: {error}"
            );
        }
    }
}

/// One notification at work.
pub(super) struct Teller {
    notification: Arc<Notification>,
    sender: Sender,
    memory: Memory,
    announcer: Announcer,
    reports: VecDeque<Arc<Report>>,
    queue: VecDeque<Waiting>,
    /// What is being told: one at most.
    telling: FuturesUnordered<BoxFuture<'static, Ended>>,
    /// When the last look was.
    looked: Timestamp,
    /// Events that waited then. Those that are not younger than the look were seen by it.
    old: usize,
    /// Whether something was missed, so that a look is needed.
    behind: bool,
}

impl Teller {
    pub(super) fn new(notification: Notification, sender: Sender, store: Store) -> Self {
        let name = notification.name.to_string();
        let memory = Memory { name, store };
        let (on, sites) = (notification.on.clone(), notification.sites.clone());
        Self {
            announcer: Announcer::new(on, sites, memory.known()),
            notification: Arc::new(notification),
            sender,
            memory,
            reports: VecDeque::new(),
            queue: VecDeque::new(),
            telling: FuturesUnordered::new(),
            looked: Timestamp::MIN,
            old: 0,
            behind: true,
        }
    }

    /// Tells what happens until `shutdown`, or until the daemon has ended.
    pub(super) async fn run(mut self, control: Control, shutdown: impl Future<Output = ()>) {
        self.check();
        let mut events = control.watch();
        let mut shutdown = pin!(shutdown);
        loop {
            if self.behind && self.queue.is_empty() {
                if !self.look(&control).await {
                    break;
                }
                self.old = events.len();
            }
            self.begin();
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = self.telling.next(), if !self.telling.is_empty() => self.end(ended).await,
                event = events.recv() => match event {
                    Ok(event) => self.take(&event).await,
                    Err(RecvError::Lagged(_)) => self.behind = true,
                    Err(RecvError::Closed) => break,
                },
            }
        }
        self.finish().await;
    }

    /// Tells the operator early of a key that will not do.
    fn check(&self) {
        if let Receiver::Webhook { secret, .. } = &self.notification.receiver
            && let Err(error) = self.sender.key(secret)
        {
            let name = self.notification.name.as_str();
            tracing::warn!(notification = name, "nobody can be told: {error}");
        }
    }

    /// Looks at all sites; whether the daemon is there to be asked.
    async fn look(&mut self, control: &Control) -> bool {
        let Ok(snapshot) = control.snapshot(Which::All).await else {
            return false;
        };
        self.looked = snapshot.at;
        self.behind = false;
        let there = |site: &SiteId| {
            let found = snapshot.sites.binary_search_by(|view| view.site.cmp(site));
            found.is_ok()
        };
        let troubled = self.announcer.troubled();
        let gone: Vec<SiteId> = troubled.filter(|site| !there(site)).cloned().collect();
        for site in gone {
            self.note(&site, Known::Well).await;
        }
        for view in &snapshot.sites {
            let Some(verdict) = self.announcer.see(&view.site, view.health) else {
                continue;
            };
            let announcement = |kind| Announcement {
                kind,
                site: view.site.clone(),
                health: view.health,
                at: snapshot.at,
                problem: view.problem.clone(),
                report: None,
            };
            self.decide(&view.site, verdict, announcement).await;
        }
        true
    }

    /// Takes in what happened.
    async fn take(&mut self, event: &Event) {
        // The clock is asked of these alone: it may be set back at any time.
        let seen = self.old > 0 && event.at <= self.looked;
        self.old = self.old.saturating_sub(1);
        let Some(site) = &event.site else {
            return;
        };
        match &event.what {
            Happening::Reported(report) => {
                self.reports.truncate(REPORTS - 1);
                self.reports.push_front(Arc::clone(report));
            }
            // Its reports are about earlier work from now on.
            Happening::Started { .. } => self.reports.retain(|it| it.site.as_ref() != Some(site)),
            Happening::Forgotten => {
                self.queue.retain(|it| it.announcement.site != *site);
                self.note(site, Known::Well).await;
            }
            Happening::Noticed { notice, problem } if !seen => {
                let Some(verdict) = self.announcer.hear(site, *notice) else {
                    return;
                };
                let of_site = |it: &&Arc<Report>| it.site.as_ref() == Some(site);
                let report = self.reports.iter().find(of_site).cloned();
                let announcement = |kind| Announcement {
                    kind,
                    site: site.clone(),
                    health: super::body::health(*notice),
                    at: event.at,
                    problem: problem.clone(),
                    report,
                };
                self.decide(site, verdict, announcement).await;
            }
            Happening::Noticed { .. }
            | Happening::Accepted { .. }
            | Happening::Progress(_)
            | Happening::Step(_)
            | Happening::Retrying { .. }
            | Happening::Circuit { .. }
            | Happening::Draining => {}
        }
    }

    /// Does with a verdict what it says, as far as there is room.
    async fn decide(
        &mut self,
        site: &SiteId,
        verdict: Verdict,
        announcement: impl FnOnce(super::Kind) -> Announcement,
    ) {
        let known = verdict.known;
        match verdict.tell {
            None => self.note(site, known).await,
            Some(_) if self.queue.len() >= WAITING => self.behind = true,
            Some(kind) => {
                self.announcer.note(site, known);
                let announcement = announcement(kind);
                self.queue.push_back(Waiting {
                    announcement,
                    known,
                });
            }
        }
    }

    /// Notes what the receiver knows, also for the next run.
    async fn note(&mut self, site: &SiteId, known: Known) {
        self.announcer.note(site, known);
        self.memory.keep(site.clone(), known).await;
    }

    /// Begins to tell what waits longest, when nothing is being told.
    fn begin(&mut self) {
        if !self.telling.is_empty() {
            return;
        }
        if let Some(waiting) = self.queue.pop_front() {
            let (notification, sender) = (Arc::clone(&self.notification), self.sender.clone());
            self.telling.push(Box::pin(async move {
                let told = tell(&notification, &sender, &waiting.announcement).await;
                (waiting, told)
            }));
        }
    }

    /// Takes in how a telling ended. One that failed for good is not told again.
    async fn end(&mut self, (waiting, told): Ended) {
        let name = self.notification.name.as_str();
        let Announcement { site, kind, .. } = &waiting.announcement;
        let kind = kind.name();
        match told {
            Ok(()) => tracing::debug!(notification = name, site = %site, kind, "told"),
            Err(error) => {
                tracing::error!(notification = name, site = %site, kind, "not told: {error}");
            }
        }
        self.memory
            .keep(waiting.announcement.site, waiting.known)
            .await;
    }

    /// Gives what is being told a little time. What waits is told by the next run.
    async fn finish(mut self) {
        if let Ok(Some(ended)) = timeout(GRACE, self.telling.next()).await {
            self.end(ended).await;
        }
        if !self.queue.is_empty() {
            let name = self.notification.name.as_str();
            let waiting = self.queue.len();
            tracing::info!(notification = name, waiting, "left to the next start");
        }
    }
}

async fn tell(
    notification: &Notification,
    sender: &Sender,
    announcement: &Announcement,
) -> Result<(), TellError> {
    match &notification.receiver {
        Receiver::Webhook { url, secret } => {
            let target = (url.as_str(), secret);
            sender.send(notification, target, announcement).await?;
        }
        Receiver::Program { path, args } => {
            let program = (path.clone(), args.clone());
            program::run(notification, program, announcement).await?;
        }
    }
    Ok(())
}
