//! Sites with Functions are bundled, and on request published, by Cloudflare's own client.

use super::assets;
use super::mark::ReleaseMark;
use super::observe::deployments;
use super::publish::branch;
use super::rules::{self, Missing};
use super::wire::{Deployment, Project};
use super::wrangler::{Bundle, BundleOptions, Deploy, FunctionsSource};
use super::{CloudflarePages, blocking, own};
use crate::artifact::Artifact;
use crate::desired::{DesiredHosting, Rules};
use crate::edge::cloudflare::Account;
use crate::edge::http::Part;
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::model::PagesFunctions;
use crate::plan::Publish;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Whether an artifact's Functions are to be published, if it has any.
fn wanted(artifact: &Artifact, hosting: &DesiredHosting) -> Result<bool, EdgeError> {
    let brings = |path: &String| {
        path == "_worker.js" || path.starts_with("_worker.js/") || path.starts_with("functions/")
    };
    Ok(match own(&hosting.settings)?.functions {
        PagesFunctions::Off => false,
        PagesFunctions::Auto => artifact.files().keys().any(brings),
    })
}

/// The parts that a deployment has for its Functions; none for a site without.
pub(super) async fn bundle(
    backend: &CloudflarePages,
    artifact: &Arc<Artifact>,
    hosting: &DesiredHosting,
    project: &Project,
) -> Result<Vec<Part>, EdgeError> {
    if !wanted(artifact, hosting)? {
        return Ok(Vec::new());
    }
    let (date, flags) = compatibility(hosting, project)?;
    let (artifact, backend) = (Arc::clone(artifact), backend.clone());
    let site = hosting.key.site.clone();
    let bundle = blocking(move || {
        let wrangler = backend.wrangler()?;
        let folder = written(&artifact)?;
        let Some(source) = FunctionsSource::find(folder.path())? else {
            return Ok(None);
        };
        wrangler.bundle(
            &source,
            &BundleOptions {
                compatibility_date: date.as_deref(),
                compatibility_flags: &flags,
                ..BundleOptions::default()
            },
        )
    })
    .await?;
    let Some(bundle) = bundle else {
        return Ok(Vec::new());
    };
    if !bundle.warnings.is_empty() {
        tracing::warn!(site = %site, "wrangler: {}", bundle.warnings);
    }
    Ok(parts(bundle))
}

fn parts(bundle: Bundle) -> Vec<Part> {
    let file = |name: &str, content: Vec<u8>| Part::file(name, name, content);
    let mut parts = vec![file("_worker.bundle", bundle.worker)];
    parts.extend(bundle.routes.map(|routes| file("_routes.json", routes)));
    let name = "functions-filepath-routing-config.json";
    parts.extend(bundle.filepath_routing.map(|routing| file(name, routing)));
    parts
}

/// The runtime that Functions are compiled for: the message's, or the project's.
fn compatibility(
    hosting: &DesiredHosting,
    project: &Project,
) -> Result<(Option<String>, Vec<String>), EdgeError> {
    let pages = own(&hosting.settings)?;
    let config = |field: &str| {
        let pointer = format!("/deployment_configs/production/{field}");
        project.raw.pointer(&pointer).cloned()
    };
    let date = match &pages.compatibility_date {
        Some(date) => Some(date.0.to_string()),
        None => config("compatibility_date")
            .and_then(|date| date.as_str().map(ToOwned::to_owned))
            .filter(|date| !date.is_empty()),
    };
    let flags = if pages.compatibility_flags.is_empty() {
        config("compatibility_flags")
            .and_then(|flags| serde_json::from_value(flags).ok())
            .unwrap_or_default()
    } else {
        let flags = pages.compatibility_flags.iter();
        flags.map(ToString::to_string).collect()
    };
    Ok((date, flags))
}

/// Publishes by Cloudflare's own client.
pub(super) async fn deploy(
    backend: &CloudflarePages,
    account: &Account,
    project: &Project,
    publish: &Publish,
    mark: &ReleaseMark,
) -> Result<Deployment, EdgeError> {
    let hosting = &publish.hosting;
    let attempt = format!("{:016x}", fastrand::u64(..));
    let work = {
        let (artifact, rules) = (Arc::clone(&publish.artifact), hosting.rules.clone());
        let functions = wanted(&artifact, hosting)?;
        let (name, branch) = (project.name.clone(), branch(hosting, project));
        let (commit, message) = (mark.commit(), mark.message(&hosting.key.site, &attempt));
        let (token, id) = (account.client.token().clone(), account.id.clone());
        let base_url = backend.cloudflare.base_url().to_owned();
        let backend = backend.clone();
        let timeout = backend.options.deploy_wait;
        move || {
            let wrangler = backend.wrangler()?;
            let folder = written(&artifact)?;
            steer(folder.path(), &artifact, &rules)?;
            wrangler.deploy(&Deploy {
                directory: folder.path(),
                functions,
                project: &name,
                branch: &branch,
                commit_hash: &commit,
                commit_message: &message,
                token: &token,
                account_id: id.as_str(),
                api_base_url: Some(&base_url),
                timeout,
            })
        }
    };
    let made = blocking(work).await;
    let deployments_path = account.path(&format!("pages/projects/{}/deployments", project.name));
    match made {
        Ok(made) => {
            let path = format!("{deployments_path}/{}", made.id);
            Ok(account.client.get(&path).await?)
        }
        Err(error) if matches!(error.kind, EdgeErrorKind::Transient { .. }) => {
            // There may be a deployment all the same.
            let made = deployments(account, &project.name, 1).await?;
            let ours = made.into_iter().find(|deployment| {
                let message = &deployment.trigger.metadata.commit_message;
                message.ends_with(&attempt)
            });
            ours.ok_or(error)
        }
        Err(error) => Err(error),
    }
}

/// An artifact's files in a folder of their own.
fn written(artifact: &Artifact) -> Result<TempDir, EdgeError> {
    let failed = |error| EdgeError::io("the site's files cannot be copied for wrangler", error);
    let folder = TempDir::with_prefix("mycelia-spore-").map_err(failed)?;
    for path in artifact.files().keys() {
        let to = folder.path().join(path);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut content = assets::open(artifact, path).map_err(failed)?;
        let mut file = fs::File::create_new(&to).map_err(failed)?;
        io::copy(&mut content, &mut file).map_err(failed)?;
    }
    Ok(folder)
}

/// Writes the files that steer Pages, as the rules of message and site together have them.
fn steer(folder: &Path, artifact: &Artifact, rules: &Rules) -> Result<(), EdgeError> {
    let failed = |error| EdgeError::io("the site's rules cannot be written for wrangler", error);
    let own = |path| assets::text(artifact, path);
    for (name, text) in [
        ("_headers", rules::headers(rules, &own("_headers")?)?),
        ("_redirects", rules::redirects(rules, &own("_redirects")?)?),
    ] {
        if !text.is_empty() {
            fs::write(folder.join(name), text).map_err(failed)?;
        }
    }
    let not_found = folder.join(rules::NOT_FOUND);
    match Missing::of(rules, artifact) {
        Missing::FirstPage if not_found.exists() => {
            fs::remove_file(not_found).map_err(failed)?;
        }
        Missing::AsIs | Missing::FirstPage => {}
        Missing::Plain => fs::write(not_found, rules::NOT_FOUND_PAGE).map_err(failed)?,
        Missing::File(path) => {
            fs::copy(folder.join(path), not_found).map_err(failed)?;
        }
    }
    Ok(())
}
