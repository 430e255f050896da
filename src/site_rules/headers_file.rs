//! The `_headers` file.

use super::headers::patterns;
use super::{MAX_HEADER_RULES, Warning, Warnings, meaningful_lines, split_https};
use crate::release::HeaderRule;
use hyper::header::{HeaderName, HeaderValue};

/// Headers that say how the message itself is laid out (RFC 9110 section 7.6.1, RFC 9112 section
/// 6): a site that set them would break the connection or the answer.
const FRAMING: [&str; 10] = [
    "connection",
    "content-length",
    "content-range",
    "date",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads a `_headers` file: a path pattern, or an `https://` URL with one, and below it lines of
/// `Name: value`, or `! Name` to take a header away. What is not understood is left out with a
/// warning; of two sections with one pattern the later replaces the earlier.
#[must_use]
pub fn parse_headers(text: &str) -> (Vec<HeaderRule>, Vec<Warning>) {
    let mut reader = Reader::default();
    let mut warnings = Warnings::default();
    for (number, line) in meaningful_lines(text, &mut warnings) {
        if !is_path(line) {
            if let Err(message) = reader.header(line) {
                warnings.add(number, message);
            }
            continue;
        }
        reader.close(&mut warnings);
        if reader.rules.len() >= MAX_HEADER_RULES {
            let message =
                format!("more than {MAX_HEADER_RULES} sections; the rest of the file is left out");
            warnings.add(number, message);
            break;
        }
        match section(line) {
            Ok(path) => reader.open(number, path),
            Err(message) => {
                warnings.add(number, message);
                reader.state = State::Skipped;
            }
        }
    }
    reader.close(&mut warnings);
    warnings.0.sort_by_key(|warning| warning.line);
    (reader.rules, warnings.0)
}

/// Whether a line begins a section: a path, or anything with a scheme.
fn is_path(line: &str) -> bool {
    let scheme = line.split_once("://").map(|(scheme, _)| scheme);
    line.starts_with('/')
        || scheme.is_some_and(|text| !text.is_empty() && !text.contains(char::is_whitespace))
}

/// The pattern of a section.
fn section(line: &str) -> Result<String, String> {
    let without_query = |text: &str| {
        let end = text.find(['?', '#']).unwrap_or(text.len());
        format!("/{}", text[..end].trim_start_matches('/'))
    };
    let path = match split_https(line) {
        Some((host, _)) if has_port(host) => return Err("a port cannot be given".to_owned()),
        Some((host, path)) => format!("https://{host}{}", without_query(path)),
        None if line.starts_with('/') => without_query(line),
        None => return Err(format!("{line} is neither a path (/…) nor an https:// URL")),
    };
    patterns(&path).map_err(|error| error.to_string())?;
    Ok(path)
}

fn has_port(host: &str) -> bool {
    let port = host.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The section being read.
#[derive(Default)]
enum State {
    /// None was begun.
    #[default]
    Before,
    /// The last one was refused: its lines are passed over.
    Skipped,
    /// This one, with the number of its line.
    Open(usize, HeaderRule),
}

#[derive(Default)]
struct Reader {
    rules: Vec<HeaderRule>,
    state: State,
}

impl Reader {
    fn open(&mut self, line: usize, path: String) {
        let rule = HeaderRule {
            path,
            set: Vec::new(),
            unset: Vec::new(),
        };
        self.state = State::Open(line, rule);
    }

    /// Ends the section.
    fn close(&mut self, warnings: &mut Warnings) {
        let State::Open(line, rule) = std::mem::take(&mut self.state) else {
            return;
        };
        if rule.set.is_empty() && rule.unset.is_empty() {
            warnings.add(line, "no headers follow");
            return;
        }
        match self.rules.iter_mut().find(|known| known.path == rule.path) {
            Some(known) => {
                warnings.add(line, "replaces the earlier section of this path");
                *known = rule;
            }
            None => self.rules.push(rule),
        }
    }

    /// Reads a line below a section's path.
    fn header(&mut self, line: &str) -> Result<(), String> {
        let rule = match &mut self.state {
            State::Skipped => return Ok(()),
            State::Before => return Err("stands before the first path".to_owned()),
            State::Open(_, rule) => rule,
        };
        let Some((name, value)) = line.split_once(':') else {
            let name = line.strip_prefix("! ").ok_or("expected \"name: value\"")?;
            rule.unset.push(header_name(name)?);
            return Ok(());
        };
        let (name, value) = (header_name(name)?, value.trim());
        if value.is_empty() {
            return Err(format!("{name} has no value"));
        }
        HeaderValue::from_str(value).map_err(|_| "the value holds a control character")?;
        rule.set.push((name, value.to_owned()));
        Ok(())
    }
}

/// A header's name that a site may use, in lower case.
pub(super) fn header_name(text: &str) -> Result<String, String> {
    let name = HeaderName::from_bytes(text.trim().as_bytes());
    let name = name.map_err(|_| format!("{:?} is not a header's name", text.trim()))?;
    if FRAMING.contains(&name.as_str()) {
        return Err(format!("{name} is set by the server alone"));
    }
    Ok(name.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let (rules, warnings) = parse_headers(text);
        let mut lines = Vec::new();
        for rule in rules {
            lines.push(rule.path);
            let set = rule
                .set
                .iter()
                .map(|(name, value)| format!("  {name}: {value}"));
            lines.extend(set.chain(rule.unset.iter().map(|name| format!("  ! {name}"))));
        }
        lines.extend(warnings.iter().map(|warning| format!("! {warning}")));
        lines.join(
            "
",
        )
    }

    #[test]
    fn a_file_is_read_with_its_faults() {
        insta::assert_snapshot!(shown(concat!(
            "X-Early: 1\n",
            "# comment\n",
            "/a\n",
            "  X-One: 1\r\n",
            "  x-one: two: three # kept\n",
            "  ! Server\n",
            "  Bad Name: x\n",
            "  X-Empty:\n",
            "  : x\n",
            "  nonsense\n",
            "  Content-Length: 4\n",
            "/nothing\n",
            "https://:sub.example.com/b?q\n",
            "  X-Sub: :sub\n",
            "https://example.com:80/c\n",
            "  X-Skipped: 1\n",
            "http://example.com/d\n",
            "/*/*\n",
            "/:splat/*\n",
            "/a\n",
            "  X-Two: 2\n",
        )), @r#"
        /a
          x-two: 2
        https://:sub.example.com/b
          x-sub: :sub
        ! line 1: stands before the first path
        ! line 7: "Bad Name" is not a header's name
        ! line 8: x-empty has no value
        ! line 9: "" is not a header's name
        ! line 10: expected "name: value"
        ! line 11: content-length is set by the server alone
        ! line 12: no headers follow
        ! line 15: a port cannot be given
        ! line 17: http://example.com/d is neither a path (/…) nor an https:// URL
        ! line 18: only one * is allowed in a rule
        ! line 19: two placeholders have the same name
        ! line 20: replaces the earlier section of this path
        "#);
    }

    #[test]
    fn the_number_of_sections_is_bounded() {
        let section = |n| format!("/{n}\n  X-N: {n}\n");
        let text: String = (0..MAX_HEADER_RULES + 5).map(section).collect();
        let (rules, warnings) = parse_headers(&text);
        assert_eq!((rules.len(), warnings.len()), (MAX_HEADER_RULES, 1));
        assert_eq!(warnings[0].line, 2 * MAX_HEADER_RULES + 1);
    }
}
