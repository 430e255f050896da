//! Names and texts against plain statements of their rules, over generated input.

use mycelia_spore::model::{DomainName, Line, Lines, Parse, RecordName, SettingsName, SiteId};
use proptest::prelude::*;

/// A host name by the book: labels of 1 to 63 letters, digits and inner hyphens, 253 bytes in all.
fn host_name(text: &str, underscore: bool) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|character| {
                character.is_ascii_alphanumeric()
                    || character == '-'
                    || (underscore && character == '_')
            })
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn without_dot(text: &str) -> &str {
    text.strip_suffix('.').unwrap_or(text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn domain_names(text in "([a-zA-Z0-9_.*é-]|[a-z]{1,3}\\.|[a-z]{60,64}){0,8}") {
        let bare = without_dot(&text);
        let top = bare.rsplit('.').next().unwrap();
        let good = host_name(bare, false) && !top.chars().all(|c| c.is_ascii_digit());
        match DomainName::parse(&text) {
            Ok(name) => {
                prop_assert!(good, "{:?} was accepted", text);
                prop_assert_eq!(name.as_str(), bare.to_ascii_lowercase());
            }
            Err(_) => prop_assert!(!good, "{:?} was refused", text),
        }
    }

    #[test]
    fn record_names(text in "(\\*\\.)?([a-zA-Z0-9_.*@-]|[a-z]{1,3}\\.|[a-z]{60,64}){0,8}") {
        let bare = without_dot(&text);
        let rest = bare.strip_prefix("*.").unwrap_or(bare);
        let good = matches!(bare, "@" | "*") || host_name(rest, true);
        match RecordName::parse(&text) {
            Ok(name) => {
                prop_assert!(good, "{:?} was accepted", text);
                prop_assert_eq!(name.as_str(), bare.to_ascii_lowercase());
            }
            Err(_) => prop_assert!(!good, "{:?} was refused", text),
        }
    }

    #[test]
    fn site_ids_and_settings_names(text in "([a-zA-Z0-9._/-]|[a-z]{30,33}){0,6}") {
        let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let sized = (1..=63).contains(&text.len());
        let hyphen = text.starts_with('-') || text.ends_with('-');
        let label = sized && !hyphen && text.chars().all(|c| lower(c) || c == '-');
        prop_assert_eq!(SiteId::parse(&text).is_ok(), label, "{:?}", text);
        let name = sized && text.chars().all(|c| lower(c) || "._-".contains(c));
        prop_assert_eq!(SettingsName::parse(&text).is_ok(), name, "{:?}", text);
    }

    #[test]
    fn lines(text in "([ -~]|[\\x00-\\x1f\\x7f-\\u{a0}]|\\PC){0,12}") {
        let short = text.chars().count() <= 8;
        let control = text.chars().any(char::is_control);
        let inner = text.chars().any(|c| c.is_control() && c != '\n');
        prop_assert_eq!(Line::<8>::parse(&text).is_ok(), short && !control, "{:?}", text);
        prop_assert_eq!(Lines::<8>::parse(&text).is_ok(), short && !inner, "{:?}", text);
        if let Ok(line) = Line::<8>::parse(&text) {
            prop_assert_eq!(line.as_str(), text);
        }
    }
}

#[test]
fn lengths_of_domain_names_at_their_limits() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    assert_eq!(longest.len(), 253);
    assert!(DomainName::parse(&longest).is_ok());
    assert!(DomainName::parse(&format!("{longest}.")).is_ok());
    assert!(DomainName::parse(&format!("{longest}b")).is_err());
    assert!(DomainName::parse(&format!("a{label}.example")).is_err());
}
