//! What the operator allows, as a value.

use crate::desired::DesiredSite;
use crate::model::{Fault, HostingProvider};
use crate::schema::enumerant_name;

/// What this daemon accepts and how careful it is. It comes from the operator's settings, never from a
/// message.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The site ids that are accepted.
    pub sites: Patterns,
    /// The domain names that are accepted.
    pub domains: Patterns,
    /// The hosting providers that are accepted; `None` for all.
    pub providers: Option<Vec<HostingProvider>>,
    /// Whether something unmarked of the right name is taken over.
    pub adopt: bool,
    /// The change brake: the part of a site's files, in per cent, that one release may drop.
    pub max_removed_percent: u8,
    /// The change brake of DNS: the part of a site's record sets in a zone, in per cent, that may be deleted
    /// at once.
    pub max_removed_dns_percent: u8,
}

impl Default for Policy {
    /// Everything is accepted, nothing is taken over, a release that drops nine tenths of a site is
    /// withheld; so are changes that delete more than three tenths of its record sets.
    fn default() -> Self {
        Self {
            sites: Patterns::default(),
            domains: Patterns::default(),
            providers: None,
            adopt: false,
            max_removed_percent: 90,
            max_removed_dns_percent: 30,
        }
    }
}

/// Names that are accepted: exact ones, or with `*` for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

impl Default for Patterns {
    fn default() -> Self {
        Self(vec!["*".into()])
    }
}

impl Patterns {
    /// These patterns.
    #[must_use]
    pub const fn new(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    /// Whether one of the patterns matches the whole name.
    #[must_use]
    pub fn accept(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, name))
    }
}

/// Whether `pattern` matches all of `name`. Each `*` is first tried with nothing and then given back one
/// character more, so the time is at most the product of the lengths.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            p += 1;
            n += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            p = at + 1;
            n = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

impl Policy {
    /// Why a site is not accepted at all; empty when it is.
    #[must_use]
    pub fn refusals(&self, desired: &DesiredSite) -> Vec<Fault> {
        let mut refusals = Vec::new();
        let mut refuse = |code, path: String, message, key: &str| {
            refusals.push(Fault {
                code,
                path,
                message,
                hint: Some(format!("the operator's settings decide: {key}")),
            });
        };
        if !self.sites.accept(desired.id.as_str()) {
            let message = format!("site {} is not accepted here", desired.id);
            refuse("policy-site", "site.id".into(), message, "policy.sites");
        }
        let provider = desired.hosting.provider();
        let accepted = self.providers.as_ref();
        if accepted.is_some_and(|accepted| !accepted.contains(&provider)) {
            let message = format!(
                "hosting at {} is not accepted here",
                enumerant_name(provider)
            );
            let path = "hosting.provider".into();
            refuse("policy-provider", path, message, "policy.providers");
        }
        let names = &desired.hosting.names;
        let aliases = (0..)
            .zip(&names.aliases)
            .map(|(index, name): (usize, _)| (format!("domains.aliases[{index}]"), name));
        let primary = names
            .primary
            .iter()
            .map(|name| ("domains.primary".into(), name));
        for (path, name) in primary.chain(aliases) {
            if !self.domains.accept(name.as_str()) {
                let message = format!("domain {name} is not accepted here");
                refuse("policy-domain", path, message, "policy.domains");
            }
        }
        refusals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let cases = [
            ("*", "anything", true),
            ("*", "", true),
            ("blog", "blog", true),
            ("blog", "blogs", false),
            ("*.example", "www.spore.example", true),
            ("*.example", "example", false),
            ("team-*-docs", "team-a-b-docs", true),
            ("team-*-docs", "team-docs", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXb", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        let pattern = "*a".repeat(50);
        assert!(!matches(&pattern, &"a".repeat(49)));
        assert!(matches(&pattern, &"a".repeat(500)));
    }
}
