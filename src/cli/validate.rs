//! `validate`: checks each message by itself.

use super::args::{Global, Validate};
use super::exit::{Exit, Failure};
use super::{input, render};
use crate::desired::DesiredSite;
use crate::report::{Outcome, Report};
use crate::sink::Sink;
use crate::stream::{Frames, Spore};
use std::io;

pub(super) fn run(global: &Global, args: &Validate) -> Result<Exit, Failure> {
    let input = input::open(args.input.as_ref())?;
    let mut sink = Sink::new(render::form(global, args.output), io::stdout().lock());
    let mut exit = Exit::Converged;
    for frame in Frames::new(input) {
        let report = check(&Spore::decode(&frame?));
        if !report.converged() {
            exit = Exit::Failed;
        }
        sink.report(&report)
            .map_err(Failure::io("standard output cannot be written"))?;
    }
    Ok(exit)
}

/// The report of a message that is only looked at.
fn check(spore: &Spore) -> Report {
    let mut report = Report::about(spore.seq, spore.site.clone(), spore.request_id.clone());
    let checked = spore
        .config
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|config| DesiredSite::from_config(config));
    report.outcome = match checked {
        Ok(_) => Outcome::Valid,
        Err(faults) => {
            report.faults = faults.into_vec();
            Outcome::Invalid
        }
    };
    report.elapsed = spore.arrived.elapsed();
    report
}
