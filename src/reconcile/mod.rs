//! The loop from messages to reports: the only place that starts tasks.
//!
//! A message is decoded and checked, its configuration is kept in the state directory as what its site is to be,
//! and its site gets in line. [`Schedule`](crate::schedule::Schedule) decides when which site is worked on;
//! [`Daemon`] does what it decides. Sites are worked on side by side, each site's work one after another. A message
//! that waits while a newer one for its site arrives is superseded: only the newest configuration counts.
//!
//! A daemon that [lives on](Options::lives) tries again what failed and may pass, looks after the sites it knows,
//! and carries out what an earlier daemon accepted and did not finish.

mod accept;
mod attempt;
mod clock;
mod control;
mod daemon;
mod event;
mod inbox;
mod job;
mod missed;
mod order;
mod orders;
mod rollback;
mod runs;
mod show;
mod site;
mod tell;
mod trace;
mod view;

pub use control::{Control, Gone, SiteOrder};
pub use daemon::{Daemon, Options};
pub use event::{Event, Events, Happening, class_name};
pub use inbox::Inbox;
pub use job::cause;
pub use site::{Mode, Reconciler};
pub use view::{
    Activity, BOUNDS, BudgetView, CircuitView, Histogram, Problem, SiteView, Snapshot, Totals,
    Which,
};

use crate::model::{Fault, Line, SiteId};
use crate::plan::Withheld;
use crate::report::{Cause, Effect, Outcome, Report, StepOutcome, StepReport};
use crate::stream::{Spore, StreamError};
use std::collections::BTreeMap;

/// How a run ended.
#[derive(Debug, Default)]
pub struct Summary {
    /// Reports by outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Reports of sites that are not as asked.
    pub failures: u64,
    /// Whether a plan found something to do.
    pub pending: bool,
    /// Steps that a plan found, by what they do.
    pub effects: BTreeMap<Effect, usize>,
    /// What was asked for and is not done.
    pub withheld: usize,
    /// Why the stream ended before its end.
    pub stream: Option<StreamError>,
    /// Whether the run was asked to stop before the stream's end.
    pub stopped: bool,
}

/// The report of a stream that ended before its end.
fn broken(error: &StreamError) -> Report {
    let (seq, code) = match error {
        StreamError::Framing { number, .. } => (*number, "stream-framing"),
        StreamError::Io { number, .. } => (*number, "stream-io"),
    };
    let mut report = Report::about(seq, None, Line::default());
    report.outcome = Outcome::Invalid;
    report.faults.push(Fault {
        code,
        path: String::new(),
        message: error.full(),
        hint: Some("send the rest as a new stream".into()),
    });
    report
}

impl Summary {
    fn count(&mut self, report: &Report) {
        let name = crate::schema::enumerant_name(report.outcome);
        *self.outcomes.entry(name).or_default() += 1;
        if !report.converged() {
            self.failures += 1;
        }
        self.pending |= report.outcome == Outcome::Planned;
        self.withheld += report.withheld.iter().filter(|it| it.refused).count();
        let planned = |step: &&StepReport| step.outcome == StepOutcome::Planned;
        for step in report.steps.iter().filter(planned) {
            *self.effects.entry(report.effect(step)).or_default() += 1;
        }
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
    overtaken(Report::of(spore, spore.site.clone()), why)
}

/// The same of any report.
fn overtaken(mut report: Report, reason: String) -> Report {
    report.outcome = Outcome::Superseded;
    report.withheld.push(not_applied(reason));
    report
}

/// The report of what the operator forbade by pausing the site.
fn paused(mut report: Report) -> Report {
    report.outcome = Outcome::Paused;
    let reason = "the operator paused the site; it is done when that ends";
    report.withheld.push(not_applied(reason.into()));
    report
}

/// The report of what was not begun when the operator let the site be forgotten.
fn forgotten(report: Report) -> Report {
    overtaken(report, "the operator let the site be forgotten".into())
}

fn not_applied(reason: String) -> Withheld {
    Withheld {
        action: "apply".into(),
        reason,
        refused: false,
    }
}

/// The report of an order that needs no steps.
fn ordered(site: &SiteId) -> Report {
    let mut report = Report::about(0, Some(site.clone()), Line::default());
    report.cause = Cause::Operator;
    report
}

/// The report of an order for a site that nobody asked for.
fn unknown(site: &SiteId) -> Report {
    let mut report = ordered(site);
    report.outcome = Outcome::Failed;
    report.faults.push(Fault {
        code: "site-unknown",
        path: String::new(),
        message: format!("site {site} is not known here"),
        hint: Some("mycelia-spore status lists those that are".into()),
    });
    report
}

/// The report of something that the state directory did not take.
fn failed(mut report: Report, message: &str) -> Report {
    report.outcome = Outcome::Failed;
    report.faults.push(Fault {
        code: "transient",
        path: String::new(),
        message: message.into(),
        hint: Some("nothing was changed; send it again when the cause is mended".into()),
    });
    report
}

/// The report of work that ended without saying how.
fn lost(mut report: Report, why: &dyn std::fmt::Display) -> Report {
    report.outcome = Outcome::Failed;
    report.faults.push(Fault {
        code: "internal",
        path: String::new(),
        message: format!("the site's task ended early: {why}"),
        hint: Some("this is a defect of mycelia-spore; the message may be sent again".into()),
    });
    report
}
