//! What a deployment is made of, checked.

use super::assets::{self, Asset, wrong_hash};
use super::deployment::Trigger;
use super::form;
use super::refusal::{self, Refusal};
use super::shapes;
use super::wire::Request;
use hyper::body::Bytes;
use serde_json::Value;
use std::collections::BTreeMap;

/// The parts of the form that a deployment comes in.
const PARTS: [&str; 13] = [
    "manifest",
    "branch",
    "commit_hash",
    "commit_message",
    "commit_dirty",
    "_headers",
    "_redirects",
    "_routes.json",
    "_worker.bundle",
    "_worker.js",
    "functions-filepath-routing-config.json",
    "wrangler_config_hash",
    "pages_build_output_dir",
];

/// Parts that tell about the deployment, and are no content of it.
const ABOUT: [&str; 5] = [
    "manifest",
    "branch",
    "commit_hash",
    "commit_message",
    "commit_dirty",
];

/// Files at the root of a site that go into parts of their own.
const APART: [&str; 4] = ["/_headers", "/_redirects", "/_routes.json", "/_worker.js"];

/// The longest commit message, in bytes, as the official client cuts it.
const MESSAGE: usize = 384;

/// What a deployment is made of.
pub(crate) struct Brought {
    pub(crate) trigger: Trigger,
    /// Keys of assets by path.
    pub(crate) manifest: BTreeMap<String, String>,
    /// The other parts that are content.
    pub(crate) parts: BTreeMap<String, Bytes>,
}

impl Brought {
    /// Nothing but the order to build.
    pub(crate) fn order(trigger: Trigger) -> Self {
        Self {
            trigger,
            manifest: BTreeMap::new(),
            parts: BTreeMap::new(),
        }
    }

    /// An upload of no more than so many files, compared with the project's assets.
    pub(crate) fn upload(
        trigger: Trigger,
        parts: BTreeMap<String, Bytes>,
        most: usize,
        assets: &mut BTreeMap<String, Asset>,
    ) -> Result<Self, Refusal> {
        let manifest = manifest(&parts, most, assets)?;
        check_routes(&parts)?;
        let content = parts
            .into_iter()
            .filter(|(name, _)| !ABOUT.contains(&name.as_str()));
        Ok(Self {
            trigger,
            manifest,
            parts: content.collect(),
        })
    }
}

/// The parts of a deployment's form.
pub(crate) fn parts(request: &Request) -> Result<BTreeMap<String, Bytes>, Refusal> {
    let parts = form::parts(request)?;
    match parts.keys().find(|name| !PARTS.contains(&name.as_str())) {
        None => Ok(parts),
        Some(unknown) => Err(refusal::bad_shape(&format!(
            "the form has the unknown part {unknown}"
        ))),
    }
}

/// What a form says of its origin; without a branch it is of the usual one.
pub(crate) fn trigger(parts: &BTreeMap<String, Bytes>, usual: &str) -> Result<Trigger, Refusal> {
    let text = |name: &str| match parts.get(name) {
        None => Ok(None),
        Some(bytes) => std::str::from_utf8(bytes)
            .map(Some)
            .map_err(|_| refusal::bad_shape(&format!("the part {name} is not UTF-8"))),
    };
    let branch = text("branch")?.unwrap_or(usual);
    if branch.is_empty() {
        return Err(refusal::bad_shape("the branch is empty"));
    }
    let commit_message = text("commit_message")?.unwrap_or_default();
    if commit_message.len() > MESSAGE {
        return Err(refusal::over_limit(format!(
            "a commit message over {MESSAGE} bytes"
        )));
    }
    let commit_dirty = match text("commit_dirty")? {
        Some("true") => true,
        Some("false") | None => false,
        Some(_) => return Err(refusal::bad_shape("commit_dirty must be true or false")),
    };
    Ok(Trigger {
        branch: branch.to_owned(),
        commit_hash: text("commit_hash")?.unwrap_or_default().to_owned(),
        commit_message: commit_message.to_owned(),
        commit_dirty,
    })
}

/// The manifest, with the key of each file compared with what was uploaded.
fn manifest(
    parts: &BTreeMap<String, Bytes>,
    most: usize,
    assets: &mut BTreeMap<String, Asset>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(manifest) = parts.get("manifest") else {
        let message = "A \"manifest\" field was expected in the request body but was not provided.";
        return Err(Refusal::new(400, 8_000_096, message));
    };
    let manifest: Value = serde_json::from_slice(manifest)
        .map_err(|error| refusal::bad_json(&format!("the manifest is not JSON: {error}")))?;
    shapes::MANIFEST.check(&manifest)?;
    let entries = manifest.as_object().into_iter().flatten();
    let entries: BTreeMap<String, String> = entries
        .map(|(path, key)| (path.clone(), key.as_str().unwrap_or_default().to_owned()))
        .collect();
    if entries.len() > most {
        return Err(refusal::over_limit(format!("more than {most} files")));
    }
    for (path, key) in &entries {
        check_entry(path, key, assets)?;
    }
    Ok(entries)
}

fn check_entry(path: &str, key: &str, assets: &mut BTreeMap<String, Asset>) -> Result<(), Refusal> {
    let mut parts = path.split('/');
    let rooted = parts.next() == Some("");
    if !rooted || parts.any(|part| ["", ".", ".."].contains(&part)) {
        return Err(refusal::bad_manifest(format!(
            "{path:?} is no path of a file"
        )));
    }
    if APART.contains(&path) {
        return Err(refusal::bad_manifest(format!(
            "{path} belongs into a part of its own"
        )));
    }
    let Some(asset) = assets.get_mut(key) else {
        return Err(refusal::bad_manifest(format!(
            "{path}: {key} was not uploaded"
        )));
    };
    let fits = asset.fits(key, assets::extension(path));
    fits.then_some(()).ok_or_else(|| wrong_hash(key, path))
}

/// Routes that include nothing are refused.
fn check_routes(parts: &BTreeMap<String, Bytes>) -> Result<(), Refusal> {
    let Some(routes) = parts.get("_routes.json") else {
        return Ok(());
    };
    let routes: Value = serde_json::from_slice(routes).unwrap_or_default();
    let included = routes["include"]
        .as_array()
        .is_some_and(|it| !it.is_empty());
    if included && routes["version"] == 1 {
        return Ok(());
    }
    let message = "Rules in `_routes.json` are invalid: there must be at least 1 include rule.";
    Err(Refusal::new(400, 80_000_057, message))
}
