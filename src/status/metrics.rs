//! The daemon's numbers in the text form of `OpenMetrics` 1.0.0 (openmetrics.io).

use super::process::Usage;
use crate::reconcile::{BOUNDS, Histogram, Snapshot};
use std::fmt::{Display, Write};

/// The type of the text.
pub(super) const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Lines of metrics.
struct Lines(String);

/// The numbers at one moment.
pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut lines = Lines(String::with_capacity(4096));
    lines.build();
    lines.usage(snapshot, Usage::now());
    lines.counts(snapshot);
    lines.accounts(snapshot);
    lines.totals(snapshot);
    lines.0.push_str("# EOF\n");
    lines.0
}

impl Lines {
    fn family(&mut self, name: &str, kind: &str, unit: &str, help: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "# TYPE {name} {kind}");
        if !unit.is_empty() {
            let _ = writeln!(self.0, "# UNIT {name} {unit}");
        }
        let _ = writeln!(self.0, "# HELP {name} {help}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        let mut between = '{';
        for (label, text) in labels {
            let _ = write!(self.0, "{between}{label}=\"{}\"", escaped(text));
            between = ',';
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    fn build(&mut self) {
        self.family("spore_build", "info", "", "The version that is running.");
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        self.sample("spore_build_info", &version, 1);
    }

    fn usage(&mut self, snapshot: &Snapshot, usage: Usage) {
        let started = snapshot.started.as_millisecond();
        let name = "spore_start_time_seconds";
        self.family(name, "gauge", "seconds", "When the daemon was ready.");
        self.sample(
            name,
            &[],
            format_args!("{}.{:03}", started / 1000, started % 1000),
        );
        if let Some(bytes) = usage.resident {
            let name = "process_resident_memory_bytes";
            self.family(name, "gauge", "bytes", "Memory in use.");
            self.sample(name, &[], bytes);
        }
        if let Some(open) = usage.descriptors {
            let name = "process_open_fds";
            self.family(name, "gauge", "", "Open file descriptors.");
            self.sample(name, &[], open);
        }
        if let Some(seconds) = usage.cpu {
            let name = "process_cpu_seconds";
            self.family(name, "counter", "seconds", "Processor time used.");
            self.sample("process_cpu_seconds_total", &[], seconds);
        }
    }

    fn counts(&mut self, snapshot: &Snapshot) {
        let counts = snapshot.counts;
        let help = "Whether the daemon ends: nothing further is started.";
        self.family("spore_draining", "gauge", "", help);
        self.sample("spore_draining", &[], u8::from(snapshot.draining));
        self.family("spore_sites", "gauge", "", "Sites by what they do.");
        for (activity, count) in [
            ("resting", counts.resting),
            ("paused", counts.paused),
            ("ready", counts.ready),
            ("retrying", counts.retrying),
            ("held", counts.held),
            ("running", counts.running),
        ] {
            self.sample("spore_sites", &[("activity", activity)], count);
        }
        let name = "spore_sites_unwell";
        self.family(
            name,
            "gauge",
            "",
            "Sites that are not as asked, by what is wrong.",
        );
        for (health, count) in [
            ("failing", counts.failing),
            ("drifted", counts.drifted),
            ("awaiting", counts.unapproved),
        ] {
            self.sample(name, &[("health", health)], count);
        }
        let name = "spore_queued_messages";
        self.family(
            name,
            "gauge",
            "messages",
            "Messages that wait for their turn.",
        );
        self.sample(name, &[], counts.queued);
    }

    fn accounts(&mut self, snapshot: &Snapshot) {
        let name = "spore_account_left_alone";
        let help = "Accounts whose services fail, and which are left alone for a while.";
        self.family(name, "gauge", "", help);
        for circuit in &snapshot.circuits {
            self.sample(name, &[("account", &circuit.account)], 1);
        }
        let name = "spore_requests_remaining";
        let help = "Requests that an account may be sent now.";
        self.family(name, "gauge", "", help);
        for budget in &snapshot.budgets {
            self.sample(name, &[("account", &budget.account)], budget.remaining);
        }
        let name = "spore_requests_limit";
        let help = "Requests that an account may be sent in one window of time.";
        self.family(name, "gauge", "", help);
        for budget in &snapshot.budgets {
            self.sample(name, &[("account", &budget.account)], budget.limit);
        }
    }

    fn totals(&mut self, snapshot: &Snapshot) {
        let totals = &snapshot.totals;
        self.family(
            "spore_messages",
            "counter",
            "messages",
            "Messages that came.",
        );
        self.sample("spore_messages_total", &[], totals.messages);
        let help = "Reports that were given, by how they ended.";
        self.family("spore_reports", "counter", "", help);
        for (outcome, count) in &totals.reports {
            self.sample("spore_reports_total", &[("outcome", outcome)], count);
        }
        let help = "Steps that were tried, by backend and by how they ended.";
        self.family("spore_steps", "counter", "", help);
        for ((backend, outcome), count) in &totals.steps {
            let labels = [("backend", &**backend), ("outcome", outcome)];
            self.sample("spore_steps_total", &labels, count);
        }
        let help = "Further attempts, by how the one before failed.";
        self.family("spore_retries", "counter", "", help);
        for (class, count) in &totals.retries {
            self.sample("spore_retries_total", &[("class", class)], count);
        }
        let help = "Looks that found a site other than asked.";
        self.family("spore_drifts", "counter", "", help);
        for (repaired, count) in &totals.drifts {
            let repaired = if *repaired { "true" } else { "false" };
            self.sample("spore_drifts_total", &[("repaired", repaired)], count);
        }
        self.latency(&totals.latency);
    }

    fn latency(&mut self, latency: &Histogram) {
        let name = "spore_reconcile_seconds";
        let help = "From a message's arrival to its report.";
        self.family(name, "histogram", "seconds", help);
        let (mut so_far, mut counts) = (0, latency.buckets.iter());
        for (bound, count) in BOUNDS.iter().zip(&mut counts) {
            so_far += count;
            let bound = seconds(*bound);
            self.sample("spore_reconcile_seconds_bucket", &[("le", &bound)], so_far);
        }
        so_far += counts.sum::<u64>();
        self.sample("spore_reconcile_seconds_bucket", &[("le", "+Inf")], so_far);
        self.sample("spore_reconcile_seconds_count", &[], so_far);
        let sum = latency.sum.as_secs_f64();
        self.sample("spore_reconcile_seconds_sum", &[], sum);
    }
}

/// Milliseconds as seconds, in the form that numbers of buckets have: with a point.
fn seconds(milliseconds: u64) -> String {
    let text = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    let text = text.trim_end_matches('0');
    match text.strip_suffix('.') {
        Some(whole) => format!("{whole}.0"),
        None => text.to_owned(),
    }
}

/// A label's value: the three characters that have a meaning are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_told_in_seconds() {
        let told: Vec<String> = BOUNDS.iter().map(|bound| seconds(*bound)).collect();
        let expected = "0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.25 1.0 5.0 15.0 60.0 300.0 1800.0";
        assert_eq!(told.join(" "), expected);
    }

    #[test]
    fn what_has_a_meaning_in_a_label_is_escaped() {
        let mut lines = Lines(String::new());
        lines.sample("a", &[("b", "c\\d\"e\nf"), ("g", "h")], 1);
        assert_eq!(lines.0, "a{b=\"c\\\\d\\\"e\\nf\",g=\"h\"} 1\n");
    }
}
