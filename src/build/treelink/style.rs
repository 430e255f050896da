//! The page's style sheet, with the palette of its theme, and the hash that allows it.

use super::color::hex;
use super::palette::{Palette, Tone};
use crate::model::{ColorScheme, Shape, Theme};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The rules, the same for every page.
const RULES: &str = include_str!("../../../templates/treelink/page.css");

/// How a page looks.
pub(super) struct Style {
    /// The style sheet, to stand in `<style>` as it is.
    pub(super) css: String,
    /// The colours of the page, or those of its light tone when it has two.
    main: Palette,
    /// The colours for visitors who ask for dark, where the page follows them.
    dark: Option<Palette>,
}

impl Style {
    /// The look that a theme asks for.
    pub(super) fn of(theme: &Theme) -> Self {
        let palette = |tone| Palette::derive(theme.accent, theme.preset, tone);
        let (scheme, main, dark) = match theme.scheme {
            ColorScheme::Auto => ("light dark", Tone::Light, Some(palette(Tone::Dark))),
            ColorScheme::Light => ("light", Tone::Light, None),
            ColorScheme::Dark => ("dark", Tone::Dark, None),
        };
        let main = palette(main);
        let corners = corners(theme.shape);
        let mut css = format!(":root{{color-scheme:{scheme};{main}{corners}}}\n");
        if let Some(dark) = dark {
            let dark = dark.to_string();
            css.extend(["@media (prefers-color-scheme:dark){:root{", &dark, "}}\n"]);
        }
        css += &rules();
        Self { css, main, dark }
    }

    /// The source expression that allows this style sheet and no other (CSP Level 3 section 2.3.1).
    pub(super) fn source(&self) -> String {
        let digest = Sha256::digest(self.css.as_bytes());
        format!("'sha256-{}'", STANDARD.encode(digest))
    }

    /// The colours of the browser's own furniture around the page, each with its media query; no query
    /// where there is one colour only.
    pub(super) fn theme_colors(&self) -> Vec<(String, &'static str)> {
        let main = hex(self.main.ground);
        match self.dark {
            None => vec![(main, "")],
            Some(dark) => vec![
                (main, "(prefers-color-scheme: light)"),
                (hex(dark.ground), "(prefers-color-scheme: dark)"),
            ],
        }
    }

    /// The fill and the ink of the page's sign, as `#rrggbb`.
    pub(super) fn sign(&self) -> (String, String) {
        (hex(self.main.fill), hex(self.main.on_fill))
    }
}

/// The radii of buttons and of the avatar.
const fn corners(shape: Shape) -> &'static str {
    match shape {
        Shape::Rounded => "--radius:.75rem;--round:50%;",
        // Half of a button's least height, so that buttons of two lines keep their corners.
        Shape::Pill => "--radius:1.875rem;--round:50%;",
        Shape::Square => "--radius:0;--round:0;",
    }
}

/// The rules without comments and indentation.
fn rules() -> String {
    let mut out = String::with_capacity(RULES.len());
    let mut rest = RULES;
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    let lines = out.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(scheme: ColorScheme) -> Style {
        Style::of(&Theme {
            scheme,
            ..Theme::default()
        })
    }

    #[test]
    fn the_scheme_decides_which_colours_there_are() {
        for (scheme, declared, queries) in [
            (ColorScheme::Auto, "color-scheme:light dark;", 1),
            (ColorScheme::Light, "color-scheme:light;", 0),
            (ColorScheme::Dark, "color-scheme:dark;", 0),
        ] {
            let style = style(scheme);
            assert!(style.css.contains(declared), "{scheme:?}");
            let found = style.css.matches("prefers-color-scheme:dark").count();
            assert_eq!(found, queries, "{scheme:?}");
        }
    }

    #[test]
    fn rules_stand_in_a_style_element_as_they_are() {
        let css = style(ColorScheme::Auto).css;
        assert!(!css.contains('<') && !css.contains("/*") && !css.contains('\r'));
        assert!(!css.contains("url("), "the page loads nothing by its style");
        assert_eq!(css.matches('{').count(), css.matches('}').count());
    }

    #[test]
    fn the_source_is_the_digest_of_the_text() {
        let empty = Style {
            css: String::new(),
            ..style(ColorScheme::Light)
        };
        // SHA-256 of no bytes, as NIST's examples for FIPS 180-4 give it, in Base64.
        assert_eq!(
            empty.source(),
            "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
        );
    }

    #[test]
    fn every_colour_that_is_used_is_defined() {
        let css = style(ColorScheme::Auto).css;
        for used in css.split("var(").skip(1) {
            let name = used.split([')', ',']).next().unwrap();
            assert!(css.contains(&format!("{name}:")), "{name}");
        }
    }
}
