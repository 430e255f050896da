//! The real programs that tests talk to. A test whose program is not there says so and is skipped.

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Whether a program of this name lies on `PATH`. Says loudly what is not checked when it does not.
pub(crate) fn on_path(program: &str, unchecked: &str) -> bool {
    let found = env::var_os("PATH").is_some_and(|path| {
        env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
    });
    if !found {
        skipped(&format!("{program} is not installed"), unchecked);
    }
    found
}

/// Says on standard error, past the test harness's capture, that something was not checked.
pub(crate) fn skipped(why: &str, unchecked: &str) {
    let line = format!("NOT CHECKED: {unchecked}: {why}\n");
    drop(std::io::stderr().lock().write_all(line.as_bytes()));
}

/// A file or folder of the repository.
#[allow(
    dead_code,
    reason = "not every suite that asks for tools reads the repository"
)]
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
