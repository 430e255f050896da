//! What a schedule may meet: producers, sites that take their time and fail, accounts that go down, and an
//! operator who changes their mind. All of it follows from one number.

mod chance;

use crate::model::{Checked, Model};
use fastrand::Rng;
use mycelia_spore::model::{Parse, SiteId};
use mycelia_spore::schedule::{
    Account, Class, Command, Event, Options, Schedule, Settlement, Ticket, Time,
};
use std::collections::BTreeMap;
use std::time::Duration;

const ACCOUNTS: u32 = 3;

/// How long a run takes at most, and how long anybody asks to wait.
const LONGEST_RUN: Duration = Duration::from_secs(8);
const LONGEST_ASKED: Duration = Duration::from_secs(40);

/// What was met, so that a world in which nothing happens is noticed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) events: u64,
    pub(crate) starts: u64,
    pub(crate) retries: u64,
    pub(crate) notices: u64,
    pub(crate) circuits: u64,
    pub(crate) held_back: u64,
    pub(crate) settlements: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.starts += other.starts;
        self.retries += other.retries;
        self.notices += other.notices;
        self.circuits += other.circuits;
        self.held_back += other.held_back;
        for (name, count) in &other.settlements {
            *self.settlements.entry(name).or_default() += count;
        }
    }
}

/// Something that will happen.
enum Act {
    Tell(Event),
    /// A message for the site comes to the sources.
    Send(SiteId),
    /// An account fails, or no more.
    Outage(Account, Option<Class>),
    Tick,
}

/// How long the storm lasts, and whether it is followed by a calm.
struct Plan {
    storm: Duration,
    calm: Option<Duration>,
}

pub(crate) struct World {
    random: Rng,
    now: Time,
    schedule: Schedule,
    model: Model,
    options: Options,
    sites: Vec<SiteId>,
    agenda: BTreeMap<(Time, u64), Act>,
    acts: u64,
    tickets: u64,
    /// Messages that are not read because the schedule is full.
    unread: Vec<SiteId>,
    outages: BTreeMap<Account, Class>,
    /// Nothing fails any more.
    calm: bool,
    tally: Tally,
    /// What happened, if it is to be told.
    trace: Option<Vec<String>>,
}

impl World {
    /// Lives a whole life; the error says what was not as promised.
    pub(crate) fn live(seed: u64, trace: bool) -> (Result<Tally, String>, Vec<String>) {
        let mut random = Rng::with_seed(seed);
        let options = chance::options(&mut random);
        let schedule = Schedule::new(options.clone(), Rng::with_seed(random.u64(..)));
        let count = random.usize(1..=7);
        let mut world = Self {
            now: Time::default(),
            schedule,
            model: Model::new(options.clone()),
            options,
            sites: (0..count)
                .map(|it| SiteId::parse(&format!("site-{it}")).unwrap())
                .collect(),
            agenda: BTreeMap::new(),
            acts: 0,
            tickets: 0,
            unread: Vec::new(),
            outages: BTreeMap::new(),
            calm: false,
            tally: Tally::default(),
            trace: trace.then(Vec::new),
            random,
        };
        let lived = world.days();
        for settlement in world.model.settlements() {
            *world.tally.settlements.entry(name(settlement)).or_default() += 1;
        }
        let trace = world.trace.take().unwrap_or_default();
        (lived.map(|()| world.tally), trace)
    }

    fn days(&mut self) -> Checked {
        let plan = self.plan();
        // Without a calm the end comes in the middle of it.
        let end = match plan.calm {
            Some(_) => plan.storm,
            None => self.part(plan.storm),
        };
        let storm = Time::after(end);
        self.until(storm)?;
        if let Some(calm) = plan.calm {
            self.calm = true;
            self.outages.clear();
            self.agenda
                .retain(|_, act| matches!(act, Act::Tell(Event::Finished { .. })));
            for site in self.sites.clone() {
                self.tell(Event::Resume { site })?;
            }
            self.read_on()?;
            self.until(storm + calm)?;
            if self.model.open() > 0 || !self.unread.is_empty() {
                return Err(format!(
                    "{} messages are without an answer, {} unread, long after the last failure",
                    self.model.open(),
                    self.unread.len()
                ));
            }
        }
        self.end()
    }

    /// The end: a drain that may be cut short, and what comes too late.
    fn end(&mut self) -> Checked {
        // What else was to happen from outside happens all the same, and leads to nothing.
        if self.random.u8(..) < 200 {
            self.tell(Event::Drain)?;
            let late = self.random_site();
            self.accept(late)?;
            let patience = self.now + self.part(LONGEST_RUN);
            self.until(patience)?;
        }
        if self.random.bool() {
            self.tell(Event::DrainNow)?;
        } else if !self.model.draining {
            self.tell(Event::Drain)?;
        }
        self.until(self.now + LONGEST_RUN)?;
        let late = self.random_site();
        self.accept(late)?;
        if !self.model.drained || self.model.open() > 0 {
            return Err(format!(
                "the drain does not end: {} messages are without an answer",
                self.model.open()
            ));
        }
        Ok(())
    }

    /// Lays down what happens from outside.
    fn plan(&mut self) -> Plan {
        let storm = Duration::from_secs(self.random.u64(5..240));
        for site in self.sites.clone() {
            if self.random.u8(..) < 90 {
                let record = self.record();
                self.at(Duration::ZERO, Act::Tell(Event::Known { site, record }));
            }
        }
        for _ in 0..self.random.usize(1..40) {
            let (when, site) = (self.part(storm), self.random_site());
            self.at(when, Act::Send(site));
        }
        for _ in 0..self.random.usize(0..6) {
            let account = Account(self.random.u32(0..ACCOUNTS));
            let class = if self.random.u8(..) < 200 {
                Class::Transient
            } else {
                Class::Unauthorised
            };
            let (from, long) = (self.part(storm), self.part(storm));
            self.at(from, Act::Outage(account, Some(class)));
            self.at(from + long, Act::Outage(account, None));
        }
        for _ in 0..self.random.usize(0..8) {
            let (when, act) = (self.part(storm), self.whim());
            self.at(when, act);
        }
        // Long enough for the longest chain of waits: a wait that was asked for on each account one after
        // another, an open circuit, the site that goes first, a last attempt, and all sites in turn.
        let patience = LONGEST_ASKED * 4
            + self.options.breaker.open_for * 4
            + self.options.retry.max * 2
            + LONGEST_RUN * 12;
        let calm = (self.random.u8(..) < 128).then_some(patience);
        Plan { storm, calm }
    }

    /// Lets things happen until a moment.
    fn until(&mut self, end: Time) -> Checked {
        loop {
            let act = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let wake = self.schedule.next_wake().map(|wake| {
                let late = self.random.u8(..) < 50;
                let late = if late { self.random.u64(0..200) } else { 0 };
                wake + Duration::from_millis(late)
            });
            let next = [act, wake].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = self.now.max(end);
                return Ok(());
            };
            self.now = self.now.max(next);
            if act == Some(next) {
                let (_, act) = self.agenda.pop_first().ok_or("nothing happens")?;
                self.act(act)?;
            } else {
                self.tell(Event::Tick)?;
            }
        }
    }

    fn act(&mut self, act: Act) -> Checked {
        match act {
            Act::Tell(event) => self.tell(event),
            // One that was read before the schedule was full is still handed over.
            Act::Send(site) if self.model.full && self.random.u8(..) < 230 => {
                self.tally.held_back += 1;
                self.unread.push(site);
                Ok(())
            }
            Act::Send(site) => self.accept(site),
            Act::Outage(account, class) => {
                match class {
                    Some(class) => self.outages.insert(account, class),
                    None => self.outages.remove(&account),
                };
                Ok(())
            }
            Act::Tick => self.tell(Event::Tick),
        }
    }

    fn accept(&mut self, site: SiteId) -> Checked {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let terms = self.terms();
        self.tell(Event::Accepted {
            site,
            ticket,
            terms,
        })
    }

    /// Reads what was left while the schedule was full.
    fn read_on(&mut self) -> Checked {
        while !self.model.full && !self.unread.is_empty() {
            let site = self.unread.remove(0);
            self.accept(site)?;
        }
        Ok(())
    }

    fn tell(&mut self, event: Event) -> Checked {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:?} {event:?}", self.now));
        }
        self.tally.events += 1;
        let mut out = Vec::new();
        self.model.before(self.now, &event, &self.schedule);
        self.schedule.handle(self.now, event, &mut out);
        if let Some(trace) = &mut self.trace {
            trace.extend(out.iter().map(|command| format!("    {command:?}")));
        }
        self.model.after(&out, &self.schedule)?;
        for command in &out {
            self.obey(command);
        }
        if out.contains(&Command::Full(false)) {
            self.read_on()?;
        }
        Ok(())
    }

    fn obey(&mut self, command: &Command) {
        match command {
            Command::Start { site, attempt, .. } => {
                self.tally.starts += 1;
                self.tally.retries += u64::from(*attempt > 1);
                let ended = self.ended();
                let long = self.part(LONGEST_RUN);
                let (site, at) = (site.clone(), Time::default().until(self.now) + long);
                self.at(at, Act::Tell(Event::Finished { site, ended }));
            }
            Command::Notify { .. } => self.tally.notices += 1,
            Command::Circuit { .. } => self.tally.circuits += 1,
            Command::Settle { .. } | Command::Full(_) | Command::Drained => {}
        }
    }

    fn random_site(&mut self) -> SiteId {
        self.sites[self.random.usize(0..self.sites.len())].clone()
    }

    fn part(&mut self, whole: Duration) -> Duration {
        whole * self.random.u32(0..=1000) / 1000
    }

    /// Puts something on the agenda, so long after the origin.
    fn at(&mut self, when: Duration, act: Act) {
        self.acts += 1;
        self.agenda.insert((Time::after(when), self.acts), act);
    }
}

fn name(settlement: Settlement) -> &'static str {
    match settlement {
        Settlement::Completed => "completed",
        Settlement::Failed { .. } => "failed",
        Settlement::Superseded { .. } => "superseded",
        Settlement::Paused => "paused",
        Settlement::Forgotten => "forgotten",
        Settlement::Left => "left",
    }
}
