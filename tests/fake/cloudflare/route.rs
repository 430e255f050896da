//! Which request goes where.

use super::access::{self, Permission, Token};
use super::refusal::{self, Refusal};
use super::wire::{Answer, Request};
use super::world::World;
use super::{assets, batch, deployments, domains, projects, records, zones};
use serde_json::{Value, json};

/// Answers a request, and changes the world as it asks.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    let answer = counted(world, request).and_then(|()| routed(world, request));
    let answer = answer.unwrap_or_else(|refused| {
        if refused.is_strict() {
            let Refusal { code, message, .. } = &refused;
            let call = format!("{} {}", request.method, request.path);
            world.violations.push(format!("{call}: {code}: {message}"));
        }
        refused.answer()
    });
    world.marked(answer)
}

fn counted(world: &mut World, _: &Request) -> Result<(), Refusal> {
    let now = world.clock.since_epoch();
    match world.settings.rate {
        Some(rate) => world.budget.spend(rate, now),
        None => Ok(()),
    }
}

fn routed(world: &mut World, request: &Request) -> Result<Answer, Refusal> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let method = request.method.as_str();
    if let ("POST", ["pages", "assets", action]) = (method, &segments[..]) {
        return assets::answer(world, request, action);
    }
    let token = access::token(world, request)?;
    match (method, &segments[..]) {
        ("GET", ["user", "tokens", "verify"]) if !token.of_account => Ok(token.verified()),
        ("GET", ["user", "tokens", "verify"]) => Err(Refusal::new(401, 1000, "Invalid API Token")),
        ("GET", ["accounts"]) => accounts(world, request, &token),
        (_, ["accounts", account, rest @ ..]) => {
            known(world, request, account)?;
            token.reaches(account)?;
            of_account(world, request, &token, account, rest)
        }
        ("GET", ["zones"]) => zones::list(world, request, &token),
        (_, ["zones", zone, rest @ ..]) => of_zone(world, request, &token, zone, rest),
        _ => Err(refusal::no_route(&request.path)),
    }
}

/// Refuses an account that cannot be one by its identifier, or that is not there.
fn known(world: &World, request: &Request, account: &str) -> Result<(), Refusal> {
    if !is_identifier(account) {
        return Err(refusal::no_route(&request.path));
    }
    let known = world.accounts.contains_key(account);
    known.then_some(()).ok_or_else(refusal::unauthorised)
}

/// Whether a text has the form of an identifier of an account, zone or record.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

fn accounts(world: &World, request: &Request, token: &Token) -> Result<Answer, Refusal> {
    request.only(&["name", "page", "per_page", "direction"])?;
    let page = request.page(&zones::SIZES)?;
    let reached = world.accounts.values();
    let reached = reached.filter(|account| token.reaches(&account.id).is_ok());
    let views = reached.map(|account| account_view(&account.id, &account.name));
    Ok(Answer::list(views.collect(), page))
}

fn account_view(id: &str, name: &str) -> Value {
    json!({ "id": id, "name": name, "type": "standard" })
}

fn of_account(
    world: &mut World,
    request: &Request,
    token: &Token,
    account: &str,
    rest: &[&str],
) -> Result<Answer, Refusal> {
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(Answer::result(account_view(
            account,
            &world.accounts[account].name,
        ))),
        ("GET", ["tokens", "verify"]) if token.of_account => Ok(token.verified()),
        ("GET", ["tokens", "verify"]) => Err(Refusal::new(401, 1000, "Invalid API Token")),
        (_, ["pages", "projects", rest @ ..]) => {
            let needed = access::needed(request, Permission::PagesRead, Permission::PagesEdit);
            token.may(needed)?;
            pages(world, request, account, rest)
        }
        _ => Err(refusal::no_route(&request.path)),
    }
}

fn pages(
    world: &mut World,
    request: &Request,
    account: &str,
    rest: &[&str],
) -> Result<Answer, Refusal> {
    let (name, rest) = match (request.method.as_str(), rest) {
        ("GET", []) => return projects::list(world, request, account),
        ("POST", []) => return projects::create(world, request, account),
        (_, [name, rest @ ..]) => (*name, rest),
        _ => return Err(refusal::no_route(&request.path)),
    };
    let at = Place { account, name };
    match (request.method.as_str(), rest) {
        ("GET", []) => projects::get(world, request, at),
        ("PATCH", []) => projects::patch(world, request, at),
        ("DELETE", []) => projects::delete(world, request, at),
        ("POST", ["purge_build_cache"]) => projects::purge_build_cache(world, at),
        ("GET", ["upload-token"]) => assets::token(world, at),
        (_, ["deployments", rest @ ..]) => deployments::answer(world, request, at, rest),
        (_, ["domains", rest @ ..]) => domains::answer(world, request, at, rest),
        _ => Err(refusal::no_route(&request.path)),
    }
}

/// The project that a request is about.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) account: &'a str,
    pub(crate) name: &'a str,
}

fn of_zone(
    world: &mut World,
    request: &Request,
    token: &Token,
    zone: &str,
    rest: &[&str],
) -> Result<Answer, Refusal> {
    if !is_identifier(zone) {
        return Err(refusal::no_route(&request.path));
    }
    let known = world.zones.get(zone).ok_or_else(refusal::unauthorised)?;
    token.reaches(&known.account)?;
    if rest.is_empty() {
        token.may(Permission::ZoneRead)?;
        return zones::get(world, request, zone);
    }
    let needed = access::needed(request, Permission::DnsRead, Permission::DnsEdit);
    token.may(needed)?;
    match (request.method.as_str(), rest) {
        ("POST", ["dns_records", "batch"]) => batch::perform(world, request, zone),
        (_, ["dns_records", rest @ ..]) => records::answer(world, request, zone, rest),
        _ => Err(refusal::no_route(&request.path)),
    }
}
