//! Texts with `:name` to be filled in.

use super::pattern::{Captures, Pattern, split_names};

/// A text, with the names of captures where their values go.
#[derive(Clone, Debug)]
pub(super) struct Template {
    first: String,
    rest: Vec<(String, String)>,
}

impl Template {
    /// Reads a text to be filled in by the captures of these patterns; other names stay as they
    /// are written. `literal` is applied to the text between.
    pub(super) fn parse(text: &str, patterns: &[&Pattern], literal: fn(&str) -> String) -> Self {
        let mut template = Self {
            first: String::new(),
            rest: Vec::new(),
        };
        for (name, after) in split_names(text) {
            let known = patterns
                .iter()
                .any(|p| p.names().any(|known| known == name));
            if known {
                template.rest.push((name.to_owned(), literal(after)));
            } else {
                let last = template.rest.last_mut().map(|(_, literal)| literal);
                let last = last.unwrap_or(&mut template.first);
                if !name.is_empty() {
                    last.push(':');
                    last.push_str(name);
                }
                last.push_str(&literal(after));
            }
        }
        template
    }

    /// The text, if there is nothing to fill in.
    pub(super) fn as_literal(&self) -> Option<&str> {
        self.rest.is_empty().then_some(self.first.as_str())
    }

    /// The text filled in; the first captures that know a name give its value.
    pub(super) fn render(&self, captures: &[&Captures<'_, '_>]) -> String {
        let mut out = self.first.clone();
        for (name, literal) in &self.rest {
            let value = captures.iter().find_map(|found| found.get(name));
            out.push_str(value.unwrap_or_default());
            out.push_str(literal);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_were_matched_are_filled_in() {
        let pattern = Pattern::parse("/:year/*", '/', str::to_owned).unwrap();
        let found = pattern.captures("/2026/a/b").unwrap();
        for (text, expected) in [
            ("/:splat?y=:year", "/a/b?y=2026"),
            (
                "https://x.example:8080/:year:splat",
                "https://x.example:8080/2026a/b",
            ),
            ("/:years/:other/::year", "/:years/:other/:2026"),
            ("", ""),
        ] {
            let template = Template::parse(text, &[&pattern], str::to_owned);
            assert_eq!(template.render(&[&found]), expected);
        }
    }
}
