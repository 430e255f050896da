//! Response headers by path.

use super::escape::canonical_path;
use super::headers_file::header_name;
use super::pattern::{Captures, Pattern, PatternError};
use super::split_https;
use super::template::Template;
use crate::release::HeaderRule;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};

/// Rules ready to be applied.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    host: Option<Pattern>,
    path: Pattern,
    unset: Vec<HeaderName>,
    set: Vec<(HeaderName, Value)>,
}

/// A header's value.
#[derive(Clone, Debug)]
enum Value {
    Fixed(HeaderValue),
    Filled(Template),
}

impl Headers {
    /// Makes rules ready. Rules and headers that are not valid are left out: `parse_headers` has
    /// warned of them, and other writers of manifests must not break a site by them.
    #[must_use]
    pub fn compile(rules: &[HeaderRule]) -> Self {
        Self(rules.iter().filter_map(compile).collect())
    }

    /// Applies every rule that matches, in order, to the headers of the answer to a request for
    /// this path (escaped as in a URL, without query) on this host (lower case, without port).
    ///
    /// The first rule that sets a header replaces what was there; further values are joined to it
    /// with ", ", or for `Set-Cookie`, which cannot be joined, added. A value that placeholders
    /// make invalid is left out.
    pub fn apply(&self, host: &str, path: &str, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        let path = canonical_path(path);
        let mut set_before = Vec::new();
        for rule in &self.0 {
            rule.apply(host, &path, headers, &mut set_before);
        }
    }
}

fn compile(rule: &HeaderRule) -> Option<Rule> {
    let (host, path) = patterns(&rule.path).ok()?;
    let known: Vec<&Pattern> = host.iter().chain([&path]).collect();
    let name = |text: &String| HeaderName::try_from(header_name(text).ok()?).ok();
    let value = |text: &str| {
        let template = Template::parse(text, &known, str::to_owned);
        match template.as_literal() {
            Some(text) => Some(Value::Fixed(HeaderValue::from_str(text).ok()?)),
            None => Some(Value::Filled(template)),
        }
    };
    let set = rule.set.iter();
    let set = set
        .filter_map(|(key, text)| Some((name(key)?, value(text)?)))
        .collect();
    let unset = rule.unset.iter().filter_map(name).collect();
    Some(Rule {
        host,
        path,
        unset,
        set,
    })
}

impl Rule {
    fn apply<'r>(
        &'r self,
        host: &str,
        path: &str,
        headers: &mut HeaderMap,
        set_before: &mut Vec<&'r HeaderName>,
    ) {
        let on_host = match &self.host {
            Some(pattern) => pattern.captures(host),
            None => Some(Captures::default()),
        };
        let (Some(on_host), Some(on_path)) = (on_host, self.path.captures(path)) else {
            return;
        };
        for name in &self.unset {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            let value = match value {
                Value::Fixed(value) => value.clone(),
                Value::Filled(template) => {
                    match HeaderValue::try_from(template.render(&[&on_host, &on_path])) {
                        Ok(value) => value,
                        Err(_) => continue,
                    }
                }
            };
            if set_before.contains(&name) {
                add(headers, name, value);
            } else {
                headers.insert(name, value);
                set_before.push(name);
            }
        }
    }
}

/// Adds a value to the ones a header has.
fn add(headers: &mut HeaderMap, name: &HeaderName, value: HeaderValue) {
    let joined = headers
        .get(name)
        .filter(|_| *name != SET_COOKIE)
        .map(|before| [before.as_bytes(), b", ", value.as_bytes()].concat());
    match joined.map(|bytes| HeaderValue::from_bytes(&bytes)) {
        Some(Ok(joined)) => {
            headers.insert(name, joined);
        }
        _ => {
            headers.append(name, value);
        }
    }
}

/// The patterns of a rule: of the host, if it names one, and of the path.
pub(super) fn patterns(rule: &str) -> Result<(Option<Pattern>, Pattern), PatternError> {
    // One pattern over both tells of a second * and of a name used twice.
    Pattern::parse(rule, '/', str::to_owned)?;
    let path = |text: &str| Pattern::parse(text, '/', |text| canonical_path(text).into_owned());
    match split_https(rule) {
        Some((host, rest)) => {
            let host = Pattern::parse(host, '.', str::to_ascii_lowercase)?;
            Ok((Some(host), path(rest)?))
        }
        None => Ok((None, path(rule)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_headers;
    use super::*;
    use proptest::prelude::*;

    /// The headers as lines after these rules are applied to one default.
    fn applied(rules: &str, host: &str, path: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("cache-control", HeaderValue::from_static("default"));
        Headers::compile(&parse_headers(rules).0).apply(host, path, &mut headers);
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}={}", value.to_str().unwrap())
        };
        headers.iter().map(line).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn rules_are_applied_in_order() {
        let rules = "/*\n Cache-Control: a\n X: 1\n X: 2\n Set-Cookie: a=1\n\
                     /blog/:year/*\n Cache-Control: :year\n X: :splat!\n Set-Cookie: b=2\n\
                     /blog/2026/*\n ! Cache-Control\n";
        for (path, expected) in [
            ("/", "cache-control=a|x=1, 2|set-cookie=a=1"),
            (
                "/blog/2025/a/b%20c",
                "cache-control=a, 2025|x=1, 2, a/b%20c!|set-cookie=a=1|set-cookie=b=2",
            ),
            ("/blog/2026/", "x=1, 2, !|set-cookie=a=1|set-cookie=b=2"),
        ] {
            let mut shown: Vec<_> = applied(rules, "x", path)
                .split('|')
                .map(str::to_owned)
                .collect();
            let mut expected: Vec<_> = expected.split('|').map(str::to_owned).collect();
            shown.sort();
            expected.sort();
            assert_eq!(shown, expected, "{path}");
        }
    }

    #[test]
    fn a_rule_may_be_about_one_host() {
        let rules = "https://:sub.Example.com/*\n X: :sub :splat\n";
        assert_eq!(
            applied(rules, "www.example.com", "/p"),
            "cache-control=default|x=www p"
        );
        for host in ["example.com", "a.b.example.com", "www.example.org"] {
            assert_eq!(applied(rules, host, "/p"), "cache-control=default");
        }
    }

    #[test]
    fn a_manifest_cannot_set_what_frames_the_message() {
        let rule = HeaderRule {
            path: "/*".into(),
            set: vec![
                ("Transfer-Encoding".into(), "chunked".into()),
                ("X\nY".into(), "a".into()),
                ("X-A".into(), "a\r\nb: c".into()),
            ],
            unset: vec!["Date".into()],
        };
        let mut headers = HeaderMap::new();
        Headers::compile(&[rule]).apply("x", "/", &mut headers);
        assert!(headers.is_empty());
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in "(/\\PC*\n \\PC*:\\PC*\n){0,4}", path in "/\\PC*") {
            let mut headers = HeaderMap::new();
            Headers::compile(&parse_headers(&text).0).apply("h", &path, &mut headers);
        }
    }
}
