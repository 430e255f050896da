//! Files that the repository keeps elsewhere and names by pointers (Git LFS).
//!
//! The `git-lfs` program fetches them into the cache. They are put in place here, after a comparison with
//! their digests, so that no filter that a tree names ever runs.

use super::cache::{Failure, Wanted, lower};
use super::credential::Access;
use super::git::Git;
use super::tree::{Entry, Kind};
use super::write::unwritten;
use super::{Place, fault};
use crate::edge::EdgeError;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A pointer is shorter than this, in bytes (Git LFS specification, "The Pointer").
const POINTER_MAX: u64 = 1024;

/// How a pointer begins (the same).
const VERSION: &str = "version https://git-lfs.github.com/spec/v1\n";

/// Where to get the program.
const HINT: &str = "install git-lfs, as by: apt-get install git-lfs";

/// What a pointer names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pointer {
    /// The content's SHA-256, 64 hexadecimal digits.
    oid: String,
    size: u64,
}

/// The content that is wanted of one repository, and where it goes.
pub(super) struct Job<'j> {
    pub(super) git: &'j Git,
    pub(super) repository: &'j Path,
    pub(super) place: &'j Place,
    pub(super) wanted: Wanted<'j>,
    /// The folder that the tree was written to.
    pub(super) folder: &'j Path,
    /// Bytes that the checkout may grow by.
    pub(super) bytes_left: u64,
}

impl Pointer {
    /// Reads a file; `None` when it is none.
    fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(VERSION)?;
        let value = |key: &str| rest.lines().find_map(|line| line.strip_prefix(key));
        let oid = value("oid sha256:")?;
        let hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        (oid.len() == 64 && oid.bytes().all(hex)).then_some(())?;
        Some(Self {
            oid: oid.to_owned(),
            size: value("size ")?.parse().ok()?,
        })
    }

    /// Where `git-lfs` keeps its content within a repository.
    fn kept(&self, repository: &Path) -> PathBuf {
        let folder = repository.join("lfs/objects");
        folder
            .join(&self.oid[..2])
            .join(&self.oid[2..4])
            .join(&self.oid)
    }
}

impl Job<'_> {
    /// Puts the content of all pointers in their place, and its size in `entries`.
    pub(super) fn fill(&self, entries: &mut [Entry]) -> Result<(), Failure> {
        let mut bytes = 0_u64;
        let mut found = Vec::new();
        for entry in entries {
            if let Some(pointer) = self.pointer(entry)? {
                bytes = bytes.saturating_add(pointer.size);
                entry.size = pointer.size;
                found.push((self.folder.join(entry.path()), pointer));
            }
        }
        if bytes > self.bytes_left {
            let message = format!("the LFS objects have {bytes} bytes, more than is allowed");
            return Err(EdgeError::rejected(message).at("repo.lfs").into());
        }
        let kept = |pointer: &Pointer| pointer.kept(self.repository).exists();
        if !found.iter().all(|(_, pointer)| kept(pointer)) {
            self.fetch()?;
        }
        let put = |(path, pointer): &(PathBuf, Pointer)| self.put(path, pointer);
        found.iter().try_for_each(put).map_err(Failure::from)
    }

    fn pointer(&self, entry: &Entry) -> Result<Option<Pointer>, EdgeError> {
        if entry.kind != Kind::File || entry.size >= POINTER_MAX {
            return Ok(None);
        }
        let path = self.folder.join(entry.path());
        let content = fs::read(&path).map_err(|error| unwritten(&path, error))?;
        Ok(std::str::from_utf8(&content).ok().and_then(Pointer::read))
    }

    fn fetch(&self) -> Result<(), EdgeError> {
        let access = Access::open(self.git, self.place, self.wanted.secret)?;
        let url = self.place.remote.to_string();
        let commit = lower(self.wanted.commit);
        let run = self.git.within(self.repository, ["fetch", &url, &commit]);
        let endpoint = format!("{}/info/lfs", url.trim_end_matches('/'));
        let run = run
            .program("git-lfs", HINT)
            // What a file of the tree says of these does not count.
            .config("lfs.url", endpoint)
            .config("lfs.basictransfersonly", "true")
            .config("lfs.fetchexclude", "")
            .config("lfs.fetchinclude", "")
            .remote(access.as_ref());
        run.end()
            .map(drop)
            .map_err(|error| fault::remote(self.place, error).at("repo.lfs"))
    }

    fn put(&self, path: &Path, pointer: &Pointer) -> Result<(), EdgeError> {
        let kept = pointer.kept(self.repository);
        let copied = copy(&kept, path).map_err(|error| unwritten(path, error))?;
        if copied == *pointer {
            return Ok(());
        }
        // So that it is fetched again the next time.
        drop(fs::remove_file(kept));
        let message = format!("the LFS object {} is damaged", pointer.oid);
        Err(EdgeError::rejected(message).at("repo.lfs"))
    }
}

/// Copies content over a file, which keeps its mode, and says what was copied.
fn copy(from: &Path, to: &Path) -> io::Result<Pointer> {
    let (mut from, mut to) = (
        File::open(from)?,
        File::options().write(true).truncate(true).open(to)?,
    );
    let (mut hasher, mut size, mut chunk) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let len = from.read(&mut chunk)?;
        if len == 0 {
            break;
        }
        hasher.update(&chunk[..len]);
        to.write_all(&chunk[..len])?;
        size += u64::try_from(len).unwrap_or(0);
    }
    let mut oid = String::with_capacity(64);
    for byte in hasher.finalize() {
        let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
        oid.extend(digits.into_iter().flatten());
    }
    Ok(Pointer { oid, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_told_from_other_files() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let text = format!("{VERSION}oid sha256:{oid}\nsize 12345\n");
        let pointer = Pointer::read(&text).unwrap();
        assert_eq!((pointer.oid.as_str(), pointer.size), (oid, 12345));
        assert!(
            pointer
                .kept(Path::new("r"))
                .ends_with(format!("lfs/objects/4d/7a/{oid}"))
        );
        for bad in [
            text.replace("sha256", "sha1"),
            text.replace("4d7a", "../."),
            text.replace("4d7a", "4D7A"),
            text.replace("12345", "-1"),
            text.replace("v1", "v2"),
            format!(" {text}"),
            String::new(),
        ] {
            assert_eq!(Pointer::read(&bad), None, "{bad}");
        }
    }
}
