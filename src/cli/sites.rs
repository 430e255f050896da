//! `status`, `history`, `protect` and `unprotect`: what the state directory knows of sites.

use super::args::{Global, History, Status};
use super::exit::{Exit, Failure};
use super::{render, setup};
use crate::model::SiteId;
use crate::schema::enumerant_name;
use crate::settings::Settings;
use crate::store::{HistoryEntry, SiteRecord, Store};
use serde_json::{Value, json};

pub(super) fn status(global: &Global, args: &Status) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let store = Store::open_readonly(&settings.state_dir)?;
    let mut sites = store.sites();
    if let Some(only) = &args.site {
        sites.retain(|(id, _)| id == only);
        if sites.is_empty() {
            return Err(unknown(only));
        }
    }
    if render::json(args.output) {
        let lines: Vec<Value> = sites.iter().map(|(id, site)| site_json(id, site)).collect();
        return lines_of(&lines);
    }
    if sites.is_empty() {
        render::note("no sites yet; send one: mycelia-spore encode site.yaml | mycelia-spore");
        return Ok(Exit::Converged);
    }
    let heading = ["SITE", "STATE", "ADDRESS", "RELEASE", "APPLIED", "NOTE"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(sites.iter().map(|(id, site)| {
        vec![
            id.to_string(),
            site.state.name().to_owned(),
            site.primary.clone(),
            site.release
                .as_ref()
                .map_or("-", |release| release.short())
                .to_owned(),
            time(site.applied_at),
            remark(site),
        ]
    }));
    render::answer(render::table(&rows).as_bytes())?;
    Ok(Exit::Converged)
}

/// What a person should know of a site beside its state.
fn remark(site: &SiteRecord) -> String {
    let mut notes = Vec::new();
    if site.protected {
        notes.push("protected");
    }
    if site.held.is_some() {
        notes.push("rolled back");
    }
    if !site.detail.is_empty() {
        notes.push(&site.detail);
    }
    notes.join("; ")
}

fn site_json(id: &SiteId, site: &SiteRecord) -> Value {
    json!({
        "v": 1,
        "site": id.as_str(),
        "state": site.state.name(),
        "provider": enumerant_name(site.provider),
        "project": site.project.as_str(),
        "primary": site.primary,
        "release": site.release.as_ref().map(ToString::to_string),
        "generation": site.generation,
        "applied_at": site.applied_at.to_string(),
        "next_edge": site.next_edge.map(|edge| edge.to_string()),
        "protected": site.protected,
        "rolled_back": site.held.is_some(),
        "labels": site.labels.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "detail": site.detail,
    })
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

pub(super) fn protect(global: &Global, site: &SiteId, protected: bool) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let store = open_known(&settings, site)?;
    setup::runtime()?.block_on(store.set_protected(site, protected))?;
    let state = if protected {
        "is protected from being taken down"
    } else {
        "is no longer protected"
    };
    render::note(&format!("{site} {state}"));
    Ok(Exit::Converged)
}

pub(super) fn forget(global: &Global, site: &SiteId) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let store = open_known(&settings, site)?;
    setup::runtime()?.block_on(store.forget(site))?;
    render::note(&format!(
        "{site} is forgotten; what is published of it stays, and its next message finds it as it is"
    ));
    Ok(Exit::Converged)
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
