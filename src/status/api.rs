//! The daemon and its sites as JSON. Fields keep their names and meanings; new ones may come.

use crate::reconcile::{Activity, BudgetView, CircuitView, SiteView, Snapshot, cause};
use crate::rpc::Trouble;
use crate::schema::enumerant_name;
use serde_json::{Value, json};

/// The daemon without its sites.
pub(super) fn status(snapshot: &Snapshot) -> Value {
    let counts = snapshot.counts;
    let circuits = snapshot.circuits.iter();
    let circuits = circuits.map(|CircuitView { account, until }| {
        json!({ "account": account, "until": until.map(|until| until.to_string()) })
    });
    let budgets = snapshot.budgets.iter();
    let budgets = budgets.map(
        |BudgetView {
             account,
             remaining,
             limit,
         }| json!({ "account": account, "remaining": remaining, "limit": limit }),
    );
    let totals = &snapshot.totals;
    json!({
        "v": 1,
        "at": snapshot.at.to_string(),
        "started": snapshot.started.to_string(),
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "draining": snapshot.draining,
        "sites": {
            "resting": counts.resting,
            "paused": counts.paused,
            "ready": counts.ready,
            "retrying": counts.retrying,
            "held": counts.held,
            "running": counts.running,
        },
        "failing": counts.failing,
        "drifted": counts.drifted,
        "unapproved": counts.unapproved,
        "queued": counts.queued,
        "circuits": circuits.collect::<Vec<_>>(),
        "budgets": budgets.collect::<Vec<_>>(),
        "messages": totals.messages,
        "reports": totals.reports,
    })
}

/// All sites.
pub(super) fn sites(snapshot: &Snapshot) -> Value {
    let sites: Vec<Value> = snapshot.sites.iter().map(site).collect();
    json!({ "v": 1, "at": snapshot.at.to_string(), "sites": sites })
}

/// One site: what is known of it, and what the daemon does for it.
pub(super) fn site(view: &SiteView) -> Value {
    let mut value = match &view.record {
        Some(record) => record.json(&view.site),
        None => json!({ "v": 1, "site": view.site.as_str(), "state": "new" }),
    };
    let mut now = activity(&view.activity);
    now["health"] = json!(view.health.name());
    now["problem"] = view
        .problem
        .as_ref()
        .map_or(Value::Null, |problem| Trouble::from(problem).json());
    now["unfinished"] = json!(view.unfinished);
    now["accepted_at"] = json!(view.accepted_at.map(|at| at.to_string()));
    value["daemon"] = now;
    value
}

fn activity(activity: &Activity) -> Value {
    let name = activity_name(activity);
    match activity {
        Activity::Resting { until } => {
            json!({ "activity": name, "until": until.map(|until| until.to_string()) })
        }
        Activity::Paused | Activity::Ready => json!({ "activity": name }),
        Activity::Retrying { at, attempts } => {
            json!({ "activity": name, "until": at.to_string(), "attempt": attempts })
        }
        Activity::Held { account } => json!({ "activity": name, "account": account }),
        Activity::Running {
            why,
            attempt,
            since,
        } => json!({
            "activity": name,
            "cause": enumerant_name(cause(*why)),
            "attempt": attempt,
            "since": since.to_string(),
        }),
    }
}

/// What a site does, in a word.
pub(super) const fn activity_name(activity: &Activity) -> &'static str {
    match activity {
        Activity::Resting { .. } => "resting",
        Activity::Paused => "paused",
        Activity::Ready => "ready",
        Activity::Retrying { .. } => "retrying",
        Activity::Held { .. } => "held",
        Activity::Running { .. } => "running",
    }
}
