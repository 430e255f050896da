//! Publishing, naming and going back.

use crate::common::{artifact, names, publication};
use crate::fixtures::Fixture;
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::hosting::HostingBackend;
use mycelia_spore::observed::Ownership;
use mycelia_spore::plan::{HostingAction, Plan, Policy, Standing};
use mycelia_spore::release::{HeaderRule, ReleaseId};
use std::sync::Arc;

/// The verbs of a plan. What only providers with projects of their own do besides is left out: they make the
/// project first, and wait at the end until names can be used.
fn verbs(plan: &Plan) -> Vec<&'static str> {
    let verbs = plan.steps.iter().map(|step| step.action.verb());
    verbs
        .filter(|verb| !["create", "await"].contains(verb))
        .collect()
}

/// The verbs of a plan that publishes under new names.
async fn under_new_names(it: &impl Fixture, site: &DesiredSite) -> &'static [&'static str] {
    if it.look(site).await.abilities.names_apart {
        &["publish", "set-names"]
    } else {
        &["publish"]
    }
}

fn activate(site: &DesiredSite, release: &ReleaseId) -> HostingAction {
    HostingAction::Activate {
        key: site.hosting.key.clone(),
        settings: site.hosting.settings.clone(),
        release: release.clone(),
    }
}

fn set_names(site: &DesiredSite, to: &[&str]) -> HostingAction {
    HostingAction::SetNames {
        from: Box::new(site.hosting.names.clone()),
        key: site.hosting.key.clone(),
        settings: site.hosting.settings.clone(),
        names: names(to),
    }
}

/// A site with three releases, the names of which are given, oldest first.
async fn three_releases(it: &impl Fixture) -> (DesiredSite, [ReleaseId; 3]) {
    let site = it.site("blog", names(&["blog.example"]));
    let mut releases = Vec::new();
    for text in ["one", "two", "three"] {
        let files = artifact(&[("index.html", text), ("same.css", "b{}")]);
        releases.extend(it.apply(&site, Some(&files)).await.release);
    }
    (site, releases.try_into().unwrap())
}

pub(crate) async fn nothing_is_there_at_first(it: &impl Fixture) {
    let site = it.site("blog", names(&["blog.example"]));
    let observed = it.look(&site).await;
    assert_eq!(observed.hosting, None);
    assert_eq!(observed.taken, []);
}

pub(crate) async fn the_plan_after_an_apply_is_empty(it: &impl Fixture) {
    let site = it.site("blog", names(&["blog.example", "www.blog.example"]));
    let files = artifact(&[("index.html", "one"), ("a/b.css", "b{}")]);
    let plan = it.plan(&site, Some(&files)).await;
    assert_eq!(verbs(&plan), under_new_names(it, &site).await);
    it.carry_out(&plan).await;
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
    // The files are known to be those that are live.
    assert_eq!(it.plan(&site, None).await, Plan::default());
}

pub(crate) async fn what_was_published_is_observed(it: &impl Fixture) {
    let mut site = it.site("blog", names(&["blog.example", "www.blog.example"]));
    site.hosting.names.redirect_aliases = it.redirects();
    site.hosting.rules.single_page_fallback = true;
    let files = artifact(&[("index.html", "one"), ("a/b.css", "b{}")]);
    let applying = it.apply(&site, Some(&files)).await;
    let found = it.live(&site).await;
    assert_eq!(found.ownership, Ownership::Ours);
    assert_eq!(found.artifact, Some(files.digest()));
    assert_eq!(found.rules, Some(site.hosting.rules.digest()));
    assert_eq!(found.names, site.hosting.names);
    assert_eq!(found.files, 2);
    if it.knows_paths() {
        assert_eq!(found.paths, ["a/b.css", "index.html"]);
    }
    assert_eq!(applying.release, found.release);
    assert_eq!(found.previous, []);
}

pub(crate) async fn what_the_message_leaves_out_is_no_difference(it: &impl Fixture) {
    let site = it.site("blog", names(&[]));
    let files = artifact(&[("index.html", "one")]);
    it.apply(&site, Some(&files)).await;
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
}

pub(crate) async fn the_order_of_aliases_is_no_difference(it: &impl Fixture) {
    let mut site = it.site("blog", names(&["b.example", "z.example", "a.example"]));
    let files = artifact(&[("index.html", "one")]);
    it.apply(&site, Some(&files)).await;
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
    site.hosting.names.aliases.reverse();
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
}

pub(crate) async fn the_next_release_keeps_the_one_before(it: &impl Fixture) {
    let (site, [one, two, three]) = three_releases(it).await;
    let found = it.live(&site).await;
    assert_eq!(found.release, Some(three));
    assert_eq!(found.previous, [two, one]);
}

pub(crate) async fn publishing_twice_is_publishing_once(it: &impl Fixture) {
    let (site, _) = three_releases(it).await;
    let action = publication(it.backend(), &site, &artifact(&[("index.html", "four")]));
    let applied = it.perform(&action).await.unwrap();
    let after = it.look(&site).await;
    let again = it.perform(&action).await.unwrap();
    assert_eq!(again.release, applied.release);
    assert_eq!(it.look(&site).await, after);
}

pub(crate) async fn naming_twice_is_naming_once(it: &impl Fixture) {
    let (site, _) = three_releases(it).await;
    let action = set_names(&site, &["new.example", "blog.example"]);
    let applied = it.perform(&action).await.unwrap();
    let after = it.look(&site).await;
    assert_eq!(it.perform(&action).await.unwrap(), applied);
    assert_eq!(it.look(&site).await, after);
}

pub(crate) async fn going_back_twice_is_going_back_once(it: &impl Fixture) {
    let (site, [one, two, three]) = three_releases(it).await;
    let action = activate(&site, &one);
    let applied = it.perform(&action).await.unwrap();
    assert_eq!(applied.release, Some(one));
    let after = it.look(&site).await;
    assert_eq!(after.hosting.as_ref().unwrap().previous, [three, two]);
    assert_eq!(it.perform(&action).await.unwrap(), applied);
    assert_eq!(it.look(&site).await, after);
}

pub(crate) async fn every_kept_release_can_be_gone_back_to(it: &impl Fixture) {
    let (site, releases) = three_releases(it).await;
    for release in &releases {
        let applied = it.perform(&activate(&site, release)).await.unwrap();
        assert_eq!(applied.release.as_ref(), Some(release));
        let found = it.live(&site).await;
        assert_eq!(found.release.as_ref(), Some(release));
        assert_eq!(found.names, site.hosting.names);
        assert_eq!(found.ownership, Ownership::Ours);
        let mut kept = [found.release.into_iter().collect(), found.previous].concat();
        let mut all = releases.to_vec();
        kept.sort();
        all.sort();
        assert_eq!(kept, all, "no release is lost or there twice");
    }
}

pub(crate) async fn the_files_rolled_back_from_are_published_again_unless_held(it: &impl Fixture) {
    let (site, [_, two, three]) = three_releases(it).await;
    let files = artifact(&[("index.html", "three"), ("same.css", "b{}")]);
    it.perform(&activate(&site, &two)).await.unwrap();
    let held = Standing {
        held: Some(files.digest()),
        ..Standing::default()
    };
    let policy = Policy::default();
    let plan = crate::common::plan(it.backend(), &site, Some(&files), &policy, &held).await;
    let reason = it.withheld(&site, &plan).await;
    assert!(reason.contains("rolled back"), "{reason}");
    assert!(!plan.refuses(), "nothing is wrong with the message");
    let applying = it.apply(&site, Some(&files)).await;
    let found = it.live(&site).await;
    assert_eq!(found.artifact, Some(files.digest()));
    assert_eq!(applying.release, found.release);
    assert!(found.previous.contains(&two));
    if it.knows_paths() {
        // Releases named after their content are not there twice.
        assert_eq!((found.release, &found.previous[0]), (Some(three), &two));
    }
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
}

pub(crate) async fn a_release_that_is_not_kept_is_rejected(it: &impl Fixture) {
    let (site, _) = three_releases(it).await;
    let before = it.look(&site).await;
    let unknown = ReleaseId::of(b"never published");
    let error = it.perform(&activate(&site, &unknown)).await.unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Rejected, "{error}");
    assert!(error.message.contains(unknown.as_str()), "{error}");
    assert_eq!(it.look(&site).await, before);
}

pub(crate) async fn other_names_keep_the_release(it: &impl Fixture) {
    let (mut site, [.., three]) = three_releases(it).await;
    let files = artifact(&[("index.html", "three"), ("same.css", "b{}")]);
    for to in [&["new.example"][..], &["new.example", "more.example"]] {
        site.hosting.names = names(to);
        let plan = it.plan(&site, Some(&files)).await;
        assert_eq!(verbs(&plan), ["set-names"]);
        assert_eq!(it.plan(&site, None).await, plan);
        let applying = it.carry_out(&plan).await;
        assert_eq!(applying.release.as_ref(), Some(&three));
        assert_eq!(it.live(&site).await.names, site.hosting.names);
        assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
    }
}

pub(crate) async fn other_rules_are_published(it: &impl Fixture) {
    let (mut site, [.., three]) = three_releases(it).await;
    let files = artifact(&[("index.html", "three"), ("same.css", "b{}")]);
    site.hosting.rules.headers.push(HeaderRule {
        path: "/*".into(),
        set: vec![("X-Robots-Tag".into(), "noindex".into())],
        unset: Vec::new(),
    });
    let plan = it.plan(&site, Some(&files)).await;
    assert_eq!(verbs(&plan), ["publish"]);
    let applying = it.carry_out(&plan).await;
    assert_ne!(applying.release, Some(three));
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
}

pub(crate) async fn other_files_take_their_names_along(it: &impl Fixture) {
    let (mut site, _) = three_releases(it).await;
    site.hosting.names = names(&["new.example"]);
    let files = artifact(&[("index.html", "four")]);
    let plan = it.plan(&site, Some(&files)).await;
    assert_eq!(verbs(&plan), under_new_names(it, &site).await);
    it.carry_out(&plan).await;
    assert_eq!(it.live(&site).await.names, site.hosting.names);
    assert_eq!(it.plan(&site, Some(&files)).await, Plan::default());
}

pub(crate) async fn nothing_can_be_changed_that_is_not_there(it: &impl Fixture) {
    let site = it.site("blog", names(&["blog.example"]));
    let release = ReleaseId::of(b"never published");
    for action in [
        set_names(&site, &["new.example"]),
        activate(&site, &release),
    ] {
        let error = it.perform(&action).await.unwrap_err();
        assert_eq!(error.kind, EdgeErrorKind::Rejected, "{error}");
        assert_eq!(it.found(&site).await, None);
    }
}

pub(crate) async fn sites_do_not_touch_each_other(it: &impl Fixture) {
    let files = artifact(&[("index.html", "one")]);
    let one = it.site("one", names(&["one.example"]));
    let two = it.site("two", names(&["two.example"]));
    it.apply(&one, Some(&files)).await;
    let before = it.look(&one).await;
    it.apply(&two, Some(&files)).await;
    it.apply(&two, Some(&artifact(&[("index.html", "two")])))
        .await;
    assert_eq!(it.look(&one).await, before);
    let mut gone = two.clone();
    gone.ensure = mycelia_spore::model::Ensure::Absent;
    it.apply(&gone, None).await;
    assert_eq!(it.look(&one).await, before);
}

pub(crate) async fn addresses_begin_with_the_primary_name(it: &impl Fixture) {
    let site = it.site("blog", names(&["blog.example", "www.blog.example"]));
    let urls = it
        .backend()
        .urls(&it.backend().canonical(site.hosting.clone()).unwrap());
    assert!(urls[0].contains("//blog.example"), "{urls:?}");
}

pub(crate) async fn the_change_brake_holds(it: &impl Fixture) {
    let site = it.site("blog", names(&["blog.example"]));
    let many: Vec<String> = (0..19).map(|number| format!("{number}.html")).collect();
    let mut files: Vec<(&str, &str)> = many.iter().map(|path| (&**path, "text")).collect();
    files.push(("index.html", "one"));
    it.apply(&site, Some(&artifact(&files))).await;
    let few = artifact(&[("index.html", "one")]);
    let plan = it.plan(&site, Some(&few)).await;
    assert!(plan.refuses());
    let reason = it.withheld(&site, &plan).await;
    assert!(reason.contains("19 of 20 files"), "{reason}");
    let policy = Policy {
        max_removed_percent: 95,
        ..Policy::default()
    };
    let standing = Standing::default();
    let few: Arc<_> = few;
    let plan = crate::common::plan(it.backend(), &site, Some(&few), &policy, &standing).await;
    it.carry_out(&plan).await;
    assert_eq!(it.live(&site).await.files, 1);
}
