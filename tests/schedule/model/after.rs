//! What must hold after each event.

use super::life::{Life, Run};
use super::{Checked, Model};
use mycelia_spore::model::SiteId;
use mycelia_spore::schedule::{
    CircuitState, Command, Phase, Schedule, Settlement, Ticket, Time, Why,
};
use std::sync::Arc;

/// Looks that may be passed over by so many messages in a row, and one.
const STREAK: u32 = 17;

macro_rules! ensure {
    ($holds:expr, $($why:tt)*) => {
        if !$holds {
            return Err(format!($($why)*));
        }
    };
}

impl Model {
    /// Compares the commands and the schedule with what must be.
    pub(crate) fn after(&mut self, commands: &[Command], schedule: &Schedule) -> Checked {
        for command in commands {
            match command {
                Command::Start {
                    site,
                    ticket,
                    why,
                    attempt,
                } => self.started(site, (*ticket, *why, *attempt))?,
                Command::Settle {
                    ticket, settlement, ..
                } => self.settled(*ticket, *settlement)?,
                Command::Full(full) => {
                    ensure!(*full != self.full, "full: {full} was told before");
                    self.full = *full;
                }
                Command::Drained => {
                    let ends = self.draining && !self.drained && self.running() == 0;
                    ensure!(ends, "drained, and there is more to do");
                    self.drained = true;
                }
                Command::Notify { .. } | Command::Circuit { .. } => {}
            }
        }
        self.told(commands)?;
        self.idle(schedule)?;
        self.wakes(schedule)?;
        self.queue(schedule)?;
        self.shown(schedule)
    }

    fn running(&self) -> usize {
        self.sites.values().filter(|it| it.run.is_some()).count()
    }

    fn looks(&self) -> usize {
        let runs = self.sites.values().filter_map(|it| it.run.as_ref());
        runs.filter(|run| run.ticket.is_none()).count()
    }

    /// Whether one more look may be started beside those under way.
    fn look_fits(&self) -> bool {
        self.looks() < self.options.bounds.jobs.saturating_sub(1).max(1)
    }

    /// A start: allowed, of the newest, in order and not too early.
    fn started(&mut self, site: &SiteId, what: (Option<Ticket>, Why, u32)) -> Checked {
        ensure!(!self.draining, "{site} is started after the drain began");
        ensure!(
            self.running() < self.options.bounds.jobs.max(1),
            "{site} is started beside as many as may be"
        );
        let life = self.sites.get(site).ok_or("an unknown site is started")?;
        ensure!(life.run.is_none(), "{site} is started while it is running");
        ensure!(!life.gone, "{site} is started and was forgotten");
        ensure!(
            !self.circuits.blocks(&life.accounts),
            "{site} is started against an open circuit"
        );
        let window = life.window(self.now);
        let (earliest, _) = window.ok_or_else(|| format!("{site} has nothing to be done"))?;
        ensure!(
            earliest <= self.now,
            "{site} is started before {earliest:?}"
        );
        let next = life.next(self.now, &self.options);
        // An edge that passes while it waits to be resumed is covered by that.
        let covered = next.1 == Why::Edge && life.unfinished && what.1 == Why::Resume;
        ensure!(
            what == next || (covered && (what.0, what.2) == (next.0, next.2)),
            "{site} is started with {what:?} instead of {next:?}"
        );
        ensure!(
            what.2 <= self.options.retry.attempts.max(1) || life.retry.is_some(),
            "{site} is tried too often"
        );
        if what.0.is_none() {
            ensure!(self.look_fits(), "{site} takes the last job from messages");
            self.streak = 0;
        } else {
            self.in_turn(site, life)?;
            let starved = self.look_fits() && self.sites.values().any(|it| self.overdue(it));
            self.streak = if starved { self.streak + 1 } else { 0 };
            ensure!(self.streak <= STREAK, "looks are passed over for ever");
        }
        self.circuits.start(site, &self.sites[site].accounts);
        let now = self.now;
        let life = self.sites.get_mut(site).ok_or("gone")?;
        let (ticket, why, attempt) = what;
        let accounts = Arc::clone(&life.accounts);
        (life.waiting, life.retry, life.look) = (None, None, None);
        life.edge = life.edge.filter(|edge| *edge > now);
        life.unfinished |= !matches!(why, Why::Drift { .. });
        life.run = Some(Run {
            ticket,
            why,
            attempt,
            accounts,
        });
        Ok(())
    }

    /// No other message that could be begun with came before.
    fn in_turn(&self, site: &SiteId, life: &Life) -> Checked {
        let Some(own) = &life.waiting else {
            return Ok(());
        };
        for (other, life) in &self.sites {
            let able = life.window(self.now).is_some() && !self.circuits.blocks(&life.accounts);
            if let Some(waiting) = life.waiting.as_ref().filter(|_| able) {
                ensure!(
                    own.place <= waiting.place,
                    "{site} is started before {other}, which came first"
                );
            }
        }
        Ok(())
    }

    /// Whether a site waits to be looked at and could be.
    fn overdue(&self, life: &Life) -> bool {
        let due = life.window(self.now).is_some_and(|it| it.1 <= self.now);
        due && !life.has_message() && !self.circuits.blocks(&life.accounts)
    }

    /// Each message is answered once.
    fn settled(&mut self, ticket: Ticket, settlement: Settlement) -> Checked {
        let answer = self.answers.get_mut(&ticket);
        let answer = answer.ok_or_else(|| format!("{ticket:?} was never accepted"))?;
        ensure!(
            answer.is_none(),
            "{ticket:?} was answered {answer:?} and is now {settlement:?}"
        );
        *answer = Some(settlement);
        Ok(())
    }

    /// The answers and notices are those foretold, in order for each site.
    fn told(&mut self, commands: &[Command]) -> Checked {
        let of = |command: &Command| match command {
            Command::Settle { site, .. } | Command::Notify { site, .. } => Some(site.clone()),
            _ => None,
        };
        let told = commands.iter().filter(|command| of(command).is_some());
        let mut told: Vec<Command> = told.cloned().collect();
        told.sort_by_key(of);
        self.expected.sort_by_key(of);
        ensure!(
            told == self.expected,
            "told {told:?} instead of {:?}",
            self.expected
        );
        Ok(())
    }

    /// Nothing that could be started is not.
    fn idle(&self, schedule: &Schedule) -> Checked {
        if self.draining || self.running() >= self.options.bounds.jobs.max(1) {
            return Ok(());
        }
        for (site, life) in &self.sites {
            if self.circuits.blocks(&life.accounts) {
                continue;
            }
            let phase = schedule.site(site).map(|it| it.phase);
            let waits = matches!(phase, Some(Phase::Ready | Phase::Held { .. }));
            let due = life.window(self.now).is_some_and(|it| it.1 <= self.now);
            if (waits || due) && (life.has_message() || self.look_fits()) {
                return Err(format!("{site} could be started: {phase:?}, {life:?}"));
            }
        }
        Ok(())
    }

    /// The next wake-up is in the future, and not after anything that is due then.
    fn wakes(&self, schedule: &Schedule) -> Checked {
        let wake = schedule.next_wake();
        if self.draining {
            ensure!(wake.is_none(), "it wakes after the drain began");
            return Ok(());
        }
        ensure!(wake.is_none_or(|it| it > self.now), "it wakes at once");
        let in_time = |at: Time| wake.is_some_and(|wake| wake <= at);
        for (_, state) in self.circuits.states() {
            if let CircuitState::Open { until } = state {
                ensure!(in_time(until), "the circuit is forgotten: {until:?}");
            }
        }
        for (site, life) in &self.sites {
            let phase = schedule.site(site).map(|it| it.phase);
            let Some((earliest, latest)) = life.window(self.now) else {
                continue;
            };
            match phase {
                Some(Phase::Ready | Phase::Held { .. }) => {}
                Some(Phase::Resting { until: Some(at) } | Phase::Retrying { at, .. }) => {
                    ensure!(in_time(at), "{site} is slept over: {at:?}, {wake:?}");
                    let right = earliest <= at && at <= latest;
                    ensure!(right, "{site} rests until {at:?}: {life:?}");
                }
                phase => return Err(format!("{site} will not wake: {phase:?}, {life:?}")),
            }
        }
        Ok(())
    }

    /// Reading stops when too many messages wait, and goes on when half of them are gone.
    fn queue(&self, schedule: &Schedule) -> Checked {
        let bound = self.options.bounds.queue.max(1);
        let retries = |life: &&Life| {
            let due = life.retry.as_ref().filter(|it| it.ticket.is_some());
            due.is_some_and(|it| it.window.0 <= self.now)
        };
        let waiting = self.sites.iter().filter(|(_, it)| it.waiting.is_some());
        let running = waiting.clone().filter(|(_, it)| it.run.is_some()).count();
        // One that waits for an account does so until a job is free, although its account may be tried by then.
        let held = |site: &SiteId| {
            let status = schedule.site(site);
            status.is_some_and(|it| matches!(it.phase, Phase::Held { .. }))
        };
        let able = |(site, life): &(&SiteId, &Life)| {
            life.run.is_none() && !self.circuits.blocks(&life.accounts) && !held(site)
        };
        let least = running + waiting.clone().filter(able).count();
        let most = waiting.count() + self.sites.values().filter(retries).count();
        if self.draining {
            ensure!(self.full, "it reads on after the drain began");
        } else {
            ensure!(self.full || least < bound, "{least} wait and it reads on");
            ensure!(!self.full || most > bound / 2, "{most} wait and it is full");
        }
        Ok(())
    }

    /// What is shown is so.
    fn shown(&self, schedule: &Schedule) -> Checked {
        let states: Vec<_> = self.circuits.states().collect();
        let shown: Vec<_> = schedule.circuits().collect();
        ensure!(states == shown, "circuits {shown:?} instead of {states:?}");
        let counts = schedule.counts();
        let all = [
            counts.resting,
            counts.paused,
            counts.ready,
            counts.retrying,
            counts.held,
            counts.running,
        ];
        ensure!(
            all.iter().sum::<usize>() == self.sites.len() && counts.running == self.running(),
            "{counts:?} of {} sites",
            self.sites.len()
        );
        for status in schedule.sites() {
            let life = self.sites.get(status.site);
            let life = life.ok_or_else(|| format!("{} is still shown", status.site))?;
            ensure!(
                (status.health, status.unfinished) == (life.health, life.unfinished),
                "{status:?} instead of {life:?}"
            );
        }
        Ok(())
    }
}
