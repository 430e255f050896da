//! The endpoints of deployments.

use super::assets::{self, Asset, wrong_hash};
use super::builds::Progress;
use super::deployment::{Deployment, Trigger, alias};
use super::form;
use super::project::Project;
use super::projects::BAD_PAGE;
use super::refusal::{self, Refusal};
use super::route::Place;
use super::shapes;
use super::wire::{Answer, Request, Sizes};
use super::world::World;
use hyper::body::Bytes;
use serde_json::Value;
use std::collections::BTreeMap;

const SIZES: Sizes = Sizes {
    least: 1,
    most: 25,
    usual: 25,
    code: BAD_PAGE,
};

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

/// The endpoints below `deployments`.
pub(crate) fn answer(
    world: &mut World,
    request: &Request,
    at: Place<'_>,
    rest: &[&str],
) -> Result<Answer, Refusal> {
    world.project(at.account, at.name)?;
    match (request.method.as_str(), rest) {
        ("GET", []) => list(world, request, at),
        ("POST", []) => create(world, request, at),
        ("GET", [id]) => get(world, request, at, id),
        ("DELETE", [id]) => delete(world, request, at, id),
        ("POST", [id, "rollback"]) => rollback(world, at, id),
        ("POST", [id, "retry"]) => retry(world, at, id),
        ("GET", [id, "history", "logs"]) => {
            request.only(&["size"])?;
            let project = world.project(at.account, at.name)?;
            let deployment = project.deployment(id).ok_or_else(refusal::no_deployment)?;
            Ok(Answer::result(deployment.log_view()))
        }
        _ => Err(refusal::no_route(&request.path)),
    }
}

/// The newest first.
fn list(world: &mut World, request: &Request, at: Place<'_>) -> Result<Answer, Refusal> {
    request.only(&["env", "page", "per_page"])?;
    let page = request.page(&SIZES)?;
    let wanted = request.parameter("env");
    if wanted.is_some_and(|env| !["production", "preview"].contains(&env)) {
        return Err(refusal::bad_shape("env must be production or preview"));
    }
    let project = world.project(at.account, at.name)?;
    let shown = project.deployments.iter().rev();
    let shown = shown.filter(|it| wanted.is_none_or(|env| env == it.environment));
    let views = shown.map(|it| it.view(project));
    Ok(Answer::list(views.collect(), page))
}

/// A deployment, which a look brings forward.
fn get(world: &mut World, request: &Request, at: Place<'_>, id: &str) -> Result<Answer, Refusal> {
    request.only(&[])?;
    let clock = world.clock;
    let project = world.project(at.account, at.name)?;
    let deployments = &mut project.deployments;
    let deployment = deployments.iter_mut().find(|it| it.id == id);
    let deployment = deployment.ok_or_else(refusal::no_deployment)?;
    let before = deployment.progress.has_succeeded();
    deployment.progress.poll(clock);
    if !before && deployment.progress.has_succeeded() {
        go_live(project, id);
    }
    shown(project, id)
}

fn shown(project: &Project, id: &str) -> Result<Answer, Refusal> {
    let deployment = project.deployment(id).ok_or_else(refusal::no_deployment)?;
    Ok(Answer::result(deployment.view(project)))
}

/// A finished deployment becomes what its branch shows.
fn go_live(project: &mut Project, id: &str) {
    let Some(deployment) = project.deployment(id) else {
        return;
    };
    if deployment.environment == "production" {
        project.canonical = Some(id.to_owned());
        return;
    }
    let alias = alias(&deployment.trigger.branch, &project.subdomain);
    for deployment in &mut project.deployments {
        deployment.aliases.retain(|it| *it != alias);
        if deployment.id == id {
            deployment.aliases.push(alias.clone());
        }
    }
}

fn create(world: &mut World, request: &Request, at: Place<'_>) -> Result<Answer, Refusal> {
    request.only(&[])?;
    let most = world.settings.files;
    let parts = form::parts(request)?;
    if let Some(unknown) = parts.keys().find(|name| !PARTS.contains(&name.as_str())) {
        return Err(refusal::bad_shape(&format!(
            "the form has the unknown part {unknown}"
        )));
    }
    let project = world.project(at.account, at.name)?;
    let trigger = trigger(&parts, &project.production_branch)?;
    if project.source.is_some() {
        if parts.contains_key("manifest") {
            return Err(refusal::wrong_kind("a connected project takes no uploads"));
        }
        return begin(world, at, trigger, BTreeMap::new(), BTreeMap::new());
    }
    let manifest = manifest(&parts, most, &mut project.assets)?;
    check_routes(&parts)?;
    let content = parts
        .into_iter()
        .filter(|(name, _)| !ABOUT.contains(&name.as_str()));
    begin(world, at, trigger, manifest, content.collect())
}

fn trigger(parts: &BTreeMap<String, Bytes>, usual: &str) -> Result<Trigger, Refusal> {
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

fn begin(
    world: &mut World,
    at: Place<'_>,
    trigger: Trigger,
    manifest: BTreeMap<String, String>,
    parts: BTreeMap<String, Bytes>,
) -> Result<Answer, Refusal> {
    let (clock, id, settings) = (world.clock, world.ids.uuid(), world.settings.clone());
    let project = world.project(at.account, at.name)?;
    let production = trigger.branch == project.production_branch;
    let environment = if production { "production" } else { "preview" };
    let (progress, log) = match project.source {
        Some(_) => (Progress::build(&settings.build, clock), settings.build.log),
        None => (
            Progress::upload(settings.deployment_polls, clock),
            Vec::new(),
        ),
    };
    let succeeded = progress.has_succeeded();
    project.deployments.push(Deployment {
        id: id.clone(),
        created_on: clock.stamp(),
        trigger,
        environment,
        manifest,
        parts,
        aliases: Vec::new(),
        progress,
        log,
        env_vars: project.deployment_configs[environment]["env_vars"].clone(),
    });
    if succeeded {
        go_live(project, &id);
    }
    shown(project, &id)
}

fn delete(
    world: &mut World,
    request: &Request,
    at: Place<'_>,
    id: &str,
) -> Result<Answer, Refusal> {
    request.only(&["force"])?;
    let force = request.parameter("force") == Some("true");
    let project = world.project(at.account, at.name)?;
    let deployment = project.deployment(id).ok_or_else(refusal::no_deployment)?;
    if project.canonical.as_deref() == Some(id) {
        let message = "Cannot delete the active production deployment.";
        return Err(Refusal::new(400, 8_000_034, message));
    }
    if !deployment.aliases.is_empty() && !force {
        let message = "Cannot delete an aliased deployment without a `?force=true` parameter.";
        return Err(Refusal::new(400, 8_000_035, message));
    }
    project.deployments.retain(|it| it.id != id);
    Ok(Answer::result(Value::Null))
}

/// Makes an earlier production deployment the live one.
fn rollback(world: &mut World, at: Place<'_>, id: &str) -> Result<Answer, Refusal> {
    let project = world.project(at.account, at.name)?;
    let deployment = project.deployment(id).ok_or_else(refusal::no_deployment)?;
    if deployment.environment != "production" || !deployment.progress.has_succeeded() {
        return Err(refusal::wrong_kind(
            "only a successful production deployment can be rolled back to",
        ));
    }
    project.canonical = Some(id.to_owned());
    shown(project, id)
}

/// Builds again what a deployment was built from.
fn retry(world: &mut World, at: Place<'_>, id: &str) -> Result<Answer, Refusal> {
    let project = world.project(at.account, at.name)?;
    let deployment = project.deployment(id).ok_or_else(refusal::no_deployment)?;
    if project.source.is_none() {
        return Err(refusal::wrong_kind(
            "an uploaded deployment cannot be built again",
        ));
    }
    let trigger = deployment.trigger.clone();
    begin(world, at, trigger, BTreeMap::new(), BTreeMap::new())
}
