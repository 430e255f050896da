//! The bytes of a release's files.

use super::error::ServeError;
use super::release::Known;
use crate::release::Digest;
use bytes::Bytes;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Up to this size a file is read whole and kept in memory; a larger one is sent in chunks.
pub(super) const SMALL: u64 = 256 * 1024;

/// A file's bytes, or the way to them.
#[derive(Debug)]
pub(super) enum Content {
    /// All of them.
    Memory(Bytes),
    /// The open file and its size.
    File(File, u64),
}

impl Content {
    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }
}

/// Opens a file below a folder and, if it is small, reads it. Fails if it is not what the manifest
/// tells of it. Blocks.
pub(super) fn load(folder: &Path, path: &str, known: Option<Known>) -> Result<Content, ServeError> {
    let mut file = open(folder, path)?;
    let path = folder.join(path);
    let size = file
        .metadata()
        .map_err(ServeError::io("read", &path))?
        .len();
    if let Some(known) = known.filter(|known| known.size != size) {
        let what = format!("it has {size} bytes and not {}", known.size);
        return Err(ServeError::Altered { path, what });
    }
    if size > SMALL {
        return Ok(Content::File(file, size));
    }
    let bytes = read_whole(&mut file, size).map_err(ServeError::io("read", &path))?;
    check(path, &bytes, size, known)?;
    Ok(Content::Memory(bytes.into()))
}

fn read_whole(file: &mut File, size: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(SMALL + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Compares what was read with what the manifest tells. Each file is checked once, when it comes
/// into memory, so a tag never vouches for other bytes than those it was made from.
fn check(path: PathBuf, bytes: &[u8], size: u64, known: Option<Known>) -> Result<(), ServeError> {
    let what = if bytes.len() as u64 != size {
        "it changes while it is read"
    } else if known.is_some_and(|known| known.digest != Digest::of(bytes)) {
        "its digest is another"
    } else {
        return Ok(());
    };
    let what = what.to_owned();
    Err(ServeError::Altered { path, what })
}

/// Opens a regular file below a folder without following any link and without leaving the folder.
fn open(folder: &Path, path: &str) -> Result<File, ServeError> {
    let whole = folder.join(path);
    let failed = |errno: Errno| match errno {
        Errno::NOSYS => ServeError::Kernel(errno.into()),
        _ => ServeError::io("open", &whole)(errno.into()),
    };
    let folder = open_folder(folder).map_err(failed)?;
    // Without NONBLOCK, opening a pipe would wait for its other end.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = open_below(&folder, path, flags).map_err(failed)?;
    let mode = fstat(&file).map_err(failed)?.st_mode;
    if rustix::fs::FileType::from_raw_mode(mode).is_file() {
        return Ok(file.into());
    }
    Err(ServeError::Altered {
        path: whole,
        what: "it is not a regular file".to_owned(),
    })
}

fn open_folder(folder: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, folder, flags, Mode::empty())
}

fn open_below(folder: impl AsFd, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(folder, path, flags, Mode::empty(), resolve)
}

/// Finds out whether the kernel can open files in this way, by the example of this folder.
pub(super) fn check_kernel(folder: &Path) -> Result<(), ServeError> {
    let open = open_folder(folder).map_err(|errno| ServeError::io("open", folder)(errno.into()))?;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    open_below(open, ".", flags).map_err(|errno| ServeError::Kernel(errno.into()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_regular_files_below_the_folder_are_opened() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("files");
        fs::create_dir_all(folder.join("a")).unwrap();
        fs::write(temp.path().join("secret"), "s").unwrap();
        fs::write(folder.join("a/file"), "f").unwrap();
        symlink("file", folder.join("a/link")).unwrap();
        symlink("../../secret", folder.join("a/out")).unwrap();
        symlink("a", folder.join("b")).unwrap();
        assert!(open(&folder, "a/file").is_ok());
        for path in [
            "a/link",
            "a/out",
            "b/file",
            "../secret",
            "a/../../secret",
            "a",
            "none",
            "",
        ] {
            assert!(open(&folder, path).is_err(), "{path}");
        }
        let absolute = temp.path().join("secret");
        assert!(open(&folder, absolute.to_str().unwrap()).is_err());
        assert!(check_kernel(&folder).is_ok());
    }
}
