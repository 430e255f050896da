//! The folder in which one call of the client runs.

use crate::edge::EdgeError;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Files that the client looks for in the folder it runs in and in all above it, the nearest first. Empty
/// ones here end the search, so that what others laid in a shared folder for temporary files is not read.
const ENDS_OF_SEARCH: [&str; 2] = ["package.json", "wrangler.json"];

/// The largest file that is read from the client, in bytes. Bundles of Functions are limited to 10 MB after
/// compression (<https://developers.cloudflare.com/workers/platform/limits/#worker-size>).
const FILE_MAX: u64 = 64 * 1024 * 1024;

/// A folder of this user's alone, with all that a call reads and writes; removed when dropped.
pub(super) struct Room {
    folder: TempDir,
}

impl Room {
    pub(super) fn new() -> Result<Self, EdgeError> {
        Self::furnished().map_err(|source| {
            EdgeError::io("a temporary folder for wrangler cannot be made", source)
        })
    }

    fn furnished() -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("mycelia-spore-wrangler-")
            .tempdir()?;
        let room = Self { folder };
        for name in ENDS_OF_SEARCH {
            fs::write(room.path().join(name), "{}\n")?;
        }
        fs::create_dir(room.home())?;
        fs::create_dir(room.temporary())?;
        fs::create_dir(room.path().join("out"))?;
        Ok(room)
    }

    /// The folder that the client runs in.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// Where the client is to write a file.
    pub(super) fn out(&self, name: &str) -> PathBuf {
        self.path().join("out").join(name)
    }

    /// Reads what the client wrote; `None` when it wrote no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, EdgeError> {
        let file = match File::open(self.out(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(unreadable(name, source)),
        };
        let mut bytes = Vec::new();
        file.take(FILE_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| unreadable(name, source))?;
        if u64::try_from(bytes.len()).is_ok_and(|len| len <= FILE_MAX) {
            return Ok(Some(bytes));
        }
        let message = format!("{name} as wrangler wrote it is larger than {FILE_MAX} bytes");
        Err(EdgeError::rejected(message))
    }
}

fn unreadable(name: &str, source: io::Error) -> EdgeError {
    EdgeError::io(
        format!("{name} as wrangler wrote it cannot be read"),
        source,
    )
}
