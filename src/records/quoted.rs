//! Texts in quotation marks as zone files have them (RFC 1035 section 5.1).

use crate::model::Defect;
use std::fmt::{self, Write as _};

/// The most bytes of one text on the wire: its length is one byte (RFC 1035 section 3.3).
const CHUNK: usize = 255;

/// Reads texts in quotation marks, with white space between them. `\"` and `\\` stand for the character,
/// `\DDD` for the byte of that decimal number.
///
/// A text may be longer than a zone file allows: it is cut again when it is written.
pub(super) fn read(text: &str) -> Result<Vec<Vec<u8>>, Defect> {
    let (mut texts, mut rest) = (Vec::new(), text.trim_ascii());
    while !rest.is_empty() {
        let Some(inside) = rest.strip_prefix('"') else {
            return Err(defect(format!("outside of the quotation marks: {rest:?}"))
                .hint("a value that begins with a quotation mark is read as in a zone file"));
        };
        let (text, after) = one(inside)?;
        texts.push(text);
        rest = after.trim_ascii_start();
    }
    Ok(texts)
}

/// Reads up to the closing mark; gives the text and what follows.
fn one(inside: &str) -> Result<(Vec<u8>, &str), Defect> {
    let (mut text, mut rest) = (Vec::new(), inside);
    loop {
        let end = rest
            .find(['"', '\\'])
            .ok_or_else(|| defect("a quotation mark is not closed".into()))?;
        text.extend_from_slice(&rest.as_bytes()[..end]);
        let after = &rest[end + 1..];
        if rest.as_bytes()[end] == b'"' {
            return Ok((text, after));
        }
        rest = escaped(after, &mut text)?;
    }
}

/// Reads what follows a backslash; gives the rest.
fn escaped<'t>(after: &'t str, text: &mut Vec<u8>) -> Result<&'t str, Defect> {
    let Some(first) = after.chars().next() else {
        return Err(defect("nothing follows the last backslash".into()));
    };
    if !first.is_ascii_digit() {
        let (character, rest) = after.split_at(first.len_utf8());
        text.extend_from_slice(character.as_bytes());
        return Ok(rest);
    }
    let digits = after
        .get(..3)
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(byte) => {
            text.push(byte);
            Ok(&after[3..])
        }
        None => Err(defect(format!(
            "a backslash with digits is \\000 to \\255, not \\{}",
            after.chars().take(3).collect::<String>()
        ))),
    }
}

fn defect(message: String) -> Defect {
    Defect::new("record-value", message)
}

/// Writes one text in quotation marks.
pub(super) fn write(f: &mut fmt::Formatter<'_>, text: &[u8]) -> fmt::Result {
    f.write_char('"')?;
    for &byte in text {
        match byte {
            b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
            0x20..=0x7e => f.write_char(char::from(byte))?,
            _ => write!(f, "\\{byte:03}")?,
        }
    }
    f.write_char('"')
}

/// Writes a text as several of at most 255 bytes.
pub(super) fn write_chunks(f: &mut fmt::Formatter<'_>, text: &[u8]) -> fmt::Result {
    if text.is_empty() {
        return write(f, text);
    }
    for (index, chunk) in text.chunks(CHUNK).enumerate() {
        if index > 0 {
            f.write_char(' ')?;
        }
        write(f, chunk)?;
    }
    Ok(())
}
