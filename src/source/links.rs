//! Where symbolic links of a tree lead, found out on the list of links alone, before any exists on disk.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};
use thiserror::Error;

/// How many links one path may lead through: what Linux allows (`path_resolution(7)`).
const FOLLOWED_MAX: u32 = 40;

/// Links by where they lie, from the root of the tree, and what they say.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<PathBuf, PathBuf>);

/// A link that is not made.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum LinkError {
    /// It leads out of the tree.
    #[error("the link {0:?} leads out of the tree, to {1:?}")]
    Leaves(PathBuf, PathBuf),
    /// It leads in a circle, or through too many others.
    #[error("the link {0:?} leads through more than {FOLLOWED_MAX} others")]
    Circle(PathBuf),
    /// It says nothing.
    #[error("the link {0:?} has no target")]
    Empty(PathBuf),
}

impl Links {
    /// Adds one.
    pub(super) fn add(&mut self, path: PathBuf, target: PathBuf) {
        self.0.insert(path, target);
    }

    /// All of them, each with its target.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Path, &Path)> {
        self.0.iter().map(|(path, target)| (&**path, &**target))
    }

    /// Refuses them all if one leads out of the tree, be it by way of others.
    pub(super) fn check(&self) -> Result<(), LinkError> {
        self.iter().try_for_each(|(path, target)| {
            if target.as_os_str().is_empty() {
                return Err(LinkError::Empty(path.to_owned()));
            }
            self.follow(path, target)
        })
    }

    /// Goes from the root to a link and on to where it leads, as the kernel would.
    fn follow(&self, link: &Path, target: &Path) -> Result<(), LinkError> {
        let leaves = || LinkError::Leaves(link.to_owned(), target.to_owned());
        let mut ahead: VecDeque<OsString> = link.iter().map(OsStr::to_owned).collect();
        let (mut here, mut followed) = (PathBuf::new(), 0);
        while let Some(part) = ahead.pop_front() {
            if part == ".." {
                if !here.pop() {
                    return Err(leaves());
                }
                continue;
            }
            here.push(part);
            let Some(target) = self.0.get(&here) else {
                continue;
            };
            followed += 1;
            if followed > FOLLOWED_MAX {
                return Err(LinkError::Circle(link.to_owned()));
            }
            here.pop();
            for component in target.components().rev() {
                match component {
                    Component::Normal(part) => ahead.push_front(part.to_owned()),
                    Component::ParentDir => ahead.push_front("..".into()),
                    Component::CurDir => {}
                    Component::RootDir | Component::Prefix(_) => return Err(leaves()),
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn links(pairs: &[(&str, &str)]) -> Links {
        let mut links = Links::default();
        for (path, target) in pairs {
            links.add(path.into(), target.into());
        }
        links
    }

    #[test]
    fn links_within_the_tree_are_taken() {
        let inside: [&[(&str, &str)]; 5] = [
            &[("a", "b")],
            &[("d/e/a", "../../b/c")],
            &[("a", "./x/../y/.")],
            &[
                ("packages/a/node_modules/b", "../../b"),
                ("c", "packages/a/node_modules/b/x"),
            ],
            &[("up", "d/.."), ("d/x", "../up/d/y")],
        ];
        for pairs in inside {
            assert_eq!(links(pairs).check(), Ok(()), "{pairs:?}");
        }
    }

    #[test]
    fn links_that_leave_are_refused() {
        let outside: [&[(&str, &str)]; 7] = [
            &[("a", "/etc/passwd")],
            &[("a", "../x")],
            &[("d/a", "../../x")],
            &[("d/a", "x/../../..")],
            // Each word stays inside; where they lead together does not.
            &[("a/b/up", "../.."), ("y", "a/b/up/../x")],
            &[("a", "b/../../x"), ("b", "c")],
            &[("z", "."), ("a", "z/z/../x")],
        ];
        for pairs in outside {
            let error = links(pairs).check();
            assert!(matches!(error, Err(LinkError::Leaves(..))), "{pairs:?}");
        }
        assert!(matches!(
            links(&[("a", "a")]).check(),
            Err(LinkError::Circle(_))
        ));
        assert!(matches!(
            links(&[("a", "b/x"), ("b", "a")]).check(),
            Err(LinkError::Circle(_))
        ));
        assert!(matches!(
            links(&[("a", "")]).check(),
            Err(LinkError::Empty(_))
        ));
    }

    proptest! {
        /// What the check lets pass, the kernel does not lead out of the tree.
        #[test]
        fn the_kernel_agrees(pairs in prop::collection::vec(("[ab]|[ab]/[cd]", "(\\.\\./|[abcd]/|\\./){0,4}[abcd]"), 1..5)) {
            let outer = tempfile::tempdir().unwrap();
            let root = outer.path().join("tree");
            fs::create_dir(&root).unwrap();
            let mut links = Links::default();
            for (path, target) in &pairs {
                let lies = root.join(path);
                fs::create_dir_all(lies.parent().unwrap()).ok();
                let real = lies.parent().unwrap().canonicalize().is_ok_and(|parent| root.join(Path::new(path).parent().unwrap()) == parent);
                if real && symlink(target, &lies).is_ok() {
                    links.add(path.into(), target.into());
                }
            }
            if links.check().is_ok() {
                for (path, _) in links.iter() {
                    if let Ok(end) = root.join(path).canonicalize() {
                        prop_assert!(end.starts_with(root.canonicalize().unwrap()), "{path:?} of {pairs:?}");
                    }
                }
            }
        }
    }
}
