//! Names: given to a project, taken from it, and followed until visitors can use them.

use super::CloudflarePages;
use super::mark::{self, ProjectMark};
use super::observe::domains;
use super::wire::{Deployment, Domain, Project};
use crate::desired::{HostingKey, Names};
use crate::edge::cloudflare::{Account, codes};
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::hosting::Applied;
use crate::model::{DomainName, HostingSettings, Parse};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The first pause between two looks at names that are not ready, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The longest value of a variable, in bytes; the names are kept in one.
const MAX_MARK: usize = 5120;

impl CloudflarePages {
    /// Gives the project its names and takes others away. The names are marked as the site's before they are
    /// given, so that those of an attempt that was cut off are known as its own.
    pub(super) async fn set_names(
        &self,
        key: &HostingKey,
        settings: &HostingSettings,
        from: &Names,
        names: &Names,
    ) -> Result<Applied, EdgeError> {
        let (_, account) = self.account_of(settings)?;
        let project = self.own_project(&account, key).await?;
        let mut mark = ProjectMark::read(&project).unwrap_or_else(|| ProjectMark::of(&key.site));
        let wanted: BTreeSet<String> = names.all().map(ToString::to_string).collect();
        let before = mark.names.clone();
        mark.names.extend(wanted.iter().cloned());
        if mark.names != before {
            self.remark(&account, &project.name, &mark).await?;
        }
        for name in names.all() {
            if !project.domains.iter().any(|there| there == name.as_str()) {
                attach(&account, &project.name, name).await?;
            }
        }
        for name in from.all().filter(|name| !wanted.contains(name.as_str())) {
            let path = domain_path(&account, &project.name, name.as_str());
            account.client.delete(&path).await?;
        }
        if mark.names != wanted {
            mark.names = wanted;
            self.remark(&account, &project.name, &mark).await?;
        }
        self.projects.forget(&account, &project.name).await;
        Ok(Applied {
            release: project.canonical.as_ref().map(Deployment::release),
            detail: names.to_string(),
            target: DomainName::parse(&project.subdomain).ok(),
            urls: Vec::new(),
        })
    }

    /// Writes the project's mark.
    async fn remark(
        &self,
        account: &Account,
        project: &str,
        mark: &ProjectMark,
    ) -> Result<(), EdgeError> {
        let text = mark.text();
        if text.len() > MAX_MARK {
            return Err(EdgeError::rejected(format!(
                "the site's names take {} bytes together; the project's mark holds {MAX_MARK}",
                text.len()
            ))
            .at("domains.aliases"));
        }
        let variable = json!({ mark::VARIABLE: { "type": "plain_text", "value": text } });
        let body = json!({ "deployment_configs": { "production": { "env_vars": variable } } });
        self.patch(account, project, &body).await?;
        Ok(())
    }

    /// Waits until visitors can use names.
    pub(super) async fn await_names(
        &self,
        key: &HostingKey,
        settings: &HostingSettings,
        names: &[DomainName],
    ) -> Result<Applied, EdgeError> {
        let (_, account) = self.account_of(settings)?;
        let project = self.own_project(&account, key).await?;
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut retried = BTreeSet::new();
        loop {
            let waiting = waiting(&account, &project, names).await?;
            if waiting.is_empty() {
                self.projects.forget(&account, &project.name).await;
                return Ok(Applied {
                    release: project.canonical.as_ref().map(Deployment::release),
                    detail: "active".into(),
                    target: DomainName::parse(&project.subdomain).ok(),
                    urls: Vec::new(),
                });
            }
            let long = started.elapsed() * 2 >= self.options.domain_wait;
            for domain in waiting.iter().filter(|domain| long || domain.is_stuck()) {
                // Once for each name, when it failed or takes long: then it is mostly for a person to mend.
                if retried.insert(domain.name.clone()) {
                    let path = domain_path(&account, &project.name, &domain.name);
                    account
                        .client
                        .patch::<serde::de::IgnoredAny>(&path, &json!({}))
                        .await?;
                }
            }
            let stuck = waiting
                .iter()
                .all(|domain| domain.is_stuck() && retried.contains(&domain.name));
            let last = stuck && started.elapsed() > pause;
            if last || started.elapsed() >= self.options.domain_wait {
                return Err(not_active(&waiting, &project.subdomain));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }
}

/// Gives a name to a project. One that has it already is as asked.
async fn attach(account: &Account, project: &str, name: &DomainName) -> Result<(), EdgeError> {
    let path = account.path(&format!("pages/projects/{project}/domains"));
    let body = json!({ "name": name.as_str() });
    let Err(error) = account.client.post::<Domain>(&path, &body).await else {
        return Ok(());
    };
    if !error.is_ambiguous() && !error.has(codes::DOMAIN_UNAVAILABLE) {
        return Err(EdgeError::from(error).at("domains"));
    }
    let one = domain_path(account, project, name.as_str());
    if account.client.find::<Domain>(&one).await?.is_some() {
        return Ok(());
    }
    if error.is_ambiguous() {
        // It is certain now that the lost call did nothing.
        let again = account.client.post::<Domain>(&path, &body).await;
        return again
            .map(drop)
            .map_err(|error| EdgeError::from(error).at("domains"));
    }
    Err(EdgeError::from(error).at("domains").hint(format!(
        "{name} is on another project or account: take it away there first"
    )))
}

/// The names that visitors cannot use yet.
async fn waiting(
    account: &Account,
    project: &Project,
    names: &[DomainName],
) -> Result<Vec<Domain>, EdgeError> {
    let found = domains(account, &project.name).await?;
    let missing = names
        .iter()
        .find(|name| !found.iter().any(|domain| domain.name == name.as_str()));
    if let Some(name) = missing {
        return Err(EdgeError::rejected(format!(
            "{name} is not on project {}",
            project.name
        )));
    }
    let ours = |domain: &Domain| names.iter().any(|name| name.as_str() == domain.name);
    Ok(found
        .into_iter()
        .filter(|domain| ours(domain) && !domain.is_active())
        .collect())
}

fn not_active(waiting: &[Domain], subdomain: &str) -> EdgeError {
    let told: Vec<String> = waiting
        .iter()
        .map(|domain| format!("{} is {}", domain.name, domain.told()))
        .collect();
    EdgeError::new(
        EdgeErrorKind::Transient { retry_after: None },
        told.join("; "),
    )
    .at("domains")
    .hint(format!(
        "each name needs a CNAME record to {subdomain}, and nothing in its way that keeps certificate \
         authorities out (CAA records, Access); sending the message again looks again"
    ))
}

fn domain_path(account: &Account, project: &str, name: &str) -> String {
    account.path(&format!("pages/projects/{project}/domains/{name}"))
}
