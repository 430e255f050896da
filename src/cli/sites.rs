//! `status` and `history`: what the state directory and the running daemon know of sites.

use super::args::{Global, History, Status};
use super::exit::{Exit, Failure};
use super::{control, render, setup};
use crate::edge::socket::SocketError;
use crate::model::{Parse, SiteId};
use crate::rpc::{CallError, Site as Now, Status as Daemon, Trouble};
use crate::schema::daemon_capnp::{Activity, Health};
use crate::schema::enumerant_name;
use crate::settings::{Overrides, Settings};
use crate::store::{HistoryEntry, SiteRecord, Store};
use crate::words;
use serde_json::{Value, json};
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
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(sites.iter().map(Known::row));
    render::answer(render::table(&rows).as_bytes())?;
    if let Some(daemon) = &daemon {
        render::note(&daemon_line(daemon));
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
    fn row(&self) -> Vec<String> {
        let record = self.record.as_deref();
        let state = record.map_or("new", |record| record.state.name());
        let release = record.and_then(|record| record.release.as_ref());
        vec![
            self.id.to_string(),
            state.to_owned(),
            record.map_or("", |record| &record.primary).to_owned(),
            release.map_or("-", |release| release.short()).to_owned(),
            record.map_or_else(|| "-".to_owned(), |record| time(record.applied_at)),
            self.remark(),
        ]
    }

    /// What a person should know of it beside its state.
    fn remark(&self) -> String {
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

/// What the daemon does for a site, or has found; nothing where all is well and at rest.
fn activity(now: &Now) -> Option<String> {
    let until = || now.until.map(clock).unwrap_or_default();
    let problem = now.problem.as_ref().map(|problem| problem.message.as_str());
    match now.activity {
        Activity::Running if now.attempt > 1 => Some(format!(
            "worked on since {}, attempt {}",
            until(),
            now.attempt
        )),
        Activity::Running => Some(format!("worked on since {}", until())),
        Activity::Ready => Some("waits for its turn".to_owned()),
        Activity::Retrying => Some(format!(
            "tried again at {}: {}",
            until(),
            problem.unwrap_or("it failed")
        )),
        Activity::Held => Some(format!("waits for account {}", now.account)),
        Activity::Paused => Some("paused".to_owned()),
        Activity::Resting => match (now.health, problem) {
            (Health::Good | Health::Repaired, _) => None,
            (_, Some(problem)) => Some(problem.to_owned()),
            (health, None) => Some(enumerant_name(health).to_owned()),
        },
    }
}

/// What the daemon says of itself.
fn daemon_line(daemon: &Daemon) -> String {
    let mut lines = vec![format!(
        "mycelia-spore {} is running since {}, process {}",
        daemon.version,
        time(daemon.started),
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
    lines.extend(daemon.circuits.iter().map(|(account, until)| {
        let until = until.map_or_else(|| "it answers".to_owned(), clock);
        format!("account {account} is left alone until {until}")
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
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let mut found = false;
    rows.extend(entries.iter().map(|entry| {
        let release = entry.release.as_ref();
        // The live release may have become live more than once; the newest time is the one that counts.
        let live = !found && release.is_some() && release == site.release.as_ref();
        found |= live;
        vec![
            release.map_or("-", |release| release.short()).to_owned(),
            time(entry.at),
            entry.cause.name().to_owned(),
            if live {
                format!("{} (live)", entry.detail)
            } else {
                entry.detail.clone()
            },
        ]
    }));
    render::answer(render::table(&rows).as_bytes())?;
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

/// A time of the day to the second.
fn clock(at: jiff::Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

fn lines_of(values: &[Value]) -> Result<Exit, Failure> {
    for value in values {
        render::answer(format!("{value}\n").as_bytes())?;
    }
    Ok(Exit::Converged)
}
