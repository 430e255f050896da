//! Whether a site's own `_routes.json` is one that Cloudflare takes.
//!
//! `wrangler pages deploy` makes the same checks, except that it leaves out a file that is no JSON without
//! a word; then every request would count as one of a Function.

use serde::Deserialize;
use thiserror::Error;

/// Where the form is described.
pub(super) const HINT: &str = "its form is described at \
    https://developers.cloudflare.com/pages/functions/routing/#create-a-_routesjson-file";

/// How many rules there may be, of both kinds together
/// (<https://developers.cloudflare.com/pages/functions/routing/#limits>).
const RULES_MAX: usize = 100;

/// How long a rule may be, in UTF-16 units (there as well, where it says characters).
const RULE_MAX: usize = 100;

/// What is wrong with a `_routes.json`.
#[derive(Debug, Error)]
pub(super) enum RoutesError {
    #[error("it is not of the form {{\"version\": 1, \"include\": [...], \"exclude\": [...]}}")]
    Form(#[source] serde_json::Error),
    #[error("its version is {0}, not 1")]
    Version(f64),
    #[error("it includes nothing")]
    NothingIncluded,
    #[error("it has {0} rules, more than {RULES_MAX}")]
    TooManyRules(usize),
    #[error("the rule {0:?} is longer than {RULE_MAX} characters")]
    RuleTooLong(String),
    #[error("the rule {0:?} does not begin with \"/\"")]
    NoSlash(String),
    #[error("the rule {general:?} overlaps the rule {special:?}")]
    Overlap { general: String, special: String },
}

#[derive(Deserialize)]
struct Routes {
    version: f64,
    include: Vec<String>,
    exclude: Vec<String>,
}

/// Checks a `_routes.json`.
pub(super) fn check(bytes: &[u8]) -> Result<(), RoutesError> {
    let routes: Routes = serde_json::from_slice(bytes).map_err(RoutesError::Form)?;
    // A JSON number, which JavaScript does not tell from 1.0.
    if (routes.version - 1.0).abs() > 0.0 {
        return Err(RoutesError::Version(routes.version));
    }
    if routes.include.is_empty() {
        return Err(RoutesError::NothingIncluded);
    }
    let count = routes.include.len() + routes.exclude.len();
    if count > RULES_MAX {
        return Err(RoutesError::TooManyRules(count));
    }
    for rule in routes.include.iter().chain(&routes.exclude) {
        check_rule(rule)?;
    }
    check_overlaps(&routes.include)?;
    check_overlaps(&routes.exclude)
}

fn check_rule(rule: &str) -> Result<(), RoutesError> {
    if rule.encode_utf16().count() > RULE_MAX {
        return Err(RoutesError::RuleTooLong(rule.to_owned()));
    }
    if !rule.starts_with('/') {
        return Err(RoutesError::NoSlash(rule.to_owned()));
    }
    Ok(())
}

/// No rule may lie within what another that ends in `/*` stands for.
fn check_overlaps(rules: &[String]) -> Result<(), RoutesError> {
    for general in rules.iter().filter(|rule| rule.ends_with("/*")) {
        let prefix = general.trim_end_matches('*');
        let special = rules
            .iter()
            .find(|rule| *rule != general && rule.starts_with(prefix));
        if let Some(special) = special {
            return Err(RoutesError::Overlap {
                general: general.clone(),
                special: special.clone(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;
    use std::fmt::Write as _;

    fn told(text: &str) -> String {
        match check(text.as_bytes()) {
            Ok(()) => "ok".to_owned(),
            Err(error) => match error.source() {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            },
        }
    }

    #[test]
    fn each_rule_of_the_form_is_checked() {
        let mut all = String::new();
        for text in [
            r#"{"version": 1, "include": ["/*"], "exclude": []}"#,
            r#"{"version": 1, "description": "own", "include": ["/api/*", "/", "/apis"], "exclude": ["/api/a"]}"#,
            "not JSON",
            r#"{"version": 1, "include": ["/*"]}"#,
            r#"{"version": 2, "include": ["/*"], "exclude": []}"#,
            r#"{"version": 1, "include": [], "exclude": ["/*"]}"#,
            r#"{"version": 1, "include": ["api"], "exclude": []}"#,
            r#"{"version": 1, "include": ["/api/*", "/api/a"], "exclude": []}"#,
            r#"{"version": 1, "include": ["/"], "exclude": ["/a", "/*"]}"#,
        ] {
            writeln!(all, "{}", told(text)).unwrap();
        }
        insta::assert_snapshot!(all, @r#"
        ok
        ok
        it is not of the form {"version": 1, "include": [...], "exclude": [...]}: expected ident at line 1 column 2
        it is not of the form {"version": 1, "include": [...], "exclude": [...]}: missing field `exclude` at line 1 column 33
        its version is 2, not 1
        it includes nothing
        the rule "api" does not begin with "/"
        the rule "/api/*" overlaps the rule "/api/a"
        the rule "/*" overlaps the rule "/a"
        "#);
    }

    #[test]
    fn limits_are_met_exactly() {
        let rules = |count: usize| {
            let rules: Vec<String> = (0..count).map(|at| format!("\"/r{at}\"")).collect();
            format!(
                r#"{{"version": 1, "include": [{}], "exclude": []}}"#,
                rules.join(",")
            )
        };
        assert_eq!(told(&rules(100)), "ok");
        assert_eq!(told(&rules(101)), "it has 101 rules, more than 100");
        let rule = |len: usize| {
            let rule = "ä".repeat(len - 1);
            format!(r#"{{"version": 1, "include": ["/{rule}"], "exclude": []}}"#)
        };
        assert_eq!(told(&rule(100)), "ok");
        assert!(told(&rule(101)).ends_with("is longer than 100 characters"));
    }
}
