//! Values that are kept as they were written, and what stands for those that were not written.

use super::sample::{Config, GIF, bucket, criomos, decode, edited, local, repo};
use capnp::message::Builder;
use mycelia_spore::model::{
    AliasPolicy, BuildType, CachePolicy, CfFramework, DnsDeletePolicy, DnsOwnership, DnsProvider,
    Ensure, EntryContent, HostingSettings, LocalServer, OutputDir, PagesFunctions, PagesRelease,
    Parse, Platform, Registrar, RepoPlace, Rgb, SiteKind, SporeConfig, TlsMode, Ttl, VariableValue,
};
use mycelia_spore::schema::spore_capnp::{HostingProvider, RepoProvider};

fn sample() -> SporeConfig {
    edited(|_| {}).unwrap()
}

/// The least that is accepted: an id and hosting on this machine.
fn least(edit: impl FnOnce(Config<'_>)) -> SporeConfig {
    let mut message = Builder::new_default();
    let mut config: Config<'_> = message.init_root();
    config.reborrow().init_site().set_id("notes");
    config
        .reborrow()
        .init_hosting()
        .set_provider(HostingProvider::LocalStatic);
    edit(config);
    decode(&message).unwrap()
}

#[test]
fn message_site_and_source() {
    let config = sample();
    assert_eq!(config.schema_version, 1);
    assert_eq!(config.generation, 7);
    assert_eq!(config.request_id.as_str(), "deploy-4711");
    assert_eq!(config.labels[0].key.as_str(), "team");
    assert_eq!(config.labels[0].value.as_str(), "docs");
    assert_eq!(config.site.id.as_str(), "field-notes");
    assert_eq!(config.site.title.as_str(), "Field notes");
    assert_eq!(config.site.kind, SiteKind::Blog);
    assert_eq!(config.site.language.unwrap().as_str(), "pt-BR");
    let repo = config.repo.unwrap();
    assert!(
        matches!(repo.place, RepoPlace::Github(slug) if slug.as_str() == "example-org/field-notes")
    );
    assert_eq!(repo.depth, 1);
    let build = config.build.unwrap();
    assert_eq!(build.kind, BuildType::Hugo);
    assert!(matches!(build.output, Some(OutputDir::Relative(path)) if path.as_str() == "public"));
    assert_eq!(build.command[0].as_str(), "hugo");
    assert_eq!(build.environment[0].name.as_str(), "LANG");
    assert!(
        matches!(&build.environment[0].value, VariableValue::Plain(text) if text.to_string() == "C.UTF-8")
    );
}

#[test]
fn hosting_names_and_money() {
    let config = sample();
    let domains = config.domains.unwrap();
    assert_eq!(domains.primary.as_str(), "spore.example");
    assert_eq!(domains.aliases[0].as_str(), "www.spore.example");
    let hosting = config.hosting;
    assert_eq!(hosting.headers[0].path.as_str(), "/assets/*");
    assert_eq!(
        hosting.headers[0].set[0].1.as_str(),
        "public, max-age=31536000"
    );
    assert_eq!(hosting.headers[0].unset[0].as_str(), "X-Frame-Options");
    assert_eq!(hosting.redirects[0].to.as_str(), "/new/:splat");
    assert_eq!(hosting.redirects[0].status, 301);
    let HostingSettings::CloudflarePages(pages) = hosting.settings else {
        panic!("hosting at Cloudflare Pages");
    };
    assert_eq!(pages.account.unwrap().as_str(), "main");
    assert_eq!(
        pages.compatibility_date.unwrap().0.to_string(),
        "2026-11-01"
    );
    assert!(
        matches!(&pages.environment[0].value, VariableValue::Credential(name) if name.as_str() == "api-key")
    );
    let dns = config.dns.unwrap();
    assert_eq!(dns.zone.as_str(), "spore.example");
    assert_eq!(dns.records[0].name.as_str(), "www");
    assert_eq!(dns.records[0].value.as_str(), "192.0.2.10");
    assert_eq!(dns.records[0].ttl, Ttl::Seconds(300));
    let purchase = config.purchase.unwrap();
    assert_eq!(purchase.provider, Registrar::Gandi);
    let price = purchase.maximum_price.unwrap();
    assert_eq!((price.minor_units, &price.currency.0), (1299, b"EUR"));
}

#[test]
fn page_of_links() {
    let page = *sample().site.treelink.unwrap();
    assert_eq!(page.name.as_str(), "Li");
    assert_eq!(page.avatar.image.unwrap().bytes(), GIF);
    assert!(
        matches!(&page.entries[0].content, EntryContent::Link(link) if link.url.as_str() == "https://spore.example/notes")
    );
    assert!(page.entries[0].not_before < page.entries[0].not_after);
    assert!(
        matches!(&page.entries[1].content, EntryContent::Heading(text) if text.as_str() == "More")
    );
    assert!(
        matches!(&page.entries[2].content, EntryContent::Text(text) if text.as_str() == "Two\nlines")
    );
    assert_eq!(page.socials[0].platform, Platform::Github);
    assert_eq!(page.socials[0].url.as_str(), "https://github.com/mycelia");
    assert_eq!(page.contact.email.unwrap().as_str(), "li@example.net");
    assert_eq!(page.theme.accent, Rgb::parse("#2f6f4e").unwrap());
    assert_eq!(page.verify[0].as_str(), "https://mastodon.example/@spore");
}

#[test]
fn defaults_of_the_least_message() {
    let config = least(|_| {});
    assert_eq!(config.schema_version, 0);
    assert_eq!((config.ensure, config.protect), (Ensure::Present, false));
    assert!(config.request_id.is_empty() && config.labels.is_empty());
    assert_eq!(config.generation, 0);
    assert_eq!(config.site.kind, SiteKind::Treelink);
    assert!(config.site.title.is_empty() && config.site.language.is_none());
    assert!(config.repo.is_none() && config.build.is_none() && config.domains.is_none());
    assert!(config.dns.is_none() && config.purchase.is_none() && config.site.treelink.is_none());
    let HostingSettings::LocalStatic(settings) = config.hosting.settings else {
        panic!("hosting on this machine");
    };
    assert_eq!(settings.server, LocalServer::Embedded);
    assert_eq!((settings.root, settings.keep_releases), (None, 5));
}

#[test]
fn defaults_of_empty_sections() {
    let config = least(|mut c| {
        c.reborrow().init_repo().set_slug("a/b");
        c.reborrow().init_build();
        c.reborrow().init_domains().set_primary("Spore.Example.");
        c.reborrow().init_dns();
        c.reborrow().init_purchase().set_domain("spore.example");
        c.get_site().unwrap().init_treelink().init_theme();
    });
    let repo = config.repo.unwrap();
    assert!(matches!(repo.place, RepoPlace::Github(_)));
    assert_eq!((repo.depth, repo.submodules, repo.lfs), (1, false, false));
    let build = config.build.unwrap();
    assert_eq!(build.kind, BuildType::StaticPrebuilt);
    assert_eq!(
        (build.framework, build.cache_policy),
        (CfFramework::None, CachePolicy::Reuse)
    );
    assert!(build.output.is_none() && build.timeout_seconds == 0);
    let domains = config.domains.unwrap();
    assert_eq!(domains.primary.as_str(), "spore.example");
    assert_eq!(
        (domains.alias_policy, domains.tls),
        (AliasPolicy::Serve, TlsMode::Provider)
    );
    let dns = config.dns.unwrap();
    assert_eq!(dns.provider, DnsProvider::Cloudflare);
    assert_eq!(
        (dns.ownership, dns.delete_policy),
        (DnsOwnership::Marked, DnsDeletePolicy::Delete)
    );
    let purchase = config.purchase.unwrap();
    assert_eq!(
        (purchase.provider, purchase.years),
        (Registrar::Namecheap, 1)
    );
    assert!(purchase.maximum_price.is_none() && !purchase.auto_renew);
    let page = config.site.treelink.unwrap();
    assert_eq!(page.theme, mycelia_spore::model::Theme::default());
    assert!(page.avatar.image.is_none() && page.entries.is_empty());
}

#[test]
fn settings_of_each_provider() {
    let settings = |edit: fn(Config<'_>)| edited(edit).unwrap().hosting.settings;
    let HostingSettings::CloudflarePages(pages) = settings(|c| {
        c.init_hosting();
    }) else {
        panic!("the first provider is the default");
    };
    assert_eq!(
        (pages.release, pages.functions),
        (PagesRelease::DirectUpload, PagesFunctions::Auto)
    );
    let HostingSettings::LocalStatic(local) = settings(|c| {
        let mut settings = local(c);
        settings.set_root("/srv/www");
        settings.set_keep_releases(2);
    }) else {
        panic!("hosting on this machine");
    };
    assert_eq!(
        (local.root.unwrap().as_str(), local.keep_releases),
        ("/srv/www", 2)
    );
    let HostingSettings::S3Static(bucket) = settings(|c| bucket(c).set_configure_website(true))
    else {
        panic!("hosting in a bucket");
    };
    assert_eq!(bucket.bucket.as_str(), "field-notes");
    assert!(bucket.configure_website && bucket.region.is_empty());
    let HostingSettings::CriomosHost(host) = settings(|c| {
        criomos(c).init_health_check().set_path("/healthz");
    }) else {
        panic!("Nix hosts");
    };
    assert_eq!(
        (host.keep_generations, host.health_check.expect_status),
        (5, 200)
    );
    assert_eq!(host.health_check.path.unwrap().as_str(), "/healthz");
}

#[test]
fn texts_at_their_limits() {
    let config = edited(|mut c| {
        c.set_request_id("x".repeat(128));
        let mut site = c.reborrow().get_site().unwrap();
        site.set_id("x".repeat(63));
        site.set_title("ü".repeat(200));
        c.get_dns()
            .unwrap()
            .get_records()
            .unwrap()
            .get(0)
            .set_ttl(86_400);
    })
    .unwrap();
    assert_eq!(config.site.title.as_str().chars().count(), 200);
    assert_eq!(config.site.id.as_str().len(), 63);
    assert_eq!(config.dns.unwrap().records[0].ttl, Ttl::Seconds(86_400));
}

#[test]
fn automatic_and_default_time_to_live() {
    for (written, read) in [
        (0, Ttl::Default),
        (1, Ttl::Automatic),
        (30, Ttl::Seconds(30)),
    ] {
        let config = edited(|c| super::sample::record(c).set_ttl(written)).unwrap();
        assert_eq!(config.dns.unwrap().records[0].ttl, read);
    }
}

#[test]
fn a_newer_writer_may_vouch_for_older_readers() {
    let config = edited(|mut c| {
        c.set_schema_version(5);
        c.set_min_reader_version(1);
    });
    assert_eq!(config.unwrap().schema_version, 5);
}

#[test]
fn fields_of_other_repositories_may_be_there_if_they_are_empty() {
    assert!(edited(|c| repo(c).set_url("")).is_ok());
    let config = edited(|c| {
        let mut repo = c.init_repo();
        repo.set_provider(RepoProvider::Gitlab);
        repo.set_slug("group/sub/name");
    });
    assert!(matches!(
        config.unwrap().repo.unwrap().place,
        RepoPlace::Gitlab(_)
    ));
}
