//! Gives a checkout its history, for builds that tell when a page was changed last.

use super::cache::reference;
use super::git::Git;
use crate::edge::process::ProcessError;
use crate::model::CommitId;
use std::path::Path;

/// The branch of a commit that was named without one.
pub(super) const BRANCH: &str = "main";

/// Makes `folder` a clone of the cache, with so many generations of the commit (0: all there are). Nothing in it names
/// the host or a credential.
pub(super) fn make(
    git: &Git,
    cache: &Path,
    commit: &CommitId,
    (branch, depth): (&str, u32),
    folder: &Path,
) -> Result<(), ProcessError> {
    let clone = folder.join(".git");
    let format = match commit.as_str().len() {
        64 => "--object-format=sha256",
        _ => "--object-format=sha1",
    };
    let init = git.within(&clone, ["init", "--quiet", "--template=", format]);
    init.env("GIT_WORK_TREE", folder).end()?;
    let head = format!("refs/heads/{branch}");
    let within = |args: &[&str]| git.within(&clone, args.iter().copied());
    within(&["symbolic-ref", "HEAD", &head]).end()?;
    let from = cache.to_string_lossy();
    let depth = (depth != 0).then(|| format!("--depth={depth}"));
    let mut args = vec!["fetch", "--quiet", "--no-tags", "--update-shallow"];
    args.extend(depth.as_deref());
    let refs = format!("{}:{head}", reference(commit));
    args.extend(["--update-head-ok", "--end-of-options", &from, &refs]);
    within(&args).env("GIT_ALLOW_PROTOCOL", "file").end()?;
    within(&["read-tree", "HEAD"]).end()?;
    Ok(())
}
