//! The endpoints of custom domains.

use super::domain::Domain;
use super::refusal::{self, Refusal};
use super::route::Place;
use super::shapes;
use super::wire::{Answer, Page, Request};
use super::world::World;
use serde_json::Value;

/// The endpoints below `domains`.
pub(crate) fn answer(
    world: &mut World,
    request: &Request,
    at: Place<'_>,
    rest: &[&str],
) -> Result<Answer, Refusal> {
    request.only(&[])?;
    world.project(at.account, at.name)?;
    match (request.method.as_str(), rest) {
        ("GET", []) => list(world, at),
        ("POST", []) => create(world, request, at),
        ("GET", [name]) => look(world, at, name, |domain| domain.gets += 1),
        ("PATCH", [name]) => look(world, at, name, retry),
        ("DELETE", [name]) => {
            let project = world.project(at.account, at.name)?;
            project.domain(name).ok_or_else(refusal::no_domain)?;
            project.domains.retain(|domain| domain.name != *name);
            Ok(Answer::result(Value::Null))
        }
        _ => Err(refusal::no_route(&request.path)),
    }
}

fn list(world: &mut World, at: Place<'_>) -> Result<Answer, Refusal> {
    let project = world.project(at.account, at.name)?;
    let names = project.domains.iter().map(|domain| domain.name.clone());
    let names: Vec<String> = names.collect();
    for name in &names {
        look(world, at, name, |domain| domain.gets += 1)?;
    }
    let project = world.project(at.account, at.name)?;
    let views: Vec<Value> = project.domains.iter().map(Domain::view).collect();
    // The endpoint takes no page: what there is comes as one.
    let page = Page {
        number: 1,
        size: views.len().max(1),
    };
    Ok(Answer::list(views, page))
}

/// Does something to a domain and brings it forward.
fn look(
    world: &mut World,
    at: Place<'_>,
    name: &str,
    act: impl Fn(&mut Domain),
) -> Result<Answer, Refusal> {
    let subdomain = world.project(at.account, at.name)?.subdomain.clone();
    let points = points(world, name, &subdomain);
    let clock = world.settings.domains.clone();
    let mut domains = world.project(at.account, at.name)?.domains.iter_mut();
    let domain = domains.find(|domain| domain.name == name);
    let domain = domain.ok_or_else(refusal::no_domain)?;
    act(domain);
    domain.advance(&clock, points);
    Ok(Answer::result(domain.view()))
}

fn retry(domain: &mut Domain) {
    domain.retries += 1;
    if ["deactivated", "blocked", "error"].contains(&domain.status) {
        domain.status = "pending";
    }
}

/// Whether a name leads to a project, as far as the fake can know: names outside its zones are believed.
fn points(world: &World, name: &str, subdomain: &str) -> bool {
    let zone = world.zone_of(name).filter(|_| world.settings.check_dns);
    zone.is_none_or(|zone| {
        let mut records = zone.records.iter();
        records.any(|it| {
            let target = it.content.trim_end_matches('.');
            it.kind == "CNAME" && it.name == name && target.eq_ignore_ascii_case(subdomain)
        })
    })
}

fn create(world: &mut World, request: &Request, at: Place<'_>) -> Result<Answer, Refusal> {
    let body = request.json()?;
    shapes::NEW_DOMAIN.check(&body)?;
    let name = body["name"].as_str().unwrap_or_default();
    if !is_host(name) {
        return Err(refusal::bad_shape(&format!(
            "{name:?} is no name of a host"
        )));
    }
    check_free(world, at, name)?;
    let most = world.settings.domains_per_project;
    if world.project(at.account, at.name)?.domains.len() >= most {
        return Err(refusal::over_limit(format!(
            "more than {most} custom domains"
        )));
    }
    let zone = world
        .zone_of(name)
        .filter(|zone| zone.account == at.account);
    let domain = Domain {
        zone: zone.map(|zone| zone.id.clone()).unwrap_or_default(),
        id: world.ids.uuid(),
        name: name.to_owned(),
        status: "initializing",
        created_on: world.clock.stamp(),
        gets: 0,
        retries: 0,
        validation_error: None,
        verification_error: None,
    };
    world.project(at.account, at.name)?.domains.push(domain);
    look(world, at, name, |_| {})
}

fn check_free(world: &World, at: Place<'_>, name: &str) -> Result<(), Refusal> {
    let own = world.accounts[at.account].projects[at.name].domain(name);
    let message = match own {
        Some(_) => "You have already added this custom domain.",
        None => "Domain is unavailable: this domain is already added on another project.",
    };
    let taken = world.taken_domains.contains(name)
        || world
            .projects()
            .any(|project| project.domain(name).is_some());
    (!taken)
        .then_some(())
        .ok_or_else(|| Refusal::new(409, 8_000_018, message))
}

/// Whether a text is a host's name of two labels or more, in lower case.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        let inner = label
            .bytes()
            .all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let ends = label.starts_with('-') || label.ends_with('-');
        inner && !ends && (1..=63).contains(&label.len())
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}
