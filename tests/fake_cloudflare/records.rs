//! Zones and DNS records.

use crate::client::{Client, Reply};
use crate::cloudflare::{Fake, strict};
use serde_json::{Value, json};

/// A fake with a zone `spore.example` and the path of the zone's records.
fn fake() -> (Fake, String) {
    let fake = Fake::start();
    let zone = fake.add_zone("spore.example");
    (fake, format!("/zones/{zone}/dns_records"))
}

/// A record of a type, name and content.
fn record(kind: &str, name: &str, content: &str) -> Value {
    json!({ "type": kind, "name": name, "content": content })
}

/// Such a record with one more field.
fn with(mut record: Value, field: &str, value: impl Into<Value>) -> Value {
    record[field] = value.into();
    record
}

#[test]
fn zones_are_found_by_name_and_account() {
    let (fake, _) = fake();
    let client = Client::new(&fake);
    for n in 0..7 {
        fake.add_zone(&format!("moss-{n}.example"));
    }
    {
        let mut state = fake.state();
        let stranger = state.add_account("Moss Garden");
        state.add_zone(&stranger, "lichen.example");
    }
    let total = |path: &str| client.get(path).json()["result_info"]["total_count"].clone();
    assert_eq!(total("/zones"), 8);
    assert_eq!(total("/zones?name=spore.example"), 1);
    assert_eq!(total("/zones?name=lichen.example"), 0);
    assert_eq!(total(&format!("/zones?account.id={}", fake.account())), 8);
    assert_eq!(total("/zones?account.id=0&page=1"), 0);
    let second = client.get("/zones?per_page=5&page=2").result();
    assert_eq!(second.as_array().unwrap().len(), 3);
    for query in ["per_page=4", "per_page=51", "page=0"] {
        assert_eq!(
            client.get(&format!("/zones?{query}")).status,
            400,
            "{query}"
        );
    }
    assert_eq!(
        client.get("/zones?zone=spore.example").code(),
        strict::SHAPE
    );
    let zone = &client.get("/zones?name=spore.example").result()[0];
    let path = format!("/zones/{}", zone["id"].as_str().unwrap());
    assert_eq!(&client.get(&path).result(), zone);
    let stranger = fake.state().zone_of("lichen.example").unwrap().id.clone();
    assert_eq!(client.get(&format!("/zones/{stranger}")).code(), 10000);
}

#[test]
fn a_record_is_filled_in() {
    let (fake, path) = fake();
    let client = Client::new(&fake);
    let made = client
        .post(&path, &record("A", "WWW", "192.0.2.7"))
        .result();
    assert_eq!(made["name"], "www.spore.example");
    assert_eq!((&made["ttl"], &made["proxied"]), (&json!(1), &json!(false)));
    assert_eq!(
        (&made["comment"], &made["tags"]),
        (&Value::Null, &json!([]))
    );
    let apex = client.post(&path, &record("A", "@", "192.0.2.7")).result();
    assert_eq!(apex["name"], "spore.example");
    let proxied = with(record("A", "a.spore.example", "192.0.2.7"), "proxied", true);
    let proxied = client.post(&path, &with(proxied, "ttl", 300)).result();
    assert_eq!(
        (&proxied["ttl"], &proxied["proxied"]),
        (&json!(1), &json!(true))
    );
    let mail = with(record("MX", "@", "mail.example"), "priority", 10);
    assert_eq!(client.post(&path, &mail).result()["priority"], 10);
    let caa = json!({ "type": "CAA", "name": "@", "data": { "value": "ca.example", "tag": "issue", "flags": 0 } });
    let caa = client.post(&path, &caa).result();
    assert_eq!(caa["content"], "0 issue \"ca.example\"");
    assert_eq!(fake.state().records("spore.example").len(), 5);
}

#[test]
fn bad_records_are_refused() {
    let (fake, path) = fake();
    let client = Client::new(&fake);
    let a = || record("A", "a", "192.0.2.7");
    let refused = |record: Value| {
        let reply = client.post(&path, &record);
        assert_eq!(reply.status, 400, "{record}");
        reply.code()
    };
    for shapeless in [
        json!({ "type": "A", "content": "192.0.2.7" }),
        json!({ "type": "A", "name": "a" }),
        json!({ "name": "a", "content": "192.0.2.7" }),
        json!({ "type": "MX", "name": "a", "content": "mail.example" }),
        json!({ "type": "CAA", "name": "a", "content": "0 issue \"ca.example\"" }),
        json!({ "type": "CAA", "name": "a", "data": { "flags": 256, "tag": "issue", "value": "" } }),
        with(a(), "ttl", "300"),
        with(a(), "ttl", 60.5),
        with(a(), "id", "7"),
        with(a(), "priority", 7),
        with(a(), "zone_name", "spore.example"),
        with(a(), "proxied", Value::Null),
        with(a(), "tags", json!(["a b:c"])),
        record("SPF", "a", "v=spf1"),
        record("a", "a", "192.0.2.7"),
    ] {
        assert_eq!(refused(shapeless), strict::SHAPE);
    }
    for ttl in [0, 2, 30, 59, 86_401] {
        // Zero is not even in the schema.
        let code = if ttl == 0 { strict::SHAPE } else { 9021 };
        assert_eq!(refused(with(a(), "ttl", ttl)), code, "{ttl}");
    }
    assert_eq!(refused(with(a(), "comment", "c".repeat(101))), 9300);
    assert_eq!(
        refused(with(record("TXT", "a", "b"), "proxied", true)),
        9004
    );
    assert_eq!(refused(record("A", "a", "spore.example")), 9005);
    assert_eq!(refused(record("AAAA", "a", "192.0.2.7")), 9006);
    assert_eq!(refused(record("CNAME", "a", "b c")), 9007);
    assert_eq!(refused(record("CNAME", "a", "a.spore.example")), 9039);
    assert_eq!(refused(record("A", "a b", "192.0.2.7")), 9000);
    assert!(fake.state().records("spore.example").is_empty());
}

#[test]
fn a_plan_decides_how_short_a_ttl_may_be() {
    let (fake, path) = fake();
    for zone in fake.state().zones.values_mut() {
        zone.enterprise = true;
    }
    let client = Client::new(&fake);
    let a = with(record("A", "a", "192.0.2.7"), "ttl", 30);
    client.post(&path, &a).result();
    let short = with(record("A", "b", "192.0.2.7"), "ttl", 29);
    assert_eq!(client.post(&path, &short).code(), 9021);
}

#[test]
fn records_of_one_name_get_along() {
    let (fake, path) = fake();
    let client = Client::new(&fake);
    let post = |record: &Value| client.post(&path, record);
    let a = record("A", "a", "192.0.2.7");
    post(&a).result();
    post(&record("A", "a", "192.0.2.8")).result();
    post(&record("TXT", "a", "spores")).result();
    assert_eq!(post(&a).code(), 81058);
    assert_eq!(post(&with(a, "proxied", true)).code(), 81057);
    let alias = record("CNAME", "a", "moss.example");
    assert_eq!(post(&alias).code(), 81053);
    post(&record("CNAME", "b", "moss.example")).result();
    assert_eq!(post(&record("CNAME", "b", "lichen.example")).code(), 81053);
    assert_eq!(post(&record("AAAA", "b", "2001:db8::7")).code(), 81054);
    assert_eq!(post(&record("NS", "b", "ns.moss.example")).code(), 81056);
    let mail = |priority| with(record("MX", "@", "mail.example"), "priority", priority);
    post(&mail(10)).result();
    post(&mail(20)).result();
    assert_eq!(post(&mail(20)).code(), 81058);
}

fn id(reply: &Reply) -> String {
    reply.result()["id"].as_str().unwrap().to_owned()
}

#[test]
fn put_replaces_patch_changes_and_delete_removes() {
    let (fake, path) = fake();
    let client = Client::new(&fake);
    let a = with(record("A", "a", "192.0.2.7"), "comment", "spores");
    let at = format!("{path}/{}", id(&client.post(&path, &with(a, "ttl", 300))));
    let patched = client
        .patch(&at, &json!({ "content": "192.0.2.8" }))
        .result();
    assert_eq!(patched["content"], "192.0.2.8");
    assert_eq!(
        (&patched["ttl"], &patched["comment"]),
        (&json!(300), &json!("spores"))
    );
    let put = client
        .ask("PUT", &at, &record("A", "a", "192.0.2.9"))
        .result();
    assert_eq!((&put["ttl"], &put["comment"]), (&json!(1), &Value::Null));
    assert_eq!(put["created_on"], patched["created_on"]);
    assert_eq!(client.get(&at).result(), put);
    let incomplete = client.ask("PUT", &at, &json!({ "content": "192.0.2.9" }));
    assert_eq!(incomplete.code(), strict::SHAPE);
    client
        .post(&path, &record("CNAME", "b", "moss.example"))
        .result();
    assert_eq!(client.patch(&at, &json!({ "name": "b" })).code(), 81054);
    assert_eq!(client.delete(&at).result()["id"], put["id"]);
    for reply in [
        client.get(&at),
        client.delete(&at),
        client.patch(&at, &json!({})),
    ] {
        assert_eq!(reply.code(), 81044);
    }
}

#[test]
fn lists_are_filtered_and_paged() {
    let (fake, path) = fake();
    let client = Client::new(&fake);
    for n in 0..5 {
        let a = record("A", &format!("a{n}"), "192.0.2.7");
        client
            .post(&path, &with(a, "comment", format!("Spore {n}")))
            .result();
    }
    client.post(&path, &record("TXT", "a0", "spores")).result();
    let names = |query: &str| {
        let result = client.get(&format!("{path}?{query}")).result();
        let names = result
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("name=a0.spore.example").len(), 2);
    assert_eq!(names("name=a0.spore.example&type=TXT").len(), 1);
    assert_eq!(names("name=a0").len(), 0);
    assert_eq!(
        names("type=A&page=2&per_page=3"),
        ["a3.spore.example", "a4.spore.example"]
    );
    assert_eq!(names("comment=spore%203"), ["a3.spore.example"]);
    assert_eq!(names("comment.startswith=Spore+").len(), 5);
    assert_eq!(names("comment.contains=e+4"), ["a4.spore.example"]);
    assert_eq!(names("content=spores").len(), 1);
    assert_eq!(client.get(&format!("{path}?kind=A")).code(), strict::SHAPE);
    assert_eq!(client.get(&format!("{path}?page=0")).status, 400);
}

#[test]
fn a_batch_runs_in_its_order() {
    let (fake, path) = fake();
    let client = Client::new(&fake);
    let gone = id(&client.post(&path, &record("A", "a", "192.0.2.7")));
    let patched = id(&client.post(&path, &record("A", "b", "192.0.2.7")));
    let put = id(&client.post(&path, &record("A", "c", "192.0.2.7")));
    // Written in the wrong order: the alias needs the deletion, and the second record of `d` the change.
    let body = json!({
        "posts": [record("CNAME", "a", "moss.example"), record("CNAME", "c", "moss.example")],
        "puts": [with(record("A", "d", "192.0.2.7"), "id", put.as_str())],
        "patches": [{ "id": patched, "content": "192.0.2.8" }],
        "deletes": [{ "id": gone }],
    });
    let result = client.post(&format!("{path}/batch"), &body).result();
    assert_eq!(result["deletes"][0]["id"], gone);
    assert_eq!(result["patches"][0]["content"], "192.0.2.8");
    assert_eq!(result["puts"][0]["name"], "d.spore.example");
    assert_eq!(result["posts"].as_array().unwrap().len(), 2);
    assert_eq!(fake.state().records("spore.example").len(), 4);
}

#[test]
fn a_batch_with_one_bad_operation_does_nothing() {
    let (fake, path) = fake();
    fake.state().settings.batch_operations = 4;
    let client = Client::new(&fake);
    let kept = id(&client.post(&path, &record("A", "a", "192.0.2.7")));
    let before = fake.state().records("spore.example").to_vec();
    let good = record("A", "b", "192.0.2.7");
    for (body, code) in [
        (
            json!({ "deletes": [{ "id": kept }], "posts": [good, good] }),
            81058,
        ),
        (
            json!({ "deletes": [{ "id": kept }], "posts": [record("A", "b", "moss")] }),
            9005,
        ),
        (
            json!({ "deletes": [{ "id": kept }, { "id": kept }] }),
            81044,
        ),
        (
            json!({ "posts": [good], "patches": [{ "id": "7" }] }),
            81044,
        ),
        (
            json!({ "posts": [good], "puts": [record("A", "c", "192.0.2.7")] }),
            strict::SHAPE,
        ),
        (
            json!({ "posts": [with(good.clone(), "id", "7")] }),
            strict::SHAPE,
        ),
        (json!({ "deletes": [kept] }), strict::SHAPE),
        (json!({ "creates": [good] }), strict::SHAPE),
        (
            json!({ "deletes": [{ "id": kept }], "posts": vec![good.clone(); 4] }),
            strict::LIMIT,
        ),
    ] {
        let reply = client.post(&format!("{path}/batch"), &body);
        assert_eq!(reply.code(), code, "{body}");
        assert_eq!(fake.state().records("spore.example"), before);
    }
}
