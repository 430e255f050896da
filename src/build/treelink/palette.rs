//! The colours of a page, derived from its accent so that text always reaches a contrast of 4.5:1 and
//! borders and focus rings 3:1 (WCAG 2.2 success criteria 1.4.3 and 1.4.11, level AA).

use super::color::{Oklch, contrast, hex};
use crate::model::{Rgb, ThemePreset};
use std::fmt;

/// The least contrast of text with its ground (WCAG 2.2, 1.4.3).
const TEXT: f64 = 4.5;

/// The least contrast of borders and focus rings with what lies beside them (WCAG 2.2, 1.4.11).
const EDGE: f64 = 3.0;

/// How far lightness moves in one step of the search for enough contrast: below what an eye tells.
const STEP: f64 = 0.005;

const WHITE: Rgb = Rgb {
    red: 0xff,
    green: 0xff,
    blue: 0xff,
};

const BLACK: Rgb = Rgb {
    red: 0,
    green: 0,
    blue: 0,
};

/// Whether a page is light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Dark text on a light ground.
    Light,
    /// Light text on a dark ground.
    Dark,
}

/// The colours of a page in one tone, as the style sheet names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Palette {
    /// Behind everything.
    pub(super) ground: Rgb,
    /// Behind the content: the card, otherwise the ground.
    surface: Rgb,
    /// Behind an outlined button under the pointer.
    hover: Rgb,
    /// Names, titles and paragraphs.
    text: Rgb,
    /// Second lines.
    muted: Rgb,
    /// The accent as text, and focus rings.
    accent: Rgb,
    /// Borders of outlined buttons.
    line: Rgb,
    /// Filled buttons.
    pub(super) fill: Rgb,
    /// Filled buttons under the pointer.
    fill_hover: Rgb,
    /// Text on filled buttons.
    pub(super) on_fill: Rgb,
    /// Borders of filled buttons.
    edge: Rgb,
}

/// Where a tone's colours begin before contrast moves them, as lightness in OKLCH.
struct Start {
    ground: f64,
    surface: f64,
    hover: f64,
    text: f64,
    muted: f64,
    line: f64,
    /// The range that the fill is brought into, so that it stands out from the ground.
    fill: (f64, f64),
    /// Where lightness goes for more contrast.
    step: f64,
}

impl Start {
    const fn of(tone: Tone, card: bool) -> Self {
        match tone {
            Tone::Light => Self {
                ground: if card { 0.94 } else { 0.985 },
                surface: if card { 0.995 } else { 0.985 },
                hover: 0.955,
                text: 0.25,
                muted: 0.5,
                line: 0.7,
                fill: (0.0, 1.0),
                step: -STEP,
            },
            Tone::Dark => Self {
                ground: if card { 0.16 } else { 0.19 },
                surface: if card { 0.225 } else { 0.19 },
                hover: 0.27,
                text: 0.95,
                muted: 0.74,
                line: 0.48,
                fill: (0.45, 0.92),
                step: STEP,
            },
        }
    }
}

impl Palette {
    /// The colours for an accent, an arrangement and a tone.
    pub(super) fn derive(accent: Rgb, preset: ThemePreset, tone: Tone) -> Self {
        let card = preset == ThemePreset::Card;
        let start = Start::of(tone, card);
        let base = Oklch::from(accent);
        // At most this much of the accent's chroma: grounds and texts carry a breath of its hue.
        let tint = |lightness: f64, most: f64| Oklch {
            lightness,
            chroma: base.chroma.min(most),
            ..base
        };
        let ground = tint(start.ground, if card { 0.022 } else { 0.004 }).to_rgb();
        let surface = tint(start.surface, 0.004).to_rgb();
        let hover = tint(start.hover, 0.018).to_rgb();
        let behind = [ground, surface, hover];
        let until = |color, least| readable(color, start.step, &behind, least);
        let fill = fill(accent, base, start.fill);
        let on_fill = ink(fill, tint(0.2, 0.03).to_rgb());
        Self {
            ground,
            surface,
            hover,
            text: until(tint(start.text, 0.02), TEXT),
            muted: until(tint(start.muted, 0.025), TEXT),
            accent: until(base, TEXT),
            line: until(tint(start.line, 0.05), EDGE),
            fill,
            fill_hover: away(fill, on_fill),
            on_fill,
            edge: until(Oklch::from(fill), EDGE),
        }
    }
}

/// Moves a colour's lightness by `step` until it has `least` contrast with each of `behind`. It ends at
/// black or white at the latest, which the grounds of both tones are far enough from.
fn readable(color: Oklch, step: f64, behind: &[Rgb], least: f64) -> Rgb {
    let mut lightness = color.lightness;
    loop {
        let shade = Oklch { lightness, ..color }.to_rgb();
        let enough = behind.iter().all(|&back| contrast(shade, back) >= least);
        if enough || !(0.0..=1.0).contains(&lightness) {
            return shade;
        }
        lightness += step;
    }
}

/// The accent itself where its lightness is within the range, otherwise the nearest that is.
fn fill(accent: Rgb, base: Oklch, (low, high): (f64, f64)) -> Rgb {
    if (low..=high).contains(&base.lightness) {
        return accent;
    }
    let lightness = base.lightness.clamp(low, high);
    Oklch { lightness, ..base }.to_rgb()
}

/// What to write with on `fill`: white where it reads, else the dark ink, else black. One of white and
/// black always has a contrast of at least 4.58 (the square root of 21).
fn ink(fill: Rgb, dark: Rgb) -> Rgb {
    [WHITE, dark]
        .into_iter()
        .find(|&ink| contrast(ink, fill) >= TEXT)
        .unwrap_or(BLACK)
}

/// `fill` moved a little away from the ink on it, which can only raise their contrast.
fn away(fill: Rgb, ink: Rgb) -> Rgb {
    let base = Oklch::from(fill);
    let shift = if ink == WHITE { -0.05 } else { 0.05 };
    let lightness = (base.lightness + shift).clamp(0.0, 1.0);
    Oklch { lightness, ..base }.to_rgb()
}

impl fmt::Display for Palette {
    /// The colours as custom properties.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, color) in [
            ("ground", self.ground),
            ("surface", self.surface),
            ("hover", self.hover),
            ("text", self.text),
            ("muted", self.muted),
            ("accent", self.accent),
            ("line", self.line),
            ("fill", self.fill),
            ("fill-hover", self.fill_hover),
            ("on-fill", self.on_fill),
            ("edge", self.edge),
        ] {
            write!(f, "--{name}:{};", hex(color))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Parse;
    use proptest::prelude::*;

    /// Every pair that the style sheet puts together, with the contrast it needs.
    fn shortfalls(palette: &Palette) -> Vec<String> {
        let p = palette;
        let backs = [p.ground, p.surface, p.hover];
        let text = [p.text, p.muted, p.accent].map(|ink| (ink, TEXT));
        let edges = [p.line, p.edge, p.accent].map(|ink| (ink, EDGE));
        let on_page = text
            .into_iter()
            .chain(edges)
            .flat_map(|(ink, least)| backs.map(|back| (ink, back, least)));
        let on_fill = [p.fill, p.fill_hover].map(|back| (p.on_fill, back, TEXT));
        on_page
            .chain(on_fill)
            .filter(|&(ink, back, least)| contrast(ink, back) < least)
            .map(|(ink, back, least)| format!("{} on {} < {least}", hex(ink), hex(back)))
            .collect()
    }

    fn check(accent: Rgb) {
        for preset in [ThemePreset::Plain, ThemePreset::Filled, ThemePreset::Card] {
            for tone in [Tone::Light, Tone::Dark] {
                let palette = Palette::derive(accent, preset, tone);
                let short = shortfalls(&palette);
                assert!(
                    short.is_empty(),
                    "{} {tone:?} {preset:?}: {short:?}",
                    hex(accent)
                );
            }
        }
    }

    #[test]
    fn extreme_accents_read() {
        for accent in [
            "#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff", "#ffff00", "#00ffff", "#ff00ff",
            "#777777", "#767676", "#010101", "#fefefe",
        ] {
            check(Rgb::parse(accent).unwrap());
        }
    }

    #[test]
    fn a_light_page_keeps_the_accent_as_it_was_given() {
        let accent = Rgb::parse("#ffd400").unwrap();
        let palette = Palette::derive(accent, ThemePreset::Filled, Tone::Light);
        assert_eq!(palette.fill, accent);
    }

    proptest! {
        #[test]
        fn every_accent_reads(red: u8, green: u8, blue: u8) {
            check(Rgb { red, green, blue });
        }
    }
}
