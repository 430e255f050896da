//! Text that tries to become markup.
//!
//! A page with hostile text is compared with the same page with harmless text: both must have the same
//! elements with the same attributes, whatever the text holds.

use crate::samples::{always, blank, link, parse, plain, show};
use mycelia_spore::build::treelink::{Page, render};
use mycelia_spore::model::{Contact, EntryContent, HttpsUrl, Platform, Social, Treelink};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Pieces that end an element, an attribute, a comment, a directive or a line of some format.
const PIECES: [&str; 18] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title>",
    "</style>",
    "</script>",
    "<!--",
    "-->",
    "]]>",
    "<![CDATA[",
    "&quot;&lt;",
    "{{ name }}",
    "{% raw %}",
    "\\",
    "\u{202e}",
    "\u{2028}",
    ";,:",
    "javascript:alert(1)",
];

/// One element's beginning or end, with its attributes by name.
type Tag = (String, BTreeMap<String, String>);

/// The tags of a document. It reads the strict HTML that pages are written in — every attribute value
/// in double quotes — and panics on anything else.
fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, after) = tag(after);
        rest = match tag.0.as_str() {
            raw @ ("script" | "style") => {
                let end = format!("</{raw}>");
                let at = after.find(&end).expect("the element ends");
                &after[at..]
            }
            _ => after,
        };
        tags.push(tag);
    }
    tags
}

/// Reads one tag after its `<`; gives what follows it.
fn tag(text: &str) -> (Tag, &str) {
    let end = text.find([' ', '>']).expect("the tag ends");
    let (name, mut rest) = text.split_at(end);
    let mut attributes = BTreeMap::new();
    while let Some(after) = rest.strip_prefix(' ') {
        let end = after.find(['=', ' ', '>']).expect("the attribute ends");
        let (attribute, after) = after.split_at(end);
        let known = |c: char| c.is_ascii_alphanumeric() || "-:".contains(c);
        assert!(attribute.chars().all(known), "attribute {attribute:?}");
        let (value, after) = match after.strip_prefix("=\"") {
            Some(after) => after.split_once('"').expect("the value ends"),
            None => ("", after),
        };
        assert!(!value.contains('<'), "{value:?}");
        attributes.insert(attribute.to_owned(), value.to_owned());
        rest = after;
    }
    let rest = rest
        .trim_start_matches(['/', '?'])
        .strip_prefix('>')
        .unwrap_or_else(|| panic!("no end of {name:?}: {rest:.40}"));
    ((name.to_owned(), attributes), rest)
}

/// The tags with only those attribute values that no text of the message goes into.
fn skeleton(html: &str) -> Vec<Tag> {
    let mut tags = tags(html);
    for (_, attributes) in &mut tags {
        for (name, value) in attributes {
            if !["class", "rel", "type", "name", "property"].contains(&name.as_str()) {
                value.clear();
            }
        }
    }
    tags
}

/// Writes the references that pages use back as characters.
fn unescape(text: &str) -> String {
    [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// A page with this text in every field and this address in every link.
fn page_of(text: &str, url: &str) -> Treelink {
    let short: String = text.chars().take(80).collect();
    let mut sensitive = link(&short, url, &short);
    sensitive.sensitive = true;
    let mut featured = sensitive.clone();
    (featured.featured, featured.sensitive) = (true, false);
    let mut content = blank();
    content.name = parse(&short);
    content.headline = parse(&short);
    content.bio = parse(text);
    content.avatar.alt = parse(&short);
    content.entries = vec![
        show(sensitive),
        show(featured),
        always(EntryContent::Heading(parse(&short))),
        always(EntryContent::Text(parse(text))),
    ];
    content.socials = vec![Social {
        platform: Platform::Mastodon,
        url: parse::<HttpsUrl>(url),
        handle: None,
    }];
    content.contact = Contact {
        email: Some(parse("a.!#$%&'*+-/=?^_`{|}~@spore.example")),
        phone: None,
        vcard: true,
    };
    content.seo.description = parse(&short);
    content.verify = vec![parse(url)];
    content.footer = parse(&short);
    content
}

fn files(content: &Treelink) -> BTreeMap<String, Vec<u8>> {
    let sample = plain();
    render(&Page {
        content,
        ..sample.page()
    })
    .unwrap()
    .files
}

fn text_of<'a>(files: &'a BTreeMap<String, Vec<u8>>, file: &str) -> &'a str {
    std::str::from_utf8(&files[file]).unwrap()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).unwrap().1.split_once(end).unwrap().0
}

/// Texts of hostile pieces and arbitrary characters. The first letter keeps them from being blank, and
/// the last from ending in white space, which pages trim.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| {
        let text: String = pieces.concat().chars().take(70).collect();
        format!("a{text}z")
    })
}

proptest! {
    #[test]
    fn text_stays_text(text in hostile(), tail in "[A-Za-z0-9'&;:=()/?#@!$*+,._~-]{0,40}") {
        let url = format!("https://x.example/{tail}");
        let hostile = page_of(&text, &url);
        let harmless = page_of("az", "https://x.example/");
        let (hostile, harmless) = (files(&hostile), files(&harmless));
        for file in ["index.html", "404.html", "favicon.svg"] {
            let one = skeleton(text_of(&hostile, file));
            prop_assert_eq!(one, skeleton(text_of(&harmless, file)));
        }

        let html = text_of(&hostile, "index.html");
        prop_assert_eq!(unescape(between(html, "<h1>", "</h1>")), &*text);
        let all = tags(html);
        let (_, first_link) = all.iter().find(|(name, _)| name == "a").unwrap();
        prop_assert_eq!(unescape(&first_link["href"]), url);

        let data = between(html, "<script type=\"application/ld+json\">", "</script>");
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        prop_assert_eq!(data["mainEntity"]["name"].as_str(), Some(&*text));
    }

    #[test]
    fn no_text_adds_a_line_to_the_vcard(text in hostile()) {
        let lines = |text: &str| {
            let files = files(&page_of(text, "https://x.example/"));
            let card = text_of(&files, "contact.vcf").replace("\r\n ", "");
            card.split("\r\n").map(|line| line.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        prop_assert_eq!(lines(&text), lines("az"));
    }
}
