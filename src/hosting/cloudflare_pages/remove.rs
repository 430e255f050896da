//! Taking a website down, and going back to an earlier release of one.

use super::CloudflarePages;
use super::observe::{PER_PAGE, deployments, previous};
use super::wire::{Deployment, Project};
use crate::desired::HostingKey;
use crate::edge::EdgeError;
use crate::edge::cloudflare::{Account, ApiError, codes};
use crate::hosting::Applied;
use crate::model::{DomainName, HostingSettings, Parse};
use crate::release::ReleaseId;
use crate::words::count;
use futures_util::{TryStreamExt as _, stream};

/// Calls under way at once.
const AT_ONCE: usize = 4;

/// The most deployments that are deleted one by one: 40,000. Past that something else is wrong.
const MAX_PAGES: usize = 1600;

impl CloudflarePages {
    /// Deletes the project: its names first, then its deployments, which Cloudflare wants gone where there are
    /// many (code 8000076), then itself.
    pub(super) async fn remove(
        &self,
        key: &HostingKey,
        settings: &HostingSettings,
    ) -> Result<Applied, EdgeError> {
        let (_, account) = self.account_of(settings)?;
        let name = key.project.as_str();
        let Some(project) = self.projects.fresh(&account, name).await? else {
            self.projects.forget(&account, name).await;
            return Ok(Applied::gone("was not there"));
        };
        self.own_project(&account, key).await?;
        let domains: Vec<&String> = project
            .domains
            .iter()
            .filter(|domain| **domain != project.subdomain)
            .collect();
        let base = account.path(&format!("pages/projects/{name}"));
        for domain in &domains {
            let path = format!("{base}/domains/{domain}");
            account.client.delete(&path).await?;
        }
        let mut deleted = 0;
        match account.client.delete(&base).await {
            Ok(()) => {}
            Err(error) if error.has(TOO_MANY) => {
                deleted = clear(&account, &project).await?;
                account.client.delete(&base).await?;
            }
            Err(error) => return Err(error.into()),
        }
        self.projects.forget(&account, name).await;
        let mut detail = String::from("deleted");
        if !domains.is_empty() {
            detail = format!("{detail}, with {}", count(domains.len(), "name"));
        }
        if deleted > 0 {
            detail = format!("{detail}, after {}", count(deleted, "deployment"));
        }
        Ok(Applied::gone(detail))
    }

    /// Makes an earlier release the one that visitors see.
    pub(super) async fn activate(
        &self,
        key: &HostingKey,
        settings: &HostingSettings,
        release: &ReleaseId,
    ) -> Result<Applied, EdgeError> {
        let (_, account) = self.account_of(settings)?;
        let project = self.own_project(&account, key).await?;
        let live = project.canonical.as_ref().map(Deployment::release);
        if live.as_ref() != Some(release) {
            let kept = previous(&account, &project).await?;
            let deployment = kept.iter().find(|it| it.release() == *release);
            let deployment = deployment
                .ok_or_else(|| EdgeError::rejected(format!("release {release} is not kept")))?;
            let path = account.path(&format!(
                "pages/projects/{}/deployments/{}/rollback",
                project.name, deployment.id
            ));
            // Going back twice is going back once.
            account
                .client
                .post_again(&path, &serde_json::json!({}))
                .await?;
        }
        self.projects.forget(&account, &project.name).await;
        Ok(Applied {
            release: Some(release.clone()),
            detail: format!("release {release} is live"),
            target: DomainName::parse(&project.subdomain).ok(),
            urls: vec![format!("https://{}/", project.subdomain)],
        })
    }
}

/// Code: the project has too many deployments to be deleted with them.
const TOO_MANY: u32 = codes::TOO_MANY_DEPLOYMENTS;

/// Deletes all deployments but the one that is live, which goes with the project.
async fn clear(account: &Account, project: &Project) -> Result<usize, ApiError> {
    let live = project.canonical.as_ref().map(|live| live.id.as_str());
    let mut deleted = 0;
    for _ in 0..MAX_PAGES {
        let page = deployments(account, &project.name, 1).await?;
        let full = page.len() >= PER_PAGE;
        let others: Vec<&Deployment> = page
            .iter()
            .filter(|deployment| Some(deployment.id.as_str()) != live)
            .collect();
        deleted += others.len();
        let none = others.is_empty();
        stream::iter(others.into_iter().map(Ok::<_, ApiError>))
            .try_for_each_concurrent(AT_ONCE, |deployment| async move {
                // Aliased deployments, those of branches, are only deleted when told so.
                let path = format!(
                    "pages/projects/{}/deployments/{}?force=true",
                    project.name, deployment.id
                );
                account.client.delete(&account.path(&path)).await
            })
            .await?;
        if !full || none {
            break;
        }
    }
    Ok(deleted)
}
