//! Sites with Functions, and uploads by Cloudflare's own client, with the real client.

use crate::cloudflare::{Fake, Fault, Trouble};
use crate::common::{artifact, block_on};
use crate::place::{Place, site};
use crate::tools::{on_path, skipped};
use mycelia_spore::artifact::Artifact;
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::hosting::cloudflare_pages::{Driver, PagesOptions};
use mycelia_spore::model::{HostingSettings, PagesFunctions};
use mycelia_spore::plan::Plan;
use mycelia_spore::release::RedirectRule;
use std::path::PathBuf;
use std::sync::Arc;

const HELLO: &str = "export const onRequest = () => new Response('hello');";

/// The real client; `None`, and said so, when it is not there.
fn wrangler(unchecked: &str) -> Option<PathBuf> {
    let modules = std::env::var_os("SPORE_NODE_MODULES").map(PathBuf::from);
    let program = modules.map(|modules| modules.join(".bin/wrangler"));
    let Some(program) = program.filter(|program| program.is_file()) else {
        skipped(
            "SPORE_NODE_MODULES names no folder with wrangler",
            unchecked,
        );
        return None;
    };
    on_path("node", unchecked).then_some(program)
}

fn place(wrangler: PathBuf, driver: Driver) -> Place {
    let options = PagesOptions {
        wrangler: Some(wrangler),
        driver,
        ..PagesOptions::default()
    };
    Place::over(Fake::start(), options)
}

fn with_functions() -> Arc<Artifact> {
    artifact(&[
        ("index.html", "<h1>one"),
        ("functions/api/hello.js", HELLO),
        ("_headers", "/*\n  X-Own: 1\n"),
    ])
}

/// The parts of the deployment that is live, and the paths of its files.
fn live(place: &Place) -> (Vec<String>, Vec<String>) {
    let project = place.fake.project("blog");
    let deployment = project.live().unwrap();
    (
        deployment.parts.keys().cloned().collect(),
        deployment.manifest.keys().cloned().collect(),
    )
}

#[test]
fn functions_are_bundled_and_go_along() {
    let Some(program) = wrangler("Functions through the backend") else {
        return;
    };
    block_on(async {
        let place = place(program, Driver::Native);
        let mut site = site("blog", &[]);
        let applying = place.apply(&site, &with_functions()).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let (parts, paths) = live(&place);
        for part in [
            "_headers",
            "_routes.json",
            "_worker.bundle",
            "functions-filepath-routing-config.json",
        ] {
            assert!(parts.iter().any(|it| it == part), "{part}: {parts:?}");
        }
        assert_eq!(paths, ["/404.html", "/index.html"]);
        assert_eq!(
            place.plan(&site, Some(&with_functions())).await,
            Plan::default()
        );
        // Left out when the message says so, which is another release.
        let HostingSettings::CloudflarePages(pages) = &mut site.hosting.settings else {
            unreachable!()
        };
        pages.functions = PagesFunctions::Off;
        let applying = place.apply(&site, &with_functions()).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let (parts, _) = live(&place);
        assert!(
            !parts.iter().any(|part| part == "_worker.bundle"),
            "{parts:?}"
        );
        assert_eq!(place.fake.violations(), Vec::<String>::new());
    });
}

#[test]
fn a_function_that_cannot_be_bundled_is_told_and_nothing_is_sent() {
    let Some(program) = wrangler("a broken Function through the backend") else {
        return;
    };
    block_on(async {
        let place = place(program, Driver::Native);
        let files = artifact(&[
            ("index.html", "<h1>one"),
            ("functions/api/hello.js", "export const onRequest = () => {"),
        ]);
        let applying = place.apply(&site("blog", &[]), &files).await;
        let [error] = &applying.errors[..] else {
            panic!("{:?}", applying.steps)
        };
        assert!(error.message.contains("hello.js"), "{error}");
        assert!(place.fake.project("blog").assets.is_empty());
        assert!(place.fake.project("blog").deployments.is_empty());
    });
}

#[test]
fn without_the_client_only_sites_with_functions_fail() {
    block_on(async {
        let place = place("/nowhere/wrangler".into(), Driver::Native);
        let applying = place.apply(&site("blog", &[]), &with_functions()).await;
        let [error] = &applying.errors[..] else {
            panic!("{:?}", applying.steps)
        };
        assert_eq!(error.kind, EdgeErrorKind::Rejected);
        assert_eq!(error.path, "hosting.cloudflarePages.functions");
        assert!(
            error
                .hint
                .as_ref()
                .unwrap()
                .contains("npm install -g wrangler")
        );
        assert!(place.fake.project("blog").assets.is_empty());
        let plain = artifact(&[("index.html", "<h1>two")]);
        let applying = place.apply(&site("shop", &[]), &plain).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
    });
}

/// A site that uses every rule there is.
fn ruled(id: &str) -> DesiredSite {
    let mut site = site(id, &[]);
    site.hosting.rules.redirects.push(RedirectRule {
        from: "/old".into(),
        to: "/new".into(),
        status: 301,
    });
    site.hosting.rules.error_document = Some("errors/lost.html".into());
    site
}

#[test]
fn both_drivers_publish_the_same() {
    let Some(program) = wrangler("the wrangler driver") else {
        return;
    };
    let files = || {
        artifact(&[
            ("index.html", "<h1>one"),
            ("errors/lost.html", "<h1>lost"),
            ("a/b.css", "b{}"),
            ("_headers", "/*\n  X-Own: 1\n"),
            ("_redirects", "/a /b 302\n"),
        ])
    };
    block_on(async {
        let own = place(program.clone(), Driver::Native);
        let applying = own.apply(&ruled("blog"), &files()).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let theirs = place(program, Driver::Wrangler);
        let applying = theirs.apply(&ruled("blog"), &files()).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let seen = |place: &Place| {
            let project = place.fake.project("blog");
            let live = project.live().unwrap();
            let text = |name: &str| live.parts.get(name).map(|part| part.to_vec());
            let parts = (text("_headers"), text("_redirects"));
            (
                live.manifest.clone(),
                parts,
                live.trigger.commit_hash.clone(),
            )
        };
        assert_eq!(seen(&own), seen(&theirs));
        assert_eq!(
            theirs.plan(&ruled("blog"), Some(&files())).await,
            Plan::default()
        );
        // An answer that is lost makes no second deployment.
        let lost = Fault::new(Trouble::DoneThenLost);
        let path = "/accounts/*/pages/projects/*/deployments";
        theirs.fake.fault(lost.on("POST", path).nth(1));
        let other = artifact(&[("index.html", "<h1>two"), ("errors/lost.html", "<h1>lost")]);
        let applying = theirs.apply(&ruled("blog"), &other).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        assert_eq!(theirs.fake.project("blog").deployments.len(), 2);
    });
}
