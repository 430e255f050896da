//! The circuits of all accounts.

use mycelia_spore::model::SiteId;
use mycelia_spore::schedule::{Account, Breaker, CircuitState, Class, Ended, Time};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Circuits(BTreeMap<Account, Circuit>);

#[derive(Debug, Default)]
struct Circuit {
    failures: u32,
    /// None of its sites before.
    open: Option<Time>,
    /// One at a time.
    half: bool,
    /// The one.
    first: Option<SiteId>,
}

impl Circuits {
    pub(super) fn blocks(&self, accounts: &[Account]) -> bool {
        let blocked = |it: &Circuit| it.open.is_some() || it.first.is_some();
        accounts
            .iter()
            .any(|account| self.0.get(account).is_some_and(blocked))
    }

    pub(super) fn start(&mut self, site: &SiteId, accounts: &[Account]) {
        for account in accounts {
            if let Some(circuit) = self.0.get_mut(account).filter(|it| it.half) {
                circuit.first = Some(site.clone());
            }
        }
    }

    pub(super) fn wake(&mut self, now: Time) {
        for circuit in self.0.values_mut() {
            if circuit.open.is_some_and(|until| until <= now) {
                circuit.open = None;
                circuit.half = true;
            }
        }
    }

    pub(super) fn states(&self) -> impl Iterator<Item = (Account, CircuitState)> {
        self.0.iter().filter_map(|(account, circuit)| {
            let state = match (circuit.open, circuit.half) {
                (Some(until), _) => CircuitState::Open { until },
                (None, true) => CircuitState::HalfOpen,
                (None, false) => return None,
            };
            Some((*account, state))
        })
    }

    pub(super) fn judge(
        &mut self,
        now: Time,
        site: &SiteId,
        accounts: &[Account],
        ended: Ended,
        breaker: &Breaker,
    ) {
        let (class, asked, blamed) = match ended {
            Ended::Completed { .. } => {
                for account in accounts {
                    self.works(*account, site);
                }
                return;
            }
            Ended::Failed {
                class,
                retry_after,
                account,
            } => (class, retry_after, account),
            Ended::Interrupted => (Class::Interrupted, None, None),
        };
        for account in accounts.iter().filter(|it| Some(**it) != blamed) {
            if let Some(circuit) = self.0.get_mut(account)
                && circuit.first.as_ref() == Some(site)
            {
                circuit.first = None;
            }
        }
        let Some(blamed) = blamed else {
            return;
        };
        if !matches!(class, Class::Transient | Class::Unauthorised) {
            return self.works(blamed, site);
        }
        let circuit = self.0.entry(blamed).or_default();
        let first = circuit.first.as_ref() == Some(site);
        circuit.failures += 1;
        let closed = circuit.open.is_none() && !circuit.half;
        let opens = first || (closed && circuit.failures >= breaker.failures);
        let mut until = asked.map(|asked| now + asked);
        if opens {
            until = until.max(Some(now + breaker.open_for));
        }
        if until.is_some() {
            circuit.open = circuit.open.max(until);
            circuit.half = false;
            circuit.first = None;
        }
    }

    fn works(&mut self, account: Account, site: &SiteId) {
        if let Some(circuit) = self.0.get_mut(&account) {
            let closed = circuit.open.is_none() && !circuit.half;
            if closed || circuit.first.as_ref() == Some(site) {
                self.0.remove(&account);
            }
        }
    }
}
