//! The tree of a commit, looked at before anything of it is written.

use crate::model::{CommitId, Parse};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use thiserror::Error;

/// The longest target of a link, in bytes: what Linux takes (`PATH_MAX`, less the closing zero).
const TARGET_MAX: u64 = 4095;

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file.
    File,
    /// A symbolic link; its target is its content.
    Link,
    /// A commit of another repository.
    Submodule(CommitId),
}

/// One path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    path: Vec<u8>,
    pub(super) kind: Kind,
    /// The object's name.
    pub(super) object: String,
    /// Bytes of content; 0 for a submodule.
    pub(super) size: u64,
}

/// A tree that cannot be written out, and why.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum TreeError {
    /// Git's list of it is malformed.
    #[error("git lists the tree in a way that is not understood: {0:?}")]
    Listing(String),
    /// A name that would lead out of the tree or into a repository's own files.
    #[error("{0:?} is not a path that may be written")]
    Path(String),
    /// A link or a submodule whose name differs from another's by letter case alone: on some file systems
    /// one would be written through the other.
    #[error("{0:?} and {1:?} differ by letter case alone, and one is a link or a submodule")]
    Case(String, String),
    /// A link's target is too long.
    #[error("the link {0:?} is too long")]
    Link(String),
    /// There is too much of it.
    #[error("the tree has more than {0} files")]
    Files(u64),
    /// There is too much of it.
    #[error("the tree has more than {0} bytes")]
    Bytes(u64),
}

impl Entry {
    /// Where it lies, from the root of its tree.
    pub(super) fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }

    /// Reads a line of `git ls-tree -r -z --long`: `MODE TYPE OBJECT SIZE<tab>PATH`.
    fn read(line: &[u8]) -> Result<Self, TreeError> {
        let wrong = || TreeError::Listing(String::from_utf8_lossy(line).into_owned());
        let tab = line
            .iter()
            .position(|byte| *byte == b'\t')
            .ok_or_else(wrong)?;
        let head = std::str::from_utf8(&line[..tab]).map_err(|_| wrong())?;
        let mut words = head.split_ascii_whitespace();
        let (Some(mode), Some(_), Some(object), Some(size)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wrong());
        };
        let kind = match mode {
            "100644" | "100755" | "100664" => Kind::File,
            "120000" => Kind::Link,
            "160000" => Kind::Submodule(CommitId::parse(object).map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        let size = match (&kind, size) {
            (Kind::Submodule(_), _) => 0,
            (_, size) => size.parse().map_err(|_| wrong())?,
        };
        Ok(Self {
            path: line[tab + 1..].to_vec(),
            kind,
            object: object.to_owned(),
            size,
        })
    }

    fn check(&self) -> Result<(), TreeError> {
        if self.path.split(|byte| *byte == b'/').any(is_hostile) {
            return Err(TreeError::Path(self.shown()));
        }
        match self.kind {
            Kind::Link if self.size > TARGET_MAX => Err(TreeError::Link(self.shown())),
            // CVE-2025-48384: a carriage return at the end was lost on the way through a settings file.
            Kind::Submodule(_) if self.path.iter().any(u8::is_ascii_control) => {
                Err(TreeError::Path(self.shown()))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a part of a path leads out of the tree, or into `.git` on any file system. Git looks too, and
/// knows the stranger spellings (`core.protectHFS`, `core.protectNTFS`).
fn is_hostile(part: &[u8]) -> bool {
    let end = part.iter().rposition(|byte| !matches!(byte, b' ' | b'.'));
    let name = &part[..end.map_or(0, |end| end + 1)];
    name.is_empty() || name.eq_ignore_ascii_case(b".git") || name.eq_ignore_ascii_case(b"git~1")
}

/// Reads the list of a tree and refuses what may not be written.
pub(super) fn read(
    listing: &[u8],
    files_max: u64,
    bytes_max: u64,
) -> Result<Vec<Entry>, TreeError> {
    let lines = listing
        .split(|byte| *byte == 0)
        .filter(|line| !line.is_empty());
    let (mut entries, mut bytes) = (Vec::new(), 0_u64);
    for line in lines {
        let entry = Entry::read(line)?;
        entry.check()?;
        bytes = bytes.saturating_add(entry.size);
        entries.push(entry);
        if u64::try_from(entries.len()).is_ok_and(|files| files > files_max) {
            return Err(TreeError::Files(files_max));
        }
        if bytes > bytes_max {
            return Err(TreeError::Bytes(bytes_max));
        }
    }
    check_case(&entries)?;
    Ok(entries)
}

/// Refuses links and submodules that lie where, but for letter case, something else lies or leads through.
fn check_case(entries: &[Entry]) -> Result<(), TreeError> {
    let special = entries.iter().filter(|entry| entry.kind != Kind::File);
    let special: HashMap<String, &Entry> =
        special.map(|entry| (fold(&entry.path), entry)).collect();
    if special.is_empty() {
        return Ok(());
    }
    for entry in entries {
        let ends = entry
            .path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/');
        let ends = ends.map(|(at, _)| at).chain([entry.path.len()]);
        for end in ends {
            match special.get(&fold(&entry.path[..end])) {
                Some(other) if other.path != entry.path => {
                    return Err(TreeError::Case(other.shown(), entry.shown()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// A path as file systems that know no letter case compare it.
fn fold(path: &[u8]) -> String {
    String::from_utf8_lossy(path).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BLOB: &str = "0123456789012345678901234567890123456789";

    fn listed(entries: &[(&str, &str)]) -> Vec<u8> {
        let lines = entries.iter().map(|(mode, path)| {
            let kind = if *mode == "160000" { "commit" } else { "blob" };
            let size = if *mode == "160000" { "-" } else { "7" };
            format!("{mode} {kind} {BLOB} {size:>7}\t{path}\0")
        });
        lines.collect::<String>().into_bytes()
    }

    fn error(entries: &[(&str, &str)]) -> String {
        read(&listed(entries), 5, 30).unwrap_err().to_string()
    }

    #[test]
    fn a_tree_is_read() {
        let entries = [
            ("100644", "a b/\u{e9}\n"),
            ("120000", "l"),
            ("160000", "m"),
            ("100755", "x"),
        ];
        let read = read(&listed(&entries), 5, 30).unwrap();
        assert_eq!(read.len(), 4);
        assert_eq!(read[0].path(), Path::new("a b/\u{e9}\n"));
        assert_eq!((read[1].kind.clone(), read[1].size), (Kind::Link, 7));
        let submodule = Kind::Submodule(CommitId::parse(BLOB).unwrap());
        assert_eq!((read[2].kind.clone(), read[2].size), (submodule, 0));
        assert_eq!(read[3].kind, Kind::File);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in [
            ".git/config",
            "a/.GIT/hooks/post-checkout",
            "a/.git./x",
            ".git /x",
            "git~1/x",
            "GIT~1",
            "../x",
            "a/../../x",
            "./x",
            "a//x",
            "/etc/passwd",
            "...",
            "",
        ] {
            let error = error(&[("100644", path)]);
            assert_eq!(error, format!("{path:?} is not a path that may be written"));
        }
        assert!(
            read(
                &listed(&[("100644", ".gitignore"), ("100644", "a.git")]),
                5,
                30
            )
            .is_ok()
        );
        for path in ["m\r", "a\n/m", "\u{7f}"] {
            assert!(error(&[("160000", path)]).ends_with("is not a path that may be written"));
        }
    }

    #[test]
    fn letter_case_does_not_lead_through_a_link() {
        for (link, other) in [("a", "A/hooks/x"), ("a/b", "A/B"), ("\u{e9}", "\u{c9}/x")] {
            for mode in ["120000", "160000"] {
                let error = error(&[(mode, link), ("100644", other)]);
                assert!(error.ends_with("one is a link or a submodule"), "{error}");
            }
        }
        assert!(read(&listed(&[("120000", "a"), ("120000", "A")]), 5, 30).is_err());
        assert!(
            read(
                &listed(&[("100644", "a"), ("100644", "A"), ("120000", "ab")]),
                5,
                30
            )
            .is_ok()
        );
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let files: Vec<String> = (0..6).map(|number| number.to_string()).collect();
        let entries: Vec<_> = files.iter().map(|name| ("100644", name.as_str())).collect();
        assert_eq!(error(&entries[..5]), "the tree has more than 30 bytes");
        assert_eq!(read(&listed(&entries), 5, 99), Err(TreeError::Files(5)));
        let long = format!("120000 blob {BLOB} 4096\tl\0");
        assert_eq!(
            read(long.as_bytes(), 5, 9999),
            Err(TreeError::Link("l".into()))
        );
        assert!(read(b"040000 tree 00 -\ta\0", 5, 30).is_err());
        assert!(read(b"100644 blob 00 -\ta\0", 5, 30).is_err());
    }

    proptest! {
        #[test]
        fn what_is_read_stays_inside(paths in prop::collection::vec("[.a/gGiItT~1 \r]{1,8}", 1..4)) {
            let entries: Vec<_> = paths.iter().map(|path| ("100644", path.as_str())).collect();
            for entry in read(&listed(&entries), 5, 30).unwrap_or_default() {
                let inside = |part| matches!(part, std::path::Component::Normal(name) if name != ".git");
                prop_assert!(entry.path().components().all(inside));
            }
        }
    }
}
