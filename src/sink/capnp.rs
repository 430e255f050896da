//! Reports as packed `SporeReport` messages.

use crate::model::Fault;
use crate::report::{Report, StepReport};
use crate::schema::report_capnp::{fault, report_step, spore_report};
use std::io::{self, Write};

/// The revision of `SporeReport` that is written.
const VERSION: u32 = 1;

/// Writes one message.
pub(super) fn write(output: &mut impl Write, report: &Report) -> io::Result<()> {
    let mut message = capnp::message::Builder::new_default();
    fill(message.init_root(), report);
    capnp::serialize_packed::write_message(output, &message).map_err(|error| match error.kind {
        // The operating system's own kind got lost in Cap'n Proto's error, but for this one.
        capnp::ErrorKind::Disconnected => io::ErrorKind::BrokenPipe.into(),
        _ => io::Error::other(error),
    })
}

/// A length as a list takes it. Reports are far smaller than the 2^29 elements a list can hold.
fn len<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// Writes a report into a message that is being built.
pub fn fill(mut to: spore_report::Builder<'_>, report: &Report) {
    to.set_v(VERSION);
    to.set_seq(report.seq);
    if let Some(site) = &report.site {
        to.set_site(site.as_str());
    }
    if !report.request_id.is_empty() {
        to.set_request_id(report.request_id.as_str());
    }
    to.set_outcome(report.outcome);
    let mut steps = to.reborrow().init_steps(len(&report.steps));
    for (index, step) in (0..).zip(&report.steps) {
        fill_step(steps.reborrow().get(index), step);
    }
    let mut withheld = to.reborrow().init_withheld(len(&report.withheld));
    for (index, item) in (0..).zip(&report.withheld) {
        let mut to = withheld.reborrow().get(index);
        to.set_action(&item.action);
        to.set_reason(&item.reason);
    }
    if let Some(release) = &report.release {
        to.set_release(release.as_str());
    }
    let mut urls = to.reborrow().init_urls(len(&report.urls));
    for (index, url) in (0..).zip(&report.urls) {
        urls.set(index, url);
    }
    if let Some(first) = report.faults.first() {
        one_fault(to.reborrow().init_error(), first);
        let mut faults = to.reborrow().init_faults(len(&report.faults));
        for (index, item) in (0..).zip(&report.faults) {
            one_fault(faults.reborrow().get(index), item);
        }
    }
    to.set_elapsed_ms(report.elapsed.as_secs_f64() * 1000.0);
    to.set_cause(report.cause);
}

/// Writes a step into a message that is being built.
pub fn fill_step(mut to: report_step::Builder<'_>, step: &StepReport) {
    to.set_action(&step.action);
    to.set_target(&step.target);
    to.set_outcome(step.outcome);
    to.set_detail(&step.detail);
}

fn one_fault(mut to: fault::Builder<'_>, fault: &Fault) {
    to.set_code(fault.code);
    to.set_path(&fault.path);
    to.set_message(&fault.message);
    if let Some(hint) = &fault.hint {
        to.set_hint(hint);
    }
}
