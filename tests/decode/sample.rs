//! A message with every section, and ways to spoil it.

use capnp::introspect::TypeVariant;
use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::schema::EnumSchema;
use capnp::{dynamic_struct, dynamic_value, serialize, text};
use mycelia_spore::model::{Faults, SporeConfig};
use mycelia_spore::schema::spore_capnp::{
    BuildType, DnsRecordType, HostingProvider, Platform, Registrar, RepoProvider, SiteKind, avatar,
    build, cloudflare_pages, contact, criomos_host, dns_config, dns_record, domains, entry,
    hosting, label, local_static, purchase_config, repo, s3_static, seo, site, social,
    spore_config, theme, treelink,
};

/// The smallest picture that is told to be one.
pub(crate) const GIF: &[u8] = b"GIF89a";

pub(crate) type Config<'a> = spore_config::Builder<'a>;

/// A message after an edit of the sample.
pub(crate) fn message(edit: impl FnOnce(Config<'_>)) -> Builder<HeapAllocator> {
    let mut message = Builder::new_default();
    let mut config: Config<'_> = message.init_root();
    fill(&mut config);
    edit(config);
    message
}

/// The outcome of decoding.
pub(crate) fn decode(message: &Builder<HeapAllocator>) -> Result<SporeConfig, Faults> {
    SporeConfig::from_reader(message.get_root_as_reader().unwrap())
}

/// The sample after an edit, decoded.
pub(crate) fn edited(edit: impl FnOnce(Config<'_>)) -> Result<SporeConfig, Faults> {
    decode(&message(edit))
}

/// Code and path of each fault.
pub(crate) fn told(outcome: Result<SporeConfig, Faults>) -> Vec<(String, String)> {
    let faults = outcome.err().map_or_else(Vec::new, Faults::into_vec);
    faults
        .into_iter()
        .map(|fault| (fault.code.to_owned(), fault.path))
        .collect()
}

/// A spoilt sample: the code and the path of the one fault that is expected.
pub(crate) type Case = (&'static str, &'static str, fn(Config<'_>));

/// Checks that each case yields its one fault, and says all that do not.
pub(crate) fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for (number, (code, path, edit)) in cases.iter().enumerate() {
        let found = told(edited(edit));
        if found != [((*code).to_owned(), (*path).to_owned())] {
            wrong.push(format!("case {number}: {code} {path}: found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A text that need not be UTF-8.
pub(crate) const fn raw(bytes: &[u8]) -> text::Reader<'_> {
    text::Reader(bytes)
}

/// Sets an enum field to a number that the schema may not know.
pub(crate) fn number<'b>(builder: impl Into<dynamic_value::Builder<'b>>, field: &str, number: u16) {
    let mut builder: dynamic_struct::Builder<'_> = builder.into().downcast();
    let field = builder.get_schema().get_field_by_name(field).unwrap();
    let TypeVariant::Enum(raw) = field.get_type().which() else {
        panic!("not an enum");
    };
    let value = dynamic_value::Enum::new(number, EnumSchema::new(raw));
    builder.set(field, value.into()).unwrap();
}

/// Takes a field away, as a writer that never set it.
pub(crate) fn clear<'b>(builder: impl Into<dynamic_value::Builder<'b>>, field: &str) {
    let mut builder: dynamic_struct::Builder<'_> = builder.into().downcast();
    builder.clear_named(field).unwrap();
}

/// The bytes of two messages that differ in one byte, with another value there. This is the way to a union
/// choice that the schema does not know: the two messages choose differently.
pub(crate) fn patched(
    one: &Builder<HeapAllocator>,
    other: &Builder<HeapAllocator>,
    value: u8,
) -> Result<SporeConfig, Faults> {
    let mut bytes = serialize::write_message_to_words(one);
    let others = serialize::write_message_to_words(other);
    let differ: Vec<usize> = (0..bytes.len())
        .filter(|&at| bytes[at] != others[at])
        .collect();
    let [at] = differ[..] else {
        panic!("the messages differ at {differ:?}");
    };
    bytes[at] = value;
    decode_flat(&bytes)
}

/// Decodes an unpacked message.
pub(crate) fn decode_flat(mut bytes: &[u8]) -> Result<SporeConfig, Faults> {
    let reader = serialize::read_message(&mut bytes, ReaderOptions::new()).unwrap();
    SporeConfig::from_reader(reader.get_root().unwrap())
}

macro_rules! sections {
    ($($name:ident: $getter:ident -> $module:ident),* $(,)?) => {
        $(pub(crate) fn $name(config: Config<'_>) -> $module::Builder<'_> {
            config.$getter().unwrap()
        })*
    };
}
sections! {
    site: get_site -> site,
    repo: get_repo -> repo,
    build: get_build -> build,
    domains: get_domains -> domains,
    hosting: get_hosting -> hosting,
    dns: get_dns -> dns_config,
    purchase: get_purchase -> purchase_config,
}

pub(crate) fn label(config: Config<'_>) -> label::Builder<'_> {
    config.get_labels().unwrap().get(0)
}

pub(crate) fn page(config: Config<'_>) -> treelink::Builder<'_> {
    site(config).get_treelink().unwrap()
}

pub(crate) fn avatar(config: Config<'_>) -> avatar::Builder<'_> {
    page(config).get_avatar().unwrap()
}

pub(crate) fn entry(config: Config<'_>) -> entry::Builder<'_> {
    page(config).get_entries().unwrap().get(0)
}

/// The first entry, as a link.
pub(crate) fn link(config: Config<'_>) -> entry::link::Builder<'_> {
    match entry(config).which().unwrap() {
        entry::Link(link) => link,
        _ => panic!("the first entry is a link"),
    }
}

pub(crate) fn social(config: Config<'_>) -> social::Builder<'_> {
    page(config).get_socials().unwrap().get(0)
}

pub(crate) fn contact(config: Config<'_>) -> contact::Builder<'_> {
    page(config).get_contact().unwrap()
}

pub(crate) fn theme(config: Config<'_>) -> theme::Builder<'_> {
    page(config).get_theme().unwrap()
}

pub(crate) fn seo(config: Config<'_>) -> seo::Builder<'_> {
    page(config).get_seo().unwrap()
}

pub(crate) fn pages(config: Config<'_>) -> cloudflare_pages::Builder<'_> {
    hosting(config).get_cloudflare_pages().unwrap()
}

pub(crate) fn record(config: Config<'_>) -> dns_record::Builder<'_> {
    dns(config).get_records().unwrap().get(0)
}

/// The sample with hosting at this provider instead.
fn hosted(config: Config<'_>, provider: HostingProvider) -> hosting::Builder<'_> {
    let mut hosting = config.init_hosting();
    hosting.set_provider(provider);
    hosting
}

pub(crate) fn local(config: Config<'_>) -> local_static::Builder<'_> {
    hosted(config, HostingProvider::LocalStatic).init_local_static()
}

/// A bucket, with its name.
pub(crate) fn bucket(config: Config<'_>) -> s3_static::Builder<'_> {
    let mut settings = hosted(config, HostingProvider::S3Static).init_s3_static();
    settings.set_bucket("field-notes");
    settings
}

/// Nix hosts, with one target.
pub(crate) fn criomos(config: Config<'_>) -> criomos_host::Builder<'_> {
    let mut settings = hosted(config, HostingProvider::CriomosHost).init_criomos_host();
    settings.reborrow().init_targets(1).set(0, "local");
    settings
}

fn fill(config: &mut Config<'_>) {
    config.set_schema_version(1);
    config.set_generation(7);
    config.set_request_id("deploy-4711");
    let mut label = config.reborrow().init_labels(1).get(0);
    label.set_key("team");
    label.set_value("docs");
    fill_site(config.reborrow().init_site());
    fill_source(config);
    let mut domains = config.reborrow().init_domains();
    domains.set_primary("spore.example");
    domains.init_aliases(1).set(0, "www.spore.example");
    fill_hosting(config.reborrow().init_hosting());
    let mut dns = config.reborrow().init_dns();
    dns.set_zone_id("spore.example");
    let mut record = dns.init_records(1).get(0);
    record.set_name("www");
    record.set_type(DnsRecordType::A);
    record.set_value("192.0.2.10");
    record.set_ttl(300);
    let mut purchase = config.reborrow().init_purchase();
    purchase.set_provider(Registrar::Gandi);
    purchase.set_domain("spore.example");
    let mut price = purchase.init_maximum_price();
    price.set_minor_units(1299);
    price.set_currency("EUR");
}

fn fill_site(mut site: site::Builder<'_>) {
    site.set_id("field-notes");
    site.set_title("Field notes");
    site.set_kind(SiteKind::Blog);
    site.set_description("Where mushrooms grow.");
    site.set_language("pt-BR");
    let mut page = site.init_treelink();
    page.set_name("Li");
    page.reborrow().init_avatar().set_image(GIF);
    let mut entries = page.reborrow().init_entries(3);
    let mut first = entries.reborrow().get(0);
    first.set_not_before("2026-12-01T08:00:00+01:00");
    first.set_not_after("2026-12-02T08:00:00+01:00");
    let mut link = first.init_link();
    link.set_title("Notes");
    link.set_url("https://spore.example/notes");
    entries.reborrow().get(1).set_heading("More");
    entries.get(2).set_text("Two\nlines");
    let mut social = page.reborrow().init_socials(1).get(0);
    social.set_platform(Platform::Github);
    social.set_handle("mycelia");
    let mut contact = page.reborrow().init_contact();
    contact.set_email("li@example.net");
    contact.set_phone("+351 912 345 678");
    page.reborrow().init_theme().set_accent("#2f6f4e");
    page.reborrow().init_seo().set_description("A page.");
    page.init_verify(1)
        .set(0, "https://mastodon.example/@spore");
}

fn fill_source(config: &mut Config<'_>) {
    let mut repo = config.reborrow().init_repo();
    repo.set_provider(RepoProvider::Github);
    repo.set_slug("example-org/field-notes");
    let mut build = config.reborrow().init_build();
    build.set_type(BuildType::Hugo);
    build.set_output_dir("public");
    build.reborrow().init_command(1).set(0, "hugo");
    let mut variable = build.init_environment(1).get(0);
    variable.set_name("LANG");
    variable.set_value("C.UTF-8");
}

fn fill_hosting(mut hosting: hosting::Builder<'_>) {
    hosting.set_provider(HostingProvider::CloudflarePages);
    hosting.set_project_name("field-notes");
    hosting.set_production_branch("main");
    let mut rule = hosting.reborrow().init_headers(1).get(0);
    rule.set_path("/assets/*");
    rule.reborrow().init_unset(1).set(0, "X-Frame-Options");
    let mut header = rule.init_set(1).get(0);
    header.set_name("Cache-Control");
    header.set_value("public, max-age=31536000");
    let mut redirect = hosting.reborrow().init_redirects(1).get(0);
    redirect.set_from("/old/*");
    redirect.set_to("/new/:splat");
    redirect.set_status(301);
    let mut pages = hosting.init_cloudflare_pages();
    pages.set_account("main");
    pages.set_compatibility_date("2026-11-01");
    pages
        .reborrow()
        .init_compatibility_flags(1)
        .set(0, "nodejs_compat");
    let mut variable = pages.init_environment(1).get(0);
    variable.set_name("API");
    variable.set_credential("api-key");
}
