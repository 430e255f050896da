//! Cloudflare's own client as a child process: a fake one shows what it is given and how its failures are
//! told, the real one what becomes of real Functions.
#![cfg(test)]

mod failures;
mod given;
mod real;
mod recorder;
#[path = "../support/tools.rs"]
mod tools;
mod world;

use mycelia_spore::edge::secret::Secret;
use mycelia_spore::hosting::cloudflare_pages::wrangler::Deploy;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

/// The token that must be seen nowhere but in one variable.
static TOKEN: LazyLock<Secret> = LazyLock::new(|| Secret::new("token-of-a-test".to_owned()));

/// A deployment of a folder to a project `p`, branch `feature`.
fn deploy(directory: &Path) -> Deploy<'_> {
    Deploy {
        directory,
        functions: true,
        project: "p",
        branch: "feature",
        commit_hash: "0123456789012345678901234567890123456789",
        commit_message: "--why=\"not\"\nsecond line",
        token: &TOKEN,
        account_id: "account",
        api_base_url: None,
        timeout: Duration::from_secs(60),
    }
}

/// Writes files into a folder, with the folders that they lie in.
fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
