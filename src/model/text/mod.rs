//! Newtypes that cannot hold a bad value: each is made by [`Parse::parse`] and only read after.
//!
//! Limits come from the comments of `schema/spore.capnp`; where a standard sets them it is named.

use super::ascii;
use super::fault::Defect;
use compact_str::CompactString;
use std::fmt;

/// A value that is read from the text of one field.
pub trait Parse: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// A [`Defect`] that says what is wrong with the text and what to do about it.
    fn parse(text: &str) -> Result<Self, Defect>;
}

/// Declares a newtype around text: the type, its accessors and its parser's check.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(CompactString);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Parse for $name {
            #[inline]
            fn parse(text: &str) -> Result<Self, Defect> {
                let check: fn(&str) -> Result<(), Defect> = $check;
                check(text)?;
                Ok(Self(CompactString::new(text)))
            }
        }

        text_type!(@traits $name);
    };
    (@traits $name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
    };
}

/// One line of plain text of at most `MAX` characters, without control characters.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Line<const MAX: usize>(CompactString);

/// Plain text of at most `MAX` characters that may hold several lines (`\n`), without other
/// control characters.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Lines<const MAX: usize>(CompactString);

macro_rules! bounded_text {
    ($name:ident, $allowed:expr) => {
        impl<const MAX: usize> $name<MAX> {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether there is no text.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl<const MAX: usize> Parse for $name<MAX> {
            #[inline]
            fn parse(text: &str) -> Result<Self, Defect> {
                // Bytes bound characters from above, so most texts need no counting.
                if text.len() > MAX {
                    let count = text.chars().count();
                    if count > MAX {
                        return Err(Defect::too_long(count, MAX, "characters"));
                    }
                }
                no_control(text, $allowed)?;
                Ok(Self(CompactString::new(text)))
            }
        }

        impl<const MAX: usize> fmt::Display for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<const MAX: usize> fmt::Debug for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.0.as_str(), f)
            }
        }
    };
}
bounded_text!(Line, "");
bounded_text!(Lines, "\n");

/// Refuses control characters other than those in `allowed`.
#[inline]
fn no_control(text: &str, allowed: &str) -> Result<(), Defect> {
    if ascii::plain(text) {
        return Ok(());
    }
    match text
        .chars()
        .find(|&character| character.is_control() && !allowed.contains(character))
    {
        None => Ok(()),
        Some(bad) => Err(Defect::new(
            "control-character",
            format!("control character U+{:04X}", u32::from(bad)),
        )
        .hint("remove it: texts reach command lines, paths and pages")),
    }
}

/// Refuses texts of more than `max` bytes and control characters.
fn bytes_at_most(text: &str, max: usize) -> Result<(), Defect> {
    if text.len() > max {
        return Err(Defect::too_long(text.len(), max, "bytes"));
    }
    no_control(text, "")
}

// After the macros, which the modules use.
mod address;
mod names;
mod source;
mod values;

pub use address::{
    Endpoint, HeaderName, HeaderValue, HttpsUrl, KeyPrefix, LinkUrl, PathPattern, RedirectTarget,
    RepoUrl, SshTarget,
};
pub use names::{DomainName, LabelKey, ProjectName, RecordName, SettingsName, SiteId};
pub use source::{AbsolutePath, CommitId, RefName, RelativePath, Slug};
pub use values::{
    Date, EmailAddress, Handle, LanguageTag, PhoneNumber, Rgb, Timestamp, VariableName,
};
