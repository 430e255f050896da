//! Redirects by path.

use super::escape::{canonical_path, url_text};
use super::pattern::{Captures, Pattern};
use super::template::Template;
use crate::release::RedirectRule;
use std::collections::HashMap;

/// The statuses that a rule may have; 200 serves the other path under this one.
pub(super) const STATUSES: [u16; 6] = [200, 301, 302, 303, 307, 308];

/// Rules ready to be matched.
#[derive(Clone, Debug, Default)]
pub struct Redirects {
    /// The rules before the first with placeholders, by path.
    fixed: HashMap<String, Target>,
    /// The others, in order.
    dynamic: Vec<(Pattern, Target)>,
}

/// Where a rule leads.
#[derive(Clone, Debug)]
struct Target {
    status: u16,
    location: Template,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// 301, 302, 303, 307 or 308; or 200: the other path is served under this one.
    pub status: u16,
    /// A path of this site, never beginning with `//`, or a URL; printable ASCII.
    pub location: String,
}

impl Redirection {
    /// The same with the request's query, unless the target has a query itself.
    #[must_use]
    pub fn with_query(mut self, query: Option<&str>) -> Self {
        let end = self.location.find('#').unwrap_or(self.location.len());
        if let Some(query) = query
            && !self.location[..end].contains('?')
        {
            self.location.insert_str(end, &format!("?{query}"));
        }
        self
    }
}

impl Redirects {
    /// Makes rules ready. Rules that are not valid are left out: `parse_redirects` has warned of
    /// them, and other writers of manifests must not break a site by them.
    #[must_use]
    pub fn compile(rules: &[RedirectRule]) -> Self {
        let mut redirects = Self::default();
        for rule in rules {
            let Some((pattern, target)) = compile(rule) else {
                continue;
            };
            match pattern.as_literal() {
                Some(path) if redirects.dynamic.is_empty() => {
                    redirects.fixed.entry(path.to_owned()).or_insert(target);
                }
                _ => redirects.dynamic.push((pattern, target)),
            }
        }
        redirects
    }

    /// Where this path (escaped as in a URL, without query) leads, by the first rule that matches.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Redirection> {
        if self.fixed.is_empty() && self.dynamic.is_empty() {
            return None;
        }
        let path = canonical_path(path);
        if let Some(target) = self.fixed.get(path.as_ref()) {
            return Some(target.redirection(&Captures::default()));
        }
        let matching = |(pattern, target): &(Pattern, Target)| {
            let captures = pattern.captures(&path)?;
            Some(target.redirection(&captures))
        };
        self.dynamic.iter().find_map(matching)
    }
}

fn compile(rule: &RedirectRule) -> Option<(Pattern, Target)> {
    let own = rule.to.starts_with('/');
    let url = rule.to.starts_with("https://") || rule.to.starts_with("http://");
    let valid = STATUSES.contains(&rule.status) && (own || url && rule.status != 200);
    let pattern = Pattern::parse(&rule.from, '/', |text| canonical_path(text).into_owned());
    let pattern = pattern.ok().filter(|_| valid)?;
    let target = Target {
        status: rule.status,
        location: Template::parse(&rule.to, &[&pattern], url_text),
    };
    Some((pattern, target))
}

impl Target {
    fn redirection(&self, captures: &Captures<'_, '_>) -> Redirection {
        let location = self.location.render(&[captures]);
        Redirection {
            status: self.status,
            location: one_leading_slash(&location).to_owned(),
        }
    }
}

/// The path without what would make it a URL of another host: `//host` and `/\host`.
pub(super) fn one_leading_slash(path: &str) -> &str {
    let rest = path.trim_start_matches(['/', '\\']);
    let kept = path.len() - rest.len();
    match kept {
        0 | 1 => path,
        _ if path[kept - 1..].starts_with('/') => &path[kept - 1..],
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_redirects;
    use super::*;
    use proptest::prelude::*;

    fn found(rules: &str, path: &str) -> Option<String> {
        let (rules, warnings) = parse_redirects(rules);
        assert_eq!(warnings, []);
        let found = Redirects::compile(&rules).find(path)?;
        Some(format!("{} {}", found.status, found.location))
    }

    #[test]
    fn paths_are_redirected() {
        let rules = "/a /b 301\n\
                     /caf\u{e9} /coffee\n\
                     /go/* /:splat\n\
                     /z /late\n\
                     /u/:id/post-:slug.html https://x.example/:id?s=:slug#:splat 308\n\
                     /* /all/:splat 307\n";
        for (path, expected) in [
            ("/a", "301 /b"),
            ("/%61", "301 /b"),
            ("/caf%C3%A9", "302 /coffee"),
            ("/caf%c3%a9", "302 /coffee"),
            ("/go/x/y%20z", "302 /x/y%20z"),
            ("/go//evil.example/", "302 /evil.example/"),
            ("/z", "302 /late"),
            ("/u/7/post-a-b.html", "308 https://x.example/7?s=a-b#:splat"),
            ("/other", "307 /all/other"),
        ] {
            assert_eq!(found(rules, path).as_deref(), Some(expected), "{path}");
        }
        assert_eq!(found("/a /b", "/c"), None);
    }

    #[test]
    fn a_query_passes_through_unless_the_target_has_one() {
        for (location, query, expected) in [
            ("/b", Some("q=1"), "/b?q=1"),
            ("/b#f", Some("q=1"), "/b?q=1#f"),
            ("/b?x", Some("q=1"), "/b?x"),
            ("/b#f?x", Some("q=1"), "/b?q=1#f?x"),
            ("/b", None, "/b"),
        ] {
            let found = Redirection {
                status: 302,
                location: location.into(),
            };
            assert_eq!(found.with_query(query).location, expected);
        }
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in "\\PC*", path in "/\\PC*") {
            let (rules, _) = parse_redirects(&text);
            let _ = Redirects::compile(&rules).find(&path);
        }

        #[test]
        fn locations_are_printable_and_stay_on_their_host(
            from in "/[a:*/]{0,6}",
            to in "/[\\PC/\\\\:a*splt]{0,12}",
            path in "/[\\PC/\\\\a]{0,12}",
        ) {
            let rule = RedirectRule { from, to, status: 302 };
            if let Some(found) = Redirects::compile(&[rule]).find(&path) {
                prop_assert!(found.location.starts_with('/'));
                prop_assert!(!found.location.starts_with("//"));
                prop_assert!(!found.location.starts_with("/\\"));
                prop_assert!(found.location.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
