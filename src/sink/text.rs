//! Reports for people.

use crate::report::{Cause, Effect, Outcome, Report, StepOutcome, StepReport};
use crate::schema::enumerant_name;
use anstyle::{AnsiColor, Style as Ansi};
use std::io::{self, Write};
use std::time::Duration;

/// How reports for people look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colour may be written.
    pub color: bool,
}

/// The mark and colour of an outcome. The mark alone tells, for those who see no colour.
const fn mark(outcome: Outcome) -> (char, AnsiColor) {
    match outcome {
        Outcome::Applied => ('+', AnsiColor::Green),
        Outcome::Planned => ('~', AnsiColor::Yellow),
        Outcome::Unchanged | Outcome::Superseded | Outcome::Paused | Outcome::Valid => {
            ('=', AnsiColor::BrightBlack)
        }
        Outcome::Absent => ('-', AnsiColor::Green),
        Outcome::Refused | Outcome::Invalid | Outcome::Failed => ('!', AnsiColor::Red),
    }
}

/// The mark and colour of what a step would do.
const fn effect(effect: Effect) -> (&'static str, AnsiColor) {
    match effect {
        Effect::Make => ("+", AnsiColor::Green),
        Effect::Change => ("~", AnsiColor::Yellow),
        Effect::Remove => ("-", AnsiColor::Red),
        Effect::Wait => ("then", AnsiColor::BrightBlack),
    }
}

/// Writes one report: a line, and indented lines for what a person should see.
pub(super) fn write(output: &mut impl Write, report: &Report, style: Style) -> io::Result<()> {
    let (mark, color) = mark(report.outcome);
    let paint = |ansi: Ansi| if style.color { ansi } else { Ansi::new() };
    let strong = paint(Ansi::new().fg_color(Some(color.into())).bold());
    let faint = paint(Ansi::new().dimmed());
    let red = paint(Ansi::new().fg_color(Some(AnsiColor::Red.into())));
    let name = match &report.site {
        Some(site) => site.to_string(),
        None => format!("message {}", report.seq),
    };
    let outcome = enumerant_name(report.outcome);
    write!(output, "{strong}{mark} {name} {outcome}{strong:#}")?;
    // Who asked for it knows so.
    if !matches!(report.cause, Cause::Message | Cause::Operator) {
        write!(output, " ({})", enumerant_name(report.cause))?;
    }
    if let Some(url) = report.urls.first().filter(|_| report.converged()) {
        write!(output, "  {url}")?;
    }
    writeln!(output, "  {faint}{}{faint:#}", elapsed(report.elapsed))?;
    for step in &report.steps {
        let planned = effect(report.effect(step));
        let color = paint(Ansi::new().fg_color(Some(planned.1.into())));
        let ended = match step.outcome {
            StepOutcome::Planned => format!("{color}{}{color:#} ", planned.0),
            StepOutcome::Done => String::new(),
            StepOutcome::Failed => "failed: ".to_owned(),
            StepOutcome::Blocked => "blocked: ".to_owned(),
        };
        let StepReport {
            action,
            target,
            detail,
            ..
        } = step;
        if detail.starts_with(['+', '-', '~']) || detail.contains('\n') {
            writeln!(output, "    {ended}{action} {target}")?;
            for line in detail.lines() {
                writeln!(output, "        {line}")?;
            }
        } else {
            writeln!(output, "    {ended}{action} {target} ({detail})")?;
        }
    }
    for withheld in &report.withheld {
        writeln!(
            output,
            "    {red}!{red:#} withheld {}: {}",
            withheld.action, withheld.reason
        )?;
    }
    for fault in &report.faults {
        writeln!(output, "    {fault} [{}]", fault.code)?;
        if let Some(hint) = &fault.hint {
            writeln!(output, "      {faint}hint: {hint}{faint:#}")?;
        }
    }
    Ok(())
}

/// A time for people.
fn elapsed(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 10_000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", milliseconds / 1000.0)
    }
}
