//! Values of the daemon as messages.

use super::told::{one_class, one_notice};
use crate::reconcile::{
    Activity, CircuitView, Event, Happening, Problem, SiteView, Snapshot, cause,
};
use crate::schedule::{Counts, Health};
use crate::schema::daemon_capnp::{
    self as to, circuit, counts, daemon_status, event, problem, site_status,
};
use crate::store::SiteRecord;

/// Writes what happened.
pub(super) fn event(mut to: event::Builder<'_>, event: &Event) {
    to.set_at(event.at.as_millisecond());
    if let Some(site) = &event.site {
        to.set_site(site.as_str());
    }
    match &event.what {
        Happening::Accepted { seq, request_id } => {
            let mut to = to.init_accepted();
            to.set_seq(*seq);
            to.set_request_id(request_id.as_str());
        }
        Happening::Started { why, attempt } => {
            let mut to = to.init_started();
            to.set_cause(cause(*why));
            to.set_attempt(*attempt);
        }
        Happening::Progress(progress) => to.set_progress(progress.to_string()),
        Happening::Step(step) => crate::sink::fill_step(to.init_step(), step),
        Happening::Retrying {
            problem,
            attempt,
            at,
        } => {
            let mut to = to.init_retrying();
            one_problem(to.reborrow().init_problem(), problem);
            to.set_attempt(*attempt);
            to.set_at(at.as_millisecond());
        }
        Happening::Reported(report) => crate::sink::fill(to.init_reported(), report),
        Happening::Noticed { notice, problem } => {
            let mut to = to.init_noticed();
            to.set_notice(one_notice(*notice));
            if let Some(problem) = problem {
                one_problem(to.init_problem(), problem);
            }
        }
        Happening::Circuit { account, until } => {
            one_circuit(to.init_circuit(), account, *until);
        }
        Happening::Forgotten => to.set_forgotten(()),
        Happening::Draining => to.set_draining(()),
    }
}

/// Writes that so many events were not told.
pub(super) fn missed(mut to: event::Builder<'_>, missed: u64) {
    to.set_at(jiff::Timestamp::now().as_millisecond());
    to.set_missed(missed);
}

fn one_problem(mut to: problem::Builder<'_>, problem: &Problem) {
    to.set_class(one_class(problem.class));
    to.set_message(&problem.message);
    if let Some(hint) = &problem.hint {
        to.set_hint(hint);
    }
}

fn one_circuit(mut to: circuit::Builder<'_>, account: &str, until: Option<jiff::Timestamp>) {
    to.set_account(account);
    to.set_until(millis(until));
}

/// Writes the daemon at one moment.
pub(super) fn status(mut to: daemon_status::Builder<'_>, snapshot: &Snapshot) {
    to.set_at(snapshot.at.as_millisecond());
    to.set_started(snapshot.started.as_millisecond());
    to.set_version(env!("CARGO_PKG_VERSION"));
    to.set_pid(std::process::id());
    to.set_draining(snapshot.draining);
    all_counts(to.reborrow().init_counts(), snapshot.counts);
    let mut sites = to.reborrow().init_sites(number(snapshot.sites.len()));
    for (index, view) in (0..).zip(&snapshot.sites) {
        one_site(sites.reborrow().get(index), view);
    }
    let mut circuits = to.init_circuits(number(snapshot.circuits.len()));
    for (index, CircuitView { account, until }) in (0..).zip(&snapshot.circuits) {
        one_circuit(circuits.reborrow().get(index), account, *until);
    }
}

fn all_counts(mut to: counts::Builder<'_>, counts: Counts) {
    to.set_resting(number(counts.resting));
    to.set_paused(number(counts.paused));
    to.set_ready(number(counts.ready));
    to.set_retrying(number(counts.retrying));
    to.set_held(number(counts.held));
    to.set_running(number(counts.running));
    to.set_failing(number(counts.failing));
    to.set_drifted(number(counts.drifted));
    to.set_unapproved(number(counts.unapproved));
    to.set_queued(number(counts.queued));
}

fn one_site(mut to: site_status::Builder<'_>, view: &SiteView) {
    to.set_site(view.site.as_str());
    activity(&mut to, &view.activity);
    to.set_health(match view.health {
        Health::Good => to::Health::Good,
        Health::Failing => to::Health::Failing,
        Health::Drifted => to::Health::Drifted,
        Health::Repaired => to::Health::Repaired,
        Health::Awaiting => to::Health::Awaiting,
    });
    if let Some(problem) = &view.problem {
        one_problem(to.reborrow().init_problem(), problem);
    }
    to.set_unfinished(view.unfinished);
    to.set_accepted_at(millis(view.accepted_at));
    if let Some(record) = &view.record {
        one_record(&mut to, record);
    }
}

fn activity(to: &mut site_status::Builder<'_>, activity: &Activity) {
    let what = match activity {
        Activity::Resting { until } => {
            to.set_until(millis(*until));
            to::Activity::Resting
        }
        Activity::Paused => to::Activity::Paused,
        Activity::Ready => to::Activity::Ready,
        Activity::Retrying { at, attempts } => {
            to.set_until(at.as_millisecond());
            to.set_attempt(*attempts);
            to::Activity::Retrying
        }
        Activity::Held { account } => {
            to.set_account(account);
            to::Activity::Held
        }
        Activity::Running {
            why,
            attempt,
            since,
        } => {
            to.set_until(since.as_millisecond());
            to.set_attempt(*attempt);
            to.set_cause(cause(*why));
            to::Activity::Running
        }
    };
    to.set_activity(what);
}

fn one_record(to: &mut site_status::Builder<'_>, record: &SiteRecord) {
    to.set_state(record.state.name());
    to.set_primary(&record.primary);
    if let Some(release) = &record.release {
        to.set_release(release.as_str());
    }
    to.set_generation(record.generation);
    to.set_applied_at(record.applied_at.as_millisecond());
    to.set_protected(record.protected);
    to.set_rolled_back(record.held.is_some());
}

/// A time; 0 for none.
fn millis(at: Option<jiff::Timestamp>) -> i64 {
    at.map_or(0, jiff::Timestamp::as_millisecond)
}

/// A number of things in memory, of which there are never so many that it does not fit.
fn number(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
}
