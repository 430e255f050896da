//! How much history a cache has of a commit.

use super::cache::reference;
use super::git::Git;
use crate::model::CommitId;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

/// Whether so many generations of a commit are there (0: all of them). What cannot be told counts as no.
pub(super) fn reaches(git: &Git, folder: &Path, commit: &CommitId, depth: u32) -> bool {
    let Ok(cut) = fs::read_to_string(folder.join("shallow")) else {
        return true;
    };
    // The commits whose parents were left behind.
    let cut: HashSet<&str> = cut.lines().collect();
    let list = |options: &[&str]| {
        let name = reference(commit);
        let args = [&["rev-list"], options, &[&*name]].concat();
        let output = git.within(folder, args).end().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    match depth {
        0 => list(&["--max-parents=0"])
            .is_some_and(|roots| !roots.lines().any(|it| cut.contains(it))),
        1 => true,
        _ => list(&["--parents"]).is_some_and(|lines| generations(&lines, &cut, depth)),
    }
}

/// Whether a walk through `lines`, each a commit and its parents and the first where it begins, meets no
/// commit that was cut before the last of so many generations.
fn generations(lines: &str, cut: &HashSet<&str>, depth: u32) -> bool {
    let words = lines.lines().map(|line| line.split(' '));
    let parents: HashMap<&str, Vec<&str>> = words
        .filter_map(|mut words| Some((words.next()?, words.collect())))
        .collect();
    let mut generation: Vec<&str> = lines.split([' ', '\n']).take(1).collect();
    let mut seen: HashSet<&str> = HashSet::new();
    for _ in 1..depth {
        if generation.iter().any(|commit| cut.contains(commit)) {
            return false;
        }
        let next = generation
            .iter()
            .filter_map(|commit| parents.get(commit))
            .flatten();
        generation = next
            .copied()
            .filter(|commit| seen.insert(*commit))
            .collect();
        if generation.is_empty() {
            return true;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_counted_along_the_shortest_way() {
        // e merges d and b; a was cut.
        let lines = "e d b\nd c\nc b\nb a\na\n";
        let cut: HashSet<&str> = ["a"].into();
        let enough: Vec<u32> = (2..7)
            .filter(|depth| generations(lines, &cut, *depth))
            .collect();
        assert_eq!(enough, [2, 3]);
        assert!(generations(lines, &HashSet::new(), 100));
        assert!(!generations("a\n", &cut, 2));
    }
}
