//! Making a project and keeping its settings.

use super::mark::{self, ProjectMark};
use super::wire::Project;
use super::{CloudflarePages, properties};
use crate::edge::EdgeError;
use crate::edge::EdgeErrorKind;
use crate::edge::cloudflare::{Account, ApiError, codes};
use crate::hosting::Applied;
use crate::model::{DomainName, Parse, SiteId};
use crate::observed::Ownership;
use crate::plan::{Change, Configure};
use serde_json::{Value, json};
use std::sync::Arc;

/// The production branch of a project whose message names none (`hosting.productionBranch` in the schema).
const BRANCH: &str = "main";

/// Attempts to make a project whose calls were lost; each is preceded by a look.
const ATTEMPTS: usize = 3;

impl CloudflarePages {
    /// Makes the project or changes its settings.
    pub(super) async fn configure(&self, configure: &Configure) -> Result<Applied, EdgeError> {
        let (_, account) = self.account(&configure.hosting)?;
        let name = configure.hosting.key.project.as_str();
        let found = self.projects.fresh(&account, name).await?;
        let (project, made) = match found {
            Some(project) => (self.change(&account, configure, &project).await?, false),
            None => self.make(&account, configure).await?,
        };
        let detail = match (made, configure.changes.len()) {
            (true, _) => format!("made, at {}", project.subdomain),
            (false, 0) => "is ours now".into(),
            (false, 1) => "1 setting changed".into(),
            (false, number) => format!("{number} settings changed"),
        };
        let applied = Applied {
            release: project
                .canonical
                .as_ref()
                .map(super::wire::Deployment::release),
            detail,
            target: DomainName::parse(&project.subdomain).ok(),
            urls: vec![format!("https://{}/", project.subdomain)],
        };
        self.projects.forget(&account, name).await;
        Ok(applied)
    }

    /// Makes the project. When the answer is lost, the project is looked for before it is asked for again.
    async fn make(
        &self,
        account: &Account,
        configure: &Configure,
    ) -> Result<(Project, bool), EdgeError> {
        let hosting = &configure.hosting;
        let name = hosting.key.project.as_str();
        let body = creation(self.body(configure, None)?, name);
        let path = account.path("pages/projects");
        let mut attempt = 1;
        loop {
            let error = match account.client.post(&path, &body).await {
                Ok(project) => return Ok((project, true)),
                Err(error) => error,
            };
            let exists = error.has(codes::PROJECT_EXISTS);
            if !error.is_ambiguous() && !exists {
                return Err(explained(error));
            }
            match self.projects.fresh(account, name).await? {
                // The lost call, or another run of this program, made it.
                Some(project) if is_ours(&project, &hosting.key.site) => {
                    return Ok((self.change(account, configure, &project).await?, true));
                }
                Some(_) => return Err(not_ours(name)),
                None if exists || attempt == ATTEMPTS => return Err(explained(error)),
                None => attempt += 1,
            }
        }
    }

    /// Changes the settings that differ, and marks the project as the site's.
    async fn change(
        &self,
        account: &Account,
        configure: &Configure,
        project: &Arc<Project>,
    ) -> Result<Project, EdgeError> {
        let name = &project.name;
        let mark = ProjectMark::read(project);
        let site = &configure.hosting.key.site;
        if let Ownership::Foreign { owner } = mark::ownership(mark.as_ref(), site) {
            return Err(EdgeError::new(
                EdgeErrorKind::Conflict,
                format!("project {name} belongs to {owner} by now"),
            ));
        }
        let body = self.body(configure, mark)?;
        self.patch(account, name, &body).await
    }

    /// Changes a project.
    pub(super) async fn patch(
        &self,
        account: &Account,
        name: &str,
        body: &Value,
    ) -> Result<Project, EdgeError> {
        let path = account.path(&format!("pages/projects/{name}"));
        let changed = account.client.patch(&path, body).await;
        changed.map_err(explained)
    }

    /// The settings that change, with the mark that goes with them.
    fn body(&self, configure: &Configure, mark: Option<ProjectMark>) -> Result<Value, EdgeError> {
        let hosting = &configure.hosting;
        let pages = super::own(&hosting.settings)?;
        let site = &hosting.key.site;
        let mark = ProjectMark {
            site: site.to_string(),
            vars: properties::variables(&hosting.properties),
            names: mark
                .filter(|mark| mark.site == site.as_str())
                .map(|mark| mark.names)
                .unwrap_or_default(),
        };
        let changes: &[Change] = &configure.changes;
        properties::body(hosting, changes, &mark, |environment, name| {
            properties::secret(pages, &self.cloudflare, environment, name)
        })
    }
}

/// The body of the call that makes a project: what it must have is added.
fn creation(mut body: Value, name: &str) -> Value {
    body["name"] = json!(name);
    if body["production_branch"].is_null() {
        body["production_branch"] = json!(BRANCH);
    }
    // Cloudflare's own client reads both sets of settings from a project and fails where one is missing.
    if body["deployment_configs"]["preview"].is_null() {
        body["deployment_configs"]["preview"] = json!({});
    }
    body
}

fn is_ours(project: &Project, site: &SiteId) -> bool {
    ProjectMark::read(project).is_some_and(|mark| mark.site == site.as_str())
}

fn not_ours(name: &str) -> EdgeError {
    EdgeError::new(
        EdgeErrorKind::Conflict,
        format!("project {name} was made by somebody else meanwhile"),
    )
}

/// The error with what a person can do about it.
fn explained(error: ApiError) -> EdgeError {
    let about_source = error
        .codes()
        .iter()
        .any(|code| code.message.contains("authorized") || code.message.contains("git"));
    let error = EdgeError::from(error);
    if about_source && error.hint.is_none() {
        return error.at("repo.slug").hint(
            "Cloudflare's GitHub or GitLab app must be allowed to read the repository first: in the dashboard \
             under Workers & Pages, Create, Pages, Connect to Git",
        );
    }
    error
}
