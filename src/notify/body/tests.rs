use super::*;
use crate::model::{Fault, Line, Parse as _, SettingsName};
use crate::notify::Receiver;
use crate::plan::{Patterns, Withheld};
use crate::report::Outcome;
use crate::schedule::Class;

fn announcement(kind: Kind, health: Health) -> Announcement {
    Announcement {
        kind,
        site: SiteId::parse("blog").unwrap(),
        health,
        at: "2026-11-22T10:30:00.25Z".parse().unwrap(),
        problem: None,
        report: None,
    }
}

fn failed() -> Report {
    let request_id = Line::parse("deploy-7").unwrap();
    let mut report = Report::about(12, SiteId::parse("blog").ok(), request_id);
    report.outcome = Outcome::Failed;
    let step = |action: &str, outcome, detail: &str| StepReport {
        action: action.into(),
        target: "cloudflare/blog".into(),
        outcome,
        detail: detail.into(),
    };
    report.steps = vec![
        step("create-project", StepOutcome::Done, ""),
        step("publish", StepOutcome::Failed, "the token is not accepted"),
        step("add-domain", StepOutcome::Blocked, ""),
    ];
    report.faults = vec![Fault {
        code: "unauthorised",
        path: "hosting".into(),
        message: "the token is not accepted".into(),
        hint: None,
    }];
    report
}

fn pretty(announcement: &Announcement) -> String {
    let value: Value = serde_json::from_slice(&announcement.body()).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn a_failure_tells_what_is_wrong_and_what_was_done() {
    let problem = Problem {
        class: Class::Unauthorised,
        message: "the token is not accepted".into(),
        hint: Some("make a new one".into()),
    };
    let announcement = Announcement {
        problem: Some(problem),
        report: Some(Arc::new(failed())),
        ..announcement(Kind::Failure, Health::Failing)
    };
    insta::assert_snapshot!(pretty(&announcement), @r#"
    {
      "type": "site.failure",
      "timestamp": "2026-11-22T10:30:00.25Z",
      "site": "blog",
      "state": "failing",
      "message": "the token is not accepted",
      "class": "unauthorised",
      "hint": "make a new one",
      "code": "unauthorised",
      "seq": 12,
      "report": {
        "outcome": "failed",
        "cause": "message",
        "steps": {
          "planned": 0,
          "done": 1,
          "failed": 1,
          "blocked": 1
        },
        "failed": [
          {
            "action": "publish",
            "target": "cloudflare/blog",
            "detail": "the token is not accepted"
          }
        ],
        "withheld": [],
        "urls": [],
        "request_id": "deploy-7"
      }
    }
    "#);
}

#[test]
fn what_has_no_report_is_short() {
    insta::assert_snapshot!(
        pretty(&announcement(Kind::Recovery, Health::Good)),
        @r#"
    {
      "type": "site.recovery",
      "timestamp": "2026-11-22T10:30:00.25Z",
      "site": "blog",
      "state": "good",
      "message": "the site is as asked again"
    }
    "#
    );
}

#[test]
fn what_waits_for_approval_is_named() {
    let mut report = Report::about(0, None, Line::default());
    report.withheld = vec![Withheld {
        action: "register".into(),
        reason: "example.org costs 12 EUR a year: approve it".into(),
        refused: false,
    }];
    let mut announcement = announcement(Kind::Approval, Health::Awaiting);
    assert_eq!(announcement.message(), "the site waits for approval");
    announcement.report = Some(Arc::new(report));
    let told = "example.org costs 12 EUR a year: approve it";
    assert_eq!(announcement.message(), told);
    let body: Value = serde_json::from_slice(&announcement.body()).unwrap();
    assert_eq!(body.get("seq"), None);
}

#[test]
fn a_long_report_is_cut() {
    let mut report = failed();
    report.steps[1].detail = "é".repeat(100_000);
    let steps = std::iter::repeat_n(report.steps[1].clone(), 1000);
    report.steps = steps.collect();
    report.urls = vec!["https://blog.example".into(); 1000];
    let announcement = Announcement {
        report: Some(Arc::new(report)),
        ..announcement(Kind::Failure, Health::Failing)
    };
    let body = announcement.body();
    assert!(body.len() < 20_000, "{}", body.len());
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["report"]["steps"]["failed"], 1000);
}

#[test]
fn an_announcement_has_a_name_of_its_own() {
    let notification = |name: &str| Notification {
        name: SettingsName::parse(name).unwrap(),
        on: Vec::new(),
        sites: Patterns::default(),
        receiver: Receiver::Program {
            path: "/bin/true".into(),
            args: Vec::new(),
        },
    };
    let one = announcement(Kind::Failure, Health::Failing);
    let id = one.id(&notification("pager"));
    assert_eq!(one.clone().id(&notification("pager")), id);
    let plain = id.strip_prefix("msg_").unwrap();
    assert_eq!(plain.len(), 32);
    assert!(plain.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let mut later = one.clone();
    later.at += jiff::SignedDuration::from_nanos(1);
    for other in [
        one.id(&notification("chat")),
        later.id(&notification("pager")),
        announcement(Kind::Recovery, Health::Good).id(&notification("pager")),
    ] {
        assert_ne!(other, id);
    }
}
