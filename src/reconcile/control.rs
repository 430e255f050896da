//! What others ask of the running daemon: the one way in beside its sources.
//!
//! Everything asked for is done by the loop itself, between two other things it does, so that whoever asks sees
//! one state and changes of a site keep their order.

use super::event::{Event, Events};
use super::site::Reconciler;
use super::view::{Snapshot, Which};
use crate::model::SiteId;
use crate::report::Report;
use crate::schedule;
use crate::stream::Spore;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::{broadcast, mpsc, oneshot};

/// What may wait for the loop; whoever comes later waits.
const WAITING: usize = 64;

/// A way to ask the running daemon. Clones ask the same one.
#[derive(Clone, Debug)]
pub struct Control {
    orders: mpsc::Sender<Order>,
    events: Events,
}

/// The loop's end of [`Control`].
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) receiver: mpsc::Receiver<Order>,
}

/// Something asked for, and where the answer goes.
#[derive(Debug)]
pub(super) enum Order {
    Apply(Box<Spore>, Answer<Report>),
    Plan(Box<Spore>, Answer<Report>),
    Snapshot(Which, Answer<Snapshot>),
    Site(SiteId, SiteOrder, Answer<Report>),
    Adopt(Arc<Reconciler>, Box<schedule::Options>),
    Drain { now: bool },
}

pub(super) type Answer<T> = oneshot::Sender<T>;

/// What an operator may ask for one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteOrder {
    /// To look now whether it is as asked, and to repair it.
    Refresh,
    /// To make an earlier release live: the one named, or the one before the live one.
    Rollback(Option<String>),
    /// To protect it from being taken down, or no longer.
    Protect(bool),
    /// To leave it as it is until [`Resume`](Self::Resume).
    Suspend,
    /// To look after it again.
    Resume,
    /// To stop managing it; what is published of it stays.
    Forget,
    /// To take what has its names at the provider and belongs to nobody, once, as `policy.adopt` would.
    TakeOver,
}

/// The daemon has ended, or ended before it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the daemon has ended")]
pub struct Gone;

impl Control {
    /// A way to ask, and where the loop finds what is asked.
    pub(super) fn new(events: Events) -> (Self, Orders) {
        let (orders, receiver) = mpsc::channel(WAITING);
        let control = Self { orders, events };
        (control, Orders { receiver })
    }

    /// Takes a message in, like one that came from a source, and waits for its report. It waits before that when
    /// too many messages are under way.
    ///
    /// # Errors
    /// The daemon has ended. When the message was accepted before, it is carried out by the next one.
    pub async fn apply(&self, spore: Spore) -> Result<Report, Gone> {
        self.ask(|answer| Order::Apply(Box::new(spore), answer))
            .await
    }

    /// What a message would change. Nothing is changed or kept.
    ///
    /// # Errors
    /// The daemon has ended.
    pub async fn plan(&self, spore: Spore) -> Result<Report, Gone> {
        self.ask(|answer| Order::Plan(Box::new(spore), answer))
            .await
    }

    /// The daemon as it is now.
    ///
    /// # Errors
    /// The daemon has ended.
    pub async fn snapshot(&self, which: Which) -> Result<Snapshot, Gone> {
        self.ask(|answer| Order::Snapshot(which, answer)).await
    }

    /// Does something with one site, after what is under way for it, and gives its report. A site that is not
    /// known is told by a `failed` one.
    ///
    /// # Errors
    /// The daemon has ended.
    pub async fn site(&self, site: SiteId, order: SiteOrder) -> Result<Report, Gone> {
        self.ask(|answer| Order::Site(site, order, answer)).await
    }

    /// All that happens from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.watch()
    }

    /// Lets what is begun from now on go by other settings.
    ///
    /// # Errors
    /// The daemon has ended.
    pub async fn adopt(
        &self,
        reconciler: Arc<Reconciler>,
        options: schedule::Options,
    ) -> Result<(), Gone> {
        let order = Order::Adopt(reconciler, Box::new(options));
        self.orders.send(order).await.map_err(|_| Gone)
    }

    /// Lets the daemon end: nothing further is started, what is under way is finished; with `now` it is not
    /// waited for either, and its journal tells the next daemon.
    ///
    /// # Errors
    /// The daemon has ended.
    pub async fn drain(&self, now: bool) -> Result<(), Gone> {
        let order = Order::Drain { now };
        self.orders.send(order).await.map_err(|_| Gone)
    }

    async fn ask<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Result<T, Gone> {
        let (answer, answered) = oneshot::channel();
        let sent = self.orders.send(order(answer)).await;
        sent.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }
}
