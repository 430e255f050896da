//! What the reconciler works on: one stream, or the messages of several sources for as long as the daemon
//! lives.

use super::exit::Failure;
use super::input;
use crate::edge::systemd::Listeners;
use crate::reconcile::Inbox;
use crate::stream::{self, Intake, SourceOptions, SourceSpec};
use std::io::BufRead;
use tokio::runtime::Handle;

/// Where messages come from.
pub(super) enum Feed {
    /// A stream, to its end.
    Stream(Box<dyn BufRead + Send>),
    /// Sources, until all have ended or a signal.
    Sources(Vec<SourceSpec>),
}

impl Feed {
    /// These sources. A person at a terminal is told what is expected instead of being waited for.
    pub(super) fn sources(specs: Vec<SourceSpec>) -> Result<Self, Failure> {
        if specs.contains(&SourceSpec::Stdin) {
            input::open(None)?;
        }
        Ok(Self::Sources(specs))
    }

    /// Whether the daemon lives on, beyond what one stream asks for.
    pub(super) const fn lives(&self) -> bool {
        match self {
            Self::Stream(_) => false,
            Self::Sources(_) => true,
        }
    }

    /// Begins to read, at sockets that the service manager handed over where it did.
    pub(super) fn open(
        self,
        options: &SourceOptions,
        handed: &mut Listeners,
    ) -> Result<Inbox, Failure> {
        match self {
            Self::Stream(input) => {
                let stream =
                    stream::spawn(input).map_err(Failure::io("no thread for the stream"))?;
                Ok(Inbox::Stream(stream))
            }
            Self::Sources(specs) => {
                let intake =
                    Intake::open_with(&specs, options.clone(), handed, &Handle::current())?;
                Ok(Inbox::Sources(intake))
            }
        }
    }
}
