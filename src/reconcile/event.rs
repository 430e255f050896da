//! What happens in the daemon, told to those who watch it.

use super::view::Problem;
use crate::model::{Line, SiteId};
use crate::progress::Progress;
use crate::report::{Report, StepReport};
use crate::schedule::{Class, Notice, Why};
use std::sync::Arc;
use tokio::sync::broadcast;

/// Events that may wait for one who watches. Who is slower misses the oldest, and is told how many.
const WAITING: usize = 1024;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: jiff::Timestamp,
    /// The site; `None` for what concerns an account or the whole daemon.
    pub site: Option<SiteId>,
    /// What.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A message was accepted: its configuration is kept, and is what the site is to be.
    Accepted {
        /// Its number.
        seq: u64,
        /// Its token; empty when it had none.
        request_id: Line<128>,
    },
    /// A site is being worked on.
    Started {
        /// What for.
        why: Why,
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// A build or an upload goes on.
    Progress(Progress),
    /// A step has ended.
    Step(StepReport),
    /// An attempt failed and another follows.
    Retrying {
        /// How it failed.
        problem: Problem,
        /// Which attempt it was, from 1.
        attempt: u32,
        /// When the next one begins at the earliest.
        at: jiff::Timestamp,
    },
    /// A message has its report, or work that nobody asked for changed something; its number is 0 then.
    Reported(Arc<Report>),
    /// A site's health is another: what people should be told, once for each change.
    Noticed {
        /// What.
        notice: Notice,
        /// What is wrong, when something is.
        problem: Option<Problem>,
    },
    /// A site is not managed any more, and what was known of it is forgotten.
    Forgotten,
    /// An account is left alone for a while, or is used again.
    Circuit {
        /// The account.
        account: String,
        /// Until when it is left alone; `None` when it is used.
        until: Option<jiff::Timestamp>,
    },
    /// The daemon ends: nothing further is started.
    Draining,
}

/// Where events are told. Clones tell the same listeners; with none of them it costs next to nothing.
#[derive(Clone, Debug)]
pub struct Events {
    sender: broadcast::Sender<Arc<Event>>,
}

impl Default for Events {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(WAITING);
        Self { sender }
    }
}

impl Events {
    /// All that happens from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Arc<Event>> {
        self.sender.subscribe()
    }

    /// Whether anybody watches.
    #[must_use]
    pub fn watched(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Tells everybody who watches.
    pub fn tell(&self, site: Option<&SiteId>, what: Happening) {
        if !self.watched() {
            return;
        }
        let event = Event {
            at: jiff::Timestamp::now(),
            site: site.cloned(),
            what,
        };
        // An error means that the last listener has just gone.
        drop(self.sender.send(Arc::new(event)));
    }
}

/// A class of failures by its name for programs, the same as in reports.
#[must_use]
pub const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Transient => "transient",
        Class::Unauthorised => "unauthorised",
        Class::Conflict => "conflict",
        Class::Rejected => "rejected",
        Class::Forbidden => "forbidden",
        Class::Unsupported => "unsupported",
        Class::Interrupted => "interrupted",
    }
}
