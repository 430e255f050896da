//! One spoilt field each, section by section, and the fault that it yields.

use super::sample::{
    build, check, clear, domains, edited, label, message, number, patched, raw, repo, site, told,
};
use mycelia_spore::schema::spore_capnp::RepoProvider;

#[test]
fn message_and_labels() {
    check(&[
        ("version-unknown", "schemaVersion", |mut c| {
            c.set_schema_version(2)
        }),
        ("version-order", "minReaderVersion", |mut c| {
            c.set_min_reader_version(2)
        }),
        ("version-unknown", "minReaderVersion", |mut c| {
            c.set_schema_version(5);
            c.set_min_reader_version(3);
        }),
        ("missing", "site", |c| clear(c, "site")),
        ("missing", "hosting", |c| clear(c, "hosting")),
        ("too-long", "requestId", |mut c| {
            c.set_request_id("x".repeat(129))
        }),
        ("control-character", "requestId", |mut c| {
            c.set_request_id("a\nb")
        }),
        ("text-utf8", "requestId", |mut c| {
            c.set_request_id(raw(b"\xff"))
        }),
        ("enum-unknown", "lifecycle.ensure", |c| {
            number(c.init_lifecycle(), "ensure", 3)
        }),
        ("missing", "labels[0].key", |c| label(c).set_key("")),
        ("name-syntax", "labels[0].key", |c| label(c).set_key("Team")),
        ("name-syntax", "labels[0].key", |c| {
            label(c).set_key("x".repeat(64))
        }),
        ("too-long", "labels[0].value", |c| {
            label(c).set_value("x".repeat(256))
        }),
        ("control-character", "labels[0].value", |c| {
            label(c).set_value("a\0b")
        }),
        ("too-long", "labels", |c| {
            c.init_labels(33);
        }),
        ("duplicate", "labels", |c| {
            let mut labels = c.init_labels(3);
            for (index, key) in (0..).zip(["team", "tier", "team"]) {
                labels.reborrow().get(index).set_key(key);
            }
        }),
    ]);
}

#[test]
fn site_section() {
    check(&[
        ("missing", "site.id", |c| site(c).set_id("")),
        ("name-syntax", "site.id", |c| site(c).set_id("-notes")),
        ("name-syntax", "site.id", |c| site(c).set_id("notes-")),
        ("name-syntax", "site.id", |c| site(c).set_id("Notes")),
        ("name-syntax", "site.id", |c| site(c).set_id("a.b")),
        ("name-syntax", "site.id", |c| site(c).set_id("x".repeat(64))),
        ("text-utf8", "site.id", |c| site(c).set_id(raw(b"a\xc3"))),
        ("too-long", "site.title", |c| {
            site(c).set_title("ü".repeat(201))
        }),
        ("control-character", "site.title", |c| {
            site(c).set_title("a\u{85}b")
        }),
        ("control-character", "site.title", |c| {
            site(c).set_title("a\u{7f}b")
        }),
        ("control-character", "site.title", |c| {
            site(c).set_title("a\tb")
        }),
        ("text-utf8", "site.title", |c| {
            site(c).set_title(raw(b"\xed\xa0\x80"))
        }),
        ("enum-unknown", "site.kind", |c| number(site(c), "kind", 4)),
        ("too-long", "site.description", |c| {
            site(c).set_description("x".repeat(301))
        }),
        ("language-syntax", "site.language", |c| {
            site(c).set_language("p")
        }),
        ("language-syntax", "site.language", |c| {
            site(c).set_language("pt_BR")
        }),
        ("language-syntax", "site.language", |c| {
            site(c).set_language("pt-")
        }),
    ]);
}

#[test]
fn repo_section() {
    check(&[
        ("enum-unknown", "repo.provider", |c| {
            number(repo(c), "provider", 9)
        }),
        ("missing", "repo.slug", |c| repo(c).set_slug("")),
        ("slug-syntax", "repo.slug", |c| repo(c).set_slug("alone")),
        ("slug-syntax", "repo.slug", |c| repo(c).set_slug("a/../b")),
        ("slug-syntax", "repo.slug", |c| repo(c).set_slug("a/-b")),
        ("slug-syntax", "repo.slug", |c| repo(c).set_slug("a/b c")),
        ("too-long", "repo.slug", |c| {
            repo(c).set_slug(format!("a/{}", "b".repeat(254)))
        }),
        ("field-misplaced", "repo.url", |c| {
            repo(c).set_url("https://a.example/b")
        }),
        ("field-misplaced", "repo.path", |c| repo(c).set_path("/srv")),
        ("field-misplaced", "repo.slug", |c| {
            repo(c).set_provider(RepoProvider::None)
        }),
        ("missing", "repo.url", |c| {
            c.init_repo().set_provider(RepoProvider::Git)
        }),
        ("missing", "repo.path", |c| {
            c.init_repo().set_provider(RepoProvider::Directory)
        }),
        ("missing", "repo.slug", |c| {
            c.init_repo().set_provider(RepoProvider::Gitlab)
        }),
        ("ref-syntax", "repo.defaultBranch", |c| {
            repo(c).set_default_branch("--upload-pack=x")
        }),
        ("ref-syntax", "repo.defaultBranch", |c| {
            repo(c).set_default_branch("a..b")
        }),
        ("ref-syntax", "repo.defaultBranch", |c| {
            repo(c).set_default_branch("a//b")
        }),
        ("ref-syntax", "repo.defaultBranch", |c| {
            repo(c).set_default_branch("a.lock")
        }),
        ("ref-syntax", "repo.defaultBranch", |c| {
            repo(c).set_default_branch("@")
        }),
        ("ref-syntax", "repo.defaultBranch", |c| {
            repo(c).set_default_branch("a b")
        }),
        ("control-character", "repo.defaultBranch", |c| {
            repo(c).set_default_branch("a\u{1}")
        }),
        ("commit-syntax", "repo.revision", |c| {
            repo(c).set_revision("4f2a9c0")
        }),
        ("commit-syntax", "repo.revision", |c| {
            repo(c).set_revision("g".repeat(40))
        }),
        ("path-syntax", "repo.subdirectory", |c| {
            repo(c).set_subdirectory("a/../b")
        }),
        ("path-syntax", "repo.subdirectory", |c| {
            repo(c).set_subdirectory("/a")
        }),
        ("path-syntax", "repo.subdirectory", |c| {
            repo(c).set_subdirectory("a/")
        }),
        ("name-syntax", "repo.credential", |c| {
            repo(c).set_credential("a/b")
        }),
        ("out-of-range", "repo.depth", |c| repo(c).set_depth(100_001)),
    ]);
}

#[test]
fn addresses_and_directories_of_a_repository() {
    let told_of = |provider: RepoProvider, url: &str, path: &str| {
        told(edited(|c| {
            let mut repo = c.init_repo();
            repo.set_provider(provider);
            repo.set_url(url);
            repo.set_path(path);
        }))
    };
    let fault = |code: &str, path: &str| vec![(code.to_owned(), path.to_owned())];
    for url in [
        "http://a.example/b",
        "https://a.example",
        "https://user@a.example/b",
        "https://a.example/b?token=x",
        "https://a.example/b#c",
        "https://a.example:99999/b",
        "https:///b",
        "https://a.example/b c",
        "ext::sh -c true",
    ] {
        let found = told_of(RepoProvider::Git, url, "");
        assert_eq!(found, fault("url-syntax", "repo.url"), "{url}");
    }
    for path in ["srv", "/srv/../etc", "/srv//a", "/./a"] {
        let found = told_of(RepoProvider::Directory, "", path);
        assert_eq!(found, fault("path-syntax", "repo.path"), "{path}");
    }
    assert_eq!(
        told_of(RepoProvider::Git, "https://a.example:8443/b.git", ""),
        []
    );
    assert_eq!(told_of(RepoProvider::Directory, "", "/srv/a/"), []);
}

#[test]
fn build_section() {
    check(&[
        ("enum-unknown", "build.type", |c| {
            number(build(c), "type", 9)
        }),
        ("enum-unknown", "build.framework", |c| {
            number(build(c), "framework", 5)
        }),
        ("enum-unknown", "build.cachePolicy", |c| {
            number(build(c), "cachePolicy", 2)
        }),
        ("path-syntax", "build.outputDir", |c| {
            build(c).set_output_dir("../public")
        }),
        ("path-syntax", "build.outputDir", |c| {
            build(c).set_output_dir("/srv/../x")
        }),
        ("too-long", "build.command", |c| {
            build(c).init_command(65);
        }),
        ("missing", "build.command[1]", |c| {
            build(c).init_command(2).set(0, "hugo")
        }),
        ("control-character", "build.command[0]", |c| {
            build(c).init_command(1).set(0, "a\u{1b}[0m");
        }),
        ("too-long", "build.command[0]", |c| {
            build(c).init_command(1).set(0, "x".repeat(4097).as_str());
        }),
        ("too-long", "build.environment", |c| {
            build(c).init_environment(129);
        }),
        ("duplicate", "build.environment", |c| {
            let mut list = build(c).init_environment(2);
            list.reborrow().get(0).set_name("A");
            list.get(1).set_name("A");
        }),
        ("missing", "build.environment[0].name", |c| {
            build(c).init_environment(1).get(0).set_value("x");
        }),
        ("name-syntax", "build.environment[0].name", |c| {
            build(c).init_environment(1).get(0).set_name("1A");
        }),
        ("control-character", "build.environment[0].value", |c| {
            let mut variable = build(c).init_environment(1).get(0);
            variable.set_name("A");
            variable.set_value("a\rb");
        }),
        ("missing", "build.environment[0].credential", |c| {
            let mut variable = build(c).init_environment(1).get(0);
            variable.set_name("A");
            variable.set_credential("");
        }),
        ("out-of-range", "build.timeoutSeconds", |c| {
            build(c).set_timeout_seconds(14_401)
        }),
        ("too-long", "build.flakeAttribute", |c| {
            build(c).set_flake_attribute("x".repeat(256));
        }),
    ]);
}

#[test]
fn choice_of_a_variable_from_a_newer_schema() {
    let plain = message(|c| build(c).get_environment().unwrap().get(0).set_value("x"));
    let kept = message(|c| {
        build(c)
            .get_environment()
            .unwrap()
            .get(0)
            .set_credential("x")
    });
    let expected = (
        "union-unknown".to_owned(),
        "build.environment[0]".to_owned(),
    );
    assert_eq!(told(patched(&plain, &kept, 9)), [expected]);
}

#[test]
fn domains_section() {
    check(&[
        ("missing", "domains.primary", |c| domains(c).set_primary("")),
        ("domain-syntax", "domains.primary", |c| {
            domains(c).set_primary("a..b")
        }),
        ("domain-syntax", "domains.primary", |c| {
            domains(c).set_primary("a_b.example")
        }),
        ("domain-syntax", "domains.primary", |c| {
            domains(c).set_primary("-a.example")
        }),
        ("domain-syntax", "domains.primary", |c| {
            domains(c).set_primary("pilzfüße.example")
        }),
        ("domain-syntax", "domains.primary", |c| {
            domains(c).set_primary("192.0.2.10")
        }),
        ("domain-syntax", "domains.primary", |c| {
            domains(c).set_primary("*.example")
        }),
        ("domain-syntax", "domains.primary", |c| {
            domains(c).set_primary(".")
        }),
        ("missing", "domains.aliases[1]", |c| {
            domains(c).init_aliases(2).set(0, "www.spore.example");
        }),
        ("domain-syntax", "domains.aliases[0]", |c| {
            domains(c).init_aliases(1).set(0, "a b")
        }),
        ("duplicate", "domains.aliases", |c| {
            domains(c).init_aliases(1).set(0, "Spore.Example.");
        }),
        ("too-long", "domains.aliases", |c| {
            domains(c).init_aliases(101);
        }),
        ("enum-unknown", "domains.aliasPolicy", |c| {
            number(domains(c), "aliasPolicy", 2)
        }),
        ("enum-unknown", "domains.tls", |c| {
            number(domains(c), "tls", 3)
        }),
    ]);
}
