//! Carrying out a plan: the only place that changes the world.

use crate::dns::DnsBackend;
use crate::edge::EdgeError;
use crate::hosting::{Applied, HostingBackend};
use crate::model::DomainName;
use crate::plan::{Action, Plan, Step, StepIndex};
use crate::release::ReleaseId;
use crate::report::{StepOutcome, StepReport};
use crate::schema::enumerant_name;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span, info_span};

/// Notes what is about to be done before it is done, and how it ended after.
pub trait Journal {
    /// Notes the intent. Only when this has returned may the step run.
    ///
    /// # Errors
    /// The note was not made; the step must not run.
    fn begin(&mut self, step: &Step) -> impl Future<Output = Result<(), EdgeError>> + Send;

    /// Notes the outcome of the step begun last.
    ///
    /// # Errors
    /// The note was not made; the step counts as interrupted and is looked at again.
    fn finish(
        &mut self,
        outcome: StepOutcome,
        detail: &str,
    ) -> impl Future<Output = Result<(), EdgeError>> + Send;
}

/// What steps are done with.
#[derive(Debug)]
pub struct Effects<'e, H, D> {
    /// The hosting backends.
    pub hosting: &'e H,
    /// The DNS backends.
    pub dns: &'e D,
}

/// How a plan ended.
#[derive(Debug, Default)]
pub struct Applying {
    /// Every step of the plan, in order.
    pub steps: Vec<StepReport>,
    /// The release that visitors see after the last hosting step that was done; `None` when no such step
    /// was done or the site is gone.
    pub release: Option<ReleaseId>,
    /// Whether a hosting step was done, so that `release` is what visitors see.
    pub hosted: bool,
    /// The name the provider gave the project, as far as a step told.
    pub target: Option<DomainName>,
    /// The addresses the provider gave the release, as far as a step told.
    pub urls: Vec<String>,
    /// What went wrong, step by step.
    pub errors: Vec<EdgeError>,
}

impl Plan {
    /// Carries out the steps in order. A step that needs a failed one is blocked; the others go on.
    pub async fn apply(
        &self,
        effects: &Effects<'_, impl HostingBackend, impl DnsBackend>,
        journal: &mut impl Journal,
    ) -> Applying {
        let mut applying = Applying::default();
        let mut failed: Vec<StepIndex> = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            if let Some(by) = step.blocked_by(&failed) {
                failed.push(index);
                let detail = format!("needs step {}, which failed", by + 1);
                applying.note(step, StepOutcome::Blocked, detail);
                continue;
            }
            let span = span(step);
            let run = run(step, effects, applying.target.as_ref(), journal);
            let ended = run.instrument(span.clone()).await;
            note(&span, &ended);
            match ended {
                Ok(applied) => {
                    if let Action::Hosting(_) = step.action {
                        (applying.release, applying.hosted) = (applied.release, true);
                    }
                    applying.target = applied.target.or(applying.target);
                    if !applied.urls.is_empty() {
                        applying.urls = applied.urls;
                    }
                    applying.note(step, StepOutcome::Done, applied.detail);
                }
                Err(error) => {
                    failed.push(index);
                    applying.note(step, StepOutcome::Failed, error.full());
                    applying.errors.push(error);
                }
            }
        }
        applying
    }

    /// The steps as a plan shows them.
    #[must_use]
    pub fn preview(&self) -> Vec<StepReport> {
        self.steps
            .iter()
            .map(|step| report(step, StepOutcome::Planned, step.action.describe()))
            .collect()
    }
}

impl Applying {
    fn note(&mut self, step: &Step, outcome: StepOutcome, detail: String) {
        self.steps.push(report(step, outcome, detail));
    }
}

fn report(step: &Step, outcome: StepOutcome, detail: String) -> StepReport {
    StepReport {
        action: step.action.verb().into(),
        target: step.action.target(),
        outcome,
        detail,
    }
}

/// What the log and traces call a step.
fn span(step: &Step) -> Span {
    info_span!(
        "step",
        action = %step.action.verb(),
        target = %step.action.target(),
        outcome = Empty,
        error = Empty,
    )
}

/// Notes there how it ended.
fn note(span: &Span, ended: &Result<Applied, EdgeError>) {
    let _within = span.enter();
    match ended {
        Ok(applied) => {
            tracing::info!("done: {}", applied.detail);
            span.record("outcome", display(enumerant_name(StepOutcome::Done)));
        }
        Err(error) => {
            tracing::info!("failed: {}", error.full());
            span.record("outcome", display(enumerant_name(StepOutcome::Failed)));
            span.record("error", error.full());
        }
    }
}

/// One step between its two notes. `target` is the name the provider gave the project, if an earlier step told.
async fn run(
    step: &Step,
    effects: &Effects<'_, impl HostingBackend, impl DnsBackend>,
    target: Option<&DomainName>,
    journal: &mut impl Journal,
) -> Result<Applied, EdgeError> {
    journal.begin(step).await?;
    let done = match &step.action {
        Action::Hosting(action) => effects.hosting.perform(action).await,
        Action::Dns(action) => {
            let action = match target {
                Some(target) => &action.with_target(&target.into()),
                None => action,
            };
            let done = effects.dns.perform(action).await;
            done.map(|detail| Applied {
                detail,
                ..Applied::default()
            })
        }
    };
    match done {
        Ok(applied) => {
            journal.finish(StepOutcome::Done, &applied.detail).await?;
            Ok(applied)
        }
        Err(error) => {
            // The step's own error says more than one of the journal would.
            if let Err(journal) = journal.finish(StepOutcome::Failed, &error.full()).await {
                tracing::error!("{}", journal.full());
            }
            Err(error)
        }
    }
}
