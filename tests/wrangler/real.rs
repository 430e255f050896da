//! The real client: what it makes of Functions for this program is what it sends itself.

use crate::recorder::{Form, Recorder, parts};
use crate::tools::{on_path, skipped};
use crate::{TOKEN, deploy, write};
use mycelia_spore::edge::{EdgeError, EdgeErrorKind};
use mycelia_spore::hosting::cloudflare_pages::wrangler::{
    Bundle, BundleOptions, Environment, FunctionsSource, Wrangler,
};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The real client; says loudly that it is not there.
fn client() -> Option<Wrangler> {
    let unchecked = "Functions by the real wrangler";
    let modules = env::var_os("SPORE_NODE_MODULES").map(PathBuf::from);
    let Some(program) = modules
        .map(|modules| modules.join(".bin/wrangler"))
        .filter(|program| program.is_file())
    else {
        skipped(
            "SPORE_NODE_MODULES names no folder with wrangler",
            unchecked,
        );
        return None;
    };
    on_path("node", unchecked).then(|| Wrangler::find(Some(&program)).unwrap())
}

/// A text without the client's version, so that the tests hold for others too.
fn unversioned(client: &Wrangler, text: &str) -> String {
    text.replace(&client.version().to_string(), "VERSION")
}

/// A site of these files and a page, with settings of its own for the client: other credentials, and a
/// configuration that would be sent along.
fn site(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    write(
        folder.path(),
        &[
            ("index.html", "<h1>site</h1>"),
            (
                ".env",
                "CLOUDFLARE_API_KEY=other\nCLOUDFLARE_EMAIL=other@example.org\n",
            ),
            (
                "wrangler.json",
                r#"{"name": "other", "pages_build_output_dir": "nowhere"}"#,
            ),
        ],
    );
    folder
}

fn bundle(client: &Wrangler, site: &Path) -> Result<Option<Bundle>, EdgeError> {
    let before = listing(site);
    let source = FunctionsSource::find(site).unwrap().unwrap();
    let bundle = client.bundle(&source, &BundleOptions::default());
    assert_eq!(listing(site), before, "the site's folder was written to");
    bundle
}

fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            all.push(path);
        }
    }
    all.sort();
    all
}

/// What the client itself sends for the site.
fn sent(client: &Wrangler, site: &Path) -> Form {
    let recorder = Recorder::start();
    let url = recorder.url();
    let mut wanted = deploy(site);
    wanted.api_base_url = Some(&url);
    let deployed = client.deploy(&wanted).unwrap();
    assert_eq!(
        (&*deployed.id, &*deployed.url),
        ("d1", "https://d1.p.pages.dev")
    );
    assert_eq!(
        deployed.alias.as_deref(),
        Some("https://feature.p.pages.dev")
    );
    assert_eq!(deployed.environment, Environment::Preview);
    let tokens = recorder.tokens();
    assert!(
        !tokens.is_empty()
            && tokens
                .iter()
                .all(|it| *it == format!("Bearer {}", TOKEN.expose())),
        "{tokens:?}"
    );
    let form = recorder.form();
    let text = |name: &str| str::from_utf8(&form[name]).unwrap();
    assert_eq!(text("branch"), wanted.branch);
    assert_eq!(text("commit_hash"), wanted.commit_hash);
    assert_eq!(
        text("commit_message"),
        wanted.commit_message.replace('\n', "\r\n")
    );
    assert_eq!(text("commit_dirty"), "false");
    assert!(!form.contains_key("wrangler_config_hash"));
    assert!(text("manifest").contains("/index.html"));
    form
}

/// The modules of a bundle and its metadata, without what differs between two runs: random numbers in names,
/// and comments that name the folders of the run.
fn modules(bundle: &[u8]) -> Vec<(String, String)> {
    let text = str::from_utf8(bundle).unwrap();
    let boundary = text.lines().next().unwrap().strip_prefix("--").unwrap();
    let modules = parts(bundle, boundary).into_iter().map(|(name, content)| {
        let content = String::from_utf8(content).unwrap();
        let kept: Vec<&str> = content
            .lines()
            .filter(|line| !line.starts_with("// "))
            .collect();
        (steady(&name), steady(&kept.join("\n")))
    });
    modules.collect()
}

/// A text with the main module called `main.js`, whatever name it drew.
fn steady(text: &str) -> String {
    let mut steady = String::new();
    let mut rest = text;
    while let Some(at) = rest
        .find("functionsWorker-0.")
        .or_else(|| rest.find("bundledWorker-0."))
    {
        steady.push_str(&rest[..at]);
        let end = rest[at..].find(".js").map(|len| (len, 3));
        let end_of_module = rest[at..].find(".mjs").map(|len| (len, 4));
        let (len, extension) = end.into_iter().chain(end_of_module).min().unwrap();
        steady.push_str("main.js");
        rest = &rest[at + len + extension..];
    }
    steady + rest
}

/// What a part of the form is to be.
fn part(form: &Form, name: &str) -> Option<Vec<u8>> {
    form.get(name).cloned()
}

fn same(bundle: &Bundle, form: &Form) {
    assert_eq!(modules(&bundle.worker), modules(&form["_worker.bundle"]));
    assert_eq!(bundle.routes, part(form, "_routes.json"));
    let routing = part(form, "functions-filepath-routing-config.json");
    assert_eq!(bundle.filepath_routing, routing);
}

#[test]
fn a_folder_of_functions_is_bundled_as_the_client_sends_it() {
    let Some(client) = client() else { return };
    let site = site(&[
        (
            "functions/index.js",
            "import { greet } from \"../lib/greet.js\";\nexport const onRequest = () => new Response(greet());\n",
        ),
        (
            "functions/api/deep/[id].js",
            "export const onRequestGet = ({ params }) => new Response(params.id);\n",
        ),
        (
            "lib/greet.js",
            "export const greet = () => \"hello from a library\";\n",
        ),
    ]);
    let bundle = bundle(&client, site.path()).unwrap().unwrap();
    let modules = modules(&bundle.worker);
    let names: Vec<&str> = modules.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["main.js", "metadata"]);
    assert!(modules[0].1.contains("hello from a library"));
    assert_eq!(modules[1].1, r#"{"main_module":"main.js"}"#);
    let routes = String::from_utf8(bundle.routes.clone().unwrap()).unwrap();
    insta::assert_snapshot!(unversioned(&client, &routes), @r#"
    {
      "version": 1,
      "description": "Generated by wrangler@VERSION",
      "include": [
        "/",
        "/api/deep/*"
      ],
      "exclude": []
    }
    "#);
    let routing = String::from_utf8(bundle.filepath_routing.clone().unwrap()).unwrap();
    assert!(
        routing.contains("\"api/deep/[id].js:onRequestGet\""),
        "{routing}"
    );
    assert_eq!(bundle.warnings, "");
    same(&bundle, &sent(&client, site.path()));
}

#[test]
fn a_worker_file_is_bundled_as_the_client_sends_it() {
    let Some(client) = client() else { return };
    let routes = r#"{"version": 1, "include": ["/api/*"], "exclude": []}"#;
    let site = site(&[
        (
            "_worker.js",
            "import { n } from \"./lib/n.js\";\nexport default { fetch: (request, env) => n ? env.ASSETS.fetch(request) : null };\n",
        ),
        ("lib/n.js", "export const n = 12345;\n"),
        ("_routes.json", routes),
    ]);
    let bundle = bundle(&client, site.path()).unwrap().unwrap();
    assert!(modules(&bundle.worker)[0].1.contains("12345"));
    assert_eq!(bundle.routes.as_deref(), Some(routes.as_bytes()));
    assert_eq!(bundle.filepath_routing, None);
    same(&bundle, &sent(&client, site.path()));
}

#[test]
fn a_worker_folder_is_bundled_module_by_module() {
    let Some(client) = client() else { return };
    let site = site(&[
        (
            "_worker.js/index.js",
            "import { n } from \"./n.js\";\nexport default { fetch: () => new Response(n) };\n",
        ),
        ("_worker.js/n.js", "export const n = 12345;\n"),
    ]);
    let bundle = bundle(&client, site.path()).unwrap().unwrap();
    let modules = modules(&bundle.worker);
    let names: Vec<&str> = modules.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["main.js", "metadata", "n.js"]);
    assert_eq!((bundle.routes, bundle.filepath_routing), (None, None));
}

#[test]
fn a_syntax_error_is_told_as_the_client_tells_it() {
    let Some(client) = client() else { return };
    let site = site(&[(
        "functions/hello.js",
        "export const onRequest = () => {\n  return new Response(\"x\"\n};\n",
    )]);
    let error = bundle(&client, site.path()).unwrap_err();
    assert_eq!(error.kind, EdgeErrorKind::Rejected);
    let told = error
        .full()
        .replace(site.path().file_name().unwrap().to_str().unwrap(), "SITE");
    insta::assert_snapshot!(unversioned(&client, &told), @r#"
    wrangler VERSION pages functions build failed (exit status: 1): ✘ [ERROR] Expected ")" but found "}"

        ../SITE/functions/hello.js:3:0:
          3 │ };
            │ ^
            ╵ )

    ✘ [ERROR] Build failed with 1 error:

      ../SITE/functions/hello.js:3:0: ERROR: Expected ")" but found "}"
    "#);
}

#[test]
fn functions_without_a_handler_are_none() {
    let Some(client) = client() else { return };
    let site = site(&[("functions/notes.txt", "nothing to run")]);
    assert_eq!(bundle(&client, site.path()).unwrap(), None);
}
