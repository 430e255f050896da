//! A daemon that lives on and looks after sites at Cloudflare: what fails is tried again, an account that does not
//! work is left alone, what somebody changes is found.

use crate::cloudflare::{Fault, Trouble};
use crate::living::{Living, Way, elsewhere, here, is_of, page, persistent, whole};
use crate::upstream::Upstream;
use mycelia_spore::edge::http::Retry;
use mycelia_spore::reconcile::{Activity, Event, Happening, SiteOrder};
use mycelia_spore::report::{Cause, Outcome, Report, StepOutcome};
use mycelia_spore::schedule::{Health, Notice};
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The path of an account's projects.
const PROJECTS: &str = "/accounts/*/pages/projects";

/// When a site's next run begins.
fn started(event: &Event, site: &str) -> Option<jiff::Timestamp> {
    let begins = matches!(event.what, Happening::Started { .. });
    (begins && is_of(event.site.as_ref(), site)).then_some(event.at)
}

/// Until when an account is left alone, once it is.
fn left_alone(event: &Event) -> Option<(String, jiff::Timestamp)> {
    match &event.what {
        Happening::Circuit {
            account,
            until: Some(until),
        } => Some((account.clone(), *until)),
        _ => None,
    }
}

/// The account that is used again.
fn used_again(event: &Event) -> Option<String> {
    match &event.what {
        Happening::Circuit {
            account,
            until: None,
        } => Some(account.clone()),
        _ => None,
    }
}

/// How often a site was tried again, and how many reports it had.
fn told(events: &[Arc<Event>]) -> (usize, usize) {
    let count = |wanted: fn(&Happening) -> bool| {
        let events = events.iter();
        events.filter(|event| wanted(&event.what)).count()
    };
    (
        count(|what| matches!(what, Happening::Retrying { .. })),
        count(|what| matches!(what, Happening::Reported(_))),
    )
}

fn steps(report: &Report) -> Vec<(&str, StepOutcome)> {
    let steps = report.steps.iter();
    steps
        .map(|step| (step.action.as_str(), step.outcome))
        .collect()
}

#[test]
fn an_error_of_the_service_is_tried_again_and_told_once() {
    let mut living = Living::new(Way::calm());
    let error = || Fault::error(500, 8_000_000, "An unknown error occurred");
    let looks = living
        .fake
        .fault(error().on("GET", &format!("{PROJECTS}/blog")).first(1));
    let path = format!("{PROJECTS}/blog/deployments");
    // A call that may be repeated after a look is tried three times within a step.
    let deployments = living.fake.fault(error().on("POST", &path).first(3));
    let report = living.send(&page("blog"));
    assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.faults);
    // What the attempt before the last has done is told, too.
    let done = StepOutcome::Done;
    assert_eq!(steps(&report), [("create", done), ("publish", done)]);
    assert_eq!(living.fake.struck(looks), 1);
    assert_eq!(living.fake.struck(deployments), 3);
    assert_eq!(told(&living.events()), (2, 1));
    assert_eq!(living.fake.project("blog").deployments.len(), 1);
    living.end();
}

/// A daemon whose default account asks for time with its first answer, and goes on.
fn throttled(retry: Retry) {
    let mut way = Way::calm();
    way.schedule.bounds.jobs = 2;
    way.retry = retry;
    let mut living = Living::new(way);
    let throttled = living.fake.fault(Fault::throttled(Some(3)).first(1));
    let begun = Instant::now();
    let sites = ["blog", "wiki", "shop"];
    let first = living.begin(&page("blog"));
    let (account, until) = living.next(left_alone);
    assert_eq!(account, "cloudflare/default");
    let others = ["wiki", "shop"].map(|site| living.begin(&page(site)));
    let local = living.send(&here("links"));
    assert_eq!(local.outcome, Outcome::Applied, "{:?}", local.faults);
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "the site on this machine waited"
    );
    assert_eq!(living.fake.calls().len(), 1, "{:?}", living.fake.calls());
    for view in living.snapshot().sites {
        let waits = match view.activity {
            Activity::Held { account } => account == "cloudflare/default",
            Activity::Retrying { .. } => true,
            _ => false,
        };
        assert_eq!(waits, sites.contains(&view.site.as_str()), "{}", view.site);
    }
    for site in [first].into_iter().chain(others) {
        let report = living.report_of(site);
        assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.faults);
    }
    assert!(begun.elapsed() >= Duration::from_secs(3));
    assert_eq!(living.next(used_again), "cloudflare/default");
    assert!(jiff::Timestamp::now() >= until);
    assert_eq!(living.fake.struck(throttled), 1);
    living.end();
}

#[test]
fn an_account_that_asks_for_time_gets_it_and_others_go_on() {
    throttled(Retry {
        attempts: 1,
        ..persistent()
    });
}

#[test]
fn what_waits_for_an_account_keeps_nobody_else_waiting() {
    throttled(persistent());
}

#[test]
fn an_account_that_is_refused_is_left_alone_for_a_while() {
    let mut way = Way::calm();
    way.schedule.breaker.failures = 2;
    let mut living = Living::new(way);
    let token = living.credential("token");
    let right = fs::read_to_string(&token).unwrap();
    fs::write(&token, "fake-withdrawn").unwrap();
    for site in ["blog", "wiki"] {
        let report = living.send(&page(site));
        assert_eq!(report.outcome, Outcome::Failed);
        assert_eq!(report.faults[0].code, "unauthorised");
    }
    let (account, until) = living.next(left_alone);
    assert_eq!(account, "cloudflare/default");
    let held = living.begin(&page("shop"));
    for message in [elsewhere("docs"), here("links")] {
        let report = living.send(&message);
        assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.faults);
    }
    fs::write(&token, right).unwrap();
    let began = living.next(|event| started(event, "shop"));
    assert!(began >= until, "{began} is before {until}");
    let report = living.report_of(held);
    assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.faults);
    assert_eq!(living.next(used_again), "cloudflare/default");
    // What was refused itself is nobody's mistake any more.
    assert_eq!(living.send(&page("blog")).outcome, Outcome::Applied);
    assert_eq!(living.snapshot().circuits, []);
    living.end();
}

#[test]
fn a_lost_answer_leads_to_a_look_and_to_nothing_twice() {
    let living = Living::new(Way::calm());
    let message = whole("blog");
    living.send(&message);
    let records = living.records();
    let mut calls: Vec<(&'static str, String)> = Vec::new();
    for call in living.fake.calls().iter().filter(|call| call.is_change()) {
        let method = ["POST", "PATCH", "PUT"]
            .into_iter()
            .find(|method| *method == call.method.as_str());
        calls.push((method.unwrap(), call.path.clone()));
    }
    assert!(calls.len() > 4, "{calls:?}");
    living.end();
    for (number, (method, path)) in calls.iter().enumerate() {
        let before = calls[..number]
            .iter()
            .filter(|call| **call == calls[number]);
        let nth = u32::try_from(before.count()).unwrap() + 1;
        // Identifiers differ from one fake to the next.
        let path: Vec<&str> = path
            .split('/')
            .map(|part| if part.len() == 32 { "*" } else { part })
            .collect();
        let at = format!("{method} {}", path.join("/"));
        let mut living = Living::new(Way::calm());
        let lost = Fault::new(Trouble::DoneThenLost).on(method, &path.join("/"));
        let lost = living.fake.fault(lost.nth(nth));
        let report = living.send(&message);
        assert_eq!(
            report.outcome,
            Outcome::Applied,
            "{at}: {:?}",
            report.faults
        );
        assert_eq!(living.fake.struck(lost), 1, "{at}");
        assert_eq!(told(&living.events()).1, 1, "{at}");
        let project = living.fake.project("blog");
        assert_eq!(living.fake.state().projects().count(), 1, "{at}");
        assert_eq!(project.deployments.len(), 1, "{at}");
        assert_eq!(project.domains.len(), 1, "{at}");
        assert_eq!(living.records(), records, "{at}");
        living.end();
    }
}

/// Changes a site behind the daemon's back: a record, a name and a setting of its project.
fn disturb(living: &Living, site: &str) {
    let account = living.fake.account().to_owned();
    let mut state = living.fake.state();
    for zone in state.zones.values_mut() {
        for record in &mut zone.records {
            if record.name == format!("_note.{site}.spore.example") {
                record.content = "\"else\"".into();
            }
        }
    }
    let project = state.project(&account, site).ok().unwrap();
    project.domains.clear();
    let variables = &mut project.deployment_configs["production"]["env_vars"];
    variables["STAGE"]["value"] = json!("else");
}

/// What [`disturb`] changes.
fn disturbed(living: &Living, site: &str) -> (String, usize, String) {
    let records = living.records().into_iter();
    let note = format!("_note.{site}.spore.example");
    let mut contents = records.filter(|(name, ..)| *name == note);
    let project = living.fake.project(site);
    (
        contents.next().unwrap().2,
        project.domains.len(),
        project.env_var("production", "STAGE").unwrap().to_owned(),
    )
}

fn drifting(site: &str, drift: &str) -> Value {
    let mut message = whole(site);
    message["lifecycle"] = json!({ "drift": drift });
    message
}

#[test]
fn what_somebody_changes_is_repaired_or_told_or_left_as_the_site_says() {
    let mut living = Living::new(Way::eager());
    let sites = [("blog", "repair"), ("wiki", "report"), ("shop", "off")];
    for (site, drift) in sites {
        let report = living.send(&drifting(site, drift));
        assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.faults);
    }
    let before = sites.map(|(site, _)| disturbed(&living, site));
    for (site, _) in sites {
        disturb(&living, site);
    }
    let after = sites.map(|(site, _)| disturbed(&living, site));
    let mut verbs = Vec::new();
    // A look that was under way may have seen a part of it.
    while disturbed(&living, "blog") != before[0] {
        let repaired = living.drift("blog");
        assert_eq!(repaired.outcome, Outcome::Applied, "{:?}", repaired.faults);
        verbs.extend(repaired.steps.into_iter().map(|step| step.action));
    }
    verbs.dedup();
    assert_eq!(verbs, ["configure", "set-names", "records", "await"]);
    living.drift("wiki");
    let told = living.drift("wiki");
    assert_eq!(told.outcome, Outcome::Planned);
    let expected = verbs
        .iter()
        .map(|verb| (verb.as_str(), StepOutcome::Planned));
    assert_eq!(steps(&told), expected.collect::<Vec<_>>());
    // Others were looked at meanwhile, this one again and again.
    living.drift("wiki");
    let now = sites.map(|(site, _)| disturbed(&living, site));
    assert_eq!(now, [before[0].clone(), after[1].clone(), after[2].clone()]);
    let snapshot = living.snapshot();
    let health: Vec<Health> = snapshot.sites.iter().map(|site| site.health).collect();
    let off = &snapshot.sites[1];
    assert_eq!(off.site.as_str(), "shop");
    assert_eq!(off.activity, Activity::Resting { until: None });
    // That it was repaired is told once; the next look finds it well.
    assert!(matches!(health[0], Health::Repaired | Health::Good));
    assert_eq!(health[1..], [Health::Good, Health::Drifted]);
    // A message is what a site that is only told of was waiting for.
    assert_eq!(
        living.send(&drifting("wiki", "off")).outcome,
        Outcome::Applied
    );
    assert_eq!(disturbed(&living, "wiki").1, 1);
    living.end();
}

#[test]
fn previews_and_the_site_itself_go_their_own_ways() {
    let living = Living::new(Way::calm());
    let upstream = Upstream::new(&living.repositories(), "o/site");
    for branch in ["main", "feature"] {
        upstream.commit(branch, &[("100644", "index.html", branch)]);
    }
    let message = |branch: &str, number: u32| {
        json!({
            "schemaVersion": 1,
            "site": { "id": "blog", "kind": "blog" },
            "requestId": format!("{branch}-{number}"),
            "repo": { "provider": "github", "slug": "o/site", "defaultBranch": branch },
            "build": { "type": "staticPrebuilt" },
            "hosting": { "provider": "cloudflarePages", "productionBranch": "main" },
        })
    };
    // While the first is on its way, the others come.
    let slow = Trouble::SlowStart(Duration::from_millis(300));
    living.fake.fault(Fault::new(slow).first(1));
    let sent = [
        ("main", 1),
        ("main", 2),
        ("feature", 3),
        ("feature", 4),
        ("main", 5),
        ("feature", 6),
    ];
    let sent = sent.map(|(branch, number)| living.begin(&message(branch, number)));
    let reports = sent.map(|sent| living.report_of(sent));
    let outcomes: Vec<(&str, Outcome)> = reports
        .iter()
        .map(|report| (report.request_id.as_str(), report.outcome))
        .collect();
    let expected = [
        ("main-1", Outcome::Applied),
        ("main-2", Outcome::Superseded),
        ("feature-3", Outcome::Superseded),
        ("feature-4", Outcome::Superseded),
        ("main-5", Outcome::Unchanged),
        ("feature-6", Outcome::Applied),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(reports[5].urls[0], "https://feature.blog.pages.dev");
    let project = living.fake.project("blog");
    let live = project.live().unwrap();
    assert_eq!(project.content(live, "/index.html"), Some(&b"main"[..]));
    let preview = project.deployments.last().unwrap();
    assert_eq!(
        project.content(preview, "/index.html"),
        Some(&b"feature"[..])
    );
    assert_eq!(project.deployments.len(), 2);
    living.end();
}

#[test]
fn what_belongs_to_nobody_is_taken_over_once_and_only_when_told() {
    let mut living = Living::new(Way::eager());
    let account = living.fake.account().to_owned();
    let unmark = |living: &Living, site: &str, owner: Option<&str>| {
        let mut state = living.fake.state();
        let project = state.project(&account, site).ok().unwrap();
        let variables = &mut project.deployment_configs["production"]["env_vars"];
        match owner {
            None => drop(
                variables
                    .as_object_mut()
                    .unwrap()
                    .shift_remove("MYCELIA_SPORE"),
            ),
            Some(owner) => {
                let mark = json!({ "site": owner }).to_string();
                variables["MYCELIA_SPORE"]["value"] = mark.into();
            }
        }
    };
    let mark = |living: &Living, site: &str| {
        let project = living.fake.project(site);
        let mark = project.env_var("production", "MYCELIA_SPORE");
        mark.map(ToOwned::to_owned)
    };
    for site in ["blog", "wiki"] {
        assert_eq!(living.send(&page(site)).outcome, Outcome::Applied);
        assert_eq!(
            living.order(site, SiteOrder::Forget).outcome,
            Outcome::Unchanged
        );
    }
    unmark(&living, "blog", None);
    unmark(&living, "wiki", Some("another"));
    for site in ["blog", "wiki"] {
        let report = living.send(&page(site));
        assert_eq!(report.outcome, Outcome::Refused, "{:?}", report.faults);
    }
    assert_eq!(mark(&living, "blog"), None);
    let taken = living.order("blog", SiteOrder::TakeOver);
    assert_eq!(taken.outcome, Outcome::Applied, "{:?}", taken.withheld);
    assert_eq!(taken.cause, Cause::Operator);
    assert!(mark(&living, "blog").unwrap().contains("\"blog\""));
    let kept = living.order("wiki", SiteOrder::TakeOver);
    assert_eq!(kept.outcome, Outcome::Refused);
    assert!(mark(&living, "wiki").unwrap().contains("another"));
    assert_eq!(living.send(&page("blog")).outcome, Outcome::Unchanged);
    // Who takes the mark away again is not overruled by a look.
    living.events();
    unmark(&living, "blog", None);
    living.next(|event| match &event.what {
        Happening::Noticed {
            notice: Notice::Failure(_),
            ..
        } if is_of(event.site.as_ref(), "blog") => Some(()),
        _ => None,
    });
    assert_eq!(mark(&living, "blog"), None);
    living.end();
}
