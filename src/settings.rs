//! What the operator has decided: built-in values, then a file, then the environment, then flags.

mod convergence;
mod notifications;
mod place;
mod status;
mod streams;
mod telemetry;

use crate::build::BuildsSettings;
use crate::edge::cloudflare::{self, AccountId, AccountSettings, CloudflareSettings};
use crate::edge::sandbox::Isolation;
use crate::edge::secret::{Credentials, SecretPlace};
use crate::hosting::cloudflare_pages::{self, PagesOptions};
use crate::model::{HostingProvider, Parse, SettingsName};
use crate::notify::Notifications;
use crate::plan::{Patterns, Policy};
use crate::schedule;
use crate::source::{Protocol, Protocols, Remote, SourcesSettings};
use crate::status::StatusSettings;
use crate::stream::SourceOptions;
use crate::telemetry::TelemetrySettings;
use convergence::{BreakerTable, DriftTable, RetryTable};
use notifications::NotificationTable;
use serde::Deserialize;
use status::StatusTable;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;
use streams::StreamsTable;
use telemetry::TelemetryTable;
use thiserror::Error;

/// Sites worked on at once when nothing else is said.
const JOBS: usize = 8;

/// How many sites may be worked on at once.
pub(crate) const JOBS_ALLOWED: RangeInclusive<usize> = 1..=1024;

/// The bytes of a MiB.
const MIB: u64 = 1 << 20;

/// Days that what is left of a site is kept after it was taken down.
const TOMBSTONE_DAYS: u16 = 30;

/// The settings of one run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file that was read, if there is one.
    pub file: Option<PathBuf>,
    /// Where the daemon keeps its state.
    pub state_dir: PathBuf,
    /// What is accepted.
    pub policy: Policy,
    /// How sources are built.
    pub builds: BuildsSettings,
    /// How repositories are fetched.
    pub sources: SourcesSettings,
    /// Where credentials are kept.
    pub credentials: Credentials,
    /// When sites are worked on, and how many at once.
    pub schedule: schedule::Options,
    /// Days that what is left of a site is kept after it was taken down.
    pub tombstone_days: u16,
    /// Who may send messages.
    pub streams: SourceOptions,
    /// Where the daemon can be looked at.
    pub status: Option<StatusSettings>,
    /// Where spans are exported to.
    pub telemetry: Option<TelemetrySettings>,
    /// Who is told what becomes of sites.
    pub notifications: Notifications,
    /// How Cloudflare is reached.
    pub cloudflare: CloudflareSettings,
    /// How Cloudflare Pages is worked with.
    pub pages: PagesOptions,
}

/// Settings that cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("settings {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key or a value is wrong.
    #[error("settings {}: {}", path.display(), error.to_string().trim_end())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where; told by the message itself, so not given as its source again.
        error: Box<toml::de::Error>,
    },
    /// A value is outside its limits.
    #[error("settings {}{}: {key}: {message}", path.display(), at_line(*line))]
    Value {
        /// The file.
        path: PathBuf,
        /// The line of the key, or of what it belongs to; `None` for one that the file does not have.
        line: Option<usize>,
        /// The key.
        key: String,
        /// What is wrong.
        message: String,
    },
    /// There is no place for the state.
    #[error("no state directory: neither $STATE_DIRECTORY, $XDG_STATE_HOME nor $HOME is set")]
    NoStateDirectory,
}

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

/// What the command line says over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The settings file.
    pub file: Option<PathBuf>,
    /// Where the daemon keeps its state.
    pub state_dir: Option<PathBuf>,
    /// Further directories below which sources may lie.
    pub source_roots: Vec<PathBuf>,
    /// Sites worked on at once.
    pub jobs: Option<usize>,
}

/// What stands for the file where there is none.
const NO_FILE: &str = "(none)";

/// The settings file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    state_dir: Option<PathBuf>,
    jobs: Option<usize>,
    policy: PolicyTable,
    sources: SourcesTable,
    builds: BuildsTable,
    streams: StreamsTable,
    status: StatusTable,
    telemetry: TelemetryTable,
    notifications: Vec<NotificationTable>,
    retry: RetryTable,
    breaker: BreakerTable,
    drift: DriftTable,
    local_static: LocalStaticTable,
    credentials: BTreeMap<String, CredentialTable>,
    cloudflare: CloudflareTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct PolicyTable {
    sites: Option<Vec<String>>,
    domains: Option<Vec<String>>,
    providers: Option<Vec<Provider>>,
    adopt: bool,
    max_removed_percent: Option<u8>,
    max_removed_dns_percent: Option<u8>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct SourcesTable {
    roots: Vec<PathBuf>,
    github: Option<String>,
    gitlab: Option<String>,
    protocols: Option<Vec<RepoProtocol>>,
    certificates: Option<PathBuf>,
    timeout_seconds: Option<u64>,
    cache_gib: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct BuildsTable {
    sandbox: Option<SandboxKind>,
    jobs: Option<usize>,
    memory_mib: Option<u64>,
    processes: Option<u64>,
    disk_mib: Option<u64>,
    scratch_mib: Option<u64>,
    cache_gib: Option<u64>,
    tools: Vec<PathBuf>,
    node: Vec<PathBuf>,
    hugo_package: Option<String>,
    npm_registry: Option<String>,
}

/// How programs of builds are kept from everything else.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SandboxKind {
    Bubblewrap,
    None,
}

/// A way that repositories may be reached.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RepoProtocol {
    Https,
    Http,
    Git,
    File,
}

impl From<RepoProtocol> for Protocol {
    fn from(protocol: RepoProtocol) -> Self {
        match protocol {
            RepoProtocol::Https => Self::Https,
            RepoProtocol::Http => Self::Http,
            RepoProtocol::Git => Self::Git,
            RepoProtocol::File => Self::File,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct LocalStaticTable {
    tombstone_days: Option<u16>,
}

/// Where a credential is kept: exactly one of the three.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct CredentialTable {
    file: Option<PathBuf>,
    systemd: Option<String>,
    env: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct CloudflareTable {
    api_base_url: Option<String>,
    requests_per_five_minutes: Option<u32>,
    driver: Driver,
    wrangler: Option<PathBuf>,
    deploy_wait_seconds: Option<u64>,
    domain_wait_seconds: Option<u64>,
    accounts: BTreeMap<String, AccountTable>,
}

/// An account at Cloudflare.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AccountTable {
    account_id: String,
    token: String,
    max_files: Option<usize>,
}

/// What uploads to Cloudflare Pages.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Driver {
    #[default]
    Native,
    Wrangler,
}

/// A hosting provider by the name the schema gives it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Provider {
    CloudflarePages,
    LocalStatic,
    S3Static,
    CriomosHost,
}

impl From<Provider> for HostingProvider {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::CloudflarePages => Self::CloudflarePages,
            Provider::LocalStatic => Self::LocalStatic,
            Provider::S3Static => Self::S3Static,
            Provider::CriomosHost => Self::CriomosHost,
        }
    }
}

impl Settings {
    /// The settings of this run.
    ///
    /// # Errors
    /// The file named by the command line or `$SPORE_SETTINGS` is missing, or a file has a key or a value
    /// that is not known.
    pub fn load(overrides: Overrides) -> Result<Self, SettingsError> {
        let (keys, file) = read(overrides.file)?;
        let mut policy = Policy {
            adopt: file.policy.adopt,
            ..Policy::default()
        };
        if let Some(sites) = file.policy.sites {
            policy.sites = Patterns::new(sites);
        }
        if let Some(domains) = file.policy.domains {
            policy.domains = Patterns::new(domains);
        }
        policy.providers = file
            .policy
            .providers
            .map(|providers| providers.into_iter().map(Into::into).collect());
        let per_cent = |key: &str, value: Option<u8>, default| match value {
            Some(percent) if percent > 100 => {
                Err(keys.wrong(key, format!("{percent} is not within 0 to 100")))
            }
            value => Ok(value.unwrap_or(default)),
        };
        policy.max_removed_percent = per_cent(
            "policy.max-removed-percent",
            file.policy.max_removed_percent,
            policy.max_removed_percent,
        )?;
        policy.max_removed_dns_percent = per_cent(
            "policy.max-removed-dns-percent",
            file.policy.max_removed_dns_percent,
            policy.max_removed_dns_percent,
        )?;
        let jobs = overrides.jobs.or(file.jobs).unwrap_or(JOBS);
        if !JOBS_ALLOWED.contains(&jobs) {
            return Err(keys.wrong("jobs", format!("{jobs} is not within 1 to 1024")));
        }
        let credentials = keys.credentials(file.credentials)?;
        let pages = keys.pages(&file.cloudflare)?;
        let state_dir = match overrides.state_dir.or(file.state_dir) {
            Some(folder) => folder,
            None => default_state_dir()?,
        };
        // Git and others are started in other folders than this one.
        let state_dir = std::path::absolute(&state_dir).unwrap_or(state_dir);
        Ok(Self {
            file: (keys.path != Path::new(NO_FILE)).then(|| keys.path.clone()),
            sources: keys.sources(&file.sources, &state_dir)?,
            builds: BuildsSettings {
                certificates: file.sources.certificates,
                roots: [file.sources.roots, overrides.source_roots].concat(),
                ..keys.builds(file.builds, &state_dir)?
            },
            streams: keys.streams(file.streams)?,
            status: keys.status(file.status, &credentials)?,
            telemetry: keys.telemetry(file.telemetry, &credentials)?,
            notifications: keys.notifications(file.notifications, credentials.clone())?,
            cloudflare: keys.cloudflare(file.cloudflare, credentials.clone())?,
            credentials,
            pages,
            state_dir,
            policy,
            schedule: keys.convergence(jobs, &file.retry, &file.breaker, &file.drift)?,
            tombstone_days: file.local_static.tombstone_days.unwrap_or(TOMBSTONE_DAYS),
        })
    }
}

/// Checks values of the file, naming it in errors.
struct Keys {
    path: PathBuf,
    /// What it says.
    text: String,
}

impl Keys {
    fn wrong(&self, key: impl Into<String>, message: impl Into<String>) -> SettingsError {
        let key = key.into();
        SettingsError::Value {
            path: self.path.clone(),
            line: place::line(&self.text, &key),
            key,
            message: message.into(),
        }
    }

    /// A name as messages use it.
    fn name(&self, key: &str, name: &str) -> Result<SettingsName, SettingsError> {
        SettingsName::parse(name).map_err(|defect| self.wrong(key, defect.message))
    }

    fn credentials(
        &self,
        tables: BTreeMap<String, CredentialTable>,
    ) -> Result<Credentials, SettingsError> {
        let mut places = BTreeMap::new();
        for (name, table) in tables {
            let key = format!("credentials.{name}");
            let place = match (table.file, table.systemd, table.env) {
                (Some(file), None, None) => SecretPlace::File(file),
                (None, Some(name), None) => SecretPlace::Systemd(name),
                (None, None, Some(name)) => SecretPlace::Environment(name),
                _ => return Err(self.wrong(key, "exactly one of file, systemd and env is needed")),
            };
            places.insert(self.name(&key, &name)?, place);
        }
        Ok(Credentials::new(places))
    }

    fn sources(
        &self,
        table: &SourcesTable,
        state_dir: &Path,
    ) -> Result<SourcesSettings, SettingsError> {
        let mut sources = SourcesSettings::new(state_dir.join("sources/cache"));
        for (key, text, remote) in [
            ("sources.github", &table.github, &mut sources.github),
            ("sources.gitlab", &table.gitlab, &mut sources.gitlab),
        ] {
            if let Some(text) = text {
                *remote =
                    Remote::parse(text).map_err(|error| self.wrong(key, error.to_string()))?;
            }
        }
        if let Some(protocols) = &table.protocols {
            let mut allowed = Protocols::HTTPS;
            for protocol in protocols {
                allowed = allowed.and((*protocol).into());
            }
            sources.protocols = allowed;
        }
        sources.certificates.clone_from(&table.certificates);
        match table.timeout_seconds {
            None => {}
            Some(seconds @ 1..=86_400) => sources.timeout = Duration::from_secs(seconds),
            Some(seconds) => {
                let message = format!("{seconds} is not within 1 to 86400");
                return Err(self.wrong("sources.timeout-seconds", message));
            }
        }
        if let Some(gib) = table.cache_gib {
            sources.limits.cache_bytes = gib.saturating_mul(1 << 30);
        }
        Ok(sources)
    }

    fn builds(
        &self,
        table: BuildsTable,
        state_dir: &Path,
    ) -> Result<BuildsSettings, SettingsError> {
        let mut builds = BuildsSettings::new(state_dir.join("builds"));
        if let Some(SandboxKind::None) = table.sandbox {
            builds.isolation = Isolation::None;
        }
        if let Some(jobs) = table.jobs {
            if !JOBS_ALLOWED.contains(&jobs) {
                return Err(self.wrong("builds.jobs", format!("{jobs} is not within 1 to 1024")));
            }
            builds.jobs = jobs;
        }
        let limits = &mut builds.limits;
        for (key, given, limit, unit) in [
            ("memory-mib", table.memory_mib, &mut limits.memory, MIB),
            ("processes", table.processes, &mut limits.processes, 1),
            ("disk-mib", table.disk_mib, &mut limits.disk, MIB),
            ("scratch-mib", table.scratch_mib, &mut limits.scratch, MIB),
        ] {
            match given {
                None => {}
                Some(0) => return Err(self.wrong(format!("builds.{key}"), "nothing runs with 0")),
                Some(number) => *limit = number.saturating_mul(unit),
            }
        }
        for (key, folders) in [("tools", &table.tools), ("node", &table.node)] {
            if let Some(folder) = folders.iter().find(|folder| !folder.is_absolute()) {
                let message = format!("{} is not an absolute path", folder.display());
                return Err(self.wrong(format!("builds.{key}"), message));
            }
        }
        if let Some(registry) = &table.npm_registry
            && !registry.starts_with("https://")
            && !is_loopback(registry)
        {
            let message = format!("{registry:?} is not an https address");
            return Err(self.wrong("builds.npm-registry", message));
        }
        if let Some(gib) = table.cache_gib {
            builds.cache_bytes = gib.saturating_mul(1 << 30);
        }
        builds.tools = table.tools;
        builds.node = table.node;
        builds.hugo_package = table.hugo_package;
        builds.registry = table.npm_registry;
        Ok(builds)
    }

    fn pages(&self, table: &CloudflareTable) -> Result<PagesOptions, SettingsError> {
        let mut pages = PagesOptions {
            driver: match table.driver {
                Driver::Native => cloudflare_pages::Driver::Native,
                Driver::Wrangler => cloudflare_pages::Driver::Wrangler,
            },
            wrangler: table.wrangler.clone(),
            ..PagesOptions::default()
        };
        for (key, seconds, wait) in [
            (
                "cloudflare.deploy-wait-seconds",
                table.deploy_wait_seconds,
                &mut pages.deploy_wait,
            ),
            (
                "cloudflare.domain-wait-seconds",
                table.domain_wait_seconds,
                &mut pages.domain_wait,
            ),
        ] {
            match seconds {
                None => {}
                Some(seconds @ 0..=86_400) => *wait = Duration::from_secs(seconds),
                Some(seconds) => {
                    return Err(self.wrong(key, format!("{seconds} is not within 0 to 86400")));
                }
            }
        }
        Ok(pages)
    }

    fn cloudflare(
        &self,
        table: CloudflareTable,
        credentials: Credentials,
    ) -> Result<CloudflareSettings, SettingsError> {
        let mut accounts = BTreeMap::new();
        for (name, account) in table.accounts {
            let key = format!("cloudflare.accounts.{name}");
            let id = AccountId::parse(&account.account_id).ok_or_else(|| {
                let message = "an account id has 32 hexadecimal digits";
                self.wrong(format!("{key}.account-id"), message)
            })?;
            let token = self.name(&format!("{key}.token"), &account.token)?;
            if !credentials.has(&token) {
                let message = format!("there is no [credentials.{token}]");
                return Err(self.wrong(format!("{key}.token"), message));
            }
            let max_files = account.max_files;
            let account = AccountSettings {
                id,
                token,
                max_files,
            };
            accounts.insert(self.name(&key, &name)?, account);
        }
        let requests = table
            .requests_per_five_minutes
            .unwrap_or(cloudflare::REQUESTS);
        if requests == 0 {
            let key = "cloudflare.requests-per-five-minutes";
            return Err(self.wrong(key, "0 would never send anything"));
        }
        let base_url = text_variable("CLOUDFLARE_API_BASE_URL")
            .or(table.api_base_url)
            .unwrap_or_else(|| cloudflare::BASE_URL.into());
        if !base_url.starts_with("https://") && !is_loopback(&base_url) {
            let message = format!("{base_url:?} would send tokens in the clear; use https");
            return Err(self.wrong("cloudflare.api-base-url", message));
        }
        Ok(CloudflareSettings {
            base_url: base_url.trim_end_matches('/').into(),
            default_account: text_variable("CLOUDFLARE_ACCOUNT_ID"),
            accounts,
            credentials,
            requests,
        })
    }
}

/// Whether an address leads to this machine, where plain HTTP harms nobody.
fn is_loopback(url: &str) -> bool {
    let host = url.strip_prefix("http://").unwrap_or_default();
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    !host.contains('@')
        && name.is_some_and(|name| {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        })
}

/// A text in the environment; an empty one counts as none.
fn text_variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The first settings file there is. One that was asked for must be there; the usual places may be empty.
fn read(asked: Option<PathBuf>) -> Result<(Keys, File), SettingsError> {
    if let Some(path) = asked.or_else(|| path_variable("SPORE_SETTINGS")) {
        let text = fs::read_to_string(&path).map_err(|source| SettingsError::Read {
            path: path.clone(),
            source,
        })?;
        return parse(path, text);
    }
    let home = path_variable("XDG_CONFIG_HOME")
        .or_else(|| path_variable("HOME").map(|home| home.join(".config")));
    let usual = home
        .map(|home| home.join("mycelia-spore/settings.toml"))
        .into_iter()
        .chain([PathBuf::from("/etc/mycelia-spore/settings.toml")]);
    for path in usual {
        match fs::read_to_string(&path) {
            Ok(text) => return parse(path, text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(SettingsError::Read { path, source }),
        }
    }
    let none = Keys {
        path: PathBuf::from(NO_FILE),
        text: String::new(),
    };
    Ok((none, File::default()))
}

fn parse(path: PathBuf, text: String) -> Result<(Keys, File), SettingsError> {
    match toml::from_str(&text) {
        Ok(file) => Ok((Keys { path, text }, file)),
        Err(error) => Err(SettingsError::Parse {
            path,
            error: Box::new(error),
        }),
    }
}

/// A path in the environment; an empty one counts as none.
fn path_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// `$STATE_DIRECTORY`, which systemd sets (its first folder, when it sets several), then the XDG state
/// directory.
fn default_state_dir() -> Result<PathBuf, SettingsError> {
    if let Some(folders) = path_variable("STATE_DIRECTORY") {
        let first = folders.to_string_lossy();
        let first = first.split(':').next().unwrap_or_default();
        return Ok(Path::new(first).to_path_buf());
    }
    path_variable("XDG_STATE_HOME")
        .or_else(|| path_variable("HOME").map(|home| home.join(".local/state")))
        .map(|folder| folder.join("mycelia-spore"))
        .ok_or(SettingsError::NoStateDirectory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{Kind, Receiver};

    /// Reads settings. Of an error the folder and the line are left out.
    fn load(text: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        fs::write(&path, text).unwrap();
        Settings::load(Overrides {
            file: Some(path),
            state_dir: Some("/nowhere".into()),
            ..Overrides::default()
        })
        .map_err(|mut error| {
            if let SettingsError::Value { line, .. } = &mut error {
                *line = None;
            }
            error
                .to_string()
                .replace(folder.path().to_str().unwrap(), "")
        })
    }

    #[test]
    fn a_file_sets_what_it_names_and_flags_go_over_it() {
        let settings = load(
            "jobs = 3\n[policy]\ndomains = [\"*.example\"]\nproviders = [\"localStatic\"]\n\
             max-removed-percent = 40\nmax-removed-dns-percent = 50\n[sources]\nroots = [\"/srv/src\"]\n",
        )
        .unwrap();
        assert_eq!(settings.schedule.bounds.jobs, 3);
        assert_eq!(settings.builds.roots, [PathBuf::from("/srv/src")]);
        assert_eq!(settings.policy.max_removed_percent, 40);
        assert_eq!(settings.policy.max_removed_dns_percent, 50);
        assert!(settings.policy.domains.accept("a.example"));
        assert!(!settings.policy.domains.accept("a.test"));
        assert_eq!(settings.state_dir, PathBuf::from("/nowhere"));
    }

    #[test]
    fn credentials_and_accounts_are_taken_together() {
        let settings = load(
            "[credentials.farm]\nfile = \"/run/farm\"\n[credentials.key]\nsystemd = \"key\"\n\
             [cloudflare]\napi-base-url = \"http://127.0.0.1:9/client/v4/\"\ndriver = \"wrangler\"\n\
             domain-wait-seconds = 5\n[cloudflare.accounts.default]\n\
             account-id = \"023e105f4ecef8ad9ca31a8372d0c353\"\ntoken = \"farm\"\nmax-files = 100000\n",
        )
        .unwrap();
        assert_eq!(settings.cloudflare.base_url, "http://127.0.0.1:9/client/v4");
        assert_eq!(settings.pages.driver, cloudflare_pages::Driver::Wrangler);
        assert_eq!(settings.pages.domain_wait, Duration::from_secs(5));
        let (name, account) = settings.cloudflare.accounts.iter().next().unwrap();
        assert_eq!(
            (name.as_str(), account.max_files),
            ("default", Some(100_000))
        );
        assert!(settings.cloudflare.credentials.has(&account.token));
    }

    #[test]
    fn credentials_and_accounts_that_make_no_sense_are_named() {
        let account = |id: &str, token: &str| {
            format!("[cloudflare.accounts.farm]\naccount-id = {id:?}\ntoken = {token:?}\n")
        };
        let id = "023e105f4ecef8ad9ca31a8372d0c353";
        for (text, expected) in [
            (
                "[credentials.farm]\n".to_owned(),
                "credentials.farm: exactly one of file, systemd and env is needed",
            ),
            (
                "[credentials.farm]\nfile = \"/a\"\nenv = \"A\"\n".into(),
                "credentials.farm: exactly one of file, systemd and env is needed",
            ),
            (
                account(id, "farm"),
                "cloudflare.accounts.farm.token: there is no [credentials.farm]",
            ),
            (
                account("farm", "farm"),
                "cloudflare.accounts.farm.account-id: an account id has 32 hexadecimal digits",
            ),
            (
                "[cloudflare]\nrequests-per-five-minutes = 0\n".into(),
                "cloudflare.requests-per-five-minutes: 0 would never send anything",
            ),
            (
                "[cloudflare]\napi-base-url = \"http://api.example/v4\"\n".into(),
                "cloudflare.api-base-url: \"http://api.example/v4\" would send tokens in the clear; use https",
            ),
            (
                "[cloudflare]\ndomain-wait-seconds = 86401\n".into(),
                "cloudflare.domain-wait-seconds: 86401 is not within 0 to 86400",
            ),
        ] {
            let error = load(&text).unwrap_err();
            assert_eq!(error, format!("settings /settings.toml: {expected}"));
        }
        for (url, loopback) in [
            ("http://127.0.0.1:80/x", true),
            ("http://[::1]:80", true),
            ("http://localhost", true),
            ("http://localhost.example", false),
            ("http://127.0.0.1@api.example/", false),
            ("ftp://localhost", false),
        ] {
            assert_eq!(is_loopback(url), loopback, "{url}");
        }
    }

    #[test]
    fn how_the_daemon_keeps_at_it_is_read_and_checked() {
        let text = "[retry]\nattempts = 3\nfirst-seconds = 2\nmax-seconds = 60\n\
                    [breaker]\nfailures = 9\nopen-seconds = 30\n\
                    [drift]\nmode = \"report\"\ninterval-seconds = 900\njitter-percent = 5\n";
        let options = load(text).unwrap().schedule;
        assert_eq!((options.retry.attempts, options.breaker.failures), (3, 9));
        assert_eq!(options.retry.first, Duration::from_secs(2));
        assert_eq!(options.retry.max, Duration::from_secs(60));
        assert_eq!(options.breaker.open_for, Duration::from_secs(30));
        assert_eq!(options.drift.mode, schedule::DriftMode::Report);
        assert_eq!(options.drift.interval, Duration::from_secs(900));
        assert_eq!(options.drift.jitter, 5);
        for (text, expected) in [
            (
                "[retry]\nattempts = 0\n",
                "retry.attempts: 0 is not within 1 to 1000",
            ),
            (
                "[drift]\ninterval-seconds = 0\n",
                "drift.interval-seconds: 0 is not within 1 to 2678400",
            ),
            (
                "[drift]\njitter-percent = 101\n",
                "drift.jitter-percent: 101 is not within 0 to 100",
            ),
            (
                "[breaker]\nopen-seconds = 0\n",
                "breaker.open-seconds: 0 is not within 1 to 2678400",
            ),
        ] {
            let error = load(text).unwrap_err();
            assert_eq!(error, format!("settings /settings.toml: {expected}"));
        }
    }

    #[test]
    fn who_may_send_is_read_and_checked() {
        let text = "[streams]\nsocket-mode = \"0660\"\n\
                    [[streams.access]]\ngid = 100\nsites = [\"blog-*\"]\n";
        let streams = load(text).unwrap().streams;
        assert_eq!(streams.socket_mode, 0o660);
        let (site, peer) = (crate::model::SiteId::parse("blog-a").unwrap(), |gid| {
            crate::stream::Peer {
                uid: 1,
                gid,
                pid: None,
            }
        });
        assert!(streams.access.allows(peer(100), &site));
        assert!(!streams.access.allows(peer(1), &site));
        assert_eq!(load("").unwrap().streams, SourceOptions::default());
        for mode in ["", "66", "0999", "01777", "+660", "rw-"] {
            let error = load(&format!("[streams]\nsocket-mode = {mode:?}\n")).unwrap_err();
            let expected = format!("{mode:?} is no mode of a file such as \"0660\"");
            assert_eq!(
                error,
                format!("settings /settings.toml: streams.socket-mode: {expected}")
            );
        }
        for who in ["", "uid = 1\ngid = 1\n"] {
            let error = load(&format!("[[streams.access]]\nsites = []\n{who}")).unwrap_err();
            let expected = "streams.access: exactly one of uid and gid is needed";
            assert_eq!(error, format!("settings /settings.toml: {expected}"));
        }
    }

    #[test]
    fn notifications_are_read_and_checked() {
        let key = "[credentials.hook]\nenv = \"HOOK\"\n";
        let text = format!(
            "{key}[[notifications]]\nname = \"chat\"\nwebhook = \"https://chat.example/x\"\nsecret = \"hook\"\n\
             on = [\"failure\", \"approval\"]\nsites = [\"docs-*\"]\n\
             [[notifications]]\nname = \"mail\"\ncommand = [\"/bin/mail\", \"-s\"]\n"
        );
        let settings = load(&text).unwrap().notifications;
        let [chat, mail] = &settings.list[..] else {
            panic!("{settings:?}")
        };
        assert_eq!(chat.on, [Kind::Failure, Kind::Approval]);
        assert!(chat.sites.accept("docs-a") && !chat.sites.accept("blog"));
        assert!(
            matches!(&chat.receiver, Receiver::Webhook { secret, .. } if settings.credentials.has(secret))
        );
        assert_eq!(mail.on, Kind::ALL);
        assert!(matches!(&mail.receiver, Receiver::Program { args, .. } if args == &["-s"]));
        let one = "[[notifications]]\nname = \"a\"\n";
        let web = |url: &str| format!("{one}webhook = {url:?}\nsecret = \"hook\"\n");
        let either = "notifications.a: either webhook with secret, or command is needed";
        for (text, expected) in [
            (one.to_owned(), either),
            (format!("{one}webhook = \"https://a.example\"\n"), either),
            (
                format!("{one}command = [\"/a\"]\nsecret = \"hook\"\n"),
                either,
            ),
            (
                web("http://a.example/secret-path"),
                "notifications.a.webhook: it would be sent in the clear; use https",
            ),
            (
                web("https://a.example"),
                "notifications.a.secret: there is no [credentials.hook]",
            ),
            (
                format!("{one}command = [\"mail\"]\n"),
                "notifications.a.command: \"mail\" is not the absolute path of a program",
            ),
            (
                format!("{one}command = [\"/a\"]\n{one}command = [\"/b\"]\n"),
                "notifications.name: there are two of the name a",
            ),
        ] {
            let error = load(&text).unwrap_err();
            assert_eq!(error, format!("settings /settings.toml: {expected}"));
        }
        load(&format!("{key}{}", web("http://127.0.0.1:8080/x"))).unwrap();
    }

    #[test]
    fn unknown_keys_and_values_are_named_with_their_line() {
        insta::assert_snapshot!(load("[policy]\ndomain = []\n").unwrap_err(), @"
        settings /settings.toml: TOML parse error at line 2, column 1
          |
        2 | domain = []
          | ^^^^^^
        unknown field `domain`, expected one of `sites`, `domains`, `providers`, `adopt`, `max-removed-percent`, `max-removed-dns-percent`
        ");
        insta::assert_snapshot!(load("[policy]\nproviders = [\"s3\"]\n").unwrap_err(), @r#"
        settings /settings.toml: TOML parse error at line 2, column 14
          |
        2 | providers = ["s3"]
          |              ^^^^
        unknown variant `s3`, expected one of `cloudflarePages`, `localStatic`, `s3Static`, `criomosHost`
        "#);
        insta::assert_snapshot!(load("jobs = 0\n").unwrap_err(), @"settings /settings.toml: jobs: 0 is not within 1 to 1024");
        insta::assert_snapshot!(load("[policy]\nmax-removed-percent = 101\n").unwrap_err(), @"settings /settings.toml: policy.max-removed-percent: 101 is not within 0 to 100");
        insta::assert_snapshot!(load("[policy]\nmax-removed-dns-percent = 101\n").unwrap_err(), @"settings /settings.toml: policy.max-removed-dns-percent: 101 is not within 0 to 100");
    }
}
