//! What the schedule is told, and what it asks for.

use super::options::{DriftMode, Options};
use super::time::Time;
use crate::model::SiteId;
use std::sync::Arc;
use std::time::Duration;

/// An accepted message. The caller gives each another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// An account at a provider, by a number that the caller chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(pub u32);

/// What a site's configuration says about when it may be worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The accounts that are needed for it. Sites with the same ones may share the list.
    pub accounts: Arc<[Account]>,
    /// Whether the site is to be left as it is.
    pub paused: bool,
    /// What is done about differences; `None` for what the options say.
    pub drift: Option<DriftMode>,
}

/// What was kept of a site from before the process started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the configuration last accepted says.
    pub terms: Terms,
    /// Whether that configuration still has to be carried out.
    pub unfinished: bool,
    /// Whether the operator told to leave the site as it is.
    pub suspended: bool,
    /// When it will be other than it is now.
    pub next_edge: Option<Time>,
    /// What was last told about it.
    pub health: Health,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A site is known from before. It comes before any message for it; a site that is known already stays as
    /// it is.
    Known {
        /// The site.
        site: SiteId,
        /// What was kept of it.
        record: Record,
    },
    /// A message was accepted: what it says is kept, and is now what the site is to be.
    Accepted {
        /// The site.
        site: SiteId,
        /// The message.
        ticket: Ticket,
        /// What it says.
        terms: Terms,
    },
    /// A run that was started has ended.
    Finished {
        /// The site.
        site: SiteId,
        /// How.
        ended: Ended,
    },
    /// The operator wants a site left as it is. A run under way ends by itself.
    Suspend {
        /// The site.
        site: SiteId,
    },
    /// The operator wants a site looked after again.
    Resume {
        /// The site.
        site: SiteId,
    },
    /// The operator does not want a site managed any more. A run under way ends by itself.
    Forget {
        /// The site.
        site: SiteId,
    },
    /// Other options hold from now on; what is under way goes on.
    Options(Options),
    /// Nothing more is to be started.
    Drain,
    /// What is under way is given up, too.
    DrainNow,
    /// Time has passed.
    Tick,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It did what it had to.
    Completed {
        /// What was found.
        finding: Finding,
        /// When the site will be other than it is now without any message, if that is known: a domain that is
        /// still pending, an entry that will be shown later.
        next_edge: Option<Time>,
    },
    /// It failed.
    Failed {
        /// What is to be done about it.
        class: Class,
        /// How long the other side asks to wait.
        retry_after: Option<Duration>,
        /// The account whose service answered so or did not answer; `None` when it was none's.
        account: Option<Account>,
    },
    /// It ended without saying how.
    Interrupted,
}

/// What a run that did what it had to found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The site is as asked.
    AsAsked,
    /// A look found it other than asked, and repaired it.
    Repaired,
    /// A look found it other than asked, and left it.
    Drifted,
    /// Something waits for a person's approval, as a purchase.
    Awaiting,
}

/// What is to be done about a failure: the kinds of errors of the edge, which ranks above, without what only
/// people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Trying again may help.
    Transient,
    /// Credentials are missing or not accepted.
    Unauthorised,
    /// Something else is in the way and must be moved by a person.
    Conflict,
    /// The other side understood and said no.
    Rejected,
    /// The operator does not allow it.
    Forbidden,
    /// This daemon cannot do it.
    Unsupported,
    /// The run ended without saying how.
    Interrupted,
}

impl Class {
    /// Whether the same may succeed later without anybody's doing.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        match self {
            Self::Transient | Self::Interrupted => true,
            Self::Unauthorised
            | Self::Conflict
            | Self::Rejected
            | Self::Forbidden
            | Self::Unsupported => false,
        }
    }

    /// Whether an account that answers so is likely to answer all its sites so. Of the others each is an answer
    /// about one site, by an account that works.
    #[must_use]
    pub const fn breaks(self) -> bool {
        match self {
            Self::Transient | Self::Unauthorised => true,
            Self::Conflict
            | Self::Rejected
            | Self::Forbidden
            | Self::Unsupported
            | Self::Interrupted => false,
        }
    }
}

/// Something that the caller is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Work on a site, and tell when it is [finished](Event::Finished).
    Start {
        /// The site.
        site: SiteId,
        /// The message that asks for it; `None` when nobody waits for an answer.
        ticket: Option<Ticket>,
        /// What is to be done.
        why: Why,
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// Answer a message. Each has exactly one answer.
    Settle {
        /// The site.
        site: SiteId,
        /// The message.
        ticket: Ticket,
        /// What became of it.
        settlement: Settlement,
    },
    /// Tell people about a site: that its [`Health`] is another.
    Notify {
        /// The site.
        site: SiteId,
        /// What to tell.
        notice: Notice,
    },
    /// Note that an account's circuit changed.
    Circuit {
        /// The account.
        account: Account,
        /// What it is now.
        circuit: CircuitState,
    },
    /// Stop reading messages, or go on. One that was read already is still to be handed over.
    Full(bool),
    /// End: nothing is under way and every message is answered.
    Drained,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A message is carried out.
    Message,
    /// The configuration last accepted is carried out: it was not when the process started, when the site was
    /// paused, or when it last failed.
    Resume,
    /// A moment has come at which the site changes by itself.
    Edge,
    /// It is time for a look whether the site is still as asked.
    Drift {
        /// Whether what differs is repaired.
        repair: bool,
    },
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It was carried out; the run's end says more.
    Completed,
    /// It was not carried out. Where drift is looked for it is tried again by itself, in time.
    Failed {
        /// Why.
        class: Class,
        /// After so many attempts.
        attempts: u32,
    },
    /// A newer message for the site came before it could be carried out.
    Superseded {
        /// The newer one.
        by: Ticket,
    },
    /// The site is paused: it is carried out when that ends.
    Paused,
    /// The site was forgotten before it could be carried out.
    Forgotten,
    /// The process ends first: it is carried out when the next one starts.
    Left,
}

/// What people were last told about a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Nothing, or that it is well again.
    #[default]
    Good,
    /// That it failed.
    Failing,
    /// That it was found other than asked, and left so.
    Drifted,
    /// That it was found other than asked, and repaired.
    Repaired,
    /// That it waits for a person's approval.
    Awaiting,
}

impl Health {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Good,
        Self::Failing,
        Self::Drifted,
        Self::Repaired,
        Self::Awaiting,
    ];

    /// A name for programs, never changed once given.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Failing => "failing",
            Self::Drifted => "drifted",
            Self::Repaired => "repaired",
            Self::Awaiting => "awaiting",
        }
    }
}

/// What people are told about a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It failed, and is not tried again at once.
    Failure(Class),
    /// It is as asked again.
    Recovery,
    /// It was found other than asked.
    Drift {
        /// Whether it was repaired.
        repaired: bool,
    },
    /// It waits for a person's approval.
    Awaiting,
}

/// Whether an account may be used, in the words of electricity: through an open circuit nothing flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitState {
    /// It may.
    Closed,
    /// None of its sites is started until then.
    Open {
        /// The moment.
        until: Time,
    },
    /// One of its sites is started to see whether it works; the others wait for that one's end.
    HalfOpen,
}
