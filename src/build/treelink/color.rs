//! Colours: sRGB, OKLCH and the contrast of WCAG.
//!
//! `OKLab` and its matrices: Björn Ottosson, "A perceptual color space for image processing" (2020), as
//! taken up by CSS Color Module Level 4, section 9. Relative luminance and contrast ratio: WCAG 2.2,
//! section 5 (definitions), with the sRGB threshold 0.04045 of IEC 61966-2-1.

use crate::model::Rgb;
use std::fmt::Write;

/// A colour in `OKLab`'s polar form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Oklch {
    /// Perceived lightness: 0 is black, 1 is white.
    pub(super) lightness: f64,
    /// Distance from grey; the colours of sRGB stay below 0.33.
    pub(super) chroma: f64,
    /// The hue's angle in radians.
    pub(super) hue: f64,
}

/// The three channels of linear-light sRGB; those within 0 to 1 can be shown.
type Linear = [f64; 3];

impl From<Rgb> for Oklch {
    fn from(color: Rgb) -> Self {
        let [red, green, blue] = linear(color);
        let cone = |r: f64, g: f64, b: f64| (r * red + g * green + b * blue).cbrt();
        let long = cone(0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9);
        let medium = cone(0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6);
        let short = cone(0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5);
        let mix = |l: f64, m: f64, s: f64| l * long + m * medium + s * short;
        let lightness = mix(0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8);
        let green_red = mix(1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9);
        let blue_yellow = mix(0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0);
        Self {
            lightness,
            chroma: green_red.hypot(blue_yellow),
            hue: blue_yellow.atan2(green_red),
        }
    }
}

impl Oklch {
    /// The nearest colour that sRGB can show at this lightness and hue: chroma gives way, so that a
    /// change of lightness never turns into a change of hue.
    pub(super) fn to_rgb(self) -> Rgb {
        let whole = self.to_linear();
        if showable(whole) {
            return encode(whole);
        }
        let (mut low, mut high) = (0.0, self.chroma);
        // 20 halvings narrow chroma to less than a millionth: far below one step of 8 bits.
        for _ in 0..20 {
            let chroma = f64::midpoint(low, high);
            if showable(Self { chroma, ..self }.to_linear()) {
                low = chroma;
            } else {
                high = chroma;
            }
        }
        let chroma = low;
        encode(Self { chroma, ..self }.to_linear())
    }

    fn to_linear(self) -> Linear {
        let (green_red, blue_yellow) = (self.chroma * self.hue.cos(), self.chroma * self.hue.sin());
        let cone = |a: f64, b: f64| (self.lightness + a * green_red + b * blue_yellow).powi(3);
        let long = cone(0.396_337_777_4, 0.215_803_757_3);
        let medium = cone(-0.105_561_345_8, -0.063_854_172_8);
        let short = cone(-0.089_484_177_5, -1.291_485_548_0);
        let mix = |l: f64, m: f64, s: f64| l * long + m * medium + s * short;
        [
            mix(4.076_741_662_1, -3.307_711_591_3, 0.230_969_929_2),
            mix(-1.268_438_004_6, 2.609_757_401_1, -0.341_319_396_5),
            mix(-0.004_196_086_3, -0.703_418_614_7, 1.707_614_701_0),
        ]
    }
}

/// Whether every channel can be shown, but for rounding.
fn showable(channels: Linear) -> bool {
    channels
        .iter()
        .all(|channel| (-1e-6..=1.0 + 1e-6).contains(channel))
}

/// Decodes the transfer function of sRGB.
fn linear(color: Rgb) -> Linear {
    [color.red, color.green, color.blue].map(|byte| {
        let value = f64::from(byte) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    })
}

/// Applies the transfer function of sRGB and rounds to 8 bits.
fn encode(channels: Linear) -> Rgb {
    let [red, green, blue] = channels.map(|value| {
        let value = value.clamp(0.0, 1.0);
        byte(if value <= 0.003_130_8 {
            value * 12.92
        } else {
            1.055 * value.powf(1.0 / 2.4) - 0.055
        })
    });
    Rgb { red, green, blue }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value was clamped to 0 to 255"
)]
fn byte(value: f64) -> u8 {
    (value * 255.0).round().clamp(0.0, 255.0) as u8
}

/// The relative luminance of WCAG 2.2: 0 for black, 1 for white.
fn luminance(color: Rgb) -> f64 {
    let [red, green, blue] = linear(color);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// The contrast ratio of WCAG 2.2: 1 for equal luminance, 21 for black on white.
pub(super) fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The colour as `#rrggbb`.
pub(super) fn hex(color: Rgb) -> String {
    let mut text = String::with_capacity(7);
    text.push('#');
    for byte in [color.red, color.green, color.blue] {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Parse;
    use proptest::prelude::*;

    fn rgb(text: &str) -> Rgb {
        Rgb::parse(text).unwrap()
    }

    #[test]
    fn contrast_has_the_published_values() {
        for (one, other, ratio) in [
            ("#000000", "#ffffff", 21.0),
            ("#ffffff", "#ffffff", 1.0),
            ("#767676", "#ffffff", 4.54),
            ("#ff0000", "#ffffff", 4.00),
            ("#0000ff", "#ffffff", 8.59),
        ] {
            let got = contrast(rgb(one), rgb(other));
            assert!((got - ratio).abs() < 0.005, "{one} on {other}: {got}");
            assert!((got - contrast(rgb(other), rgb(one))).abs() < f64::EPSILON);
        }
    }

    /// The values of CSS Color 4 for the primaries.
    #[test]
    fn oklch_has_the_published_values() {
        for (color, lightness, chroma, degrees) in [
            ("#ff0000", 0.6280, 0.2577, 29.23),
            ("#00ff00", 0.8664, 0.2948, 142.50),
            ("#0000ff", 0.4520, 0.3132, 264.05),
        ] {
            let got = Oklch::from(rgb(color));
            let hue = got.hue.to_degrees().rem_euclid(360.0);
            assert!((got.lightness - lightness).abs() < 1e-3, "{got:?}");
            assert!((got.chroma - chroma).abs() < 1e-3, "{got:?}");
            assert!((hue - degrees).abs() < 0.1, "{hue}");
        }
    }

    proptest! {
        #[test]
        fn a_colour_survives_the_way_there_and_back(red: u8, green: u8, blue: u8) {
            let color = Rgb { red, green, blue };
            prop_assert_eq!(Oklch::from(color).to_rgb(), color);
        }

        // Near black, 8 bits are too few for what is asked: #000000 and #010101 are 0.07 apart.
        #[test]
        fn what_cannot_be_shown_loses_chroma_only(
            lightness in 0.15..0.95, chroma in 0.0..0.5, hue in -3.0..3.0
        ) {
            let shown = Oklch::from(Oklch { lightness, chroma, hue }.to_rgb());
            prop_assert!((shown.lightness - lightness).abs() < 0.02, "{shown:?}");
            prop_assert!(shown.chroma < chroma + 0.02, "{shown:?}");
        }
    }
}
