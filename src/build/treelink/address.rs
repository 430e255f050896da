//! Addresses that links lead to, made from mail addresses and telephone numbers, and what is shown of
//! an https address.

use crate::model::{EmailAddress, HttpsUrl, PhoneNumber};
use std::fmt::Write;

/// The `mailto:` address (RFC 6068 section 2). What that standard's `addr-spec` does not allow raw is
/// percent-encoded, so that no part of the address can begin a header field.
pub(super) fn mailto(email: &EmailAddress) -> String {
    let mut out = String::from("mailto:");
    for byte in email.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$'*+@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The `tel:` address of a global number, without visual separators (RFC 3966 section 5.1.4).
pub(super) fn tel(phone: &PhoneNumber) -> String {
    let digits = phone.as_str().chars().filter(|character| *character != ' ');
    "tel:".chars().chain(digits).collect()
}

/// An https address as people write it: without scheme, `www.` and final slash.
pub(super) fn shown(url: &HttpsUrl) -> &str {
    let text = url.as_str();
    let text = text.strip_prefix("https://").unwrap_or(text);
    let text = text.strip_prefix("www.").unwrap_or(text);
    text.strip_suffix('/').unwrap_or(text)
}

/// The host in a base or https address, without port.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#', ':']).unwrap_or(rest.len());
    &rest[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Parse;

    #[test]
    fn a_mail_address_cannot_add_header_fields() {
        for (email, expected) in [
            ("li@example.net", "mailto:li@example.net"),
            ("li+page@example.net", "mailto:li+page@example.net"),
            ("a?cc=b&d@example.net", "mailto:a%3Fcc%3Db%26d@example.net"),
            ("50%/#@example.net", "mailto:50%25%2F%23@example.net"),
        ] {
            assert_eq!(mailto(&EmailAddress::parse(email).unwrap()), expected);
        }
    }

    #[test]
    fn a_number_loses_its_spaces() {
        let phone = PhoneNumber::parse("+351 912 345 678").unwrap();
        assert_eq!(tel(&phone), "tel:+351912345678");
    }

    #[test]
    fn addresses_are_shown_short() {
        let url = HttpsUrl::parse("https://www.spore.example/").unwrap();
        assert_eq!(shown(&url), "spore.example");
        for (url, expected) in [
            ("https://spore.example/a?b", "spore.example"),
            ("http://fern.localhost", "fern.localhost"),
            ("https://spore.example:8443", "spore.example"),
        ] {
            assert_eq!(host(url), expected);
        }
    }
}
