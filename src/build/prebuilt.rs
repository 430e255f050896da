//! The files of a directory of this machine: of a site that lies ready, of one that was built, or of a source.

use crate::artifact::{Artifact, ArtifactFile, Body, Names, PagesHash, PagesHasher};
use crate::desired::Directory;
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::release::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use walkdir::WalkDir;

/// How much of a file is read at a time: large enough that system calls do not count, small enough to
/// stay in the processor's cache.
/// 3 divides it, as the names of files at Cloudflare Pages need.
const CHUNK: usize = 96 * 1024;

/// How old a change must be before a fingerprint can be relied on: file systems keep times in steps of up
/// to 2 s (FAT), and a file changed twice within one step looks changed once.
const SETTLED: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// Names that are never meant to be published: version control, environment files and private keys.
const SECRETS: [&str; 9] = [
    ".git",
    ".hg",
    ".svn",
    ".env",
    ".netrc",
    ".htpasswd",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
];

/// Folders that are no part of a source: its history, and what is installed anew.
const NO_SOURCE: [&str; 2] = [".git", "node_modules"];

/// The files of a directory, not yet read.
#[derive(Debug)]
pub(super) struct Listing {
    root: PathBuf,
    files: Vec<Entry>,
    newest: jiff::Timestamp,
}

/// What a listing is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// Files to publish.
    Site,
    /// Files to build from: private ones are none of our business.
    Source,
}

/// One file of a listing.
#[derive(Debug)]
struct Entry {
    path: String,
    stat: Stat,
}

/// What tells that a file was changed without reading it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Stat {
    size: u64,
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stat {
    fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn newest(&self) -> Option<jiff::Timestamp> {
        let (seconds, nanoseconds) = self.modified.max(self.changed);
        jiff::Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()
    }
}

impl Listing {
    /// Lists a directory that lies below one of `roots`.
    ///
    /// # Errors
    /// The directory is missing or not allowed, empty or without an index document; or it holds what
    /// cannot or should not be published. All such files are named at once.
    pub(super) fn of(directory: &Directory, roots: &[PathBuf]) -> Result<Self, EdgeError> {
        Self::below(allowed(directory, roots)?, &[])
    }

    /// Lists a directory, below one of `roots`, that is to be built from.
    ///
    /// # Errors
    /// The directory is missing or not allowed, or it holds what cannot be copied.
    pub(super) fn of_source(directory: &Directory, roots: &[PathBuf]) -> Result<Self, EdgeError> {
        Self::walk(allowed(directory, roots)?, &[], Use::Source)
    }

    /// Lists a directory that may be published from. Links may lead to what is in it or in one of `besides`.
    ///
    /// # Errors
    /// It is empty or without an index document, or it holds what cannot or should not be published.
    pub(super) fn below(root: PathBuf, besides: &[PathBuf]) -> Result<Self, EdgeError> {
        let listing = Self::walk(root, besides, Use::Site)?;
        if !listing.files.iter().any(|file| file.path == "index.html") {
            let what = if listing.files.is_empty() {
                "is empty"
            } else {
                "has no index.html"
            };
            let root = listing.root.display();
            return Err(EdgeError::rejected(format!("{root} {what}"))
                .hint("was the site built? build.outputDir names the directory of its files"));
        }
        Ok(listing)
    }

    fn walk(root: PathBuf, besides: &[PathBuf], of: Use) -> Result<Self, EdgeError> {
        let mut walk = Walk {
            root: &root,
            besides,
            of,
            files: Vec::new(),
            newest: jiff::Timestamp::UNIX_EPOCH,
            refused: Vec::new(),
        };
        walk.run()?;
        let Walk {
            files,
            newest,
            refused,
            ..
        } = walk;
        if !refused.is_empty() {
            let what = match of {
                Use::Site => "published",
                Use::Source => "built from",
            };
            return Err(EdgeError::rejected(format!(
                "{} cannot be {what}: {}",
                root.display(),
                some_of(&refused)
            ))
            .hint("take these out of the directory, or use a subdirectory"));
        }
        Ok(Self {
            root,
            files,
            newest,
        })
    }

    /// A digest of all paths and times; `None` while a file was changed too short a time ago.
    pub(super) fn fingerprint(&self, now: jiff::Timestamp) -> Option<Digest> {
        if now.duration_since(self.newest) < SETTLED {
            return None;
        }
        let mut hasher = blake3::Hasher::new_derive_key("mycelia-spore 2026 listing v1");
        hasher.update(self.root.as_os_str().as_encoded_bytes());
        for Entry { path, stat } in &self.files {
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path.as_bytes());
            for number in [stat.size, stat.device, stat.inode] {
                hasher.update(&number.to_le_bytes());
            }
            for (seconds, nanoseconds) in [stat.modified, stat.changed] {
                hasher.update(&seconds.to_le_bytes());
                hasher.update(&nanoseconds.to_le_bytes());
            }
        }
        Some(hasher.finalize().into())
    }

    /// The directory.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Reads every file once.
    ///
    /// # Errors
    /// A file cannot be read, or its length changed since it was listed.
    pub(super) fn digest(&self, names: Names) -> Result<Artifact, EdgeError> {
        let read = self.read_files(&BTreeMap::new(), names)?;
        Ok(self.artifact(read))
    }

    /// Reads every file that was changed since it was read last.
    ///
    /// # Errors
    /// A file cannot be read, or its length changed since it was listed.
    pub(super) fn read(&self, stats: &Stats, names: Names) -> Result<Artifact, EdgeError> {
        let known = stats.of(&self.root);
        let now = jiff::Timestamp::now();
        let read = self.read_files(&known, names)?;
        stats.keep(self, &read, &known, now);
        Ok(self.artifact(read))
    }

    fn artifact(&self, files: BTreeMap<String, ArtifactFile>) -> Artifact {
        Artifact::new(files, Body::Directory(self.root.clone()))
    }

    fn read_files(
        &self,
        known: &Known,
        names: Names,
    ) -> Result<BTreeMap<String, ArtifactFile>, EdgeError> {
        let mut digests = BTreeMap::new();
        let mut unread = Vec::new();
        for entry in &self.files {
            match known.get(&entry.path) {
                Some((stat, digest, pages))
                    if *stat == entry.stat && (pages.is_some() || !names.pages) =>
                {
                    let file = ArtifactFile {
                        size: stat.size,
                        digest: *digest,
                        pages: *pages,
                    };
                    digests.insert(entry.path.clone(), file);
                }
                _ => unread.push(entry),
            }
        }
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let share = unread.len().div_ceil(workers).max(1);
        let root = &self.root;
        let parts: Vec<Result<Vec<(String, ArtifactFile)>, EdgeError>> = thread::scope(|scope| {
            let running: Vec<_> = unread
                .chunks(share)
                .map(|part| scope.spawn(move || digest_part(root, part, names)))
                .collect();
            running
                .into_iter()
                .map(|worker| {
                    worker.join().unwrap_or_else(|_| {
                        Err(EdgeError::rejected("a thread reading files ended early"))
                    })
                })
                .collect()
        });
        for part in parts {
            digests.extend(part?);
        }
        Ok(digests)
    }

    /// Copies all files to a folder that does not exist yet. What was a link is a file or a folder there.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(super) fn copy(&self, into: &Path) -> io::Result<()> {
        fs::create_dir(into)?;
        for Entry { path, .. } in &self.files {
            let target = into.join(path);
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::copy(self.root.join(path), target)?;
        }
        Ok(())
    }
}

/// What is known of a directory's files: what they looked like when they were read, and their digests.
type Known = BTreeMap<String, (Stat, Digest, Option<PagesHash>)>;

/// Keeps the digests of files of directories, so that only changed ones are read again.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    /// The folder they are kept in; `None` for nowhere.
    folder: Option<PathBuf>,
}

impl Stats {
    /// Digests kept in a folder, which need not exist.
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self {
            folder: Some(folder),
        }
    }

    fn path(&self, root: &Path) -> Option<PathBuf> {
        let name = Digest::of(root.as_os_str().as_encoded_bytes());
        Some(self.folder.as_ref()?.join(format!("{name}.json")))
    }

    /// What is known of a directory; nothing when it cannot be read.
    fn of(&self, root: &Path) -> Known {
        self.path(root)
            .and_then(|path| fs::read(path).ok())
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Keeps what was read, except of files that were changed so lately that another change would not show.
    fn keep(
        &self,
        listing: &Listing,
        read: &BTreeMap<String, ArtifactFile>,
        before: &Known,
        now: jiff::Timestamp,
    ) {
        let Some(path) = self.path(&listing.root) else {
            return;
        };
        let settled = |entry: &&Entry| {
            let newest = entry.stat.newest();
            newest.is_some_and(|newest| now.duration_since(newest) >= SETTLED)
        };
        let line = |entry: &Entry| {
            let file = read.get(&entry.path)?;
            let known = (entry.stat.clone(), file.digest, file.pages);
            Some((entry.path.clone(), known))
        };
        let known: Known = listing
            .files
            .iter()
            .filter(settled)
            .filter_map(line)
            .collect();
        if known == *before {
            return;
        }
        let write = || -> io::Result<()> {
            let folder = path.parent().unwrap_or(&path);
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut file, &known)?;
            file.persist(&path)?;
            Ok(())
        };
        // Without them the files are read again.
        if let Err(error) = write() {
            tracing::debug!("{} cannot be written: {error}", path.display());
        }
    }
}

/// The first few of a list and how many more there are.
fn some_of(items: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = items[..items.len().min(SHOWN)].join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The real path of the directory, if one of `roots` holds it.
fn allowed(directory: &Directory, roots: &[PathBuf]) -> Result<PathBuf, EdgeError> {
    let mut path = PathBuf::from(directory.base.as_str());
    path.extend(directory.below.iter().map(AsRef::<str>::as_ref));
    let real = path.canonicalize().map_err(|error| {
        EdgeError::rejected(format!("directory {} cannot be opened", path.display())).source(error)
    })?;
    if !real.is_dir() {
        return Err(EdgeError::rejected(format!(
            "{} is not a directory",
            path.display()
        )));
    }
    let within = |root: &PathBuf| root.canonicalize().is_ok_and(|root| real.starts_with(root));
    if roots.iter().any(within) {
        return Ok(real);
    }
    let message = format!("directory {} is not allowed as a source", real.display());
    Err(EdgeError::new(EdgeErrorKind::Forbidden, message)
        .hint("the operator allows directories by sources.roots in the settings or --source-root"))
}

/// Collects the files below a root.
struct Walk<'r> {
    root: &'r Path,
    besides: &'r [PathBuf],
    of: Use,
    files: Vec<Entry>,
    newest: jiff::Timestamp,
    refused: Vec<String>,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), EdgeError> {
        let mut entries = WalkDir::new(self.root)
            .min_depth(1)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|error| {
                let at = error.path().unwrap_or(self.root).display().to_string();
                EdgeError::rejected(format!("{at} cannot be read")).source(error)
            })?;
            if self.of == Use::Source && is_no_source(entry.file_name()) {
                if entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
                continue;
            }
            let metadata = entry
                .metadata()
                .map_err(|error| EdgeError::rejected("cannot be read").source(error))?;
            let relative = entry.path().strip_prefix(self.root).unwrap_or(entry.path());
            let refusal = self.refusal(entry.path(), relative, entry.path_is_symlink(), &metadata);
            if let Some(why) = refusal {
                self.refused.push(format!("{} ({why})", relative.display()));
                if metadata.is_dir() {
                    entries.skip_current_dir();
                }
            } else if metadata.is_file() {
                self.add(relative, &metadata);
            }
        }
        Ok(())
    }

    /// Why something found may not be published.
    fn refusal(
        &self,
        path: &Path,
        relative: &Path,
        link: bool,
        metadata: &Metadata,
    ) -> Option<&'static str> {
        let inside = || {
            path.canonicalize().is_ok_and(|real| {
                let holds = |folder: &PathBuf| real.starts_with(folder);
                real.starts_with(self.root) || self.besides.iter().any(holds)
            })
        };
        let site = self.of == Use::Site;
        if !relative
            .to_str()
            .is_some_and(|path| !site || publishable(path))
        {
            Some("its name")
        } else if site && secret(relative) {
            Some("looks private")
        } else if link && !inside() {
            Some("a link that leads out")
        } else if !metadata.is_dir() && !metadata.is_file() {
            Some("not a regular file")
        } else {
            None
        }
    }

    fn add(&mut self, relative: &Path, metadata: &Metadata) {
        let stat = Stat::of(metadata);
        self.newest = self
            .newest
            .max(stat.newest().unwrap_or(jiff::Timestamp::MAX));
        self.files.push(Entry {
            path: relative.to_string_lossy().into_owned(),
            stat,
        });
    }
}

fn is_no_source(name: &std::ffi::OsStr) -> bool {
    NO_SOURCE.iter().any(|folder| name == *folder)
}

/// Whether a path can stand in a URL and in a manifest.
fn publishable(path: &str) -> bool {
    !path.contains(|character: char| character.is_control() || character == '\\')
}

/// Whether the last part of a path is a name that is never meant to be published.
fn secret(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let extension = path.extension().and_then(|extension| extension.to_str());
    SECRETS.contains(&name)
        || name.starts_with(".env.")
        || matches!(extension, Some("pem" | "key" | "p12" | "pfx"))
}

fn digest_part(
    root: &Path,
    files: &[&Entry],
    names: Names,
) -> Result<Vec<(String, ArtifactFile)>, EdgeError> {
    let mut buffer = vec![0; CHUNK];
    files
        .iter()
        .map(|entry| {
            let hasher = names.pages.then(|| PagesHasher::new(&entry.path));
            let path = root.join(&entry.path);
            let file = digest_file(&path, &mut buffer, hasher).map_err(|error| {
                EdgeError::io(format!("{} cannot be read", path.display()), error)
            })?;
            if file.size != entry.stat.size {
                return Err(EdgeError::io(
                    format!("{} changed while it was read", path.display()),
                    io::ErrorKind::Interrupted.into(),
                ));
            }
            Ok((entry.path.clone(), file))
        })
        .collect()
}

fn digest_file(
    path: &Path,
    buffer: &mut [u8],
    mut pages: Option<PagesHasher>,
) -> io::Result<ArtifactFile> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    loop {
        let count = fill(&mut file, buffer)?;
        hasher.update(&buffer[..count]);
        if let Some(pages) = &mut pages {
            pages.update(&buffer[..count]);
        }
        size += count as u64;
        if count < buffer.len() {
            break;
        }
    }
    Ok(ArtifactFile {
        size,
        digest: hasher.finalize().into(),
        pages: pages.map(PagesHasher::finish),
    })
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AbsolutePath, Parse};
    use std::fs;

    fn directory(path: &Path) -> Directory {
        Directory {
            base: AbsolutePath::parse(path.to_str().unwrap()).unwrap(),
            below: Vec::new(),
        }
    }

    fn site() -> tempfile::TempDir {
        let site = tempfile::tempdir().unwrap();
        fs::write(site.path().join("index.html"), "<p>hello").unwrap();
        fs::create_dir(site.path().join("a")).unwrap();
        fs::write(site.path().join("a/b.css"), "b{}").unwrap();
        site
    }

    fn list(site: &Path) -> Result<Listing, EdgeError> {
        Listing::of(&directory(site), &[site.to_path_buf()])
    }

    #[test]
    fn artifact_depends_on_paths_and_contents_alone() {
        let (one, two) = (site(), site());
        let digest = |site: &Path| {
            list(site)
                .unwrap()
                .digest(Names::default())
                .unwrap()
                .digest()
        };
        assert_eq!(digest(one.path()), digest(two.path()));
        fs::write(two.path().join("a/b.css"), "b{ }").unwrap();
        assert_ne!(digest(one.path()), digest(two.path()));
    }

    #[test]
    fn fingerprint_waits_until_changes_have_settled_and_sees_them() {
        let site = site();
        let now = jiff::Timestamp::now();
        assert_eq!(list(site.path()).unwrap().fingerprint(now), None);
        let later = now + jiff::SignedDuration::from_secs(10);
        let before = list(site.path()).unwrap().fingerprint(later).unwrap();
        assert_eq!(list(site.path()).unwrap().fingerprint(later), Some(before));
        // The same length and, set by hand, the same modification time: the change time tells.
        let path = site.path().join("a/b.css");
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "c{}").unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(modified)
            .unwrap();
        assert_ne!(list(site.path()).unwrap().fingerprint(later), Some(before));
    }

    #[test]
    fn refuses_what_should_not_be_published_naming_all_of_it() {
        let site = site();
        fs::create_dir(site.path().join(".git")).unwrap();
        fs::write(site.path().join("tls.key"), "").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", site.path().join("passwd")).unwrap();
        std::os::unix::fs::symlink("index.html", site.path().join("home.html")).unwrap();
        let message = list(site.path()).unwrap_err().message;
        for part in [
            ".git (looks private)",
            "tls.key (looks private)",
            "passwd (a link that leads out)",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert!(!message.contains("home.html"), "{message}");
    }

    #[test]
    fn refuses_directories_outside_the_roots() {
        let (site, other) = (site(), tempfile::tempdir().unwrap());
        let error = Listing::of(&directory(site.path()), &[other.path().into()]).unwrap_err();
        assert!(error.message.contains("not allowed"), "{error}");
        let link = other.path().join("link");
        std::os::unix::fs::symlink(site.path(), &link).unwrap();
        let error = Listing::of(&directory(&link), &[other.path().into()]).unwrap_err();
        assert!(error.message.contains("not allowed"), "{error}");
    }

    #[test]
    fn refuses_a_site_without_index() {
        let site = tempfile::tempdir().unwrap();
        assert!(list(site.path()).unwrap_err().message.ends_with("is empty"));
        fs::write(site.path().join("page.html"), "").unwrap();
        assert!(
            list(site.path())
                .unwrap_err()
                .message
                .contains("no index.html")
        );
    }

    #[test]
    fn what_was_read_is_read_again_only_when_it_changed() {
        let (site, kept) = (site(), tempfile::tempdir().unwrap());
        let stats = Stats::new(kept.path().join("stats"));
        let page = site.path().join("index.html");
        let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
        let read = |names| list(site.path()).unwrap().read(&stats, names).unwrap();
        let first = read(Names::default());
        // Changed a moment ago, nothing of it is kept: another change might not show.
        assert!(stats.of(&site.path().canonicalize().unwrap()).is_empty());
        // What a file says it is like is believed, which tells that it was not read.
        let root = site.path().canonicalize().unwrap();
        let listing = list(site.path()).unwrap();
        let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(10);
        let mut told = listing
            .read_files(&BTreeMap::new(), Names::default())
            .unwrap();
        told.get_mut("a/b.css").unwrap().digest = Digest::of(b"believed");
        stats.keep(&listing, &told, &BTreeMap::new(), later);
        assert_eq!(stats.of(&root).len(), 2);
        let believed = read(Names::default());
        assert_eq!(believed.files()["a/b.css"].digest, Digest::of(b"believed"));
        assert_eq!(believed.files()["index.html"], first.files()["index.html"]);
        // Names that were not made then are made now.
        let named = read(Names { pages: true });
        assert!(named.files().values().all(|file| file.pages.is_some()));
        assert_eq!(named.files()["a/b.css"].digest, Digest::of(b"b{}"));
        // A change is seen, also one that keeps length and time.
        fs::write(&page, "<p>hallo").unwrap();
        File::options()
            .write(true)
            .open(&page)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        assert_eq!(
            read(Names::default()).files()["index.html"].digest,
            Digest::of(b"<p>hallo")
        );
    }
}
