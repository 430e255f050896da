//! The page's templates and what they are filled with.

use super::address::{host, mailto, shown, tel};
use super::facts::Facts;
use super::mark::{CARD, CODE, MAIL, Mark, PHONE};
use super::style::Style;
use crate::model::{Entry, EntryContent, Link, Platform, Social};
use askama::Template;

/// Text in paragraphs of lines.
type Paragraphs<'a> = Vec<Vec<&'a str>>;

/// `index.html`.
#[derive(Template)]
#[template(path = "treelink/index.html", whitespace = "minimize")]
pub(super) struct Index<'a> {
    frame: Frame<'a>,
    facts: &'a Facts<'a>,
    json_ld: &'a str,
    avatar_url: Option<String>,
    avatar_alt: &'a str,
    initials: String,
    headline: &'a str,
    bio: Paragraphs<'a>,
    socials: Vec<Profile<'a>>,
    blocks: Vec<Block<'a>>,
    contacts: Vec<ContactLink>,
    footer: &'a str,
    code: &'static str,
}

impl<'a> Index<'a> {
    /// The page of these facts.
    pub(super) fn of(facts: &'a Facts<'a>, style: &'a Style, json_ld: &'a str) -> Self {
        let content = facts.page.content;
        let alt = content.avatar.alt.as_str().trim();
        Self {
            frame: Frame::of(facts, style),
            facts,
            json_ld,
            avatar_url: facts.avatar_url(),
            avatar_alt: if alt.is_empty() { facts.name } else { alt },
            initials: facts.initials(),
            headline: content.headline.as_str().trim(),
            bio: paragraphs(content.bio.as_str()),
            socials: content.socials.iter().map(Profile::from).collect(),
            blocks: blocks(&facts.entries),
            contacts: contacts(facts),
            footer: content.footer.as_str().trim(),
            code: CODE,
        }
    }
}

/// `404.html`.
#[derive(Template)]
#[template(path = "treelink/404.html", whitespace = "minimize")]
pub(super) struct Missing<'a> {
    frame: Frame<'a>,
    facts: &'a Facts<'a>,
}

impl<'a> Missing<'a> {
    /// The page for addresses that do not exist.
    pub(super) fn of(facts: &'a Facts<'a>, style: &'a Style) -> Self {
        Self {
            frame: Frame::of(facts, style),
            facts,
        }
    }
}

/// `favicon.svg`.
#[derive(Template)]
#[template(path = "treelink/favicon.svg")]
pub(super) struct Favicon {
    fill: String,
    ink: String,
    initials: String,
}

impl Favicon {
    /// The sign of the page: its initials on its accent.
    pub(super) fn of(facts: &Facts<'_>, style: &Style) -> Self {
        let (fill, ink) = style.sign();
        Self {
            fill,
            ink,
            initials: facts.initials(),
        }
    }
}

/// `sitemap.xml`.
#[derive(Template)]
#[template(path = "treelink/sitemap.xml")]
pub(super) struct Sitemap<'a> {
    /// The one address of the site.
    pub(super) url: &'a str,
}

/// What all pages have in common.
struct Frame<'a> {
    /// The class of the body, which names the arrangement.
    preset: &'static str,
    css: &'a str,
    theme_colors: Vec<(String, &'static str)>,
    /// The language of the page's own words where it is not the page's.
    foreign: Option<&'static str>,
}

impl<'a> Frame<'a> {
    fn of(facts: &Facts<'_>, style: &'a Style) -> Self {
        use crate::model::ThemePreset;
        let spoken = facts.words.speaks(facts.language);
        Self {
            preset: match facts.page.content.theme.preset {
                ThemePreset::Plain => "plain",
                ThemePreset::Filled => "filled",
                ThemePreset::Card => "card",
            },
            css: &style.css,
            theme_colors: style.theme_colors(),
            foreign: (!spoken).then_some(facts.words.language),
        }
    }
}

/// A link to a profile elsewhere.
struct Profile<'a> {
    url: &'a str,
    path: &'static str,
    /// What is read beside the mark.
    label: &'a str,
    /// What tells profiles on one platform apart, read aloud only; empty for nothing.
    detail: &'a str,
}

impl<'a> From<&'a Social> for Profile<'a> {
    fn from(social: &'a Social) -> Self {
        let mark = Mark::from(social.platform);
        let address = shown(&social.url);
        let (label, detail) = match (social.platform, &social.handle) {
            (Platform::Website, _) => (host(address), ""),
            (_, Some(handle)) => (mark.name, handle.as_str()),
            (_, None) => (mark.name, address),
        };
        Self {
            url: social.url.as_str(),
            path: mark.path,
            label,
            detail,
        }
    }
}

/// A way to reach the person.
struct ContactLink {
    href: String,
    path: &'static str,
    label: &'static str,
}

fn contacts(facts: &Facts<'_>) -> Vec<ContactLink> {
    let (contact, words) = (&facts.page.content.contact, facts.words);
    let link = |href, path, label| ContactLink { href, path, label };
    let email = contact.email.as_ref();
    let phone = contact.phone.as_ref();
    let card = contact.vcard.then(|| "/contact.vcf".into());
    [
        email.map(|email| link(mailto(email), MAIL, words.email)),
        phone.map(|phone| link(tel(phone), PHONE, words.phone)),
        card.map(|href| link(href, CARD, words.save)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A part of the page between name and contact.
enum Block<'a> {
    Heading(&'a str),
    Text(Paragraphs<'a>),
    /// Links that follow each other, as one list.
    Links(Vec<LinkView<'a>>),
}

/// A link as it is drawn.
struct LinkView<'a> {
    link: &'a Link,
    title: &'a str,
}

impl<'a> From<&'a Link> for LinkView<'a> {
    fn from(link: &'a Link) -> Self {
        let title = link.title.as_str().trim();
        let title = if title.is_empty() {
            link.url.as_str()
        } else {
            title
        };
        Self { link, title }
    }
}

/// The entries as blocks; headings and texts of white space only are left out.
fn blocks<'a>(entries: &[&'a Entry]) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    for entry in entries {
        match (&entry.content, blocks.last_mut()) {
            (EntryContent::Link(link), Some(Block::Links(links))) => links.push(link.into()),
            (EntryContent::Link(link), _) => blocks.push(Block::Links(vec![link.into()])),
            (EntryContent::Heading(text), _) if text.as_str().trim().is_empty() => {}
            (EntryContent::Heading(text), _) => blocks.push(Block::Heading(text.as_str().trim())),
            (EntryContent::Text(text), _) => {
                let text = paragraphs(text.as_str());
                if !text.is_empty() {
                    blocks.push(Block::Text(text));
                }
            }
        }
    }
    blocks
}

/// The lines of a text, in groups that empty lines part.
fn paragraphs(text: &str) -> Paragraphs<'_> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let groups = lines.split(|line| line.is_empty());
    let full = groups.filter(|group| !group.is_empty());
    full.map(<[&str]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_part_paragraphs() {
        let text = "\n one\ntwo \n\n \nthree\n";
        assert_eq!(paragraphs(text), [vec!["one", "two"], vec!["three"]]);
        assert!(paragraphs(" \n \n").is_empty());
    }
}
