//! `status` and `history`: what the state directory and the running daemon know of sites.

use super::args::{Global, History, Status};
use super::exit::{Exit, Failure};
use super::table::{self, Cell};
use super::{control, render, setup};
use crate::edge::socket::SocketError;
use crate::model::{Parse, SiteId};
use crate::rpc::{CallError, Site as Now, Status as Daemon, Trouble};
use crate::schema::daemon_capnp::{Activity, Health};
use crate::schema::enumerant_name;
use crate::settings::{Overrides, Settings};
use crate::store::{HistoryEntry, SiteRecord, SiteState, Store};
use crate::words;
use anstyle::AnsiColor;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn status(global: &Global, args: &Status) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let only = args.site.clone();
    let asked = control::ask(&settings, async move |daemon| {
        daemon.status(only.as_ref()).await
    });
    let daemon = match asked {
        // Who may not ask the daemon is told what of its state cannot be read.
        Err(Failure::Call(CallError::Socket(SocketError::Io { .. }))) => None,
        asked => asked?,
    };
    let store = Store::open_readonly(&settings.state_dir)?;
    let sites = known(&store, daemon.as_ref(), args.site.as_ref());
    if let Some(only) = &args.site
        && sites.is_empty()
    {
        return Err(unknown(only));
    }
    if render::json(args.output) {
        let lines: Vec<Value> = sites.iter().map(Known::json).collect();
        return lines_of(&lines);
    }
    if sites.is_empty() {
        render::note("no sites yet; send one: mycelia-spore encode site.yaml | mycelia-spore");
        return Ok(Exit::Converged);
    }
    let heading = ["SITE", "STATE", "ADDRESS", "RELEASE", "APPLIED", "NOTE"];
    let mut rows = vec![heading.map(Cell::from).to_vec()];
    let now = jiff::Timestamp::now();
    rows.extend(sites.iter().map(|site| site.row(now)));
    let form = table::Form::of_output(render::color(global));
    render::answer(table::table(&rows, form).as_bytes())?;
    render::note(&in_all(&sites));
    if let Some(daemon) = &daemon {
        render::note(&daemon_line(daemon, now));
    }
    Ok(Exit::Converged)
}

/// The sites of the usual state directory; none where it cannot be read.
pub(super) fn names() -> Vec<String> {
    let store = Settings::load(Overrides::default())
        .ok()
        .and_then(|settings| Store::open_readonly(&settings.state_dir).ok());
    let sites = store.into_iter().flat_map(|store| store.sites());
    sites.map(|(id, _)| id.to_string()).collect()
}

/// A site, as the state directory knows it and as the running daemon does.
struct Known {
    id: SiteId,
    record: Option<Arc<SiteRecord>>,
    now: Option<Now>,
}

/// The sites that are known, by id.
fn known(store: &Store, daemon: Option<&Daemon>, only: Option<&SiteId>) -> Vec<Known> {
    let mut sites: BTreeMap<SiteId, Known> = BTreeMap::new();
    for (id, record) in store.sites() {
        let known = Known {
            id: id.clone(),
            record: Some(record),
            now: None,
        };
        sites.insert(id, known);
    }
    for (name, now) in daemon.into_iter().flat_map(|daemon| &daemon.sites) {
        let Ok(id) = SiteId::parse(name) else {
            continue;
        };
        let new = || Known {
            id: id.clone(),
            record: None,
            now: None,
        };
        sites.entry(id.clone()).or_insert_with(new).now = Some(now.clone());
    }
    let wanted = |known: &Known| only.is_none_or(|only| *only == known.id);
    sites.into_values().filter(wanted).collect()
}

impl Known {
    fn row(&self, now: jiff::Timestamp) -> Vec<Cell> {
        let record = self.record.as_deref();
        let release = record.and_then(|record| record.release.as_ref());
        let (standing, color) = self.standing();
        vec![
            self.id.as_str().into(),
            Cell::colored(standing, color),
            record.map_or("", |record| &record.primary).into(),
            release.map_or("-", |release| release.short()).into(),
            record.map_or_else(
                || "-".into(),
                |record| words::moment(record.applied_at, now).into(),
            ),
            self.remark(now).into(),
        ]
    }

    /// How it is, in a word: what the daemon does for it or has found of it, or else what its last message came to.
    fn standing(&self) -> (&'static str, AnsiColor) {
        let found = match self.now.as_ref().map(|now| (now.activity, now.health)) {
            Some((Activity::Running, _)) => Some(("working", AnsiColor::Cyan)),
            Some((Activity::Ready, _)) => Some(("waiting", AnsiColor::Cyan)),
            Some((Activity::Retrying, _)) => Some(("retrying", AnsiColor::Yellow)),
            Some((Activity::Held, _)) => Some(("held", AnsiColor::Yellow)),
            Some((Activity::Paused, _)) => Some(("paused", AnsiColor::BrightBlack)),
            Some((Activity::Resting, Health::Failing)) => Some(("failed", AnsiColor::Red)),
            Some((Activity::Resting, Health::Drifted)) => Some(("drifted", AnsiColor::Yellow)),
            Some((Activity::Resting, Health::Awaiting)) => Some(("awaiting", AnsiColor::Yellow)),
            Some((Activity::Resting, Health::Good | Health::Repaired)) | None => None,
        };
        found.unwrap_or_else(|| match self.record.as_ref().map(|record| record.state) {
            None => ("new", AnsiColor::BrightBlack),
            Some(SiteState::Live) => ("live", AnsiColor::Green),
            Some(SiteState::Failed) => ("failed", AnsiColor::Red),
            Some(state @ (SiteState::Absent | SiteState::Paused)) => {
                (state.name(), AnsiColor::BrightBlack)
            }
        })
    }

    /// What a person should know of it beside its state.
    fn remark(&self, now: jiff::Timestamp) -> String {
        let activity = |site: &Now| activity(site, now);
        let mut notes: Vec<String> = self.now.iter().filter_map(activity).collect();
        if let Some(record) = &self.record {
            notes.extend(record.protected.then(|| "protected".to_owned()));
            notes.extend(record.held.is_some().then(|| "rolled back".to_owned()));
            if !record.detail.is_empty() {
                notes.push(record.detail.clone());
            }
        }
        notes.join("; ")
    }

    fn json(&self) -> Value {
        let mut value = match &self.record {
            Some(record) => record.json(&self.id),
            None => json!({ "v": 1, "site": self.id.as_str(), "state": "new" }),
        };
        if let Some(now) = &self.now {
            value["daemon"] = json!({
                "activity": enumerant_name(now.activity),
                "until": now.until.map(|until| until.to_string()),
                "attempt": now.attempt,
                "account": now.account,
                "health": enumerant_name(now.health),
                "problem": now.problem.as_ref().map(Trouble::json),
                "unfinished": now.unfinished,
            });
        }
        value
    }
}

/// What is to be said of what the daemon does for a site, or has found; nothing where all is well and at rest.
fn activity(site: &Now, now: jiff::Timestamp) -> Option<String> {
    let until = || {
        site.until
            .map_or_else(String::new, |until| words::moment(until, now))
    };
    let problem = site
        .problem
        .as_ref()
        .map(|problem| problem.message.as_str());
    match site.activity {
        Activity::Running if site.attempt > 1 => {
            Some(format!("begun {}, attempt {}", until(), site.attempt))
        }
        Activity::Running => Some(format!("begun {}", until())),
        Activity::Retrying => Some(format!(
            "again {}: {}",
            until(),
            problem.unwrap_or("it failed")
        )),
        Activity::Held => Some(format!("waits for account {}", site.account)),
        Activity::Resting => problem
            .filter(|_| !matches!(site.health, Health::Good | Health::Repaired))
            .map(ToOwned::to_owned),
        Activity::Ready | Activity::Paused => None,
    }
}

/// How many sites there are, and how they are.
fn in_all(sites: &[Known]) -> String {
    let mut by_standing: BTreeMap<&str, usize> = BTreeMap::new();
    for site in sites {
        *by_standing.entry(site.standing().0).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = by_standing.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let counts = counts.iter().map(|(name, count)| format!("{count} {name}"));
    let counts: Vec<String> = counts.collect();
    format!(
        "{}: {}",
        words::count(sites.len(), "site"),
        counts.join(", ")
    )
}

/// What the daemon says of itself.
fn daemon_line(daemon: &Daemon, now: jiff::Timestamp) -> String {
    let mut lines = vec![format!(
        "mycelia-spore {} runs since {} ({}), process {}",
        daemon.version,
        time(daemon.started),
        words::moment(daemon.started, now),
        daemon.pid
    )];
    if daemon.queued > 0 {
        let queued = words::count(
            usize::try_from(daemon.queued).unwrap_or(usize::MAX),
            "message",
        );
        lines.push(format!("{queued} wait for their turn"));
    }
    if daemon.draining {
        lines.push("it ends: nothing further is started".to_owned());
    }
    lines.extend(daemon.circuits.iter().map(|(account, until)| match until {
        Some(until) => {
            let until = words::moment(*until, now);
            format!("account {account} is left alone; it is tried again {until}")
        }
        None => format!("account {account} is just tried again"),
    }));
    lines.join("\n")
}

pub(super) fn history(global: &Global, args: &History) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let store = Store::open_readonly(&settings.state_dir)?;
    let Some(site) = store.site(&args.site) else {
        return Err(unknown(&args.site));
    };
    let entries = store.history(&args.site, args.limit)?;
    if render::json(args.output) {
        let lines: Vec<Value> = entries.iter().map(entry_json).collect();
        return lines_of(&lines);
    }
    let heading = ["RELEASE", "WHEN", "WHY", "WHAT"];
    let mut rows = vec![heading.map(Cell::from).to_vec()];
    let mut found = false;
    rows.extend(entries.iter().map(|entry| {
        let release = entry.release.as_ref();
        // The live release may have become live more than once; the newest time is the one that counts.
        let live = !found && release.is_some() && release == site.release.as_ref();
        found |= live;
        vec![
            release.map_or("-", |release| release.short()).into(),
            time(entry.at).into(),
            entry.cause.name().into(),
            if live {
                format!("{} (live)", entry.detail).into()
            } else {
                entry.detail.as_str().into()
            },
        ]
    }));
    let form = table::Form::of_output(render::color(global));
    render::answer(table::table(&rows, form).as_bytes())?;
    Ok(Exit::Converged)
}

fn entry_json(entry: &HistoryEntry) -> Value {
    json!({
        "v": 1,
        "release": entry.release.as_ref().map(ToString::to_string),
        "at": entry.at.to_string(),
        "seq": entry.seq,
        "cause": entry.cause.name(),
        "detail": entry.detail,
    })
}

/// The state directory, if it knows a site. One that is not there yet is not made for a question.
pub(super) fn open_known(settings: &Settings, site: &SiteId) -> Result<Store, Failure> {
    if Store::open_readonly(&settings.state_dir)?
        .site(site)
        .is_none()
    {
        return Err(unknown(site));
    }
    Ok(Store::open(&settings.state_dir)?)
}

/// A site the state directory does not know.
pub(super) fn unknown(site: &SiteId) -> Failure {
    Failure::usage(
        format!("site {site} is not known here"),
        "`mycelia-spore status` lists the sites; is it the right --state-dir?",
    )
}

/// A time to the second.
fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn lines_of(values: &[Value]) -> Result<Exit, Failure> {
    for value in values {
        render::answer(format!("{value}\n").as_bytes())?;
    }
    Ok(Exit::Converged)
}
