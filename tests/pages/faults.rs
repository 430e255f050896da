//! Everything that can go wrong with a call, at every call: nothing is there twice, nothing is lost, and what is
//! told is true.

use crate::cloudflare::{DomainClock, Fake, Fault, Trouble};
use crate::common::{artifact, block_on};
use crate::setup::{IMPATIENT, Place};
use mycelia_spore::apply::Applying;
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::hosting::cloudflare_pages::PagesOptions;
use mycelia_spore::model::Ensure;
use mycelia_spore::plan::Plan;
use std::time::Duration;

/// What can go wrong.
fn troubles() -> Vec<(&'static str, Fault)> {
    vec![
        ("throttled", Fault::throttled(Some(0))),
        ("throttled without a time", Fault::throttled(None)),
        (
            "an error",
            Fault::error(500, 8_000_000, "An unknown error occurred"),
        ),
        ("a gateway's page", Fault::page(502)),
        ("a page with status 200", Fault::page(200)),
        ("nonsense", Fault::nonsense()),
        ("an expired token", Fault::expired_jwt()),
        ("a reset", Fault::new(Trouble::Reset)),
        ("half an answer", Fault::new(Trouble::Truncated)),
        ("silence", Fault::new(Trouble::SlowAnswer(IMPATIENT * 2))),
        ("done, then lost", Fault::new(Trouble::DoneThenLost)),
    ]
}

fn place() -> Place {
    let fake = Fake::with(|world| world.settings.domains = DomainClock::AtOnce);
    Place::impatient(fake)
}

/// Runs `work` with each trouble at each of its calls: first without trouble, to count them.
fn everywhere(
    prepare: impl AsyncFn(&Place),
    work: impl AsyncFn(&Place) -> Option<Applying>,
    check: impl AsyncFn(&Place, &str),
) {
    block_on(async {
        let clean = place();
        prepare(&clean).await;
        clean.fake.clear_calls();
        let applying = work(&clean).await.unwrap();
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let calls = clean.fake.calls();
        check(&clean, "without trouble").await;
        assert!(calls.len() > 1, "{calls:?}");
        for number in 1..=calls.len() {
            for (what, trouble) in troubles() {
                let place = place();
                prepare(&place).await;
                let fault = place
                    .fake
                    .fault(trouble.nth(u32::try_from(number).unwrap()));
                let at = format!("{what} at call {number}: {}", calls[number - 1]);
                let first = work(&place).await;
                assert_eq!(place.fake.struck(fault), 1, "{at}");
                if let Some(first) = &first {
                    truthful(first, &at);
                }
                let done = first.is_some_and(|first| first.errors.is_empty());
                if !done {
                    // The message is sent again.
                    let again = work(&place).await.unwrap_or_else(|| panic!("{at}"));
                    assert!(again.errors.is_empty(), "{at}: {:?}", again.errors);
                }
                check(&place, &at).await;
                let violations = place.fake.violations();
                assert_eq!(violations, Vec::<String>::new(), "{at}");
            }
        }
    });
}

/// An error says what was tried; a kind that says "try again" is not given where that never helps.
fn truthful(applying: &Applying, at: &str) {
    for error in &applying.errors {
        let text = error.full();
        assert!(text.contains("pages/"), "{at}: {text}");
        assert!(
            matches!(
                error.kind,
                EdgeErrorKind::Transient { .. } | EdgeErrorKind::Unauthorised
            ),
            "{at}: {error:?}"
        );
    }
}

fn site(place: &Place) -> DesiredSite {
    place.site("blog", &["blog.example", "www.blog.example"])
}

const FILES: [(&str, &str); 3] = [("index.html", "one"), ("a/b.css", "b{}"), ("c.txt", "c")];

async fn publish(place: &Place) -> Option<Applying> {
    let site = site(place);
    let plan = place.try_plan(&site, Some(&artifact(&FILES))).await.ok()?;
    Some(place.carry_out(&plan).await)
}

/// The site is there, once.
async fn once(place: &Place, at: &str) {
    let project = place.fake.project("blog");
    assert_eq!(project.deployments.len(), 1, "{at}: one deployment");
    assert_eq!(project.domains.len(), 2, "{at}");
    let live = project.live().unwrap();
    for (path, content) in FILES {
        let there = project.content(live, &format!("/{path}"));
        assert_eq!(there, Some(content.as_bytes()), "{at}");
    }
    let state = place.fake.state().projects().count();
    assert_eq!(state, 1, "{at}: one project");
    let plan = place.plan(&site(place), Some(&artifact(&FILES))).await;
    assert_eq!(plan, Plan::default(), "{at}");
}

#[test]
fn a_first_publication_is_made_once() {
    everywhere(async |_| {}, publish, once);
}

#[test]
fn a_change_is_made_once() {
    let before = async |place: &Place| {
        let mut site = site(place);
        site.hosting.names = crate::common::names(&["blog.example", "old.example"]);
        let files = artifact(&[("index.html", "zero"), ("c.txt", "c")]);
        assert!(place.apply(&site, &files).await.errors.is_empty());
    };
    everywhere(before, publish, async |place, at| {
        let project = place.fake.project("blog");
        assert_eq!(project.deployments.len(), 2, "{at}");
        assert_eq!(project.domains.len(), 2, "{at}");
        assert!(project.domain("old.example").is_none(), "{at}");
        let live = project.live().unwrap();
        assert_eq!(
            project.content(live, "/index.html"),
            Some(&b"one"[..]),
            "{at}"
        );
        let plan = place.plan(&site(place), Some(&artifact(&FILES))).await;
        assert_eq!(plan, Plan::default(), "{at}");
    });
}

#[test]
fn a_removal_leaves_nothing_behind() {
    let before = async |place: &Place| {
        assert!(publish(place).await.unwrap().errors.is_empty());
    };
    let remove = async |place: &Place| {
        let mut site = site(place);
        site.ensure = Ensure::Absent;
        let plan = place.try_plan(&site, None).await.ok()?;
        Some(place.carry_out(&plan).await)
    };
    everywhere(before, remove, async |place, at| {
        assert_eq!(place.fake.state().projects().count(), 0, "{at}");
    });
}

#[test]
fn a_deployment_is_followed_as_long_as_it_takes_and_no_longer() {
    block_on(async {
        let slow = Fake::with(|world| world.settings.deployment_polls = 3);
        let place = Place::over(slow, PagesOptions::default());
        let site = place.site("blog", &[]);
        let applying = place.apply(&site, &artifact(&FILES)).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);

        let slower = Fake::with(|world| world.settings.deployment_polls = 4);
        let place = Place::over(
            slower,
            PagesOptions {
                deploy_wait: Duration::ZERO,
                ..PagesOptions::default()
            },
        );
        let applying = place.apply(&site, &artifact(&FILES)).await;
        let [error] = &applying.errors[..] else {
            panic!("{:?}", applying.steps)
        };
        assert!(matches!(error.kind, EdgeErrorKind::Transient { .. }));
        assert!(error.message.contains("is not done after 0 s"), "{error}");
        // The next attempt follows the same deployment.
        let place = place.restarted();
        let applying = place.apply(&site, &artifact(&FILES)).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        assert_eq!(place.fake.project("blog").deployments.len(), 1);
    });
}
