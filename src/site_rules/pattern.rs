//! Patterns of paths and hosts.
//!
//! A pattern is a chain of literals with a placeholder between each two; a `*` splits it into two
//! chains, a head that begins where the text begins and a tail that ends where the text ends.
//! Chains are placed from right to left, each literal as far right as it can stand. This is what a
//! greedy regular expression finds, without trying twice: a literal that holds the separator can
//! stand in one place only, because the placeholder after it holds none, and one that does not hold
//! it can only move within one segment, where further right never hinders what stands to its left.

/// The name under which the part that `*` matched is known.
pub(super) const SPLAT: &str = "splat";

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatternError {
    /// Two `*`.
    #[error("only one * is allowed in a rule")]
    TwoWildcards,
    /// Two placeholders of one name, or `:splat` besides `*`.
    #[error("two placeholders have the same name")]
    SameName,
}

/// What the parts of a pattern matched, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Captures<'p, 't>(Vec<(&'p str, &'t str)>);

impl<'t> Captures<'_, 't> {
    /// What the part of this name matched.
    pub(super) fn get(&self, name: &str) -> Option<&'t str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }
}

/// A text with placeholders.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    head: Chain,
    tail: Option<Chain>,
    separator: char,
}

/// A literal, and then placeholders with the literal that follows each.
#[derive(Clone, Debug, Default)]
struct Chain {
    first: String,
    rest: Vec<(String, String)>,
}

impl Pattern {
    /// Reads a pattern; `literal` brings the text between the placeholders into the form that the
    /// matched texts will have. No placeholder matches the separator.
    pub(super) fn parse(
        text: &str,
        separator: char,
        literal: fn(&str) -> String,
    ) -> Result<Self, PatternError> {
        let mut parts = text.split('*');
        let head = Chain::parse(parts.next().unwrap_or_default(), literal);
        let tail = parts.next().map(|part| Chain::parse(part, literal));
        if parts.next().is_some() {
            return Err(PatternError::TwoWildcards);
        }
        let pattern = Self {
            head,
            tail,
            separator,
        };
        let names: Vec<&str> = pattern.names().collect();
        let repeated = |index: usize| names[..index].contains(&names[index]);
        if (1..names.len()).any(repeated) {
            return Err(PatternError::SameName);
        }
        Ok(pattern)
    }

    /// The names of its parts, `splat` for `*`.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let splat = self.tail.iter().map(|_| SPLAT);
        let tail = self.tail.iter().flat_map(Chain::names);
        self.head.names().chain(splat).chain(tail)
    }

    /// The text, if the pattern has no placeholders.
    pub(super) fn as_literal(&self) -> Option<&str> {
        (self.tail.is_none() && self.head.rest.is_empty()).then_some(self.head.first.as_str())
    }

    /// What the parts match, if the pattern matches the whole text.
    pub(super) fn captures<'p, 't>(&'p self, text: &'t str) -> Option<Captures<'p, 't>> {
        if !text.starts_with(&self.head.first) {
            return None;
        }
        let mut found = Captures::default();
        let mut place = Placement {
            text,
            separator: self.separator,
            segment: None,
            found: &mut found,
        };
        match &self.tail {
            None => place.whole(&self.head, text.len())?,
            Some(tail) => {
                let splat_end = place.tail(tail)?;
                let splat_start = place.head(&self.head, splat_end)?;
                found.0.push((SPLAT, &text[splat_start..splat_end]));
            }
        }
        Some(found)
    }
}

impl Chain {
    fn parse(text: &str, literal: fn(&str) -> String) -> Self {
        let mut chain = Self::default();
        let mut pieces = split_names(text);
        chain.first = literal(pieces.next().map_or("", |(_, text)| text));
        for (name, text) in pieces {
            chain.rest.push((name.to_owned(), literal(text)));
        }
        chain
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.rest.iter().map(|(name, _)| name.as_str())
    }

    /// The last literal.
    fn last(&self) -> &str {
        self.rest.last().map_or(&self.first, |(_, literal)| literal)
    }

    /// How often a character stands in the literals.
    fn count(&self, wanted: char) -> usize {
        let literals = self.rest.iter().map(|(_, literal)| literal);
        let all = std::iter::once(&self.first).chain(literals);
        all.map(|literal| literal.matches(wanted).count()).sum()
    }
}

/// Splits a text at its placeholders: pairs of a placeholder's name and the literal after it. The
/// first pair has no name. A name is a letter and then letters, digits and `_`.
pub(super) fn split_names(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = Some(text);
    let mut first = true;
    std::iter::from_fn(move || {
        let text = rest?;
        let name_end = if std::mem::take(&mut first) {
            0
        } else {
            1 + name_length(&text[1..])
        };
        let (name, after) = text.split_at(name_end);
        let next = after
            .match_indices(':')
            .map(|(at, _)| at)
            .find(|at| name_length(&after[at + 1..]) > 0);
        rest = next.map(|at| &after[at..]);
        Some((
            name.trim_start_matches(':'),
            &after[..next.unwrap_or(after.len())],
        ))
    })
}

/// The length of the name at the beginning of a text; 0 if there is none.
fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return 0;
    }
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.find(|c| !in_name(c)).unwrap_or(text.len())
}

/// Chains being placed in a text.
struct Placement<'a, 'p, 't> {
    text: &'t str,
    separator: char,
    /// Where the segment looked at last begins.
    segment: Option<usize>,
    found: &'a mut Captures<'p, 't>,
}

impl<'p> Placement<'_, 'p, '_> {
    /// Places a chain from the text's beginning to exactly `end`.
    fn whole(&mut self, chain: &'p Chain, end: usize) -> Option<()> {
        let mut start = end.checked_sub(chain.last().len())?;
        if !self.text[..end].ends_with(chain.last()) {
            return None;
        }
        for (index, (name, _)) in chain.rest.iter().enumerate().rev() {
            let gap = match index.checked_sub(1) {
                Some(before) => self.before_gap(&chain.rest[before].1, start)?,
                None => chain.first.len(),
            };
            self.capture(name, gap, start)?;
            start = match index.checked_sub(1) {
                Some(before) => gap - chain.rest[before].1.len(),
                None => 0,
            };
        }
        // The caller has seen that the first literal stands at the text's beginning.
        (start == 0).then_some(())
    }

    /// Places the chain before a `*` that reaches to `limit`; tells where the `*` begins.
    fn head(&mut self, chain: &'p Chain, limit: usize) -> Option<usize> {
        if chain.rest.is_empty() {
            return (chain.first.len() <= limit).then_some(chain.first.len());
        }
        // Placeholders hold no separator, so the literals' separators tell the segment it ends in.
        let separators = chain.count(self.separator);
        let mut found = self.text[..limit].match_indices(self.separator);
        let segment_end = found.nth(separators).map_or(limit, |(at, _)| at);
        let end = self.last_ending(chain.last(), segment_end, segment_end)?;
        self.whole(chain, end)?;
        Some(end)
    }

    /// Places the chain after a `*` up to the text's end; tells where it begins.
    fn tail(&mut self, chain: &'p Chain) -> Option<usize> {
        if !self.text.ends_with(chain.last()) {
            return None;
        }
        let mut start = self.text.len() - chain.last().len();
        for (index, (name, _)) in chain.rest.iter().enumerate().rev() {
            let before = index
                .checked_sub(1)
                .map_or(&chain.first, |at| &chain.rest[at].1);
            let gap = self.before_gap(before, start)?;
            self.capture(name, gap, start)?;
            start = gap - before.len();
        }
        Some(start)
    }

    /// The rightmost end of a literal that leaves a placeholder's place up to `end`.
    fn before_gap(&mut self, literal: &str, end: usize) -> Option<usize> {
        let last = self.text[..end].chars().next_back()?;
        self.last_ending(literal, end - last.len_utf8(), end)
    }

    /// The rightmost end, at most `limit`, of a literal after which no separator stands before
    /// `end`.
    fn last_ending(&mut self, literal: &str, limit: usize, end: usize) -> Option<usize> {
        let segment = self.segment_start(end);
        let mut from = segment.saturating_sub(literal.len());
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        let at = self.text.get(from..limit)?.rfind(literal)?;
        Some(from + at + literal.len())
    }

    /// Where the segment that holds `end` begins. Remembered, so that the text is read once.
    fn segment_start(&mut self, end: usize) -> usize {
        let known = self.segment.filter(|start| *start <= end);
        let start = known.unwrap_or_else(|| {
            let separator = self.text[..end].rfind(self.separator);
            separator.map_or(0, |at| at + self.separator.len_utf8())
        });
        self.segment = Some(start);
        start
    }

    /// Notes what a placeholder matched, if it may.
    fn capture(&mut self, name: &'p str, start: usize, end: usize) -> Option<()> {
        let value = self.text.get(start..end)?;
        if value.is_empty() || value.contains(self.separator) {
            return None;
        }
        self.found.0.push((name, value));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text, '/', str::to_owned).unwrap()
    }

    /// The captures as `name=value`, sorted.
    fn matched(rule: &str, text: &str) -> Option<String> {
        let pattern = pattern(rule);
        let mut found = pattern.captures(text)?.0;
        found.sort_unstable();
        let shown: Vec<_> = found.iter().map(|(n, v)| format!("{n}={v}")).collect();
        Some(shown.join(" "))
    }

    #[test]
    fn patterns_match_whole_paths() {
        for (rule, text, expected) in [
            ("/a", "/a", Some("")),
            ("/a", "/a/", None),
            ("/a/*", "/a", None),
            ("/a/*", "/a/", Some("splat=")),
            ("/a/*", "/a/b/c", Some("splat=b/c")),
            ("/*", "/", Some("splat=")),
            ("*", "/x", Some("splat=/x")),
            ("/*.html", "/a/b.html", Some("splat=a/b")),
            ("/*.html", "/a/b.htm", None),
            ("/a*a", "/a", None),
            ("/:x", "/", None),
            ("/:x", "/a/b", None),
            ("/:x/", "/a/", Some("x=a")),
            ("/:y-:m.html", "/20-26-01.html", Some("m=01 y=20-26")),
            ("/:a:b", "/xyz", Some("a=xy b=z")),
            ("/:a:b", "/x", None),
            ("/:a/*/:b", "/1/2/3/4", Some("a=1 b=4 splat=2/3")),
            ("/:a-*", "/x-y-z/w", Some("a=x-y splat=z/w")),
            ("/:a*", "/xy/z", Some("a=xy splat=/z")),
            ("/*:a", "/xy", Some("a=y splat=x")),
            ("/:a-x/:b", "/-x/-x", None),
            ("/:a/x-:b", "/p/x-x-q", Some("a=p b=x-q")),
            ("/:a-:b", "/\u{e9}-\u{e9}", Some("a=\u{e9} b=\u{e9}")),
            ("/8:80/::x", "/8:80/:y", Some("x=y")),
        ] {
            assert_eq!(matched(rule, text).as_deref(), expected, "{rule} {text}");
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        let error = |text| Pattern::parse(text, '/', str::to_owned).unwrap_err();
        assert_eq!(error("/*/*"), PatternError::TwoWildcards);
        assert_eq!(error("/:a/:a"), PatternError::SameName);
        assert_eq!(error("/:splat/*"), PatternError::SameName);
    }

    /// Patterns that would keep a backtracking matcher busy for years.
    #[test]
    fn a_long_path_takes_little_time() {
        let part = |name, n| format!(":{name}{n}.");
        let many = |name| (0..200).map(|n| part(name, n)).collect::<Vec<_>>().concat();
        let rule = format!("/{}*{}b", many('p'), many('q'));
        let text = format!("/{}b", "a.".repeat(4000));
        let begun = std::time::Instant::now();
        for _ in 0..10 {
            assert!(pattern("/:p.*.:q.c").captures(&text).is_none());
            assert!(pattern(&rule).captures(&text).is_some());
            assert!(pattern(&format!("{rule}/b")).captures(&text).is_none());
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(2));
    }

    /// What a greedy backtracking matcher finds: the plain meaning of a pattern.
    fn reference<'t>(parts: &[(&str, &str)], text: &'t str) -> Option<Vec<&'t str>> {
        let Some(((name, literal), rest)) = parts.split_first() else {
            return text.is_empty().then(Vec::new);
        };
        for end in (0..=text.len()).rev() {
            let (taken, after) = text.split_at(end);
            let fits = match *name {
                "" => taken.is_empty(),
                SPLAT => true,
                _ => !taken.is_empty() && !taken.contains('/'),
            };
            let Some(after) = after.strip_prefix(literal).filter(|_| fits) else {
                continue;
            };
            if let Some(mut found) = reference(rest, after) {
                if !name.is_empty() {
                    found.insert(0, taken);
                }
                return Some(found);
            }
        }
        None
    }

    /// Parts of a random pattern: literals, and between them placeholders and at most one `*`.
    fn random_parts() -> impl Strategy<Value = Vec<(String, String)>> {
        let literals = prop::collection::vec("[a/-]{0,3}", 1..5);
        (literals, prop::option::of(0_usize..4)).prop_map(|(literals, splat)| {
            let name = |index: usize| match index {
                0 => String::new(),
                _ if splat == Some(index - 1) => SPLAT.to_owned(),
                _ => format!("n{index}"),
            };
            let named = literals.into_iter().enumerate();
            named
                .map(|(index, literal)| (name(index), literal))
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn it_finds_what_a_greedy_search_finds(parts in random_parts(), text in "[a/-]{0,10}") {
            let written: String = parts.iter().map(|(name, literal)| match name.as_str() {
                "" => literal.clone(),
                SPLAT => format!("*{literal}"),
                // A literal that began with a letter would lengthen the name.
                name => format!(":{name}{}", literal.replace('a', ".")),
            }).collect();
            let parts: Vec<(&str, String)> = parts.iter().map(|(name, literal)| {
                let plain = name.is_empty() || name == SPLAT;
                (name.as_str(), if plain { literal.clone() } else { literal.replace('a', ".") })
            }).collect();
            let parts: Vec<(&str, &str)> = parts.iter().map(|(n, l)| (*n, l.as_str())).collect();
            let text = text.replace("aa", ".");
            let pattern = pattern(&written);
            let expected = reference(&parts, &text);
            let found = pattern.captures(&text);
            prop_assert_eq!(found.is_some(), expected.is_some(), "{} {}", written, text);
            if let (Some(found), Some(expected)) = (found, expected) {
                let names = parts.iter().map(|(name, _)| *name).filter(|name| !name.is_empty());
                for (name, value) in names.zip(expected) {
                    prop_assert_eq!(found.get(name), Some(value), "{} {} {}", written, text, name);
                }
            }
        }

        #[test]
        fn nothing_makes_it_panic(rule in "\\PC{0,40}", text in "\\PC{0,40}") {
            if let Ok(pattern) = Pattern::parse(&rule, '/', str::to_owned) {
                let _ = pattern.captures(&text);
            }
        }
    }
}
