//! Percent-encoding: one written form for each path.

use std::borrow::Cow;

/// The path with every byte escaped that RFC 3986 section 3.3 does not allow in a path, and no
/// other; hexadecimal digits in upper case. An escaped `/` stays escaped, and a `%` that begins no
/// escape becomes `%25`. Applying this twice changes nothing more.
#[must_use]
pub fn canonical_path(path: &str) -> Cow<'_, str> {
    if path.bytes().all(is_path_byte) {
        return Cow::Borrowed(path);
    }
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len() + 16);
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let escaped = (byte == b'%').then(|| escaped_byte(bytes, index)).flatten();
        match escaped {
            Some(b'/') => out.push_str("%2F"),
            Some(value) => push(&mut out, value, is_path_byte),
            None => push(&mut out, byte, is_path_byte),
        }
        index += if escaped.is_some() { 3 } else { 1 };
    }
    Cow::Owned(out)
}

/// A path that is not escaped, with every byte escaped that RFC 3986 section 3.3 does not allow in
/// a path; the canonical form.
#[must_use]
pub fn escape_path(path: &str) -> Cow<'_, str> {
    if path.bytes().all(is_path_byte) {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len() + 16);
    for byte in path.bytes() {
        push(&mut out, byte, is_path_byte);
    }
    Cow::Owned(out)
}

/// The text with those bytes escaped that may stand nowhere in a URL (RFC 3986 section 2).
pub(super) fn url_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        push(&mut out, byte, is_url_byte);
    }
    out
}

fn push(out: &mut String, byte: u8, allowed: fn(u8) -> bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if allowed(byte) {
        out.push(char::from(byte));
    } else {
        out.push('%');
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
}

/// The byte that is written as `%XX` at `index`.
fn escaped_byte(bytes: &[u8], index: usize) -> Option<u8> {
    let digit = |offset: usize| char::from(*bytes.get(index + offset)?).to_digit(16);
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}

/// `pchar` without escapes, and `/` (RFC 3986 section 3.3).
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte)
}

/// The characters of a URL, `%` included.
fn is_url_byte(byte: u8) -> bool {
    is_path_byte(byte) || b"?#[]%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_a_path_becomes_the_same() {
        for (path, expected) in [
            ("/plain/a.html", "/plain/a.html"),
            ("/caf\u{e9}", "/caf%C3%A9"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/a b", "/a%20b"),
            ("/%61%7e", "/a~"),
            ("/a%2fb", "/a%2Fb"),
            ("/100%", "/100%25"),
            ("/100%25", "/100%25"),
            ("/%4", "/%254"),
            ("/\"<>\\^`{|}", "/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ] {
            assert_eq!(canonical_path(path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own(path in "\\PC*") {
            let once = canonical_path(&path).into_owned();
            let twice = canonical_path(&once).into_owned();
            prop_assert_eq!(&twice, &once);
            prop_assert!(once.bytes().all(|byte| is_path_byte(byte) || byte == b'%'));
        }

        #[test]
        fn an_escaped_path_is_canonical(path in "\\PC*") {
            let escaped = escape_path(&path).into_owned();
            prop_assert_eq!(canonical_path(&escaped).into_owned(), escaped);
        }
    }
}
