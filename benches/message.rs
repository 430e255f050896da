//! The messages that are measured: made by number, always the same for the same number.

use crate::harness::Result;
use capnp::message::{Builder, HeapAllocator};
use capnp::serialize_packed;
use mycelia_spore::schema::spore_capnp::{
    BuildType, CfFramework, DnsProvider, DnsRecordType, HostingProvider, Registrar, RepoProvider,
    SiteKind, spore_config,
};
use std::path::Path;

/// A blog with five domains and twenty DNS records of four types, about 1.8 KB packed.
pub(crate) fn blog(number: u64) -> Builder<HeapAllocator> {
    let mut message = Builder::new_default();
    let mut config = message.init_root::<spore_config::Builder<'_>>();
    config.set_schema_version(1);
    config.set_generation(number);
    website(&mut config, number);
    names(&mut config);
    records(&mut config);
    let mut labels = config.init_labels(2);
    for (index, (key, value)) in (0..).zip([("team", "web"), ("tier", "gold")]) {
        let mut label = labels.reborrow().get(index);
        label.set_key(key);
        label.set_value(value);
    }
    message
}

fn website(config: &mut spore_config::Builder<'_>, number: u64) {
    let mut site = config.reborrow().init_site();
    site.set_id(format!("site-{number:06}"));
    site.set_title("A small site about mushrooms");
    site.set_kind(SiteKind::Blog);
    site.set_description("Notes, field guides and a shop for spores and grow kits.");
    let mut repo = config.reborrow().init_repo();
    repo.set_provider(RepoProvider::Github);
    repo.set_slug("example-org/mushroom-site");
    repo.set_revision("4f2a9c0d1b7e8a6655443322110099ffeeddccbb");
    let mut build = config.reborrow().init_build();
    build.set_type(BuildType::HugoNix);
    build.set_output_dir("result/public");
    build.set_flake_attribute(".#site");
    build.set_framework(CfFramework::Hugo);
    let mut environment = build.init_environment(2);
    for (index, (name, value)) in
        (0..).zip([("HUGO_ENVIRONMENT", "production"), ("LANG", "C.UTF-8")])
    {
        let mut variable = environment.reborrow().get(index);
        variable.set_name(name);
        variable.set_value(value);
    }
    let mut hosting = config.reborrow().init_hosting();
    hosting.set_provider(HostingProvider::CloudflarePages);
    hosting.set_project_name("mushroom-site");
    hosting.set_production_branch("main");
    let mut pages = hosting.init_cloudflare_pages();
    pages.set_account("0123456789abcdef0123456789abcdef");
}

fn names(config: &mut spore_config::Builder<'_>) {
    let mut domains = config.reborrow().init_domains();
    domains.set_primary("mushroom.example");
    let names = [
        "www.mushroom.example",
        "spore.example",
        "www.spore.example",
        "blog.mushroom.example",
    ];
    let mut aliases = domains.init_aliases(4);
    for (index, name) in (0..).zip(names) {
        aliases.set(index, name);
    }
    let mut purchase = config.reborrow().init_purchase();
    purchase.set_provider(Registrar::Gandi);
    purchase.set_domain("spore.example");
}

fn records(config: &mut spore_config::Builder<'_>) {
    let mut dns = config.reborrow().init_dns();
    dns.set_provider(DnsProvider::Cloudflare);
    dns.set_zone_id("023e105f4ecef8ad9ca31a8372d0c353");
    let data = [
        (DnsRecordType::A, "192.0.2.10"),
        (DnsRecordType::Aaaa, "2001:db8::10"),
        (DnsRecordType::Cname, "mushroom-site.pages.dev"),
        (DnsRecordType::Txt, "v=spf1 include:_spf.example -all"),
    ];
    let mut records = dns.init_records(20);
    for (index, (kind, value)) in (0..20).zip(data.into_iter().cycle()) {
        let mut record = records.reborrow().get(index);
        record.set_name(format!("host{index}.mushroom.example"));
        record.set_type(kind);
        record.set_value(value);
        record.set_ttl(300);
        record.set_proxied(matches!(kind, DnsRecordType::A | DnsRecordType::Cname));
    }
}

/// A page of links published on this machine, about 0.4 KB packed.
pub(crate) fn links(number: u64) -> Builder<HeapAllocator> {
    let mut message = Builder::new_default();
    let mut config = message.init_root::<spore_config::Builder<'_>>();
    page(&mut config, number);
    let mut domains = config.reborrow().init_domains();
    domains.set_primary(format!("person{number}.example"));
    let mut hosting = config.init_hosting();
    hosting.set_provider(HostingProvider::LocalStatic);
    message
}

/// The same page published by Cloudflare Pages under the name that it gives.
pub(crate) fn pages_links(number: u64) -> Builder<HeapAllocator> {
    let mut message = Builder::new_default();
    let mut config = message.init_root::<spore_config::Builder<'_>>();
    page(&mut config, number);
    let mut hosting = config.init_hosting();
    hosting.set_provider(HostingProvider::CloudflarePages);
    message
}

fn page(config: &mut spore_config::Builder<'_>, number: u64) {
    config.set_schema_version(1);
    let mut site = config.reborrow().init_site();
    site.set_id(format!("links-{number:06}"));
    site.set_title(format!("Links of person {number}"));
    site.set_kind(SiteKind::Treelink);
    let mut page = site.init_treelink();
    page.set_headline("Mycologist, Porto");
    let mut entries = page.init_entries(4);
    for index in 0..4 {
        let mut link = entries.reborrow().get(index).init_link();
        link.set_title(format!("Link {index}"));
        link.set_url(format!("https://person{number}.example/{index}"));
    }
}

/// A folder of finished files, published as it is; in the stream encoding.
pub(crate) fn folder(id: &str, source: &Path, provider: HostingProvider) -> Result<Vec<u8>> {
    let mut message = Builder::new_default();
    let mut config = message.init_root::<spore_config::Builder<'_>>();
    config.reborrow().init_site().set_id(id);
    let mut repo = config.reborrow().init_repo();
    repo.set_provider(RepoProvider::Directory);
    repo.set_path(source.to_str().ok_or("a path that is not UTF-8")?);
    let mut build = config.reborrow().init_build();
    build.set_type(BuildType::StaticPrebuilt);
    config.init_hosting().set_provider(provider);
    let mut bytes = Vec::new();
    serialize_packed::write_message(&mut bytes, &message)?;
    Ok(bytes)
}

/// Messages in the stream encoding, back to back.
pub(crate) fn packed(
    numbers: impl Iterator<Item = u64>,
    make: fn(u64) -> Builder<HeapAllocator>,
) -> capnp::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for number in numbers {
        serialize_packed::write_message(&mut bytes, &make(number))?;
    }
    Ok(bytes)
}
