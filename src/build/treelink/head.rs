//! What machines are told: JSON-LD, `robots.txt` and `_headers`.

use super::RenderError;
use super::facts::Facts;
use crate::model::HttpsUrl;
use serde::Serialize;

/// A profile page in the vocabulary of schema.org.
#[derive(Serialize)]
struct ProfilePage<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@type")]
    kind: &'static str,
    url: &'a str,
    #[serde(rename = "inLanguage")]
    language: &'a str,
    #[serde(rename = "mainEntity")]
    main_entity: Person<'a>,
}

/// Whose page it is.
#[derive(Serialize)]
struct Person<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    name: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(rename = "sameAs", skip_serializing_if = "Vec::is_empty")]
    same_as: Vec<&'a str>,
}

/// The page's JSON-LD, fit to stand in a `script` element: `<` is written as an escape, so that no text
/// can end the element.
pub(super) fn json_ld(facts: &Facts<'_>) -> Result<String, RenderError> {
    let content = facts.page.content;
    let socials = content.socials.iter().map(|social| social.url.as_str());
    let shown: Vec<_> = socials.collect();
    let verify = content.verify.iter().map(HttpsUrl::as_str);
    let hidden = verify.filter(|url| !shown.contains(url));
    let same_as = shown.iter().copied().chain(hidden).collect();
    let page = ProfilePage {
        context: "https://schema.org",
        kind: "ProfilePage",
        url: &facts.canonical,
        language: facts.language,
        main_entity: Person {
            kind: "Person",
            name: facts.name,
            description: facts.description,
            image: facts.avatar_url(),
            same_as,
        },
    };
    Ok(serde_json::to_string(&page)?.replace('<', "\\u003c"))
}

/// The robots file (RFC 9309). A page that asks not to be indexed stays open to crawlers: only who reads
/// it learns of its wish, and a closed page is listed by its bare address when others link to it.
pub(super) fn robots(facts: &Facts<'_>) -> String {
    let mut text = String::from("User-agent: *\nAllow: /\n");
    if facts.page.content.seo.no_index {
        text.push_str(
            "# Not to be indexed: the page says so itself, in its robots element and header.\n",
        );
    }
    if facts.listed() {
        text.extend(["Sitemap: ", facts.page.base_url, "/sitemap.xml\n"]);
    }
    text
}

/// The `_headers` file: a policy that allows the page's own style and pictures and nothing else.
/// `connect-src` lets tools that audit the page fetch `robots.txt` from within it.
pub(super) fn headers(facts: &Facts<'_>, style_source: &str) -> String {
    let mut text = format!(
        "/*\n  \
         Content-Security-Policy: default-src 'none'; style-src {style_source}; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\n  \
         X-Content-Type-Options: nosniff\n  \
         Referrer-Policy: strict-origin-when-cross-origin\n  \
         Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()\n"
    );
    if facts.page.content.seo.no_index {
        text.push_str("  X-Robots-Tag: noindex\n");
    }
    if let Some(avatar) = &facts.avatar {
        // Its name holds its digest, so that what it names never changes.
        let rule = "\n  Cache-Control: public, max-age=31536000, immutable\n";
        text.extend(["/", avatar, rule]);
    }
    text
}
