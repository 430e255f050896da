//! How deployments go through their stages.

use super::clock::Clock;
use serde_json::{Value, json};

/// The stages of a deployment, in order.
pub(crate) const STAGES: [&str; 5] = ["queued", "initialize", "clone_repo", "build", "deploy"];

/// How deployments of connected repositories are built.
#[derive(Clone, Debug)]
pub(crate) struct Build {
    /// How often a deployment must be looked at for a stage to end; 0 ends all stages at once.
    pub(crate) polls: u32,
    /// What goes wrong.
    pub(crate) failure: Option<BuildFailure>,
    /// The lines that a build writes, before those of a failure.
    pub(crate) log: Vec<String>,
}

/// A build that fails.
#[derive(Clone, Debug)]
pub(crate) struct BuildFailure {
    /// One of [`STAGES`].
    pub(crate) stage: &'static str,
    /// The last lines of the log.
    pub(crate) log: Vec<String>,
}

impl Default for Build {
    fn default() -> Self {
        let log = [
            "Cloning repository...",
            "Success: Finished cloning repository files",
            "Finished",
        ];
        Self {
            polls: 1,
            failure: None,
            log: log.map(Into::into).into(),
        }
    }
}

/// The way of one deployment through the stages.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// How many stages have ended well.
    done: usize,
    failed: bool,
    /// How often the present stage must still be looked at.
    left: u32,
    polls: u32,
    failure: Option<BuildFailure>,
    /// When each stage began and ended.
    times: [(Option<String>, Option<String>); STAGES.len()],
}

impl Progress {
    /// A build at its beginning.
    pub(crate) fn build(build: &Build, clock: Clock) -> Self {
        Self::from(0, build.polls, build.failure.clone(), clock)
    }

    /// An uploaded deployment: only the last stage is still to come.
    pub(crate) fn upload(polls: u32, clock: Clock) -> Self {
        Self::from(STAGES.len() - 1, polls, None, clock)
    }

    fn from(done: usize, polls: u32, failure: Option<BuildFailure>, clock: Clock) -> Self {
        let now = Some(clock.stamp());
        let mut progress = Self {
            done,
            failed: false,
            left: polls,
            polls,
            failure,
            times: Default::default(),
        };
        progress.times[..done].fill((now.clone(), now.clone()));
        progress.times[done].0 = now;
        while polls == 0 && !progress.is_over() {
            progress.end_stage(clock);
        }
        progress
    }

    /// Whether all stages have ended well.
    pub(crate) fn has_succeeded(&self) -> bool {
        self.done == STAGES.len()
    }

    /// Whether a stage has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    fn is_over(&self) -> bool {
        self.failed || self.has_succeeded()
    }

    /// Somebody looks at the deployment.
    pub(crate) fn poll(&mut self, clock: Clock) {
        if self.is_over() {
            return;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.end_stage(clock);
            self.left = self.polls;
        }
    }

    fn end_stage(&mut self, clock: Clock) {
        let now = Some(clock.stamp());
        self.times[self.done].1.clone_from(&now);
        let failure = self.failure.as_ref().map(|failure| failure.stage);
        if failure == Some(STAGES[self.done]) {
            self.failed = true;
            return;
        }
        self.done += 1;
        if let Some(next) = self.times.get_mut(self.done) {
            next.0 = now;
        }
    }

    /// The lines of a failure that has happened.
    pub(crate) fn failure_log(&self) -> &[String] {
        match &self.failure {
            Some(failure) if self.failed => &failure.log,
            _ => &[],
        }
    }

    /// The stages as answers show them, and the latest of them.
    pub(crate) fn view(&self) -> (Vec<Value>, Value) {
        let stages: Vec<Value> = (0..STAGES.len()).map(|n| self.stage(n)).collect();
        let latest = stages[self.done.min(STAGES.len() - 1)].clone();
        (stages, latest)
    }

    fn stage(&self, n: usize) -> Value {
        let status = match n {
            _ if n < self.done => "success",
            _ if n > self.done => "idle",
            _ if self.failed => "failure",
            _ => "active",
        };
        let (started, ended) = &self.times[n];
        json!({ "name": STAGES[n], "started_on": started, "ended_on": ended, "status": status })
    }
}
