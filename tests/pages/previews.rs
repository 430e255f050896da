//! Previews of other branches: an address, and nothing else is touched.

use crate::common::{artifact, block_on, names};
use crate::place::{Place, site};
use mycelia_spore::desired::{Branches, DesiredSite};
use mycelia_spore::model::{Parse, RefName};
use mycelia_spore::plan::Plan;

fn branch(text: &str) -> RefName {
    RefName::parse(text).unwrap()
}

fn preview(names_of_site: &[&str]) -> DesiredSite {
    let mut site = site("blog", names_of_site);
    site.hosting.branches = Branches {
        production: Some(branch("main")),
        preview: Some(branch("feature/x")),
    };
    site
}

#[test]
fn a_preview_has_an_address_and_visitors_see_what_they_saw() {
    block_on(async {
        let place = Place::new();
        let mut live = site("blog", &[]);
        live.hosting.branches.production = Some(branch("main"));
        let files = artifact(&[("index.html", "live")]);
        place.apply(&live, &files).await;
        let other = artifact(&[("index.html", "preview")]);
        // Names of the message are not given for a preview.
        let preview = preview(&["blog.example"]);
        let plan = place.plan(&preview, Some(&other)).await;
        let verbs: Vec<_> = plan.steps.iter().map(|step| step.action.verb()).collect();
        assert_eq!(verbs, ["publish"]);
        let applying = place.carry_out(&plan).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        assert_eq!(applying.urls[0], "https://feature-x.blog.pages.dev");
        assert_eq!(
            applying.urls.len(),
            2,
            "and its own address: {:?}",
            applying.urls
        );
        let project = place.fake.project("blog");
        let seen = |path| project.content(project.live().unwrap(), path);
        assert_eq!(seen("/index.html"), Some(&b"live"[..]));
        assert!(project.domains.is_empty());
        // Both are as asked for now.
        let place = place.restarted();
        assert_eq!(place.plan(&preview, Some(&other)).await, Plan::default());
        assert_eq!(place.plan(&live, Some(&files)).await, Plan::default());
        assert_eq!(place.fake.project("blog").deployments.len(), 2);
    });
}

#[test]
fn a_preview_may_come_before_the_site() {
    block_on(async {
        let place = Place::new();
        let preview = preview(&[]);
        let files = artifact(&[("index.html", "preview")]);
        let applying = place.apply(&preview, &files).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let project = place.fake.project("blog");
        assert!(project.live().is_none());
        assert_eq!(project.production_branch, "main");
        let mut live = site("blog", &["blog.example"]);
        live.hosting.names = names(&[]);
        live.hosting.branches.production = Some(branch("main"));
        let plan = place.plan(&live, Some(&files)).await;
        let verbs: Vec<_> = plan.steps.iter().map(|step| step.action.verb()).collect();
        assert_eq!(
            verbs,
            ["publish"],
            "the files of a preview are not live yet"
        );
    });
}
