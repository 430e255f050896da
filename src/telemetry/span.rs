//! A span that has ended: data only.

use std::time::{Duration, SystemTime};

/// The identifiers of a span (W3C Trace Context, "trace-id" and "parent-id").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Shared by all spans below one root.
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
}

impl Place {
    /// A new one: within a trace, or the root of its own. Neither identifier may be all zeros.
    pub(super) fn new(trace: Option<[u8; 16]>) -> Self {
        Self {
            trace: trace.unwrap_or_else(|| fastrand::u128(1..).to_be_bytes()),
            span: fastrand::u64(1..).to_be_bytes(),
        }
    }
}

/// What a field of a span has.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Bool(bool),
    Int(i64),
    Float(f64),
}

/// A span.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) place: Place,
    pub(super) parent: Option<[u8; 8]>,
    pub(super) name: &'static str,
    pub(super) begin: SystemTime,
    pub(super) took: Duration,
    pub(super) attributes: Vec<(&'static str, Value)>,
    /// What went wrong in it.
    pub(super) error: Option<String>,
}
