//! Which repositories lie within another, by its `.gitmodules`. `git submodule` is never run: of what the
//! file says only the path and the address count.

use super::cache::Failure;
use super::git::Git;
use super::remote::Remote;
use super::tree::{Entry, Kind};
use super::{Place, refused};
use crate::edge::EdgeError;
use crate::model::CommitId;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The longest list of settings that is read, in bytes.
const SETTINGS_MAX: usize = 1024 * 1024;

/// A repository within another.
#[derive(Debug)]
pub(super) struct Module {
    /// Where it lies, from the root of the outer one.
    pub(super) path: PathBuf,
    pub(super) remote: Remote,
    pub(super) commit: CommitId,
}

/// What `.gitmodules` says of one submodule.
#[derive(Debug, Default)]
struct Section {
    path: Option<String>,
    url: Option<String>,
    update: Option<String>,
}

/// The submodules of a tree. Those whose `update` is `none` are left out, as git does.
pub(super) fn read(
    git: &Git,
    repository: &Path,
    place: &Place,
    entries: &[Entry],
) -> Result<Vec<Module>, Failure> {
    let commits: Vec<(&Entry, &CommitId)> = entries
        .iter()
        .filter_map(|entry| match &entry.kind {
            Kind::Submodule(commit) => Some((entry, commit)),
            Kind::File | Kind::Link => None,
        })
        .collect();
    if commits.is_empty() {
        return Ok(Vec::new());
    }
    let sections = sections(&settings(git, repository, entries)?);
    let mut modules = Vec::new();
    for (entry, commit) in commits {
        let section = sections.values().find(|section| {
            section
                .path
                .as_ref()
                .is_some_and(|path| Path::new(path) == entry.path())
        });
        match section {
            Some(section) if section.update.as_deref() == Some("none") => {}
            Some(Section { url: Some(url), .. }) => modules.push(Module {
                path: entry.path().to_owned(),
                remote: place
                    .remote
                    .submodule(url)
                    .map_err(|error| refused(&error).at("repo.submodules"))?,
                commit: commit.clone(),
            }),
            _ => return Err(nowhere(entry).into()),
        }
    }
    Ok(modules)
}

/// What `.gitmodules` says: names and values, each pair ended by a zero and parted by a line break.
fn settings(git: &Git, repository: &Path, entries: &[Entry]) -> Result<String, Failure> {
    let of_modules =
        |entry: &&Entry| entry.kind == Kind::File && entry.path() == Path::new(".gitmodules");
    let Some(file) = entries.iter().find(of_modules) else {
        return Ok(String::new());
    };
    let args = ["config", "--blob", &file.object, "--null", "--list"];
    let run = git.within(repository, args).stdout_max(SETTINGS_MAX);
    match run.end() {
        Ok(output) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            let refused = EdgeError::rejected(".gitmodules cannot be read").source(error);
            Err(refused.at("repo.submodules").into())
        }
    }
}

/// Settings by the submodule's name. As with git, the last value of a setting holds.
fn sections(settings: &str) -> HashMap<String, Section> {
    let mut sections: HashMap<String, Section> = HashMap::new();
    for pair in settings.split('\0') {
        let Some((key, value)) = pair.split_once('\n') else {
            continue;
        };
        let Some((name, key)) = key
            .strip_prefix("submodule.")
            .and_then(|rest| rest.rsplit_once('.'))
        else {
            continue;
        };
        let section = sections.entry(name.to_owned()).or_default();
        let value = Some(value.to_owned());
        match key {
            "path" => section.path = value,
            "url" => section.url = value,
            "update" => section.update = value,
            _ => {}
        }
    }
    sections
}

fn nowhere(entry: &Entry) -> EdgeError {
    let path = entry.path().display();
    let message = format!("the submodule {path} has no address in .gitmodules");
    EdgeError::rejected(message).at("repo.submodules")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_kept_by_name() {
        let listed = "core.x\n1\0submodule.a.b.path\np\nq\0submodule.a.b.url\nold\0\
                      submodule.a.b.url\nnew\0submodule.a.b.fetchrecursesubmodules\0submodule.c.update\n!sh\0";
        let sections = sections(listed);
        let section = &sections["a.b"];
        assert_eq!(section.path.as_deref(), Some("p\nq"));
        assert_eq!(section.url.as_deref(), Some("new"));
        assert_eq!(sections["c"].update.as_deref(), Some("!sh"));
        assert_eq!(sections.len(), 2);
    }
}
