//! What was found at a backend.

mod dns;

pub use dns::{ObservedSet, ObservedZone, OtherSet};

use crate::desired::{Names, Properties};
use crate::model::DomainName;
use crate::release::{Digest, ReleaseId};
use std::collections::BTreeSet;

/// Who something at a backend belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This site: it carries the site's mark.
    Ours,
    /// Nobody: it carries no mark.
    Unmarked,
    /// Another site or another tool.
    Foreign {
        /// Who, as far as the mark tells.
        owner: String,
    },
}

/// What was found that matters to one site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObservedSite {
    /// What the backend can do, as far as a plan must know.
    pub abilities: Abilities,
    /// What the backend has under the project's name.
    pub hosting: Option<ObservedHosting>,
    /// Names the site asks for that another site has.
    pub taken: Vec<TakenName>,
    /// The DNS zones that the site's records are in.
    pub zones: Vec<ObservedZone>,
}

/// What a plan must know of a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Whether a project must be made, and its settings kept, before anything can be published to it.
    pub projects: bool,
    /// Whether names are given to a project by themselves; otherwise they go with a release.
    pub names_apart: bool,
    /// The most files of a release; `None` for any number.
    pub max_files: Option<usize>,
    /// The longest file of a release in bytes; `None` for any length.
    pub max_file_size: Option<u64>,
}

/// A name that another site has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenName {
    /// The name.
    pub name: DomainName,
    /// Who has it.
    pub owner: String,
}

/// What a hosting backend has under a project's name.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedHosting {
    /// Who it belongs to.
    pub ownership: Ownership,
    /// The release that visitors see; `None` for a project without any.
    pub release: Option<ReleaseId>,
    /// The digest of the artifact it was made of, where the backend keeps it.
    pub artifact: Option<Digest>,
    /// The digest of the rules it was made with, where the backend keeps it.
    pub rules: Option<Digest>,
    /// The names visitors use.
    pub names: Names,
    /// The paths of its files, where the backend keeps them.
    pub paths: Vec<String>,
    /// The number of its files.
    pub files: usize,
    /// Earlier releases that are kept, newest first. A backend where asking for them is costly gives them
    /// only when they are [looked for](Look::History).
    pub previous: Vec<ReleaseId>,
    /// Names that were given to the project by somebody else, and that the site does not ask for.
    pub others: Vec<DomainName>,
    /// Names of the site that visitors cannot use yet, and why.
    pub pending: Vec<PendingName>,
    /// The settings of the project that the site declares or once declared.
    pub properties: Properties,
    /// Those of them that this site set, by name.
    pub owned: BTreeSet<String>,
    /// The name the provider gave the project, to which the site's own names must lead.
    pub target: Option<DomainName>,
    /// The addresses the provider gave the release.
    pub urls: Vec<String>,
}

impl ObservedHosting {
    /// A project without a release, names or settings.
    #[must_use]
    pub const fn empty(ownership: Ownership) -> Self {
        Self {
            ownership,
            release: None,
            artifact: None,
            rules: None,
            names: Names {
                primary: None,
                aliases: Vec::new(),
                redirect_aliases: false,
            },
            paths: Vec::new(),
            files: 0,
            previous: Vec::new(),
            others: Vec::new(),
            pending: Vec::new(),
            properties: Properties::new(),
            owned: BTreeSet::new(),
            target: None,
            urls: Vec::new(),
        }
    }
}

/// A name that visitors cannot use yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingName {
    /// The name.
    pub name: DomainName,
    /// What the provider says of it.
    pub why: String,
}

/// How closely a backend is looked at. Looking more closely than asked is always right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The site was as asked when it was seen last: a list of all sites tells enough.
    Passing,
    /// All that a plan needs.
    Closely,
    /// Also which earlier releases are kept.
    History,
}
