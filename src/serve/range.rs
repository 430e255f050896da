//! Byte ranges (RFC 9110 section 14).

use hyper::header::{HeaderMap, IF_RANGE, RANGE};
use std::ops::Range;

/// What part of a representation is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it, with status 200.
    Whole,
    /// These bytes, with status 206.
    Part(Range<u64>),
    /// 416: nothing of it.
    Unsatisfiable,
}

/// What part of a representation of this size and strong tag is asked for. Several ranges and
/// ranges in other units are ignored, as section 14.2 allows: the whole is sent.
pub(super) fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    let mut lines = headers.get_all(RANGE).into_iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Wanted::Whole;
    };
    // A weak tag or a date, of which there is none here, never equals the strong tag.
    let unchanged = headers
        .get(IF_RANGE)
        .is_none_or(|tag| tag.as_bytes() == etag.as_bytes());
    match line.to_str().ok().filter(|_| unchanged).and_then(single) {
        Some(spec) => spec.of(size),
        None => Wanted::Whole,
    }
}

/// One range as it was asked for.
#[derive(Clone, Copy)]
enum Spec {
    /// From the first to the last position, or to the end.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Last(u64),
}

/// The range, if there is exactly one and it is well formed.
fn single(text: &str) -> Option<Spec> {
    let (unit, ranges) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut ranges = ranges
        .split(',')
        .map(str::trim)
        .filter(|range| !range.is_empty());
    let (range, None) = (ranges.next()?, ranges.next()) else {
        return None;
    };
    let (first, last) = range.split_once('-')?;
    match (first, last) {
        ("", last) => Some(Spec::Last(number(last)?)),
        (first, "") => Some(Spec::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::From(first, Some(last)))
        }
    }
}

/// A number of any length; those beyond 64 bits are as good as the largest.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

impl Spec {
    fn of(self, size: u64) -> Wanted {
        match self {
            // Satisfiable by definition, but no Content-Range can say so.
            Self::Last(1..) if size == 0 => Wanted::Whole,
            Self::Last(count) if count > 0 => Wanted::Part(size.saturating_sub(count)..size),
            Self::From(first, last) if first < size => {
                let end = last.map_or(size, |last| last.saturating_add(1).min(size));
                Wanted::Part(first..end)
            }
            _ => Wanted::Unsatisfiable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    fn asked(range: &str, size: u64) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_str(range).unwrap());
        wanted(&headers, "\"t\"", size)
    }

    #[test]
    fn ranges_are_understood() {
        use Wanted::{Part, Unsatisfiable, Whole};
        for (range, expected) in [
            ("bytes=0-0", Part(0..1)),
            ("bytes=2-", Part(2..10)),
            ("BYTES=2-99", Part(2..10)),
            ("bytes= 2-3 ,", Part(2..4)),
            ("bytes=-3", Part(7..10)),
            ("bytes=-30", Part(0..10)),
            ("bytes=9-18446744073709551616", Part(9..10)),
            ("bytes=10-", Unsatisfiable),
            ("bytes=99999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=3-2", Whole),
            ("bytes=0-1,3-4", Whole),
            ("bytes=", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("lines=0-1", Whole),
            ("0-1", Whole),
        ] {
            assert_eq!(asked(range, 10), expected, "{range}");
        }
        assert_eq!(asked("bytes=0-", 0), Unsatisfiable);
        assert_eq!(asked("bytes=-1", 0), Whole);
    }

    #[test]
    fn if_range_must_name_the_same_tag() {
        for (tag, expected) in [
            ("\"t\"", Wanted::Part(0..1)),
            ("\"u\"", Wanted::Whole),
            ("W/\"t\"", Wanted::Whole),
            ("Sun, 22 Nov 2026 00:00:00 GMT", Wanted::Whole),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static("bytes=0-0"));
            headers.insert(IF_RANGE, HeaderValue::from_static(tag));
            assert_eq!(wanted(&headers, "\"t\"", 10), expected, "{tag}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_whole(range in "bytes=[0-9]{0,4}-[0-9]{0,4}", size in 0_u64..5000) {
            if let Wanted::Part(part) = asked(&range, size) {
                prop_assert!(part.start < part.end && part.end <= size);
            }
        }
    }
}
