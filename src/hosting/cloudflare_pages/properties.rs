//! The settings of a project that a message declares, and how they stand in the API's JSON.
//!
//! A setting's name is its path there, as `deployment_configs.production.env_vars.API_KEY`. Only what a
//! message declares is ever compared or sent: Cloudflare fills in the rest by itself, and differently over time.

use super::mark::{ProjectMark, VARIABLE};
use super::wire::Project;
use crate::desired::{DesiredHosting, Properties, Property};
use crate::edge::EdgeError;
use crate::edge::cloudflare::Cloudflare;
use crate::edge::secret::Secret;
use crate::model::{CloudflarePages, EnvironmentVariable, PagesPreviews, VariableValue};
use crate::plan::Change;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The two sets of settings that deployments have.
const ENVIRONMENTS: [&str; 2] = ["production", "preview"];

/// The settings that a message declares. The values of secrets are read for their digests.
pub(super) fn declared(
    hosting: &DesiredHosting,
    pages: &CloudflarePages,
    cloudflare: &Cloudflare,
) -> Result<Properties, EdgeError> {
    let mut properties = Properties::new();
    let mut set = |name: String, value: String| {
        properties.insert(name, Property::Plain(value));
    };
    if let Some(branch) = &hosting.branches.production {
        set("production_branch".into(), branch.to_string());
    }
    for environment in ENVIRONMENTS {
        let config = |field: &str| format!("deployment_configs.{environment}.{field}");
        if let Some(date) = &pages.compatibility_date {
            set(config("compatibility_date"), date.0.to_string());
        }
        if !pages.compatibility_flags.is_empty() {
            let flags = list(
                pages
                    .compatibility_flags
                    .iter()
                    .map(crate::model::Line::as_str),
            );
            set(config("compatibility_flags"), flags);
        }
    }
    connection(hosting, pages, &mut set);
    let variables = [
        (ENVIRONMENTS[0], &pages.environment),
        (ENVIRONMENTS[1], &pages.preview_environment),
    ];
    for (environment, variables) in variables {
        for variable in variables {
            let name = variable_name(environment, variable.name.as_str());
            let value = match &variable.value {
                VariableValue::Plain(text) => Property::Plain(text.to_string()),
                VariableValue::Credential(credential) => {
                    let secret = cloudflare.credential(credential)?;
                    Property::Secret(secret.digest(&format!("{} {name}", hosting.key.site)))
                }
            };
            properties.insert(name, value);
        }
    }
    Ok(properties)
}

/// The settings of a project that Cloudflare builds by itself.
fn connection(
    hosting: &DesiredHosting,
    pages: &CloudflarePages,
    set: &mut impl FnMut(String, String),
) {
    let Some(connected) = &hosting.connected else {
        return;
    };
    let slug = connected.slug.as_str();
    let (owner, repository) = slug.rsplit_once('/').unwrap_or(("", slug));
    let mut source = |field: &str, value: String| set(format!("source.{field}"), value);
    source("type", connected.service.into());
    source("config.owner", owner.into());
    source("config.repo_name", repository.into());
    if let Some(branch) = &hosting.branches.production {
        source("config.production_branch", branch.to_string());
    }
    let previews = match pages.preview_deployments {
        PagesPreviews::Unchanged => None,
        PagesPreviews::All => Some("all"),
        PagesPreviews::None => Some("none"),
        PagesPreviews::Custom => Some("custom"),
    };
    if let Some(previews) = previews {
        source("config.preview_deployment_setting", previews.into());
    }
    for (field, branches) in [
        ("config.preview_branch_includes", &pages.preview_branches),
        (
            "config.preview_branch_excludes",
            &pages.preview_branch_excludes,
        ),
    ] {
        if !branches.is_empty() {
            source(field, list(branches.iter().map(crate::model::Line::as_str)));
        }
    }
    let mut build = |field: &str, value: String| set(format!("build_config.{field}"), value);
    if let Some(command) = &connected.command {
        build("build_command", command.clone());
    }
    if let Some(output) = &connected.output {
        build("destination_dir", output.clone());
    }
    if !connected.root.is_empty() {
        build("root_dir", connected.root.clone());
    }
}

/// A list as one text that compares well.
fn list<'t>(items: impl Iterator<Item = &'t str>) -> String {
    Value::from(items.collect::<Vec<_>>()).to_string()
}

/// The name of a variable's setting.
fn variable_name(environment: &str, name: &str) -> String {
    format!("deployment_configs.{environment}.env_vars.{name}")
}

/// The environment and the name of a variable's setting.
fn variable_of(setting: &str) -> Option<(&str, &str)> {
    setting
        .strip_prefix("deployment_configs.")?
        .split_once(".env_vars.")
}

/// The settings of a project that are declared, or that were set for the site; the latter by name as well.
pub(super) fn observed(
    project: &Project,
    wanted: &Properties,
    mark: Option<&ProjectMark>,
) -> (Properties, BTreeSet<String>) {
    let owned: BTreeSet<String> = mark
        .iter()
        .flat_map(|mark| &mark.vars)
        .filter_map(|variable| variable.split_once('.'))
        .map(|(environment, name)| variable_name(environment, name))
        .collect();
    let names = wanted.keys().chain(&owned);
    let found = names.filter_map(|name| {
        let pointer = format!("/{}", name.replace('.', "/"));
        let value = property(project.raw.pointer(&pointer)?)?;
        Some((name.clone(), value))
    });
    (found.collect(), owned)
}

/// A setting's value; `None` for one that is not set.
fn property(value: &Value) -> Option<Property> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Property::Plain(text.clone())),
        Value::Object(variable) => {
            if variable.get("type").and_then(Value::as_str) == Some("secret_text") {
                return Some(Property::Hidden);
            }
            let text = variable.get("value")?.as_str()?;
            Some(Property::Plain(text.into()))
        }
        other => Some(Property::Plain(other.to_string())),
    }
}

/// The variables of a message, as the mark names them.
pub(super) fn variables(properties: &Properties) -> BTreeSet<String> {
    properties
        .keys()
        .filter_map(|name| variable_of(name))
        .map(|(environment, name)| format!("{environment}.{name}"))
        .collect()
}

/// The body of a call that makes a project or changes one: these changes and the mark. `secret` gives the value
/// of a secret variable by its environment and name.
///
/// # Errors
/// A secret's value is not there.
pub(super) fn body(
    hosting: &DesiredHosting,
    changes: &[Change],
    mark: &ProjectMark,
    secret: impl Fn(&str, &str) -> Result<Secret, EdgeError>,
) -> Result<Value, EdgeError> {
    let mut body = Map::new();
    // A connection is given whole: half of one says nothing.
    let reconnects = changes
        .iter()
        .any(|change| change.name.starts_with("source."));
    let connection = hosting
        .properties
        .iter()
        .filter(|(name, _)| reconnects && name.starts_with("source."))
        .map(|(name, value)| (name.as_str(), Some(value)));
    let changes = changes
        .iter()
        .map(|change| (change.name.as_str(), change.to.as_ref()));
    for (name, value) in connection.chain(changes) {
        let value = match (variable_of(name), value) {
            (_, None) => Value::Null,
            (None, Some(value)) => setting(name, value),
            (Some(_), Some(Property::Plain(text))) => plain(text),
            (Some((environment, variable)), Some(Property::Secret(_) | Property::Hidden)) => {
                let secret = secret(environment, variable)?;
                json!({ "type": "secret_text", "value": secret.expose() })
            }
        };
        put(&mut body, name, value);
    }
    put(
        &mut body,
        &variable_name(ENVIRONMENTS[0], VARIABLE),
        plain(&mark.text()),
    );
    Ok(Value::Object(body))
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "value": text })
}

/// The value of a setting that is no variable.
fn setting(name: &str, value: &Property) -> Value {
    let Property::Plain(text) = value else {
        return Value::Null;
    };
    let is_list = ["_flags", "_includes", "_excludes"]
        .iter()
        .any(|end| name.ends_with(end));
    if is_list {
        return serde_json::from_str(text).unwrap_or_default();
    }
    Value::from(text.as_str())
}

/// Sets the value at a path of names with dots between.
fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            object.insert(path.into(), value);
        }
        Some((first, rest)) => {
            let below = object.entry(first).or_insert_with(|| json!({}));
            if let Value::Object(below) = below {
                put(below, rest, value);
            }
        }
    }
}

/// The value of a secret variable of a message.
pub(super) fn secret(
    pages: &CloudflarePages,
    cloudflare: &Cloudflare,
    environment: &str,
    name: &str,
) -> Result<Secret, EdgeError> {
    let variables: &[EnvironmentVariable] = if environment == ENVIRONMENTS[0] {
        &pages.environment
    } else {
        &pages.preview_environment
    };
    let variable = variables.iter().find(|known| known.name.as_str() == name);
    match variable.map(|variable| &variable.value) {
        Some(VariableValue::Credential(credential)) => cloudflare.credential(credential),
        Some(VariableValue::Plain(_)) | None => Err(EdgeError::rejected(format!(
            "variable {name} is not declared"
        ))),
    }
}
