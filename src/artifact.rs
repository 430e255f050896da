//! What a build yields: files by path, each with its digest, and one digest for the whole.

mod pages;

pub use pages::{PagesHash, PagesHasher};

use crate::release::Digest;
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Separates artifact digests from other uses of blake3 (its key derivation mode).
const TREE_CONTEXT: &str = "mycelia-spore 2026 artifact tree v1";

/// A website's files, ready to be published.
#[derive(Clone, Debug)]
pub struct Artifact {
    digest: Digest,
    files: BTreeMap<String, ArtifactFile>,
    body: Body,
    kept: Option<Kept>,
}

/// Something that is there as long as an artifact is.
#[derive(Clone)]
struct Kept(#[expect(dead_code, reason = "it is only held")] Arc<dyn Any + Send + Sync>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

/// One file of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArtifactFile {
    /// Its length in bytes.
    pub size: u64,
    /// The blake3 digest of its content.
    pub digest: Digest,
    /// Its name at Cloudflare Pages, where it was made in the same read.
    pub pages: Option<PagesHash>,
}

/// What a backend names files by, beside our own digest; made while a file is read anyhow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Their names at Cloudflare Pages.
    pub pages: bool,
}

/// Where an artifact's bytes are.
#[derive(Clone, Debug)]
pub enum Body {
    /// In a directory of this machine, which may still change: readers compare digests.
    Directory(PathBuf),
    /// In memory.
    Memory(Arc<BTreeMap<String, Vec<u8>>>),
}

impl Artifact {
    /// An artifact of files whose digests are known.
    #[must_use]
    pub fn new(files: BTreeMap<String, ArtifactFile>, body: Body) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(TREE_CONTEXT);
        for (path, file) in &files {
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path.as_bytes());
            hasher.update(&file.size.to_le_bytes());
            hasher.update(file.digest.as_bytes());
        }
        Self {
            digest: hasher.finalize().into(),
            files,
            body,
            kept: None,
        }
    }

    /// The same, with something that must be there as long as the artifact is: a folder of its own, say, that is
    /// removed when nobody needs it any more.
    #[must_use]
    pub fn keeping(mut self, what: impl Any + Send + Sync) -> Self {
        self.kept = Some(Kept(Arc::new(what)));
        self
    }

    /// An artifact of files in memory.
    #[must_use]
    pub fn in_memory(bytes: BTreeMap<String, Vec<u8>>) -> Self {
        let files = bytes
            .iter()
            .map(|(path, content)| {
                let file = ArtifactFile {
                    size: content.len() as u64,
                    digest: Digest::of(content),
                    pages: None,
                };
                (path.clone(), file)
            })
            .collect();
        Self::new(files, Body::Memory(Arc::new(bytes)))
    }

    /// The digest of all paths and contents: equal for equal artifacts.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The files by path: relative, `/` between parts.
    #[must_use]
    pub const fn files(&self) -> &BTreeMap<String, ArtifactFile> {
        &self.files
    }

    /// Where the bytes are.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// The length of all files in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files.values().map(|file| file.size).sum()
    }
}
