//! Other values: languages, variables, contacts, colours and times.

use super::super::fault::Defect;
use super::names::host_name;
use super::{Parse, bytes_at_most};
use compact_str::CompactString;
use std::fmt;

text_type!(
    /// A BCP 47 language tag, by its well-formedness: subtags of 1 to 8 letters and digits between `-`.
    LanguageTag,
    |text| {
        let mut parts = text.split('-');
        let first = parts.next().unwrap_or_default();
        let good = text.len() <= 35
            && (2..=8).contains(&first.len())
            && first.bytes().all(|byte| byte.is_ascii_alphabetic())
            && parts.all(|part| {
                (1..=8).contains(&part.len())
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
        if good {
            return Ok(());
        }
        Err(
            Defect::new("language-syntax", format!("not a language tag: {text:?}"))
                .hint("write a BCP 47 tag such as en or pt-BR"),
        )
    }
);
text_type!(
    /// The name of an environment variable (POSIX, Base Definitions 8.1, with lower case), at most 128 bytes.
    VariableName,
    |text| {
        let bytes = text.as_bytes();
        let good = (1..=128).contains(&bytes.len())
            && !bytes[0].is_ascii_digit()
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if good {
            return Ok(());
        }
        Err(Defect::new(
            "name-syntax",
            format!("not a variable name: {text:?}"),
        ))
    }
);
text_type!(
    /// A mail address, by the shape that matters for a `mailto:` link: `LOCAL@HOST`, at most 254 bytes
    /// (RFC 5321 section 4.5.3.1.3 less its angle brackets).
    EmailAddress,
    |text| {
        bytes_at_most(text, 254)?;
        let wrong = || {
            Err(Defect::new(
                "email-syntax",
                format!("not a mail address: {text:?}"),
            ))
        };
        let Some((local, host)) = text.rsplit_once('@') else {
            return wrong();
        };
        let local_ok = !local.is_empty()
            && local
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&byte));
        if local_ok && host_name(host, false).is_ok() {
            Ok(())
        } else {
            wrong()
        }
    }
);
text_type!(
    /// A telephone number: `+` and 5 to 15 digits (ITU-T E.164), spaces allowed.
    PhoneNumber,
    |text| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let good = text.starts_with('+')
            && (5..=15).contains(&digits)
            && text[1..]
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b' ')
            && text.len() <= 32;
        if good {
            return Ok(());
        }
        Err(
            Defect::new("phone-syntax", format!("not a telephone number: {text:?}"))
                .hint("write it in international form, as +351 912 345 678"),
        )
    }
);
text_type!(
    /// A name on another platform, without `@`.
    Handle,
    |text| {
        let good = (1..=100).contains(&text.len())
            && !text.starts_with('@')
            && !text.contains("..")
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-@+/".contains(&byte));
        if good {
            return Ok(());
        }
        Err(Defect::new("handle-syntax", format!("not a handle: {text:?}"))
            .hint("write the name alone, without @ or address"))
    }
);

/// A colour of the sRGB space, 8 bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl Parse for Rgb {
    fn parse(text: &str) -> Result<Self, Defect> {
        let channel = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        let hex = text.len() == 7
            && text.starts_with('#')
            && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
        match (hex, channel(1), channel(3), channel(5)) {
            (true, Some(red), Some(green), Some(blue)) => Ok(Self { red, green, blue }),
            _ => Err(
                Defect::new("color-syntax", format!("not a colour: {text:?}"))
                    .hint("write #rrggbb"),
            ),
        }
    }
}

/// An instant, read from an RFC 3339 date and time with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub jiff::Timestamp);

impl Parse for Timestamp {
    fn parse(text: &str) -> Result<Self, Defect> {
        text.parse().map(Self).map_err(|_| {
            Defect::new("time-syntax", format!("not a date and time: {text:?}"))
                .hint("write RFC 3339 with an offset, as 2026-12-01T08:00:00+01:00")
        })
    }
}

/// A calendar date, `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub jiff::civil::Date);

impl Parse for Date {
    fn parse(text: &str) -> Result<Self, Defect> {
        let shape = text.len() == 10;
        match text.parse() {
            Ok(date) if shape => Ok(Self(date)),
            _ => Err(Defect::new("date-syntax", format!("not a date: {text:?}"))
                .hint("write YYYY-MM-DD")),
        }
    }
}
