//! From a recipe to an artifact.
//!
//! [`Builds::prepare`] is cheap and tells by a fingerprint whether the input may have changed since it
//! was last seen; [`Prepared::build`] does the work. Neither writes anything but caches.

mod fetch;
mod prebuilt;
pub mod treelink;

use crate::artifact::Artifact;
use crate::desired::{Recipe, SourceBuild, TreelinkRecipe};
use crate::edge::EdgeError;
use crate::edge::secret::Credentials;
use crate::model::BuildType;
use crate::release::Digest;
use crate::schema::enumerant_name;
use crate::source::SourcesSettings;
use fetch::Fetching;
use std::path::PathBuf;
use std::sync::Arc;

/// Makes artifacts of what the operator's settings allow.
#[derive(Clone, Debug, Default)]
pub struct Builds {
    roots: Vec<PathBuf>,
    fetching: Option<Arc<Fetching>>,
}

/// A recipe whose input was looked at.
#[derive(Debug)]
pub struct Prepared<'r> {
    input: Input<'r>,
    now: jiff::Timestamp,
}

#[derive(Debug)]
enum Input<'r> {
    Listing(prebuilt::Listing),
    Page(&'r TreelinkRecipe),
    Commit(Box<fetch::Found>),
}

/// What a recipe yielded.
#[derive(Debug)]
pub struct Built {
    /// The files.
    pub artifact: Artifact,
    /// When the same recipe will yield something else by the passing of time alone.
    pub next_edge: Option<jiff::Timestamp>,
}

impl Builds {
    /// Builds that may read directories of this machine below `roots`.
    #[must_use]
    pub const fn new(roots: Vec<PathBuf>) -> Self {
        Self {
            roots,
            fetching: None,
        }
    }

    /// The same, which may fetch repositories. `checkouts` is a folder for files that are being published.
    #[must_use]
    pub fn fetching(
        mut self,
        settings: SourcesSettings,
        checkouts: PathBuf,
        credentials: Credentials,
    ) -> Self {
        let fetching = Fetching::new(settings, checkouts, credentials);
        self.fetching = Some(Arc::new(fetching));
        self
    }

    /// Clears away what earlier runs left: nobody else may be building.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn tidy(&self) -> Result<(), EdgeError> {
        self.fetching.as_ref().map_or(Ok(()), |it| it.tidy())
    }

    /// Looks at a recipe's input.
    ///
    /// # Errors
    /// The input is missing, not allowed or not publishable, or this daemon cannot build it.
    pub fn prepare<'r>(
        &self,
        recipe: &'r Recipe,
        now: jiff::Timestamp,
    ) -> Result<Prepared<'r>, EdgeError> {
        let input = match recipe {
            Recipe::Prebuilt(directory) => {
                Input::Listing(prebuilt::Listing::of(directory, &self.roots)?)
            }
            Recipe::Treelink(page) => Input::Page(page),
            Recipe::Source(build) => match self.find(build)? {
                Some(found) => Input::Commit(Box::new(found)),
                None => return Err(unsupported(build)),
            },
        };
        Ok(Prepared { input, now })
    }

    /// The commit of a site that needs no build beyond its repository.
    fn find(&self, build: &SourceBuild) -> Result<Option<fetch::Found>, EdgeError> {
        match (&self.fetching, build.build.kind) {
            (Some(fetching), BuildType::StaticPrebuilt) => fetching.find(build),
            _ => Ok(None),
        }
    }
}

/// What is missing for a build of a source.
fn unsupported(build: &SourceBuild) -> EdgeError {
    let kind = enumerant_name(build.build.kind);
    EdgeError::unsupported(format!(
        "build.type = {kind} is not supported by this version"
    ))
    .at("build.type")
    .hint("build the site beforehand and publish its files with build.type = staticPrebuilt")
}

impl Prepared<'_> {
    /// A digest that changes whenever the input may have changed; `None` when that cannot be told, as
    /// for files changed a moment ago.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Digest> {
        match &self.input {
            Input::Listing(listing) => listing.fingerprint(self.now),
            Input::Commit(found) => Some(found.fingerprint()),
            // A page depends on the message and the renderer alone.
            Input::Page(_) => Some(Digest::of(
                concat!("treelink ", env!("CARGO_PKG_VERSION")).as_bytes(),
            )),
        }
    }

    /// Makes the artifact.
    ///
    /// # Errors
    /// A file cannot be read or was changed meanwhile, or the page cannot be rendered.
    pub fn build(self) -> Result<Built, EdgeError> {
        match self.input {
            Input::Listing(listing) => Ok(Built {
                artifact: listing.digest()?,
                next_edge: None,
            }),
            Input::Commit(found) => Ok(Built {
                artifact: found.artifact()?,
                next_edge: None,
            }),
            Input::Page(recipe) => {
                let page = treelink::Page {
                    content: &recipe.content,
                    title: &recipe.title,
                    description: &recipe.description,
                    language: &recipe.language,
                    base_url: &recipe.base_url,
                    now: self.now,
                };
                let rendered = treelink::render(&page).map_err(|error| {
                    EdgeError::rejected("the page cannot be rendered").source(error)
                })?;
                Ok(Built {
                    artifact: Artifact::in_memory(rendered.files),
                    next_edge: rendered.next_edge,
                })
            }
        }
    }
}
