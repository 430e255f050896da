//! The answer to a message: data only.

mod read;

use crate::model::{Fault, Line, SiteId};
use crate::plan::Withheld;
use crate::release::ReleaseId;
pub use crate::schema::report_capnp::{
    ReportCause as Cause, ReportOutcome as Outcome, StepOutcome,
};
use std::time::Duration;

/// What became of one message.
#[derive(Clone, Debug)]
pub struct Report {
    /// The message's number in its stream, from 1.
    pub seq: u64,
    /// The site; `None` when the message did not give a valid one.
    pub site: Option<SiteId>,
    /// The message's token; empty when it had none.
    pub request_id: Line<128>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was done or would be done, in order.
    pub steps: Vec<StepReport>,
    /// What was asked for and not done.
    pub withheld: Vec<Withheld>,
    /// The release that visitors now see.
    pub release: Option<ReleaseId>,
    /// Where the website can be seen, the primary address first.
    pub urls: Vec<String>,
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
    /// From the message's arrival to this report; from the beginning of work that no message asked for.
    pub elapsed: Duration,
    /// What the work was done for.
    pub cause: Cause,
}

/// One step of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// What is done.
    pub action: String,
    /// What it is done to.
    pub target: String,
    /// How it ended.
    pub outcome: StepOutcome,
    /// What happened, for people.
    pub detail: String,
}

/// What a step does to what it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It makes what was not there.
    Make,
    /// It changes what is there.
    Change,
    /// It takes away what is there.
    Remove,
    /// It waits for what others do.
    Wait,
}

impl Report {
    /// What one of its steps does.
    #[must_use]
    pub fn effect(&self, step: &StepReport) -> Effect {
        match step.action.as_str() {
            "create" => Effect::Make,
            // The first release of a site.
            "publish" | "build" if self.release.is_none() => Effect::Make,
            "remove" => Effect::Remove,
            "await" => Effect::Wait,
            _ => Effect::Change,
        }
    }
}

impl Report {
    /// A report that says nothing yet: unchanged, without steps.
    #[must_use]
    pub const fn about(seq: u64, site: Option<SiteId>, request_id: Line<128>) -> Self {
        Self {
            seq,
            site,
            request_id,
            outcome: Outcome::Unchanged,
            steps: Vec::new(),
            withheld: Vec::new(),
            release: None,
            urls: Vec::new(),
            faults: Vec::new(),
            elapsed: Duration::ZERO,
            cause: Cause::Message,
        }
    }

    /// Whether the site is as asked, or a plan was given where one was asked for.
    #[must_use]
    pub const fn converged(&self) -> bool {
        match self.outcome {
            Outcome::Applied
            | Outcome::Unchanged
            | Outcome::Planned
            | Outcome::Superseded
            | Outcome::Absent
            | Outcome::Paused
            | Outcome::Valid => true,
            Outcome::Refused | Outcome::Invalid | Outcome::Failed => false,
        }
    }
}
