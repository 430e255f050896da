//! Content codings by `Accept-Encoding` (RFC 9110 section 12.5.3).

use hyper::header::{ACCEPT_ENCODING, HeaderMap};

/// A weight in thousandths (RFC 9110 section 12.4.2).
type Weight = u16;

/// The codings a client accepts.
struct Accepted<'h>(Vec<(&'h str, Weight)>);

/// Which of these codings (in the server's order of preference) the client wants most; `None`
/// means the file as it is.
pub(super) fn select<'c>(
    headers: &HeaderMap,
    available: impl Iterator<Item = &'c str>,
) -> Option<usize> {
    let accepted = Accepted::of(headers);
    let mut best: Option<(usize, Weight)> = None;
    for (index, coding) in available.enumerate() {
        let weight = accepted.weight(coding);
        if weight > best.map_or(0, |(_, weight)| weight) {
            best = Some((index, weight));
        }
    }
    let identity = accepted.explicit("identity").unwrap_or(0);
    best.filter(|(_, weight)| *weight >= identity)
        .map(|(index, _)| index)
}

impl<'h> Accepted<'h> {
    fn of(headers: &'h HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_ENCODING).into_iter();
        let items = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','));
        Self(items.filter_map(item).collect())
    }

    fn weight(&self, coding: &str) -> Weight {
        let named = self.explicit(coding);
        named.or_else(|| self.explicit("*")).unwrap_or(0)
    }

    fn explicit(&self, coding: &str) -> Option<Weight> {
        let same = |known: &str| {
            known.eq_ignore_ascii_case(coding)
                // RFC 9110 section 8.4.1.3: the two names are equivalent.
                || coding == "gzip" && known.eq_ignore_ascii_case("x-gzip")
        };
        self.0
            .iter()
            .find(|(known, _)| same(known))
            .map(|(_, weight)| *weight)
    }
}

/// A coding with its weight; one that is not understood is not accepted.
fn item(text: &str) -> Option<(&str, Weight)> {
    let (coding, parameters) = text.split_once(';').unwrap_or((text, ""));
    let coding = coding.trim();
    if coding.is_empty() {
        return None;
    }
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return Some((coding, 1000));
    }
    let value = parameters
        .strip_prefix(['q', 'Q'])?
        .trim_start()
        .strip_prefix('=')?;
    Some((coding, weight(value.trim()).unwrap_or(0)))
}

/// `0`, `1` or a number between with at most three decimals.
fn weight(text: &str) -> Option<Weight> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: Weight = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn the_wanted_coding_is_found() {
        for (accept, expected) in [
            ("", None),
            ("identity", None),
            ("gzip", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("gzip, br", Some("br")),
            ("gzip, br;q=0.9", Some("gzip")),
            ("gzip;q=0", None),
            ("gzip;q=0, br; q=0.001", Some("br")),
            ("*", Some("br")),
            ("*;q=0.5, br;q=0", Some("gzip")),
            ("br;q=0.5, identity;q=0.8", None),
            ("br;q=0.8, identity;q=0.8", Some("br")),
            ("identity;q=0", None),
            ("*;q=0", None),
            ("deflate", None),
            ("br;q=2, gzip;q=1.001", None),
            ("br;q=0.1234", None),
            ("br;level=1", None),
            (" , ,gzip ;q = 0.5 ,", Some("gzip")),
        ] {
            let mut headers = HeaderMap::new();
            for line in accept.split(" & ") {
                headers.append(ACCEPT_ENCODING, HeaderValue::from_static(line));
            }
            let available = ["br", "gzip"];
            let found = select(&headers, available.into_iter()).map(|index| available[index]);
            assert_eq!(found, expected, "{accept}");
        }
        assert_eq!(select(&HeaderMap::new(), ["br"].into_iter()), None);
    }

    #[test]
    fn several_lines_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT_ENCODING, HeaderValue::from_static("deflate"));
        headers.append(ACCEPT_ENCODING, HeaderValue::from_static("br"));
        assert_eq!(select(&headers, ["br"].into_iter()), Some(0));
    }
}
