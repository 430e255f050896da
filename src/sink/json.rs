//! Reports as JSON lines.

use crate::model::Fault;
use crate::report::{Cause, Report};
use crate::schema::enumerant_name;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Writes one line.
pub(super) fn write(output: &mut impl Write, report: &Report) -> io::Result<()> {
    serde_json::to_writer(&mut *output, &value(report))?;
    output.write_all(b"\n")
}

/// A report with the fields of `report.capnp`; empty ones are left out, but for those that every reader
/// asks for, and `faults` where `error` says all.
#[must_use]
pub fn value(report: &Report) -> Value {
    let mut object = Map::new();
    let mut set = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    set("v", json!(1));
    set("seq", json!(report.seq));
    set(
        "site",
        report
            .site
            .as_ref()
            .map_or(Value::Null, |site| json!(site.as_str())),
    );
    if !report.request_id.is_empty() {
        set("request_id", json!(report.request_id.as_str()));
    }
    set("outcome", json!(enumerant_name(report.outcome)));
    let steps = report.steps.iter().map(|step| {
        json!({
            "action": step.action,
            "target": step.target,
            "outcome": enumerant_name(step.outcome),
            "detail": step.detail,
        })
    });
    set("steps", steps.collect());
    let withheld = report
        .withheld
        .iter()
        .map(|withheld| json!({ "action": withheld.action, "reason": withheld.reason }));
    set("withheld", withheld.collect());
    if let Some(release) = &report.release {
        set("release", json!(release.as_str()));
    }
    set("urls", json!(report.urls));
    if let Some(first) = report.faults.first() {
        set("error", fault(first));
        if report.faults.len() > 1 {
            set("faults", report.faults.iter().map(fault).collect());
        }
    }
    if report.cause != Cause::Message {
        set("cause", json!(enumerant_name(report.cause)));
    }
    let milliseconds = report.elapsed.as_secs_f64() * 1000.0;
    set(
        "elapsed_ms",
        json!((milliseconds * 1000.0).round() / 1000.0),
    );
    Value::Object(object)
}

fn fault(fault: &Fault) -> Value {
    let mut value = json!({
        "code": fault.code,
        "path": fault.path,
        "message": fault.message,
    });
    if let Some(hint) = &fault.hint {
        value["hint"] = json!(hint);
    }
    value
}
