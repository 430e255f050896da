//! Custom domains.

use crate::client::Client;
use crate::cloudflare::{DomainClock, Fake, World, strict};
use serde_json::{Value, json};

/// A fake with a project `spores`, a zone `spore.example` and its identifier.
fn fake(prepare: impl FnOnce(&mut World)) -> (Fake, String) {
    let fake = Fake::with(prepare);
    Client::new(&fake).create("spores");
    let zone = fake.add_zone("spore.example");
    (fake, zone)
}

fn add(client: &Client<'_>, name: &str) -> Value {
    let path = client.projects("/spores/domains");
    client.post(&path, &json!({ "name": name })).result()
}

fn look(client: &Client<'_>, name: &str) -> Value {
    let path = client.projects(&format!("/spores/domains/{name}"));
    client.get(&path).result()
}

fn point(client: &Client<'_>, zone: &str, name: &str, target: &str) {
    let path = format!("/zones/{zone}/dns_records");
    let record = json!({ "type": "CNAME", "name": name, "content": target, "proxied": true });
    client.post(&path, &record).result();
}

#[test]
fn a_domain_becomes_active_after_some_looks_when_its_record_points_here() {
    let (fake, zone) = fake(|_| {});
    let client = Client::new(&fake);
    let domain = add(&client, "www.spore.example");
    assert_eq!(domain["status"], "initializing");
    assert_eq!(domain["zone_tag"], zone);
    for _ in 0..4 {
        let domain = look(&client, "www.spore.example");
        assert_eq!(domain["status"], "pending");
        assert_eq!(
            domain["verification_data"]["error_message"],
            "CNAME record not set"
        );
    }
    point(&client, &zone, "www", "moss.pages.dev");
    point(&client, &zone, "@", "spores.pages.dev");
    assert_eq!(look(&client, "www.spore.example")["status"], "pending");
    {
        let mut state = fake.state();
        let records = &mut state.zones.get_mut(&zone).unwrap().records;
        records[0].content = "Spores.pages.dev.".into();
    }
    let domain = look(&client, "www.spore.example");
    assert_eq!(domain["status"], "active");
    assert_eq!(domain["verification_data"], json!({ "status": "active" }));
    // The apex has a record from the beginning.
    let states = (0..3).map(|n| match n {
        0 => add(&client, "spore.example"),
        _ => look(&client, "spore.example"),
    });
    let states: Vec<Value> = states.map(|domain| domain["status"].clone()).collect();
    assert_eq!(states, ["initializing", "pending", "active"]);
    let project = client.get(&client.projects("/spores")).result();
    let domains = json!(["spores.pages.dev", "www.spore.example", "spore.example"]);
    assert_eq!(project["domains"], domains);
    let list = client.get(&client.projects("/spores/domains")).result();
    assert_eq!(list.as_array().unwrap().len(), 2);
}

#[test]
fn names_outside_the_zones_are_believed_and_so_are_all_when_told() {
    let (fake, _) = fake(|world| world.settings.domains = DomainClock::AtOnce);
    let client = Client::new(&fake);
    let elsewhere = add(&client, "spore.test");
    assert_eq!(
        (&elsewhere["status"], &elsewhere["zone_tag"]),
        (&json!("active"), &json!(""))
    );
    // This only looks as if it lay in the zone.
    assert_eq!(add(&client, "myspore.example")["status"], "active");
    assert_eq!(add(&client, "a.spore.example")["status"], "initializing");
    fake.state().settings.check_dns = false;
    assert_eq!(look(&client, "a.spore.example")["status"], "active");
}

#[test]
fn a_domain_may_never_become_active_and_say_why() {
    let (fake, _) = fake(|world| {
        world.settings.domains = DomainClock::Never {
            validation: Some("CAA record forbids issuance".into()),
            verification: None,
        };
    });
    let client = Client::new(&fake);
    add(&client, "spore.test");
    for _ in 0..5 {
        look(&client, "spore.test");
    }
    let domain = look(&client, "spore.test");
    assert_eq!(domain["status"], "pending");
    let error = &domain["validation_data"]["error_message"];
    assert_eq!(error, "CAA record forbids issuance");
}

#[test]
fn a_retry_sets_a_failed_domain_going_again() {
    let (fake, _) = fake(|world| world.settings.domains = DomainClock::AfterRetries(1));
    let client = Client::new(&fake);
    add(&client, "spore.test");
    {
        let mut state = fake.state();
        let project = state.project(fake.account(), "spores").unwrap();
        project.domains[0].status = "error";
    }
    assert_eq!(look(&client, "spore.test")["status"], "error");
    let path = client.projects("/spores/domains/spore.test");
    assert_eq!(
        client.patch(&path, &Value::Null).result()["status"],
        "active"
    );
}

#[test]
fn a_domain_belongs_to_one_project() {
    let (fake, _) = fake(|world| {
        world.taken_domains.insert("moss.test".into());
    });
    let client = Client::new(&fake);
    client.create("lichen");
    add(&client, "spore.test");
    let spores = client.projects("/spores/domains");
    let lichen = client.projects("/lichen/domains");
    let spore = json!({ "name": "spore.test" });
    assert_eq!(client.post(&spores, &spore).code(), 8_000_018);
    assert_eq!(client.post(&lichen, &spore).code(), 8_000_018);
    let moss = json!({ "name": "moss.test" });
    assert_eq!(client.post(&lichen, &moss).code(), 8_000_018);
    assert_eq!(
        client.get(&format!("{lichen}/spore.test")).code(),
        8_000_021
    );
    assert_eq!(
        client.delete(&format!("{lichen}/spore.test")).code(),
        8_000_021
    );
    assert_eq!(
        client
            .patch(&format!("{lichen}/spore.test"), &Value::Null)
            .code(),
        8_000_021
    );
    client.delete(&format!("{spores}/spore.test")).result();
    client.post(&lichen, &spore).result();
}

#[test]
fn names_are_checked_and_counted() {
    let (fake, _) = fake(|world| world.settings.domains_per_project = 1);
    let client = Client::new(&fake);
    let path = client.projects("/spores/domains");
    for name in [
        "spore",
        "Spore.test",
        "*.spore.test",
        "spore.test.",
        "-a.test",
        "a b.test",
        "",
    ] {
        let reply = client.post(&path, &json!({ "name": name }));
        assert_eq!(reply.code(), strict::SHAPE, "{name}");
    }
    for body in [json!({}), json!({ "name": "a.test", "zone": "b" })] {
        assert_eq!(client.post(&path, &body).code(), strict::SHAPE, "{body}");
    }
    add(&client, "a.test");
    assert_eq!(
        client.post(&path, &json!({ "name": "b.test" })).code(),
        strict::LIMIT
    );
}
