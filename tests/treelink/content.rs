//! What the files of a site tell.

use crate::samples::{Sample, all, blank, heading, link, parse, plain, show};
use mycelia_spore::build::treelink::{Page, Rendered, render};
use mycelia_spore::model::{Entry, TextDirection, Timestamp};

fn site(sample: &Sample) -> Rendered {
    render(&sample.page()).unwrap()
}

fn text<'a>(site: &'a Rendered, file: &str) -> &'a str {
    std::str::from_utf8(&site.files[file]).unwrap()
}

/// The page with its style sheet, which has tests of its own, left out.
fn without_style(html: &str) -> String {
    let (before, rest) = html.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    format!("{before}<style></style>{after}")
}

#[test]
fn a_whole_page() {
    let site = site(&plain());
    insta::assert_snapshot!(without_style(text(&site, "index.html")));
    let files: Vec<_> = site.files.keys().map(String::as_str).collect();
    insta::assert_snapshot!(files.join("\n"), @"
    404.html
    _headers
    avatar.95d0b38e937b1b06.png
    contact.vcf
    favicon.svg
    index.html
    qr.svg
    robots.txt
    sitemap.xml
    ");
}

#[test]
fn the_page_for_addresses_that_do_not_exist() {
    let site = site(&plain());
    insta::assert_snapshot!(without_style(text(&site, "404.html")), @r##"
    <!doctype html>
    <html lang="en" dir="ltr">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Page not found · Rosa Fernández</title>
    <meta name="robots" content="noindex">
    <meta name="theme-color" content="#f8fbf9" media="(prefers-color-scheme: light)">
    <meta name="theme-color" content="#121413" media="(prefers-color-scheme: dark)">
    <link rel="icon" href="/favicon.svg" type="image/svg+xml">
    <style></style>
    </head>
    <body class="plain">
    <div class="page">
    <main>
    <header class="intro">
    <h1>Page not found</h1>
    <p class="headline">There is nothing at this address.</p>
    </header>
    <ul class="links">
    <li><a class="link featured" href="/"><span class="title">Rosa Fernández</span></a></li>
    </ul>
    </main>
    </div>
    </body>
    </html>
    "##);
}

#[test]
fn files_for_machines() {
    let site = site(&plain());
    insta::assert_snapshot!(text(&site, "robots.txt"), @"
    User-agent: *
    Allow: /
    Sitemap: https://www.spore.example/sitemap.xml
    ");
    insta::assert_snapshot!(text(&site, "sitemap.xml"), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://www.spore.example/</loc></url></urlset>
    "#);
    insta::assert_snapshot!(text(&site, "favicon.svg"), @r##"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#2f6f4e"/><text x="32" y="33" fill="#ffffff" font-family="system-ui,sans-serif" font-size="28" font-weight="600" text-anchor="middle" dominant-baseline="central">RF</text></svg>"##);
}

#[test]
fn headers_allow_the_page_and_nothing_else() {
    let site = site(&plain());
    // The digest changes with every rule of the style sheet; that it is the right one is for the
    // browser to say, which refuses a style sheet with another.
    let headers = text(&site, "_headers");
    let (before, rest) = headers.split_once("'sha256-").unwrap();
    let (_, after) = rest.split_once('\'').unwrap();
    insta::assert_snapshot!(format!("{before}'sha256-…'{after}"), @"
    /*
      Content-Security-Policy: default-src 'none'; style-src 'sha256-…'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
      X-Content-Type-Options: nosniff
      Referrer-Policy: strict-origin-when-cross-origin
      Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()
    /avatar.95d0b38e937b1b06.png
      Cache-Control: public, max-age=31536000, immutable
    ");
}

#[test]
fn no_page_brings_a_script_or_reads_from_elsewhere() {
    for sample in all() {
        let site = site(&sample);
        for file in ["index.html", "404.html"] {
            let html = text(&site, file);
            let data = html
                .matches("<script type=\"application/ld+json\">")
                .count();
            assert_eq!(html.matches("<script").count(), data, "{}", sample.name);
            assert!(!html.contains(" src=\"http"), "{}", sample.name);
            assert!(!html.contains(" style="), "{}", sample.name);
        }
    }
}

#[test]
fn a_page_that_asks_not_to_be_indexed_says_so_where_crawlers_look() {
    let mut sample = plain();
    sample.content.seo.no_index = true;
    let site = site(&sample);
    assert!(text(&site, "index.html").contains("<meta name=\"robots\" content=\"noindex\">"));
    assert!(text(&site, "_headers").contains("X-Robots-Tag: noindex"));
    assert!(!text(&site, "robots.txt").contains("Sitemap"));
    assert!(!site.files.contains_key("sitemap.xml"));
}

#[test]
fn a_page_whose_own_address_is_elsewhere_points_there() {
    let mut sample = plain();
    sample.content.seo.canonical = Some(parse("https://www.spore.example.net/rosa"));
    let site = site(&sample);
    let canonical = "<link rel=\"canonical\" href=\"https://www.spore.example.net/rosa\">";
    assert!(text(&site, "index.html").contains(canonical));
    assert!(!site.files.contains_key("sitemap.xml"), "not of this host");
}

#[test]
fn what_is_missing_is_taken_from_the_site() {
    let sample = Sample {
        content: blank(),
        ..plain()
    };
    let mut page = sample.page();
    page.description = "About spores";
    let html = render(&page).unwrap();
    let html = text(&html, "index.html");
    assert!(html.contains("<h1>Spore</h1>"));
    assert!(html.contains("<meta name=\"description\" content=\"About spores\">"));

    page.title = "";
    page.description = "";
    let html = render(&page).unwrap();
    let html = text(&html, "index.html");
    assert!(html.contains("<h1>www.spore.example</h1>"));
    assert!(!html.contains("<nav"), "no empty rows");
}

#[test]
fn direction_is_by_language_unless_given() {
    let sample = plain();
    for (wanted, language, expected) in [
        (TextDirection::Auto, "he", "<html lang=\"he\" dir=\"rtl\">"),
        (
            TextDirection::Auto,
            "pt-BR",
            "<html lang=\"pt-BR\" dir=\"ltr\">",
        ),
        (TextDirection::Ltr, "ar", "<html lang=\"ar\" dir=\"ltr\">"),
        (TextDirection::Rtl, "", "<html lang=\"en\" dir=\"rtl\">"),
    ] {
        let mut content = sample.content.clone();
        content.direction = wanted;
        let page = Page {
            content: &content,
            language,
            ..sample.page()
        };
        let site = render(&page).unwrap();
        assert!(text(&site, "index.html").contains(expected), "{expected}");
    }
}

#[test]
fn words_in_another_language_than_the_page_are_marked() {
    let sample = plain();
    let page = Page {
        language: "eo",
        ..sample.page()
    };
    let site = render(&page).unwrap();
    let html = text(&site, "index.html");
    assert!(html.contains("<summary lang=\"en\">For adults only."));
    let site = site_in(&sample, "de");
    let html = text(&site, "index.html");
    assert!(html.contains("<summary>Nur für Erwachsene."));
}

fn site_in(sample: &Sample, language: &str) -> Rendered {
    render(&Page {
        language,
        ..sample.page()
    })
    .unwrap()
}

#[test]
fn a_vcard_and_a_picture_are_there_only_when_wanted() {
    let mut sample = plain();
    assert!(site(&sample).files.contains_key("contact.vcf"));
    sample.content.contact.vcard = false;
    sample.content.avatar.image = None;
    let site = site(&sample);
    assert!(!site.files.contains_key("contact.vcf"));
    assert!(!site.files.keys().any(|file| file.starts_with("avatar.")));
    let html = text(&site, "index.html");
    assert!(html.contains("<span class=\"avatar\" aria-hidden=\"true\">RF</span>"));
    assert!(!html.contains("contact.vcf") && !html.contains("og:image"));
}

fn timed(entry: Entry, before: Option<&str>, after: Option<&str>) -> Entry {
    let at = |text: &str| parse::<Timestamp>(text);
    Entry {
        not_before: before.map(at),
        not_after: after.map(at),
        ..entry
    }
}

#[test]
fn entries_come_and_go_and_nothing_else_changes_with_time() {
    let entry = |title: &str| show(link(title, "https://spore.example/", ""));
    let mut sample = Sample {
        content: blank(),
        ..plain()
    };
    sample.content.entries = vec![
        heading("Always"),
        timed(entry("Soon"), Some("2026-12-02T00:00:00Z"), None),
        timed(entry("Once"), None, Some("2026-12-03T01:00:00+01:00")),
    ];
    let at = |now: &str| {
        let now = now.parse().unwrap();
        render(&Page {
            now,
            ..sample.page()
        })
        .unwrap()
    };
    let shown = |site: &Rendered| {
        let html = text(site, "index.html");
        ["Soon", "Once"].map(|title| html.contains(title))
    };
    let first = at("2026-12-01T00:00:00Z");
    assert_eq!(shown(&first), [false, true]);
    let edge = first.next_edge.unwrap();
    assert_eq!(edge.to_string(), "2026-12-02T00:00:00Z");
    assert_eq!(at("2026-12-01T23:59:59.999999999Z"), first);

    let second = at(&edge.to_string());
    assert_eq!(shown(&second), [true, true]);
    let edge = second.next_edge.unwrap();
    assert_eq!(edge.to_string(), "2026-12-03T00:00:00Z");

    let third = at(&edge.to_string());
    assert_eq!(shown(&third), [true, false]);
    assert_eq!(third.next_edge, None);
    assert_eq!(at("2036-12-03T00:00:00Z"), third);
}
