//! One change of a set.

use crate::model::Ttl;
use crate::records::{Content, Name, RecordKey, RecordSet, Terms, WantedSet};
use std::fmt;

/// One change of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsChange {
    /// A set that is not there yet. Its TTL is given.
    Create(WantedSet),
    /// A set that is there and differs.
    Update {
        /// The set as it must still be for the change to be made.
        before: RecordSet,
        /// The set as it should be. Its TTL is given.
        after: WantedSet,
        /// Whether it carries nobody's mark so far.
        adopt: bool,
    },
    /// A set of this site that is no longer wanted, as it must still be for the change to be made.
    Delete(RecordSet),
}

/// What becomes of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

impl DnsChange {
    /// What becomes of the set.
    #[must_use]
    pub const fn kind(&self) -> ChangeKind {
        match self {
            Self::Create(_) => ChangeKind::Create,
            Self::Update { .. } => ChangeKind::Update,
            Self::Delete(_) => ChangeKind::Delete,
        }
    }

    /// Which set.
    #[must_use]
    pub const fn key(&self) -> &RecordKey {
        match self {
            Self::Create(after) | Self::Update { after, .. } => &after.key,
            Self::Delete(before) => &before.key,
        }
    }

    /// The set as it is; `None` when it is not there.
    #[must_use]
    pub const fn before(&self) -> Option<&RecordSet> {
        match self {
            Self::Create(_) => None,
            Self::Update { before, .. } | Self::Delete(before) => Some(before),
        }
    }

    /// The set as it should be; `None` when it should not be there.
    #[must_use]
    pub const fn after(&self) -> Option<&WantedSet> {
        match self {
            Self::Create(after) | Self::Update { after, .. } => Some(after),
            Self::Delete(_) => None,
        }
    }

    /// Whether the change waits for the address of the hosting project.
    #[must_use]
    pub fn needs_target(&self) -> bool {
        self.after()
            .is_some_and(|after| after.content == Content::HostingTarget)
    }

    /// The same with the address of the hosting project filled in.
    #[must_use]
    pub fn with_target(&self, target: &Name) -> Self {
        let mut change = self.clone();
        if let Self::Create(after) | Self::Update { after, .. } = &mut change
            && let Some(data) = after.content.resolved(Some(target))
        {
            after.content = Content::Data(data);
        }
        change
    }
}

impl fmt::Display for DnsChange {
    /// A line for people: `+` for a new set, `~` for a changed one, `-` for one that goes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(after) => write!(f, "+ {after}{}", after.terms()),
            Self::Update {
                before,
                after,
                adopt,
            } => {
                let (from, to) = (before.terms(), after.terms());
                if from == to {
                    write!(f, "~ {before} -> {}{to}", after.content)?;
                } else {
                    let (from, to) = (in_full(from), in_full(to));
                    write!(f, "~ {before}{from} -> {}{to}", after.content)?;
                }
                if *adopt {
                    f.write_str(", which nobody had marked")?;
                }
                Ok(())
            }
            Self::Delete(before) => write!(f, "- {before}{}", before.terms()),
        }
    }
}

/// How a set is served, also where that is nothing out of the ordinary.
fn in_full(terms: Terms) -> String {
    match (terms.proxied, terms.ttl) {
        (false, Ttl::Automatic) => " (ttl automatic)".into(),
        (false, Ttl::Default) => " (with several ttls)".into(),
        (true, _) | (false, Ttl::Seconds(_)) => terms.to_string(),
    }
}
