//! A page of links: a whole website rendered from one typed message.
//!
//! The site is HTML and CSS without scripts. It reads nothing but its arguments, so that the same message
//! gives the same bytes; of the clock it only knows which entries are shown at the instant it is given.

mod address;
mod color;
mod facts;
mod head;
mod mark;
mod palette;
mod qr;
mod schedule;
mod style;
mod vcard;
mod view;
mod words;

use crate::model;
use askama::Template;
use facts::Facts;
use std::collections::BTreeMap;
use style::Style;

/// What a site is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The content.
    pub content: &'a model::Treelink,
    /// The site's title, for a page without a name; empty when there is none.
    pub title: &'a str,
    /// The site's description, for a page without one; empty when there is none.
    pub description: &'a str,
    /// The BCP 47 tag of the content's language; empty for English.
    pub language: &'a str,
    /// Where the site is reached: scheme and host, no slash at the end, as `https://www.spore.example`.
    pub base_url: &'a str,
    /// The instant that decides which entries are shown.
    pub now: jiff::Timestamp,
}

/// A site as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The files by their path in the site, `_headers` among them.
    pub files: BTreeMap<String, Vec<u8>>,
    /// When an entry next appears or disappears, strictly after the page's `now`; `None` for never.
    /// Until then the site's bytes stay the same.
    pub next_edge: Option<jiff::Timestamp>,
}

/// Why a site could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A template failed.
    #[error("cannot fill in the template of {file}")]
    Template {
        /// The file that was to be made.
        file: &'static str,
        /// What the template engine says.
        #[source]
        source: askama::Error,
    },
    /// The page's address does not fit in a QR code.
    #[error("cannot make a QR code of the page's address")]
    Qr(#[from] fast_qr::qr::QRCodeError),
    /// The page's JSON-LD could not be written.
    #[error("cannot write the page's JSON-LD")]
    JsonLd(#[from] serde_json::Error),
}

/// Renders the site of a page of links.
///
/// # Errors
/// When a file cannot be made, which no page that was decoded from a message should cause: its address
/// has at most 2,048 bytes, and a QR code holds more.
pub fn render(page: &Page<'_>) -> Result<Rendered, RenderError> {
    let facts = Facts::of(page);
    let style = Style::of(&page.content.theme);
    let json_ld = head::json_ld(&facts)?;
    let mut site = Site::default();
    site.template("index.html", &view::Index::of(&facts, &style, &json_ld))?;
    site.template("404.html", &view::Missing::of(&facts, &style))?;
    site.template("favicon.svg", &view::Favicon::of(&facts, &style))?;
    if facts.listed() {
        let url = &facts.canonical;
        site.template("sitemap.xml", &view::Sitemap { url })?;
    }
    site.text("robots.txt", head::robots(&facts));
    site.text("_headers", head::headers(&facts, &style.source()));
    site.text("qr.svg", qr::svg(&facts.canonical)?);
    if page.content.contact.vcard {
        site.text("contact.vcf", vcard::Vcard::from(&facts).render());
    }
    if let (Some(name), Some(picture)) = (&facts.avatar, &page.content.avatar.image) {
        site.0.insert(name.clone(), picture.bytes().to_vec());
    }
    Ok(Rendered {
        files: site.0,
        next_edge: schedule::next_edge(&page.content.entries, page.now),
    })
}

/// The files made so far.
#[derive(Default)]
struct Site(BTreeMap<String, Vec<u8>>);

impl Site {
    fn text(&mut self, file: &str, text: String) {
        self.0.insert(file.into(), text.into_bytes());
    }

    fn template(&mut self, file: &'static str, view: &impl Template) -> Result<(), RenderError> {
        let text = view
            .render()
            .map_err(|source| RenderError::Template { file, source })?;
        // Directives leave empty lines behind; no text of a page has any, so they can go.
        let lines = text.lines().filter(|line| !line.is_empty());
        self.text(file, lines.flat_map(|line| [line, "\n"]).collect());
        Ok(())
    }
}
