//! Bringing an artifact's files into a release, each verified by its digest.

use super::pointer::unwritable;
use crate::artifact::Body;
use crate::edge::EdgeError;
use crate::release::{self, Digest};
use rustix::io::Errno;
use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::AddAssign;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;

/// How much of a file is copied at a time.
const CHUNK: usize = 128 * 1024;

/// Up to this many files each is made to last by its own `fsync`; beyond, one `syncfs` is cheaper, though
/// it also waits for what others have written to the file system.
const FSYNC_UP_TO: usize = 32;

/// Copies files, taking them from earlier releases where those have the same content.
#[derive(Default)]
pub(super) struct Copier {
    known: HashMap<Digest, PathBuf>,
}

/// How files were brought in.
#[derive(Clone, Copy, Default)]
pub(super) struct Copied {
    plain: usize,
    cloned: usize,
    linked: usize,
}

impl AddAssign for Copied {
    fn add_assign(&mut self, other: Self) {
        self.plain += other.plain;
        self.cloned += other.cloned;
        self.linked += other.linked;
    }
}

impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.plain, "copied"),
            (self.cloned, "cloned"),
            (self.linked, "unchanged"),
        ];
        let mut separator = "";
        for (count, how) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count} {how}")?;
            separator = ", ";
        }
        Ok(())
    }
}

type Wanted<'m> = (&'m String, &'m release::File);

impl Copier {
    /// Offers a file of an earlier release to be linked to.
    pub(super) fn offer(&mut self, digest: Digest, path: PathBuf) {
        self.known.entry(digest).or_insert(path);
    }

    /// Brings all wanted files below `folder`, whose subfolders exist.
    pub(super) fn copy_all(
        &self,
        body: &Body,
        wanted: &[Wanted<'_>],
        folder: &Path,
    ) -> Result<Copied, EdgeError> {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let share = wanted.len().div_ceil(workers).max(1);
        let results: Vec<Result<Copied, EdgeError>> = thread::scope(|scope| {
            let running: Vec<_> = wanted
                .chunks(share)
                .map(|part| scope.spawn(move || self.copy_part(body, part, folder)))
                .collect();
            running
                .into_iter()
                .map(|worker| {
                    worker.join().unwrap_or_else(|_| {
                        Err(EdgeError::rejected("a thread copying files ended early"))
                    })
                })
                .collect()
        });
        let mut copied = Copied::default();
        for result in results {
            copied += result?;
        }
        Ok(copied)
    }

    fn copy_part(
        &self,
        body: &Body,
        part: &[Wanted<'_>],
        folder: &Path,
    ) -> Result<Copied, EdgeError> {
        let mut buffer = vec![0; CHUNK];
        let mut copied = Copied::default();
        let mut clone = true;
        for (path, file) in part {
            let target = folder.join(path);
            if self.link(&target, file, &mut buffer) {
                copied.linked += 1;
                continue;
            }
            let found = match body {
                Body::Memory(files) => {
                    let bytes = files.get(*path).map_or(&[][..], Vec::as_slice);
                    create(&target)
                        .and_then(|mut made| made.write_all(bytes))
                        .map_err(|error| unwritable(&target, error))?;
                    copied.plain += 1;
                    Digest::of(bytes)
                }
                Body::Directory(root) => {
                    let (digest, cloned) = bring(&root.join(path), &target, &mut buffer, clone)?;
                    clone = cloned;
                    if cloned {
                        copied.cloned += 1;
                    } else {
                        copied.plain += 1;
                    }
                    digest
                }
            };
            if found != file.digest {
                return Err(EdgeError::io(
                    format!("{path} changed while it was published"),
                    io::ErrorKind::Interrupted.into(),
                )
                .hint("publish again when the source is at rest"));
            }
        }
        Ok(copied)
    }

    /// Links to an earlier release's file of the same content. A file that is not what it should be is not
    /// linked to.
    fn link(&self, target: &Path, file: &release::File, buffer: &mut [u8]) -> bool {
        let Some(known) = self.known.get(&file.digest) else {
            return false;
        };
        if fs::hard_link(known, target).is_err() {
            return false;
        }
        let good = File::open(target)
            .and_then(|mut opened| hash(&mut opened, None, buffer))
            .is_ok_and(|digest| digest == file.digest);
        if !good {
            // Should it stay, the copy that follows cannot be made and says so.
            drop(fs::remove_file(target));
        }
        good
    }
}

/// Makes the files of a draft last.
pub(super) fn settle(draft: &Path, wanted: &[Wanted<'_>]) -> Result<(), EdgeError> {
    let settled = || -> io::Result<()> {
        if wanted.len() > FSYNC_UP_TO {
            return Ok(rustix::fs::syncfs(File::open(draft)?)?);
        }
        let files = draft.join("files");
        for (path, _) in wanted {
            File::open(files.join(path))?.sync_all()?;
        }
        File::open(draft.join("manifest.json"))?.sync_all()?;
        for folder in super::publish::folders(&files, wanted.iter().map(|(path, _)| *path)) {
            File::open(folder)?.sync_all()?;
        }
        File::open(draft)?.sync_all()
    };
    settled().map_err(|error| unwritable(draft, error))
}

/// A new file that nobody writes to after it was filled.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o444)
        .open(path)
}

/// Clones or copies a file and gives the digest of what arrived, and whether it was cloned.
fn bring(
    source: &Path,
    target: &Path,
    buffer: &mut [u8],
    clone: bool,
) -> Result<(Digest, bool), EdgeError> {
    let mut from = File::open(source)
        .map_err(|error| EdgeError::io(format!("{} cannot be read", source.display()), error))?;
    let mut copied = || -> io::Result<(Digest, bool)> {
        let mut to = create(target)?;
        if clone && cloned(&from, &to)? {
            return Ok((hash(&mut File::open(target)?, None, buffer)?, true));
        }
        Ok((hash(&mut from, Some(&mut to), buffer)?, false))
    };
    copied().map_err(|error| {
        let (source, target) = (source.display(), target.display());
        EdgeError::io(format!("{source} cannot be copied to {target}"), error)
    })
}

/// Shares a file's blocks, where the file system can.
fn cloned(from: &File, to: &File) -> io::Result<bool> {
    match rustix::fs::ioctl_ficlone(to, from) {
        Ok(()) => Ok(true),
        // Another file system, or one that shares no blocks.
        Err(Errno::OPNOTSUPP | Errno::XDEV | Errno::NOTTY | Errno::INVAL | Errno::NOSYS) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// The digest of what is left of `from`, which is written to `to` on the way.
fn hash(from: &mut File, mut to: Option<&mut File>, buffer: &mut [u8]) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    loop {
        let count = match from.read(buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        if let Some(to) = to.as_deref_mut() {
            to.write_all(&buffer[..count])?;
        }
    }
}
