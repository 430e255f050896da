//! Deployments of uploads and of connected repositories.

use crate::client::Client;
use crate::cloudflare::{Build, BuildFailure, Fake, asset_key, strict};
use serde_json::{Value, json};

fn fake() -> Fake {
    let fake = Fake::start();
    Client::new(&fake).create("spores");
    fake
}

fn id(deployment: &Value) -> &str {
    deployment["id"].as_str().unwrap()
}

#[test]
fn a_deployment_of_the_production_branch_goes_live() {
    let fake = fake();
    let client = Client::new(&fake);
    let first = client.deploy("spores", "main", &[("/index.html", "one")]);
    assert_eq!(first["environment"], "production");
    assert_eq!(first["latest_stage"]["name"], "deploy");
    assert_eq!(first["latest_stage"]["status"], "success");
    assert_eq!(first["stages"].as_array().unwrap().len(), 5);
    let short = first["short_id"].as_str().unwrap();
    assert_eq!(first["url"], format!("https://{short}.spores.pages.dev"));
    let second = client.deploy("spores", "main", &[("/index.html", "two")]);
    let project = client.get(&client.projects("/spores")).result();
    assert_eq!(project["canonical_deployment"]["id"], second["id"]);
    assert_eq!(project["latest_deployment"]["id"], second["id"]);
    let spores = fake.project("spores");
    let content = spores.content(spores.live().unwrap(), "/index.html");
    assert_eq!(content, Some(&b"two"[..]));
}

#[test]
fn the_form_and_its_manifest_are_checked() {
    let fake = fake();
    let client = Client::new(&fake);
    let manifest = client.upload("spores", &[("/a/b.txt", "spores")]);
    let key = manifest["/a/b.txt"].clone();
    let text = manifest.to_string();
    let ok = ("manifest", text.as_str());
    let long = "s".repeat(385);
    for (parts, code) in [
        (vec![("branch", "main")], 8_000_096),
        (vec![ok, ("author", "moss")], strict::SHAPE),
        (vec![ok, ok], strict::SHAPE),
        (vec![ok, ("branch", "")], strict::SHAPE),
        (vec![ok, ("commit_dirty", "no")], strict::SHAPE),
        (vec![ok, ("commit_message", &long)], strict::LIMIT),
        (vec![("manifest", "spores")], strict::SHAPE),
        (vec![("manifest", "[]")], strict::SHAPE),
        (
            vec![ok, ("_routes.json", r#"{"version":1,"include":[]}"#)],
            80_000_057,
        ),
    ] {
        assert_eq!(client.form("spores", &parts).code(), code, "{parts:?}");
    }
    let missing = asset_key(b"moss", "txt");
    for (manifest, code) in [
        (json!({ "/b.txt": missing }), strict::MANIFEST),
        (json!({ "b.txt": key }), strict::MANIFEST),
        (json!({ "/a//b.txt": key }), strict::MANIFEST),
        (json!({ "/a/../b.txt": key }), strict::MANIFEST),
        (json!({ "/_headers": key }), strict::MANIFEST),
        (json!({ "/b.html": key }), strict::HASH),
        (json!({ "/b": key }), strict::HASH),
        (json!({ "/.txt": key }), strict::HASH),
        (json!({ "/b.txt": 7 }), strict::SHAPE),
    ] {
        let reply = client.form("spores", &[("manifest", &manifest.to_string())]);
        assert_eq!(reply.code(), code, "{manifest}");
    }
    let path = client.projects("/spores/deployments");
    assert_eq!(client.post(&path, &json!({})).code(), strict::SHAPE);
    assert!(fake.project("spores").deployments.is_empty());
    client.form("spores", &[ok]).result();
}

#[test]
fn what_came_with_a_deployment_is_kept() {
    let fake = fake();
    let client = Client::new(&fake);
    let manifest = client.upload("spores", &[("/a.txt", "a")]).to_string();
    let parts = [
        ("manifest", manifest.as_str()),
        ("branch", "main"),
        ("commit_hash", "5903e5"),
        ("commit_message", "Spring\n\n--capped"),
        ("commit_dirty", "true"),
        ("_headers", "/*\r\n  x-spore: yes\r\n"),
    ];
    let deployment = client.form("spores", &parts).result();
    let metadata = &deployment["deployment_trigger"]["metadata"];
    assert_eq!(metadata["commit_message"], "Spring\n\n--capped");
    assert_eq!(metadata["commit_dirty"], true);
    let project = fake.project("spores");
    let live = project.live().unwrap();
    assert_eq!(live.parts["_headers"], "/*\r\n  x-spore: yes\r\n");
    assert_eq!(live.parts.len(), 1);
}

#[test]
fn the_newest_preview_of_a_branch_has_its_alias() {
    let fake = fake();
    let client = Client::new(&fake);
    let live = client.deploy("spores", "main", &[("/a.txt", "a")]);
    let first = client.deploy("spores", "Feature/Moss_1", &[("/a.txt", "b")]);
    let alias = json!(["https://feature-moss-1.spores.pages.dev"]);
    assert_eq!(
        (&first["environment"], &first["aliases"]),
        (&json!("preview"), &alias)
    );
    let second = client.deploy("spores", "Feature/Moss_1", &[("/a.txt", "c")]);
    assert_eq!(second["aliases"], alias);
    let path = client.projects(&format!("/spores/deployments/{}", id(&first)));
    assert_eq!(client.get(&path).result()["aliases"], Value::Null);
    let project = client.get(&client.projects("/spores")).result();
    assert_eq!(project["canonical_deployment"]["id"], live["id"]);
    assert_eq!(project["latest_deployment"]["id"], second["id"]);
    let list = |env: &str| {
        let path = client.projects(&format!("/spores/deployments?env={env}"));
        client.get(&path).json()["result_info"]["total_count"].clone()
    };
    assert_eq!((list("preview"), list("production")), (json!(2), json!(1)));
}

#[test]
fn deployments_come_in_pages_of_25() {
    let fake = fake();
    let client = Client::new(&fake);
    let manifest = client.upload("spores", &[("/a.txt", "a")]).to_string();
    let deployments: Vec<Value> = (0..27)
        .map(|_| client.form("spores", &[("manifest", &manifest)]).result())
        .collect();
    let path = client.projects("/spores/deployments");
    for query in ["?per_page=26", "?per_page=50", "?page=0"] {
        let reply = client.get(&format!("{path}{query}"));
        assert_eq!((reply.status, reply.code()), (400, 8_000_024), "{query}");
    }
    let second = client.get(&format!("{path}?page=2&per_page=25")).result();
    let second: Vec<&str> = second.as_array().unwrap().iter().map(id).collect();
    assert_eq!(second, [id(&deployments[1]), id(&deployments[0])]);
    assert_eq!(client.get(&path).result().as_array().unwrap().len(), 25);
}

#[test]
fn what_is_in_use_is_not_deleted() {
    let fake = fake();
    let client = Client::new(&fake);
    let old = client.deploy("spores", "main", &[("/a.txt", "a")]);
    let live = client.deploy("spores", "main", &[("/a.txt", "b")]);
    let preview = client.deploy("spores", "moss", &[("/a.txt", "c")]);
    let path =
        |deployment: &Value| client.projects(&format!("/spores/deployments/{}", id(deployment)));
    assert_eq!(client.delete(&path(&live)).code(), 8_000_034);
    assert_eq!(
        client.delete(&format!("{}?force=true", path(&live))).code(),
        8_000_034
    );
    assert_eq!(client.delete(&path(&preview)).code(), 8_000_035);
    client
        .delete(&format!("{}?force=true", path(&preview)))
        .result();
    client.delete(&path(&old)).result();
    assert_eq!(client.delete(&path(&old)).code(), 8_000_009);
    let project = client.get(&client.projects("/spores")).result();
    assert_eq!(project["latest_deployment"]["id"], live["id"]);
}

#[test]
fn a_rollback_makes_an_earlier_deployment_live() {
    let fake = fake();
    let client = Client::new(&fake);
    let old = client.deploy("spores", "main", &[("/a.txt", "a")]);
    let new = client.deploy("spores", "main", &[("/a.txt", "b")]);
    let preview = client.deploy("spores", "moss", &[("/a.txt", "c")]);
    let path = |deployment: &Value| {
        client.projects(&format!("/spores/deployments/{}/rollback", id(deployment)))
    };
    assert_eq!(
        client.post(&path(&preview), &Value::Null).code(),
        strict::KIND
    );
    let back = client.post(&path(&old), &Value::Null).result();
    assert_eq!(back["id"], old["id"]);
    let project = client.get(&client.projects("/spores")).result();
    assert_eq!(project["canonical_deployment"]["id"], old["id"]);
    assert_eq!(project["latest_deployment"]["id"], preview["id"]);
    let path = client.projects(&format!("/spores/deployments/{}", id(&new)));
    client.delete(&path).result();
}

#[test]
fn an_upload_can_take_its_time_to_go_live() {
    let fake = Fake::with(|world| world.settings.deployment_polls = 2);
    let client = Client::new(&fake);
    client.create("spores");
    let deployment = client.deploy("spores", "main", &[("/a.txt", "a")]);
    let path = client.projects(&format!("/spores/deployments/{}", id(&deployment)));
    let look = || client.get(&path).result()["latest_stage"]["status"].clone();
    assert_eq!(deployment["latest_stage"]["status"], "active");
    assert_eq!(look(), "active");
    assert!(fake.project("spores").live().is_none());
    assert_eq!(look(), "success");
    assert!(fake.project("spores").live().is_some());
}

/// Creates a project that is connected to a repository.
fn connect(client: &Client<'_>) -> Value {
    let config = json!({ "owner": "moss", "repo_name": "spores" });
    let body = json!({
        "name": "spores",
        "production_branch": "main",
        "source": { "type": "github", "config": config },
    });
    client.post(&client.projects(""), &body).result()
}

#[test]
fn a_connected_project_builds() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let project = connect(&client);
    let config = &project["source"]["config"];
    assert_eq!(config["preview_branch_includes"], json!(["*"]));
    assert_eq!(config["production_branch"], "main");
    let refused = client.form("spores", &[("manifest", "{}")]);
    assert_eq!(refused.code(), strict::KIND);
    let deployment = client.form("spores", &[("branch", "main")]).result();
    let path = client.projects(&format!("/spores/deployments/{}", id(&deployment)));
    let mut seen = vec![deployment["latest_stage"].clone()];
    seen.extend((0..5).map(|_| client.get(&path).result()["latest_stage"].clone()));
    let names: Vec<&str> = seen.iter().map(|it| it["name"].as_str().unwrap()).collect();
    let stages = [
        "queued",
        "initialize",
        "clone_repo",
        "build",
        "deploy",
        "deploy",
    ];
    assert_eq!(names, stages);
    assert_eq!(seen[4]["status"], "active");
    assert_eq!(seen[5]["status"], "success");
    assert!(seen[5]["ended_on"].is_string());
    assert_eq!(fake.project("spores").live().unwrap().id, id(&deployment));
    let retry = client.post(&format!("{path}/retry"), &Value::Null).result();
    assert_ne!(retry["id"], deployment["id"]);
    assert_eq!(fake.project("spores").deployments.len(), 2);
    let purge = client.projects("/spores/purge_build_cache");
    client.post(&purge, &Value::Null).result();
    assert_eq!(fake.project("spores").cache_purges, 1);
}

#[test]
fn a_build_can_fail_and_says_why() {
    let fake = Fake::with(|world| {
        world.settings.build = Build {
            polls: 0,
            failure: Some(BuildFailure {
                stage: "build",
                log: vec!["hugo: not found".into()],
            }),
            ..Build::default()
        };
    });
    let client = Client::new(&fake);
    connect(&client);
    let deployment = client.form("spores", &[]).result();
    assert_eq!(deployment["latest_stage"]["name"], "build");
    assert_eq!(deployment["latest_stage"]["status"], "failure");
    assert_eq!(deployment["stages"][4]["status"], "idle");
    assert!(fake.project("spores").live().is_none());
    let path = client.projects(&format!("/spores/deployments/{}", id(&deployment)));
    let log = client
        .get(&format!("{path}/history/logs?size=10000000"))
        .result();
    let last = log["total"].as_u64().unwrap() - 1;
    assert_eq!(
        log["data"][usize::try_from(last).unwrap()]["line"],
        "hugo: not found"
    );
    let rollback = client.post(&format!("{path}/rollback"), &Value::Null);
    assert_eq!(rollback.code(), strict::KIND);
}

#[test]
fn what_only_connected_projects_do_is_refused_to_others() {
    let fake = Fake::with(|world| world.settings.git_authorised = false);
    let client = Client::new(&fake);
    client.create("moss");
    let deployment = client.deploy("moss", "main", &[("/a.txt", "a")]);
    let retry = client.projects(&format!("/moss/deployments/{}/retry", id(&deployment)));
    assert_eq!(client.post(&retry, &Value::Null).code(), strict::KIND);
    let purge = client.projects("/moss/purge_build_cache");
    assert_eq!(client.post(&purge, &Value::Null).code(), strict::KIND);
    let source = json!({ "source": { "type": "github", "config": {} } });
    assert_eq!(
        client.patch(&client.projects("/moss"), &source).code(),
        strict::KIND
    );
    let mut body = source;
    body["name"] = "spores".into();
    body["production_branch"] = "main".into();
    assert_eq!(
        client.post(&client.projects(""), &body).code(),
        strict::KIND
    );
}
