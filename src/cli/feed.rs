//! What the reconciler works on: one stream, or the messages of several sources for as long as the daemon
//! lives.

use super::exit::Failure;
use super::{input, setup};
use crate::reconcile::{Reconciler, Summary};
use crate::report::Report;
use crate::sink::Sink;
use crate::stream::{self, Done, Intake, SourceOptions, SourceSpec, Spore, StreamError};
use std::collections::HashMap;
use std::future::pending;
use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Where messages come from.
pub(super) enum Feed {
    /// A stream, to its end.
    Stream(Box<dyn BufRead + Send>),
    /// Sources, until all have ended or a signal.
    Sources(Vec<SourceSpec>),
}

/// A message as the reconciler takes it.
type Item = Result<Spore, StreamError>;

/// Who is told of which report, by the number of the message.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<HashMap<u64, Done>>>);

impl Feed {
    /// These sources. A person at a terminal is told what is expected instead of being waited for.
    pub(super) fn sources(specs: Vec<SourceSpec>) -> Result<Self, Failure> {
        if specs.contains(&SourceSpec::Stdin) {
            input::open(None)?;
        }
        Ok(Self::Sources(specs))
    }

    /// Reconciles all that comes. A signal lets no more be read; what was read is still worked on.
    pub(super) async fn run<W: Write>(
        self,
        reconciler: Arc<Reconciler>,
        mut sink: Sink<W>,
        options: &SourceOptions,
    ) -> Result<Summary, Failure> {
        let unwritten = || Failure::io("reports cannot be written");
        match self {
            Self::Stream(input) => {
                let stream =
                    stream::spawn(input).map_err(Failure::io("no thread for the stream"))?;
                let signal = setup::signal()?;
                let summary = reconciler.run(stream, &mut sink, signal).await;
                summary.map_err(unwritten())
            }
            Self::Sources(specs) => {
                let signal = setup::signal()?;
                let intake = Intake::open(&specs, options.clone(), &Handle::current())?;
                let stop = intake.stop();
                let watch = tokio::spawn(async move {
                    signal.await;
                    stop.stop();
                });
                let summary = work(intake, reconciler, sink).await;
                watch.abort();
                summary.map_err(unwritten())
            }
        }
    }
}

/// Reconciles the messages of all sources and tells each what became of them.
async fn work<W: Write>(
    intake: Intake,
    reconciler: Arc<Reconciler>,
    sink: Sink<W>,
) -> io::Result<Summary> {
    let stop = intake.stop();
    let answers = Answers::default();
    let (sender, receiver) = mpsc::channel(1);
    let forward = tokio::spawn(forward(intake, sender, answers.clone()));
    let tell = answers.clone();
    let mut sink = sink.telling(move |report| tell.tell(report));
    // The end comes with the end of all sources, so that nothing that was read is lost.
    let summary = reconciler.run(receiver, &mut sink, pending()).await;
    let stopped = stop.stopped();
    // It ended early where reports cannot be written. Then what was read on has no report.
    if summary.is_err() {
        stop.stop();
        answers.open().clear();
    }
    let intake = forward.await;
    answers.open().clear();
    let finish = tokio::task::spawn_blocking(|| intake.map(Intake::finish));
    if !matches!(finish.await, Ok(Ok(true))) {
        tracing::warn!("a source ended before all of its reports were taken");
    }
    summary.map(|summary| Summary { stopped, ..summary })
}

/// Hands messages on as one stream, numbered as they come, until no more come or nobody takes them.
async fn forward(mut intake: Intake, to: mpsc::Sender<Item>, answers: Answers) -> Intake {
    let mut number = 0;
    while let Some(delivery) = intake.next().await {
        number += 1;
        let mut spore = delivery.spore;
        spore.seq = number;
        answers.open().insert(number, delivery.done);
        if to.send(Ok(spore)).await.is_err() {
            break;
        }
    }
    intake
}

impl Answers {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Done>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the source of a message what became of it.
    fn tell(&self, report: &Report) {
        let done = self.open().remove(&report.seq);
        if let Some(done) = done {
            done.report(report);
        }
    }
}
