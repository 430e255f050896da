//! The `hosting` section.

use super::cursor::Cursor;
use super::variable;
use crate::model::{
    CacheRule, CloudflarePages, CriomosHost, HeaderName, HeaderRule, HeaderValue, HealthCheck,
    Hosting, HostingProvider, HostingSettings, Line, LocalServer, LocalStatic, PagesFunctions,
    PagesPreviews, PagesRelease, RedirectRule, S3Static,
};
use crate::schema::enumerant_name;
use crate::schema::spore_capnp::{
    cache_rule, cloudflare_pages, criomos_host, header, header_rule, health_check, hosting,
    local_static, redirect_rule, s3_static,
};

use capnp::text_list;

/// Releases and generations kept when a message does not say.
const KEEP_DEFAULT: u16 = 5;

pub(super) fn hosting(c: &mut Cursor, r: hosting::Reader<'_>) -> Option<Hosting> {
    let settings = settings(c, r);
    let project_name = c.text("projectName", r.get_project_name());
    let production_branch = c.text("productionBranch", r.get_production_branch());
    let headers = c.list("headers", r.get_headers(), 100, header_rule);
    let redirects = c.list("redirects", r.get_redirects(), 2000, redirect_rule);
    let error_document = c.text("errorDocument", r.get_error_document());
    let single_page_fallback = r.get_single_page_fallback();
    if single_page_fallback && error_document.is_some() {
        c.at("errorDocument").fault(
            "field-conflict",
            "not together with singlePageFallback: one of them answers missing paths",
        );
    }
    Some(Hosting {
        settings: settings?,
        project_name,
        production_branch,
        headers,
        redirects,
        error_document,
        single_page_fallback,
    })
}

/// The settings of the selected provider; those of another are a fault.
fn settings(c: &mut Cursor, r: hosting::Reader<'_>) -> Option<HostingSettings> {
    let provider = c.choice("provider", r.get_provider())?;
    let given = [
        (
            HostingProvider::CloudflarePages,
            "cloudflarePages",
            r.has_cloudflare_pages(),
        ),
        (
            HostingProvider::LocalStatic,
            "localStatic",
            r.has_local_static(),
        ),
        (HostingProvider::S3Static, "s3Static", r.has_s3_static()),
        (
            HostingProvider::CriomosHost,
            "criomosHost",
            r.has_criomos_host(),
        ),
    ];
    for (owner, field, given) in given {
        if given && owner != provider {
            c.at(field).fault(
                "field-misplaced",
                format!("not used by provider {}", enumerant_name(provider)),
            );
        }
    }
    match provider {
        HostingProvider::CloudflarePages => {
            let given = r.has_cloudflare_pages();
            let read = r.get_cloudflare_pages();
            let settings = c.section("cloudflarePages", given, read, cloudflare_pages);
            let settings = if given {
                settings?
            } else {
                CloudflarePages::default()
            };
            Some(HostingSettings::CloudflarePages(settings))
        }
        HostingProvider::LocalStatic => {
            let given = r.has_local_static();
            let settings = c.section("localStatic", given, r.get_local_static(), local_static);
            let settings = if given {
                settings?
            } else {
                LocalStatic::default()
            };
            Some(HostingSettings::LocalStatic(settings))
        }
        HostingProvider::S3Static => c
            .required("s3Static", r.has_s3_static(), r.get_s3_static(), s3_static)
            .map(HostingSettings::S3Static),
        HostingProvider::CriomosHost => c
            .required(
                "criomosHost",
                r.has_criomos_host(),
                r.get_criomos_host(),
                criomos_host,
            )
            .map(HostingSettings::CriomosHost),
    }
}

impl Default for CloudflarePages {
    /// What the schema gives for an absent section.
    fn default() -> Self {
        Self {
            account: None,
            release: PagesRelease::DirectUpload,
            compatibility_date: None,
            compatibility_flags: Vec::new(),
            environment: Vec::new(),
            preview_environment: Vec::new(),
            functions: PagesFunctions::Auto,
            preview_deployments: PagesPreviews::Unchanged,
            preview_branches: Vec::new(),
            preview_branch_excludes: Vec::new(),
        }
    }
}

impl Default for LocalStatic {
    /// What the schema gives for an absent section.
    fn default() -> Self {
        Self {
            server: LocalServer::Embedded,
            root: None,
            keep_releases: KEEP_DEFAULT,
        }
    }
}

fn cloudflare_pages(c: &mut Cursor, r: cloudflare_pages::Reader<'_>) -> Option<CloudflarePages> {
    let account = c.text("account", r.get_account());
    let release = c.choice("release", r.get_release());
    let compatibility_date = c.text("compatibilityDate", r.get_compatibility_date());
    let compatibility_flags = c.texts("compatibilityFlags", r.get_compatibility_flags(), 50);
    let environment = c.list("environment", r.get_environment(), 64, variable);
    let preview_environment = c.list(
        "previewEnvironment",
        r.get_preview_environment(),
        64,
        variable,
    );
    let functions = c.choice("functions", r.get_functions());
    let previews = c.choice("previewDeployments", r.get_preview_deployments());
    let preview_branches = c.texts("previewBranches", r.get_preview_branches(), 50);
    let excludes = c.texts("previewBranchExcludes", r.get_preview_branch_excludes(), 50);
    let settings = CloudflarePages {
        account,
        release: release?,
        compatibility_date,
        compatibility_flags,
        environment,
        preview_environment,
        functions: functions?,
        preview_deployments: previews?,
        preview_branches,
        preview_branch_excludes: excludes,
    };
    previews_fit(c, &settings);
    Some(settings)
}

/// Previews are decided here only for a repository that Cloudflare builds.
fn previews_fit(c: &mut Cursor, settings: &CloudflarePages) {
    let connected = settings.release == PagesRelease::GitIntegration;
    let custom = settings.preview_deployments == PagesPreviews::Custom;
    let given = [
        (
            "previewDeployments",
            settings.preview_deployments != PagesPreviews::Unchanged,
            connected,
        ),
        (
            "previewBranches",
            !settings.preview_branches.is_empty(),
            connected && custom,
        ),
        (
            "previewBranchExcludes",
            !settings.preview_branch_excludes.is_empty(),
            connected && custom,
        ),
    ];
    for (field, given, fits) in given {
        if given && !fits {
            let message = if connected {
                "used with previewDeployments = custom only"
            } else {
                "used with release = gitIntegration only"
            };
            c.at(field).fault("field-misplaced", message);
        }
    }
}

/// How many are kept: 2 at least, the current one and the one before; 0 for the default.
fn keep(c: &mut Cursor, field: &'static str, count: u16) -> Option<u16> {
    match count {
        0 => Some(KEEP_DEFAULT),
        count => c.within(field, count, 2..=100),
    }
}

fn local_static(c: &mut Cursor, r: local_static::Reader<'_>) -> Option<LocalStatic> {
    let server = c.choice("server", r.get_server());
    let root = c.text("root", r.get_root());
    let keep_releases = keep(c, "keepReleases", r.get_keep_releases());
    Some(LocalStatic {
        server: server?,
        root,
        keep_releases: keep_releases?,
    })
}

fn s3_static(c: &mut Cursor, r: s3_static::Reader<'_>) -> Option<S3Static> {
    let bucket = c.need::<Line<63>>("bucket", r.get_bucket());
    let region = c.text("region", r.get_region()).unwrap_or_default();
    let endpoint = c.text("endpoint", r.get_endpoint());
    let prefix = c.text("prefix", r.get_prefix());
    let credential = c.text("credential", r.get_credential());
    let cache_rules = c.list("cacheRules", r.get_cache_rules(), 100, cache_rule);
    let index_document = c
        .text("indexDocument", r.get_index_document())
        .unwrap_or_default();
    let error_document = c
        .text("errorDocument", r.get_error_document())
        .unwrap_or_default();
    let bucket = bucket?;
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    if bucket.as_str().len() < 3 || !bucket.as_str().bytes().all(allowed) {
        c.at("bucket")
            .fault(
                "name-syntax",
                format!("not a bucket name: {:?}", bucket.as_str()),
            )
            .hint("use 3 to 63 of a-z, 0-9, '.' and '-'");
    }
    Some(S3Static {
        bucket,
        region,
        endpoint,
        prefix,
        credential,
        cache_rules,
        index_document,
        error_document,
        configure_website: r.get_configure_website(),
    })
}

fn cache_rule(c: &mut Cursor, r: cache_rule::Reader<'_>) -> Option<CacheRule> {
    let path = c.need("path", r.get_path());
    let cache_control = c.need("cacheControl", r.get_cache_control());
    Some(CacheRule {
        path: path?,
        cache_control: cache_control?,
    })
}

fn criomos_host(c: &mut Cursor, r: criomos_host::Reader<'_>) -> Option<CriomosHost> {
    let targets = r.get_targets();
    let empty = targets.as_ref().is_ok_and(text_list::Reader::is_empty);
    let targets = c.texts("targets", targets, 32);
    let keep_generations = keep(c, "keepGenerations", r.get_keep_generations());
    let given = r.has_health_check();
    let health_check = c.section("healthCheck", given, r.get_health_check(), health_check);
    if empty {
        c.at("targets")
            .fault("missing", "at least one target is required");
    }
    Some(CriomosHost {
        targets,
        keep_generations: keep_generations?,
        health_check: if given {
            health_check?
        } else {
            HealthCheck::default()
        },
    })
}

impl Default for HealthCheck {
    /// What the schema gives for an absent check.
    fn default() -> Self {
        Self {
            path: None,
            expect_status: 200,
            timeout_seconds: 30,
        }
    }
}

fn health_check(c: &mut Cursor, r: health_check::Reader<'_>) -> Option<HealthCheck> {
    let path = c.text("path", r.get_path());
    let expect_status = c.within("expectStatus", r.get_expect_status(), 100..=599);
    let timeout_seconds = c.within("timeoutSeconds", r.get_timeout_seconds(), 1..=600);
    Some(HealthCheck {
        path,
        expect_status: expect_status?,
        timeout_seconds: timeout_seconds?,
    })
}

fn header_rule(c: &mut Cursor, r: header_rule::Reader<'_>) -> Option<HeaderRule> {
    let path = c.need("path", r.get_path());
    let set = c.list("set", r.get_set(), 50, header);
    let unset = c.texts("unset", r.get_unset(), 50);
    Some(HeaderRule {
        path: path?,
        set,
        unset,
    })
}

fn header(c: &mut Cursor, r: header::Reader<'_>) -> Option<(HeaderName, HeaderValue)> {
    let name = c.need("name", r.get_name());
    let value = c.need("value", r.get_value());
    Some((name?, value?))
}

fn redirect_rule(c: &mut Cursor, r: redirect_rule::Reader<'_>) -> Option<RedirectRule> {
    let from = c.need("from", r.get_from());
    let to = c.need::<crate::model::RedirectTarget>("to", r.get_to());
    let status = match r.get_status() {
        0 => Some(302),
        status @ (200 | 301 | 302 | 303 | 307 | 308) => Some(status),
        status => {
            c.at("status")
                .fault(
                    "out-of-range",
                    format!("{status} is not a redirect's status"),
                )
                .hint("use 301, 302, 303, 307, 308, or 200 to serve another path");
            None
        }
    };
    let to = to?;
    if status == Some(200) && !to.as_str().starts_with('/') {
        c.at("to").fault(
            "field-conflict",
            "with status 200 another path of the site is served: begin with '/'",
        );
    }
    Some(RedirectRule {
        from: from?,
        to,
        status: status?,
    })
}
