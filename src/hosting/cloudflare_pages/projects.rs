//! Reading projects: one by one for a few sites, by the page for many.
//!
//! Sites that are as they were asked to be need no more than what a list of all projects tells. Which way is
//! cheaper is not known beforehand, as messages come one at a time; so a few projects are read by themselves,
//! and once these reads have cost a part of what the list would, the list is read and serves the rest.

use super::wire::Project;
use crate::edge::cloudflare::{Account, AccountId, ApiError};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::collections::HashMap;
use std::sync::{Arc, Mutex as Shared, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Projects on a page of the list: the most that Cloudflare's own client asks for. More is refused
/// (code 8000024).
const PER_PAGE: usize = 10;

/// Pages of the list that are asked for at once.
const AT_ONCE: usize = 4;

/// How long a list is believed. A project that this program changes is read anew in any case.
const BELIEVED: Duration = Duration::from_secs(60);

/// Single reads before the length of the list is asked for.
const SINGLES: usize = 3;

/// The part of the list's pages that may be spent on single reads before the list is read.
const SHARE: usize = 4;

/// The projects of all accounts, as they were read last. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Projects {
    accounts: Arc<Shared<HashMap<AccountId, Arc<Mutex<Seen>>>>>,
}

/// Projects by name.
type List = HashMap<String, Option<Arc<Project>>>;

/// What was read of one account.
#[derive(Default)]
struct Seen {
    /// All projects, and when they were read. One that was changed since is `None` until it is read again.
    list: Option<(Instant, List)>,
    /// Single reads, since when, and the pages the list has when that is known.
    singles: usize,
    since: Option<Instant>,
    pages: Option<usize>,
}

impl Projects {
    /// A project as it is now.
    pub(super) async fn fresh(
        &self,
        account: &Account,
        name: &str,
    ) -> Result<Option<Arc<Project>>, ApiError> {
        let path = account.path(&format!("pages/projects/{name}"));
        let found: Option<Project> = account.client.find(&path).await?;
        Ok(found.map(Arc::new))
    }

    /// A project as it was a short time ago at most.
    pub(super) async fn recent(
        &self,
        account: &Account,
        name: &str,
    ) -> Result<Option<Arc<Project>>, ApiError> {
        {
            let seen = self.seen(account);
            let mut seen = seen.lock().await;
            if let Some(list) = seen.list() {
                if let Some(Some(project)) = list.get(name) {
                    return Ok(Some(Arc::clone(project)));
                }
                // Perhaps made or changed since, or on a page that moved while the list was read.
            } else if seen.worth_listing(account).await? {
                let list = read_all(account).await?;
                let found = list.get(name).cloned().flatten();
                seen.list = Some((Instant::now(), list));
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        self.fresh(account, name).await
    }

    /// All projects of the account, as they were a short time ago at most.
    pub(super) async fn all(&self, account: &Account) -> Result<Vec<Arc<Project>>, ApiError> {
        let seen = self.seen(account);
        let mut seen = seen.lock().await;
        if seen.list().is_none() {
            seen.list = Some((Instant::now(), read_all(account).await?));
        }
        let Some((_, list)) = &mut seen.list else {
            return Ok(Vec::new());
        };
        let changed = list.iter().filter(|(_, project)| project.is_none());
        let changed: Vec<String> = changed.map(|(name, _)| name.clone()).collect();
        for name in changed {
            match self.fresh(account, &name).await? {
                Some(project) => list.insert(name, Some(project)),
                None => list.remove(&name),
            };
        }
        Ok(list.values().flatten().cloned().collect())
    }

    /// Notes that a project was changed and is to be read anew.
    pub(super) async fn forget(&self, account: &Account, name: &str) {
        let seen = self.seen(account);
        let mut seen = seen.lock().await;
        if let Some((_, list)) = &mut seen.list {
            list.insert(name.into(), None);
        }
    }

    fn seen(&self, account: &Account) -> Arc<Mutex<Seen>> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(accounts.entry(account.id.clone()).or_default())
    }
}

impl Seen {
    /// The list, while it is believed.
    fn list(&self) -> Option<&List> {
        let (read, list) = self.list.as_ref()?;
        (read.elapsed() < BELIEVED).then_some(list)
    }

    /// Counts a read, and says whether the list is to be read now instead.
    async fn worth_listing(&mut self, account: &Account) -> Result<bool, ApiError> {
        if self.since.is_none_or(|since| since.elapsed() >= BELIEVED) {
            (self.singles, self.since, self.pages) = (0, Some(Instant::now()), None);
        }
        self.singles += 1;
        if self.singles <= SINGLES {
            return Ok(false);
        }
        let pages = match self.pages {
            Some(pages) => pages,
            None => pages(account).await?,
        };
        self.pages = Some(pages);
        Ok(self.singles > pages / SHARE)
    }
}

/// How many pages the list has.
async fn pages(account: &Account) -> Result<usize, ApiError> {
    let path = account.path("pages/projects");
    let first = account.client.page::<Project>(&path, 1, PER_PAGE).await?;
    Ok(first.info.total_count.div_ceil(PER_PAGE))
}

/// Reads the whole list.
async fn read_all(account: &Account) -> Result<List, ApiError> {
    let path = account.path("pages/projects");
    let first = account.client.page::<Project>(&path, 1, PER_PAGE).await?;
    let pages = first.info.total_count.div_ceil(PER_PAGE);
    let rest: Vec<_> = stream::iter(2..=pages)
        .map(|page| account.client.page::<Project>(&path, page, PER_PAGE))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let rest = rest.into_iter().flat_map(|reply| reply.result);
    let all = first.result.into_iter().chain(rest);
    Ok(all
        .map(|project| (project.name.clone(), Some(Arc::new(project))))
        .collect())
}
