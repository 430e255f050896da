//! The `site.treelink` section.

use super::cursor::Cursor;
use crate::model::{
    Avatar, Contact, Defect, Entry, EntryContent, Handle, HttpsUrl, Line, Link, Parse, Picture,
    Platform, Seo, Social, TextDirection, Theme, Treelink,
};
use crate::schema::spore_capnp::{avatar, contact, entry, seo, social, theme, treelink};

/// The largest picture a message may carry, in bytes.
const AVATAR_MAX: usize = 256 * 1024;

pub(super) fn treelink(c: &mut Cursor, r: treelink::Reader<'_>) -> Treelink {
    let name = c.text("name", r.get_name()).unwrap_or_default();
    let headline = c.text("headline", r.get_headline()).unwrap_or_default();
    let bio = c.text("bio", r.get_bio()).unwrap_or_default();
    let avatar = c
        .section("avatar", r.has_avatar(), r.get_avatar(), avatar)
        .unwrap_or(Avatar {
            image: None,
            alt: Line::default(),
        });
    let entries = c.list("entries", r.get_entries(), 200, entry);
    let socials = c.list("socials", r.get_socials(), 24, social);
    let contact = c
        .section("contact", r.has_contact(), r.get_contact(), |c, r| {
            Some(contact(c, r))
        })
        .unwrap_or_default();
    let theme = c
        .section("theme", r.has_theme(), r.get_theme(), theme)
        .unwrap_or_default();
    let seo = c
        .section("seo", r.has_seo(), r.get_seo(), |c, r| Some(seo(c, r)))
        .unwrap_or_default();
    let verify = c.texts("verify", r.get_verify(), 16);
    let footer = c.text("footer", r.get_footer()).unwrap_or_default();
    let direction = c.choice("direction", r.get_direction());
    Treelink {
        name,
        headline,
        bio,
        avatar,
        entries,
        socials,
        contact,
        theme,
        seo,
        verify,
        footer,
        direction: direction.unwrap_or(TextDirection::Auto),
    }
}

fn avatar(c: &mut Cursor, r: avatar::Reader<'_>) -> Option<Avatar> {
    let alt = c.text("alt", r.get_alt()).unwrap_or_default();
    let image = match c.union(r.which())? {
        avatar::Initials(()) => None,
        avatar::Image(Ok(bytes)) => {
            if bytes.len() > AVATAR_MAX {
                let defect = Defect::too_long(bytes.len(), AVATAR_MAX, "bytes");
                c.at("image").fault(defect.code, defect.message);
                return None;
            }
            let picture = Picture::sniff(bytes);
            if picture.is_none() {
                c.at("image")
                    .fault("image-kind", "not a PNG, JPEG, WebP, AVIF or GIF picture");
                return None;
            }
            picture
        }
        avatar::Image(Err(error)) => {
            c.at("image").fault("message-malformed", error.to_string());
            return None;
        }
    };
    Some(Avatar { image, alt })
}

fn entry(c: &mut Cursor, r: entry::Reader<'_>) -> Option<Entry> {
    let not_before = c.text("notBefore", r.get_not_before());
    let not_after = c.text("notAfter", r.get_not_after());
    if let (Some(before), Some(after)) = (&not_before, &not_after)
        && before >= after
    {
        c.at("notAfter")
            .fault("time-order", "is not after notBefore");
    }
    let content = match c.union(r.which())? {
        entry::Unspecified(()) => {
            c.fault("missing", "is neither link, heading nor text");
            return None;
        }
        entry::Link(link) => {
            let mut read = None;
            c.section("link", true, Ok(link), |c, link| {
                read = link_row(c, link);
                Some(())
            });
            EntryContent::Link(read?)
        }
        entry::Heading(text) => EntryContent::Heading(c.need("heading", text)?),
        entry::Text(text) => EntryContent::Text(c.need("text", text)?),
    };
    Some(Entry {
        content,
        not_before,
        not_after,
    })
}

fn link_row(c: &mut Cursor, r: entry::link::Reader<'_>) -> Option<Link> {
    let title = c.need("title", r.get_title());
    let url = c.need("url", r.get_url());
    let subtitle = c.text("subtitle", r.get_subtitle()).unwrap_or_default();
    Some(Link {
        title: title?,
        url: url?,
        subtitle,
        featured: r.get_featured(),
        sensitive: r.get_sensitive(),
    })
}

fn social(c: &mut Cursor, r: social::Reader<'_>) -> Option<Social> {
    let platform = c.choice("platform", r.get_platform());
    let (handle, url) = (r.get_handle(), r.get_url());
    let empty = |text: &capnp::Result<capnp::text::Reader<'_>>| {
        text.as_ref().is_ok_and(|text| text.as_bytes().is_empty())
    };
    let neither = empty(&handle) && empty(&url);
    let handle: Option<Handle> = c.text("handle", handle);
    let url: Option<HttpsUrl> = c.text("url", url);
    let platform = platform?;
    let url = match (url, &handle) {
        (Some(url), _) => url,
        (None, Some(handle)) => {
            let Some(url) = profile_url(platform, handle) else {
                c.at("url")
                    .fault("missing", "this platform needs a full address");
                return None;
            };
            url
        }
        (None, None) => {
            if neither {
                c.fault("missing", "needs handle or url");
            }
            return None;
        }
    };
    Some(Social {
        platform,
        url,
        handle,
    })
}

/// The address of a profile, where the platform alone tells the host.
fn profile_url(platform: Platform, handle: &Handle) -> Option<HttpsUrl> {
    let base = match platform {
        Platform::Website | Platform::Mastodon | Platform::Matrix | Platform::Rss => return None,
        Platform::Bluesky => "https://bsky.app/profile/",
        Platform::Github => "https://github.com/",
        Platform::Gitlab => "https://gitlab.com/",
        Platform::Codeberg => "https://codeberg.org/",
        Platform::Linkedin => "https://www.linkedin.com/in/",
        Platform::Instagram => "https://www.instagram.com/",
        Platform::Youtube => "https://www.youtube.com/@",
        Platform::X => "https://x.com/",
        Platform::Threads => "https://www.threads.net/@",
        Platform::Tiktok => "https://www.tiktok.com/@",
        Platform::Telegram => "https://t.me/",
        Platform::Signal => "https://signal.me/#eu/",
        Platform::Twitch => "https://www.twitch.tv/",
    };
    HttpsUrl::parse(&format!("{base}{handle}")).ok()
}

fn contact(c: &mut Cursor, r: contact::Reader<'_>) -> Contact {
    Contact {
        email: c.text("email", r.get_email()),
        phone: c.text("phone", r.get_phone()),
        vcard: r.get_vcard(),
    }
}

fn theme(c: &mut Cursor, r: theme::Reader<'_>) -> Option<Theme> {
    let default = Theme::default();
    let preset = c.choice("preset", r.get_preset());
    let accent = c.text("accent", r.get_accent()).unwrap_or(default.accent);
    let scheme = c.choice("scheme", r.get_scheme());
    let shape = c.choice("shape", r.get_shape());
    Some(Theme {
        preset: preset?,
        accent,
        scheme: scheme?,
        shape: shape?,
    })
}

fn seo(c: &mut Cursor, r: seo::Reader<'_>) -> Seo {
    Seo {
        description: c
            .text("description", r.get_description())
            .unwrap_or_default(),
        canonical: c.text("canonical", r.get_canonical()),
        no_index: r.get_no_index(),
    }
}
