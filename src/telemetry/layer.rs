//! The layer of the log's subscriber that keeps spans.

use super::span::{Place, Span, Value};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// How many spans wait for the exporter at most. OpenTelemetry's batch processor has the same (trace SDK
/// specification, "Batching processor", `maxQueueSize`).
pub(super) const QUEUE: usize = 2048;

/// How long the text of a field or an error may be, in bytes.
const TEXT_MAX: usize = 4096;

/// The field whose text makes a span a failed one.
const ERROR: &str = "error";

/// Keeps the spans that end, once somebody exports them. Clones share their spans.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<OnceLock<Queue>>);

#[derive(Debug)]
struct Queue {
    spans: Sender<Span>,
    lost: Arc<AtomicU64>,
}

/// A span that has not ended.
struct Open {
    span: Span,
    begun: Instant,
}

impl Recorder {
    /// Says which spans the layer is to be told of, whatever the log shows: this crate's, down to INFO, and no
    /// events.
    #[must_use]
    pub fn filter() -> FilterFn<impl Fn(&Metadata<'_>) -> bool + Clone> {
        filter_fn(|metadata| {
            let crate_name = metadata.target().split("::").next();
            metadata.is_span()
                && *metadata.level() <= Level::INFO
                && crate_name == Some(env!("CARGO_CRATE_NAME"))
        })
        .with_max_level_hint(LevelFilter::INFO)
    }

    /// Spans are kept from now on. Only the first to ask gets them.
    pub(super) fn begin(&self) -> Option<(Receiver<Span>, Arc<AtomicU64>)> {
        let (spans, kept) = channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let queue = Queue {
            spans,
            lost: Arc::clone(&lost),
        };
        self.0.set(queue).ok().map(|()| (kept, lost))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = self.0.get().and_then(|_| context.span(id)) else {
            return;
        };
        if span.metadata().target() == super::export::TARGET {
            return;
        }
        let parent = match span.parent() {
            None => None,
            // What is below a span that is not kept is not kept either: the exporter's own requests.
            Some(parent) => match parent.extensions().get::<Open>() {
                Some(open) => Some(open.span.place),
                None => return,
            },
        };
        let mut open = Open {
            span: Span {
                place: Place::new(parent.map(|parent| parent.trace)),
                parent: parent.map(|parent| parent.span),
                name: span.name(),
                begin: SystemTime::now(),
                took: Duration::ZERO,
                attributes: Vec::new(),
                error: None,
            },
            begun: Instant::now(),
        };
        attributes.record(&mut open.span);
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            values.record(&mut open.span);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(queue) = self.0.get() else {
            return;
        };
        let open = context
            .span(&id)
            .and_then(|span| span.extensions_mut().remove::<Open>());
        if let Some(Open { mut span, begun }) = open {
            span.took = begun.elapsed();
            if queue.spans.try_send(span).is_err() {
                queue.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Span {
    fn set(&mut self, field: &Field, value: Value) {
        let name = field.name();
        match (name, value) {
            (ERROR, Value::Text(text)) => self.error = Some(text),
            (_, value) => {
                self.attributes.retain(|(other, _)| *other != name);
                self.attributes.push((name, value));
            }
        }
    }
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut end = value.len().min(TEXT_MAX);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        self.set(field, Value::Text(value[..end].to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_str(field, &value.to_string()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Value::Float(value));
    }
}

#[cfg(test)]
mod tests;
