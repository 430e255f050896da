//! The endpoints of zones.

use super::access::{Permission, Token};
use super::refusal::{self, Refusal};
use super::wire::{Answer, Request, Sizes};
use super::world::{World, Zone};
use hyper::Method;
use serde_json::{Value, json};

/// The pages of lists of zones and accounts. The code is that of a malformed request.
pub(crate) const SIZES: Sizes = Sizes {
    least: 5,
    most: 50,
    usual: 20,
    code: 6003,
};

const PARAMETERS: [&str; 8] = [
    "name",
    "status",
    "account.id",
    "page",
    "per_page",
    "order",
    "direction",
    "match",
];

/// The zones that a token reaches.
pub(crate) fn list(world: &World, request: &Request, token: &Token) -> Result<Answer, Refusal> {
    token.may(Permission::ZoneRead)?;
    request.only(&PARAMETERS)?;
    let page = request.page(&SIZES)?;
    let same = |parameter: &str, value: &str| {
        let wanted = request.parameter(parameter);
        wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let zones = world.zones.values().filter(|zone| {
        token.reaches(&zone.account).is_ok()
            && same("name", &zone.name)
            && same("status", zone.status)
            && same("account.id", &zone.account)
    });
    let mut zones: Vec<&Zone> = zones.collect();
    zones.sort_by(|one, two| one.name.cmp(&two.name));
    let views = zones.into_iter().map(|zone| view(world, zone));
    Ok(Answer::list(views.collect(), page))
}

/// A zone.
pub(crate) fn get(world: &World, request: &Request, zone: &str) -> Result<Answer, Refusal> {
    if request.method != Method::GET {
        return Err(refusal::no_route(&request.path));
    }
    Ok(Answer::result(view(world, &world.zones[zone])))
}

fn view(world: &World, zone: &Zone) -> Value {
    let plan = if zone.enterprise {
        "Enterprise Website"
    } else {
        "Free Website"
    };
    json!({
        "id": zone.id,
        "name": zone.name,
        "status": zone.status,
        "paused": false,
        "type": "full",
        "development_mode": 0,
        "name_servers": ["fern.ns.cloudflare.com", "moss.ns.cloudflare.com"],
        "original_name_servers": null,
        "original_registrar": null,
        "original_dnshost": null,
        "modified_on": zone.created_on,
        "created_on": zone.created_on,
        "activated_on": (zone.status == "active").then_some(&zone.created_on),
        "meta": { "step": 2, "custom_certificate_quota": 0, "page_rule_quota": 3, "phishing_detected": false },
        "owner": { "id": null, "type": "user", "email": null },
        "account": { "id": zone.account, "name": world.accounts[&zone.account].name },
        "tenant": { "id": null, "name": null },
        "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
        "plan": { "name": plan, "legacy_id": if zone.enterprise { "enterprise" } else { "free" } },
    })
}
