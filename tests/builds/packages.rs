//! A registry on this machine that fetches packages from the real one, and keeps them for the next time.

use crate::server::{Reply, Request, Server};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::NamedTempFile;

/// The registry that packages come from.
const REGISTRY: &str = "https://registry.npmjs.org";

/// The longest that fetching one package may take, in seconds.
const PATIENCE: &str = "120";

/// Opens the registry. What it keeps needs no trust: package managers compare it with their lock files.
pub(crate) fn open() -> Server {
    let folder = folder();
    fs::create_dir_all(&folder).unwrap();
    Server::start(&folder.clone(), move |request| answer(&folder, request))
}

fn folder() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
    env::var_os("SPORE_PACKAGES").map_or(target, PathBuf::from)
}

/// Packages never change and are kept; what is said about them does.
fn answer(folder: &Path, request: &Request) -> Reply {
    let kept = folder.join(request.path.trim_start_matches('/').replace('/', "!"));
    let keep = kept.extension().is_some_and(|ending| ending == "tgz");
    if keep && let Ok(bytes) = fs::read(&kept) {
        return whole(bytes);
    }
    match fetch(&request.path) {
        Ok(bytes) => {
            if keep {
                let new = NamedTempFile::new_in(folder).unwrap();
                fs::write(new.path(), &bytes).unwrap();
                new.persist(kept).unwrap();
            }
            whole(bytes)
        }
        Err(told) => Reply::text(502, told),
    }
}

fn whole(bytes: Vec<u8>) -> Reply {
    let kind = ("Content-Type".into(), "application/octet-stream".into());
    Reply::Whole(200, vec![kind], bytes)
}

fn fetch(path: &str) -> Result<Vec<u8>, String> {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--retry", "2"])
        .args(["--max-time", PATIENCE])
        .arg(format!("{REGISTRY}{path}"))
        .output()
        .unwrap();
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
