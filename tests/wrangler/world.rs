//! A shell script in the client's place.

use crate::tools::repository;
use crate::{deploy, write};
use mycelia_spore::edge::EdgeError;
use mycelia_spore::hosting::cloudflare_pages::wrangler::{
    BundleOptions, FunctionsSource, Wrangler,
};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tempfile::TempDir;

/// What a client writes of a deployment that it made.
pub(crate) const DEPLOYED: &str = r#"{"type":"pages-deploy-detailed","deployment_id":"d1","url":"https://d1.p.pages.dev","alias":"https://feature.p.pages.dev","environment":"preview"}"#;

/// A client made of shell, and a site with Functions.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    /// The client tells version 4.86.0 and otherwise does what `script` says.
    pub(crate) fn new(script: &str) -> Self {
        Self::of_version("echo 4.86.0", script)
    }

    pub(crate) fn of_version(version: &str, script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("if [ \"$1\" = --version ]; then {version}; exit; fi\n{script}\n");
        write(
            folder.path(),
            &[
                ("script", &script),
                ("site/index.html", "<h1>site</h1>"),
                ("site/functions/api.js", "export const onRequest = 1;"),
                (
                    "site/_routes.json",
                    r#"{"version":1,"include":["/api"],"exclude":[]}"#,
                ),
            ],
        );
        symlink(
            repository("tests/fake/program"),
            folder.path().join("wrangler"),
        )
        .unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn find(&self) -> Result<Wrangler, EdgeError> {
        Wrangler::find(Some(&self.path("wrangler")))
    }

    pub(crate) fn client(&self) -> Wrangler {
        self.find().unwrap()
    }

    pub(crate) fn source(&self) -> FunctionsSource {
        FunctionsSource::find(&self.path("site")).unwrap().unwrap()
    }

    pub(crate) fn bundle_error(&self) -> EdgeError {
        let options = BundleOptions::default();
        self.client().bundle(&self.source(), &options).unwrap_err()
    }

    pub(crate) fn deploy_error(&self) -> EdgeError {
        self.client()
            .deploy(&deploy(&self.path("site")))
            .unwrap_err()
    }

    /// A text with the folders of this run named.
    pub(crate) fn named(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "WORLD")
    }
}

/// What is told of an error, without the paths of this run.
pub(crate) fn told(world: &World, error: &EdgeError) -> String {
    let hint = error.hint.as_deref().unwrap_or("-");
    let told = format!(
        "{}\n{}: {}\n{hint}",
        error.kind.code(),
        error.path,
        error.full()
    );
    world.named(&told)
}

/// A script that notes its arguments and environment beside itself. The shell itself sets the variables left
/// out.
pub(crate) const NOTE: &str = r#"
beside=${0%/*}
printf '%s\0' "$@" >"$beside/argv"
env -0 | grep -zvE '^(PWD|OLDPWD|SHLVL|_)=' >"$beside/env"
"#;

pub(crate) fn arguments(world: &World, room: &str) -> Vec<String> {
    let text = world.named(&world.read("argv")).replace(room, "ROOM");
    let mut arguments: Vec<String> = text.split('\0').map(Into::into).collect();
    assert_eq!(arguments.pop().as_deref(), Some(""));
    arguments
}

/// The variables that the client saw, and the folder that it ran in.
pub(crate) fn environment(world: &World) -> (BTreeMap<String, String>, String) {
    let text = world.read("env");
    let pairs = text.split('\0').filter_map(|line| line.split_once('='));
    let mut all: BTreeMap<String, String> = pairs.map(|(k, v)| (k.into(), v.into())).collect();
    let room = all["HOME"].strip_suffix("/home").unwrap().to_owned();
    for value in all.values_mut() {
        *value = value.replace(&room, "ROOM");
    }
    (all, room)
}
