//! What the loop tells: reports, events, numbers.

use super::daemon::Daemon;
use super::event::{Happening, class_name};
use super::inbox::Asker;
use super::job::Job;
use super::order::InOrder;
use crate::model::SiteId;
use crate::report::{Cause, Report};
use crate::schedule::{Account, CircuitState, Notice};
use std::io::Write;
use std::sync::Arc;

impl<W: Write> Daemon<W> {
    pub(super) fn notice(&mut self, site: &SiteId, notice: Notice) {
        let facts = self.facts.get(site);
        let problem = facts.and_then(|facts| facts.problem.as_deref().cloned());
        if self.lives
            && let (Notice::Failure(class), Some(problem)) = (notice, &problem)
        {
            let class = class_name(class);
            tracing::warn!(site = %site, class, "{}", problem.message);
        }
        if self.lives
            && let Some(status) = self.schedule.site(site)
        {
            let (store, id, health) = (self.reconciler.store.clone(), site.clone(), status.health);
            self.notes.push(Box::pin(
                async move { store.note_health(&id, health).await },
            ));
        }
        self.events
            .tell(Some(site), Happening::Noticed { notice, problem });
    }

    pub(super) fn circuit(&self, account: Account, circuit: CircuitState) {
        let account = self.accounts.name(account).to_owned();
        let until = match circuit {
            CircuitState::Closed => None,
            CircuitState::Open { until } => Some(self.clock.wall(until)),
            CircuitState::HalfOpen => return,
        };
        if let Some(until) = until {
            tracing::warn!(account, %until, "left alone: its service fails");
        } else {
            tracing::warn!(account, "used again");
        }
        self.events
            .tell(None, Happening::Circuit { account, until });
    }

    pub(super) fn count_steps(&mut self, report: &Report) {
        for step in &report.steps {
            let backend = step.target.split('/').next().unwrap_or_default().to_owned();
            let outcome = crate::schema::enumerant_name(step.outcome);
            *self.totals.steps.entry((backend, outcome)).or_default() += 1;
        }
    }

    /// Gives a job its report.
    pub(super) fn answer(&mut self, job: Job, report: Report) {
        self.open_jobs -= 1;
        job.asker.tell(&report);
        self.emit(report);
    }

    /// Answers a message that needs no work.
    pub(super) fn answer_at_once(&mut self, asker: Asker, report: Report) {
        asker.tell(&report);
        self.emit(report);
    }

    /// Takes a place in the order of reports.
    pub(super) fn place(&mut self, seq: u64) {
        if let Some(in_order) = &mut self.in_order {
            in_order.place(seq);
        }
    }

    pub(super) fn emit_in_place(&mut self, report: Report) {
        self.place(report.seq);
        self.emit(report);
    }

    /// Gives a report to all who read them, when its turn has come.
    pub(super) fn emit(&mut self, report: Report) {
        let outcome = crate::schema::enumerant_name(report.outcome);
        *self.totals.reports.entry(outcome).or_default() += 1;
        if report.cause == Cause::Message {
            self.totals.latency.count(report.elapsed);
        }
        if self.events.watched() {
            let told = Happening::Reported(Arc::new(report.clone()));
            self.events.tell(report.site.as_ref(), told);
        }
        let Some(in_order) = &mut self.in_order else {
            return self.write(&report);
        };
        in_order.put(report);
        while let Some(report) = self.in_order.as_mut().and_then(InOrder::pop) {
            self.write(&report);
        }
    }

    pub(super) fn write(&mut self, report: &Report) {
        self.summary.count(report);
        if self.broken.is_none() {
            self.broken = self.sink.report(report).err();
        }
    }
}
