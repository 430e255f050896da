//! Ten thousand lives. One of them is told event by event with `SPORE_SEED=number cargo test --test schedule`.

use crate::world::{Tally, World};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const LIVES: u64 = 10_000;

#[test]
fn what_is_promised_holds_in_ten_thousand_lives() {
    if let Ok(seed) = std::env::var("SPORE_SEED") {
        let (lived, trace) = World::live(seed.parse().unwrap(), true);
        panic!("{}\n{lived:?}", trace.join("\n"));
    }
    let next = AtomicU64::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let tally = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|_| scope.spawn(|| worker(&next)))
            .collect();
        let mut sum = Tally::default();
        for worker in workers {
            sum.add(
                &worker
                    .join()
                    .unwrap()
                    .unwrap_or_else(|wrong| panic!("{wrong}")),
            );
        }
        sum
    });
    let met = [
        tally.starts,
        tally.retries,
        tally.notices,
        tally.circuits,
        tally.held_back,
    ];
    let kinds = tally.settlements.len();
    assert!(met.iter().all(|count| *count > LIVES / 10), "{tally:?}");
    assert!(kinds == 6 && tally.events > 50 * LIVES, "{tally:?}");
}

/// Lives the lives that no other worker has taken.
fn worker(next: &AtomicU64) -> Result<Tally, String> {
    let mut sum = Tally::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= LIVES {
            return Ok(sum);
        }
        let lived = World::live(seed, false).0;
        sum.add(&lived.map_err(|wrong| format!("life {seed}: {wrong}"))?);
    }
}
