//! The typed configuration of one website: the schema's tree with values that cannot be wrong.
//!
//! Closed choices (providers, build types, record types …) are the enums that the schema compiler
//! generates, so that an enumerant added to the schema is a compile error wherever it is not handled.

mod ascii;
pub mod fault;
pub mod text;
mod treelink;

pub use crate::schema::spore_capnp::{
    AliasPolicy, BuildType, CachePolicy, CfFramework, ColorScheme, DnsDeletePolicy, DnsOwnership,
    DnsProvider, DnsRecordType, Drift, Ensure, HostingProvider, LocalServer, PagesFunctions,
    PagesPreviews, PagesRelease, Platform, Registrar, RepoProvider, Shape, SiteKind, TextDirection,
    ThemePreset, TlsMode,
};
pub use fault::{Defect, Fault, Faults};
pub use text::{
    AbsolutePath, CommitId, Date, DomainName, EmailAddress, Endpoint, Handle, HeaderName,
    HeaderValue, HttpsUrl, KeyPrefix, LabelKey, LanguageTag, Line, Lines, LinkUrl, Parse,
    PathPattern, PhoneNumber, ProjectName, RecordName, RedirectTarget, RefName, RelativePath,
    RepoUrl, Rgb, SettingsName, SiteId, Slug, SshTarget, Timestamp, VariableName,
};
pub use treelink::{
    Avatar, Contact, Entry, EntryContent, Link, Picture, Seo, Social, Theme, Treelink,
};

/// One website, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct SporeConfig {
    /// Who the website is.
    pub site: Site,
    /// Where its source comes from; `None` when the message has no such section.
    pub repo: Option<Repo>,
    /// How the source becomes files.
    pub build: Option<Build>,
    /// The names visitors use.
    pub domains: Option<Domains>,
    /// Where the website is published.
    pub hosting: Hosting,
    /// DNS records to keep.
    pub dns: Option<DnsConfig>,
    /// A domain to register.
    pub purchase: Option<PurchaseConfig>,
    /// The schema revision the writer knew; 0 is the founding one.
    pub schema_version: u32,
    /// Whether the website should exist.
    pub ensure: Ensure,
    /// Whether deletion protection is to be turned on.
    pub protect: bool,
    /// What is done about differences found later.
    pub drift: Drift,
    /// The operator's marks.
    pub labels: Vec<Label>,
    /// The writer's token; empty when none was given.
    pub request_id: Line<128>,
    /// The writer's counter; 0 when none was given.
    pub generation: u64,
}

/// A key and a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// What the value is about.
    pub key: LabelKey,
    /// The value.
    pub value: Line<255>,
}

/// Who the website is.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The name that identifies it.
    pub id: SiteId,
    /// What people call it; empty when not given.
    pub title: Line<200>,
    /// What sort of website it is.
    pub kind: SiteKind,
    /// A sentence about it; empty when not given.
    pub description: Line<300>,
    /// The language of its text.
    pub language: Option<LanguageTag>,
    /// The content of a page of links.
    pub treelink: Option<Box<Treelink>>,
}

/// Where source comes from, and which part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Repo {
    /// The place.
    pub place: RepoPlace,
    /// The branch to publish; `None` for the one HEAD names.
    pub branch: Option<RefName>,
    /// The commit to publish, whatever the branch says.
    pub revision: Option<CommitId>,
    /// The part of the source that is the website.
    pub subdirectory: Option<RelativePath>,
    /// The credential that opens the repository.
    pub credential: Option<SettingsName>,
    /// Commits of history; 0 for all.
    pub depth: u32,
    /// Whether submodules are fetched.
    pub submodules: bool,
    /// Whether LFS objects are fetched.
    pub lfs: bool,
}

/// The place source comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum RepoPlace {
    /// OWNER/NAME at GitHub.
    Github(Slug),
    /// GROUP/NAME at GitLab.
    Gitlab(Slug),
    /// Any git repository.
    Git(RepoUrl),
    /// A directory of this machine.
    Directory(AbsolutePath),
    /// No source.
    None,
}

/// How source becomes files.
#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    /// The way of building.
    pub kind: BuildType,
    /// Where the build leaves its files.
    pub output: Option<OutputDir>,
    /// The framework.
    pub framework: CfFramework,
    /// The command and its arguments; empty for the usual one.
    pub command: Vec<Line<4096>>,
    /// Whether the command's one word is a shell line.
    pub shell: bool,
    /// Variables the build sees.
    pub environment: Vec<EnvironmentVariable>,
    /// The longest a build may take, in seconds; 0 for the default.
    pub timeout_seconds: u32,
    /// Whether an earlier build may be used.
    pub cache_policy: CachePolicy,
    /// The flake output; empty for the default.
    pub flake_attribute: Line<255>,
}

/// Where a build leaves its files.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputDir {
    /// Below the source.
    Relative(RelativePath),
    /// Anywhere on this machine that the settings allow.
    Absolute(AbsolutePath),
}

/// A variable, its value given or kept by the operator.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvironmentVariable {
    /// The name.
    pub name: VariableName,
    /// Where the value comes from.
    pub value: VariableValue,
}

/// Where a variable's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum VariableValue {
    /// The message.
    Plain(Lines<5120>),
    /// A credential of the settings.
    Credential(SettingsName),
}

/// The names visitors use.
#[derive(Clone, Debug, PartialEq)]
pub struct Domains {
    /// The website's address.
    pub primary: DomainName,
    /// Further names.
    pub aliases: Vec<DomainName>,
    /// What visitors of an alias get.
    pub alias_policy: AliasPolicy,
    /// Who looks after certificates.
    pub tls: TlsMode,
}

/// Where the website is published.
#[derive(Clone, Debug, PartialEq)]
pub struct Hosting {
    /// The backend and its settings.
    pub settings: HostingSettings,
    /// The website's name at the provider; `None` for the site's id.
    pub project_name: Option<ProjectName>,
    /// The branch whose releases visitors see.
    pub production_branch: Option<RefName>,
    /// Response headers by path.
    pub headers: Vec<HeaderRule>,
    /// Redirects by path.
    pub redirects: Vec<RedirectRule>,
    /// The page for paths that do not exist.
    pub error_document: Option<RelativePath>,
    /// Whether such paths get `/index.html` instead.
    pub single_page_fallback: bool,
}

/// A backend and its settings.
#[derive(Clone, Debug, PartialEq)]
pub enum HostingSettings {
    /// Cloudflare Pages.
    CloudflarePages(CloudflarePages),
    /// This machine.
    LocalStatic(LocalStatic),
    /// A bucket.
    S3Static(S3Static),
    /// Nix hosts.
    CriomosHost(CriomosHost),
}

impl HostingSettings {
    /// Which backend these are settings of.
    #[must_use]
    pub const fn provider(&self) -> HostingProvider {
        match self {
            Self::CloudflarePages(_) => HostingProvider::CloudflarePages,
            Self::LocalStatic(_) => HostingProvider::LocalStatic,
            Self::S3Static(_) => HostingProvider::S3Static,
            Self::CriomosHost(_) => HostingProvider::CriomosHost,
        }
    }
}

/// Settings of Cloudflare Pages.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudflarePages {
    /// The account's name in the settings; `None` for the default one.
    pub account: Option<SettingsName>,
    /// Who builds.
    pub release: PagesRelease,
    /// The Workers runtime's compatibility date.
    pub compatibility_date: Option<Date>,
    /// The Workers runtime's compatibility flags.
    pub compatibility_flags: Vec<Line<64>>,
    /// Variables of production deployments.
    pub environment: Vec<EnvironmentVariable>,
    /// Variables of preview deployments.
    pub preview_environment: Vec<EnvironmentVariable>,
    /// Whether Functions are published.
    pub functions: PagesFunctions,
    /// Which other branches of a connected repository become previews.
    pub preview_deployments: PagesPreviews,
    /// The branches that do, where they are named.
    pub preview_branches: Vec<Line<255>>,
    /// Branches that do not, though they are named.
    pub preview_branch_excludes: Vec<Line<255>>,
}

/// Settings of LocalStatic.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalStatic {
    /// What serves the files.
    pub server: LocalServer,
    /// Where the site is published for another server; `None` for the state directory.
    pub root: Option<AbsolutePath>,
    /// Releases kept, the current one included.
    pub keep_releases: u16,
}

/// Settings of S3Static.
#[derive(Clone, Debug, PartialEq)]
pub struct S3Static {
    /// The bucket.
    pub bucket: Line<63>,
    /// The region; empty for the default.
    pub region: Line<63>,
    /// The service's address; `None` for AWS.
    pub endpoint: Option<Endpoint>,
    /// The key under which the site lies; `None` for the bucket's root.
    pub prefix: Option<KeyPrefix>,
    /// The credential.
    pub credential: Option<SettingsName>,
    /// `Cache-Control` by path.
    pub cache_rules: Vec<CacheRule>,
    /// The website configuration's index document; empty for the default.
    pub index_document: Line<255>,
    /// The website configuration's error document; empty for the default.
    pub error_document: Line<255>,
    /// Whether the bucket's website configuration is kept.
    pub configure_website: bool,
}

/// A `Cache-Control` for some paths.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheRule {
    /// The paths.
    pub path: PathPattern,
    /// The header's value.
    pub cache_control: HeaderValue,
}

/// Settings of CriomosHost.
#[derive(Clone, Debug, PartialEq)]
pub struct CriomosHost {
    /// The hosts.
    pub targets: Vec<SshTarget>,
    /// Generations kept.
    pub keep_generations: u16,
    /// What must answer.
    pub health_check: HealthCheck,
}

/// What must answer before a release counts as good.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthCheck {
    /// The path asked for; `None` for "/".
    pub path: Option<PathPattern>,
    /// The status expected.
    pub expect_status: u16,
    /// How long to wait in all, in seconds.
    pub timeout_seconds: u16,
}

/// Response headers for some paths.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderRule {
    /// The paths.
    pub path: PathPattern,
    /// Headers to add.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Headers to take away.
    pub unset: Vec<HeaderName>,
}

/// A redirect.
#[derive(Clone, Debug, PartialEq)]
pub struct RedirectRule {
    /// The paths.
    pub from: PathPattern,
    /// Where it leads.
    pub to: RedirectTarget,
    /// The status: 200, 301, 302, 303, 307 or 308.
    pub status: u16,
}

/// DNS records to keep.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsConfig {
    /// Who answers for the zone.
    pub provider: DnsProvider,
    /// The zone: an id or a name; empty to find it by the records' names.
    pub zone: Line<253>,
    /// The records.
    pub records: Vec<DnsRecord>,
    /// The credential.
    pub credential: Option<SettingsName>,
    /// Which record sets may be changed.
    pub ownership: DnsOwnership,
    /// What happens to owned record sets that are no longer declared.
    pub delete_policy: DnsDeletePolicy,
}

/// One DNS record.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsRecord {
    /// The name.
    pub name: RecordName,
    /// The type.
    pub kind: DnsRecordType,
    /// The data, as in a zone file.
    pub value: Line<4096>,
    /// How long resolvers may keep it.
    pub ttl: Ttl,
    /// Whether visitors go through Cloudflare's proxy.
    pub proxied: bool,
}

/// How long resolvers may keep a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// As the provider does.
    Default,
    /// As Cloudflare decides.
    Automatic,
    /// So many seconds, 30 to 86,400.
    Seconds(u32),
}

/// A domain to register.
#[derive(Clone, Debug, PartialEq)]
pub struct PurchaseConfig {
    /// The registrar.
    pub provider: Registrar,
    /// The domain.
    pub domain: DomainName,
    /// For how many years, 1 to 10.
    pub years: u8,
    /// The most the first period may cost.
    pub maximum_price: Option<Money>,
    /// The registrant contact in the settings.
    pub contact: Option<SettingsName>,
    /// Whether the registrar renews by itself.
    pub auto_renew: bool,
    /// The credential.
    pub credential: Option<SettingsName>,
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq)]
pub struct Money {
    /// The amount in the currency's smallest unit.
    pub minor_units: u64,
    /// The ISO 4217 code.
    pub currency: Currency,
}

/// An ISO 4217 currency code: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency(pub [u8; 3]);

impl Parse for Currency {
    fn parse(text: &str) -> Result<Self, Defect> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(
                Defect::new("currency-syntax", format!("not a currency: {text:?}"))
                    .hint("write an ISO 4217 code such as EUR"),
            ),
        }
    }
}
