//! A Pages project.

use super::assets::Asset;
use super::deployment::Deployment;
use super::domain::Domain;
use super::shapes;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A Pages project.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `NAME.pages.dev`, or another one when that belongs to a stranger.
    pub(crate) subdomain: String,
    pub(crate) production_branch: String,
    pub(crate) created_on: String,
    pub(crate) build_config: Value,
    /// The connected repository.
    pub(crate) source: Option<Value>,
    /// With the values of secrets, which answers leave empty.
    pub(crate) deployment_configs: Value,
    /// The oldest first.
    pub(crate) deployments: Vec<Deployment>,
    /// The identifier of the deployment that is live.
    pub(crate) canonical: Option<String>,
    /// By key.
    pub(crate) assets: BTreeMap<String, Asset>,
    pub(crate) domains: Vec<Domain>,
    pub(crate) cache_purges: u32,
}

impl Project {
    /// The deployment that is live.
    pub(crate) fn live(&self) -> Option<&Deployment> {
        self.deployment(self.canonical.as_deref()?)
    }

    /// The deployment of an identifier.
    pub(crate) fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|it| it.id == id)
    }

    /// The content of a path of a deployment, as a visitor would get it.
    pub(crate) fn content(&self, deployment: &Deployment, path: &str) -> Option<&[u8]> {
        let key = deployment.manifest.get(path)?;
        Some(&self.assets.get(key)?.content)
    }

    /// The value of an environment variable, secret or not; `environment` is `production` or `preview`.
    pub(crate) fn env_var(&self, environment: &str, name: &str) -> Option<&str> {
        self.deployment_configs[environment]["env_vars"][name]["value"].as_str()
    }

    /// The custom domain of a name.
    pub(crate) fn domain(&self, name: &str) -> Option<&Domain> {
        self.domains.iter().find(|domain| domain.name == name)
    }

    /// The project as answers show it.
    pub(crate) fn view(&self) -> Value {
        let mut domains = vec![self.subdomain.as_str()];
        domains.extend(self.domains.iter().map(|domain| domain.name.as_str()));
        let latest = self.deployments.last().map(|it| it.view(self));
        let canonical = self.live().map(|it| it.view(self));
        let mut view = json!({
            "id": self.id,
            "name": self.name,
            "subdomain": self.subdomain,
            "domains": domains,
            "production_branch": self.production_branch,
            "created_on": self.created_on,
            "build_config": self.build_config,
            "deployment_configs": without_secrets(&self.deployment_configs),
            "latest_deployment": latest,
            "canonical_deployment": canonical,
            "framework": "",
            "framework_version": "",
            "uses_functions": self.live().map(Deployment::uses_functions),
            "production_script_name": format!("pages-worker--{}-production", &self.id[..7]),
            "preview_script_name": format!("pages-worker--{}-preview", &self.id[..7]),
        });
        if let Some(source) = &self.source {
            view["source"] = source.clone();
        }
        view
    }
}

/// Deployment configurations in which secret values are empty.
fn without_secrets(configs: &Value) -> Value {
    let mut shown = configs.clone();
    for config in shown.as_object_mut().into_iter().flatten() {
        hide_secrets(&mut config.1["env_vars"]);
        if config.1["env_vars"].is_null() {
            config.1.as_object_mut().unwrap().remove("env_vars");
        }
    }
    shown
}

/// Empties the values of secrets among environment variables.
pub(crate) fn hide_secrets(env_vars: &mut Value) {
    for (_, variable) in env_vars.as_object_mut().into_iter().flatten() {
        if variable["type"] == "secret_text" {
            variable["value"] = "".into();
        }
    }
}

/// Lays changes over a value: objects are merged, all else is replaced.
pub(crate) fn merge(into: &mut Value, changes: &Value) {
    merge_with(into, changes, false);
}

/// Lays changes over deployment configurations: null deletes an entry of those that are kept by name.
pub(crate) fn merge_configs(into: &mut Value, changes: &Value) {
    for (environment, changes) in changes.as_object().into_iter().flatten() {
        for (field, changes) in changes.as_object().into_iter().flatten() {
            let keyed = shapes::KEYED.contains(&field.as_str());
            let into = entry(entry(into, environment), field);
            merge_with(into, changes, keyed);
            if field == "env_vars" {
                complete_env_vars(into);
            }
        }
    }
}

fn merge_with(into: &mut Value, changes: &Value, null_deletes: bool) {
    let Value::Object(changes) = changes else {
        *into = changes.clone();
        return;
    };
    for (key, change) in changes {
        if null_deletes && change.is_null() {
            into.as_object_mut().map(|map| map.shift_remove(key));
        } else {
            merge_with(entry(into, key), change, false);
        }
    }
}

fn entry<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let map = value.as_object_mut().unwrap();
    map.entry(key).or_insert(Value::Null)
}

/// Gives variables without a type the usual one.
fn complete_env_vars(env_vars: &mut Value) {
    for (_, variable) in env_vars.as_object_mut().into_iter().flatten() {
        if variable["type"].is_null() {
            variable["type"] = "plain_text".into();
        }
    }
}
