//! A deployment of a project.

use super::builds::Progress;
use super::project::{self, Project};
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The longest name of a branch in an alias: <https://developers.cloudflare.com/pages/configuration/preview-deployments/>.
const ALIAS: usize = 28;

/// What began a deployment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Trigger {
    pub(crate) branch: String,
    pub(crate) commit_hash: String,
    pub(crate) commit_message: String,
    pub(crate) commit_dirty: bool,
}

/// A deployment of a project.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) created_on: String,
    pub(crate) trigger: Trigger,
    /// `production` or `preview`.
    pub(crate) environment: &'static str,
    /// Keys of assets by path; empty for a build.
    pub(crate) manifest: BTreeMap<String, String>,
    /// The other parts that came with it, by name: `_headers`, `_redirects` and so on.
    pub(crate) parts: BTreeMap<String, Bytes>,
    /// URLs by which it is reached beside its own.
    pub(crate) aliases: Vec<String>,
    pub(crate) progress: Progress,
    /// The lines that its build has written so far, without those of a failure.
    pub(crate) log: Vec<String>,
    /// The environment variables at its beginning.
    pub(crate) env_vars: Value,
}

impl Deployment {
    /// The first 8 digits of its identifier.
    pub(crate) fn short_id(&self) -> &str {
        &self.id[..8]
    }

    /// Whether it brought code to be run.
    pub(crate) fn uses_functions(&self) -> bool {
        self.parts.contains_key("_worker.bundle") || self.parts.contains_key("_worker.js")
    }

    /// The deployment as answers show it.
    pub(crate) fn view(&self, project: &Project) -> Value {
        let (stages, latest) = self.progress.view();
        let mut env_vars = self.env_vars.clone();
        project::hide_secrets(&mut env_vars);
        let aliases = (!self.aliases.is_empty()).then_some(&self.aliases);
        let mut view = json!({
            "id": self.id,
            "short_id": self.short_id(),
            "project_id": project.id,
            "project_name": project.name,
            "environment": self.environment,
            "url": format!("https://{}.{}", self.short_id(), project.subdomain),
            "created_on": self.created_on,
            "modified_on": self.created_on,
            "aliases": aliases,
            "latest_stage": latest,
            "stages": stages,
            "deployment_trigger": { "type": "ad_hoc", "metadata": {
                "branch": self.trigger.branch,
                "commit_hash": self.trigger.commit_hash,
                "commit_message": self.trigger.commit_message,
                "commit_dirty": self.trigger.commit_dirty,
            } },
            "build_config": project.build_config,
            "env_vars": env_vars,
            "is_skipped": false,
            "skip_reason": null,
            "uses_functions": self.uses_functions(),
        });
        if let Some(source) = &project.source {
            view["source"] = source.clone();
        }
        view
    }

    /// The log as answers show it.
    pub(crate) fn log_view(&self) -> Value {
        let lines = self.log.iter().chain(self.progress.failure_log());
        let data: Vec<Value> = lines
            .map(|line| json!({ "line": line, "ts": self.created_on }))
            .collect();
        json!({ "total": data.len(), "includes_container_logs": true, "data": data })
    }
}

/// The URL of the newest deployment of a branch for previews.
pub(crate) fn alias(branch: &str, subdomain: &str) -> String {
    let kept = branch.chars().map(|it| match it.to_ascii_lowercase() {
        it @ ('a'..='z' | '0'..='9') => it,
        _ => '-',
    });
    let label: String = kept.take(ALIAS).collect();
    format!("https://{}.{subdomain}", label.trim_matches('-'))
}
