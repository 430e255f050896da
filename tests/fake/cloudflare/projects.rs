//! The endpoints of projects.

use super::project::{self, Project};
use super::refusal::{self, Refusal};
use super::route::Place;
use super::shapes;
use super::wire::{Answer, Request, Sizes};
use super::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The code of the refusal of a page.
pub(crate) const BAD_PAGE: u32 = 8_000_024;

const SIZES: Sizes = Sizes {
    least: 1,
    most: 10,
    usual: 10,
    code: BAD_PAGE,
};

/// A project that has more deployments cannot be deleted.
const DELETABLE: usize = 100;

/// The longest name, which is a label of a domain name together with what may be put behind it:
/// <https://developers.cloudflare.com/pages/get-started/direct-upload/>.
const NAME: usize = 58;

/// A page of the account's projects, the newest first.
pub(crate) fn list(world: &World, request: &Request, account: &str) -> Result<Answer, Refusal> {
    request.only(&["page", "per_page"])?;
    let page = request.page(&SIZES)?;
    let mut projects: Vec<&Project> = world.accounts[account].projects.values().collect();
    projects.sort_by(|one, two| two.created_on.cmp(&one.created_on));
    let views = projects.into_iter().map(Project::view);
    Ok(Answer::list(views.collect(), page))
}

/// A new project.
pub(crate) fn create(
    world: &mut World,
    request: &Request,
    account: &str,
) -> Result<Answer, Refusal> {
    request.only(&[])?;
    let body = request.json()?;
    shapes::NEW_PROJECT.check(&body)?;
    let name = body["name"].as_str().unwrap_or_default();
    check_name(name)?;
    check_free(world, account, name)?;
    if !body["source"].is_null() && !world.settings.git_authorised {
        return Err(refusal::wrong_kind(
            "the repository has not been authorised on the dashboard",
        ));
    }
    let project = new(world, &body);
    let answer = Answer::result(project.view());
    let account = world.accounts.get_mut(account);
    let projects = account.map(|account| &mut account.projects);
    projects.map(|projects| projects.insert(name.to_owned(), project));
    Ok(answer)
}

fn new(world: &mut World, body: &Value) -> Project {
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let mut configs = default_configs(&world.clock.day());
    project::merge_configs(&mut configs, &body["deployment_configs"]);
    let mut build_config = json!({});
    if !body["build_config"].is_null() {
        project::merge(&mut build_config, &body["build_config"]);
    }
    let source = body
        .get("source")
        .map(|source| with_defaults(source, &text("production_branch")));
    Project {
        id: world.ids.uuid(),
        subdomain: free_subdomain(world, &text("name")),
        name: text("name"),
        production_branch: text("production_branch"),
        created_on: world.clock.stamp(),
        build_config,
        source,
        deployment_configs: configs,
        deployments: Vec::new(),
        canonical: None,
        assets: BTreeMap::new(),
        domains: Vec::new(),
        cache_purges: 0,
    }
}

/// What the service fills in on its own.
fn default_configs(day: &str) -> Value {
    let config = json!({
        "fail_open": true,
        "always_use_latest_compatibility_date": false,
        "compatibility_date": day,
        "compatibility_flags": [],
        "build_image_major_version": 3,
        "usage_model": "standard",
    });
    json!({ "preview": config, "production": config })
}

fn with_defaults(source: &Value, production_branch: &str) -> Value {
    let mut filled = json!({
        "type": source["type"],
        "config": {
            "production_branch": production_branch,
            "pr_comments_enabled": true,
            "deployments_enabled": true,
            "production_deployments_enabled": true,
            "preview_deployment_setting": "all",
            "preview_branch_includes": ["*"],
            "preview_branch_excludes": [],
            "path_includes": ["*"],
            "path_excludes": [],
        },
    });
    project::merge(&mut filled, source);
    filled
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let first = name.bytes().next();
    let rest = name
        .bytes()
        .all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let fits =
        rest && first.is_some_and(|it| it != b'-') && !name.ends_with('-') && name.len() <= NAME;
    fits.then_some(())
        .ok_or_else(|| refusal::bad_shape(&format!("{name:?} is no name of a project")))
}

fn check_free(world: &World, account: &str, name: &str) -> Result<(), Refusal> {
    if !world.accounts[account].projects.contains_key(name) {
        return Ok(());
    }
    let message = "A project with this name already exists. Choose a different project name.";
    Err(Refusal::new(409, 8_000_002, message))
}

/// The subdomain for a name: another one when it belongs to a stranger, or to another account of the fake.
fn free_subdomain(world: &mut World, name: &str) -> String {
    let wanted = format!("{name}.pages.dev");
    let taken = world.taken_subdomains.contains(name)
        || world.projects().any(|project| project.subdomain == wanted);
    if taken {
        let id = world.ids.short();
        return format!("{name}-{}.pages.dev", &id[..3]);
    }
    wanted
}

/// A project.
pub(crate) fn get(world: &mut World, request: &Request, at: Place<'_>) -> Result<Answer, Refusal> {
    request.only(&[])?;
    let project = world.project(at.account, at.name)?;
    Ok(Answer::result(project.view()))
}

/// Changes to a project.
pub(crate) fn patch(
    world: &mut World,
    request: &Request,
    at: Place<'_>,
) -> Result<Answer, Refusal> {
    request.only(&[])?;
    world.project(at.account, at.name)?;
    let body = request.json()?;
    shapes::PROJECT_CHANGES.check(&body)?;
    let renamed = body["name"].as_str().filter(|name| *name != at.name);
    if let Some(name) = renamed {
        check_name(name)?;
        check_free(world, at.account, name)?;
    }
    let project = world.project(at.account, at.name)?;
    if body.get("source").is_some() && project.source.is_none() {
        return Err(refusal::wrong_kind(
            "a project for uploads cannot be connected to a repository",
        ));
    }
    change(project, &body);
    let answer = Answer::result(project.view());
    if let Some(name) = renamed {
        rename(world, at, name);
    }
    Ok(answer)
}

fn change(project: &mut Project, body: &Value) {
    if let Some(name) = body["name"].as_str() {
        name.clone_into(&mut project.name);
    }
    if let Some(branch) = body["production_branch"].as_str() {
        branch.clone_into(&mut project.production_branch);
    }
    if let Some(changes) = body.get("build_config") {
        project::merge(&mut project.build_config, changes);
    }
    if let (Some(changes), Some(source)) = (body.get("source"), &mut project.source) {
        project::merge(source, changes);
    }
    project::merge_configs(&mut project.deployment_configs, &body["deployment_configs"]);
}

fn rename(world: &mut World, at: Place<'_>, name: &str) {
    let Some(account) = world.accounts.get_mut(at.account) else {
        return;
    };
    if let Some(project) = account.projects.remove(at.name) {
        account.projects.insert(name.to_owned(), project);
    }
}

/// Deletes a project that has neither custom domains nor too many deployments.
pub(crate) fn delete(
    world: &mut World,
    request: &Request,
    at: Place<'_>,
) -> Result<Answer, Refusal> {
    request.only(&[])?;
    let project = world.project(at.account, at.name)?;
    if !project.domains.is_empty() {
        let message = "You must delete your custom domains before deleting the project.";
        return Err(Refusal::new(400, 8_000_028, message));
    }
    if project.deployments.len() > DELETABLE {
        let message = "Your project has too many deployments to be deleted, follow this guide to delete them.";
        return Err(Refusal::new(400, 8_000_076, message));
    }
    let account = world.accounts.get_mut(at.account);
    account.map(|account| account.projects.remove(at.name));
    Ok(Answer::result(Value::Null))
}

/// Counts a purge of the build cache.
pub(crate) fn purge_build_cache(world: &mut World, at: Place<'_>) -> Result<Answer, Refusal> {
    let project = world.project(at.account, at.name)?;
    if project.source.is_none() {
        return Err(refusal::wrong_kind(
            "a project for uploads has no build cache",
        ));
    }
    project.cache_purges += 1;
    Ok(Answer::result(Value::Null))
}
