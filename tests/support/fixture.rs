//! Whole projects below `tests/fixtures/builds`, as their owners would keep them in a repository.
#![allow(
    dead_code,
    reason = "each of the test programs that share this takes its part"
)]

use crate::tools::repository;
use crate::upstream::Upstream;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use walkdir::WalkDir;

/// Folders that building leaves beside a project's own files: never part of a project.
const LEFT_BY_BUILDS: [&str; 7] = [
    "node_modules",
    ".astro",
    ".next",
    ".nuxt",
    ".output",
    "dist",
    "out",
];

/// The files of a project, to be changed before they are committed.
#[derive(Clone)]
pub(crate) struct Fixture {
    files: BTreeMap<String, Vec<u8>>,
}

impl Fixture {
    /// The project of this name.
    pub(crate) fn named(name: &str) -> Self {
        let folder = repository("tests/fixtures/builds").join(name);
        let entries = WalkDir::new(&folder).into_iter().filter_entry(|entry| {
            let name = entry.file_name().to_str().unwrap();
            entry.depth() == 0 || !entry.file_type().is_dir() || !LEFT_BY_BUILDS.contains(&name)
        });
        let files = entries
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let bytes = fs::read(entry.path()).unwrap();
                (relative(&folder, entry.path()), bytes)
            });
        let files: BTreeMap<_, _> = files.collect();
        assert!(!files.is_empty(), "{} has no files", folder.display());
        Self { files }
    }

    /// A project without files.
    pub(crate) const fn empty() -> Self {
        Self {
            files: BTreeMap::new(),
        }
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> &str {
        std::str::from_utf8(&self.files[path]).unwrap()
    }

    /// With a file, in place of the one of this path if there is one.
    pub(crate) fn with(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }

    /// With one text replaced in a file that has it.
    pub(crate) fn replacing(self, path: &str, from: &str, to: &str) -> Self {
        let text = self.text(path);
        assert!(text.contains(from), "{path} has no {from:?}");
        let text = text.replace(from, to);
        self.with(path, text)
    }

    pub(crate) fn without(mut self, path: &str) -> Self {
        self.files.remove(path).expect(path);
        self
    }

    /// The same project, one folder deeper.
    pub(crate) fn below(self, folder: &str) -> Self {
        let files = self.files.into_iter();
        let files = files.map(|(path, bytes)| (format!("{folder}/{path}"), bytes));
        Self {
            files: files.collect(),
        }
    }

    /// Commits its files to a branch; files that the branch has besides stay.
    pub(crate) fn commit(&self, upstream: &Upstream, branch: &str) -> String {
        let files = self.files.iter();
        upstream.commit_bytes(
            branch,
            files.map(|(path, bytes)| ("100644", path.as_str(), bytes.as_slice())),
        )
    }

    /// Writes its files below a folder.
    pub(crate) fn write(&self, folder: &Path) {
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

/// The digest of every file below a folder, so that two trees can be compared and what differs is named.
pub(crate) fn digests(folder: &Path) -> BTreeMap<String, String> {
    let entries = WalkDir::new(folder).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    let digests = files.map(|entry| {
        assert!(
            entry.file_type().is_file(),
            "{} is no file",
            entry.path().display()
        );
        let digest = blake3::hash(&fs::read(entry.path()).unwrap());
        (relative(folder, entry.path()), digest.to_hex().to_string())
    });
    digests.collect()
}

fn relative(folder: &Path, path: &Path) -> String {
    let path = path.strip_prefix(folder).unwrap();
    path.to_str().unwrap().to_owned()
}
