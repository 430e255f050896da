//! Upload tokens and assets.

use crate::client::{Client, upload};
use crate::cloudflare::{Fake, asset_key, strict};
use serde_json::{Value, json};
use std::time::Duration;

const UPLOAD: &str = "/pages/assets/upload";
const CHECK: &str = "/pages/assets/check-missing";
const UPSERT: &str = "/pages/assets/upsert-hashes";

fn fake() -> Fake {
    let fake = Fake::start();
    Client::new(&fake).create("spores");
    fake
}

/// The key was made with outside tools.
#[test]
fn keys_are_hashes_of_base64_and_extension() {
    // printf '<p>spores</p>' | base64 -w0 | { cat; printf html; } | b3sum --no-names | cut -c -32
    let key = asset_key(b"<p>spores</p>", "html");
    assert_eq!(key, "3e4f7580c8e0fd923e20437d79a2d836");
    assert_ne!(key, asset_key(b"<p>spores</p>", "txt"));
}

#[test]
fn what_is_missing_is_told_once() {
    let fake = fake();
    let client = Client::new(&fake).uploader("spores");
    let (here, gone) = (asset_key(b"here", "txt"), asset_key(b"gone", "txt"));
    client
        .post(UPLOAD, &json!([upload(&here, "here")]))
        .result();
    let hashes = json!({ "hashes": [gone, here, gone] });
    assert_eq!(client.post(CHECK, &hashes).result(), json!([gone]));
    assert_eq!(client.post(UPSERT, &hashes).code(), strict::MANIFEST);
    client.post(UPSERT, &json!({ "hashes": [here] })).result();
    assert!(fake.project("spores").assets[&here].kept);
}

#[test]
fn bad_uploads_are_refused() {
    let fake = fake();
    let client = Client::new(&fake).uploader("spores");
    let key = asset_key(b"spores", "txt");
    let with = |field: &str, value: Value| {
        let mut upload = upload(&key, "spores");
        upload[field] = value;
        json!([upload])
    };
    let cases = [
        json!({}),
        json!([{ "key": key, "value": "", "metadata": { "contentType": "text/plain" } }]),
        with("key", "spores".into()),
        with("key", key.to_uppercase().into()),
        with("value", "not base64".into()),
        with("value", "c3BvcmVz\n".into()),
        with("base64", false.into()),
        with(
            "metadata",
            json!({ "contentType": "text/plain", "path": "/a" }),
        ),
        with("path", "/a".into()),
    ];
    for body in &cases {
        assert_eq!(client.post(UPLOAD, body).code(), strict::SHAPE, "{body}");
    }
    for body in [
        json!({}),
        json!({ "hashes": "all" }),
        json!({ "hashes": [7] }),
        json!({ "hashes": ["7"] }),
    ] {
        assert_eq!(client.post(CHECK, &body).code(), strict::SHAPE, "{body}");
    }
    assert!(fake.project("spores").assets.is_empty());
}

#[test]
fn a_key_that_no_extension_of_the_type_explains_is_refused_at_once() {
    let fake = fake();
    let client = Client::new(&fake).uploader("spores");
    let page = |extension| {
        let mut page = upload(&asset_key(b"<p>spores</p>", extension), "<p>spores</p>");
        page["metadata"]["contentType"] = "text/html; charset=utf-8".into();
        json!([page])
    };
    assert_eq!(client.post(UPLOAD, &page("css")).code(), strict::HASH);
    client.post(UPLOAD, &page("html")).result();
    client.post(UPLOAD, &page("")).result();
}

#[test]
fn files_and_buckets_have_limits() {
    let fake = fake();
    let client = Client::new(&fake).uploader("spores");
    let file = "s".repeat((25 << 20) + 1);
    let long = upload(&asset_key(file.as_bytes(), "txt"), &file);
    assert_eq!(client.post(UPLOAD, &json!([long])).code(), strict::LIMIT);
    let file = "s".repeat(21 << 20);
    let half = upload(&asset_key(file.as_bytes(), "txt"), &file);
    assert_eq!(
        client.post(UPLOAD, &json!([half, half])).code(),
        strict::LIMIT
    );
    client.post(UPLOAD, &json!([half])).result();
    let small = upload(&asset_key(b"s", "txt"), "s");
    let many = Value::Array(vec![small; 2_001]);
    assert_eq!(client.post(UPLOAD, &many).code(), strict::LIMIT);
}

#[test]
fn a_token_names_how_many_files_a_deployment_may_have() {
    let fake = Fake::with(|world| world.settings.files = 2);
    let client = Client::new(&fake);
    client.create("spores");
    let keys: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|it| asset_key(it.as_bytes(), ""))
        .collect();
    let uploader = client.uploader("spores");
    assert_eq!(
        uploader.post(CHECK, &json!({ "hashes": keys })).code(),
        strict::LIMIT
    );
    let manifest = client.upload("spores", &[("/a", "a"), ("/b", "b"), ("/c", "c")]);
    let reply = client.form("spores", &[("manifest", &manifest.to_string())]);
    assert_eq!(reply.code(), strict::LIMIT);
}

#[test]
fn tokens_expire() {
    let fake = fake();
    let client = Client::new(&fake).uploader("spores");
    let hashes = json!({ "hashes": [] });
    fake.advance(Duration::from_secs(280));
    client.post(CHECK, &hashes).result();
    fake.advance(Duration::from_secs(21));
    for path in [CHECK, UPLOAD, UPSERT] {
        let reply = client.post(path, &hashes);
        assert_eq!((reply.status, reply.body.as_str()), (403, "Expired JWT"));
        assert!(
            reply
                .header("content-type")
                .unwrap()
                .starts_with("text/plain")
        );
    }
    Client::new(&fake)
        .uploader("spores")
        .post(CHECK, &hashes)
        .result();
}

#[test]
fn tokens_are_not_made_by_clients() {
    let fake = fake();
    let hashes = json!({ "hashes": [] });
    let jwt = {
        let path = Client::new(&fake).projects("/spores/upload-token");
        let jwt = Client::new(&fake).get(&path).result();
        jwt["jwt"].as_str().unwrap().to_owned()
    };
    let (signed, seal) = jwt.rsplit_once('.').unwrap();
    let (head, _) = signed.split_once('.').unwrap();
    for token in [
        fake.token().to_owned(),
        signed.to_owned(),
        format!("{head}.e30.{seal}"),
        format!("{signed}.{}", seal.to_lowercase()),
    ] {
        let code = Client::bearing(&fake, &token).post(CHECK, &hashes).code();
        assert_eq!(code, 8_000_013, "{token}");
    }
    // Nor is it a token for anything else.
    let client = Client::bearing(&fake, &jwt);
    assert_eq!(client.get(&client.projects("")).code(), 10000);
}
