//! The circuit breaker of each account, and the sites that wait for it.

use super::event::{Account, CircuitState, Command};
use super::line::{Key, Line};
use super::options::Breaker;
use super::site::{Lane, Slot};
use super::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The accounts that have failed of late; all others work as far as is known.
#[derive(Debug, Default)]
pub(super) struct Circuits {
    troubled: BTreeMap<Account, Circuit>,
    /// When open ones become half open.
    timers: BTreeSet<(Time, Account)>,
    /// Half open ones that want a site to go first.
    wanting: BTreeSet<Account>,
}

#[derive(Debug, Default)]
struct Circuit {
    /// Failures since the last success.
    failures: u32,
    state: State,
    held: Line,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open(Time),
    /// With the site that went first, if one has.
    HalfOpen(Option<Slot>),
}

impl State {
    const fn told(self) -> CircuitState {
        match self {
            Self::Closed => CircuitState::Closed,
            Self::Open(until) => CircuitState::Open { until },
            Self::HalfOpen(_) => CircuitState::HalfOpen,
        }
    }
}

/// What the end of a run says about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answered as it should.
    Works,
    /// It did not, and may have asked to wait.
    Fails(Option<Duration>),
    /// Nothing.
    Unknown,
}

impl Circuits {
    /// The first of a site's accounts that it has to wait for.
    pub(super) fn obstacle(&self, accounts: &[Account]) -> Option<Account> {
        let blocks = |account: &&Account| match self.troubled.get(account).map(|it| it.state) {
            Some(State::Open(_) | State::HalfOpen(Some(_))) => true,
            Some(State::Closed | State::HalfOpen(None)) | None => false,
        };
        accounts.iter().find(blocks).copied()
    }

    /// Notes that a site without an obstacle is started: it goes first wherever one has to.
    pub(super) fn enter(&mut self, slot: Slot, accounts: &[Account]) {
        for account in accounts {
            if let Some(circuit) = self.troubled.get(account)
                && circuit.state == State::HalfOpen(None)
            {
                self.set(*account, State::HalfOpen(Some(slot)));
            }
        }
    }

    /// Lets a site wait for an account that is an [obstacle](Self::obstacle) to it.
    pub(super) fn hold(&mut self, account: Account, key: Key, slot: Slot) {
        let circuit = self.troubled.entry(account).or_default();
        circuit.held.insert(key, slot);
    }

    /// Lets a site wait no longer.
    pub(super) fn let_go(&mut self, account: Account, key: Key) {
        if let Some(circuit) = self.troubled.get_mut(&account) {
            circuit.held.remove(key);
            if circuit.held.is_empty() {
                self.wanting.remove(&account);
            }
        }
    }

    /// The first of the held sites that may go first for their account.
    pub(super) fn first(&self, lane: Lane) -> Option<(u64, Slot)> {
        let lines = self.wanting.iter().filter_map(|it| self.troubled.get(it));
        lines.filter_map(|circuit| circuit.held.first(lane)).min()
    }

    /// Takes in what the end of a site's run says about an account. The result is the sites that need not
    /// wait for it any longer.
    pub(super) fn judge(
        &mut self,
        now: Time,
        (account, slot): (Account, Slot),
        verdict: Verdict,
        breaker: &Breaker,
        out: &mut Vec<Command>,
    ) -> Line {
        if matches!(verdict, Verdict::Fails(_)) {
            self.troubled.entry(account).or_default();
        }
        let Some(circuit) = self.troubled.get_mut(&account) else {
            return Line::default();
        };
        let before = circuit.state;
        let after = circuit.judge(now, slot, verdict, breaker);
        self.set(account, after);
        if before.told() != after.told() {
            let circuit = after.told();
            out.push(Command::Circuit { account, circuit });
        }
        self.dismiss(account)
    }

    /// Lets go first for their accounts, as soon as it is time.
    pub(super) fn wake(&mut self, now: Time, out: &mut Vec<Command>) {
        while let Some((until, account)) = self.timers.first().copied()
            && until <= now
        {
            let state = State::HalfOpen(None);
            self.set(account, state);
            let circuit = state.told();
            out.push(Command::Circuit { account, circuit });
        }
    }

    /// When the next one wants to be woken.
    pub(super) fn next_wake(&self) -> Option<Time> {
        Some(self.timers.first()?.0)
    }

    /// The accounts that are not simply in use.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Account, CircuitState)> {
        let told = |(account, circuit): (&Account, &Circuit)| (*account, circuit.state.told());
        let all = self.troubled.iter().map(told);
        all.filter(|(_, circuit)| *circuit != CircuitState::Closed)
    }

    /// Changes a circuit's state, and all that depends on it.
    fn set(&mut self, account: Account, state: State) {
        let Some(circuit) = self.troubled.get_mut(&account) else {
            return;
        };
        if let State::Open(until) = circuit.state {
            self.timers.remove(&(until, account));
        }
        if let State::Open(until) = state {
            self.timers.insert((until, account));
        }
        if state == State::HalfOpen(None) && !circuit.held.is_empty() {
            self.wanting.insert(account);
        } else {
            self.wanting.remove(&account);
        }
        circuit.state = state;
    }

    /// Empties the line of an account that works, and forgets what there is no need to know.
    fn dismiss(&mut self, account: Account) -> Line {
        let Some(circuit) = self.troubled.get_mut(&account) else {
            return Line::default();
        };
        if circuit.state != State::Closed {
            return Line::default();
        }
        let held = std::mem::take(&mut circuit.held);
        if circuit.failures == 0 {
            self.troubled.remove(&account);
        }
        held
    }
}

impl Circuit {
    /// The state after a verdict. While the circuit is not closed, only the site that goes first is believed:
    /// the others were started before it opened. A wait that is asked for counts whoever hears of it.
    fn judge(&mut self, now: Time, slot: Slot, verdict: Verdict, breaker: &Breaker) -> State {
        let first = self.state == State::HalfOpen(Some(slot));
        let trusted = first || self.state == State::Closed;
        match verdict {
            Verdict::Works if trusted => {
                self.failures = 0;
                State::Closed
            }
            Verdict::Unknown if first => State::HalfOpen(None),
            Verdict::Works | Verdict::Unknown => self.state,
            Verdict::Fails(asked) => {
                self.failures = self.failures.saturating_add(1);
                let opens = first || (trusted && self.failures >= breaker.failures);
                let own = opens.then_some(breaker.open_for);
                let until = own.max(asked).map(|wait| now + wait);
                match (self.state, until) {
                    (State::Open(before), Some(until)) => State::Open(before.max(until)),
                    (_, Some(until)) => State::Open(until),
                    (state, None) => state,
                }
            }
        }
    }
}
