//! When which site is worked on: the decisions of the long-lived daemon, without the daemon.
//!
//! [`Schedule`] is told what happens ([`Event`]) and at what [`Time`], and answers with what is to be done
//! ([`Command`]). It reads no clock, waits for nothing and starts nothing, so that the same events give the
//! same commands, and months pass in a test within a second. The caller keeps three promises: it does what
//! the commands say, it hands over each event once, and it calls again with [`Event::Tick`] (or any other
//! event) not much later than [`Schedule::next_wake`].
//!
//! What holds in return:
//!
//! - At most one run of a site is under way, and at most [`Bounds::jobs`] in all.
//! - Each message has exactly one [`Command::Settle`]. Of several for one site the newest is carried out; a
//!   site keeps its turn when a newer message comes, so that none is overtaken for ever.
//! - Messages begin in the order in which their sites got in line. What nobody waits for (looks, edges, what
//!   was left unfinished) comes after them, but gets every 17th start at least when both wait; it leaves one of
//!   several jobs to messages.
//! - What failed and may pass is tried again, [`RetryPolicy::attempts`] times at most, never earlier than the
//!   other side asks. Everything else that failed rests until a new message, or the next look.
//! - A site whose account's circuit is open waits without using up attempts.
//! - A site that may be worked on is, as soon as it is due and a job is free. Paused and forgotten ones are not
//!   begun with; nor is anything once the process is to end.
//!
//! An event takes time in proportion to the logarithm of the number of sites, but for those that concern all
//! of them ([`Event::Options`], [`Event::Drain`]) or all that wait for an account (its circuit closes).

mod circuit;
mod event;
mod finish;
mod line;
mod options;
mod place;
mod site;
mod start;
mod status;
mod time;

pub use event::{
    Account, CircuitState, Class, Command, Ended, Event, Finding, Health, Notice, Record,
    Settlement, Terms, Ticket, Why,
};
pub use options::{Bounds, Breaker, Drift, DriftMode, Options, RetryPolicy, SHORTEST_REST};
pub use status::{Counts, Phase, SiteStatus};
pub use time::Time;

use crate::model::SiteId;
use circuit::Circuits;
use fastrand::Rng;
use line::Line;
use site::{Place, Sites, Slot, Work};
use start::Run;
use std::collections::{BTreeMap, BTreeSet};

/// The state of all sites, and what is to be done next. See the [module](self).
#[derive(Debug)]
pub struct Schedule {
    options: Options,
    random: Rng,
    /// The latest time told.
    now: Time,
    sites: Sites,
    /// Sites that are worked on when their time has come.
    timers: BTreeSet<(Time, Slot)>,
    /// Sites that may be worked on.
    ready: Line,
    circuits: Circuits,
    running: BTreeMap<Slot, Run>,
    /// Those of the running ones that nobody waits for.
    looks: usize,
    /// Messages begun since the last look was.
    streak: u32,
    /// The last place in line given.
    order: u64,
    /// Messages that take a place in the queue.
    queued: usize,
    full: bool,
    stage: Stage,
}

/// How near the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Working,
    /// Nothing is started any more.
    Draining,
    /// The end was told.
    Drained,
}

impl Schedule {
    /// Without any sites. All that is random comes from `random`.
    #[must_use]
    pub fn new(options: Options, random: Rng) -> Self {
        Self {
            options,
            random,
            now: Time::default(),
            sites: Sites::default(),
            timers: BTreeSet::new(),
            ready: Line::default(),
            circuits: Circuits::default(),
            running: BTreeMap::new(),
            looks: 0,
            streak: 0,
            order: 0,
            queued: 0,
            full: false,
            stage: Stage::Working,
        }
    }

    /// Takes in what happened and appends what is to be done about it. A time before the latest one counts as
    /// the latest.
    pub fn handle(&mut self, now: Time, event: Event, out: &mut Vec<Command>) {
        self.now = self.now.max(now);
        match event {
            Event::Known { site, record } => self.know(site, record, out),
            Event::Accepted {
                site,
                ticket,
                terms,
            } => self.accept(site, ticket, terms, out),
            Event::Finished { site, ended } => self.finish(&site, ended, out),
            Event::Suspend { site } => self.suspend(&site, true, out),
            Event::Resume { site } => self.suspend(&site, false, out),
            Event::Forget { site } => self.forget(&site, out),
            Event::Options(options) => self.adopt(options, out),
            Event::Drain => self.drain(out),
            Event::DrainNow => self.drain_now(out),
            Event::Tick => {}
        }
        self.wake(out);
        self.start(out);
        self.tell(out);
    }

    /// When the next event is due at the latest, if only a [`Event::Tick`]; `None` when nothing happens by
    /// itself.
    #[must_use]
    pub fn next_wake(&self) -> Option<Time> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let all = [timer, self.circuits.next_wake()];
        let next = all.into_iter().flatten().min();
        next.filter(|_| self.stage == Stage::Working)
    }

    fn know(&mut self, id: SiteId, record: Record, out: &mut Vec<Command>) {
        if self.sites.find(&id).is_some() {
            return;
        }
        let order = self.next_order();
        let slot = self.sites.enter(id);
        let site = &mut self.sites[slot];
        site.recall(record);
        if site.unfinished {
            site.work = Some(Box::new(Work::new(None, Why::Resume, order)));
        } else if site.drift.unwrap_or(self.options.drift.mode) != DriftMode::Off {
            let wait = self.options.drift.first_wait(&mut self.random);
            site.look = Some(self.now + wait);
        }
        self.arrange(slot, out);
    }

    fn accept(&mut self, id: SiteId, ticket: Ticket, terms: Terms, out: &mut Vec<Command>) {
        if self.stage != Stage::Working {
            let settlement = Settlement::Left;
            return out.push(Command::Settle {
                site: id,
                ticket,
                settlement,
            });
        }
        let next = self.next_order();
        let slot = self.sites.enter(id);
        let before = self.lift(slot);
        let kept = self.sites[slot].work.as_ref().filter(|work| {
            // What waits out a failure has had its turn.
            work.ticket.is_some() && !matches!(before, Place::Timed(_))
        });
        let order = kept.map_or(next, |work| work.order);
        self.settle_waiting(slot, Settlement::Superseded { by: ticket }, out);
        let site = &mut self.sites[slot];
        site.agree(terms);
        site.forgotten = false;
        site.unfinished = true;
        site.work = Some(Box::new(Work::new(Some(ticket), Why::Message, order)));
        self.arrange(slot, out);
    }

    fn suspend(&mut self, id: &SiteId, suspended: bool, out: &mut Vec<Command>) {
        let Some(slot) = self.sites.find(id) else {
            return;
        };
        self.lift(slot);
        self.sites[slot].pause.ordered = suspended;
        self.arrange(slot, out);
    }

    fn forget(&mut self, id: &SiteId, out: &mut Vec<Command>) {
        let Some(slot) = self.sites.find(id) else {
            return;
        };
        self.lift(slot);
        self.settle_waiting(slot, Settlement::Forgotten, out);
        if self.sites[slot].place == Place::Running {
            self.sites[slot].forget();
            self.arrange(slot, out);
        } else {
            self.sites.remove(slot);
        }
    }

    fn adopt(&mut self, options: Options, out: &mut Vec<Command>) {
        self.options = options;
        for slot in self.all() {
            self.lift(slot);
            if self.sites[slot].place != Place::Running {
                self.look_again(slot);
            }
            self.arrange(slot, out);
        }
    }

    /// Decides about a lifted site's next look by options that are new.
    fn look_again(&mut self, slot: Slot) {
        let wait = self.options.drift.first_wait(&mut self.random);
        let latest = self.now + self.options.drift.interval.max(SHORTEST_REST);
        let site = &mut self.sites[slot];
        let is_look = |work: &Work| matches!(work.why, Why::Drift { .. });
        if site.work.as_deref().is_some_and(is_look) {
            site.work = None;
        }
        if site.drift.unwrap_or(self.options.drift.mode) == DriftMode::Off {
            // What is to be finished is no look.
            site.look = site.look.filter(|_| site.unfinished);
        } else if site.look.is_none_or(|look| look > latest) {
            site.look = Some(self.now + wait);
        }
    }

    fn drain(&mut self, out: &mut Vec<Command>) {
        if self.stage != Stage::Working {
            return;
        }
        self.stage = Stage::Draining;
        for slot in self.all() {
            self.lift(slot);
            self.arrange(slot, out);
        }
    }

    fn drain_now(&mut self, out: &mut Vec<Command>) {
        self.drain(out);
        let ended: Vec<SiteId> = self
            .running
            .keys()
            .map(|slot| self.sites[*slot].id.clone())
            .collect();
        for site in ended {
            self.finish(&site, Ended::Interrupted, out);
        }
    }

    /// Tells whether to read on, and that the end is reached.
    fn tell(&mut self, out: &mut Vec<Command>) {
        let bound = self.options.bounds.queue.max(1);
        let full = match (self.stage, self.full) {
            (Stage::Working, false) => self.queued >= bound,
            (Stage::Working, true) => self.queued > bound / 2,
            (Stage::Draining | Stage::Drained, _) => true,
        };
        if full != self.full {
            self.full = full;
            out.push(Command::Full(full));
        }
        if self.stage == Stage::Draining && self.running.is_empty() {
            self.stage = Stage::Drained;
            out.push(Command::Drained);
        }
    }

    /// A place at the end of the line.
    const fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// All sites by name, so that what is told of many is told in the same order each time.
    fn all(&self) -> Vec<Slot> {
        self.sites.iter().map(|(slot, _)| slot).collect()
    }
}
