//! The loop from messages to reports: the only place that starts tasks.
//!
//! Sites are worked on side by side, each site's messages one after another. A message that waits while a
//! newer one for its site arrives is superseded: only the newest configuration counts. Reports are given
//! in the order of the messages.

mod control;
mod event;
mod missed;
mod queue;
mod rollback;
mod site;
mod view;

pub use control::{Control, Gone, SiteOrder};
pub use event::{Event, Events, Happening, class_name};
pub use site::{Mode, Reconciler};
pub use view::{
    Activity, BOUNDS, CircuitView, Histogram, Problem, SiteView, Snapshot, Totals, Which,
};

use crate::model::{Fault, Line, SiteId};
use crate::plan::Withheld;
use crate::report::{Outcome, Report};
use crate::sink::Sink;
use crate::stream::{Spore, StreamError};
use queue::{Queue, Ticket};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};

/// Messages read ahead of the oldest one without a report. It bounds memory, and how far one slow site
/// lets the others run ahead.
const WINDOW: usize = 256;

/// How a run ended.
#[derive(Debug, Default)]
pub struct Summary {
    /// Reports by outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Reports of sites that are not as asked.
    pub failures: u64,
    /// Whether a plan found something to do.
    pub pending: bool,
    /// Why the stream ended before its end.
    pub stream: Option<StreamError>,
    /// Whether the run was asked to stop before the stream's end.
    pub stopped: bool,
}

/// What is under way.
#[derive(Default)]
struct Work {
    tasks: JoinSet<Report>,
    tickets: HashMap<Id, Ticket>,
    queue: Queue,
}

impl Reconciler {
    /// Reconciles each message of `stream` until its end, or until `shutdown`: then no further message is
    /// taken, and what was taken is finished.
    ///
    /// # Errors
    /// Reports cannot be written. Then no further message is taken either, and what was taken is finished
    /// first: work is never dropped halfway.
    pub async fn run<W: Write>(
        self: Arc<Self>,
        mut stream: mpsc::Receiver<Result<Spore, StreamError>>,
        sink: &mut Sink<W>,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<Summary> {
        let mut work = Work::default();
        let mut summary = Summary::default();
        let (mut open, mut broken) = (true, None);
        tokio::pin!(shutdown);
        while open || work.queue.pending() > 0 {
            tokio::select! {
                biased;
                () = &mut shutdown, if open => (open, summary.stopped) = (false, true),
                Some(ended) = work.tasks.join_next_with_id() => work.ended(ended),
                item = stream.recv(), if open && work.queue.pending() < WINDOW => match item {
                    Some(Ok(spore)) => self.arrive(spore, &mut work.queue),
                    Some(Err(error)) => {
                        work.queue.end(&error);
                        summary.stream = Some(error);
                        open = false;
                    }
                    None => open = false,
                },
            }
            self.start(&mut work);
            while let Some(report) = work.queue.pop() {
                summary.count(&report);
                if broken.is_none() {
                    broken = sink.report(&report).err();
                }
            }
            open &= broken.is_none();
        }
        broken.map_or(Ok(summary), Err)
    }

    /// Takes in a message: what needs no work is answered at once, without a task.
    fn arrive(&self, spore: Spore, queue: &mut Queue) {
        if !self.concerns(&spore) {
            return;
        }
        queue.place(spore.seq);
        let site = match &spore.config {
            Ok(config) => config.site.id.clone(),
            Err(faults) => return queue.report(invalid(&spore, faults.as_slice())),
        };
        if queue.at_rest(&site)
            && let Some(report) = self.unchanged(&spore)
        {
            return queue.report(report);
        }
        queue.push(site, spore);
    }

    /// Starts as many messages as may be worked on at once.
    fn start(self: &Arc<Self>, work: &mut Work) {
        while work.tasks.len() < self.jobs {
            let Some((ticket, spore)) = work.queue.start() else {
                return;
            };
            let this = Arc::clone(self);
            let task = work
                .tasks
                .spawn(async move { this.reconcile(&spore).await });
            work.tickets.insert(task.id(), ticket);
        }
    }
}

impl Work {
    /// Takes in the report of a task. A task that panicked is a defect: its site is reported as failed, and
    /// the others go on.
    fn ended(&mut self, ended: Result<(Id, Report), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(ticket) = self.tickets.remove(&id) else {
            return;
        };
        let report = match ended {
            Ok((_, report)) => report,
            Err(error) => ticket.lost(&error),
        };
        self.queue.finish(&ticket, report);
    }
}

impl Queue {
    /// Reports that the stream ended before its end.
    fn end(&mut self, error: &StreamError) {
        let (seq, code) = match error {
            StreamError::Framing { number, .. } => (*number, "stream-framing"),
            StreamError::Io { number, .. } => (*number, "stream-io"),
        };
        self.place(seq);
        let mut report = Report::about(seq, None, Line::default());
        report.outcome = Outcome::Invalid;
        report.faults.push(Fault {
            code,
            path: String::new(),
            message: error.full(),
            hint: Some("send the rest as a new stream".into()),
        });
        self.report(report);
    }
}

impl Summary {
    fn count(&mut self, report: &Report) {
        let name = crate::schema::enumerant_name(report.outcome);
        *self.outcomes.entry(name).or_default() += 1;
        if !report.converged() {
            self.failures += 1;
        }
        self.pending |= report.outcome == Outcome::Planned;
    }
}

impl Report {
    /// The beginning of a report about a message.
    #[must_use]
    pub(crate) fn of(spore: &Spore, site: Option<SiteId>) -> Self {
        let mut report = Self::about(spore.seq, site, spore.request_id.clone());
        report.elapsed = spore.arrived.elapsed();
        report
    }
}

/// The report of a message that breaks the schema's rules.
fn invalid(spore: &Spore, faults: &[Fault]) -> Report {
    let mut report = Report::of(spore, spore.site.clone());
    report.outcome = if spore.refused {
        Outcome::Refused
    } else {
        Outcome::Invalid
    };
    report.faults = faults.to_vec();
    report
}

/// The report of a message that was overtaken by a newer one for its site.
fn superseded(spore: &Spore, why: String) -> Report {
    let mut report = Report::of(spore, spore.site.clone());
    report.outcome = Outcome::Superseded;
    report.withheld.push(Withheld {
        action: "apply".into(),
        reason: why,
        refused: false,
    });
    report
}
