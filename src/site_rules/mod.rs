//! The dialect of the `_headers` and `_redirects` files that Cloudflare Pages made common: read
//! into a manifest's rules, and matched against the paths of requests.
//!
//! A pattern holds at most one `*`, which matches any rest and is called `:splat` in the target,
//! and any number of `:name` placeholders, which match one or more characters of one segment. Like
//! a greedy regular expression, an earlier part takes as much as it can. Matching takes time linear
//! in the path and the pattern. Both are compared in their canonical form ([`canonical_path`]), so
//! that it does not matter which characters an author or a browser escaped.

mod escape;
mod headers;
mod headers_file;
mod pattern;
mod redirects;
mod redirects_file;
mod template;

pub use escape::{canonical_path, escape_path};
pub use headers::Headers;
pub use headers_file::parse_headers;
pub use redirects::{Redirection, Redirects};
pub use redirects_file::parse_redirects;

use std::fmt;

/// The longest line that is read, in characters (Cloudflare's limit).
pub const MAX_LINE: usize = 2000;
/// The most sections of a `_headers` file (Cloudflare's limit).
pub const MAX_HEADER_RULES: usize = 100;
/// The most redirects without `*` or `:name` before the first one with (Cloudflare's limit).
pub const MAX_STATIC_REDIRECTS: usize = 2000;
/// The most redirects from the first one with `*` or `:name` on (Cloudflare's limit).
pub const MAX_DYNAMIC_REDIRECTS: usize = 100;

/// A line that was not understood and has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// The warnings of one file.
#[derive(Default)]
struct Warnings(Vec<Warning>);

impl Warnings {
    fn add(&mut self, line: usize, message: impl Into<String>) {
        self.0.push(Warning {
            line,
            message: message.into(),
        });
    }
}

/// The lines that say something, trimmed, with their numbers. Lines that are too long are left out
/// with a warning.
fn meaningful_lines<'t>(text: &'t str, warnings: &mut Warnings) -> Vec<(usize, &'t str)> {
    let mut lines = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.len() > MAX_LINE && line.chars().count() > MAX_LINE {
            let message = format!("longer than {MAX_LINE} characters");
            warnings.add(index + 1, message);
            continue;
        }
        lines.push((index + 1, line));
    }
    lines
}

/// The host and the path of `https://host/path`; `None` for any other text. The path begins with
/// `/` or is empty.
fn split_https(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("https://")?.trim_start_matches('/');
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    (!host.is_empty()).then_some((host, path))
}
