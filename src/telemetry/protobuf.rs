//! Spans in the form that is sent, and what comes back: protobuf (protobuf.dev/programming-guides/encoding), by the
//! field numbers of opentelemetry-proto 1.x (`collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`,
//! `common/v1/common.proto`, `resource/v1/resource.proto`), which never change.

use super::span::{Span, Value};
use std::time::{SystemTime, UNIX_EPOCH};

/// `Span.SpanKind`: what is neither asked by others nor asks others.
const INTERNAL: u64 = 1;

/// `Status.StatusCode`: it failed.
const FAILED: u64 = 2;

/// The wire types that are used.
const VARINT: u64 = 0;
const FIXED: u64 = 1;
const LENGTH: u64 = 2;

/// A message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            if value < 0x80 {
                self.0.push(low);
                return;
            }
            self.0.push(low | 0x80);
            value >>= 7;
        }
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3 | VARINT);
        self.varint(value);
    }

    fn fixed(&mut self, field: u64, value: u64) {
        self.varint(field << 3 | FIXED);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.varint(field << 3 | LENGTH);
        self.varint(value.len() as u64);
        self.0.extend(value);
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes(field, inner.0);
    }

    /// A `KeyValue`.
    fn attribute(&mut self, field: u64, key: &str, value: &Value) {
        self.message(field, |pair| {
            pair.bytes(1, key);
            pair.message(2, |any| match value {
                Value::Text(text) => any.bytes(1, text),
                Value::Bool(it) => any.number(2, u64::from(*it)),
                Value::Int(it) => any.number(3, it.cast_unsigned()),
                Value::Float(it) => any.fixed(4, it.to_bits()),
            });
        });
    }

    /// A `Span`.
    fn span(&mut self, field: u64, span: &Span) {
        self.message(field, |it| {
            it.bytes(1, span.place.trace);
            it.bytes(2, span.place.span);
            if let Some(parent) = span.parent {
                it.bytes(4, parent);
            }
            it.bytes(5, span.name);
            it.number(6, INTERNAL);
            it.fixed(7, nanoseconds(span.begin));
            it.fixed(8, nanoseconds(span.begin + span.took));
            for (key, value) in &span.attributes {
                it.attribute(9, key, value);
            }
            if let Some(error) = &span.error {
                it.message(15, |status| {
                    status.bytes(2, error);
                    status.number(3, FAILED);
                });
            }
        });
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The `ExportTraceServiceRequest` of spans that ended in one process.
pub(super) fn request(resource: &[(&'static str, Value)], spans: &[Span]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |of_resource| {
        of_resource.message(1, |it| {
            for (key, value) in resource {
                it.attribute(1, key, value);
            }
        });
        of_resource.message(2, |of_scope| {
            of_scope.message(1, |scope| {
                scope.bytes(1, env!("CARGO_PKG_NAME"));
                scope.bytes(2, env!("CARGO_PKG_VERSION"));
            });
            for span in spans {
                of_scope.span(2, span);
            }
        });
    });
    request.0
}

/// What an `ExportTraceServiceResponse` says was not taken: how many spans, and why. `None` when all were, or the
/// answer is something else.
pub(super) fn rejected(answer: &[u8]) -> Option<(u64, String)> {
    let partial = fields(answer)?.into_iter().find_map(|field| match field {
        (1, Content::Bytes(partial)) => Some(partial),
        _ => None,
    })?;
    let (mut spans, mut why) = (0, String::new());
    for field in fields(partial)? {
        match field {
            (1, Content::Number(number)) => spans = number,
            (2, Content::Bytes(text)) => why = String::from_utf8_lossy(text).into_owned(),
            _ => {}
        }
    }
    (spans > 0).then_some((spans, why))
}

/// What a field has.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Content<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message by number; `None` when it is none. Those of fixed length are left out.
fn fields(mut text: &[u8]) -> Option<Vec<(u64, Content<'_>)>> {
    let mut fields = Vec::new();
    while !text.is_empty() {
        let tag = varint(&mut text)?;
        match tag & 7 {
            VARINT => fields.push((tag >> 3, Content::Number(varint(&mut text)?))),
            LENGTH => {
                let length = usize::try_from(varint(&mut text)?).ok()?;
                fields.push((tag >> 3, Content::Bytes(text.split_off(..length)?)));
            }
            FIXED => drop(text.split_off(..8)?),
            5 => drop(text.split_off(..4)?),
            _ => return None,
        }
    }
    Some(fields)
}

fn varint(text: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let byte = *text.split_off_first()?;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests;
