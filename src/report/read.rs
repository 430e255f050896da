//! Reports as another process wrote them.

use super::{Cause, Report, StepReport};
use crate::model::{Fault, Line, Parse, SiteId};
use crate::plan::Withheld;
use crate::release::ReleaseId;
use crate::schema::report_capnp::{fault, report_step, spore_report, withheld};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many codes of faults are remembered that this process does not know by itself. There are some dozens.
const CODES: usize = 1024;

/// The longest code, in bytes.
const CODE_LENGTH: usize = 64;

impl Report {
    /// The report of a `SporeReport` message.
    ///
    /// Whether a withheld action was asked for is not told in a message, and taken to be so.
    ///
    /// # Errors
    /// A pointer leads astray, a text is not UTF-8, or the outcome is one of a newer schema.
    pub fn from_reader(reader: spore_report::Reader<'_>) -> capnp::Result<Self> {
        let site = SiteId::parse(reader.get_site()?.to_str()?).ok();
        let request_id = Line::parse(reader.get_request_id()?.to_str()?).unwrap_or_default();
        let mut report = Self::about(reader.get_seq(), site, request_id);
        report.outcome = reader.get_outcome()?;
        report.steps = reader
            .get_steps()?
            .iter()
            .map(StepReport::from_reader)
            .collect::<Result<_, _>>()?;
        let withheld = reader.get_withheld()?.iter().map(one_withheld);
        report.withheld = withheld.collect::<Result<_, _>>()?;
        report.release = ReleaseId::try_from(reader.get_release()?.to_string()?).ok();
        for url in reader.get_urls()? {
            report.urls.push(url?.to_string()?);
        }
        let faults = reader.get_faults()?.iter().map(one_fault);
        report.faults = faults.collect::<Result<_, _>>()?;
        let seconds = reader.get_elapsed_ms() / 1000.0;
        report.elapsed = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        // One of a newer schema is no reason to refuse the rest.
        report.cause = reader.get_cause().unwrap_or(Cause::Operator);
        Ok(report)
    }
}

impl StepReport {
    /// The step of a `ReportStep` message.
    ///
    /// # Errors
    /// A pointer leads astray, a text is not UTF-8, or the outcome is one of a newer schema.
    pub fn from_reader(reader: report_step::Reader<'_>) -> capnp::Result<Self> {
        Ok(Self {
            action: reader.get_action()?.to_string()?,
            target: reader.get_target()?.to_string()?,
            outcome: reader.get_outcome()?,
            detail: reader.get_detail()?.to_string()?,
        })
    }
}

fn one_withheld(reader: withheld::Reader<'_>) -> capnp::Result<Withheld> {
    Ok(Withheld {
        action: reader.get_action()?.to_string()?,
        reason: reader.get_reason()?.to_string()?,
        refused: true,
    })
}

fn one_fault(reader: fault::Reader<'_>) -> capnp::Result<Fault> {
    let hint = reader.get_hint()?.to_string()?;
    Ok(Fault {
        code: code(reader.get_code()?.to_str()?),
        path: reader.get_path()?.to_string()?,
        message: reader.get_message()?.to_string()?,
        hint: (!hint.is_empty()).then_some(hint),
    })
}

/// A code that lives as long as those of this process: each is kept once, and their number is bounded, so that
/// the other side cannot fill the memory.
fn code(text: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(code) = known.get(text) {
        return code;
    }
    if known.len() >= CODES || text.len() > CODE_LENGTH {
        return "unknown";
    }
    let code: &'static str = Box::leak(text.to_owned().into_boxed_str());
    known.insert(code);
    code
}
