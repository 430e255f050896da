//! Carrying out a plan: the journal goes before the step, and a failure stops only what needs it.

use crate::common::{self, artifact, keeping, names, publication};
use crate::world::now;
use mycelia_spore::apply::Journal;
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::edge::EdgeError;
use mycelia_spore::hosting::memory::Memory;
use mycelia_spore::plan::{Action, HostingAction, Plan, Step, StepIndex};
use mycelia_spore::release::ReleaseId;
use mycelia_spore::report::StepOutcome;

/// A journal that keeps its lines, and fails where it is told to.
#[derive(Default)]
struct Kept {
    lines: Vec<String>,
    fail: Option<&'static str>,
}

impl Kept {
    fn note(&mut self, line: String) -> Result<(), EdgeError> {
        let fails = self.fail.is_some_and(|start| line.starts_with(start));
        self.lines.push(line);
        if fails {
            return Err(EdgeError::rejected("the disk is full"));
        }
        Ok(())
    }
}

impl Journal for Kept {
    async fn begin(&mut self, step: &Step) -> Result<(), EdgeError> {
        self.note(format!("begin {}", step.action))
    }

    async fn finish(&mut self, outcome: StepOutcome, _: &str) -> Result<(), EdgeError> {
        let outcome = match outcome {
            StepOutcome::Done => "done",
            StepOutcome::Failed => "failed",
            StepOutcome::Planned | StepOutcome::Blocked => "never",
        };
        self.note(format!("finish {outcome}"))
    }
}

fn blog() -> DesiredSite {
    common::desired("blog", keeping(5), names(&["blog.example"]))
}

fn step(action: HostingAction, after: &[StepIndex]) -> Step {
    Step {
        action: Action::Hosting(action),
        after: after.to_vec(),
    }
}

fn publish(backend: &Memory, text: &str) -> HostingAction {
    publication(backend, &blog(), &artifact(&[("index.html", text)]))
}

/// An action that a backend without any release rejects.
fn impossible() -> HostingAction {
    let hosting = blog().hosting;
    HostingAction::Activate {
        key: hosting.key,
        settings: hosting.settings,
        release: ReleaseId::of(b"never published"),
    }
}

fn plan(steps: Vec<Step>) -> Plan {
    Plan {
        steps,
        withheld: Vec::new(),
    }
}

#[test]
fn each_step_is_noted_before_and_after() {
    let (backend, mut journal) = (Memory::default(), Kept::default());
    let steps = vec![
        step(publish(&backend, "one"), &[]),
        step(publish(&backend, "two"), &[0]),
    ];
    let applying =
        now(plan(steps).apply(&common::effects(&backend, &common::no_dns()), &mut journal));
    let begun = "begin publish local-static/blog";
    assert_eq!(journal.lines, [begun, "finish done", begun, "finish done"]);
    let live = now(common::observe(&backend, &blog())).hosting.unwrap();
    assert_eq!(applying.release, live.release);
    assert!(applying.errors.is_empty());
}

#[test]
fn a_step_that_could_not_be_noted_is_not_done() {
    let backend = Memory::default();
    let mut journal = Kept {
        fail: Some("begin"),
        ..Kept::default()
    };
    let steps = vec![step(publish(&backend, "one"), &[])];
    let applying =
        now(plan(steps).apply(&common::effects(&backend, &common::no_dns()), &mut journal));
    assert_eq!(applying.steps[0].outcome, StepOutcome::Failed);
    assert!(applying.steps[0].detail.contains("the disk is full"));
    assert_eq!(applying.release, None);
    assert_eq!(journal.lines.len(), 1);
    assert_eq!(now(common::observe(&backend, &blog())).hosting, None);
}

#[test]
fn a_step_whose_end_could_not_be_noted_counts_as_failed() {
    let backend = Memory::default();
    let mut journal = Kept {
        fail: Some("finish"),
        ..Kept::default()
    };
    let steps = vec![step(publish(&backend, "one"), &[])];
    let applying =
        now(plan(steps).apply(&common::effects(&backend, &common::no_dns()), &mut journal));
    assert_eq!(applying.steps[0].outcome, StepOutcome::Failed);
    assert_eq!(applying.errors.len(), 1);
}

#[test]
fn a_failure_blocks_what_needs_it_and_nothing_else() {
    let (backend, mut journal) = (Memory::default(), Kept::default());
    let steps = vec![
        step(impossible(), &[]),
        step(publish(&backend, "one"), &[0]),
        step(publish(&backend, "two"), &[1]),
        step(publish(&backend, "three"), &[]),
        step(publish(&backend, "four"), &[3]),
    ];
    let applying =
        now(plan(steps).apply(&common::effects(&backend, &common::no_dns()), &mut journal));
    let outcomes: Vec<_> = applying.steps.iter().map(|step| step.outcome).collect();
    let expected = [
        StepOutcome::Failed,
        StepOutcome::Blocked,
        StepOutcome::Blocked,
        StepOutcome::Done,
        StepOutcome::Done,
    ];
    assert_eq!(outcomes, expected);
    assert!(applying.steps[1].detail.contains("step 1"));
    assert!(applying.steps[2].detail.contains("step 2"));
    assert_eq!(applying.errors.len(), 1);
    assert_eq!(&journal.lines[1], "finish failed");
    let live = now(common::observe(&backend, &blog())).hosting.unwrap();
    assert_eq!(live.previous.len(), 1, "only the last two were published");
    assert_eq!(applying.release, live.release);
}

#[test]
fn the_error_of_a_step_wins_over_that_of_its_note() {
    let backend = Memory::default();
    let mut journal = Kept {
        fail: Some("finish"),
        ..Kept::default()
    };
    let applying = now(plan(vec![step(impossible(), &[])])
        .apply(&common::effects(&backend, &common::no_dns()), &mut journal));
    assert!(applying.errors[0].message.contains("not live"));
}

#[test]
fn a_preview_changes_nothing() {
    let backend = Memory::default();
    let steps = plan(vec![step(publish(&backend, "one"), &[])]).preview();
    assert_eq!(steps[0].outcome, StepOutcome::Planned);
    assert_eq!(steps[0].action, "publish");
    assert_eq!(steps[0].target, "local-static/blog");
    assert_eq!(now(common::observe(&backend, &blog())).hosting, None);
}
