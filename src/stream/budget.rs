//! A bound on what may be under way at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many units, of which each holder of a [`Permit`] has some.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    total: usize,
    free: Mutex<usize>,
    changed: Condvar,
}

/// Units of a budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    units: usize,
    budget: Arc<Shared>,
}

impl Budget {
    pub(super) fn new(total: usize) -> Self {
        Self(Arc::new(Shared {
            total,
            free: Mutex::new(total),
            changed: Condvar::new(),
        }))
    }

    /// Waits until so many units are free, and takes them; at most all there are.
    pub(super) fn reserve(&self, units: usize) -> Permit {
        let units = units.min(self.0.total);
        let free = self.0.free();
        let mut free = self
            .0
            .changed
            .wait_while(free, |free| *free < units)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= units;
        Permit {
            units,
            budget: Arc::clone(&self.0),
        }
    }

    /// Waits until all units are free again, but not longer than `limit`. Whether they are.
    pub(super) fn wait_for_all(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut free = self.0.free();
        while *free < self.0.total {
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return false;
            };
            let waited = self.0.changed.wait_timeout(free, left);
            (free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}

impl Shared {
    fn free(&self) -> MutexGuard<'_, usize> {
        // No code can panic while it holds the lock.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Gives back all but so many units.
    pub(super) fn shrink(&mut self, units: usize) {
        let back = self.units.saturating_sub(units);
        self.units -= back;
        self.give_back(back);
    }

    fn give_back(&self, units: usize) {
        *self.budget.free() += units;
        self.budget.changed.notify_all();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back(self.units);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn what_is_taken_is_waited_for() {
        let budget = Budget::new(3);
        let mut first = budget.reserve(2);
        let (sender, receiver) = mpsc::channel();
        let other = budget.clone();
        let waiting = thread::spawn(move || {
            sender.send(other.reserve(2)).unwrap();
        });
        assert!(receiver.try_recv().is_err());
        first.shrink(1);
        let second = receiver.recv().unwrap();
        waiting.join().unwrap();
        assert!(!budget.wait_for_all(Duration::from_millis(1)));
        drop((first, second));
        assert!(budget.wait_for_all(Duration::ZERO));
    }

    #[test]
    fn more_than_there_is_takes_all() {
        let budget = Budget::new(3);
        let all = budget.reserve(10);
        assert!(!budget.wait_for_all(Duration::ZERO));
        drop(all);
        assert!(budget.wait_for_all(Duration::ZERO));
    }
}
