//! A backend on a fake Cloudflare, and what a test does with it.

use crate::cloudflare::Fake;
use crate::common;
use crate::reach::{IMPATIENT, backend, reached_within, settings};
use mycelia_spore::apply::Applying;
use mycelia_spore::artifact::Artifact;
use mycelia_spore::desired::{DesiredSite, Names, Property};
use mycelia_spore::edge::EdgeError;
use mycelia_spore::hosting::HostingBackend;
use mycelia_spore::hosting::cloudflare_pages::{CloudflarePages, PagesOptions};
use mycelia_spore::observed::{Look, ObservedSite};
use mycelia_spore::plan::{Plan, Policy, Standing};
use mycelia_spore::release::Digest;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

/// A fake and a backend that reaches it.
pub(crate) struct Place {
    pub(crate) fake: Fake,
    pub(crate) backend: CloudflarePages,
    folder: TempDir,
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

    pub(crate) fn canonical(&self, site: &DesiredSite) -> DesiredSite {
        let mut site = site.clone();
        site.hosting = self.backend.canonical(site.hosting).unwrap();
        site
    }

    pub(crate) async fn observe(&self, site: &DesiredSite, look: Look) -> ObservedSite {
        let site = self.canonical(site);
        self.backend.observe(&site.hosting, look).await.unwrap()
    }

    /// What a record keeps of secret settings that were sent.
    pub(crate) fn sent(&self, site: &DesiredSite) -> BTreeMap<String, Digest> {
        let properties = self.canonical(site).hosting.properties.into_iter();
        let secrets = properties.filter_map(|(name, value)| match value {
            Property::Secret(digest) => Some((name, digest)),
            Property::Plain(_) | Property::Hidden => None,
        });
        secrets.collect()
    }

    /// Changes the credential `api-key`.
    pub(crate) fn write_secret(&self, secret: &str) {
        fs::write(self.folder.path().join("secret"), secret).unwrap();
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

/// A site under these names.
pub(crate) fn site(id: &str, names: &[&str]) -> DesiredSite {
    let names = match names {
        [] => Names::default(),
        names => common::names(names),
    };
    common::desired(id, settings(), names)
}
