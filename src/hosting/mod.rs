//! Where websites are published: one backend for each [`HostingProvider`], all with one interface.

pub mod cloudflare_pages;
pub mod local_static;
pub mod memory;

use crate::artifact::Names;
use crate::desired::{DesiredHosting, service};
use crate::edge::EdgeError;
use crate::edge::http::Budget;
use crate::model::{DomainName, HostingProvider, HostingSettings};
use crate::observed::{Look, ObservedSite};
use crate::plan::HostingAction;
use crate::release::ReleaseId;
use cloudflare_pages::CloudflarePages;
use local_static::LocalStatic;

/// What was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The release that visitors now see; `None` when there is none.
    pub release: Option<ReleaseId>,
    /// What happened, for people.
    pub detail: String,
    /// The name the provider gave the project, where it gives one.
    pub target: Option<DomainName>,
    /// The addresses the provider gave the release, where it gives any.
    pub urls: Vec<String>,
}

impl Applied {
    /// A release is live.
    #[must_use]
    pub fn live(release: ReleaseId, detail: impl Into<String>) -> Self {
        Self {
            release: Some(release),
            detail: detail.into(),
            ..Self::default()
        }
    }

    /// The site is gone.
    #[must_use]
    pub fn gone(detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..Self::default()
        }
    }
}

/// All that a backend must do. It observes and performs; it never decides.
pub trait HostingBackend {
    /// Fills in what the backend adds by itself, so that it is not taken for a difference.
    ///
    /// # Errors
    /// What the site needs of the operator's settings, such as a credential, is not there.
    fn canonical(&self, desired: DesiredHosting) -> Result<DesiredHosting, EdgeError>;

    /// What is there now.
    ///
    /// # Errors
    /// The backend cannot be asked, or cannot do what `desired` needs.
    fn observe(
        &self,
        desired: &DesiredHosting,
        look: Look,
    ) -> impl Future<Output = Result<ObservedSite, EdgeError>> + Send;

    /// Makes one change. Doing it again changes nothing more.
    ///
    /// # Errors
    /// The change was not made, or not wholly; what visitors see is as before or as asked.
    fn perform(
        &self,
        action: &HostingAction,
    ) -> impl Future<Output = Result<Applied, EdgeError>> + Send;

    /// Where visitors find the site by its own names, the primary address first.
    fn urls(&self, desired: &DesiredHosting) -> Vec<String>;
}

/// The backends of this daemon.
#[derive(Clone, Debug)]
pub struct Backends {
    /// This machine.
    pub local_static: LocalStatic,
    /// Cloudflare Pages.
    pub cloudflare_pages: CloudflarePages,
}

impl Backends {
    /// What a provider names files by, beside our own digests.
    #[must_use]
    pub const fn names(provider: HostingProvider) -> Names {
        match provider {
            HostingProvider::CloudflarePages => Names { pages: true },
            HostingProvider::LocalStatic
            | HostingProvider::S3Static
            | HostingProvider::CriomosHost => Names { pages: false },
        }
    }
}

impl Backends {
    /// The allowances of requests that were used so far, by the name of an account.
    #[must_use]
    pub fn budgets(&self) -> Vec<(String, Budget)> {
        self.cloudflare_pages.budgets()
    }
}

/// Runs file work on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EdgeError> + Send + 'static,
) -> Result<T, EdgeError> {
    // What is logged there belongs to the step.
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .unwrap_or_else(|error| Err(EdgeError::rejected("file work ended early").source(error)))
}

/// Says that a provider's backend is missing.
fn missing(provider: HostingProvider) -> EdgeError {
    let name = crate::schema::enumerant_name(provider);
    EdgeError::unsupported(format!(
        "hosting.provider = {name} is not supported by this version"
    ))
    .at("hosting.provider")
    .hint("this version publishes with hosting.provider = cloudflarePages or localStatic")
}

impl HostingBackend for Backends {
    fn canonical(&self, desired: DesiredHosting) -> Result<DesiredHosting, EdgeError> {
        match &desired.settings {
            HostingSettings::CloudflarePages(_) => self.cloudflare_pages.canonical(desired),
            HostingSettings::LocalStatic(_) => self.local_static.canonical(desired),
            HostingSettings::S3Static(_) | HostingSettings::CriomosHost(_) => {
                Err(missing(desired.provider()))
            }
        }
    }

    async fn observe(
        &self,
        desired: &DesiredHosting,
        look: Look,
    ) -> Result<ObservedSite, EdgeError> {
        let observed = match &desired.settings {
            HostingSettings::CloudflarePages(_) => {
                self.cloudflare_pages.observe(desired, look).await
            }
            HostingSettings::LocalStatic(_) => self.local_static.observe(desired, look).await,
            HostingSettings::S3Static(_) | HostingSettings::CriomosHost(_) => {
                Err(missing(desired.provider()))
            }
        };
        observed.map_err(|error| error.of_account(desired.service()))
    }

    async fn perform(&self, action: &HostingAction) -> Result<Applied, EdgeError> {
        let done = match action.settings() {
            HostingSettings::CloudflarePages(_) => self.cloudflare_pages.perform(action).await,
            HostingSettings::LocalStatic(_) => self.local_static.perform(action).await,
            HostingSettings::S3Static(_) | HostingSettings::CriomosHost(_) => {
                Err(missing(action.settings().provider()))
            }
        };
        done.map_err(|error| error.of_account(service(action.settings())))
    }

    fn urls(&self, desired: &DesiredHosting) -> Vec<String> {
        match &desired.settings {
            HostingSettings::CloudflarePages(_) => self.cloudflare_pages.urls(desired),
            HostingSettings::LocalStatic(_) => self.local_static.urls(desired),
            HostingSettings::S3Static(_) | HostingSettings::CriomosHost(_) => Vec::new(),
        }
    }
}
