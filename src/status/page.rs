//! The page for people: the same numbers and sites, without scripts.

use super::api::activity_name;
use super::reply::{Body, text, whole};
use crate::reconcile::{Activity, SiteView, Snapshot};
use crate::schedule::Health;
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use hyper::{Response, StatusCode};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("../../templates/status/page.css");

/// Sites that are shown: those that need a person first. More make a page that nobody reads and that costs the
/// daemon at every look.
const ROWS: usize = 500;

#[derive(Template)]
#[template(path = "status/index.html")]
struct Page<'a> {
    version: &'static str,
    style: &'static str,
    at: String,
    draining: bool,
    unwell: usize,
    numbers: Vec<(&'static str, usize)>,
    accounts: Vec<String>,
    rows: Vec<Row<'a>>,
    more: usize,
}

struct Row<'a> {
    site: &'a str,
    health: &'static str,
    activity: &'static str,
    until: String,
    state: &'static str,
    address: &'a str,
    applied: String,
    note: &'a str,
}

/// Answers with the page.
pub(super) fn show(snapshot: &Snapshot) -> Response<Body> {
    match Page::of(snapshot).render() {
        Ok(html) => {
            let mut response = whole(StatusCode::OK, "text/html; charset=utf-8", html);
            if let Ok(policy) = HeaderValue::from_str(&policy()) {
                response
                    .headers_mut()
                    .insert(CONTENT_SECURITY_POLICY, policy);
            }
            response
        }
        Err(error) => {
            tracing::error!("the status page cannot be made: {error}");
            let what = "the page cannot be made; the log says why\n";
            text(StatusCode::INTERNAL_SERVER_ERROR, what)
        }
    }
}

/// Nothing but our own style is let in, by its digest.
fn policy() -> String {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

impl<'a> Page<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let counts = snapshot.counts;
        let mut sites: Vec<&SiteView> = snapshot.sites.iter().collect();
        sites.sort_by_key(|site| urgency(site));
        let accounts = snapshot.circuits.iter().map(|circuit| {
            let until = circuit.until.map_or_else(|| "it answers".into(), second);
            format!("Account {} is left alone until {until}.", circuit.account)
        });
        Self {
            version: env!("CARGO_PKG_VERSION"),
            style: STYLE,
            at: second(snapshot.at),
            draining: snapshot.draining,
            unwell: counts.failing + counts.drifted + counts.unapproved,
            numbers: vec![
                ("sites", sites.len()),
                ("failing", counts.failing),
                ("drifted", counts.drifted),
                ("awaiting approval", counts.unapproved),
                ("worked on", counts.running),
                ("tried again later", counts.retrying + counts.held),
                ("paused", counts.paused),
                ("messages waiting", counts.queued),
            ],
            accounts: accounts.collect(),
            rows: sites.iter().take(ROWS).map(|site| Row::of(site)).collect(),
            more: sites.len().saturating_sub(ROWS),
        }
    }
}

/// The order of sites: what needs a person, what goes on, the rest by id.
const fn urgency(site: &SiteView) -> u8 {
    match (site.health, &site.activity) {
        (Health::Failing, _) => 0,
        (Health::Drifted, _) => 1,
        (Health::Awaiting, _) => 2,
        (_, Activity::Retrying { .. } | Activity::Held { .. }) => 3,
        (_, Activity::Running { .. }) => 4,
        (_, Activity::Ready) => 5,
        (_, Activity::Paused) => 6,
        (_, Activity::Resting { .. }) => 7,
    }
}

impl<'a> Row<'a> {
    fn of(view: &'a SiteView) -> Self {
        let record = view.record.as_deref();
        let until = match &view.activity {
            Activity::Resting { .. }
            | Activity::Paused
            | Activity::Ready
            | Activity::Held { .. } => String::new(),
            Activity::Retrying { at, .. } => format!("at {}", second(*at)),
            Activity::Running { since, .. } => format!("since {}", second(*since)),
        };
        let problem = view.problem.as_ref().map(|problem| &*problem.message);
        Self {
            site: view.site.as_str(),
            health: view.health.name(),
            activity: activity_name(&view.activity),
            until,
            state: record.map_or("new", |record| record.state.name()),
            address: record.map_or("", |record| &record.primary),
            applied: record.map_or_else(String::new, |record| second(record.applied_at)),
            note: problem
                .or(record.map(|record| &*record.detail))
                .unwrap_or_default(),
        }
    }
}

/// A time to the second.
fn second(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
