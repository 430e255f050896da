//! A release on disk: immutable files, the manifest that describes them, and the pointer that makes
//! one release of a site live.
//!
//! ```text
//! ROOT/releases/PROJECT/RELEASE/manifest.json    what may be served, and how
//! ROOT/releases/PROJECT/RELEASE/files/…          the bytes
//! ROOT/live/PROJECT.json                         the pointer: replaced by one rename
//! ROOT/tombstones/PROJECT.json                   the pointer of a site that was taken down
//! ```
//!
//! The publisher writes a release whole before the pointer names it; the server follows the pointer
//! and serves nothing that the manifest does not list.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The revision of the manifest's and the pointer's form.
pub const FORMAT: u32 = 1;

/// A blake3 digest (32 bytes), written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        blake3::hash(bytes).into()
    }

    /// The digest as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest of 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(Into::into)
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash.into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text)
            .ok_or_else(|| serde::de::Error::custom("a digest has 64 hexadecimal digits"))
    }
}

/// A release's name: the first 32 hexadecimal digits (128 bits) of its manifest's blake3 digest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ReleaseId(String);

impl ReleaseId {
    /// How many digits a name has.
    pub const LEN: usize = 32;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The beginning of the name, enough for people to tell releases apart.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }

    /// The name of the release with this manifest.
    #[must_use]
    pub fn of(manifest: &[u8]) -> Self {
        let mut name = Digest::of(manifest).to_string();
        name.truncate(Self::LEN);
        Self(name)
    }

    /// A name as it was written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == Self::LEN && text.bytes().all(hex)).then(|| Self(text.into()))
    }
}

impl TryFrom<String> for ReleaseId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| format!("not a release name: {text:?}"))
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a release holds and how it is served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The revision of this form.
    pub v: u32,
    /// The files by path: relative, `/` between parts, as in the site's URLs.
    pub files: BTreeMap<String, File>,
    /// Response headers by path, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderRule>,
    /// Redirects by path, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirects: Vec<RedirectRule>,
    /// The file for paths that do not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_document: Option<String>,
    /// Whether such paths get `index.html` with status 200 instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub single_page_fallback: bool,
}

/// One file of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// Its length in bytes.
    pub size: u64,
    /// The blake3 digest of its content, which is its strong `ETag`.
    pub digest: Digest,
    /// Its media type with parameters.
    #[serde(rename = "type")]
    pub content_type: String,
    /// Encoded forms of it that lie in the release, as `br` -> `style.css.br`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub encodings: BTreeMap<String, String>,
}

/// Response headers for the paths that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderRule {
    /// The pattern: `*` for any rest, `:name` for one segment.
    pub path: String,
    /// Headers to add; several values of one name are joined with ", ".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<(String, String)>,
    /// Headers to take away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<String>,
}

/// A redirect of the paths that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectRule {
    /// The pattern: `*` for any rest, `:name` for one segment.
    pub from: String,
    /// Where it leads, with `:splat` and `:name` to be filled in.
    pub to: String,
    /// The status; 200 serves the other path under this one.
    pub status: u16,
}

/// What is live of one site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// The revision of this form.
    pub v: u32,
    /// The site's id: who owns the pointer.
    pub site: String,
    /// The release that visitors see.
    pub release: ReleaseId,
    /// The digest of the artifact the release was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Digest>,
    /// The digest of the rules the release was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Digest>,
    /// The website's own address.
    pub primary: String,
    /// Further names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Whether visitors of an alias are redirected (308) to the primary name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redirect_aliases: bool,
    /// Earlier releases that are kept, newest first; the live one is not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<ReleaseId>,
}

/// Where releases and pointers lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below this folder.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the pointers; one file, `PROJECT.json`, for each live site.
    #[must_use]
    pub fn live_dir(&self) -> PathBuf {
        self.root.join("live")
    }

    /// The pointer of a project.
    #[must_use]
    pub fn live(&self, project: &str) -> PathBuf {
        self.live_dir().join(format!("{project}.json"))
    }

    /// The pointer of a project that was taken down.
    #[must_use]
    pub fn tombstone(&self, project: &str) -> PathBuf {
        self.root.join("tombstones").join(format!("{project}.json"))
    }

    /// The folder of a project's releases.
    #[must_use]
    pub fn releases(&self, project: &str) -> PathBuf {
        self.root.join("releases").join(project)
    }

    /// The folder of one release.
    #[must_use]
    pub fn release(&self, project: &str, release: &ReleaseId) -> PathBuf {
        self.releases(project).join(release.as_str())
    }

    /// The manifest of one release.
    #[must_use]
    pub fn manifest(&self, project: &str, release: &ReleaseId) -> PathBuf {
        self.release(project, release).join("manifest.json")
    }

    /// The folder of one release's files.
    #[must_use]
    pub fn files(&self, project: &str, release: &ReleaseId) -> PathBuf {
        self.release(project, release).join("files")
    }
}
