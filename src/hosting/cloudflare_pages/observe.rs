//! What is there: the project, its releases, its names.

use super::mark::{self, ProjectMark, ReleaseMark};
use super::wire::{Deployment, Domain, Progress, Project};
use super::{CloudflarePages, properties};
use crate::desired::{DesiredHosting, Names};
use crate::edge::EdgeError;
use crate::edge::cloudflare::{Account, ApiError};
use crate::model::{DomainName, Parse};
use crate::observed::{
    Abilities, Look, ObservedHosting, ObservedSite, Ownership, PendingName, TakenName,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Deployments on a page of the list; more is refused (code 8000024).
pub(super) const PER_PAGE: usize = 25;

/// Pages of deployments that are looked through for one, newest first.
const PAGES: usize = 4;

/// The most files of a release, and the longest file, that every account may have
/// (<https://developers.cloudflare.com/pages/platform/limits/>).
const MAX_FILES: usize = 20_000;
pub(super) const MAX_FILE_SIZE: u64 = 25 * 1024 * 1024;

impl CloudflarePages {
    pub(super) async fn look(
        &self,
        desired: &DesiredHosting,
        look: Look,
    ) -> Result<ObservedSite, EdgeError> {
        let (_, account) = self.account(desired)?;
        let name = desired.key.project.as_str();
        let project = match look {
            Look::Passing => self.projects.recent(&account, name).await?,
            Look::Closely | Look::History => self.projects.fresh(&account, name).await?,
        };
        let hosting = match &project {
            Some(project) => Some(hosting(desired, &account, project, look).await?),
            None => None,
        };
        Ok(ObservedSite {
            abilities: Abilities {
                projects: true,
                names_apart: true,
                max_files: Some(account.max_files.unwrap_or(MAX_FILES)),
                max_file_size: Some(MAX_FILE_SIZE),
            },
            taken: self.taken(desired, &account, project.as_deref()).await?,
            hosting,
            zones: Vec::new(),
        })
    }

    /// The names that the site asks for and does not have, as far as another project of the account has them.
    async fn taken(
        &self,
        desired: &DesiredHosting,
        account: &Account,
        project: Option<&Project>,
    ) -> Result<Vec<TakenName>, ApiError> {
        if desired.branches.preview.is_some() {
            return Ok(Vec::new());
        }
        let there = project.map_or(&[][..], |project| &project.domains);
        let missing: Vec<&DomainName> = desired
            .names
            .all()
            .filter(|name| !there.iter().any(|there| there == name.as_str()))
            .collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let mut taken = Vec::new();
        for other in self.projects.all(account).await? {
            if other.name == desired.key.project.as_str() {
                continue;
            }
            let owner = match ProjectMark::read(&other) {
                Some(mark) => format!("site {}", mark.site),
                None => format!("project {}", other.name),
            };
            let has = |name: &&&DomainName| other.domains.iter().any(|it| it == name.as_str());
            taken.extend(missing.iter().filter(has).map(|name| TakenName {
                name: (*name).clone(),
                owner: owner.clone(),
            }));
        }
        Ok(taken)
    }
}

async fn hosting(
    desired: &DesiredHosting,
    account: &Account,
    project: &Arc<Project>,
    look: Look,
) -> Result<ObservedHosting, ApiError> {
    let mark = ProjectMark::read(project);
    let ownership = mark::ownership(mark.as_ref(), &desired.key.site);
    let live = live(desired, account, project).await?;
    let made = live.as_ref().and_then(ReleaseMark::read);
    // Other rules than those asked for are not known by name, only as different.
    let same_rules = made
        .as_ref()
        .is_some_and(|made| made.rules == mark::rules(desired));
    let (names, others) = names(desired, project, mark.as_ref());
    let (properties, owned) = properties::observed(project, &desired.properties, mark.as_ref());
    let pending = match (look, &ownership) {
        (Look::Closely | Look::History, Ownership::Ours) if names.primary.is_some() => {
            pending(account, project, &names).await?
        }
        _ => Vec::new(),
    };
    let previous = match look {
        Look::History => previous(account, project).await?,
        Look::Passing | Look::Closely => Vec::new(),
    };
    Ok(ObservedHosting {
        release: live.as_ref().map(Deployment::release),
        artifact: made.as_ref().map(|made| made.artifact),
        rules: same_rules.then(|| desired.rules.digest()),
        names,
        files: made.map_or(0, |made| made.files),
        previous: previous.iter().map(Deployment::release).collect(),
        others,
        pending,
        properties,
        owned,
        target: DomainName::parse(&project.subdomain).ok(),
        urls: match &live {
            Some(live) if desired.branches.preview.is_some() => urls(live),
            _ => vec![format!("https://{}/", project.subdomain)],
        },
        ..ObservedHosting::empty(ownership)
    })
}

/// The addresses of a preview: that of its branch, which stays, and its own.
pub(super) fn urls(deployment: &Deployment) -> Vec<String> {
    let mut urls = deployment.aliases.clone();
    urls.push(deployment.url.clone());
    urls.retain(|url| !url.is_empty());
    urls
}

/// The deployment that shows what the message's branch was published as last.
async fn live(
    desired: &DesiredHosting,
    account: &Account,
    project: &Project,
) -> Result<Option<Deployment>, ApiError> {
    let Some(branch) = &desired.branches.preview else {
        return Ok(project.canonical.clone());
    };
    let ours = |deployment: &Deployment| {
        !deployment.is_production()
            && deployment.trigger.metadata.branch == branch.as_str()
            && deployment.progress() != Progress::Failed
    };
    if let Some(latest) = project.latest.as_ref().filter(|latest| ours(latest)) {
        return Ok(Some(latest.clone()));
    }
    let found = deployments(account, &project.name, PAGES).await?;
    Ok(found.into_iter().find(ours))
}

/// The newest deployments of a project, newest first.
pub(super) async fn deployments(
    account: &Account,
    project: &str,
    pages: usize,
) -> Result<Vec<Deployment>, ApiError> {
    let path = account.path(&format!("pages/projects/{project}/deployments"));
    let mut found: Vec<Deployment> = Vec::new();
    for page in 1..=pages {
        let reply = account.client.page(&path, page, PER_PAGE).await?;
        let full = reply.result.len() >= PER_PAGE;
        found.extend(reply.result);
        if !full {
            break;
        }
    }
    Ok(found)
}

/// Earlier releases that can be gone back to, newest first.
pub(super) async fn previous(
    account: &Account,
    project: &Project,
) -> Result<Vec<Deployment>, ApiError> {
    let canonical = project.canonical.as_ref().map(|live| live.id.as_str());
    let found = deployments(account, &project.name, PAGES).await?;
    Ok(found
        .into_iter()
        .filter(|it| it.is_production() && it.progress() == Progress::Done)
        .filter(|it| Some(it.id.as_str()) != canonical)
        .collect())
}

/// The names that are the site's, and those that somebody else gave the project.
fn names(
    desired: &DesiredHosting,
    project: &Project,
    mark: Option<&ProjectMark>,
) -> (Names, Vec<DomainName>) {
    let given: BTreeSet<DomainName> = mark.iter().flat_map(|mark| mark.domains()).collect();
    let there = project
        .domains
        .iter()
        .filter(|name| **name != project.subdomain)
        .filter_map(|name| DomainName::parse(name).ok());
    let wanted = |name: &DomainName| desired.names.all().any(|wanted| wanted == name);
    let (ours, others): (Vec<DomainName>, Vec<DomainName>) =
        there.partition(|name| wanted(name) || given.contains(name));
    // Which name is the primary one is not kept there, and makes no difference.
    let primary = ours
        .iter()
        .find(|name| desired.names.primary.as_ref() == Some(name))
        .or(ours.first())
        .cloned();
    let mut aliases: Vec<DomainName> = ours
        .into_iter()
        .filter(|name| primary.as_ref() != Some(name))
        .collect();
    aliases.sort();
    let names = Names {
        primary,
        aliases,
        redirect_aliases: desired.names.redirect_aliases,
    };
    (names, others)
}

/// The names of the site that visitors cannot use yet.
async fn pending(
    account: &Account,
    project: &Project,
    names: &Names,
) -> Result<Vec<PendingName>, ApiError> {
    let domains = domains(account, &project.name).await?;
    let waiting = domains.iter().filter(|domain| !domain.is_active());
    Ok(waiting
        .filter_map(|domain| {
            let name = names.all().find(|name| name.as_str() == domain.name)?;
            Some(PendingName {
                name: name.clone(),
                why: domain.told(),
            })
        })
        .collect())
}

/// The names of a project, with their states.
pub(super) async fn domains(account: &Account, project: &str) -> Result<Vec<Domain>, ApiError> {
    let path = account.path(&format!("pages/projects/{project}/domains"));
    account.client.get(&path).await
}
