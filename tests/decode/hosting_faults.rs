//! Spoilt fields of the hosting section.

use super::sample::{bucket, check, criomos, hosting, local, number, pages};
use mycelia_spore::schema::spore_capnp::HostingProvider;

#[test]
fn common_fields() {
    check(&[
        ("enum-unknown", "hosting.provider", |c| {
            number(hosting(c), "provider", 4)
        }),
        ("field-misplaced", "hosting.localStatic", |c| {
            hosting(c).init_local_static();
        }),
        ("field-misplaced", "hosting.cloudflarePages", |c| {
            hosting(c).set_provider(HostingProvider::LocalStatic);
        }),
        ("missing", "hosting.s3Static", |c| {
            c.init_hosting().set_provider(HostingProvider::S3Static);
        }),
        ("missing", "hosting.criomosHost", |c| {
            c.init_hosting().set_provider(HostingProvider::CriomosHost);
        }),
        ("name-syntax", "hosting.projectName", |c| {
            hosting(c).set_project_name("a.b")
        }),
        ("ref-syntax", "hosting.productionBranch", |c| {
            hosting(c).set_production_branch("-x")
        }),
        ("path-syntax", "hosting.errorDocument", |c| {
            hosting(c).set_error_document("../x")
        }),
        ("field-conflict", "hosting.errorDocument", |c| {
            let mut hosting = hosting(c);
            hosting.set_error_document("404.html");
            hosting.set_single_page_fallback(true);
        }),
    ]);
}

#[test]
fn headers_and_redirects() {
    check(&[
        ("too-long", "hosting.headers", |c| {
            hosting(c).init_headers(101);
        }),
        ("missing", "hosting.headers[0].path", |c| {
            hosting(c).init_headers(1);
        }),
        ("path-syntax", "hosting.headers[0].path", |c| {
            hosting(c).get_headers().unwrap().get(0).set_path("assets");
        }),
        ("too-long", "hosting.headers[0].set", |c| {
            hosting(c).get_headers().unwrap().get(0).init_set(51);
        }),
        ("header-syntax", "hosting.headers[0].set[0].name", |c| {
            let mut header = hosting(c).get_headers().unwrap().get(0).init_set(1).get(0);
            header.set_name("a b");
            header.set_value("x");
        }),
        ("header-syntax", "hosting.headers[0].set[0].value", |c| {
            let mut header = hosting(c).get_headers().unwrap().get(0).init_set(1).get(0);
            header.set_name("A");
            header.set_value("a\r\nSet-Cookie: b");
        }),
        ("missing", "hosting.headers[0].unset[0]", |c| {
            hosting(c).get_headers().unwrap().get(0).init_unset(1);
        }),
        ("too-long", "hosting.redirects", |c| {
            hosting(c).init_redirects(2001);
        }),
        ("path-syntax", "hosting.redirects[0].from", |c| {
            hosting(c).get_redirects().unwrap().get(0).set_from("/a b");
        }),
        ("url-syntax", "hosting.redirects[0].to", |c| {
            hosting(c)
                .get_redirects()
                .unwrap()
                .get(0)
                .set_to("//elsewhere.example");
        }),
        ("url-syntax", "hosting.redirects[0].to", |c| {
            hosting(c)
                .get_redirects()
                .unwrap()
                .get(0)
                .set_to("http://elsewhere.example");
        }),
        ("out-of-range", "hosting.redirects[0].status", |c| {
            hosting(c).get_redirects().unwrap().get(0).set_status(404);
        }),
        ("field-conflict", "hosting.redirects[0].to", |c| {
            let mut redirect = hosting(c).get_redirects().unwrap().get(0);
            redirect.set_to("https://elsewhere.example/");
            redirect.set_status(200);
        }),
    ]);
}

#[test]
fn cloudflare_pages() {
    check(&[
        ("name-syntax", "hosting.cloudflarePages.account", |c| {
            pages(c).set_account("A")
        }),
        ("enum-unknown", "hosting.cloudflarePages.release", |c| {
            number(pages(c), "release", 2)
        }),
        (
            "date-syntax",
            "hosting.cloudflarePages.compatibilityDate",
            |c| {
                pages(c).set_compatibility_date("2026-02-30");
            },
        ),
        (
            "date-syntax",
            "hosting.cloudflarePages.compatibilityDate",
            |c| {
                pages(c).set_compatibility_date("20261101");
            },
        ),
        (
            "too-long",
            "hosting.cloudflarePages.compatibilityFlags",
            |c| {
                pages(c).init_compatibility_flags(51);
            },
        ),
        ("too-long", "hosting.cloudflarePages.environment", |c| {
            pages(c).init_environment(65);
        }),
        (
            "missing",
            "hosting.cloudflarePages.previewEnvironment[0].name",
            |c| {
                pages(c).init_preview_environment(1);
            },
        ),
        ("enum-unknown", "hosting.cloudflarePages.functions", |c| {
            number(pages(c), "functions", 2);
        }),
    ]);
}

#[test]
fn local_static() {
    check(&[
        ("enum-unknown", "hosting.localStatic.server", |c| {
            number(local(c), "server", 3)
        }),
        ("path-syntax", "hosting.localStatic.root", |c| {
            local(c).set_root("srv")
        }),
        ("out-of-range", "hosting.localStatic.keepReleases", |c| {
            local(c).set_keep_releases(1)
        }),
        ("out-of-range", "hosting.localStatic.keepReleases", |c| {
            local(c).set_keep_releases(101)
        }),
    ]);
}

#[test]
fn s3_static() {
    check(&[
        ("missing", "hosting.s3Static.bucket", |c| {
            bucket(c).set_bucket("")
        }),
        ("name-syntax", "hosting.s3Static.bucket", |c| {
            bucket(c).set_bucket("ab")
        }),
        ("name-syntax", "hosting.s3Static.bucket", |c| {
            bucket(c).set_bucket("A-b")
        }),
        ("too-long", "hosting.s3Static.bucket", |c| {
            bucket(c).set_bucket("x".repeat(64))
        }),
        ("too-long", "hosting.s3Static.region", |c| {
            bucket(c).set_region("x".repeat(64))
        }),
        ("too-long", "hosting.s3Static.prefix", |c| {
            bucket(c).set_prefix("x".repeat(513))
        }),
        ("name-syntax", "hosting.s3Static.credential", |c| {
            bucket(c).set_credential("a b")
        }),
        ("too-long", "hosting.s3Static.cacheRules", |c| {
            bucket(c).init_cache_rules(101);
        }),
        (
            "missing",
            "hosting.s3Static.cacheRules[0].cacheControl",
            |c| {
                bucket(c).init_cache_rules(1).get(0).set_path("/*");
            },
        ),
    ]);
}

#[test]
fn criomos_host() {
    check(&[
        ("missing", "hosting.criomosHost.targets", |c| {
            criomos(c).init_targets(0);
        }),
        ("too-long", "hosting.criomosHost.targets[0]", |c| {
            criomos(c).init_targets(1).set(0, "x".repeat(256).as_str());
        }),
        ("out-of-range", "hosting.criomosHost.keepGenerations", |c| {
            criomos(c).set_keep_generations(1);
        }),
        ("path-syntax", "hosting.criomosHost.healthCheck.path", |c| {
            criomos(c).init_health_check().set_path("x");
        }),
        (
            "out-of-range",
            "hosting.criomosHost.healthCheck.expectStatus",
            |c| {
                criomos(c).init_health_check().set_expect_status(99);
            },
        ),
        (
            "out-of-range",
            "hosting.criomosHost.healthCheck.timeoutSeconds",
            |c| {
                criomos(c).init_health_check().set_timeout_seconds(0);
            },
        ),
    ]);
}
