//! The page as a vCard 4.0 (RFC 6350), with the profiles of RFC 9554.

use super::address;
use super::facts::Facts;
use super::mark::Mark;
use crate::model::{Contact, Picture, Social};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest line in octets, without its line break (RFC 6350 section 3.2).
const LINE_MAX: usize = 75;

/// What a vCard tells.
pub(super) struct Vcard<'a> {
    /// The full name.
    pub(super) name: &'a str,
    /// The line under it; empty for none.
    pub(super) headline: &'a str,
    /// The page's own address.
    pub(super) url: &'a str,
    /// Mail and telephone.
    pub(super) contact: &'a Contact,
    /// Profiles elsewhere.
    pub(super) socials: &'a [Social],
    /// A picture, carried in the card.
    pub(super) picture: Option<&'a Picture>,
}

impl<'a> From<&'a Facts<'_>> for Vcard<'a> {
    fn from(facts: &'a Facts<'_>) -> Self {
        let content = facts.page.content;
        Self {
            name: facts.name,
            headline: content.headline.as_str().trim(),
            url: &facts.canonical,
            contact: &content.contact,
            socials: &content.socials,
            picture: content.avatar.image.as_ref(),
        }
    }
}

impl Vcard<'_> {
    /// The card's text: lines end in CR LF and are folded.
    pub(super) fn render(&self) -> String {
        let mut card = String::from("BEGIN:VCARD\r\nVERSION:4.0\r\n");
        let mut line = |name: &str, value: &str| fold(&mut card, &format!("{name}:{value}"));
        line("FN", &text(self.name));
        if !self.headline.is_empty() {
            line("NOTE", &text(self.headline));
        }
        if let Some(email) = &self.contact.email {
            line("EMAIL", &text(email.as_str()));
        }
        if let Some(phone) = &self.contact.phone {
            line("TEL;VALUE=uri", &address::tel(phone));
        }
        line("URL;PREF=1", self.url);
        for social in self.socials {
            let service = Mark::from(social.platform).name;
            line(
                &format!("SOCIALPROFILE;SERVICE-TYPE={service}"),
                social.url.as_str(),
            );
        }
        if let Some(picture) = self.picture {
            let data = STANDARD.encode(picture.bytes());
            line(
                "PHOTO",
                &format!("data:{};base64,{data}", media_type(picture)),
            );
        }
        card.push_str("END:VCARD\r\n");
        card
    }
}

/// The picture's media type.
fn media_type(picture: &Picture) -> &'static str {
    match picture.extension() {
        "png" => "image/png",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "gif" => "image/gif",
        _ => "image/jpeg",
    }
}

/// Escapes a text value (RFC 6350 section 3.4).
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\\' | ',' | ';' => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}

/// Appends a line, broken so that no piece has more than 75 octets; a character is never cut, and each
/// further piece begins with a space (RFC 6350 section 3.2).
fn fold(card: &mut String, line: &str) {
    let mut length = 0;
    for character in line.chars() {
        if length + character.len_utf8() > LINE_MAX {
            card.push_str("\r\n ");
            length = 1;
        }
        card.push(character);
        length += character.len_utf8();
    }
    card.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EmailAddress, Handle, HttpsUrl, Parse, PhoneNumber, Platform};
    use proptest::prelude::*;

    #[test]
    fn a_card_tells_name_contact_and_links() {
        let contact = Contact {
            email: Some(EmailAddress::parse("li@example.net").unwrap()),
            phone: Some(PhoneNumber::parse("+351 912 345 678").unwrap()),
            vcard: true,
        };
        let social = Social {
            platform: Platform::Github,
            url: HttpsUrl::parse("https://github.com/mycelia").unwrap(),
            handle: Some(Handle::parse("mycelia").unwrap()),
        };
        let picture = Picture::sniff(b"GIF89a").unwrap();
        let card = Vcard {
            name: "Lí; Ann, \\ Spore",
            headline: "Mycologist at the institute of very long names, in the north of the city of Porto",
            url: "https://www.spore.example/",
            contact: &contact,
            socials: &[social],
            picture: Some(&picture),
        };
        insta::assert_snapshot!(card.render().replace("\r\n", "␍␊\n"), @r"
        BEGIN:VCARD␍␊
        VERSION:4.0␍␊
        FN:Lí\; Ann\, \\ Spore␍␊
        NOTE:Mycologist at the institute of very long names\, in the north of the c␍␊
         ity of Porto␍␊
        EMAIL:li@example.net␍␊
        TEL;VALUE=uri:tel:+351912345678␍␊
        URL;PREF=1:https://www.spore.example/␍␊
        SOCIALPROFILE;SERVICE-TYPE=GitHub:https://github.com/mycelia␍␊
        PHOTO:data:image/gif;base64,R0lGODlh␍␊
        END:VCARD␍␊
        ");
    }

    /// The line breaks of folding taken back out (RFC 6350 section 3.2).
    fn unfold(card: &str) -> String {
        card.replace("\r\n ", "")
    }

    proptest! {
        #[test]
        fn folding_keeps_lines_short_and_loses_nothing(line in "\\PC{0,300}") {
            let mut card = String::new();
            fold(&mut card, &line);
            let short = card.split("\r\n").all(|piece| piece.len() <= LINE_MAX);
            prop_assert!(short, "{card:?}");
            prop_assert_eq!(unfold(&card), line + "\r\n");
        }

        #[test]
        fn no_text_can_end_its_line(value in "[\\PC\n]{0,80}") {
            prop_assert!(!text(&value).contains(['\r', '\n']));
        }
    }
}
