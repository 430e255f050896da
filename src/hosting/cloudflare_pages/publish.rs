//! Releasing: files first, then the deployment that names them, then waiting until visitors see it.

use super::assets::{self, Assets};
use super::mark::{ProjectMark, ReleaseMark};
use super::observe::{deployments, urls};
use super::upload::{Sent, upload};
use super::wire::{Deployment, Log, Progress, Project};
use super::{CloudflarePages, Driver, blocking, functions, rules};
use crate::artifact::Artifact;
use crate::desired::{DesiredHosting, HostingKey};
use crate::edge::cloudflare::{Account, ApiError, codes};
use crate::edge::http::Part;
use crate::edge::{EdgeError, EdgeErrorKind};
use crate::hosting::Applied;
use crate::model::{DomainName, Parse};
use crate::plan::Publish;
use crate::words::{bytes, count};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Attempts to make a deployment whose calls were lost; each is preceded by a look.
const ATTEMPTS: usize = 3;

/// The last lines of a failed deployment's log that an error shows.
const LOG_LINES: usize = 40;

/// The first pause between two looks at a deployment, and the longest; each is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A deployment to be made.
struct Release<'a> {
    account: &'a Account,
    hosting: &'a DesiredHosting,
    project: &'a Project,
    mark: ReleaseMark,
}

impl CloudflarePages {
    /// Publishes an artifact, unless that is done or under way.
    pub(super) async fn publish(&self, publish: &Publish) -> Result<Applied, EdgeError> {
        let (hosting, artifact) = (&publish.hosting, &publish.artifact);
        let (_, account) = self.account(hosting)?;
        let name = hosting.key.project.as_str();
        let project = self.own_project(&account, &hosting.key).await?;
        let release = Release {
            account: &account,
            hosting,
            project: &project,
            mark: ReleaseMark::of(artifact.digest(), artifact.files().len(), hosting),
        };
        let started = match release.underway() {
            Some(deployment) => (deployment, String::from("was under way")),
            None => match self.options.driver {
                Driver::Native => self.deploy(&release, artifact).await?,
                Driver::Wrangler => {
                    functions::deploy(self, &account, &project, publish, &release.mark)
                        .await
                        .map(|deployment| (deployment, "by wrangler".into()))?
                }
            },
        };
        let (deployment, how) = started;
        let deployment = self.finished(&account, name, deployment).await?;
        self.projects.forget(&account, name).await;
        let files = count(artifact.files().len(), "file");
        let size = bytes(artifact.size());
        Ok(applied(
            &project,
            hosting,
            &deployment,
            format!("{files}, {size}; {how}"),
        ))
    }

    /// Has Cloudflare build the branch of the connected repository.
    pub(super) async fn build(&self, hosting: &DesiredHosting) -> Result<Applied, EdgeError> {
        let (_, account) = self.account(hosting)?;
        let name = hosting.key.project.as_str();
        let project = self.own_project(&account, &hosting.key).await?;
        let branch = branch(hosting, &project);
        let path = account.path(&format!("pages/projects/{name}/deployments"));
        let form = vec![Part::text("branch", branch)];
        let deployment: Deployment = match account.client.form(&path, form).await {
            Ok(deployment) => deployment,
            Err(error) if error.is_ambiguous() => newest(&account, &project)
                .await?
                .ok_or_else(|| EdgeError::from(error))?,
            Err(error) => return Err(error.into()),
        };
        let deployment = self.finished(&account, name, deployment).await?;
        self.projects.forget(&account, name).await;
        Ok(applied(
            &project,
            hosting,
            &deployment,
            "built by Cloudflare",
        ))
    }

    /// The project as it is now, which must be the site's.
    pub(super) async fn own_project(
        &self,
        account: &Account,
        key: &HostingKey,
    ) -> Result<Arc<Project>, EdgeError> {
        let name = key.project.as_str();
        let project = self.projects.fresh(account, name).await?;
        let project =
            project.ok_or_else(|| EdgeError::rejected(format!("there is no project {name}")))?;
        match ProjectMark::read(&project) {
            Some(mark) if mark.site == key.site.as_str() => Ok(project),
            _ => Err(EdgeError::new(
                EdgeErrorKind::Conflict,
                format!("project {name} is not marked as that of site {}", key.site),
            )),
        }
    }

    /// Sends the files and makes the deployment.
    async fn deploy(
        &self,
        release: &Release<'_>,
        artifact: &Arc<Artifact>,
    ) -> Result<(Deployment, String), EdgeError> {
        let (account, hosting) = (release.account, release.hosting);
        let assets = blocking({
            let (artifact, rules) = (Arc::clone(artifact), hosting.rules.clone());
            move || Assets::of(&artifact, &rules)
        })
        .await?;
        let assets = Arc::new(assets);
        let mut parts = steering(artifact, hosting)?;
        parts.extend(functions::bundle(self, artifact, hosting, release.project).await?);
        let told = |files, bytes| self.telling.upload(&hosting.key.site, files, bytes);
        let Sent { files, bytes: size } =
            upload(account, &release.project.name, &assets, &told).await?;
        let manifest = serde_json::to_string(
            &assets
                .manifest
                .iter()
                .map(|(path, hash)| (path, *hash))
                .collect::<std::collections::BTreeMap<_, _>>(),
        )
        .map_err(|error| EdgeError::rejected("the manifest cannot be written").source(error))?;
        parts.push(Part::text("manifest", manifest));
        let deployment = release.make(parts).await?;
        let sent = match files {
            0 => "nothing to send".into(),
            files => format!("sent {}, {}", count(files, "file"), bytes(size)),
        };
        Ok((deployment, sent))
    }

    /// Follows a deployment to its end.
    async fn finished(
        &self,
        account: &Account,
        project: &str,
        mut deployment: Deployment,
    ) -> Result<Deployment, EdgeError> {
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let path = account.path(&format!(
            "pages/projects/{project}/deployments/{}",
            deployment.id
        ));
        loop {
            match deployment.progress() {
                Progress::Done => return Ok(deployment),
                Progress::Failed => return Err(failed(account, &path, &deployment).await),
                Progress::Underway => {}
            }
            if started.elapsed() > self.options.deploy_wait {
                return Err(EdgeError::new(
                    EdgeErrorKind::Transient { retry_after: None },
                    format!(
                        "deployment {} is not done after {} s: {} is {}",
                        deployment.id,
                        self.options.deploy_wait.as_secs(),
                        deployment.latest_stage.name,
                        deployment.latest_stage.status
                    ),
                )
                .hint("the next attempt follows it further; cloudflare.deploy-wait-seconds waits longer"));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            deployment = account.client.get(&path).await?;
        }
    }
}

/// What became of a release.
fn applied(
    project: &Project,
    hosting: &DesiredHosting,
    deployment: &Deployment,
    detail: impl Into<String>,
) -> Applied {
    Applied {
        release: Some(deployment.release()),
        detail: detail.into(),
        target: DomainName::parse(&project.subdomain).ok(),
        urls: if hosting.branches.preview.is_some() {
            urls(deployment)
        } else {
            vec![format!("https://{}/", project.subdomain)]
        },
    }
}

/// The branch that is published.
pub(super) fn branch(hosting: &DesiredHosting, project: &Project) -> String {
    let branches = &hosting.branches;
    match branches.preview.as_ref().or(branches.production.as_ref()) {
        Some(branch) => branch.to_string(),
        None => project.production_branch.clone(),
    }
}

/// The newest deployment of a connected repository.
async fn newest(account: &Account, project: &Project) -> Result<Option<Deployment>, ApiError> {
    let known = project.latest.as_ref().map(|latest| latest.id.as_str());
    let found = deployments(account, &project.name, 1).await?;
    Ok(found
        .into_iter()
        .next()
        .filter(|it| Some(it.id.as_str()) != known))
}

impl Release<'_> {
    /// The same release, if an earlier attempt made it and it is live or on its way.
    fn underway(&self) -> Option<Deployment> {
        let preview = self.hosting.branches.preview.as_ref();
        let wanted = |deployment: &&Deployment| {
            let branch = &deployment.trigger.metadata.branch;
            let same_branch = match preview {
                None => deployment.is_production(),
                Some(preview) => branch == preview.as_str(),
            };
            same_branch
                && deployment.progress() != Progress::Failed
                && ReleaseMark::read(deployment).is_some_and(|mark| mark.is_same(&self.mark))
        };
        let latest = self.project.latest.as_ref();
        let newest = match preview {
            Some(_) => latest,
            // What is on its way replaces what is live. The newest that is done and is not live was gone back
            // from.
            None => latest
                .filter(|latest| latest.progress() == Progress::Underway)
                .or(self.project.canonical.as_ref()),
        };
        newest.filter(wanted).cloned()
    }

    /// Makes the deployment. When the answer is lost, it is looked for before it is asked for again.
    async fn make(&self, parts: Vec<Part>) -> Result<Deployment, EdgeError> {
        let name = &self.project.name;
        let attempt = format!("{:016x}", fastrand::u64(..));
        let message = self.mark.message(&self.hosting.key.site, &attempt);
        let mut form = vec![
            Part::text("branch", branch(self.hosting, self.project)),
            Part::text("commit_message", message),
            Part::text("commit_hash", self.mark.commit()),
            Part::text("commit_dirty", "false"),
        ];
        form.extend(parts);
        let path = self
            .account
            .path(&format!("pages/projects/{name}/deployments"));
        let mut tries = 1;
        loop {
            let error = match self.account.client.form(&path, form.clone()).await {
                Ok(deployment) => return Ok(deployment),
                Err(error) => error,
            };
            if !error.is_ambiguous() && !error.has(codes::PAGES_UNKNOWN) {
                return Err(error.into());
            }
            let made = deployments(self.account, name, 1).await?;
            let ours = made.into_iter().find(|deployment| {
                let message = &deployment.trigger.metadata.commit_message;
                message.ends_with(&attempt)
            });
            match ours {
                Some(deployment) => return Ok(deployment),
                None if tries == ATTEMPTS => return Err(error.into()),
                None => tries += 1,
            }
        }
    }
}

/// `_headers`, `_redirects` and `_routes.json`.
fn steering(artifact: &Artifact, hosting: &DesiredHosting) -> Result<Vec<Part>, EdgeError> {
    let own = |path| assets::text(artifact, path);
    let files = [
        (
            "_headers",
            rules::headers(&hosting.rules, &own("_headers")?)?,
        ),
        (
            "_redirects",
            rules::redirects(&hosting.rules, &own("_redirects")?)?,
        ),
    ];
    Ok(files
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| Part::file(name, name, text.into_bytes()))
        .collect())
}

/// The error of a deployment that failed, with the end of its log.
async fn failed(account: &Account, path: &str, deployment: &Deployment) -> EdgeError {
    let stage = &deployment.latest_stage;
    let mut text = format!("deployment {} failed: ", deployment.id);
    if deployment.is_skipped {
        let _ = write!(text, "it was passed over ({})", deployment.skip_reason);
    } else {
        let _ = write!(text, "{} is {}", stage.name, stage.status);
    }
    match account
        .client
        .get::<Log>(&format!("{path}/history/logs"))
        .await
    {
        Ok(log) => {
            let from = log.data.len().saturating_sub(LOG_LINES);
            for line in &log.data[from..] {
                let _ = write!(text, "\n  {}", line.line);
            }
        }
        Err(error) => {
            let _ = write!(text, "; its log cannot be read: {error}");
        }
    }
    EdgeError::rejected(text)
}
