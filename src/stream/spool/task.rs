//! One message file, from its first message to its last report.

use super::{Busy, Folders};
use crate::report::Report;
use crate::sink::{Form, Sink};
use crate::stream::delivery::Answer;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;

/// What the names of temporary files begin with: no name of a complete message file does.
const TEMPORARY: &str = ".report-";

/// A file that is being worked on. It is moved when it was read to its end and every message has its report;
/// so one of whose messages any has none stays in `work/`.
#[derive(Clone, Debug)]
pub(super) struct Task(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    folders: Folders,
    busy: Busy,
    name: OsString,
    /// Messages without a report, and one for the reading itself.
    open: usize,
    failed: bool,
    /// The reports so far: on disk, since a file may hold very many messages.
    reports: Option<NamedTempFile>,
}

/// Removes reports that a process left which did not get to the end of their file: they are written anew.
pub(super) fn clear(work: &Path) {
    for entry in fs::read_dir(work).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes()) {
            // One that cannot be removed is only left over.
            drop(fs::remove_file(entry.path()));
        }
    }
}

impl Task {
    pub(super) fn new(folders: Folders, busy: Busy, name: &OsStr) -> Self {
        Self(Arc::new(Mutex::new(State {
            folders,
            busy,
            name: name.into(),
            open: 1,
            failed: false,
            reports: None,
        })))
    }

    /// What takes in the report of one more message.
    pub(super) fn answer(&self) -> Answer {
        self.state().open += 1;
        let task = self.clone();
        Box::new(move |report| {
            let mut state = task.state();
            state.failed |= !report.converged();
            if let Err(error) = state.write(report) {
                tracing::error!("a report of {}: {error}", state.name.display());
            }
            state.close();
        })
    }

    /// Notes that the file was read to its end.
    pub(super) fn read(&self) {
        self.state().close();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self, report: &Report) -> io::Result<()> {
        let file = match self.reports.take() {
            Some(file) => file,
            None => NamedTempFile::with_prefix_in(TEMPORARY, &self.folders.work)?,
        };
        let file = self.reports.insert(file).as_file();
        Sink::new(Form::Json, file).report(report)
    }

    /// Closes one of what is open; the last one moves the file.
    fn close(&mut self) {
        self.open -= 1;
        if self.open > 0 {
            return;
        }
        if let Err(error) = self.put_away() {
            tracing::error!(
                "{} stays in {}: {error}",
                self.name.display(),
                self.folders.work.display()
            );
        }
        self.busy.names().remove(&self.name);
    }

    /// Moves the reports and then the file, so that a file in its last place has its reports beside it.
    fn put_away(&mut self) -> io::Result<()> {
        let to = if self.failed {
            &self.folders.failed
        } else {
            &self.folders.done
        };
        if let Some(reports) = self.reports.take() {
            let mut name = self.name.clone();
            name.push(".report.json");
            if let Err(error) = keep(reports, &to.join(name)) {
                tracing::error!("the reports of {}: {error}", self.name.display());
            }
        }
        fs::rename(self.folders.work.join(&self.name), to.join(&self.name))
    }
}

/// Puts a temporary file into its place, as readable as files usually are.
fn keep(file: NamedTempFile, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // `done/` and `failed/` themselves say who may look.
    let mode = fs::Permissions::from_mode(0o644);
    file.as_file().set_permissions(mode)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
