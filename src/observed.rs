//! What was found at a backend.

mod dns;

pub use dns::{ObservedSet, ObservedZone, OtherSet};

use crate::desired::Names;
use crate::model::DomainName;
use crate::release::{Digest, ReleaseId};

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
    /// What the backend has under the project's name.
    pub hosting: Option<ObservedHosting>,
    /// Names the site asks for that another site has.
    pub taken: Vec<TakenName>,
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
    /// The release that visitors see.
    pub release: ReleaseId,
    /// The digest of the artifact it was made of, where the backend keeps it.
    pub artifact: Option<Digest>,
    /// The digest of the rules it was made with, where the backend keeps it.
    pub rules: Option<Digest>,
    /// The names visitors use.
    pub names: Names,
    /// The paths of its files.
    pub paths: Vec<String>,
    /// Earlier releases that are kept, newest first.
    pub previous: Vec<ReleaseId>,
}
