//! Which message is worked on next, and which report is given next.

use super::superseded;
use crate::model::{Line, SiteId};
use crate::report::{Outcome, Report};
use crate::stream::Spore;
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

/// Messages between their arrival and their report. Serial per site; reports leave in the order of
/// arrival.
#[derive(Default)]
pub(super) struct Queue {
    /// One slot for each message without a report given, by ascending number.
    slots: VecDeque<Slot>,
    /// Sites whose turn it is, oldest first; their messages are in `sites`.
    turns: VecDeque<SiteId>,
    /// What each site that is not at rest has.
    sites: HashMap<SiteId, Pair>,
}

struct Slot {
    seq: u64,
    report: Option<Report>,
}

/// The messages of one site: at most one is worked on and at most one waits, the newest.
#[derive(Default)]
struct Pair {
    running: bool,
    waiting: Option<Spore>,
}

/// What is known of a message that is worked on, for the case that its task dies.
#[derive(Debug)]
pub(super) struct Ticket {
    seq: u64,
    site: SiteId,
    request_id: Line<128>,
    arrived: Instant,
}

impl Queue {
    /// Messages without a report given.
    pub(super) fn pending(&self) -> usize {
        self.slots.len()
    }

    /// Takes a place in the order of reports.
    pub(super) fn place(&mut self, seq: u64) {
        self.slots.push_back(Slot { seq, report: None });
    }

    /// Whether nothing is under way for this site, so that a message for it may be answered at once.
    pub(super) fn at_rest(&self, site: &SiteId) -> bool {
        !self.sites.contains_key(site)
    }

    /// Lets a message wait for its site's turn. One that waits already is superseded: it was overtaken
    /// before anything was done for it.
    pub(super) fn push(&mut self, site: SiteId, spore: Spore) {
        let line = self.sites.entry(site.clone()).or_default();
        let seq = spore.seq;
        match line.waiting.replace(spore) {
            Some(overtaken) => {
                let why = format!("message {seq} for the same site came before its turn");
                self.report(superseded(&overtaken, why));
            }
            None if !line.running => self.turns.push_back(site),
            None => {}
        }
    }

    /// The next message to work on.
    pub(super) fn start(&mut self) -> Option<(Ticket, Spore)> {
        let site = self.turns.pop_front()?;
        let line = self.sites.get_mut(&site)?;
        let spore = line.waiting.take()?;
        line.running = true;
        let ticket = Ticket {
            seq: spore.seq,
            site,
            request_id: spore.request_id.clone(),
            arrived: spore.arrived,
        };
        Some((ticket, spore))
    }

    /// Notes that a message is done with: its site's next one may start.
    pub(super) fn finish(&mut self, ticket: &Ticket, report: Report) {
        if let Some(line) = self.sites.get_mut(&ticket.site) {
            line.running = false;
            if line.waiting.is_some() {
                self.turns.push_back(ticket.site.clone());
            } else {
                self.sites.remove(&ticket.site);
            }
        }
        self.report(report);
    }

    /// Puts a report into its place.
    pub(super) fn report(&mut self, report: Report) {
        if let Ok(index) = self
            .slots
            .binary_search_by_key(&report.seq, |slot| slot.seq)
        {
            self.slots[index].report = Some(report);
        }
    }

    /// The next report whose turn has come.
    pub(super) fn pop(&mut self) -> Option<Report> {
        self.slots.front()?.report.as_ref()?;
        self.slots.pop_front()?.report
    }
}

impl Ticket {
    /// The report of a task that died.
    pub(super) fn lost(&self, why: &dyn std::fmt::Display) -> Report {
        let mut report = Report::about(self.seq, Some(self.site.clone()), self.request_id.clone());
        report.outcome = Outcome::Failed;
        report.elapsed = self.arrived.elapsed();
        report.faults.push(crate::model::Fault {
            code: "internal",
            path: String::new(),
            message: format!("the site's task ended early: {why}"),
            hint: Some("this is a defect of mycelia-spore; the message may be sent again".into()),
        });
        report
    }
}
