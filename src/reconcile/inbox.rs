//! Where the loop's messages come from, and who is told what became of each.

use crate::report::Report;
use crate::stream::{Done, Intake, Spore, Stop, StreamError};
use tokio::sync::{mpsc, oneshot};

/// Where messages come from.
#[derive(Debug)]
pub enum Inbox {
    /// One stream, to its end.
    Stream(mpsc::Receiver<Result<Spore, StreamError>>),
    /// Several sources, for as long as the daemon lives.
    Sources(Intake),
}

/// Something that came.
pub(super) enum Arrival {
    Message(Box<Spore>, Asker),
    /// The stream ended before its end.
    Broken(StreamError),
}

/// Who asked for something, and is told what became of it.
#[derive(Debug)]
pub(super) enum Asker {
    /// Nobody beside those who read the reports.
    Nobody,
    /// The source of a message.
    Source(Done),
    /// A call.
    Call(oneshot::Sender<Report>),
}

impl Inbox {
    /// The next message; `None` at the end. Nothing is lost when it is not waited for any more.
    pub(super) async fn next(&mut self) -> Option<Arrival> {
        Some(match self {
            Self::Stream(stream) => match stream.recv().await? {
                Ok(spore) => Arrival::Message(Box::new(spore), Asker::Nobody),
                Err(error) => Arrival::Broken(error),
            },
            Self::Sources(intake) => {
                let delivery = intake.next().await?;
                Arrival::Message(Box::new(delivery.spore), Asker::Source(delivery.done))
            }
        })
    }

    /// What lets the sources end; `None` for a stream, of which simply no more is taken.
    pub(super) fn stop(&self) -> Option<Stop> {
        match self {
            Self::Stream(_) => None,
            Self::Sources(intake) => Some(intake.stop()),
        }
    }
}

impl Asker {
    /// Tells what became of what was asked.
    pub(super) fn tell(self, report: &Report) {
        match self {
            Self::Nobody => {}
            Self::Source(done) => done.report(report),
            // Who does not wait any more does not need to know.
            Self::Call(answer) => drop(answer.send(report.clone())),
        }
    }
}
