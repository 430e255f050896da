//! Root does not run builds: the kernel's settings below `/proc/sys` and much else belong to user 0, also in namespaces
//! and without any capability. So bubblewrap is started as a user that nothing belongs to.
//!
//! That user may not be able to reach the folders that are given, as one above them may be root's alone. They are
//! mounted at a place that it can reach, in a mount namespace that is gone with the program (`man 7 mount_namespaces`).

use crate::edge::EdgeError;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The user and group: from the range that systemd's documentation of user ids (UIDS-GIDS) calls unused, so that no
/// user, service or container has it.
const USER: u32 = 0x7000_5350;

/// Tools of util-linux that it takes.
const TOOLS: [&str; 3] = ["unshare", "mount", "setpriv"];

/// Joins the control groups whose doors are named, mounts each file or folder that is named at a number below the
/// first word, and becomes what follows as another user.
const STAGE: &str = r#"set -e
while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift
stage=$1; user=$2; shift 2; number=0
mount -t tmpfs -o mode=755,size=1m stage "$stage"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$stage/$number"; else : > "$stage/$number"; fi
  mount --bind -- "$1" "$stage/$number"
  number=$((number + 1)); shift
done; shift
exec env -i "$(command -v setpriv)" --reuid "$user" --regid "$user" --clear-groups --no-new-privs -- "$@""#;

/// Whether this process is root.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether the tools are there.
///
/// # Errors
/// One is not.
pub(super) fn check(find: impl Fn(&str) -> Option<PathBuf>) -> Result<(), EdgeError> {
    match TOOLS.iter().find(|tool| find(tool).is_none()) {
        None => Ok(()),
        Some(tool) => Err(EdgeError::unsupported(format!(
            "{tool} is not installed, which keeps builds from running as root"
        ))
        .at("build.type")
        .hint("install util-linux, or run mycelia-spore as a user that is not root")),
    }
}

/// Where the file or folder of this number is mounted.
pub(super) fn staged(stage: &Path, number: usize) -> PathBuf {
    stage.join(number.to_string())
}

/// Gives a folder to the user, with all that is in it.
pub(super) fn give(folder: &Path) -> io::Result<()> {
    for entry in WalkDir::new(folder) {
        lchown(entry?.path(), Some(USER), Some(USER))?;
    }
    Ok(())
}

/// The words that run bubblewrap's words as the user.
pub(super) fn words(
    doors: impl Iterator<Item = PathBuf>,
    stage: &Path,
    mounts: &[&Path],
    bubblewrap: Vec<OsString>,
) -> Vec<OsString> {
    let shell = ["unshare", "--mount", "--", "/bin/sh", "-c", STAGE, "sh"];
    let mut words: Vec<OsString> = shell.map(OsString::from).to_vec();
    words.extend(doors.map(PathBuf::into_os_string));
    words.push("--".into());
    words.push(stage.as_os_str().to_owned());
    words.push(USER.to_string().into());
    words.extend(mounts.iter().map(|mount| mount.as_os_str().to_owned()));
    words.push("--".into());
    words.extend(bubblewrap);
    words
}

/// Makes a folder one that everybody may enter.
pub(super) fn open_to_all(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}
