//! What a message asks for, normalised: defaults filled in, fields checked against each other.

mod connected;
mod dns;

pub use dns::{DesiredDns, dns_service};

use crate::model::{
    AbsolutePath, AliasPolicy, Build, BuildType, CfFramework, DnsProvider, Domains, Ensure, Fault,
    Faults, Hosting, HostingProvider, HostingSettings, Label, OutputDir, ProjectName,
    PurchaseConfig, RefName, RelativePath, Repo, RepoPlace, SettingsName, Site, SiteId, SiteKind,
    Slug, SporeConfig, TlsMode, Treelink, VariableValue,
};
use crate::model::{DomainName, Parse};
use crate::records::DeclaredSet;
use crate::release::{Digest, HeaderRule, RedirectRule};
use std::collections::BTreeMap;
use std::fmt;

/// One website as it should be.
#[derive(Clone, Debug)]
pub struct DesiredSite {
    /// The site.
    pub id: SiteId,
    /// Whether it should exist.
    pub ensure: Ensure,
    /// Whether deletion protection is to be turned on.
    pub protect: bool,
    /// The operator's marks.
    pub labels: Vec<Label>,
    /// How its files come to be; `None` for a site that should not exist.
    pub recipe: Option<Recipe>,
    /// Where and how it is published.
    pub hosting: DesiredHosting,
    /// DNS records to keep.
    pub dns: Option<DesiredDns>,
    /// A domain to register.
    pub purchase: Option<PurchaseConfig>,
}

/// How a site's files come to be.
#[derive(Clone, Debug)]
pub enum Recipe {
    /// They lie in a directory of this machine.
    Prebuilt(Directory),
    /// The page is rendered from the message.
    Treelink(Box<TreelinkRecipe>),
    /// A build of a source; the parts this daemon does not know how to do yet are told by name when it is
    /// asked to.
    Source(Box<SourceBuild>),
}

/// A directory of this machine.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The directory the message names.
    pub base: AbsolutePath,
    /// The parts below it, outermost first.
    pub below: Vec<RelativePath>,
}

/// What a page of links is rendered from.
#[derive(Clone, Debug)]
pub struct TreelinkRecipe {
    /// Its content.
    pub content: Treelink,
    /// The site's title, or its id.
    pub title: String,
    /// The site's description; may be empty.
    pub description: String,
    /// The language of the text.
    pub language: String,
    /// The page's address without a final slash.
    pub base_url: String,
}

/// A build of a source.
#[derive(Clone, Debug)]
pub struct SourceBuild {
    /// Where the source comes from.
    pub repo: Option<Repo>,
    /// How it is built.
    pub build: Build,
}

/// Which website at which backend.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostingKey {
    /// The site: the owner.
    pub site: SiteId,
    /// Its name at the backend.
    pub project: ProjectName,
}

/// How a site is published.
#[derive(Clone, Debug)]
pub struct DesiredHosting {
    /// Which website.
    pub key: HostingKey,
    /// The backend and its settings.
    pub settings: HostingSettings,
    /// The names visitors use.
    pub names: Names,
    /// Who looks after certificates.
    pub tls: TlsMode,
    /// How requests are answered beyond the files themselves.
    pub rules: Rules,
    /// Branches, and what of them the message decides.
    pub branches: Branches,
    /// The repository that the provider builds from by itself; `None` where the files come from here.
    pub connected: Option<Box<Connected>>,
    /// Settings of the project at the provider that the message declares, by the provider's own names for
    /// them. The backend's [`canonical`](crate::hosting::HostingBackend::canonical) form fills them in.
    pub properties: Properties,
}

/// How the account at the provider of these settings is called; `None` where no service is asked.
#[must_use]
pub fn service(settings: &HostingSettings) -> Option<String> {
    match settings {
        HostingSettings::CloudflarePages(pages) => {
            let account = pages
                .account
                .as_ref()
                .map_or("default", SettingsName::as_str);
            Some(format!("cloudflare/{account}"))
        }
        HostingSettings::LocalStatic(_)
        | HostingSettings::S3Static(_)
        | HostingSettings::CriomosHost(_) => None,
    }
}

/// Which branch is being published, and which one visitors see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branches {
    /// The branch whose releases visitors see; `None` when the message leaves it open.
    pub production: Option<RefName>,
    /// The branch of a release that is only a preview; `None` for the one visitors see.
    pub preview: Option<RefName>,
}

/// A repository that the provider fetches and builds by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Where it is: `github` or `gitlab`.
    pub service: &'static str,
    /// OWNER/NAME there.
    pub slug: Slug,
    /// The command that builds it; `None` when the message leaves it open.
    pub command: Option<String>,
    /// Where the build leaves its files, relative to the part that is the website; `None` when open.
    pub output: Option<String>,
    /// The part of it that is the website; empty for the whole.
    pub root: String,
}

/// Settings of a project by name.
pub type Properties = BTreeMap<String, Property>;

/// The value of a project's setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    /// A value that anybody may see.
    Plain(String),
    /// A value that is not shown: its digest, under a key of its own for each site and name.
    Secret(Digest),
    /// A value that is there and that the provider does not give out.
    Hidden,
}

impl DesiredSite {
    /// The accounts at providers that are needed for the site, as they are called in errors.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let hosting = self.hosting.service();
        let dns = self.dns.as_ref();
        let dns = dns.and_then(|dns| {
            let credential = dns.credential.as_ref();
            dns_service(dns.provider, credential, self.hosting.account())
        });
        let dns = dns.filter(|dns| Some(dns) != hosting.as_ref());
        hosting.into_iter().chain(dns).collect()
    }
}

impl DesiredHosting {
    /// A website of which nothing is asked.
    #[must_use]
    pub fn bare(key: HostingKey, settings: HostingSettings) -> Self {
        Self {
            key,
            settings,
            names: Names::default(),
            tls: TlsMode::Provider,
            rules: Rules::default(),
            branches: Branches::default(),
            connected: None,
            properties: Properties::new(),
        }
    }

    /// The account at the provider that the message names.
    #[must_use]
    pub const fn account(&self) -> Option<&SettingsName> {
        match &self.settings {
            HostingSettings::CloudflarePages(pages) => pages.account.as_ref(),
            HostingSettings::LocalStatic(_)
            | HostingSettings::S3Static(_)
            | HostingSettings::CriomosHost(_) => None,
        }
    }

    /// How the account at the provider is called that the website is published with; `None` where no service is
    /// asked.
    #[must_use]
    pub fn service(&self) -> Option<String> {
        service(&self.settings)
    }

    /// The names that must lead to the project by records of their own.
    pub fn names_led(&self) -> impl Iterator<Item = &DomainName> {
        let led = match self.provider() {
            HostingProvider::CloudflarePages => self.branches.preview.is_none(),
            HostingProvider::LocalStatic
            | HostingProvider::S3Static
            | HostingProvider::CriomosHost => false,
        };
        self.names.all().filter(move |_| led)
    }

    /// The backend.
    #[must_use]
    pub const fn provider(&self) -> HostingProvider {
        self.settings.provider()
    }
}

/// The names visitors use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The website's address; `None` when the message declares none.
    pub primary: Option<DomainName>,
    /// Further names.
    pub aliases: Vec<DomainName>,
    /// Whether visitors of an alias are redirected to the primary name.
    pub redirect_aliases: bool,
}

impl Names {
    /// All names, the primary first.
    pub fn all(&self) -> impl Iterator<Item = &DomainName> {
        self.primary.iter().chain(&self.aliases)
    }
}

impl fmt::Display for Names {
    /// All names, the primary first, with commas between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.all().map(DomainName::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

/// How requests are answered beyond the files themselves, as the message declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Response headers by path.
    pub headers: Vec<HeaderRule>,
    /// Redirects by path.
    pub redirects: Vec<RedirectRule>,
    /// The file for paths that do not exist.
    pub error_document: Option<String>,
    /// Whether such paths get `index.html` instead.
    pub single_page_fallback: bool,
}

impl Rules {
    /// A digest that changes with the rules and with the form in which releases are kept.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut parts = Parts(blake3::Hasher::new_derive_key(
            "mycelia-spore 2026 site rules v1",
        ));
        parts.number(u64::from(crate::release::FORMAT));
        parts.count(self.headers.len());
        for rule in &self.headers {
            parts.text(&rule.path);
            parts.count(rule.set.len());
            for (name, value) in &rule.set {
                parts.text(name);
                parts.text(value);
            }
            parts.count(rule.unset.len());
            rule.unset.iter().for_each(|name| parts.text(name));
        }
        parts.count(self.redirects.len());
        for rule in &self.redirects {
            parts.text(&rule.from);
            parts.text(&rule.to);
            parts.number(u64::from(rule.status));
        }
        parts.count(self.error_document.iter().len());
        self.error_document.iter().for_each(|path| parts.text(path));
        parts.number(u64::from(self.single_page_fallback));
        parts.0.finalize().into()
    }
}

/// Hashes values so that no two sequences of them look alike: each list and text is preceded by its length.
struct Parts(blake3::Hasher);

impl Parts {
    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }
}

impl DesiredSite {
    /// The record sets to keep: those of the message, and those that lead the site's names to its project where
    /// the provider gives the project a name of its own.
    #[must_use]
    pub fn record_sets(&self) -> Vec<DeclaredSet> {
        let declared = self.dns.iter().flat_map(|dns| dns.sets.iter().cloned());
        let proxied = self
            .dns
            .as_ref()
            .is_some_and(|dns| dns.provider == DnsProvider::Cloudflare);
        let leading = self
            .hosting
            .names_led()
            .map(|name| DeclaredSet::leading(name, proxied));
        declared.chain(leading).collect()
    }

    /// Normalises a configuration and checks its sections against each other.
    ///
    /// # Errors
    /// All contradictions found.
    pub fn from_config(config: &SporeConfig) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        // Of a site that should be absent, only its id and its hosting matter.
        let present = config.ensure != Ensure::Absent;
        let domains = config.domains.as_ref().filter(|_| present);
        let names = names(domains);
        let tls = domains.map_or(TlsMode::Provider, |domains| domains.tls);
        let connected = present
            .then(|| connected::repository(config, &mut faults))
            .flatten()
            .map(Box::new);
        let recipe = match config.ensure {
            Ensure::Present | Ensure::Paused if !connected::wanted(config) => {
                recipe(config, &names, &mut faults)
            }
            Ensure::Present | Ensure::Paused | Ensure::Absent => None,
        };
        let dns = dns(config, present, &mut faults);
        if let Some(faults) = Faults::of(faults) {
            return Err(faults);
        }
        Ok(Self {
            id: config.site.id.clone(),
            ensure: config.ensure,
            protect: config.protect,
            labels: config.labels.clone(),
            recipe,
            hosting: DesiredHosting {
                key: HostingKey {
                    site: config.site.id.clone(),
                    project: project(&config.site, &config.hosting),
                },
                settings: config.hosting.settings.clone(),
                names,
                tls,
                rules: rules(&config.hosting),
                branches: branches(config),
                connected,
                properties: Properties::new(),
            },
            dns,
            purchase: config.purchase.clone(),
        })
    }
}

/// The DNS section. A site that should be absent keeps no records, so nothing is wrong with them.
fn dns(config: &SporeConfig, present: bool, faults: &mut Vec<Fault>) -> Option<DesiredDns> {
    let mut found = Vec::new();
    let dns = DesiredDns::from_config(config.dns.as_ref()?, config.domains.as_ref(), &mut found);
    if present {
        faults.append(&mut found);
    }
    Some(dns)
}

/// The project's name: the message's, or the site's id, which has the same syntax.
fn project(site: &Site, hosting: &Hosting) -> ProjectName {
    hosting
        .project_name
        .clone()
        .unwrap_or_else(|| ProjectName::of_site(&site.id))
}

/// The branches, as far as the message tells. A repository's own branch is the one visitors see unless the
/// message names another.
fn branches(config: &SporeConfig) -> Branches {
    let published = config.repo.as_ref().and_then(|repo| repo.branch.clone());
    match (config.hosting.production_branch.clone(), published) {
        (Some(production), Some(published)) if production != published => Branches {
            production: Some(production),
            preview: Some(published),
        },
        (production, published) => Branches {
            production: production.or(published),
            preview: None,
        },
    }
}

fn names(domains: Option<&Domains>) -> Names {
    let Some(domains) = domains else {
        return Names::default();
    };
    Names {
        primary: Some(domains.primary.clone()),
        redirect_aliases: match domains.alias_policy {
            AliasPolicy::Serve => false,
            AliasPolicy::Redirect => !domains.aliases.is_empty(),
        },
        aliases: domains.aliases.clone(),
    }
}

fn rules(hosting: &Hosting) -> Rules {
    Rules {
        headers: hosting
            .headers
            .iter()
            .map(|rule| HeaderRule {
                path: rule.path.as_str().into(),
                set: rule
                    .set
                    .iter()
                    .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
                    .collect(),
                unset: rule.unset.iter().map(|name| name.as_str().into()).collect(),
            })
            .collect(),
        redirects: hosting
            .redirects
            .iter()
            .map(|rule| RedirectRule {
                from: rule.from.as_str().into(),
                to: rule.to.as_str().into(),
                status: rule.status,
            })
            .collect(),
        error_document: hosting
            .error_document
            .as_ref()
            .map(|path| path.as_str().into()),
        single_page_fallback: hosting.single_page_fallback,
    }
}

/// Notes a fault.
fn fault(
    faults: &mut Vec<Fault>,
    code: &'static str,
    path: &str,
    message: impl Into<String>,
    hint: Option<&str>,
) {
    faults.push(Fault {
        code,
        path: path.into(),
        message: message.into(),
        hint: hint.map(Into::into),
    });
}

fn recipe(config: &SporeConfig, names: &Names, faults: &mut Vec<Fault>) -> Option<Recipe> {
    let treelink = config.site.treelink.as_deref();
    let Some(build) = &config.build else {
        if let Some(content) = treelink {
            return Some(treelink_recipe(config, content, names));
        }
        let hint = "give build.type, or site.treelink for a page of links";
        fault(faults, "missing", "build", "is required", Some(hint));
        return None;
    };
    check_build(build, faults);
    match build.kind {
        BuildType::StaticPrebuilt => prebuilt(config.repo.as_ref(), build, faults),
        BuildType::Treelink => {
            if config.site.kind != SiteKind::Treelink {
                let message = "only a site of kind treelink is rendered from the message";
                fault(faults, "field-conflict", "build.type", message, None);
            }
            let Some(content) = treelink else {
                let message = "is required by build.type = treelink";
                fault(faults, "missing", "site.treelink", message, None);
                return None;
            };
            Some(treelink_recipe(config, content, names))
        }
        BuildType::HugoNix
        | BuildType::NextStatic
        | BuildType::AstroStatic
        | BuildType::Hugo
        | BuildType::NuxtStatic
        | BuildType::Command
        | BuildType::NixFlake => {
            needs_source(config.repo.as_ref(), faults);
            Some(Recipe::Source(Box::new(SourceBuild {
                repo: config.repo.clone(),
                build: build.clone(),
            })))
        }
    }
}

fn check_build(build: &Build, faults: &mut Vec<Fault>) {
    let framework = build.framework != CfFramework::None;
    if build.kind == BuildType::Command && build.command.is_empty() && !framework {
        let message = "is required by build.type = command";
        let hint = "or give build.framework, which has a command of its own";
        fault(faults, "missing", "build.command", message, Some(hint));
    }
    if build.shell && build.command.len() != 1 {
        let message = format!("shell takes one word, not {}", build.command.len());
        fault(faults, "field-conflict", "build.command", message, None);
    }
    for (index, variable) in build.environment.iter().enumerate() {
        if matches!(variable.value, VariableValue::Credential(_)) {
            let path = format!("build.environment[{index}].credential");
            let message = "builds on the daemon's machine are never given a credential";
            fault(faults, "credential-misplaced", &path, message, None);
        }
    }
}

fn needs_source(repo: Option<&Repo>, faults: &mut Vec<Fault>) {
    if repo.is_none_or(|repo| repo.place == RepoPlace::None) {
        let message = "this build type needs a source";
        fault(faults, "missing", "repo", message, None);
    }
}

/// The directory of a site that needs no build.
fn prebuilt(repo: Option<&Repo>, build: &Build, faults: &mut Vec<Fault>) -> Option<Recipe> {
    let subdirectory = repo.and_then(|repo| repo.subdirectory.clone());
    match repo.map_or(&RepoPlace::None, |repo| &repo.place) {
        RepoPlace::None => match &build.output {
            Some(OutputDir::Absolute(base)) => Some(Recipe::Prebuilt(Directory {
                base: base.clone(),
                below: Vec::new(),
            })),
            Some(OutputDir::Relative(_)) => {
                let hint = "give an absolute path, or repo.provider = directory with repo.path";
                let message = "is relative, but there is no source it could be relative to";
                fault(
                    faults,
                    "path-syntax",
                    "build.outputDir",
                    message,
                    Some(hint),
                );
                None
            }
            None => {
                let hint = "give build.outputDir, or repo.provider = directory with repo.path";
                let message = "without a source, the place of the files is required";
                fault(faults, "missing", "build.outputDir", message, Some(hint));
                None
            }
        },
        RepoPlace::Directory(base) => match &build.output {
            Some(OutputDir::Absolute(_)) => {
                let message = "is absolute, but the source is a directory: make it relative to it";
                fault(faults, "path-syntax", "build.outputDir", message, None);
                None
            }
            Some(OutputDir::Relative(output)) => Some(Recipe::Prebuilt(Directory {
                base: base.clone(),
                below: subdirectory.into_iter().chain([output.clone()]).collect(),
            })),
            None => Some(Recipe::Prebuilt(Directory {
                base: base.clone(),
                below: subdirectory.into_iter().collect(),
            })),
        },
        RepoPlace::Github(_) | RepoPlace::Gitlab(_) | RepoPlace::Git(_) => {
            if let Some(OutputDir::Absolute(_)) = &build.output {
                let message = "is absolute, but the source is a repository: make it relative to it";
                fault(faults, "path-syntax", "build.outputDir", message, None);
            }
            Some(Recipe::Source(Box::new(SourceBuild {
                repo: repo.cloned(),
                build: build.clone(),
            })))
        }
    }
}

fn treelink_recipe(config: &SporeConfig, content: &Treelink, names: &Names) -> Recipe {
    let site = &config.site;
    let domains = config.domains.as_ref();
    let scheme = match domains.map_or(TlsMode::Provider, |domains| domains.tls) {
        TlsMode::Provider | TlsMode::Acme => "https",
        TlsMode::None => "http",
    };
    let title = if site.title.is_empty() {
        site.id.to_string()
    } else {
        site.title.to_string()
    };
    Recipe::Treelink(Box::new(TreelinkRecipe {
        content: content.clone(),
        title,
        description: site.description.to_string(),
        language: site
            .language
            .as_ref()
            .map_or_else(|| "en".into(), ToString::to_string),
        base_url: match &names.primary {
            Some(primary) => format!("{scheme}://{primary}"),
            None => format!("http://{}.localhost", site.id),
        },
    }))
}

/// The name a site without a domain of its own has on this machine (RFC 6761 section 6.3: names below
/// `localhost` lead to the loopback address).
///
/// # Errors
/// The site's id makes no host name; ids are DNS labels, so this does not happen.
pub fn local_name(site: &SiteId) -> Result<DomainName, crate::model::Defect> {
    DomainName::parse(&format!("{site}.localhost"))
}
