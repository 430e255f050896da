//! Spoilt fields of a page of links.

use super::sample::{
    avatar, check, contact, entry, link, message, number, page, patched, seo, social, theme, told,
};
use mycelia_spore::schema::spore_capnp::Platform;

#[test]
fn page_and_avatar() {
    check(&[
        ("too-long", "site.treelink.name", |c| {
            page(c).set_name("x".repeat(81))
        }),
        ("control-character", "site.treelink.headline", |c| {
            page(c).set_headline("a\nb")
        }),
        ("too-long", "site.treelink.bio", |c| {
            page(c).set_bio("x".repeat(601))
        }),
        ("control-character", "site.treelink.bio", |c| {
            page(c).set_bio("a\r\nb")
        }),
        ("too-long", "site.treelink.entries", |c| {
            page(c).init_entries(201);
        }),
        ("too-long", "site.treelink.socials", |c| {
            page(c).init_socials(25);
        }),
        ("url-syntax", "site.treelink.verify[0]", |c| {
            page(c).init_verify(1).set(0, "http://a.example");
        }),
        ("too-long", "site.treelink.verify", |c| {
            page(c).init_verify(17);
        }),
        ("too-long", "site.treelink.footer", |c| {
            page(c).set_footer("x".repeat(161))
        }),
        ("enum-unknown", "site.treelink.direction", |c| {
            number(page(c), "direction", 3)
        }),
        ("image-kind", "site.treelink.avatar.image", |c| {
            avatar(c).set_image(b"<svg>")
        }),
        ("too-long", "site.treelink.avatar.image", |c| {
            avatar(c).init_image(256 * 1024 + 1);
        }),
        ("too-long", "site.treelink.avatar.alt", |c| {
            avatar(c).set_alt("x".repeat(161))
        }),
    ]);
}

#[test]
fn entries() {
    check(&[
        ("time-syntax", "site.treelink.entries[0].notBefore", |c| {
            entry(c).set_not_before("2026-12-01T08:00:00");
        }),
        ("time-syntax", "site.treelink.entries[0].notAfter", |c| {
            entry(c).set_not_after("tomorrow");
        }),
        ("time-order", "site.treelink.entries[0].notAfter", |c| {
            entry(c).set_not_after("2026-12-01T07:00:00Z");
        }),
        ("missing", "site.treelink.entries[0]", |c| {
            entry(c).set_unspecified(())
        }),
        ("missing", "site.treelink.entries[0].link.title", |c| {
            link(c).set_title("")
        }),
        ("too-long", "site.treelink.entries[0].link.title", |c| {
            link(c).set_title("x".repeat(81));
        }),
        ("missing", "site.treelink.entries[0].link.url", |c| {
            link(c).set_url("")
        }),
        ("url-scheme", "site.treelink.entries[0].link.url", |c| {
            link(c).set_url("javascript:alert(1)");
        }),
        ("url-scheme", "site.treelink.entries[0].link.url", |c| {
            link(c).set_url("a.example")
        }),
        ("url-syntax", "site.treelink.entries[0].link.url", |c| {
            link(c).set_url("https:a")
        }),
        ("url-syntax", "site.treelink.entries[0].link.url", |c| {
            link(c).set_url("https://a.example/\"><b>");
        }),
        ("url-syntax", "site.treelink.entries[0].link.url", |c| {
            link(c).set_url("mailto:")
        }),
        ("too-long", "site.treelink.entries[0].link.subtitle", |c| {
            link(c).set_subtitle("x".repeat(121));
        }),
        ("missing", "site.treelink.entries[1].heading", |c| {
            page(c).get_entries().unwrap().get(1).set_heading("");
        }),
        (
            "control-character",
            "site.treelink.entries[1].heading",
            |c| {
                page(c).get_entries().unwrap().get(1).set_heading("a\nb");
            },
        ),
        ("too-long", "site.treelink.entries[2].text", |c| {
            page(c)
                .get_entries()
                .unwrap()
                .get(2)
                .set_text("x".repeat(601));
        }),
    ]);
}

#[test]
fn choice_of_an_entry_from_a_newer_schema() {
    let heading = message(|c| page(c).get_entries().unwrap().get(1).set_heading("More"));
    let text = message(|c| page(c).get_entries().unwrap().get(1).set_text("More"));
    let expected = (
        "union-unknown".to_owned(),
        "site.treelink.entries[1]".to_owned(),
    );
    assert_eq!(told(patched(&heading, &text, 9)), [expected]);
}

#[test]
fn socials_contact_theme_and_seo() {
    check(&[
        ("enum-unknown", "site.treelink.socials[0].platform", |c| {
            number(social(c), "platform", 17);
        }),
        ("handle-syntax", "site.treelink.socials[0].handle", |c| {
            let mut social = social(c);
            social.set_handle("@mycelia");
            social.set_url("https://a.example/");
        }),
        ("missing", "site.treelink.socials[0].url", |c| {
            social(c).set_platform(Platform::Mastodon);
        }),
        ("missing", "site.treelink.socials[0]", |c| {
            social(c).set_handle("")
        }),
        ("email-syntax", "site.treelink.contact.email", |c| {
            contact(c).set_email("li")
        }),
        ("email-syntax", "site.treelink.contact.email", |c| {
            contact(c).set_email("a b@c.example")
        }),
        ("phone-syntax", "site.treelink.contact.phone", |c| {
            contact(c).set_phone("912")
        }),
        ("phone-syntax", "site.treelink.contact.phone", |c| {
            contact(c).set_phone("+1x2345")
        }),
        ("enum-unknown", "site.treelink.theme.preset", |c| {
            number(theme(c), "preset", 3)
        }),
        ("color-syntax", "site.treelink.theme.accent", |c| {
            theme(c).set_accent("green")
        }),
        ("color-syntax", "site.treelink.theme.accent", |c| {
            theme(c).set_accent("#12345g")
        }),
        ("enum-unknown", "site.treelink.theme.scheme", |c| {
            number(theme(c), "scheme", 3)
        }),
        ("enum-unknown", "site.treelink.theme.shape", |c| {
            number(theme(c), "shape", 3)
        }),
        ("too-long", "site.treelink.seo.description", |c| {
            seo(c).set_description("x".repeat(301));
        }),
        ("url-syntax", "site.treelink.seo.canonical", |c| {
            seo(c).set_canonical("spore")
        }),
    ]);
}
