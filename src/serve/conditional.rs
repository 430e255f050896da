//! Preconditions by entity tag (RFC 9110 section 13). There is no `Last-Modified`: a release's
//! files have no times, so conditions on times are ignored, as section 13.1 asks.

use hyper::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};

/// What the preconditions ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer as if there were none.
    Proceed,
    /// 304: the client has this already.
    NotModified,
    /// 412: the client wants another.
    Failed,
}

/// Evaluates the preconditions of a request for an existing representation with this strong tag,
/// in the order of RFC 9110 section 13.2.2.
pub(super) fn evaluate(headers: &HeaderMap, etag: &str) -> Verdict {
    if headers.contains_key(IF_MATCH) && !listed(headers, &IF_MATCH, etag, false) {
        return Verdict::Failed;
    }
    if listed(headers, &IF_NONE_MATCH, etag, true) {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Whether a list of tags holds this one, or is `*`. A weak comparison passes over `W/`; a strong
/// one never finds a weak tag (RFC 9110 section 8.8.3.2).
fn listed(headers: &HeaderMap, name: &HeaderName, etag: &str, weak: bool) -> bool {
    let mut lines = headers.get_all(name).into_iter();
    lines.any(|line| {
        let text = line.to_str().unwrap_or_default().trim();
        text == "*" || tags(text).any(|(is_weak, tag)| tag == etag && (weak || !is_weak))
    })
}

/// The tags of a list, each with its quotes and whether it is weak. Ends at what is no tag.
fn tags(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let tag = rest.strip_prefix("W/");
        let (weak, tag) = (tag.is_some(), tag.unwrap_or(rest));
        let end = tag.strip_prefix('"')?.find('"')? + 2;
        rest = &tag[end..];
        Some((weak, &tag[..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Failed, NotModified, Proceed};
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn tags_decide() {
        for (name, value, expected) in [
            (IF_NONE_MATCH, "\"a\"", NotModified),
            (IF_NONE_MATCH, "W/\"a\"", NotModified),
            (IF_NONE_MATCH, "\"b\", W/\"c,\" ,\"a\"", NotModified),
            (IF_NONE_MATCH, "*", NotModified),
            (IF_NONE_MATCH, "\"b\"", Proceed),
            (IF_NONE_MATCH, "a", Proceed),
            (IF_NONE_MATCH, "\"a", Proceed),
            (IF_NONE_MATCH, "", Proceed),
            (IF_MATCH, "\"a\"", Proceed),
            (IF_MATCH, "*", Proceed),
            (IF_MATCH, "W/\"a\"", Failed),
            (IF_MATCH, "\"b\"", Failed),
            (IF_MATCH, "nonsense", Failed),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(&name, HeaderValue::from_static(value));
            assert_eq!(evaluate(&headers, "\"a\""), expected, "{name}: {value}");
        }
        assert_eq!(evaluate(&HeaderMap::new(), "\"a\""), Proceed);
    }
}
