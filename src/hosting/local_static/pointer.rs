//! The pointer that makes a release live, and the tombstone of a site that was taken down.

use super::domain;
use crate::desired::Names;
use crate::edge::EdgeError;
use crate::release::{FORMAT, Layout, Live};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What is kept of a site that was taken down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tombstone {
    /// When it was taken down.
    pub removed: jiff::Timestamp,
    /// Its last pointer.
    pub live: Live,
}

/// Reads a pointer; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Live>, EdgeError> {
    let live: Option<Live> = read_json(path)?;
    match live {
        Some(live) if live.v != FORMAT => Err(EdgeError::rejected(format!(
            "{} has form {}; this version knows {FORMAT}",
            path.display(),
            live.v
        ))),
        live => Ok(live),
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, EdgeError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        EdgeError::rejected(format!("{} is damaged", path.display()))
            .source(error)
            .hint("move the file away; the next message for the site makes it anew")
    })
}

/// The error of a file that cannot be read.
pub(super) fn unreadable(path: &Path, error: io::Error) -> EdgeError {
    EdgeError::io(format!("{} cannot be read", path.display()), error)
}

/// The error of a file that cannot be written.
pub(super) fn unwritable(path: &Path, error: io::Error) -> EdgeError {
    EdgeError::io(format!("{} cannot be written", path.display()), error)
}

/// Replaces a pointer by one rename, after its bytes are on disk, and makes the rename last.
pub(super) fn write(layout: &Layout, project: &str, live: &Live) -> Result<(), EdgeError> {
    replace(&layout.live(project), live)?;
    // The site is back: what was kept of it while it was down is in `previous` now.
    remove_file(&layout.tombstone(project))
}

fn replace(path: &Path, value: &impl Serialize) -> Result<(), EdgeError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A dot first: no site id begins with one, and readers of the folder pass it over.
    let draft = folder.join(format!(".{name}"));
    let bytes = serde_json::to_vec(value)
        .map_err(|error| EdgeError::rejected("cannot be written as JSON").source(error))?;
    let written = || -> io::Result<()> {
        make_folder(folder)?;
        let mut file = File::create(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        sync_folder(folder)
    };
    written().map_err(|error| unwritable(path, error))
}

/// Makes a folder that lasts, if it is not there.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new("/"));
    make_folder(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(parent)
}

/// Makes renames and removals in a folder survive a power cut.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(super) fn remove_file(path: &Path) -> Result<(), EdgeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(path, error)),
        _ => Ok(()),
    }
}

/// The names of a pointer.
pub(super) fn names(live: &Live) -> Names {
    Names {
        primary: domain(&live.primary),
        aliases: live
            .aliases
            .iter()
            .filter_map(|name| domain(name))
            .collect(),
        redirect_aliases: live.redirect_aliases,
    }
}

/// The pointer with other names.
pub(super) fn with_names(mut live: Live, names: &Names) -> Live {
    live.primary = names
        .primary
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    live.aliases = names.aliases.iter().map(ToString::to_string).collect();
    live.redirect_aliases = names.redirect_aliases;
    live
}

/// Takes a site down: its pointer becomes a tombstone. Says whether it was there.
pub(super) fn bury(layout: &Layout, project: &str) -> Result<bool, EdgeError> {
    let path = layout.live(project);
    let Some(live) = read(&path)? else {
        return Ok(false);
    };
    let tombstone = Tombstone {
        removed: jiff::Timestamp::now(),
        live,
    };
    replace(&layout.tombstone(project), &tombstone)?;
    remove_file(&path)?;
    sync_folder(&layout.live_dir()).map_err(|error| unwritable(&path, error))?;
    Ok(true)
}

/// The tombstone of a project, if it was taken down.
pub(super) fn tombstone(layout: &Layout, project: &str) -> Result<Option<Tombstone>, EdgeError> {
    read_json(&layout.tombstone(project))
}

/// Removes a folder and all in it, if it is there.
pub(super) fn remove_tree(path: &Path) -> Result<(), EdgeError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(path, error)),
        _ => Ok(()),
    }
}
