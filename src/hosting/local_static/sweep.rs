//! Clearing away sites that were taken down long ago, while others are published.

use super::LocalStatic;
use super::pointer::{self, remove_file, remove_tree, unreadable, unwritable};
use crate::edge::EdgeError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How names of folders below `releases` begin whose content nobody needs any more. No project is named so.
const SWEPT: &str = ".swept-";

/// Removes tombstones older than `before` and the releases they kept. One that cannot be read or removed is
/// told in the log and left: it must not keep the others.
pub(super) fn sweep(
    backend: &LocalStatic,
    before: jiff::Timestamp,
) -> Result<Vec<String>, EdgeError> {
    let mut swept = Vec::new();
    for project in buried(&backend.layout().root().join("tombstones"))? {
        match sweep_one(backend, &project, before) {
            Ok(true) => swept.push(project),
            Ok(false) => {}
            Err(error) => tracing::warn!(project, "not swept: {}", error.full()),
        }
    }
    for folder in set_aside(&backend.layout().root().join("releases"))? {
        if let Err(error) = remove_tree(&folder) {
            tracing::warn!("not swept: {}", error.full());
        }
    }
    Ok(swept)
}

/// The projects that were taken down.
fn buried(folder: &Path) -> Result<Vec<String>, EdgeError> {
    let mut projects = names(folder)?;
    projects.retain(|name| !name.starts_with('.'));
    let project = |name: String| name.strip_suffix(".json").map(ToOwned::to_owned);
    Ok(projects.into_iter().filter_map(project).collect())
}

/// The folders that were set aside, by this run or by one that was killed.
fn set_aside(releases: &Path) -> Result<Vec<PathBuf>, EdgeError> {
    let mut folders = names(releases)?;
    folders.retain(|name| name.starts_with(SWEPT));
    Ok(folders.iter().map(|name| releases.join(name)).collect())
}

/// The names in a folder, if it is there.
fn names(folder: &Path) -> Result<Vec<String>, EdgeError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, error))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

/// Sets the releases of one project aside and removes its tombstone, if that is old enough. Says whether releases
/// went with it.
fn sweep_one(
    backend: &LocalStatic,
    project: &str,
    before: jiff::Timestamp,
) -> Result<bool, EdgeError> {
    let layout = backend.layout();
    let old = || -> Result<bool, EdgeError> {
        let tombstone = pointer::tombstone(layout, project)?;
        Ok(tombstone.is_some_and(|tombstone| tombstone.removed < before))
    };
    // Asked again below: the site may have come back and gone again in between.
    if !old()? {
        return Ok(false);
    }
    let gone = backend.names.unless_claimed(project, || {
        if !old()? {
            return Ok(false);
        }
        let gone = pointer::read(&layout.live(project))?.is_none();
        // Removing many files takes long, and a site that comes back must not wait for it.
        if gone {
            put_aside(&layout.releases(project))?;
        }
        // Beside a live site it is what a killed process has left.
        remove_file(&layout.tombstone(project))?;
        Ok(gone)
    });
    gone.unwrap_or(Ok(false))
}

/// Gives the folder of a project a name that nothing looks for.
fn put_aside(releases: &Path) -> Result<(), EdgeError> {
    let name = releases.file_name().unwrap_or_default().to_string_lossy();
    let aside = releases.with_file_name(format!("{SWEPT}{name}"));
    // An earlier sweep may have been killed.
    remove_tree(&aside)?;
    match fs::rename(releases, &aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(releases, error)),
        _ => Ok(()),
    }
}
