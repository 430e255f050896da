//! What the page's files say in common, resolved once.

use super::address::host;
use super::words::{Words, right_to_left};
use super::{Page, schedule};
use crate::model::{Entry, TextDirection};
use crate::release;

/// How many digits of the picture's digest stand in its file name: 64 bits, plenty for one site.
const DIGEST_DIGITS: usize = 16;

/// The facts of a page.
pub(super) struct Facts<'a> {
    /// What the facts come from.
    pub(super) page: &'a Page<'a>,
    /// Whose page it is; never empty.
    pub(super) name: &'a str,
    /// The page's summary; never empty.
    pub(super) description: &'a str,
    /// The page's own address.
    pub(super) canonical: String,
    /// The BCP 47 tag of its language.
    pub(super) language: &'a str,
    /// `ltr` or `rtl`.
    pub(super) direction: &'static str,
    /// The words that the page adds.
    pub(super) words: &'static Words,
    /// The entries that are shown now.
    pub(super) entries: Vec<&'a Entry>,
    /// The file name of the avatar, where there is a picture.
    pub(super) avatar: Option<String>,
}

impl<'a> Facts<'a> {
    /// The facts of a page as it is at its `now`.
    pub(super) fn of(page: &'a Page<'a>) -> Self {
        let content = page.content;
        let name = first(&[content.name.as_str(), page.title, host(page.base_url)]);
        let language = first(&[page.language, "en"]);
        let visible = |entry: &&Entry| schedule::visible(entry, page.now);
        Self {
            page,
            name,
            description: first(&[
                content.seo.description.as_str(),
                page.description,
                content.headline.as_str(),
                content.bio.as_str().lines().next().unwrap_or_default(),
                name,
            ]),
            canonical: match &content.seo.canonical {
                Some(url) => url.as_str().into(),
                None => format!("{}/", page.base_url),
            },
            language,
            direction: direction(content.direction, language),
            words: Words::of(language),
            entries: content.entries.iter().filter(visible).collect(),
            avatar: content.avatar.image.as_ref().map(|picture| {
                let digest = release::Digest::of(picture.bytes()).to_string();
                let digits = &digest[..DIGEST_DIGITS];
                format!("avatar.{digits}.{}", picture.extension())
            }),
        }
    }

    /// The avatar's full address.
    pub(super) fn avatar_url(&self) -> Option<String> {
        let avatar = self.avatar.as_ref()?;
        Some(format!("{}/{avatar}", self.page.base_url))
    }

    /// The first letters of the first and the last word of the name, at most two.
    pub(super) fn initials(&self) -> String {
        initials(self.name)
    }

    /// Whether the sitemap may name the page: it wants to be found, and lies on this host, as the
    /// sitemap protocol asks of every address (sitemaps.org, "Sitemap file location").
    pub(super) fn listed(&self) -> bool {
        let base = self.page.base_url;
        let here = self.canonical.strip_prefix(base);
        let here = here.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        here && !self.page.content.seo.no_index
    }
}

/// The first text that has more than white space, trimmed.
fn first<'a>(texts: &[&'a str]) -> &'a str {
    let mut trimmed = texts.iter().map(|text| text.trim());
    trimmed.find(|text| !text.is_empty()).unwrap_or_default()
}

fn direction(wanted: TextDirection, language: &str) -> &'static str {
    match wanted {
        TextDirection::Rtl => "rtl",
        TextDirection::Auto if right_to_left(language) => "rtl",
        TextDirection::Auto | TextDirection::Ltr => "ltr",
    }
}

fn initials(name: &str) -> String {
    let mut letters = name.split_whitespace().filter_map(initial);
    letters
        .next()
        .into_iter()
        .chain(letters.next_back())
        .collect()
}

/// A word's first letter or digit in upper case, else its first character.
fn initial(word: &str) -> Option<char> {
    let letter = word.chars().find(|character| character.is_alphanumeric());
    let character = letter.or_else(|| word.chars().next())?;
    let mut upper = character.to_uppercase();
    // "ß" and its like grow in upper case: they stay as they are.
    match (upper.next(), upper.next()) {
        (Some(upper), None) => Some(upper),
        _ => Some(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_those_of_the_first_and_the_last_word() {
        for (name, expected) in [
            ("Rosa Fernández", "RF"),
            ("ana maria da costa", "AC"),
            ("Maré", "M"),
            ("(spore) \"lab\"", "SL"),
            ("田中太郎", "田"),
            ("ليلى حداد", "لح"),
            ("42", "4"),
            ("ßen", "ß"),
            ("*", "*"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn blank_texts_count_as_absent() {
        assert_eq!(first(&["", "  ", " a ", "b"]), "a");
        assert_eq!(first(&["", " "]), "");
    }
}
