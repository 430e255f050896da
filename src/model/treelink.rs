//! The content of a page of links.

use super::{
    ColorScheme, EmailAddress, Handle, HttpsUrl, Line, Lines, LinkUrl, PhoneNumber, Platform, Rgb,
    Shape, TextDirection, ThemePreset, Timestamp,
};

/// A page of links about a person or a thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Treelink {
    /// Whose page it is; empty for the site's title.
    pub name: Line<80>,
    /// A line under the name; empty for none.
    pub headline: Line<160>,
    /// A paragraph; empty for none.
    pub bio: Lines<600>,
    /// The picture beside the name.
    pub avatar: Avatar,
    /// Links, headings and texts, in order.
    pub entries: Vec<Entry>,
    /// Profiles elsewhere.
    pub socials: Vec<Social>,
    /// How to reach the person.
    pub contact: Contact,
    /// How the page looks.
    pub theme: Theme,
    /// What search engines are told.
    pub seo: Seo,
    /// Profiles that link back, not shown.
    pub verify: Vec<HttpsUrl>,
    /// A line at the foot; empty for none.
    pub footer: Line<160>,
    /// The direction of the text.
    pub direction: TextDirection,
}

/// The picture beside the name.
#[derive(Clone, Debug, PartialEq)]
pub struct Avatar {
    /// The picture itself; `None` for initials.
    pub image: Option<Picture>,
    /// What the picture shows; empty for the name.
    pub alt: Line<160>,
}

/// A PNG, JPEG, WebP, AVIF or GIF.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    extension: &'static str,
    bytes: Vec<u8>,
}

impl Picture {
    /// Tells a picture by its first bytes, each format's signature.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        let starts = |signature: &[u8]| bytes.starts_with(signature);
        let at = |offset: usize, tag: &[u8]| bytes.get(offset..offset + tag.len()) == Some(tag);
        let extension = if starts(b"\x89PNG\r\n\x1a\n") {
            "png"
        } else if starts(b"\xff\xd8\xff") {
            "jpg"
        } else if starts(b"RIFF") && at(8, b"WEBP") {
            "webp"
        } else if at(4, b"ftypavif") {
            "avif"
        } else if starts(b"GIF87a") || starts(b"GIF89a") {
            "gif"
        } else {
            return None;
        };
        Some(Self {
            extension,
            bytes: bytes.to_vec(),
        })
    }

    /// The usual extension of its file name, without the dot.
    #[must_use]
    pub const fn extension(&self) -> &'static str {
        self.extension
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// One row of the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it shows.
    pub content: EntryContent,
    /// When it appears; `None` for at once.
    pub not_before: Option<Timestamp>,
    /// When it disappears; `None` for never.
    pub not_after: Option<Timestamp>,
}

/// What a row shows.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryContent {
    /// Something to follow.
    Link(Link),
    /// A heading.
    Heading(Line<80>),
    /// A paragraph.
    Text(Lines<600>),
}

/// Something to follow.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// What the visitor reads.
    pub title: Line<80>,
    /// Where it leads.
    pub url: LinkUrl,
    /// A smaller second line; empty for none.
    pub subtitle: Line<120>,
    /// Whether it is drawn larger.
    pub featured: bool,
    /// Whether it is folded behind a note.
    pub sensitive: bool,
}

/// A profile elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Social {
    /// Where.
    pub platform: Platform,
    /// The full address.
    pub url: HttpsUrl,
    /// The name there, when one was given.
    pub handle: Option<Handle>,
}

/// How to reach the person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contact {
    /// A mail address.
    pub email: Option<EmailAddress>,
    /// A telephone number.
    pub phone: Option<PhoneNumber>,
    /// Whether a vCard is offered.
    pub vcard: bool,
}

/// How the page looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// The arrangement.
    pub preset: ThemePreset,
    /// The colour of buttons and links.
    pub accent: Rgb,
    /// Light or dark.
    pub scheme: ColorScheme,
    /// The corners of buttons.
    pub shape: Shape,
}

impl Default for Theme {
    /// What the schema gives for an absent theme.
    fn default() -> Self {
        Self {
            preset: ThemePreset::Plain,
            accent: Rgb {
                red: 0x2f,
                green: 0x6f,
                blue: 0x4e,
            },
            scheme: ColorScheme::Auto,
            shape: Shape::Rounded,
        }
    }
}

/// What search engines are told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seo {
    /// The page's summary; empty for the site's.
    pub description: Line<300>,
    /// The page's own address; `None` for the primary domain.
    pub canonical: Option<HttpsUrl>,
    /// Whether search engines are asked to leave the page out.
    pub no_index: bool,
}
