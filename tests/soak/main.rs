//! Months in minutes: messages for a thousand websites from three producers at once, faults in every backend, and
//! the daemon killed again and again. At the end every website is as its newest message asks, and every message has
//! its report.
//!
//! `SPORE_SOAK=MESSAGES,SITES,KILLS,SEED` chooses another size; `scripts/test` has the large one.
#![cfg(test)]
#![allow(
    clippy::print_stderr,
    reason = "how it went is told to who runs it alone"
)]

#[path = "../fake/cloudflare/mod.rs"]
mod cloudflare;
mod farm;
mod ledger;
mod life;
mod producers;
mod trouble;

use farm::Farm;
use ledger::Ledger;
use std::env;
use std::sync::Arc;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) messages: usize,
    pub(crate) sites: usize,
    pub(crate) kills: usize,
    pub(crate) seed: u64,
}

impl Size {
    fn of_environment() -> Self {
        let usual = Self {
            messages: 3_000,
            sites: 100,
            kills: 5,
            seed: fastrand::u64(..),
        };
        let Ok(text) = env::var("SPORE_SOAK") else {
            return usual;
        };
        let numbers: Vec<u64> = text.split(',').map(|it| it.parse().unwrap()).collect();
        let size = |index: usize, usual: usize| {
            numbers
                .get(index)
                .map_or(usual, |it| usize::try_from(*it).unwrap())
        };
        Self {
            messages: size(0, usual.messages),
            sites: size(1, usual.sites),
            kills: size(2, usual.kills),
            seed: numbers.get(3).copied().unwrap_or(usual.seed),
        }
    }
}

#[test]
fn every_site_ends_as_its_newest_message_asks() {
    let size = Size::of_environment();
    eprintln!("{size:?}");
    let farm = Farm::new(size.sites);
    let ledger = Arc::new(Ledger::new(size));
    life::lead(&farm, &ledger, size);
    farm.check(&ledger);
    ledger.check();
    eprintln!("{}", ledger.summary());
}
