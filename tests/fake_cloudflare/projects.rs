//! Projects.

use crate::client::Client;
use crate::cloudflare::{Fake, Token, strict};
use serde_json::{Value, json};

/// A fake with a project `spores`.
fn fake() -> Fake {
    let fake = Fake::start();
    Client::new(&fake).create("spores");
    fake
}

#[test]
fn a_new_project_is_filled_in_with_what_nobody_asked_for() {
    let fake = Fake::start();
    let project = Client::new(&fake).create("spores");
    assert_eq!(project["subdomain"], "spores.pages.dev");
    assert_eq!(project["domains"], json!(["spores.pages.dev"]));
    assert_eq!(project["build_config"], json!({}));
    let preview = &project["deployment_configs"]["preview"];
    assert_eq!(preview["fail_open"], true);
    assert_eq!(preview["build_image_major_version"], 3);
    assert_eq!(project["canonical_deployment"], Value::Null);
    assert_eq!(project["source"], Value::Null);
}

#[test]
fn bodies_outside_the_schema_are_refused() {
    let fake = fake();
    let client = Client::new(&fake);
    let cases = [
        json!({ "production_branch": "main" }),
        json!({ "name": "moss" }),
        json!({ "name": 7, "production_branch": "main" }),
        json!({ "name": "moss", "production_branch": "main", "framework": "hugo" }),
        json!({ "name": "Moss", "production_branch": "main" }),
        json!({ "name": "-moss", "production_branch": "main" }),
        json!({ "name": "moss-", "production_branch": "main" }),
        json!({ "name": "m".repeat(59), "production_branch": "main" }),
        json!({ "name": "moss", "production_branch": "main", "build_config": { "command": "" } }),
        json!({ "name": "moss", "production_branch": "main",
            "deployment_configs": { "production": { "env_vars": { "A": { "type": "text", "value": "" } } } } }),
        json!({ "name": "moss", "production_branch": "main",
            "deployment_configs": { "production": { "env_vars": { "A": "b" } } } }),
        json!({ "name": "moss", "production_branch": "main", "source": { "type": "git", "config": {} } }),
    ];
    for body in &cases {
        let reply = client.post(&client.projects(""), body);
        assert_eq!(reply.code(), strict::SHAPE, "{body}");
    }
    assert_eq!(fake.violations().len(), cases.len());
    let reply = client.patch(&client.projects("/spores"), &json!({ "subdomain": "moss" }));
    assert_eq!(reply.code(), strict::SHAPE);
    assert_eq!(
        client.get(&client.projects("?sort=name")).code(),
        strict::SHAPE
    );
    assert_eq!(fake.state().projects().count(), 1);
}

#[test]
fn a_name_is_given_once() {
    let fake = fake();
    let client = Client::new(&fake);
    let body = json!({ "name": "spores", "production_branch": "main" });
    assert_eq!(client.post(&client.projects(""), &body).code(), 8_000_002);
    client.create("moss");
    let rename = client.patch(&client.projects("/moss"), &json!({ "name": "spores" }));
    assert_eq!(rename.code(), 8_000_002);
    let path = client.projects("/lichen");
    assert_eq!(client.get(&path).code(), 8_000_007);
    assert_eq!(client.patch(&path, &json!({})).code(), 8_000_007);
    assert_eq!(client.delete(&path).code(), 8_000_007);
}

#[test]
fn a_stranger_may_have_the_subdomain() {
    let fake = Fake::with(|world| {
        world.taken_subdomains.insert("spores".into());
    });
    let project = Client::new(&fake).create("spores");
    let subdomain = project["subdomain"].as_str().unwrap();
    assert_ne!(subdomain, "spores.pages.dev");
    assert!(subdomain.starts_with("spores-") && subdomain.ends_with(".pages.dev"));
    assert_eq!(project["name"], "spores");
}

#[test]
fn projects_come_in_pages_of_ten() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    for n in 0..12 {
        client.create(&format!("spores-{n}"));
    }
    for query in [
        "?per_page=11",
        "?per_page=100",
        "?per_page=0",
        "?page=0",
        "?page=x",
    ] {
        let reply = client.get(&client.projects(query));
        assert_eq!((reply.status, reply.code()), (400, 8_000_024), "{query}");
    }
    let first = client.get(&client.projects("?per_page=10&page=1")).json();
    assert_eq!(first["result"].as_array().unwrap().len(), 10);
    assert_eq!(first["result_info"]["total_count"], 12);
    assert_eq!(first["result"][0]["name"], "spores-11");
    let second = client.get(&client.projects("?per_page=10&page=2")).result();
    assert_eq!(second.as_array().unwrap().len(), 2);
    let third = client.get(&client.projects("?per_page=10&page=3")).result();
    assert_eq!(third, json!([]));
}

#[test]
fn changes_are_merged_and_null_deletes_a_variable() {
    let fake = fake();
    let client = Client::new(&fake);
    let path = client.projects("/spores");
    let production = |config: Value| json!({ "deployment_configs": { "production": config } });
    client
        .patch(
            &path,
            &json!({ "build_config": { "build_command": "make", "root_dir": "site" } }),
        )
        .result();
    let vars = json!({ "env_vars": {
        "OPEN": { "value": "air" },
        "KEY": { "type": "secret_text", "value": "hidden" },
    } });
    client.patch(&path, &production(vars)).result();
    let changes = json!({ "build_config": { "build_command": null } });
    let project = client.patch(&path, &changes).result();
    assert_eq!(
        project["build_config"],
        json!({ "build_command": null, "root_dir": "site" })
    );
    let config = &project["deployment_configs"]["production"];
    assert_eq!(config["fail_open"], true);
    assert_eq!(
        config["env_vars"]["OPEN"],
        json!({ "value": "air", "type": "plain_text" })
    );
    assert_eq!(
        config["env_vars"]["KEY"],
        json!({ "type": "secret_text", "value": "" })
    );
    assert_eq!(
        fake.project("spores").env_var("production", "KEY"),
        Some("hidden")
    );
    let changes = production(json!({ "env_vars": { "OPEN": null } }));
    let project = client.patch(&path, &changes).result();
    let vars = &project["deployment_configs"]["production"]["env_vars"];
    assert_eq!(
        vars,
        &json!({ "KEY": { "type": "secret_text", "value": "" } })
    );
    assert_eq!(fake.violations(), [""; 0]);
}

#[test]
fn a_project_is_deleted_after_its_domains_and_most_deployments() {
    let fake = fake();
    let client = Client::new(&fake);
    let path = client.projects("/spores");
    let domain = json!({ "name": "spores.example" });
    client.post(&format!("{path}/domains"), &domain).result();
    assert_eq!(client.delete(&path).code(), 8_000_028);
    client
        .delete(&format!("{path}/domains/spores.example"))
        .result();
    client.deploy("spores", "main", &[("/a.txt", "a")]);
    {
        let mut state = fake.state();
        let project = state.project(fake.account(), "spores").unwrap();
        let deployment = project.deployments[0].clone();
        project.deployments = vec![deployment; 101];
    }
    assert_eq!(client.delete(&path).code(), 8_000_076);
    let mut state = fake.state();
    let project = state.project(fake.account(), "spores").unwrap();
    project.deployments.pop();
    drop(state);
    assert_eq!(client.delete(&path).result(), Value::Null);
    assert_eq!(fake.state().projects().count(), 0);
}

#[test]
fn tokens_reach_what_they_are_for() {
    let fake = fake();
    let path = Client::new(&fake).projects("");
    let code = |authorization: Option<&str>| Client::saying(&fake, authorization).get(&path).code();
    assert_eq!(code(None), 9106);
    assert_eq!(code(Some("Basic c3BvcmVz")), 6003);
    assert_eq!(code(Some("Bearer stranger")), 10000);
    let (reader, other) = {
        let mut state = fake.state();
        let mut token = Token::over([fake.account().to_owned()]);
        token.permissions = vec![crate::cloudflare::Permission::PagesRead];
        let reader = state.add_token(token);
        let account = state.add_account("Moss Garden");
        (reader, state.add_token(Token::over([account])))
    };
    let reader = Client::bearing(&fake, &reader);
    reader.get(&path).result();
    let body = json!({ "name": "moss", "production_branch": "main" });
    assert_eq!(reader.post(&path, &body).code(), 10000);
    assert_eq!(reader.get("/zones").code(), 10000);
    assert_eq!(Client::bearing(&fake, &other).get(&path).code(), 10000);
}

#[test]
fn tokens_are_verified() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let verify = "/user/tokens/verify";
    assert_eq!(client.get(verify).result()["status"], "active");
    assert_eq!(Client::bearing(&fake, "stranger").get(verify).code(), 1000);
    let secret = {
        let mut token = Token::over([fake.account().to_owned()]);
        token.of_account = true;
        fake.state().add_token(token)
    };
    let of_account = Client::bearing(&fake, &secret);
    assert_eq!(of_account.get(verify).code(), 1000);
    let path = format!("/accounts/{}/tokens/verify", fake.account());
    assert_eq!(of_account.get(&path).result()["status"], "active");
    fake.state().tokens.get_mut(&secret).unwrap().status = "expired";
    assert_eq!(of_account.get(&path).code(), 1000);
}

#[test]
fn paths_that_are_not_there_are_told_as_such() {
    let fake = fake();
    let client = Client::new(&fake);
    let account = fake.account();
    for path in [
        "/",
        "/spores",
        "/accounts/spores/pages/projects",
        "/zones/spores",
        &format!("/accounts/{account}/workers"),
        &client.projects("/spores/spores"),
    ] {
        let body = client.get(path).json();
        assert_eq!(body["errors"][0]["code"], 7003, "{path}");
        assert_eq!(body["errors"][1]["code"], 7000, "{path}");
    }
    let reply = client.ask("PUT", &client.projects("/spores"), &json!({}));
    assert_eq!(reply.code(), 7003);
}
