//! A schedule on a bench: told events by hand, in seconds.

use fastrand::Rng;
use mycelia_spore::model::{Parse, SiteId};
use mycelia_spore::schedule::{
    Account, Bounds, Breaker, Class, Command, Drift, DriftMode, Ended, Event, Finding, Options,
    RetryPolicy, Schedule, Terms, Ticket, Time, Why,
};
use std::time::Duration;

pub(crate) fn at(seconds: u64) -> Time {
    Time::after(Duration::from_secs(seconds))
}

pub(crate) fn site(name: &str) -> SiteId {
    SiteId::parse(name).unwrap()
}

/// One site at once, three attempts after waits of up to 10 s, two failures open a circuit for 60 s, no looks.
pub(crate) fn plain() -> Options {
    Options {
        bounds: Bounds { jobs: 1, queue: 4 },
        retry: RetryPolicy {
            first: Duration::from_secs(10),
            factor: 1,
            max: Duration::from_secs(10),
            attempts: 3,
        },
        breaker: Breaker {
            failures: 2,
            open_for: Duration::from_secs(60),
        },
        drift: Drift {
            interval: Duration::from_secs(1000),
            jitter: 10,
            mode: DriftMode::Off,
        },
    }
}

/// The same with looks.
pub(crate) fn looking(mode: DriftMode) -> Options {
    let mut options = plain();
    options.drift.mode = mode;
    options
}

pub(crate) fn terms(accounts: &[u32]) -> Terms {
    Terms {
        accounts: accounts.iter().copied().map(Account).collect(),
        paused: false,
        drift: None,
    }
}

pub(crate) fn completed(finding: Finding) -> Ended {
    Ended::Completed {
        finding,
        next_edge: None,
    }
}

pub(crate) fn failed(class: Class, account: Option<u32>) -> Ended {
    Ended::Failed {
        class,
        retry_after: None,
        account: account.map(Account),
    }
}

/// A schedule and the second it is.
pub(crate) struct Rig {
    pub(crate) schedule: Schedule,
    pub(crate) second: u64,
}

impl Rig {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            schedule: Schedule::new(options, Rng::with_seed(7)),
            second: 0,
        }
    }

    pub(crate) fn tell(&mut self, event: Event) -> Vec<Command> {
        let mut out = Vec::new();
        self.schedule.handle(at(self.second), event, &mut out);
        out
    }

    pub(crate) fn send(&mut self, name: &str, ticket: u64) -> Vec<Command> {
        self.send_with(name, ticket, terms(&[]))
    }

    pub(crate) fn send_with(&mut self, name: &str, ticket: u64, terms: Terms) -> Vec<Command> {
        let (site, ticket) = (site(name), Ticket(ticket));
        self.tell(Event::Accepted {
            site,
            ticket,
            terms,
        })
    }

    pub(crate) fn end(&mut self, name: &str, ended: Ended) -> Vec<Command> {
        let site = site(name);
        self.tell(Event::Finished { site, ended })
    }

    pub(crate) fn done(&mut self, name: &str) -> Vec<Command> {
        self.end(name, completed(Finding::AsAsked))
    }

    /// Goes on to a second.
    pub(crate) fn tick(&mut self, second: u64) -> Vec<Command> {
        self.second = second;
        self.tell(Event::Tick)
    }

    /// Goes on to when the schedule wants to be woken.
    pub(crate) fn sleep(&mut self) -> Vec<Command> {
        let wake = self.schedule.next_wake().unwrap();
        let left = at(self.second).until(wake);
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        self.tick(self.second + seconds)
    }
}

/// Commands as short lines, the sites' names first.
pub(crate) fn lines(commands: &[Command]) -> Vec<String> {
    commands.iter().map(line).collect()
}

fn line(command: &Command) -> String {
    match command {
        Command::Start {
            site,
            ticket,
            why,
            attempt,
        } => {
            let what = match (ticket, why) {
                (Some(ticket), _) => format!("message {}", ticket.0),
                (None, Why::Message) => unreachable!("a message has a ticket"),
                (None, Why::Resume) => "resume".into(),
                (None, Why::Edge) => "edge".into(),
                (None, Why::Drift { repair: true }) => "repair".into(),
                (None, Why::Drift { repair: false }) => "look".into(),
            };
            format!("{site}: start {what}, attempt {attempt}")
        }
        Command::Settle {
            site,
            ticket,
            settlement,
        } => format!("{site}: message {} {settlement:?}", ticket.0),
        Command::Notify { site, notice } => format!("{site}: tell {notice:?}"),
        Command::Circuit { account, circuit } => format!("account {}: {circuit:?}", account.0),
        Command::Full(full) => format!("full: {full}"),
        Command::Drained => "drained".into(),
    }
}
