//! A backend on a fake Cloudflare, and what a test does with it.

use crate::cloudflare::Fake;
use crate::common;
use mycelia_spore::apply::Applying;
use mycelia_spore::artifact::Artifact;
use mycelia_spore::desired::{DesiredSite, Names};
use mycelia_spore::edge::EdgeError;
use mycelia_spore::edge::cloudflare::{AccountId, AccountSettings, Cloudflare, CloudflareSettings};
use mycelia_spore::edge::http::{Http, HttpSettings, Retry};
use mycelia_spore::edge::secret::{Credentials, SecretPlace};
use mycelia_spore::hosting::HostingBackend;
use mycelia_spore::hosting::cloudflare_pages::{CloudflarePages, PagesOptions};
use mycelia_spore::model::{self, HostingSettings, Parse, SettingsName};
use mycelia_spore::observed::Look;
use mycelia_spore::plan::{Plan, Policy, Standing};
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A fake and a backend that reaches it.
pub(crate) struct Place {
    pub(crate) fake: Fake,
    pub(crate) backend: CloudflarePages,
    folder: TempDir,
}

fn name(text: &str) -> SettingsName {
    SettingsName::parse(text).unwrap()
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::over(Fake::start(), PagesOptions::default())
    }

    /// A backend that waits little, over a fake.
    pub(crate) fn over(fake: Fake, options: PagesOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let backend = backend(&fake, &folder, options);
        Self {
            fake,
            backend,
            folder,
        }
    }

    /// The same by a client that soon takes silence for an answer.
    pub(crate) fn impatient(fake: Fake) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cloudflare = reached_within(&fake, &folder, IMPATIENT);
        Self {
            backend: CloudflarePages::new(cloudflare, PagesOptions::default()),
            fake,
            folder,
        }
    }

    /// Another program that knows nothing of what was done so far.
    pub(crate) fn restarted(self) -> Self {
        let backend = backend(&self.fake, &self.folder, PagesOptions::default());
        Self { backend, ..self }
    }

    /// A site under these names.
    pub(crate) fn site(&self, id: &str, names: &[&str]) -> DesiredSite {
        let names = match names {
            [] => Names::default(),
            names => common::names(names),
        };
        common::desired(id, settings(), names)
    }

    pub(crate) async fn plan(&self, site: &DesiredSite, files: Option<&Arc<Artifact>>) -> Plan {
        self.plan_looking(site, files, Look::Closely).await
    }

    /// The same where looking may fail.
    pub(crate) async fn try_plan(
        &self,
        site: &DesiredSite,
        files: Option<&Arc<Artifact>>,
    ) -> Result<Plan, EdgeError> {
        self.look(site, files, Look::Closely).await
    }

    pub(crate) async fn carry_out(&self, plan: &Plan) -> Applying {
        common::apply(&self.backend, plan).await
    }

    /// The plan for a site looked at as closely as asked.
    pub(crate) async fn plan_looking(
        &self,
        site: &DesiredSite,
        files: Option<&Arc<Artifact>>,
        look: Look,
    ) -> Plan {
        self.look(site, files, look).await.unwrap()
    }

    async fn look(
        &self,
        site: &DesiredSite,
        files: Option<&Arc<Artifact>>,
        look: Look,
    ) -> Result<Plan, EdgeError> {
        let mut site = site.clone();
        site.hosting = self.backend.canonical(site.hosting)?;
        let observed = self.backend.observe(&site.hosting, look).await?;
        let (policy, standing) = (Policy::default(), Standing::default());
        Ok(Plan::between(&site, files, &observed, &policy, &standing))
    }

    /// Plans and carries out.
    pub(crate) async fn apply(&self, site: &DesiredSite, files: &Arc<Artifact>) -> Applying {
        let plan = self.plan(site, Some(files)).await;
        self.carry_out(&plan).await
    }
}

/// How long a client waits for an answer whose server is silent on purpose.
pub(crate) const IMPATIENT: Duration = Duration::from_millis(500);

/// How long a client waits for an answer on a busy machine.
const PATIENT: Duration = Duration::from_secs(20);

/// A client that tries again as often as the real one, and at once.
fn http(timeout: Duration) -> Http {
    Http::new(HttpSettings {
        timeout,
        retry: Retry {
            base: Duration::from_millis(1),
            max: Duration::from_millis(5),
            ..Retry::default()
        },
        ..HttpSettings::new("mycelia-spore tests")
    })
}

/// Cloudflare as the fake's token reaches it.
pub(crate) fn reached(fake: &Fake, folder: &TempDir) -> Cloudflare {
    reached_within(fake, folder, PATIENT)
}

/// The same by a client that waits no longer for an answer.
pub(crate) fn reached_within(fake: &Fake, folder: &TempDir, timeout: Duration) -> Cloudflare {
    let file = folder.path().join("token");
    fs::write(&file, fake.token()).unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "mushroom-5ecret").unwrap();
    let account = AccountSettings {
        id: AccountId::parse(fake.account()).unwrap(),
        token: name("token"),
        max_files: None,
    };
    let settings = CloudflareSettings {
        base_url: fake.url(),
        accounts: [(name("default"), account)].into(),
        credentials: Credentials::new(
            [
                (name("token"), SecretPlace::File(file)),
                (name("api-key"), SecretPlace::File(secret)),
            ]
            .into(),
        ),
        ..CloudflareSettings::default()
    };
    Cloudflare::new(settings, http(timeout))
}

/// A backend over a fake, with credentials in a folder.
pub(crate) fn backend(fake: &Fake, folder: &TempDir, options: PagesOptions) -> CloudflarePages {
    CloudflarePages::new(reached(fake, folder), options)
}

/// The settings of a message that says no more than the provider.
pub(crate) fn settings() -> HostingSettings {
    HostingSettings::CloudflarePages(model::CloudflarePages::default())
}
