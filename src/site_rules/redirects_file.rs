//! The `_redirects` file.

use super::pattern::Pattern;
use super::redirects::{STATUSES, one_leading_slash};
use super::{MAX_DYNAMIC_REDIRECTS, MAX_STATIC_REDIRECTS, Warning, Warnings};
use super::{meaningful_lines, split_https};
use crate::release::RedirectRule;
use std::collections::HashSet;

/// The status of a rule that gives none.
const DEFAULT_STATUS: u16 = 302;

/// Reads a `_redirects` file: in each line a path pattern, a target and, if it is not 302, a
/// status. Lines that are not understood, that repeat a pattern or that would lead to themselves
/// are left out with a warning.
#[must_use]
pub fn parse_redirects(text: &str) -> (Vec<RedirectRule>, Vec<Warning>) {
    let mut warnings = Warnings::default();
    let mut reader = Reader::default();
    for (number, line) in meaningful_lines(text, &mut warnings) {
        match reader.read(line) {
            Ok(()) => {}
            Err(Refusal::Line(message)) => warnings.add(number, message),
            Err(Refusal::Rest(message)) => {
                warnings.add(number, message);
                break;
            }
        }
    }
    (reader.rules, warnings.0)
}

/// Why a line is left out.
enum Refusal {
    /// This line alone.
    Line(String),
    /// This line and all after it.
    Rest(String),
}

/// The rules read so far, and what the next may be.
#[derive(Default)]
struct Reader {
    rules: Vec<RedirectRule>,
    seen: HashSet<String>,
    fixed: usize,
    dynamic: usize,
}

impl Reader {
    fn read(&mut self, line: &str) -> Result<(), Refusal> {
        let tokens: Vec<&str> = without_comment(line).split_whitespace().collect();
        let (from, to, status) = match tokens[..] {
            [from, to] => (from, to, None),
            [from, to, status] => (from, to, Some(status)),
            _ => {
                let count = tokens.len();
                return refuse(format!("expected 2 or 3 words, found {count}"));
            }
        };
        let from = own_path(from).map_err(Refusal::Line)?;
        let pattern = Pattern::parse(&from, '/', str::to_owned);
        let pattern = pattern.map_err(|error| Refusal::Line(error.to_string()))?;
        self.count(pattern.as_literal().is_some())?;
        let to = target(to).map_err(Refusal::Line)?;
        let status = read_status(status).map_err(Refusal::Line)?;
        if is_loop(&from, &to) {
            return refuse(
                "leads to itself; to serve one page for every path, use the \
                           single-page fallback",
            );
        }
        if !self.seen.insert(from.clone()) {
            return refuse(format!("{from} was given before"));
        }
        if status == 200 && !to.starts_with('/') {
            return refuse("status 200 needs a path of this site as target");
        }
        self.rules.push(RedirectRule { from, to, status });
        Ok(())
    }

    /// Counts a rule. Once one with placeholders was seen, every later one counts as such, because
    /// it can no longer be looked up ahead of the others.
    fn count(&mut self, literal: bool) -> Result<(), Refusal> {
        if literal && self.dynamic == 0 {
            self.fixed += 1;
            if self.fixed > MAX_STATIC_REDIRECTS {
                return refuse(format!("more than {MAX_STATIC_REDIRECTS} redirects"));
            }
            return Ok(());
        }
        self.dynamic += 1;
        if self.dynamic > MAX_DYNAMIC_REDIRECTS {
            return Err(Refusal::Rest(format!(
                "more than {MAX_DYNAMIC_REDIRECTS} redirects from the first with * or :name on; \
                 the rest of the file is left out"
            )));
        }
        Ok(())
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Line(message.into()))
}

/// The line without a comment: a `#` after white space.
fn without_comment(line: &str) -> &str {
    let starts = line.match_indices('#').map(|(at, _)| &line[..at]);
    let comment = starts
        .into_iter()
        .find(|before| before.ends_with(char::is_whitespace));
    comment.unwrap_or(line)
}

/// The path pattern of a rule, which is about this site alone.
fn own_path(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Err(format!("{text} is not a path of this site"));
    }
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let path = text[..end].trim_start_matches('/');
    Ok(format!("/{path}"))
}

/// The target of a rule: a path of this site or an `https://` URL.
fn target(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        return Ok(one_leading_slash(text).to_owned());
    }
    match split_https(text) {
        Some((host, rest)) if !rest.is_empty() => Ok(format!("https://{host}{rest}")),
        Some((host, _)) => Ok(format!("https://{host}/")),
        None => Err(format!("{text} is neither a path (/…) nor an https:// URL")),
    }
}

fn read_status(text: Option<&str>) -> Result<u16, String> {
    let Some(text) = text else {
        return Ok(DEFAULT_STATUS);
    };
    let status = text.parse().ok().filter(|status| STATUSES.contains(status));
    status.ok_or_else(|| format!("{text} is not one of 200, 301, 302, 303, 307 and 308"))
}

/// Whether a rule leads back to itself: `/index` and `/index.html` are themselves redirected to
/// the folder, which matches the rule again.
fn is_loop(from: &str, to: &str) -> bool {
    let to_index = to.starts_with('/') && (to.ends_with("/index") || to.ends_with("/index.html"));
    to_index && (from.ends_with('/') || from.ends_with("/*"))
}

#[cfg(test)]
mod tests {
    use super::super::MAX_LINE;
    use super::*;

    fn shown(text: &str) -> String {
        let (rules, warnings) = parse_redirects(text);
        let rule = |rule: &RedirectRule| format!("{} -> {} {}", rule.from, rule.to, rule.status);
        let mut lines: Vec<_> = rules.iter().map(rule).collect();
        lines.extend(warnings.iter().map(|warning| format!("! {warning}")));
        lines.join("\n")
    }

    #[test]
    fn a_file_is_read_with_its_faults() {
        insta::assert_snapshot!(shown(concat!(
            "# comment\n\n",
            "/a /b\n",
            "  c\t/d?x=1#y 301  # why\r\n",
            "/e https://other.example\n",
            "/f https://other.example/:splat#frag 308\n",
            "/a /again\n",
            "/g\n",
            "/g /h 200 4\n",
            "/g /h 404\n",
            "/g /h abc\n",
            "/g http://plain.example/ 301\n",
            "/g h\n",
            "https://x.example/g /h\n",
            "/p https://proxy.example/ 200\n",
            "/* /index.html 200\n",
            "/ /index.html 301\n",
            "/app/* /app/index 302\n",
            "/*/x/* /y\n",
            "/:a/:a /y\n",
            "//host.example/x //other.example/y\n",
            "/q?x=1 /r#z\n",
            "/blog/:year/* /:year?s=:splat 200\n",
        )), @r"
        /a -> /b 302
        /c -> /d?x=1#y 301
        /e -> https://other.example/ 302
        /f -> https://other.example/:splat#frag 308
        /host.example/x -> /other.example/y 302
        /q -> /r#z 302
        /blog/:year/* -> /:year?s=:splat 200
        ! line 7: /a was given before
        ! line 8: expected 2 or 3 words, found 1
        ! line 9: expected 2 or 3 words, found 4
        ! line 10: 404 is not one of 200, 301, 302, 303, 307 and 308
        ! line 11: abc is not one of 200, 301, 302, 303, 307 and 308
        ! line 12: http://plain.example/ is neither a path (/…) nor an https:// URL
        ! line 13: h is neither a path (/…) nor an https:// URL
        ! line 14: https://x.example/g is not a path of this site
        ! line 15: status 200 needs a path of this site as target
        ! line 16: leads to itself; to serve one page for every path, use the single-page fallback
        ! line 17: leads to itself; to serve one page for every path, use the single-page fallback
        ! line 18: leads to itself; to serve one page for every path, use the single-page fallback
        ! line 19: only one * is allowed in a rule
        ! line 20: two placeholders have the same name
        ");
    }

    #[test]
    fn the_numbers_of_rules_and_the_lines_are_bounded() {
        let lines = |from: &str, count| -> String {
            let line = |n| format!("/{from}{n} /x");
            (0..count).map(line).collect::<Vec<_>>().join("\n")
        };
        let (rules, warnings) = parse_redirects(&lines("s", MAX_STATIC_REDIRECTS + 3));
        assert_eq!((rules.len(), warnings.len()), (MAX_STATIC_REDIRECTS, 3));
        // After the first rule with a placeholder all count as dynamic, and none is read further.
        let text = format!("/:x /y\n{}", lines("d", MAX_DYNAMIC_REDIRECTS + 3));
        let (rules, warnings) = parse_redirects(&text);
        assert_eq!((rules.len(), warnings.len()), (MAX_DYNAMIC_REDIRECTS, 1));
        let long = format!("/{} /y\n/a /b\n", "x".repeat(MAX_LINE));
        let (rules, warnings) = parse_redirects(&long);
        assert_eq!((rules.len(), warnings[0].line), (1, 1));
    }
}
