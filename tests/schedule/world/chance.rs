//! What chance has in store.

use super::{ACCOUNTS, Act, LONGEST_ASKED, World};
use fastrand::Rng;
use mycelia_spore::schedule::{
    Account, Bounds, Breaker, Class, Drift, DriftMode, Ended, Event, Finding, Health, Options,
    Record, RetryPolicy, Terms, Time,
};
use std::time::Duration;

impl World {
    /// Something the operator or the machine does.
    pub(super) fn whim(&mut self) -> Act {
        let site = self.random_site();
        Act::Tell(match self.random.u8(0..8) {
            0 | 1 => Event::Suspend { site },
            2 | 3 => Event::Resume { site },
            4 => Event::Forget { site },
            5 => {
                let mut options = options(&mut self.random);
                // The calm is as long as these ask for.
                options.retry = self.options.retry.clone();
                options.breaker = self.options.breaker.clone();
                Event::Options(options)
            }
            6 => {
                let record = self.record();
                Event::Known { site, record }
            }
            _ => return Act::Tick,
        })
    }

    /// How a run will end.
    pub(super) fn ended(&mut self) -> Ended {
        if self.calm {
            return Ended::Completed {
                finding: Finding::AsAsked,
                next_edge: None,
            };
        }
        let account = Account(self.random.u32(0..ACCOUNTS));
        let retry_after = (self.random.u8(..) < 60).then(|| self.part(LONGEST_ASKED));
        if let Some(class) = self.outages.get(&account).copied() {
            return Ended::Failed {
                class,
                retry_after: retry_after.filter(|_| class == Class::Transient),
                account: Some(account),
            };
        }
        match self.random.u8(0..20) {
            0..=11 => Ended::Completed {
                finding: self.finding(),
                next_edge: self.edge(),
            },
            12..=15 => Ended::Failed {
                class: Class::Transient,
                retry_after,
                account: self.random.bool().then_some(account),
            },
            16 => Ended::Interrupted,
            _ => Ended::Failed {
                class: self.verdict(),
                retry_after: None,
                account: self.random.bool().then_some(account),
            },
        }
    }

    pub(super) fn verdict(&mut self) -> Class {
        let all = [
            Class::Unauthorised,
            Class::Conflict,
            Class::Rejected,
            Class::Forbidden,
            Class::Unsupported,
        ];
        all[self.random.usize(0..all.len())]
    }

    pub(super) fn finding(&mut self) -> Finding {
        let all = [Finding::Repaired, Finding::Drifted, Finding::Awaiting];
        all.get(self.random.usize(0..9))
            .copied()
            .unwrap_or(Finding::AsAsked)
    }

    /// A moment at which a site changes by itself; it may have passed.
    pub(super) fn edge(&mut self) -> Option<Time> {
        match self.random.u8(0..8) {
            0 => Some(Time::default()),
            1 | 2 => Some(self.now + self.part(Duration::from_secs(90))),
            _ => None,
        }
    }

    pub(super) fn record(&mut self) -> Record {
        let all = [Health::Good, Health::Failing, Health::Drifted];
        Record {
            terms: self.terms(),
            unfinished: self.random.u8(..) < 80,
            suspended: self.random.u8(..) < 20,
            next_edge: self.edge(),
            health: all[self.random.usize(0..all.len())],
        }
    }

    pub(super) fn terms(&mut self) -> Terms {
        let accounts = self.random.u32(0..3);
        Terms {
            accounts: (0..accounts)
                .map(|_| Account(self.random.u32(0..ACCOUNTS)))
                .collect(),
            paused: !self.calm && self.random.u8(..) < 20,
            drift: (self.random.u8(..) < 60).then(|| mode(&mut self.random)),
        }
    }
}

pub(super) fn options(random: &mut Rng) -> Options {
    Options {
        bounds: Bounds {
            jobs: random.usize(0..5),
            queue: random.usize(0..6),
        },
        retry: RetryPolicy {
            first: Duration::from_millis(random.u64(0..3000)),
            factor: random.u32(1..4),
            max: Duration::from_millis(random.u64(0..20_000)),
            attempts: random.u32(0..6),
        },
        breaker: Breaker {
            failures: random.u32(0..5),
            open_for: Duration::from_millis(random.u64(0..40_000)),
        },
        drift: Drift {
            interval: Duration::from_millis(random.u64(0..120_000)),
            jitter: random.u8(0..120),
            mode: mode(random),
        },
    }
}

pub(super) fn mode(random: &mut Rng) -> DriftMode {
    let all = [DriftMode::Repair, DriftMode::Report, DriftMode::Off];
    all[random.usize(0..all.len())]
}
