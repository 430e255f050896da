//! Where in the settings file a key is.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line of a key such as `policy.adopt`, from 1: of as much of it as is there. A member of an array of tables
/// goes by the `name` that it has. `None` where not even the beginning is there, or the text is no settings file.
pub(super) fn line(text: &str, key: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let at = place(root.get_ref(), &key.split('.').collect::<Vec<_>>())?;
    let before = text.get(..at)?;
    Some(before.bytes().filter(|byte| *byte == b'\n').count() + 1)
}

/// Where a key begins, in bytes.
fn place(table: &DeTable<'_>, key: &[&str]) -> Option<usize> {
    let (first, rest) = key.split_first()?;
    let (name, value) = table
        .iter()
        .find(|(name, _)| name.get_ref().as_ref() == *first)?;
    let deeper = match value.get_ref() {
        DeValue::Table(table) => place(table, rest),
        DeValue::Array(array) => rest.split_first().and_then(|(wanted, rest)| {
            let named = array.iter().filter_map(|it| it.get_ref().as_table());
            let mut named = named.filter(|table| is_named(table, wanted));
            let table = named.next()?;
            place(table, rest).or_else(|| place(table, &["name"]))
        }),
        _ => None,
    };
    Some(deeper.unwrap_or(name.span().start))
}

fn is_named(table: &DeTable<'_>, wanted: &str) -> bool {
    let name = table
        .iter()
        .find(|(key, _)| key.get_ref().as_ref() == "name");
    name.and_then(|(_, name): (_, &Spanned<DeValue<'_>>)| name.get_ref().as_str())
        .is_some_and(|name| name == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_their_line() {
        let text = "jobs = 1\n\n[policy]\nadopt = true\nmax-removed-percent = 101\n\
                    [cloudflare.accounts.farm]\ntoken = \"x\"\n\
                    [[notifications]]\nname = \"a\"\nwebhook = \"x\"\n\
                    [[notifications]]\nname = \"b\"\n\n# more\nwebhook = \"y\"\n";
        for (key, expected) in [
            ("jobs", Some(1)),
            ("policy.max-removed-percent", Some(5)),
            ("policy.domains", Some(3)),
            ("cloudflare.accounts.farm.token", Some(7)),
            ("cloudflare.accounts.farm.account-id", Some(6)),
            ("notifications.a.webhook", Some(10)),
            ("notifications.b.webhook", Some(15)),
            ("notifications.b", Some(12)),
            ("drift.mode", None),
        ] {
            assert_eq!(line(text, key), expected, "{key}");
        }
        assert_eq!(line("jobs = ", "jobs"), None);
    }
}
