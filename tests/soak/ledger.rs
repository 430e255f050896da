//! What was sent, and what came back.

use crate::Size;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Messages of one producer that may be without a report before it waits.
const OPEN: usize = 1_000;

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) site: usize,
    pub(crate) generation: u64,
}

/// How a message fared.
#[derive(Debug, Default)]
struct Fate {
    sent: u32,
    reports: u32,
}

#[derive(Debug, Default)]
struct Books {
    fates: BTreeMap<String, Fate>,
    /// Messages without a report, by producer and number.
    open: BTreeMap<(char, u64), Message>,
    outcomes: BTreeMap<String, u64>,
    /// Answers on the producer's own connection.
    answers: BTreeMap<String, u32>,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    size: Size,
    /// The newest generation of each site.
    newest: Vec<AtomicU64>,
    /// Messages that were made so far.
    made: AtomicUsize,
    books: Mutex<Books>,
    changed: Condvar,
}

impl Ledger {
    pub(crate) fn new(size: Size) -> Self {
        Self {
            size,
            newest: (0..size.sites).map(|_| AtomicU64::new(0)).collect(),
            made: AtomicUsize::new(0),
            books: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// A new message; `None` when there are enough.
    pub(crate) fn make(&self, producer: char, site: usize) -> Option<Message> {
        let mut books = self.books();
        let number = self.made.load(Ordering::SeqCst);
        if number >= self.size.messages {
            return None;
        }
        self.made.store(number + 1, Ordering::SeqCst);
        let message = Message {
            id: format!("{producer}-{number}"),
            site,
            generation: self.newest[site].fetch_add(1, Ordering::SeqCst) + 1,
        };
        books.open.insert(key(&message.id), message.clone());
        books.fates.insert(message.id.clone(), Fate::default());
        Some(message)
    }

    /// Notes that a message goes out; waits while too many of its producer are without a report. Whether it is
    /// still wanted: not when `gone` says so meanwhile.
    pub(crate) fn send(&self, message: &Message, gone: impl Fn() -> bool) -> bool {
        let key = key(&message.id);
        let mut books = self.books();
        loop {
            if gone() {
                return false;
            }
            // Those that are sent again are the oldest.
            if books.open.range((key.0, 0)..key).count() < OPEN {
                break;
            }
            let waited = self.changed.wait_timeout(books, Duration::from_millis(20));
            books = waited.unwrap().0;
        }
        books.fates.get_mut(&message.id).unwrap().sent += 1;
        true
    }

    /// The messages of a producer that have no report.
    pub(crate) fn open(&self, producer: char) -> Vec<Message> {
        let books = self.books();
        let open = books.open.range((producer, 0)..=(producer, u64::MAX));
        open.map(|(_, message)| message.clone()).collect()
    }

    pub(crate) fn is_open(&self) -> usize {
        self.books().open.len()
    }

    /// Whether all messages were made.
    pub(crate) fn all_made(&self) -> bool {
        self.made.load(Ordering::SeqCst) >= self.size.messages
    }

    pub(crate) fn reported(&self) -> usize {
        let books = self.books();
        books.fates.len() - books.open.len()
    }

    /// Takes in a report of the daemon's standard output.
    pub(crate) fn report(&self, report: &Value) {
        let Some(id) = report["request_id"].as_str() else {
            return;
        };
        let mut books = self.books();
        match report["cause"].as_str() {
            None => books.fates.get_mut(id).unwrap().reports += 1,
            // What an earlier daemon accepted.
            Some("resume") => {}
            Some(_) => return,
        }
        books.open.remove(&key(id));
        let outcome = report["outcome"].as_str().unwrap().to_owned();
        *books.outcomes.entry(outcome).or_default() += 1;
        drop(books);
        self.changed.notify_all();
    }

    /// Takes in an answer on a producer's own connection.
    pub(crate) fn answer(&self, id: &str) {
        *self.books().answers.entry(id.to_owned()).or_default() += 1;
    }

    pub(crate) const fn sites(&self) -> usize {
        self.size.sites
    }

    pub(crate) const fn messages(&self) -> usize {
        self.size.messages
    }

    pub(crate) fn newest(&self, site: usize) -> u64 {
        self.newest[site].load(Ordering::SeqCst)
    }

    /// Every message has its report: one for each time that it was sent, at most, and one at least.
    pub(crate) fn check(&self) {
        let books = self.books();
        assert_eq!(books.fates.len(), self.size.messages);
        for (id, fate) in &books.fates {
            let answers = books.answers.get(id).copied().unwrap_or_default();
            assert!(fate.reports <= fate.sent, "{id}: {fate:?}");
            assert!(fate.reports == 1 || fate.sent > 1, "{id}: {fate:?}");
            // The daemon may be killed between the answer and the line.
            assert!(answers <= fate.sent, "{id}: {fate:?} {answers}");
        }
        for outcome in books.outcomes.keys() {
            let known = ["applied", "unchanged", "superseded", "failed"];
            assert!(known.contains(&outcome.as_str()), "{:?}", books.outcomes);
        }
    }

    pub(crate) fn summary(&self) -> String {
        let books = self.books();
        let again = books.fates.values().filter(|fate| fate.sent > 1).count();
        format!(
            "{} messages, {again} of them sent more than once; reports: {:?}",
            books.fates.len(),
            books.outcomes
        )
    }
}

/// The producer and the number of a message.
fn key(id: &str) -> (char, u64) {
    let (producer, number) = id.split_once('-').unwrap();
    (producer.chars().next().unwrap(), number.parse().unwrap())
}
