//! Tells people what becomes of sites: that one failed, is well again, was found other than asked, or waits for
//! an approval. Each of the operator's notifications goes its own way, by a webhook or a program.
//!
//! [`run`] only watches the daemon, so that a receiver that is slow or gone delays nothing but what it is told
//! itself. [`Announcer`] decides what is new to a receiver. What each of them knows is kept in the store, noted
//! when the telling has ended: nobody is told the same twice because of a restart, and what changed while nobody
//! watched is told by the next look.

mod announcer;
mod body;
mod examine;
mod program;
mod signature;
mod teller;
mod webhook;

pub use announcer::{Announcer, Known, Verdict};
pub use body::Announcement;
pub use examine::{Examined, examine};
pub use signature::{Key, KeyError};

use crate::edge::http::{LONGEST_WAIT, Retry};
use crate::edge::secret::Credentials;
use crate::model::SettingsName;
use crate::plan::Patterns;
use crate::reconcile::Control;
use crate::store::Store;
use futures_util::future::{FutureExt as _, join_all};
use std::path::PathBuf;
use std::time::Duration;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A site failed and is not tried again at once.
    Failure,
    /// It is as asked again.
    Recovery,
    /// It was found other than asked.
    Drift,
    /// It waits for a person's approval, of a purchase say.
    Approval,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Failure, Self::Recovery, Self::Drift, Self::Approval];

    /// A name for programs, never changed once given.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Recovery => "recovery",
            Self::Drift => "drift",
            Self::Approval => "approval",
        }
    }
}

/// One of the operator's notifications.
#[derive(Clone, Debug)]
pub struct Notification {
    /// What the log and the store call it.
    pub name: SettingsName,
    /// What is told.
    pub on: Vec<Kind>,
    /// Of which sites.
    pub sites: Patterns,
    /// Who is told.
    pub receiver: Receiver,
}

/// Who is told.
#[derive(Clone, Debug)]
pub enum Receiver {
    /// A server.
    Webhook {
        /// Where: https, or this machine.
        url: String,
        /// The credential whose key signs what is sent.
        secret: SettingsName,
    },
    /// A program of this machine.
    Program {
        /// Its file, by an absolute path.
        path: PathBuf,
        /// What it is started with.
        args: Vec<String>,
    },
}

/// All notifications, and what they have in common.
#[derive(Clone, Debug, Default)]
pub struct Notifications {
    /// The notifications, each by another name.
    pub list: Vec<Notification>,
    /// Where the keys of webhooks are kept.
    pub credentials: Credentials,
    /// How often a webhook is tried, and the waits between.
    pub retry: Attempts,
}

/// How often a webhook is tried, and the waits between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts(pub Retry);

impl Default for Attempts {
    /// 5 attempts, with waits of up to 1, 2, 4 and 8 s where the server does not ask for another.
    fn default() -> Self {
        Self(Retry {
            attempts: 5,
            base: Duration::from_secs(1),
            max: Duration::from_secs(30),
            longest_wait: LONGEST_WAIT,
        })
    }
}

/// Tells all that the daemon does to those who want to know, until `shutdown`. What is being told then has a few
/// seconds to end; what still waits is told by the next run. Without notifications it ends at once.
///
/// It starts no task: whoever calls it does. It may be ended and started anew with other notifications at any
/// time, as each begins with a look at all sites.
pub async fn run(
    notifications: Notifications,
    control: Control,
    store: Store,
    shutdown: impl Future<Output = ()> + Send,
) {
    let shutdown = shutdown.shared();
    let Notifications {
        list,
        credentials,
        retry,
    } = notifications;
    let sender = webhook::Sender::new(credentials, retry.0);
    let tellers = list.into_iter().map(|notification| {
        let teller = teller::Teller::new(notification, sender.clone(), store.clone());
        teller.run(control.clone(), shutdown.clone())
    });
    join_all(tellers).await;
}
