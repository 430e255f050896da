//! "Did you mean": the name of the schema that a misspelt one was probably meant to be.

/// The most names that are listed when none is near.
const LISTED: usize = 20;

/// What to do about a name that is not among the known ones.
pub(super) fn suggestion(name: &str, known: &[&str]) -> Option<String> {
    if let Some(near) = nearest(name, known) {
        return Some(format!("did you mean {near}?"));
    }
    let listed = (1..=LISTED).contains(&known.len());
    listed.then(|| format!("known are {}", known.join(", ")))
}

/// The known name nearest to `name`, if it is near enough to be a slip.
pub(super) fn nearest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let folded = fold(name);
    let distance = |known: &str| strsim::damerau_levenshtein(&folded, &fold(known));
    let (distance, near) = known
        .iter()
        .map(|known| (distance(known), *known))
        .min_by_key(|(distance, _)| *distance)?;
    // One slip for every three letters, so that short names are not taken for each other.
    (distance * 3 <= near.len().max(folded.len())).then_some(near)
}

/// A name without what differs between `camelCase`, `snake_case` and `kebab-case`.
fn fold(name: &str) -> String {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["defaultBranch", "slug", "url", "noIndex", "a", "mx"];
        for (written, meant) in [
            ("default_branch", Some("defaultBranch")),
            ("default-branch", Some("defaultBranch")),
            ("DefaultBranch", Some("defaultBranch")),
            ("defaultBrnach", Some("defaultBranch")),
            ("slgu", Some("slug")),
            ("URL", Some("url")),
            ("uri", Some("url")),
            ("no_index", Some("noIndex")),
            ("MX", Some("mx")),
            ("slugg", Some("slug")),
            ("x", None),
            ("branch", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, &known), meant, "{written}");
        }
    }

    #[test]
    fn lists_what_there_is_when_nothing_is_near() {
        assert_eq!(
            suggestion("zzz", &["one", "two"]).as_deref(),
            Some("known are one, two")
        );
        assert_eq!(suggestion("zzz", &[]), None);
    }
}
