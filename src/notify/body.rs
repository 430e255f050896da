//! What a receiver is told, as JSON. The manual has its fields, in the page on operation.

use super::{Kind, Notification};
use crate::model::SiteId;
use crate::reconcile::{Problem, class_name};
use crate::report::{Report, StepOutcome, StepReport};
use crate::schedule::{Health, Notice};
use crate::schema::enumerant_name;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Entries of each list of a report that are told; bodies are to be small (20 kB, Standard Webhooks, section
/// "Payload size").
const ENTRIES: usize = 10;

/// Something to tell of a site.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// What.
    pub kind: Kind,
    /// Of which site.
    pub site: SiteId,
    /// How the site is.
    pub health: Health,
    /// When it became so, or was seen to be so.
    pub at: jiff::Timestamp,
    /// What is wrong, when something is.
    pub problem: Option<Problem>,
    /// The report that goes with it.
    pub report: Option<Arc<Report>>,
}

/// Characters of each text that are told.
const TEXT: usize = 500;

/// As much of a text as is told.
fn short(text: &str) -> String {
    match text.char_indices().nth(TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

impl Announcement {
    /// A name of this and no other announcement to this receiver: the same however often it is sent.
    #[must_use]
    pub fn id(&self, notification: &Notification) -> String {
        let mut hasher = blake3::Hasher::new();
        let at = self.at.as_nanosecond().to_le_bytes();
        for part in [
            notification.name.as_str().as_bytes(),
            self.site.as_str().as_bytes(),
            self.kind.name().as_bytes(),
            &at,
        ] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let digest = hasher.finalize().to_hex();
        format!("msg_{}", &digest[..32])
    }

    /// How the site is, by a name for programs.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        self.health.name()
    }

    /// What sort of failure it is; `None` when it is none.
    #[must_use]
    pub fn class(&self) -> Option<&'static str> {
        let problem = self.problem.as_ref()?;
        Some(class_name(problem.class))
    }

    /// What happened, for people.
    #[must_use]
    pub fn message(&self) -> String {
        if let Some(problem) = &self.problem {
            return problem.message.clone();
        }
        let text = match self.health {
            Health::Good => "the site is as asked again",
            Health::Failing => "the site failed",
            Health::Drifted => "the site was found other than asked, and left so",
            Health::Repaired => "the site was found other than asked, and was repaired",
            Health::Awaiting => return self.awaited(),
        };
        text.into()
    }

    /// What waits for approval, as the report tells it.
    fn awaited(&self) -> String {
        let withheld = self.report.iter().flat_map(|report| &report.withheld);
        let reasons: Vec<&str> = withheld.map(|withheld| &*withheld.reason).collect();
        if reasons.is_empty() {
            "the site waits for approval".into()
        } else {
            reasons.join("; ")
        }
    }

    /// The body of a webhook, and what a program reads.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let mut body = Map::new();
        body.insert("type".into(), json!(format!("site.{}", self.kind.name())));
        body.insert("timestamp".into(), json!(self.at.to_string()));
        body.insert("site".into(), json!(self.site.as_str()));
        body.insert("state".into(), json!(self.state()));
        body.insert("message".into(), json!(short(&self.message())));
        if let Some(class) = self.class() {
            body.insert("class".into(), json!(class));
        }
        let hint = self.problem.as_ref().and_then(|it| it.hint.as_ref());
        if let Some(hint) = hint {
            body.insert("hint".into(), json!(short(hint)));
        }
        if let Some(report) = &self.report {
            if let Some(fault) = report.faults.first() {
                body.insert("code".into(), json!(fault.code));
            }
            // Work that no message asked for has no number.
            if report.seq > 0 {
                body.insert("seq".into(), json!(report.seq));
            }
            body.insert("report".into(), summary(report));
        }
        Value::Object(body).to_string().into_bytes()
    }
}

/// How a site is after a notice.
pub(super) const fn health(notice: Notice) -> Health {
    match notice {
        Notice::Failure(_) => Health::Failing,
        Notice::Recovery => Health::Good,
        Notice::Drift { repaired: false } => Health::Drifted,
        Notice::Drift { repaired: true } => Health::Repaired,
        Notice::Awaiting => Health::Awaiting,
    }
}

/// What a report says, in short.
fn summary(report: &Report) -> Value {
    let count = |outcome| {
        let steps = report.steps.iter();
        steps.filter(|step| step.outcome == outcome).count()
    };
    let failed = |step: &&StepReport| step.outcome == StepOutcome::Failed;
    let failed = report.steps.iter().filter(failed).take(ENTRIES);
    let withheld = report.withheld.iter().take(ENTRIES);
    let mut summary = json!({
        "outcome": enumerant_name(report.outcome),
        "cause": enumerant_name(report.cause),
        "steps": {
            "planned": count(StepOutcome::Planned),
            "done": count(StepOutcome::Done),
            "failed": count(StepOutcome::Failed),
            "blocked": count(StepOutcome::Blocked),
        },
        "failed": failed.map(|step| json!({
            "action": step.action, "target": step.target, "detail": short(&step.detail),
        })).collect::<Vec<_>>(),
        "withheld": withheld.map(|withheld| json!({
            "action": withheld.action, "reason": short(&withheld.reason),
        })).collect::<Vec<_>>(),
        "urls": report.urls.iter().take(ENTRIES).collect::<Vec<_>>(),
    });
    if !report.request_id.is_empty() {
        summary["request_id"] = json!(report.request_id.as_str());
    }
    if let Some(release) = &report.release {
        summary["release"] = json!(release.as_str());
    }
    summary
}

#[cfg(test)]
mod tests;
