//! Taking sites down and leaving them as they are.

use crate::common::{self, artifact, names};
use crate::fixtures::Fixture;
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::model::Ensure;
use mycelia_spore::observed::Ownership;
use mycelia_spore::plan::{HostingAction, Plan, Policy, Standing};

/// A site that is there and should not be.
async fn unwanted(it: &impl Fixture) -> DesiredSite {
    let mut site = it.site("blog", names(&["blog.example"]));
    it.apply(&site, Some(&artifact(&[("index.html", "one")])))
        .await;
    site.ensure = Ensure::Absent;
    site
}

pub(crate) async fn removing_leaves_nothing(it: &impl Fixture) {
    let site = unwanted(it).await;
    let plan = it.plan(&site, None).await;
    assert_eq!(plan.steps.len(), 1);
    let applying = it.carry_out(&plan).await;
    assert_eq!(applying.release, None);
    let observed = it.look(&site).await;
    assert_eq!((observed.hosting, &observed.taken[..]), (None, &[][..]));
    assert_eq!(it.plan(&site, None).await, Plan::default());
}

pub(crate) async fn removing_twice_is_removing_once(it: &impl Fixture) {
    let site = unwanted(it).await;
    let action = HostingAction::Remove {
        key: site.hosting.key.clone(),
        settings: site.hosting.settings.clone(),
    };
    for _ in 0..2 {
        assert_eq!(it.perform(&action).await.unwrap().release, None);
        assert_eq!(it.found(&site).await, None);
    }
}

pub(crate) async fn removing_what_never_was_is_fine(it: &impl Fixture) {
    let mut site = it.site("blog", names(&["blog.example"]));
    site.ensure = Ensure::Absent;
    assert_eq!(it.plan(&site, None).await, Plan::default());
    let action = HostingAction::Remove {
        key: site.hosting.key.clone(),
        settings: site.hosting.settings.clone(),
    };
    assert_eq!(it.perform(&action).await.unwrap().release, None);
}

pub(crate) async fn what_is_protected_is_not_removed(it: &impl Fixture) {
    let site = unwanted(it).await;
    let standing = Standing {
        protected: true,
        ..Standing::default()
    };
    let policy = Policy::default();
    let plan = common::plan(it.backend(), &site, None, &policy, &standing).await;
    assert!(plan.refuses());
    let reason = it.withheld(&site, &plan).await;
    assert!(reason.contains("unprotect blog"), "{reason}");
}

pub(crate) async fn what_is_paused_is_left_alone(it: &impl Fixture) {
    let mut site = it.site("blog", names(&["blog.example"]));
    let files = artifact(&[("index.html", "one")]);
    site.ensure = Ensure::Paused;
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
    site.ensure = Ensure::Present;
    it.apply(&site, Some(&files)).await;
    site.ensure = Ensure::Paused;
    site.hosting.names = names(&["other.example"]);
    let files = artifact(&[("index.html", "two")]);
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
}

pub(crate) async fn a_removed_site_can_come_back(it: &impl Fixture) {
    let mut site = unwanted(it).await;
    it.apply(&site, None).await;
    site.ensure = Ensure::Present;
    let files = artifact(&[("index.html", "one")]);
    it.apply(&site, Some(&files)).await;
    let found = it.live(&site).await;
    assert_eq!(found.ownership, Ownership::Ours);
    assert_eq!(found.artifact, Some(files.digest()));
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
}
