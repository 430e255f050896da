//! The endpoints of deployments.

use super::builds::Progress;
use super::deployment::{Deployment, alias};
use super::project::Project;
use super::projects::BAD_PAGE;
use super::refusal::{self, Refusal};
use super::route::Place;
use super::upload::{self, Brought};
use super::wire::{Answer, Request, Sizes};
use super::world::World;
use serde_json::Value;

const SIZES: Sizes = Sizes {
    least: 1,
    most: 25,
    usual: 25,
    code: BAD_PAGE,
};

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
    let parts = upload::parts(request)?;
    let project = world.project(at.account, at.name)?;
    let trigger = upload::trigger(&parts, &project.production_branch)?;
    let brought = match &project.source {
        None => Brought::upload(trigger, parts, most, &mut project.assets)?,
        Some(_) if parts.contains_key("manifest") => {
            return Err(refusal::wrong_kind("a connected project takes no uploads"));
        }
        Some(_) => Brought::order(trigger),
    };
    begin(world, at, brought)
}

fn begin(world: &mut World, at: Place<'_>, brought: Brought) -> Result<Answer, Refusal> {
    let (clock, id, settings) = (world.clock, world.ids.uuid(), world.settings.clone());
    let project = world.project(at.account, at.name)?;
    let production = brought.trigger.branch == project.production_branch;
    let environment = if production { "production" } else { "preview" };
    let (progress, log) = match project.source {
        Some(_) => (Progress::build(&settings.build, clock), settings.build.log),
        None => (Progress::upload(settings.deployment_polls, clock), vec![]),
    };
    let succeeded = progress.has_succeeded();
    project.deployments.push(Deployment {
        id: id.clone(),
        created_on: clock.stamp(),
        trigger: brought.trigger,
        environment,
        manifest: brought.manifest,
        parts: brought.parts,
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
    begin(world, at, Brought::order(trigger))
}
