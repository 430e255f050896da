//! Names: given, followed, taken away, and those of others.

use crate::cloudflare::{Domain, DomainClock, Fake};
use crate::common::{artifact, block_on, names};
use crate::place::{Place, site};
use mycelia_spore::artifact::Artifact;
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::hosting::cloudflare_pages::PagesOptions;
use mycelia_spore::plan::Plan;
use std::sync::Arc;
use std::time::Duration;

fn files() -> Arc<Artifact> {
    artifact(&[("index.html", "one")])
}

/// A fake whose names become usable by this clock, and a backend that hardly waits for them.
fn place(clock: DomainClock) -> Place {
    let fake = Fake::with(|world| world.settings.domains = clock);
    let options = PagesOptions {
        domain_wait: Duration::from_millis(10),
        ..PagesOptions::default()
    };
    Place::over(fake, options)
}

#[test]
fn a_name_that_does_not_become_active_is_told_with_what_is_in_its_way() {
    block_on(async {
        let place = place(DomainClock::Never {
            validation: Some("caa_error".into()),
            verification: Some("CNAME record not set".into()),
        });
        let site = site("blog", &["blog.example"]);
        let applying = place.apply(&site, &files()).await;
        let [error] = &applying.errors[..] else {
            panic!("{:?}", applying.steps)
        };
        assert!(matches!(error.kind, EdgeErrorKind::Transient { .. }));
        assert_eq!(error.path, "domains");
        for told in ["blog.example", "caa_error", "CNAME record not set"] {
            assert!(error.message.contains(told), "{error}");
        }
        assert!(error.hint.as_ref().unwrap().contains("blog.pages.dev"));
        // The site itself is there, and the next look is at the name alone.
        assert!(place.fake.project("blog").live().is_some());
        let plan = place.plan(&site, Some(&files())).await;
        let verbs: Vec<_> = plan.steps.iter().map(|step| step.action.verb()).collect();
        assert_eq!(verbs, ["await"]);
    });
}

#[test]
fn a_name_whose_check_failed_is_checked_again() {
    block_on(async {
        let fake = Fake::with(|world| world.settings.domains = DomainClock::AfterRetries(1));
        let options = PagesOptions {
            domain_wait: Duration::from_secs(3),
            ..PagesOptions::default()
        };
        let place = Place::over(fake, options);
        let site = site("blog", &["blog.example"]);
        let applying = place.apply(&site, &files()).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let project = place.fake.project("blog");
        assert_eq!(project.domain("blog.example").unwrap().retries, 1);
    });
}

#[test]
fn names_that_somebody_else_gave_stay_and_are_named() {
    block_on(async {
        let place = place(DomainClock::AtOnce);
        let mut site = site("blog", &["blog.example", "www.blog.example"]);
        place.apply(&site, &files()).await;
        let account = place.fake.account().to_owned();
        {
            let mut state = place.fake.state();
            let project = state.project(&account, "blog").ok().unwrap();
            let theirs = Domain {
                name: "theirs.example".into(),
                ..project.domains[0].clone()
            };
            project.domains.push(theirs);
        }
        site.hosting.names = names(&["blog.example"]);
        let plan = place.plan(&site, Some(&files())).await;
        assert!(!plan.refuses());
        assert_eq!(plan.withheld.len(), 1, "{:?}", plan.withheld);
        assert!(plan.withheld[0].action.contains("theirs.example"));
        place.carry_out(&plan).await;
        let project = place.fake.project("blog");
        let left: Vec<&str> = project.domains.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(left, ["blog.example", "theirs.example"]);
        // Declared, it is the site's as well.
        site.hosting.names = names(&["blog.example", "theirs.example"]);
        assert_eq!(place.plan(&site, Some(&files())).await, Plan::default());
    });
}

#[test]
fn a_name_that_a_stranger_has_is_a_conflict() {
    block_on(async {
        let place = place(DomainClock::AtOnce);
        let taken = "blog.example".to_owned();
        place.fake.state().taken_domains.insert(taken);
        let site = site("blog", &["blog.example"]);
        let applying = place.apply(&site, &files()).await;
        let [error] = &applying.errors[..] else {
            panic!("{:?}", applying.steps)
        };
        assert_eq!(error.kind, EdgeErrorKind::Conflict, "{error}");
        assert_eq!(error.path, "domains");
        assert!(error.message.contains("8000018"), "{error}");
    });
}

#[test]
fn a_project_with_very_many_deployments_is_removed_all_the_same() {
    block_on(async {
        let place = place(DomainClock::AtOnce);
        let mut site = site("blog", &["blog.example"]);
        place.apply(&site, &files()).await;
        let account = place.fake.account().to_owned();
        {
            let mut state = place.fake.state();
            let project = state.project(&account, "blog").ok().unwrap();
            let first = project.deployments[0].clone();
            for number in 0..130 {
                let mut copy = first.clone();
                copy.id = format!("{number:08x}-0000-4000-8000-000000000000");
                copy.environment = if number % 2 == 0 {
                    "preview"
                } else {
                    "production"
                };
                if number % 2 == 0 {
                    copy.aliases = vec![format!("https://b{number}.blog.pages.dev")];
                }
                project.deployments.insert(0, copy);
            }
        }
        site.ensure = mycelia_spore::model::Ensure::Absent;
        let plan = place.plan(&site, None).await;
        let applying = place.carry_out(&plan).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        assert!(
            applying.steps[0].detail.contains("130 deployments"),
            "{:?}",
            applying.steps
        );
        assert_eq!(place.fake.state().projects().count(), 0);
    });
}
