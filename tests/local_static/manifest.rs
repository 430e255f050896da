//! What a release says of its files.

use crate::common::artifact;
use crate::place::{Place, blog, index};
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::release::{Digest, HeaderRule, Manifest, RedirectRule};

/// The manifest of a site of these files.
fn published(files: &[(&str, &str)]) -> Manifest {
    let place = Place::new();
    let release = place.publish(&blog(), &artifact(files));
    place.manifest(&release)
}

#[test]
fn files_are_listed_with_size_and_digest() {
    let manifest = published(&[("index.html", "one"), ("a/b/c.txt", "")]);
    let listed: Vec<_> = manifest
        .files
        .iter()
        .map(|(path, file)| (&**path, file.size, file.digest))
        .collect();
    let expected = [
        ("a/b/c.txt", 0, Digest::of(b"")),
        ("index.html", 3, Digest::of(b"one")),
    ];
    assert_eq!(listed, expected);
}

#[test]
fn files_that_say_how_to_serve_are_not_served() {
    let place = Place::new();
    let files = artifact(&[
        ("index.html", "one"),
        ("_headers", "/*\n  X-Own: yes\n"),
        ("_redirects", "/old /new 301\n"),
        ("_routes.json", "{}"),
        ("_worker.js", "export default {}"),
        ("docs/_headers", "only at the top"),
    ]);
    let release = place.publish(&blog(), &files);
    let manifest = place.manifest(&release);
    let paths: Vec<&String> = manifest.files.keys().collect();
    assert_eq!(paths, ["docs/_headers", "index.html"]);
    for path in ["_headers", "_redirects", "_routes.json", "_worker.js"] {
        assert!(!place.file(&release, path).exists(), "{path}");
    }
    assert_eq!(manifest.headers.len(), 1);
    assert_eq!(manifest.redirects.len(), 1);
}

#[test]
fn rules_of_the_message_come_after_headers_and_before_redirects_of_the_site() {
    let place = Place::new();
    let mut site = blog();
    let message_header = HeaderRule {
        path: "/*".into(),
        set: vec![("X-Own".into(), "no".into())],
        unset: Vec::new(),
    };
    let message_redirect = RedirectRule {
        from: "/old".into(),
        to: "/newest".into(),
        status: 302,
    };
    site.hosting.rules.headers.push(message_header.clone());
    site.hosting.rules.redirects.push(message_redirect.clone());
    let files = artifact(&[
        ("index.html", "one"),
        ("_headers", "/*\n  X-Own: yes\n"),
        ("_redirects", "/old /new 301\n"),
    ]);
    let manifest = place.manifest(&place.publish(&site, &files));
    assert_eq!(manifest.headers.len(), 2);
    assert_eq!(manifest.headers[1], message_header);
    assert_eq!(manifest.redirects.len(), 2);
    assert_eq!(manifest.redirects[0], message_redirect);
    assert_eq!(manifest.redirects[1].status, 301);
}

#[test]
fn rule_lines_that_are_ignored_are_told() {
    let place = Place::new();
    let files = artifact(&[("index.html", "one"), ("_redirects", "/only-one-word\n")]);
    let applied = place.try_publish(&blog(), &files).unwrap();
    assert!(
        applied.detail.contains("1 rule lines ignored (line 1"),
        "{}",
        applied.detail
    );
}

#[test]
fn content_types() {
    let cases = [
        ("index.html", "text/html; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("module.mjs", "text/javascript; charset=utf-8"),
        (
            "site.webmanifest",
            "application/manifest+json; charset=utf-8",
        ),
        ("data.json", "application/json; charset=utf-8"),
        ("mark.svg", "image/svg+xml; charset=utf-8"),
        ("feed.xml", "text/xml; charset=utf-8"),
        ("notes.txt", "text/plain; charset=utf-8"),
        ("LOUD.HTML", "text/html; charset=utf-8"),
        ("LOUD.JS", "text/javascript; charset=utf-8"),
        ("photo.png", "image/png"),
        ("photo.webp", "image/webp"),
        ("photo.avif", "image/avif"),
        ("font.woff2", "font/woff2"),
        ("code.wasm", "application/wasm"),
        ("paper.pdf", "application/pdf"),
        ("film.mp4", "video/mp4"),
        ("no-extension", "application/octet-stream"),
        ("odd.zzzz", "application/octet-stream"),
        ("dir.html/plain", "application/octet-stream"),
    ];
    let files: Vec<(&str, &str)> = cases.iter().map(|(path, _)| (*path, "")).collect();
    let manifest = published(&files);
    for (path, expected) in cases {
        assert_eq!(manifest.files[path].content_type, expected, "{path}");
    }
}

#[test]
fn encoded_forms_are_listed_with_their_file() {
    let manifest = published(&[
        ("index.html", "one"),
        ("style.css", "a{}"),
        ("style.css.br", "br"),
        ("style.css.gz", "gz"),
        ("style.css.zst", "zst"),
        ("lonely.txt.gz", "gz"),
    ]);
    let encodings: Vec<_> = manifest.files["style.css"].encodings.iter().collect();
    let expected = [
        ("br", "style.css.br"),
        ("gzip", "style.css.gz"),
        ("zstd", "style.css.zst"),
    ];
    let expected = expected.map(|(name, path)| (name.to_owned(), path.to_owned()));
    assert_eq!(
        encodings,
        expected
            .iter()
            .map(|(name, path)| (name, path))
            .collect::<Vec<_>>()
    );
    assert!(manifest.files["index.html"].encodings.is_empty());
    assert!(manifest.files["style.css.br"].encodings.is_empty());
}

#[test]
fn a_missing_error_document_is_rejected_before_anything_changes() {
    let place = Place::new();
    let mut site = blog();
    site.hosting.rules.error_document = Some("errors/missing.html".into());
    for before in [false, true] {
        if before {
            place.publish(&blog(), &index("one"));
        }
        let tree = place.tree();
        let error = place.try_publish(&site, &index("two")).unwrap_err();
        assert_eq!(error.kind, EdgeErrorKind::Rejected);
        assert!(error.message.contains("errors/missing.html"), "{error}");
        assert_eq!(place.tree(), tree);
    }
    let files = artifact(&[("index.html", "two"), ("errors/missing.html", "gone")]);
    let manifest = place.manifest(&place.publish(&site, &files));
    assert_eq!(
        manifest.error_document.as_deref(),
        Some("errors/missing.html")
    );
}
