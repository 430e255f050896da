//! The loop: messages, orders and the ends of runs go into the schedule, and what it commands is done.

use super::accept::{Acceptance, Facts, Known};
use super::clock::Clock;
use super::control::{Control, Orders};
use super::event::{Events, Happening};
use super::inbox::{Arrival, Inbox};
use super::job::{Done, Job};
use super::order::InOrder;
use super::site::Reconciler;
use super::view::Totals;
use super::{Summary, broken};
use crate::model::SiteId;
use crate::report::Report;
use crate::schedule::Ticket;
use crate::schedule::{self, Account, Command, Event, Schedule};
use crate::sink::Sink;
use crate::store::{StepId, StoreError};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesOrdered, FuturesUnordered, StreamExt as _};
use std::collections::HashMap;
use std::io::{self, Write};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::{Id, JoinSet};

/// Messages of one stream read ahead of the oldest one without a report. It bounds memory, and how far one slow
/// site lets the others run ahead.
const WINDOW: usize = 256;

/// Messages whose configurations are being kept. It is as many as share a transaction.
const ACCEPTING: usize = 256;

/// How the loop goes.
#[derive(Clone, Debug)]
pub struct Options {
    /// When sites are worked on.
    pub schedule: schedule::Options,
    /// Whether the daemon lives on: sites known from before are looked after, reports leave as they are done, and
    /// what is not begun at the end is left to the next daemon. Else all messages of one stream are carried out
    /// once, and reports leave in their order.
    pub lives: bool,
    /// The one site whose messages count; `None` for all.
    pub only: Option<SiteId>,
}

impl Options {
    /// For one stream: each message has one attempt, with so many sites at once.
    #[must_use]
    pub fn once(jobs: usize) -> Self {
        let mut schedule = schedule::Options::default();
        schedule.bounds.jobs = jobs;
        schedule.retry.attempts = 1;
        schedule.breaker.failures = u32::MAX;
        schedule.drift.mode = schedule::DriftMode::Off;
        Self {
            schedule,
            lives: false,
            only: None,
        }
    }

    /// For a daemon that lives on.
    #[must_use]
    pub const fn lives(schedule: schedule::Options) -> Self {
        Self {
            schedule,
            lives: true,
            only: None,
        }
    }
}

/// The loop and all it knows.
pub struct Daemon<W> {
    pub(super) reconciler: Arc<Reconciler>,
    pub(super) schedule: Schedule,
    pub(super) accounts: Accounts,
    pub(super) clock: Clock,
    /// What is known of each site that was asked for.
    pub(super) facts: HashMap<SiteId, Facts>,
    pub(super) totals: Totals,
    pub(super) started: jiff::Timestamp,
    pub(super) ending: Ending,
    pub(super) events: Events,
    pub(super) only: Option<SiteId>,
    pub(super) lives: bool,
    /// What is under way for sites.
    pub(super) doings: HashMap<SiteId, Doing>,
    /// Steps that an earlier daemon began and did not end, by site.
    pub(super) interrupted: HashMap<SiteId, Vec<StepId>>,
    pub(super) accepting: FuturesOrdered<BoxFuture<'static, Acceptance>>,
    pub(super) runs: JoinSet<Vec<Done>>,
    pub(super) running: HashMap<Id, SiteId>,
    pub(super) asides: JoinSet<()>,
    pub(super) notes: FuturesUnordered<BoxFuture<'static, Result<(), StoreError>>>,
    pub(super) orders: Orders,
    /// The loop's own way to ask itself: with it there is always somebody who may.
    _control: Control,
    pub(super) in_order: Option<InOrder>,
    pub(super) sink: Sink<W>,
    pub(super) broken: Option<io::Error>,
    pub(super) summary: Summary,
    /// The last number given to a message.
    pub(super) seq: u64,
    pub(super) tickets: u64,
    /// Jobs without a report.
    pub(super) open_jobs: usize,
    pub(super) full: bool,
    pub(super) drained: bool,
    pub(super) commands: Vec<Command>,
}

/// How near the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    /// It is not in sight.
    No,
    /// What was begun is finished.
    Draining,
    /// Nothing is waited for.
    Now,
}

/// What is under way for one site.
#[derive(Debug, Default)]
pub(super) struct Doing {
    /// Messages whose configurations are being kept.
    pub(super) accepting: usize,
    /// The highest of their counters.
    pub(super) generation: u64,
    /// What waits for its turn, oldest first.
    pub(super) waiting: Vec<Job>,
    /// What is being done.
    pub(super) running: Vec<Job>,
    /// Who wants it forgotten when that has ended.
    pub(super) forget: Vec<oneshot::Sender<Report>>,
}

impl Doing {
    pub(super) fn at_rest(&self) -> bool {
        self.accepting == 0
            && self.waiting.is_empty()
            && self.running.is_empty()
            && self.forget.is_empty()
    }
}

/// Accounts by the numbers that the schedule knows them by.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    names: Vec<String>,
}

impl Accounts {
    /// The number of an account, given now if it has none.
    pub(super) fn number(&mut self, name: &str) -> Account {
        let index = self.names.iter().position(|known| known == name);
        let index = index.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        Account(u32::try_from(index).unwrap_or(u32::MAX))
    }

    pub(super) fn find(&self, name: &str) -> Option<Account> {
        let index = self.names.iter().position(|known| known == name)?;
        u32::try_from(index).ok().map(Account)
    }

    pub(super) fn name(&self, account: Account) -> &str {
        let index = usize::try_from(account.0).unwrap_or(usize::MAX);
        self.names.get(index).map_or("", String::as_str)
    }
}

impl<W: Write> Daemon<W> {
    /// A loop that has not begun, and a way to ask it. With [`Options::lives`] it knows the sites of the
    /// reconciler's store already.
    ///
    /// # Errors
    /// What was accepted before cannot be read.
    pub fn new(
        reconciler: Arc<Reconciler>,
        options: Options,
        sink: Sink<W>,
    ) -> Result<(Self, Control), StoreError> {
        let events = reconciler.events.clone();
        let (control, orders) = Control::new(events.clone());
        let mut daemon = Self {
            reconciler,
            schedule: Schedule::new(options.schedule, fastrand::Rng::new()),
            accounts: Accounts::default(),
            clock: Clock::new(),
            facts: HashMap::new(),
            totals: Totals::default(),
            started: jiff::Timestamp::now(),
            ending: Ending::No,
            events,
            only: options.only,
            lives: options.lives,
            doings: HashMap::new(),
            interrupted: HashMap::new(),
            accepting: FuturesOrdered::new(),
            runs: JoinSet::new(),
            running: HashMap::new(),
            asides: JoinSet::new(),
            notes: FuturesUnordered::new(),
            orders,
            _control: control.clone(),
            in_order: (!options.lives).then(InOrder::default),
            sink,
            broken: None,
            summary: Summary::default(),
            seq: 0,
            tickets: 0,
            open_jobs: 0,
            full: false,
            drained: false,
            commands: Vec::new(),
        };
        if options.lives {
            for Known { site, record } in daemon.known()? {
                let event = Event::Known { site, record };
                daemon.decide(event);
            }
        }
        Ok((daemon, control))
    }

    /// Reconciles what comes until the inbox ends, `shutdown`, or an [order to end](Control::drain): then no
    /// further message is taken, and what was begun is finished.
    ///
    /// # Errors
    /// Reports cannot be written. Then no further message is taken either, and what was begun is finished first:
    /// work is never dropped halfway.
    pub async fn run(
        mut self,
        inbox: &mut Inbox,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<Summary> {
        let mut shutdown = pin!(shutdown);
        let mut open = true;
        // What was known from before may have to be done.
        self.carry_out();
        loop {
            let reads = self.ending == Ending::No && self.broken.is_none();
            let taking = open && (reads || self.lives);
            if !open || (!reads && !self.lives) {
                self.rest_if_done();
            }
            if self.ending == Ending::Now || (self.drained && !taking && self.accepting.is_empty())
            {
                break;
            }
            let wake = self
                .schedule
                .next_wake()
                .map(|time| self.clock.instant(time));
            tokio::select! {
                biased;
                () = &mut shutdown, if self.ending == Ending::No => {
                    self.summary.stopped = true;
                    self.end(inbox);
                }
                Some(order) = self.orders.receiver.recv() => self.order(order, inbox),
                Some(ended) = self.runs.join_next_with_id() => self.ran(ended),
                Some(acceptance) = self.accepting.next() => self.accepted(acceptance),
                Some(noted) = self.notes.next() => note(noted),
                Some(_) = self.asides.join_next() => {}
                () = sleep(wake), if wake.is_some() => self.decide_and_do(Event::Tick),
                arrival = inbox.next(), if taking && self.has_room() => match arrival {
                    Some(Arrival::Message(spore, asker)) => self.arrive(*spore, asker),
                    Some(Arrival::Broken(error)) => {
                        self.emit_in_place(broken(&error));
                        self.summary.stream = Some(error);
                        open = false;
                    }
                    None => open = false,
                },
            }
            if self.broken.is_some() && self.ending == Ending::No {
                self.end(inbox);
            }
        }
        while let Some(noted) = self.notes.next().await {
            note(noted);
        }
        self.broken.take().map_or(Ok(self.summary), Err)
    }

    /// Lets no more be read, and nothing be begun that can be left to the next daemon.
    pub(super) fn end(&mut self, inbox: &Inbox) {
        self.ending = self.ending.max(Ending::Draining);
        if let Some(stop) = inbox.stop() {
            stop.stop();
        }
        self.events.tell(None, Happening::Draining);
        if self.lives {
            self.decide_and_do(Event::Drain);
        }
    }

    /// With nothing more to come, the end is when all that came has its report.
    fn rest_if_done(&mut self) {
        let idle = self.open_jobs == 0 && self.accepting.is_empty() && self.runs.is_empty();
        if idle && !self.drained {
            self.ending = self.ending.max(Ending::Draining);
            self.decide_and_do(Event::Drain);
        }
    }

    fn has_room(&self) -> bool {
        let waiting = match &self.in_order {
            Some(in_order) => in_order.pending() < WINDOW,
            // What was read before the end is taken in, so that its sender learns of it.
            None => !self.full || self.ending != Ending::No,
        };
        waiting && self.accepting.len() < ACCEPTING
    }

    /// A number for something asked for.
    pub(super) const fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// Lets a job wait for its site's turn.
    pub(super) fn enter(&mut self, site: SiteId, job: Job, terms: schedule::Terms) {
        let ticket = job.ticket;
        self.open_jobs += 1;
        let doing = self.doings.entry(site.clone()).or_default();
        doing.waiting.push(job);
        self.decide_and_do(Event::Accepted {
            site,
            ticket,
            terms,
        });
    }

    /// Tells the schedule, and keeps what it commands.
    fn decide(&mut self, event: Event) {
        let now = self.clock.now();
        self.schedule.handle(now, event, &mut self.commands);
    }

    pub(super) fn decide_and_do(&mut self, event: Event) {
        self.decide(event);
        self.carry_out();
    }

    /// Does what the schedule commands.
    fn carry_out(&mut self) {
        for command in std::mem::take(&mut self.commands) {
            match command {
                Command::Start {
                    site, why, attempt, ..
                } => self.start(site, why, attempt),
                Command::Settle {
                    site,
                    ticket,
                    settlement,
                } => self.settle(&site, ticket, settlement),
                Command::Notify { site, notice } => self.notice(&site, notice),
                Command::Circuit { account, circuit } => self.circuit(account, circuit),
                Command::Full(full) => self.full = full,
                Command::Drained => self.drained = true,
            }
        }
    }
}

/// Tells of a note that was not made.
fn note(noted: Result<(), StoreError>) {
    if let Err(error) = noted {
        tracing::error!("the state directory failed: {error}");
    }
}

/// Sleeps until then; for ever without a moment, which is not asked for.
async fn sleep(until: Option<tokio::time::Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
