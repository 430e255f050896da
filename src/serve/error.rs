//! What can go wrong when sites are opened and served.

use std::io;
use std::path::PathBuf;

/// Why a site cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file or folder could not be used.
    #[error("cannot {action} {path}", path = path.display())]
    Io {
        /// What was tried, as "read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A pointer or a manifest is not in its form.
    #[error("{path} is not a valid pointer or manifest", path = path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A pointer or a manifest has a form that this version does not know.
    #[error("{path} has form {found}, of which this version knows nothing", path = path.display())]
    Revision {
        /// The file.
        path: PathBuf,
        /// The revision of its form.
        found: u32,
    },
    /// A file is not the one that was published.
    #[error("{path} was altered after it was published: {what}", path = path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// What does not agree.
        what: String,
    },
    /// The name is no name of a project.
    #[error("not the name of a project: {0:?}")]
    Project(String),
    /// The kernel cannot open files without following links (`openat2`, Linux 5.6).
    #[error("the kernel lacks openat2 (Linux 5.6), without which files cannot be opened safely")]
    Kernel(#[source] io::Error),
    /// The changes of other processes cannot be followed (inotify).
    #[error("cannot watch the folder of live sites for changes")]
    Watch(#[source] io::Error),
}

impl ServeError {
    /// The error of an action on a path; for `map_err`.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
