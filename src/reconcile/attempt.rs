//! How one attempt at one site's work ended.

use super::site::Stop;
use super::view::Problem;
use crate::edge::{EdgeError, EdgeErrorKind, Origin};
use crate::report::{Outcome, Report};
use crate::schedule::{Class, Finding};
use std::time::Duration;

/// An attempt that has ended.
#[derive(Debug)]
pub(super) struct Attempt {
    /// What is told of it.
    pub(super) report: Report,
    /// Why the site is not as asked.
    pub(super) failure: Option<Failure>,
}

/// Why an attempt failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) problem: Problem,
    /// How long the other side asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// The account whose service answered so.
    pub(super) account: Option<String>,
}

impl Attempt {
    /// What ended before its steps, or with steps that all went well.
    pub(super) fn of(mut report: Report, ended: Result<(), Stop>) -> Self {
        let failure = match ended {
            Ok(()) => None,
            Err(stop) => {
                let failure = stop.failure();
                (report.outcome, report.faults) = stop.told();
                failure
            }
        };
        Self { report, failure }.complete()
    }

    /// What was not done although no error says why: it was refused, or the message is faulty.
    pub(super) fn complete(mut self) -> Self {
        if self.failure.is_none() && !self.report.converged() {
            let fault = self.report.faults.first().map(ToString::to_string);
            let withheld = || {
                let refused = self.report.withheld.iter().find(|item| item.refused);
                refused.map(|item| format!("{}: {}", item.action, item.reason))
            };
            let message = fault.or_else(withheld).unwrap_or_default();
            self.failure = Some(Failure {
                problem: Problem {
                    class: Class::Forbidden,
                    message,
                    hint: self
                        .report
                        .faults
                        .first()
                        .and_then(|fault| fault.hint.clone()),
                },
                retry_after: None,
                account: None,
            });
        }
        self
    }

    /// Whether the same may succeed later without anybody's doing.
    pub(super) fn may_pass(&self) -> bool {
        let failure = self.failure.as_ref();
        failure.is_some_and(|failure| failure.problem.class.may_pass())
    }

    /// What was found, for an attempt that did not fail. `look` says that nobody asked for it.
    pub(super) fn finding(&self, look: bool) -> Finding {
        match self.report.outcome {
            Outcome::Planned if look => Finding::Drifted,
            Outcome::Applied if look => Finding::Repaired,
            _ => Finding::AsAsked,
        }
    }
}

impl From<&EdgeError> for Failure {
    fn from(error: &EdgeError) -> Self {
        let retry_after = match error.kind {
            EdgeErrorKind::Transient { retry_after } => retry_after,
            EdgeErrorKind::Unauthorised
            | EdgeErrorKind::Conflict
            | EdgeErrorKind::Rejected
            | EdgeErrorKind::Forbidden
            | EdgeErrorKind::Unsupported => None,
        };
        Self {
            problem: Problem {
                class: class(error.kind),
                message: error.full(),
                hint: error.hint.clone(),
            },
            retry_after,
            account: match &error.origin {
                Origin::Account(account) => Some(account.to_string()),
                Origin::Here | Origin::Service => None,
            },
        }
    }
}

/// The failure of several that decides what follows: one that may pass, since another attempt is worth it then;
/// else the first.
pub(super) fn worst(errors: &[EdgeError]) -> Option<Failure> {
    let passing = errors.iter().find(|error| class(error.kind).may_pass());
    passing.or_else(|| errors.first()).map(Failure::from)
}

const fn class(kind: EdgeErrorKind) -> Class {
    match kind {
        EdgeErrorKind::Transient { .. } => Class::Transient,
        EdgeErrorKind::Unauthorised => Class::Unauthorised,
        EdgeErrorKind::Conflict => Class::Conflict,
        EdgeErrorKind::Rejected => Class::Rejected,
        EdgeErrorKind::Forbidden => Class::Forbidden,
        EdgeErrorKind::Unsupported => Class::Unsupported,
    }
}
