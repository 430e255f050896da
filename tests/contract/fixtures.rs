//! The backends, each in a place of its own.

use crate::cloudflare::{DomainClock, Fake};
use crate::common::{self, keeping};
use crate::pages;
use mycelia_spore::apply::Applying;
use mycelia_spore::artifact::Artifact;
use mycelia_spore::desired::{DesiredSite, Names};
use mycelia_spore::edge::EdgeError;
use mycelia_spore::hosting::cloudflare_pages::PagesOptions;
use mycelia_spore::hosting::{Applied, HostingBackend, cloudflare_pages, local_static, memory};
use mycelia_spore::model::HostingSettings;
use mycelia_spore::observed::{ObservedHosting, ObservedSite};
use mycelia_spore::plan::{HostingAction, Plan, Policy, Standing};
use mycelia_spore::release::Live;
use mycelia_spore::report::StepOutcome;
use std::fs;
use std::sync::Arc;

/// A backend under test, with nothing in it at first.
pub(crate) trait Fixture {
    /// What is tested.
    type Backend: HostingBackend;

    /// An empty one.
    fn new() -> Self;

    /// The backend.
    fn backend(&self) -> &Self::Backend;

    /// Settings that a message for this backend may have.
    fn settings(&self) -> HostingSettings;

    /// Whether visitors of one name can be led to another.
    fn redirects(&self) -> bool {
        true
    }

    /// Whether the backend keeps its releases itself: it knows their files, and the same files make the same
    /// release.
    fn knows_paths(&self) -> bool {
        true
    }

    /// Gives a project that is there another mark: a site's id, or empty for none.
    fn mark(&self, project: &str, owner: &str);

    /// A site that should be there under these names.
    fn site(&self, id: &str, names: Names) -> DesiredSite {
        common::desired(id, self.settings(), names)
    }

    /// All that the backend has to say of a site.
    async fn look(&self, site: &DesiredSite) -> ObservedSite {
        common::observe(self.backend(), site).await
    }

    /// What the backend has under a site's project, if anything.
    async fn found(&self, site: &DesiredSite) -> Option<ObservedHosting> {
        self.look(site).await.hosting
    }

    /// The same where something must be there.
    async fn live(&self, site: &DesiredSite) -> ObservedHosting {
        self.found(site).await.unwrap()
    }

    /// The plan by the usual policy for a site nothing was decided about.
    async fn plan(&self, site: &DesiredSite, artifact: Option<&Arc<Artifact>>) -> Plan {
        let policy = Policy::default();
        common::plan(
            self.backend(),
            site,
            artifact,
            &policy,
            &Standing::default(),
        )
        .await
    }

    /// Plans and carries out, where all must go well.
    async fn apply(&self, site: &DesiredSite, artifact: Option<&Arc<Artifact>>) -> Applying {
        let plan = self.plan(site, artifact).await;
        assert_eq!(plan.withheld, [], "nothing may be withheld");
        self.carry_out(&plan).await
    }

    /// Carries out a plan, where all must go well.
    async fn carry_out(&self, plan: &Plan) -> Applying {
        let applying = common::apply(self.backend(), plan).await;
        let done = |it: &_| *it == StepOutcome::Done;
        assert!(
            applying.steps.iter().all(|step| done(&step.outcome)),
            "{:?}",
            applying.steps
        );
        applying
    }

    /// One action by itself.
    async fn perform(&self, action: &HostingAction) -> Result<Applied, EdgeError> {
        self.backend().perform(action).await
    }

    /// A plan that withholds something and does nothing, which is what carrying it out shows.
    async fn withheld(&self, site: &DesiredSite, plan: &Plan) -> String {
        let before = self.look(site).await;
        assert_eq!(plan.steps, []);
        let [withheld] = &plan.withheld[..] else {
            panic!("one thing should be withheld: {:?}", plan.withheld);
        };
        self.carry_out(plan).await;
        assert_eq!(self.look(site).await, before);
        withheld.reason.clone()
    }
}

pub(crate) struct Memory(memory::Memory);

impl Fixture for Memory {
    type Backend = memory::Memory;

    fn new() -> Self {
        Self(memory::Memory::default())
    }

    fn backend(&self) -> &Self::Backend {
        &self.0
    }

    fn settings(&self) -> HostingSettings {
        keeping(5)
    }

    fn mark(&self, project: &str, owner: &str) {
        self.0.mark(project, owner);
    }
}

pub(crate) struct LocalStatic {
    backend: local_static::LocalStatic,
    _folder: tempfile::TempDir,
}

impl Fixture for LocalStatic {
    type Backend = local_static::LocalStatic;

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            backend: local_static::LocalStatic::new(folder.path()),
            _folder: folder,
        }
    }

    fn backend(&self) -> &Self::Backend {
        &self.backend
    }

    fn settings(&self) -> HostingSettings {
        keeping(5)
    }

    fn mark(&self, project: &str, owner: &str) {
        let path = self.backend.layout().live(project);
        let mut live: Live = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        owner.clone_into(&mut live.site);
        fs::write(&path, serde_json::to_vec(&live).unwrap()).unwrap();
    }
}

pub(crate) struct CloudflarePages {
    backend: cloudflare_pages::CloudflarePages,
    fake: Fake,
    _folder: tempfile::TempDir,
}

impl Fixture for CloudflarePages {
    type Backend = cloudflare_pages::CloudflarePages;

    fn new() -> Self {
        let fake = Fake::with(|world| world.settings.domains = DomainClock::AtOnce);
        let folder = tempfile::tempdir().unwrap();
        Self {
            backend: pages::backend(&fake, &folder, PagesOptions::default()),
            fake,
            _folder: folder,
        }
    }

    fn backend(&self) -> &Self::Backend {
        &self.backend
    }

    fn settings(&self) -> HostingSettings {
        pages::settings()
    }

    fn redirects(&self) -> bool {
        false
    }

    fn knows_paths(&self) -> bool {
        false
    }

    fn mark(&self, project: &str, owner: &str) {
        let account = self.fake.account().to_owned();
        let mut state = self.fake.state();
        let project = state
            .accounts
            .get_mut(&account)
            .and_then(|account| account.projects.get_mut(project))
            .unwrap();
        let variables = &mut project.deployment_configs["production"]["env_vars"];
        let mark = &mut variables["MYCELIA_SPORE"]["value"];
        let mut value: serde_json::Value = serde_json::from_str(mark.as_str().unwrap()).unwrap();
        value["site"] = owner.into();
        *mark = value.to_string().into();
    }
}
