//! What belongs to whom.

use crate::common::{self, artifact, names};
use crate::fixtures::Fixture;
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::model::Ensure;
use mycelia_spore::observed::Ownership;
use mycelia_spore::plan::{Plan, Policy, Standing};

/// A site that is there, with another mark than its own.
async fn marked(it: &impl Fixture, owner: &str) -> DesiredSite {
    let site = it.site("blog", names(&["blog.example"]));
    it.apply(&site, Some(&artifact(&[("index.html", "theirs")])))
        .await;
    it.mark("blog", owner);
    site
}

/// The plan for a site by a policy that takes over what is unmarked.
async fn adopting(it: &impl Fixture, site: &DesiredSite, text: &str) -> Plan {
    let policy = Policy {
        adopt: true,
        ..Policy::default()
    };
    let files = artifact(&[("index.html", text)]);
    let standing = Standing::default();
    common::plan(it.backend(), site, Some(&files), &policy, &standing).await
}

pub(crate) async fn what_is_foreign_is_left_alone(it: &impl Fixture) {
    let mut site = marked(it, "shop").await;
    let found = it.live(&site).await;
    assert!(
        matches!(&found.ownership, Ownership::Foreign { owner } if owner.contains("shop")),
        "{:?}",
        found.ownership
    );
    for names in [names(&["blog.example"]), names(&["other.example"])] {
        site.hosting.names = names;
        // Not even the files that are there, and not even where adopting is allowed.
        for text in ["ours", "theirs"] {
            let plan = adopting(it, &site, text).await;
            assert!(plan.refuses());
            assert!(it.withheld(&site, &plan).await.contains("shop"));
        }
        assert!(it.plan(&site, None).await.refuses());
    }
    site.ensure = Ensure::Absent;
    let plan = it.plan(&site, None).await;
    assert!(plan.refuses());
    assert!(it.withheld(&site, &plan).await.contains("shop"));
}

pub(crate) async fn what_is_unmarked_is_left_alone(it: &impl Fixture) {
    let site = marked(it, "").await;
    assert_eq!(it.live(&site).await.ownership, Ownership::Unmarked);
    for text in ["ours", "theirs"] {
        let files = artifact(&[("index.html", text)]);
        let plan = it.plan(&site, Some(&files)).await;
        assert!(plan.refuses());
        let reason = it.withheld(&site, &plan).await;
        assert!(reason.contains("policy.adopt"), "{reason}");
    }
}

pub(crate) async fn what_is_unmarked_is_adopted_when_allowed(it: &impl Fixture) {
    // The same files as well: the mark is what is missing.
    for text in ["theirs", "ours"] {
        let site = marked(it, "").await;
        let plan = adopting(it, &site, text).await;
        it.carry_out(&plan).await;
        assert_eq!(it.live(&site).await.ownership, Ownership::Ours);
        assert_eq!(adopting(it, &site, text).await, Plan::default());
    }
}

pub(crate) async fn what_is_unmarked_is_never_removed(it: &impl Fixture) {
    let mut site = marked(it, "").await;
    site.ensure = Ensure::Absent;
    let plan = adopting(it, &site, "ours").await;
    assert!(plan.refuses());
    it.withheld(&site, &plan).await;
}

pub(crate) async fn a_name_of_another_site_is_withheld(it: &impl Fixture) {
    let files = artifact(&[("index.html", "one")]);
    let one = it.site("one", names(&["one.example", "shared.example"]));
    it.apply(&one, Some(&files)).await;
    let before = it.look(&one).await;
    for asked in [
        &["shared.example"][..],
        &["one.example"],
        &["two.example", "shared.example"],
    ] {
        let two = it.site("two", names(asked));
        let plan = it.plan(&two, Some(&files)).await;
        assert!(plan.refuses());
        let reason = it.withheld(&two, &plan).await;
        assert!(reason.contains("site one"), "{reason}");
        assert_eq!(it.found(&two).await, None);
    }
    // A site that is there does not get it by renaming either.
    let mut two = it.site("two", names(&["two.example"]));
    it.apply(&two, Some(&files)).await;
    two.hosting.names = names(&["two.example", "shared.example"]);
    let plan = it.plan(&two, Some(&files)).await;
    assert!(plan.refuses());
    it.withheld(&two, &plan).await;
    assert_eq!(it.look(&one).await, before);
}

pub(crate) async fn a_name_is_free_after_its_site_was_removed(it: &impl Fixture) {
    let files = artifact(&[("index.html", "one")]);
    let mut one = it.site("one", names(&["shared.example"]));
    it.apply(&one, Some(&files)).await;
    one.ensure = Ensure::Absent;
    it.apply(&one, None).await;
    let two = it.site("two", names(&["shared.example"]));
    it.apply(&two, Some(&files)).await;
    assert_eq!(it.live(&two).await.names, two.hosting.names);
}

pub(crate) async fn a_name_is_free_after_its_site_gave_it_up(it: &impl Fixture) {
    let files = artifact(&[("index.html", "one")]);
    let mut one = it.site("one", names(&["one.example", "shared.example"]));
    it.apply(&one, Some(&files)).await;
    one.hosting.names = names(&["one.example"]);
    it.apply(&one, Some(&files)).await;
    let two = it.site("two", names(&["shared.example"]));
    it.apply(&two, Some(&files)).await;
    assert_eq!(it.live(&two).await.names, two.hosting.names);
    assert_eq!(it.live(&one).await.names, one.hosting.names);
}

pub(crate) async fn names_can_be_swapped_within_a_site(it: &impl Fixture) {
    let files = artifact(&[("index.html", "one")]);
    let mut site = it.site("one", names(&["one.example", "two.example"]));
    it.apply(&site, Some(&files)).await;
    site.hosting.names = names(&["two.example", "one.example"]);
    it.apply(&site, Some(&files)).await;
    assert_eq!(it.live(&site).await.names, site.hosting.names);
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
}
