//! What a daemon tells who watches, as the other side reads it.

use crate::model::{Parse, SiteId};
use crate::reconcile::{Event, Happening, Problem, cause};
use crate::report::{Cause, Report, StepReport};
use crate::schedule;
use crate::schema::daemon_capnp::{FailureClass, Notice, event, problem};
use crate::schema::enumerant_name;
use serde_json::{Map, Value, json};

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Told {
    /// When.
    pub at: jiff::Timestamp,
    /// The site; `None` for what concerns an account or the whole daemon.
    pub site: Option<SiteId>,
    /// What.
    pub what: What,
}

/// What happened: the values of [`Happening`](crate::reconcile::Happening).
#[derive(Clone, Debug)]
pub enum What {
    /// A message was accepted.
    Accepted {
        /// Its number since the daemon's start.
        seq: u64,
        /// Its token; empty when it had none.
        request_id: String,
    },
    /// The site is being worked on.
    Started {
        /// What for.
        cause: Cause,
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// A build or an upload goes on: a line for people.
    Progress(String),
    /// A step has ended.
    Step(StepReport),
    /// An attempt failed and another follows.
    Retrying {
        /// What is wrong.
        problem: Trouble,
        /// Which attempt it was, from 1.
        attempt: u32,
        /// When the next one begins at the earliest.
        at: jiff::Timestamp,
    },
    /// A message has its report, or work that nobody asked for changed something.
    Reported(Box<Report>),
    /// The site's health is another.
    Noticed {
        /// What people should be told.
        notice: Notice,
        /// What is wrong, when something is.
        problem: Option<Trouble>,
    },
    /// An account is left alone for a while, or is used again.
    Circuit {
        /// The account.
        account: String,
        /// Until when it is left alone; `None` when it is used.
        until: Option<jiff::Timestamp>,
    },
    /// The site is not managed any more.
    Forgotten,
    /// The daemon ends.
    Draining,
    /// So many events were not told, because earlier ones took too long.
    Missed(u64),
    /// Something that a newer daemon tells and this program does not know.
    Unknown,
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is to be done about it; `None` for a class of a newer daemon.
    pub class: Option<FailureClass>,
    /// What is wrong.
    pub message: String,
    /// What a person can do.
    pub hint: Option<String>,
}

impl Told {
    /// Reads what a daemon wrote.
    pub(super) fn read(event: event::Reader<'_>) -> capnp::Result<Self> {
        use event::Which;
        let what = match event.which() {
            Err(capnp::NotInSchema(_)) => What::Unknown,
            Ok(Which::Accepted(accepted)) => {
                let accepted = accepted?;
                What::Accepted {
                    seq: accepted.get_seq(),
                    request_id: accepted.get_request_id()?.to_string()?,
                }
            }
            Ok(Which::Started(started)) => {
                let started = started?;
                What::Started {
                    cause: started.get_cause().unwrap_or(Cause::Operator),
                    attempt: started.get_attempt(),
                }
            }
            Ok(Which::Progress(line)) => What::Progress(line?.to_string()?),
            Ok(Which::Step(step)) => What::Step(StepReport::from_reader(step?)?),
            Ok(Which::Retrying(retrying)) => {
                let retrying = retrying?;
                What::Retrying {
                    problem: Trouble::read(retrying.get_problem()?)?,
                    attempt: retrying.get_attempt(),
                    at: time(retrying.get_at()).unwrap_or_default(),
                }
            }
            Ok(Which::Reported(report)) => What::Reported(Box::new(Report::from_reader(report?)?)),
            Ok(Which::Noticed(noticed)) => {
                let noticed = noticed?;
                let problem = noticed
                    .has_problem()
                    .then(|| Trouble::read(noticed.get_problem()?));
                What::Noticed {
                    notice: noticed.get_notice()?,
                    problem: problem.transpose()?,
                }
            }
            Ok(Which::Circuit(circuit)) => {
                let circuit = circuit?;
                What::Circuit {
                    account: circuit.get_account()?.to_string()?,
                    until: time(circuit.get_until()),
                }
            }
            Ok(Which::Forgotten(())) => What::Forgotten,
            Ok(Which::Draining(())) => What::Draining,
            Ok(Which::Missed(missed)) => What::Missed(missed),
        };
        Ok(Self {
            at: time(event.get_at()).unwrap_or_default(),
            site: SiteId::parse(event.get_site()?.to_str()?).ok(),
            what,
        })
    }
}

impl From<&Event> for Told {
    fn from(event: &Event) -> Self {
        let what = match &event.what {
            Happening::Accepted { seq, request_id } => What::Accepted {
                seq: *seq,
                request_id: request_id.to_string(),
            },
            Happening::Started { why, attempt } => What::Started {
                cause: cause(*why),
                attempt: *attempt,
            },
            Happening::Progress(progress) => What::Progress(progress.to_string()),
            Happening::Step(step) => What::Step(step.clone()),
            Happening::Retrying {
                problem,
                attempt,
                at,
            } => What::Retrying {
                problem: problem.into(),
                attempt: *attempt,
                at: *at,
            },
            Happening::Reported(report) => What::Reported(Box::new(Report::clone(report))),
            Happening::Noticed { notice, problem } => What::Noticed {
                notice: one_notice(*notice),
                problem: problem.as_ref().map(Into::into),
            },
            Happening::Circuit { account, until } => What::Circuit {
                account: account.clone(),
                until: *until,
            },
            Happening::Forgotten => What::Forgotten,
            Happening::Draining => What::Draining,
        };
        Self {
            at: event.at,
            site: event.site.clone(),
            what,
        }
    }
}

impl From<&Problem> for Trouble {
    fn from(problem: &Problem) -> Self {
        Self {
            class: Some(one_class(problem.class)),
            message: problem.message.clone(),
            hint: problem.hint.clone(),
        }
    }
}

/// What people are told, by its name in the schema.
pub(super) const fn one_notice(notice: schedule::Notice) -> Notice {
    match notice {
        schedule::Notice::Failure(_) => Notice::Failure,
        schedule::Notice::Recovery => Notice::Recovery,
        schedule::Notice::Drift { repaired: false } => Notice::Drift,
        schedule::Notice::Drift { repaired: true } => Notice::Repair,
        schedule::Notice::Awaiting => Notice::Approval,
    }
}

/// A class of failures by its name in the schema.
pub(super) const fn one_class(class: schedule::Class) -> FailureClass {
    match class {
        schedule::Class::Transient => FailureClass::Transient,
        schedule::Class::Unauthorised => FailureClass::Unauthorised,
        schedule::Class::Conflict => FailureClass::Conflict,
        schedule::Class::Rejected => FailureClass::Rejected,
        schedule::Class::Forbidden => FailureClass::Forbidden,
        schedule::Class::Unsupported => FailureClass::Unsupported,
        schedule::Class::Interrupted => FailureClass::Interrupted,
    }
}

impl Trouble {
    pub(super) fn read(problem: problem::Reader<'_>) -> capnp::Result<Self> {
        let hint = problem.get_hint()?.to_string()?;
        Ok(Self {
            class: problem.get_class().ok(),
            message: problem.get_message()?.to_string()?,
            hint: (!hint.is_empty()).then_some(hint),
        })
    }
}

impl Told {
    /// The event for programs: its time, its site, its name and what it carries.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("v".into(), json!(1));
        object.insert("at".into(), json!(self.at.to_string()));
        if let Some(site) = &self.site {
            object.insert("site".into(), json!(site.as_str()));
        }
        let (name, carried) = carried(&self.what);
        object.insert("event".into(), json!(name));
        if let Value::Object(carried) = carried {
            object.extend(carried);
        }
        Value::Object(object)
    }
}

impl Trouble {
    /// How an attempt failed, for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "class": self.class.map(enumerant_name),
            "message": self.message,
            "hint": self.hint,
        })
    }
}

fn carried(what: &What) -> (&'static str, Value) {
    match what {
        What::Accepted { seq, request_id } => {
            ("accepted", json!({ "seq": seq, "request_id": request_id }))
        }
        What::Started { cause, attempt } => (
            "started",
            json!({ "cause": enumerant_name(*cause), "attempt": attempt }),
        ),
        What::Progress(line) => ("progress", json!({ "line": line })),
        What::Step(step) => (
            "step",
            json!({
                "action": step.action,
                "target": step.target,
                "outcome": enumerant_name(step.outcome),
                "detail": step.detail,
            }),
        ),
        What::Retrying {
            problem: trouble,
            attempt,
            at,
        } => (
            "retrying",
            json!({ "problem": trouble.json(), "attempt": attempt, "next": at.to_string() }),
        ),
        What::Reported(report) => ("reported", json!({ "report": crate::sink::json(report) })),
        What::Noticed {
            notice,
            problem: trouble,
        } => (
            "noticed",
            json!({
                "notice": enumerant_name(*notice),
                "problem": trouble.as_ref().map(Trouble::json),
            }),
        ),
        What::Circuit { account, until } => (
            "circuit",
            json!({ "account": account, "until": until.map(|until| until.to_string()) }),
        ),
        What::Forgotten => ("forgotten", json!({})),
        What::Draining => ("draining", json!({})),
        What::Missed(missed) => ("missed", json!({ "events": missed })),
        What::Unknown => ("unknown", json!({})),
    }
}

/// A time; `None` for 0 and for what lies outside the calendar.
pub(super) fn time(millis: i64) -> Option<jiff::Timestamp> {
    let known = Some(millis).filter(|millis| *millis != 0)?;
    jiff::Timestamp::from_millisecond(known).ok()
}
