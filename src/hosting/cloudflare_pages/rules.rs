//! The files that Pages reads beside the site's own: `_headers` and `_redirects`, made of those that the site
//! brings and of the message's rules, and which file answers for addresses that do not exist.

use crate::artifact::Artifact;
use crate::desired::Rules;
use crate::edge::EdgeError;
use crate::site_rules::{
    MAX_DYNAMIC_REDIRECTS, MAX_HEADER_RULES, MAX_STATIC_REDIRECTS, parse_headers, parse_redirects,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The file that answers for addresses that do not exist, where a site has one. Without one, Pages answers them
/// with the first page and status 200, as for an application that routes in the browser
/// (<https://developers.cloudflare.com/pages/configuration/serving-pages/>).
pub(super) const NOT_FOUND: &str = "404.html";

/// The page for sites that bring none, so that what does not exist is answered with 404 there as elsewhere.
pub(super) const NOT_FOUND_PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width\"><title>Not found</title>\
<p>There is nothing here.</p></html>\n";

/// Which file answers for addresses that do not exist.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The site's `404.html`.
    AsIs,
    /// Another file of the site.
    File(String),
    /// A page made for it.
    Plain,
    /// None: the first page.
    FirstPage,
}

impl Missing {
    pub(super) fn of(rules: &Rules, artifact: &Artifact) -> Self {
        match &rules.error_document {
            _ if rules.single_page_fallback => Self::FirstPage,
            Some(path) if path != NOT_FOUND => Self::File(path.clone()),
            _ if artifact.files().contains_key(NOT_FOUND) => Self::AsIs,
            _ => Self::Plain,
        }
    }
}

/// `_headers`: the file of the site, then the message's rules. Empty when there are none.
pub(super) fn headers(rules: &Rules, file: &str) -> Result<String, EdgeError> {
    let mut text = lines(file);
    for rule in &rules.headers {
        let _ = writeln!(text, "{}", rule.path);
        for name in &rule.unset {
            let _ = writeln!(text, "  ! {name}");
        }
        for (name, value) in &rule.set {
            let _ = writeln!(text, "  {name}: {value}");
        }
    }
    let number = parse_headers(&text).0.len();
    if number > MAX_HEADER_RULES || (rules.headers.len() > MAX_HEADER_RULES) {
        return Err(too_many("header rules", number, MAX_HEADER_RULES));
    }
    Ok(text)
}

/// `_redirects`: the message's rules, then the file of the site. Empty when there are none.
pub(super) fn redirects(rules: &Rules, file: &str) -> Result<String, EdgeError> {
    let mut text = String::new();
    for rule in &rules.redirects {
        let _ = writeln!(text, "{} {} {}", rule.from, rule.to, rule.status);
    }
    text.push_str(&lines(file));
    let max = MAX_STATIC_REDIRECTS + MAX_DYNAMIC_REDIRECTS;
    let number = parse_redirects(&text).0.len();
    if number > max || rules.redirects.len() > max {
        return Err(too_many("redirects", number, max));
    }
    Ok(text)
}

/// A file's text, with a line end at its end.
fn lines(file: &str) -> String {
    let mut text = file.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn too_many(what: &str, number: usize, max: usize) -> EdgeError {
    EdgeError::rejected(format!(
        "{number} {what} of message and site together; Pages takes {max}"
    ))
}

/// The pages that are made for the site.
pub(super) fn made_pages(missing: &Missing) -> BTreeMap<String, Vec<u8>> {
    match missing {
        Missing::Plain => BTreeMap::from([(NOT_FOUND.to_owned(), NOT_FOUND_PAGE.into())]),
        Missing::AsIs | Missing::File(_) | Missing::FirstPage => BTreeMap::new(),
    }
}
