//! Cloudflare Pages: projects, releases by direct upload or by Cloudflare's own builds, names.
//!
//! What is there is always read from the API, never assumed from what was done before. A project carries the
//! mark of its site, and a deployment tells what it was made of, so nothing has to be remembered here: another
//! machine, or this one after its state was lost, sees the same.

mod assets;
mod configure;
mod functions;
mod jwt;
mod mark;
mod names;
mod observe;
mod projects;
mod properties;
mod publish;
mod remove;
mod rules;
mod upload;
mod wire;
pub mod wrangler;

use super::{Applied, HostingBackend, blocking};
use crate::desired::DesiredHosting;
use crate::edge::EdgeError;
use crate::edge::cloudflare::{Account, Cloudflare};
use crate::edge::http::Budget;
use crate::model::{self, HostingSettings, TlsMode};
use crate::observed::{Look, ObservedSite};
use crate::plan::HostingAction;
use crate::progress::Telling;
use projects::Projects;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use wrangler::Wrangler;

/// What uploads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    /// This program.
    #[default]
    Native,
    /// Cloudflare's own client, wrangler.
    Wrangler,
}

/// How the backend works, as the operator decides.
#[derive(Clone, Debug)]
pub struct PagesOptions {
    /// What uploads.
    pub driver: Driver,
    /// Where wrangler is; `None` to look for it on `PATH`.
    pub wrangler: Option<PathBuf>,
    /// How long a deployment may take to be live. Uploads take seconds, builds by Cloudflare up to 20 minutes
    /// (<https://developers.cloudflare.com/pages/platform/limits/>).
    pub deploy_wait: Duration,
    /// How long names may take until visitors can use them.
    pub domain_wait: Duration,
}

impl Default for PagesOptions {
    fn default() -> Self {
        Self {
            driver: Driver::Native,
            wrangler: None,
            deploy_wait: Duration::from_secs(25 * 60),
            domain_wait: Duration::from_secs(60),
        }
    }
}

/// The backend for Cloudflare Pages.
#[derive(Clone)]
pub struct CloudflarePages {
    cloudflare: Cloudflare,
    options: PagesOptions,
    projects: Projects,
    /// Cloudflare's own client, once it was needed and found.
    wrangler: Arc<OnceLock<Wrangler>>,
    telling: Telling,
}

impl std::fmt::Debug for CloudflarePages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CloudflarePages")
            .field("cloudflare", &self.cloudflare)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl CloudflarePages {
    /// The backend over Cloudflare as the operator's settings reach it.
    #[must_use]
    pub fn new(cloudflare: Cloudflare, options: PagesOptions) -> Self {
        Self {
            cloudflare,
            options,
            projects: Projects::default(),
            wrangler: Arc::default(),
            telling: Telling::default(),
        }
    }

    /// The same, telling how far uploads have come.
    #[must_use]
    pub fn telling(mut self, telling: Telling) -> Self {
        self.telling = telling;
        self
    }

    /// The allowances of requests that were used so far, by the name of an account.
    pub(super) fn budgets(&self) -> Vec<(String, Budget)> {
        self.cloudflare.budgets()
    }

    /// Cloudflare's own client. Finding it takes a second or two, so it is looked for once. Blocks.
    fn wrangler(&self) -> Result<Wrangler, EdgeError> {
        if let Some(found) = self.wrangler.get() {
            return Ok(found.clone());
        }
        let found = Wrangler::find(self.options.wrangler.as_deref())?;
        Ok(self.wrangler.get_or_init(|| found).clone())
    }

    /// The settings that are this backend's own, and the account they name.
    fn account_of<'s>(
        &self,
        settings: &'s HostingSettings,
    ) -> Result<(&'s model::CloudflarePages, Account), EdgeError> {
        let pages = own(settings)?;
        let account = self.cloudflare.account(pages.account.as_ref())?;
        Ok((pages, account))
    }

    fn account<'s>(
        &self,
        hosting: &'s DesiredHosting,
    ) -> Result<(&'s model::CloudflarePages, Account), EdgeError> {
        self.account_of(&hosting.settings)
    }
}

/// The settings that are this backend's own.
fn own(settings: &HostingSettings) -> Result<&model::CloudflarePages, EdgeError> {
    match settings {
        HostingSettings::CloudflarePages(settings) => Ok(settings),
        HostingSettings::LocalStatic(_)
        | HostingSettings::S3Static(_)
        | HostingSettings::CriomosHost(_) => Err(EdgeError::rejected(
            "these are not settings of cloudflarePages",
        )),
    }
}

/// Says what Pages cannot do.
fn supported(desired: &DesiredHosting) -> Result<(), EdgeError> {
    if desired.names.redirect_aliases {
        return Err(EdgeError::unsupported(
            "Pages serves every name alike and cannot redirect one to another",
        )
        .at("domains.aliasPolicy")
        .hint(
            "use aliasPolicy = serve, or a redirect rule of the alias' own zone instead of the alias",
        ));
    }
    match desired.tls {
        TlsMode::Provider => Ok(()),
        TlsMode::Acme | TlsMode::None => Err(EdgeError::unsupported(
            "Pages looks after certificates itself and serves nothing without",
        )
        .at("domains.tls")
        .hint("use tls = provider")),
    }
}

impl HostingBackend for CloudflarePages {
    fn canonical(&self, mut desired: DesiredHosting) -> Result<DesiredHosting, EdgeError> {
        supported(&desired)?;
        let (pages, _) = self.account(&desired)?;
        desired.properties = properties::declared(&desired, pages, &self.cloudflare)?;
        desired.names.aliases.sort();
        Ok(desired)
    }

    async fn observe(
        &self,
        desired: &DesiredHosting,
        look: Look,
    ) -> Result<ObservedSite, EdgeError> {
        self.look(desired, look).await
    }

    async fn perform(&self, action: &HostingAction) -> Result<Applied, EdgeError> {
        match action {
            HostingAction::Configure(configure) => self.configure(configure).await,
            HostingAction::Publish(publish) => self.publish(publish).await,
            HostingAction::Build { hosting } => self.build(hosting).await,
            HostingAction::SetNames {
                key,
                settings,
                from,
                names,
            } => self.set_names(key, settings, from, names).await,
            HostingAction::Await {
                key,
                settings,
                names,
            } => self.await_names(key, settings, names).await,
            HostingAction::Activate {
                key,
                settings,
                release,
            } => self.activate(key, settings, release).await,
            HostingAction::Remove { key, settings } => self.remove(key, settings).await,
        }
    }

    fn urls(&self, desired: &DesiredHosting) -> Vec<String> {
        desired
            .names
            .all()
            .map(|name| format!("https://{name}/"))
            .collect()
    }
}
