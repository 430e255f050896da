//! From a message to the typed configuration.
//!
//! Every field is looked at even after one was found wrong, so that [`Faults`] names all that is wrong
//! with a message. Each pointer is read once, as Cap'n Proto charges every read against a budget.

mod cursor;
mod hosting;
mod record;
mod treelink;

use crate::model::{
    Build, CfFramework, DnsConfig, Domains, Drift, Ensure, EnvironmentVariable, Fault, Faults,
    Label, Money, OutputDir, Parse, PurchaseConfig, Repo, RepoPlace, RepoProvider, Site,
    SporeConfig, VariableValue,
};
use crate::schema::spore_capnp::{
    build, dns_config, domains, environment_variable, label, lifecycle, money, purchase_config,
    repo, site, spore_config,
};
use crate::schema::{self};
use cursor::Cursor;

impl SporeConfig {
    /// Reads a message whole.
    ///
    /// # Errors
    /// All faults of the message: unknown enumerants, text that is not UTF-8, values outside their
    /// limits, required fields that are missing, a schema revision this reader does not know.
    pub fn from_reader(reader: spore_config::Reader<'_>) -> Result<Self, Faults> {
        let mut cursor = Cursor::default();
        let config = config(&mut cursor, reader);
        if let Some(faults) = Faults::of(cursor.into_faults()) {
            return Err(faults);
        }
        config.ok_or_else(|| {
            Fault {
                code: "message-malformed",
                path: String::new(),
                message: "the message could not be read".into(),
                hint: None,
            }
            .into()
        })
    }
}

/// The site id of a message that may be faulty in other places, for its report.
#[must_use]
pub fn site_id(reader: spore_config::Reader<'_>) -> Option<crate::model::SiteId> {
    let text = reader.get_site().ok()?.get_id().ok()?.to_str().ok()?;
    crate::model::SiteId::parse(text).ok()
}

/// The request id of a message that may be faulty in other places, for its report.
#[must_use]
pub fn request_id(reader: spore_config::Reader<'_>) -> crate::model::Line<128> {
    reader
        .get_request_id()
        .ok()
        .and_then(|text| crate::model::Line::parse(text.to_str().ok()?).ok())
        .unwrap_or_default()
}

fn config(c: &mut Cursor, r: spore_config::Reader<'_>) -> Option<SporeConfig> {
    let schema_version = r.get_schema_version();
    version(c, schema_version, r.get_min_reader_version())?;
    let given = [r.has_site(), r.has_hosting()];
    if given == [false, false] {
        c.fault("message-empty", "the message is empty: no site, no hosting")
            .hint("was a SporeConfig written? Cap'n Proto messages carry no type");
        return None;
    }
    let site = c.required("site", r.has_site(), r.get_site(), site);
    let hosting = c.required(
        "hosting",
        r.has_hosting(),
        r.get_hosting(),
        hosting::hosting,
    );
    let repo = c.section("repo", r.has_repo(), r.get_repo(), repo);
    let build = c.section("build", r.has_build(), r.get_build(), build);
    let domains = c.section("domains", r.has_domains(), r.get_domains(), domains);
    let dns = c.section("dns", r.has_dns(), r.get_dns(), dns);
    let purchase = c.section("purchase", r.has_purchase(), r.get_purchase(), purchase);
    let (ensure, protect, drift) = c
        .section("lifecycle", r.has_lifecycle(), r.get_lifecycle(), |c, r| {
            Some(lifecycle(c, r))
        })
        .unwrap_or_default();
    let labels = c.list("labels", r.get_labels(), 32, label);
    c.unique(
        "labels",
        "key",
        labels.iter().map(|label| label.key.as_str()),
    );
    let request_id = c.text("requestId", r.get_request_id()).unwrap_or_default();
    Some(SporeConfig {
        site: site?,
        repo,
        build,
        domains,
        hosting: hosting?,
        dns,
        purchase,
        schema_version,
        ensure: ensure.unwrap_or(Ensure::Present),
        protect,
        drift: drift.unwrap_or(Drift::AsSettings),
        labels,
        request_id,
        generation: r.get_generation(),
    })
}

/// Refuses what this reader cannot know to have understood. `None` stops the decoding: a message of an
/// unknown revision is not judged further.
fn version(c: &mut Cursor, written: u32, least: u32) -> Option<()> {
    let known = schema::VERSION;
    if least > written {
        c.at("minReaderVersion").fault(
            "version-order",
            format!("{least} is above schemaVersion {written}"),
        );
        return None;
    }
    let needed = if least == 0 { written } else { least };
    if needed > known {
        let field = if least == 0 {
            "schemaVersion"
        } else {
            "minReaderVersion"
        };
        c.at(field)
            .fault(
                "version-unknown",
                format!("needs schema revision {needed}; this reader knows {known}"),
            )
            .hint("update mycelia-spore, or set minReaderVersion if an older reader is safe");
        return None;
    }
    Some(())
}

fn lifecycle(c: &mut Cursor, r: lifecycle::Reader<'_>) -> (Option<Ensure>, bool, Option<Drift>) {
    let ensure = c.choice("ensure", r.get_ensure());
    (ensure, r.get_protect(), c.choice("drift", r.get_drift()))
}

fn label(c: &mut Cursor, r: label::Reader<'_>) -> Option<Label> {
    let key = c.need("key", r.get_key());
    let value = c.text("value", r.get_value()).unwrap_or_default();
    Some(Label { key: key?, value })
}

fn site(c: &mut Cursor, r: site::Reader<'_>) -> Option<Site> {
    let id = c.need("id", r.get_id());
    let title = c.text("title", r.get_title()).unwrap_or_default();
    let kind = c.choice("kind", r.get_kind());
    let description = c
        .text("description", r.get_description())
        .unwrap_or_default();
    let language = c.text("language", r.get_language());
    let treelink = c.section("treelink", r.has_treelink(), r.get_treelink(), |c, r| {
        Some(treelink::treelink(c, r))
    });
    Some(Site {
        id: id?,
        title,
        kind: kind?,
        description,
        language,
        treelink: treelink.map(Box::new),
    })
}

fn repo(c: &mut Cursor, r: repo::Reader<'_>) -> Option<Repo> {
    let place = repo_place(c, r);
    let branch = c.text("defaultBranch", r.get_default_branch());
    let revision = c.text("revision", r.get_revision());
    let subdirectory = c.text("subdirectory", r.get_subdirectory());
    let credential = c.text("credential", r.get_credential());
    let depth = c.within("depth", r.get_depth(), 0..=100_000);
    Some(Repo {
        place: place?,
        branch,
        revision,
        subdirectory,
        credential,
        depth: depth?,
        submodules: r.get_submodules(),
        lfs: r.get_lfs(),
    })
}

/// The one field that names the place, by the provider; the fields of other providers must be empty.
fn repo_place(c: &mut Cursor, r: repo::Reader<'_>) -> Option<RepoPlace> {
    let provider = c.choice("provider", r.get_provider());
    let (slug, url, path) = (r.has_slug(), r.has_url(), r.has_path());
    let (slug_text, url_text, path_text) = (r.get_slug(), r.get_url(), r.get_path());
    let provider = provider?;
    let wants = match provider {
        RepoProvider::Github | RepoProvider::Gitlab => "slug",
        RepoProvider::Git => "url",
        RepoProvider::Directory => "path",
        RepoProvider::None => "",
    };
    for (name, given, text) in [
        ("slug", slug, &slug_text),
        ("url", url, &url_text),
        ("path", path, &path_text),
    ] {
        let filled = given && text.as_ref().is_ok_and(|text| !text.as_bytes().is_empty());
        if filled && name != wants {
            c.at(name).fault(
                "field-misplaced",
                format!("not used by provider {}", schema::enumerant_name(provider)),
            );
        }
    }
    match provider {
        RepoProvider::Github => c.need("slug", slug_text).map(RepoPlace::Github),
        RepoProvider::Gitlab => c.need("slug", slug_text).map(RepoPlace::Gitlab),
        RepoProvider::Git => c.need("url", url_text).map(RepoPlace::Git),
        RepoProvider::Directory => c.need("path", path_text).map(RepoPlace::Directory),
        RepoProvider::None => Some(RepoPlace::None),
    }
}

fn build(c: &mut Cursor, r: build::Reader<'_>) -> Option<Build> {
    let kind = c.choice("type", r.get_type());
    let output = c.text("outputDir", r.get_output_dir());
    let framework = c.choice("framework", r.get_framework());
    let command = c.texts("command", r.get_command(), 64);
    let environment = c.list("environment", r.get_environment(), 128, variable);
    c.unique(
        "environment",
        "name",
        environment.iter().map(|variable| variable.name.as_str()),
    );
    let timeout_seconds = c.within("timeoutSeconds", r.get_timeout_seconds(), 0..=14_400);
    let cache_policy = c.choice("cachePolicy", r.get_cache_policy());
    let flake_attribute = c
        .text("flakeAttribute", r.get_flake_attribute())
        .unwrap_or_default();
    Some(Build {
        kind: kind?,
        output,
        framework: framework.unwrap_or(CfFramework::None),
        command,
        shell: r.get_shell(),
        environment,
        timeout_seconds: timeout_seconds?,
        cache_policy: cache_policy?,
        flake_attribute,
    })
}

impl Parse for OutputDir {
    fn parse(text: &str) -> Result<Self, crate::model::Defect> {
        if text.starts_with('/') {
            crate::model::AbsolutePath::parse(text).map(Self::Absolute)
        } else {
            crate::model::RelativePath::parse(text).map(Self::Relative)
        }
    }
}

fn variable(c: &mut Cursor, r: environment_variable::Reader<'_>) -> Option<EnvironmentVariable> {
    let name = c.need("name", r.get_name());
    let value = match c.union(r.which())? {
        environment_variable::Value(text) => {
            VariableValue::Plain(c.text("value", text).unwrap_or_default())
        }
        environment_variable::Credential(text) => {
            VariableValue::Credential(c.need("credential", text)?)
        }
    };
    Some(EnvironmentVariable { name: name?, value })
}

fn domains(c: &mut Cursor, r: domains::Reader<'_>) -> Option<Domains> {
    let primary = c.need::<crate::model::DomainName>("primary", r.get_primary());
    let aliases: Vec<crate::model::DomainName> = c.texts("aliases", r.get_aliases(), 100);
    let alias_policy = c.choice("aliasPolicy", r.get_alias_policy());
    let tls = c.choice("tls", r.get_tls());
    let names = primary.iter().chain(&aliases);
    c.unique(
        "aliases",
        "name",
        names.map(crate::model::DomainName::as_str),
    );
    Some(Domains {
        primary: primary?,
        aliases,
        alias_policy: alias_policy?,
        tls: tls?,
    })
}

fn dns(c: &mut Cursor, r: dns_config::Reader<'_>) -> Option<DnsConfig> {
    let provider = c.choice("provider", r.get_provider());
    let zone = c.text("zoneId", r.get_zone_id()).unwrap_or_default();
    let records = c.list("records", r.get_records(), 1000, record::record);
    let credential = c.text("credential", r.get_credential());
    let ownership = c.choice("ownership", r.get_ownership());
    let delete_policy = c.choice("deletePolicy", r.get_delete_policy());
    Some(DnsConfig {
        provider: provider?,
        zone,
        records,
        credential,
        ownership: ownership?,
        delete_policy: delete_policy?,
    })
}

fn purchase(c: &mut Cursor, r: purchase_config::Reader<'_>) -> Option<PurchaseConfig> {
    let provider = c.choice("provider", r.get_provider());
    let domain = c.need::<crate::model::DomainName>("domain", r.get_domain());
    let years = c.within("years", r.get_years(), 1..=10);
    let maximum_price = c.section(
        "maximumPrice",
        r.has_maximum_price(),
        r.get_maximum_price(),
        price,
    );
    let contact = c.text("contact", r.get_contact());
    let credential = c.text("credential", r.get_credential());
    let domain = domain?;
    if !domain.as_str().contains('.') {
        c.at("domain")
            .fault("domain-syntax", format!("{domain} has only one label"));
    }
    Some(PurchaseConfig {
        provider: provider?,
        domain,
        years: years?,
        maximum_price,
        contact,
        auto_renew: r.get_auto_renew(),
        credential,
    })
}

fn price(c: &mut Cursor, r: money::Reader<'_>) -> Option<Money> {
    Some(Money {
        minor_units: r.get_minor_units(),
        currency: c.need("currency", r.get_currency())?,
    })
}
