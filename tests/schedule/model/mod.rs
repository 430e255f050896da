//! What a schedule promises, said a second time and as plainly as possible: no queues, no timers, every site
//! looked at after every event. It foretells each answer and each notice exactly, and each start as far as
//! chance leaves room. Any difference is an error.

mod after;
mod circuit;
mod life;

use circuit::Circuits;
use life::{Life, Retry, Waiting};
use mycelia_spore::model::SiteId;
use mycelia_spore::schedule::{
    Class, Command, DriftMode, Ended, Event, Finding, Health, Notice, Options, Phase, Record,
    SHORTEST_REST, Schedule, Settlement, Terms, Ticket, Time, Why,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is wrong.
pub(crate) type Checked = Result<(), String>;

/// All that the schedule should know.
pub(crate) struct Model {
    options: Options,
    now: Time,
    sites: BTreeMap<SiteId, Life>,
    circuits: Circuits,
    /// The answer to each message, once it is given.
    answers: BTreeMap<Ticket, Option<Settlement>>,
    /// Answers and notices that the event at hand must bring.
    expected: Vec<Command>,
    /// Events so far, as places in line.
    place: u64,
    /// Messages begun while the same look was due.
    streak: u32,
    pub(crate) full: bool,
    pub(crate) draining: bool,
    pub(crate) drained: bool,
}

impl Model {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            now: Time::default(),
            sites: BTreeMap::new(),
            circuits: Circuits::default(),
            answers: BTreeMap::new(),
            expected: Vec::new(),
            place: 0,
            streak: 0,
            full: false,
            draining: false,
            drained: false,
        }
    }

    /// Messages accepted and not answered.
    pub(crate) fn open(&self) -> usize {
        self.answers.values().filter(|it| it.is_none()).count()
    }

    /// What each message was answered.
    pub(crate) fn settlements(&self) -> impl Iterator<Item = Settlement> {
        self.answers.values().flatten().copied()
    }

    /// Takes in an event before the schedule does.
    pub(crate) fn before(&mut self, now: Time, event: &Event, schedule: &Schedule) {
        self.now = self.now.max(now);
        self.place += 1;
        self.expected.clear();
        for status in schedule.sites() {
            if matches!(status.phase, Phase::Ready | Phase::Held { .. })
                && let Some(life) = self.sites.get_mut(status.site)
            {
                life.fired(self.now);
            }
        }
        match event.clone() {
            Event::Known { site, record } => self.known(site, record),
            Event::Accepted {
                site,
                ticket,
                terms,
            } => self.accepted(&site, ticket, terms, schedule),
            Event::Finished { site, ended } => self.finished(&site, ended),
            Event::Suspend { site } => self.suspended(&site, true),
            Event::Resume { site } => self.suspended(&site, false),
            Event::Forget { site } => self.forgotten(&site),
            Event::Options(options) => self.adopted(options),
            Event::Drain => self.drain(),
            Event::DrainNow => {
                self.drain();
                let sites: Vec<SiteId> = self.sites.keys().cloned().collect();
                for site in sites {
                    self.finished(&site, Ended::Interrupted);
                }
            }
            Event::Tick => {}
        }
        if !self.draining {
            self.circuits.wake(self.now);
        }
    }

    fn known(&mut self, site: SiteId, record: Record) {
        if self.sites.contains_key(&site) {
            return;
        }
        let mut life = Life::new(record.terms);
        life.pauses.ordered = record.suspended;
        life.unfinished = record.unfinished;
        life.health = record.health;
        life.edge = record.next_edge;
        life.look = if record.unfinished {
            Some((self.now, self.now))
        } else {
            self.any_time(&life)
        };
        self.sites.insert(site, life);
    }

    fn accepted(&mut self, site: &SiteId, ticket: Ticket, terms: Terms, schedule: &Schedule) {
        self.answers.insert(ticket, None);
        if self.draining {
            return self.expect(site, Some(ticket), Settlement::Left);
        }
        let retrying = schedule
            .site(site)
            .is_some_and(|it| matches!(it.phase, Phase::Retrying { .. }));
        let fresh = || Life::new(terms.clone());
        let life = self.sites.entry(site.clone()).or_insert_with(fresh);
        let waiting = life.waiting.take();
        let retry = life.retry.take().filter(|retry| retry.ticket.is_some());
        let kept = waiting.as_ref().map(|it| it.place);
        let kept = kept.or(retry.as_ref().map(|it| it.place).filter(|_| !retrying));
        let older = waiting
            .map(|it| it.ticket)
            .or(retry.and_then(|it| it.ticket));
        life.accounts = terms.accounts;
        life.drift = terms.drift;
        life.pauses.asked = terms.paused;
        life.gone = false;
        life.unfinished = true;
        life.waiting = Some(Waiting {
            ticket,
            place: kept.unwrap_or(self.place),
        });
        self.expect(site, older, Settlement::Superseded { by: ticket });
        self.quiet(site);
    }

    fn suspended(&mut self, site: &SiteId, ordered: bool) {
        if let Some(life) = self.sites.get_mut(site) {
            life.pauses.ordered = ordered;
            self.quiet(site);
        }
    }

    fn forgotten(&mut self, site: &SiteId) {
        let Some(mut life) = self.sites.remove(site) else {
            return;
        };
        self.expect(site, life.drop_work(), Settlement::Forgotten);
        if let Some(run) = life.run {
            let accounts = run.accounts.clone();
            let mut gone = Life::new(Terms {
                accounts,
                paused: false,
                drift: None,
            });
            gone.run = Some(run);
            gone.gone = true;
            self.sites.insert(site.clone(), gone);
        }
    }

    fn adopted(&mut self, options: Options) {
        self.options = options;
        let mut sites = std::mem::take(&mut self.sites);
        for life in sites.values_mut() {
            if life.run.is_some() {
                continue;
            }
            let is_drift = |retry: &Retry| matches!(retry.why, Why::Drift { .. });
            if life.retry.as_ref().is_some_and(is_drift) {
                life.retry = None;
            }
            let latest = self.now + self.options.drift.interval.max(SHORTEST_REST);
            life.look = match life.look {
                look if life.mode(&self.options) == DriftMode::Off => {
                    look.filter(|_| life.unfinished)
                }
                Some(look) if look.1 <= latest => Some(look),
                Some(look) => Some((look.0.min(self.now), latest)),
                None => Some((self.now, latest)),
            };
        }
        self.sites = sites;
    }

    fn drain(&mut self) {
        self.draining = true;
        let sites: Vec<SiteId> = self.sites.keys().cloned().collect();
        for site in sites {
            self.quiet(&site);
        }
    }

    fn finished(&mut self, site: &SiteId, ended: Ended) {
        let Some(life) = self.sites.get_mut(site) else {
            return;
        };
        let Some(run) = life.run.take() else {
            return;
        };
        self.circuits
            .judge(self.now, site, &run.accounts, ended, &self.options.breaker);
        let drift = &self.options.drift;
        let interval = drift.interval.max(SHORTEST_REST);
        let least = interval / 100 * (100 - u32::from(drift.jitter.min(100)));
        let window = (
            self.now + least.max(SHORTEST_REST),
            self.now + interval.max(SHORTEST_REST),
        );
        life.look = (life.mode(&self.options) != DriftMode::Off).then_some(window);
        match ended {
            Ended::Completed { finding, next_edge } => {
                let edge = next_edge.map(|edge| edge.max(self.now + SHORTEST_REST));
                let before = life
                    .edge
                    .filter(|_| run.why == Why::Drift { repair: false });
                life.edge = [before, edge].into_iter().flatten().min();
                life.unfinished = life.waiting.is_some() || finding == Finding::Awaiting;
                self.expect(site, run.ticket, Settlement::Completed);
                self.health(site, health(finding), None);
            }
            Ended::Failed {
                class, retry_after, ..
            } => self.failed(site, &run, class, retry_after),
            Ended::Interrupted => self.failed(site, &run, Class::Interrupted, None),
        }
        if self.sites.get(site).is_some_and(|life| life.gone) {
            self.sites.remove(site);
        }
        self.quiet(site);
    }

    fn failed(&mut self, site: &SiteId, run: &life::Run, class: Class, asked: Option<Duration>) {
        let Some(life) = self.sites.get_mut(site) else {
            return;
        };
        let final_failure = Settlement::Failed {
            class,
            attempts: run.attempt,
        };
        let passes = matches!(class, Class::Transient | Class::Interrupted);
        let settlement = if !passes {
            final_failure
        } else if let Some(newer) = &life.waiting {
            Settlement::Superseded { by: newer.ticket }
        } else if life.gone {
            Settlement::Forgotten
        } else if self.draining {
            Settlement::Left
        } else if life.pauses.any() {
            life.look = Some((self.now, self.now));
            Settlement::Paused
        } else if run.attempt < self.options.retry.attempts {
            let bound = self.options.retry.bound(run.attempt);
            let (least, most) = match asked {
                Some(asked) => (asked, asked + self.options.retry.bound(1)),
                None => (Duration::ZERO, bound),
            };
            life.retry = Some(Retry {
                ticket: run.ticket,
                why: run.why,
                attempts: run.attempt,
                place: self.place,
                window: (self.now + least, self.now + most),
            });
            return;
        } else {
            final_failure
        };
        let newer = life.waiting.is_some();
        if settlement == final_failure && passes && (life.unfinished || life.look.is_some()) {
            let again = self.now + self.options.retry.max.max(SHORTEST_REST);
            let (least, most) = life.look.unwrap_or((again, again));
            life.look = Some((least.min(again), most.min(again)));
        }
        self.expect(site, run.ticket, settlement);
        if settlement == final_failure && !newer {
            self.health(site, Health::Failing, Some(class));
        }
    }

    /// Answers what a site that is not to be worked on still has to do.
    fn quiet(&mut self, site: &SiteId) {
        let Some(life) = self.sites.get_mut(site) else {
            return;
        };
        let settlement = if self.draining {
            Settlement::Left
        } else {
            Settlement::Paused
        };
        if life.run.is_some() || !(self.draining || life.pauses.any()) {
            return;
        }
        if life.waiting.is_some() || life.retry.is_some() {
            life.look = Some((self.now, self.now));
        }
        let ticket = life.drop_work();
        self.expect(site, ticket, settlement);
    }

    fn health(&mut self, site: &SiteId, health: Health, class: Option<Class>) {
        let Some(life) = self.sites.get_mut(site) else {
            return;
        };
        if life.gone {
            return;
        }
        let before = std::mem::replace(&mut life.health, health);
        let notice = match (before, health) {
            (before, now) if before == now => return,
            (Health::Repaired, Health::Good) => return,
            (Health::Good, Health::Repaired) => Notice::Drift { repaired: true },
            (_, Health::Good | Health::Repaired) => Notice::Recovery,
            (_, Health::Failing) => Notice::Failure(class.unwrap()),
            (_, Health::Drifted) => Notice::Drift { repaired: false },
            (_, Health::Awaiting) => Notice::Awaiting,
        };
        let site = site.clone();
        self.expected.push(Command::Notify { site, notice });
    }

    fn expect(&mut self, site: &SiteId, ticket: Option<Ticket>, settlement: Settlement) {
        if let Some(ticket) = ticket {
            self.expected.push(Command::Settle {
                site: site.clone(),
                ticket,
                settlement,
            });
        }
    }

    /// Any time from now up to the interval, where looks are wanted.
    fn any_time(&self, life: &Life) -> Option<(Time, Time)> {
        let latest = self.now + self.options.drift.interval.max(SHORTEST_REST);
        (life.mode(&self.options) != DriftMode::Off).then_some((self.now, latest))
    }
}

fn health(finding: Finding) -> Health {
    match finding {
        Finding::AsAsked => Health::Good,
        Finding::Repaired => Health::Repaired,
        Finding::Drifted => Health::Drifted,
        Finding::Awaiting => Health::Awaiting,
    }
}
