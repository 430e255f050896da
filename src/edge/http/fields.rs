//! Header fields that say when to send again, read into values.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use std::time::Duration;

/// The forms of a date (RFC 9110 section 5.6.7): the one that is sent today, and two that must be understood.
const DATES: [&str; 3] = [
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
];

/// What a server says is left of one of its quotas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// The name of the quota.
    pub(super) name: String,
    /// How many requests are left.
    pub(super) requests: u64,
    /// For how long that holds: then the quota is whole again.
    pub(super) time: Duration,
}

/// Reads `Retry-After`: seconds or a date (RFC 9110 section 10.2.3). A date counts from the answer's own
/// `Date`, so that a clock that is wrong here does no harm, else from `now`.
pub(super) fn retry_after(value: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Only digits fail by being too many: as long as can be told.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let from = date.and_then(http_date).unwrap_or(now);
    let wait = http_date(value)?.duration_since(from);
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// Reads a date in one of the three forms.
fn http_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let mut read = DATES.iter().filter_map(|form| {
        let parsed = strtime::parse(form, text).ok()?;
        let zoned = parsed.to_datetime().ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(zoned.timestamp())
    });
    read.next()
}

/// Reads `Ratelimit: "default";r=50;t=30, ...` (draft-ietf-httpapi-ratelimit-headers-10, section 4): for each
/// quota how many requests are left for how many seconds. Members without both are left out: they say
/// nothing about when to send again.
pub(super) fn rate_limit(value: &str) -> Vec<Left> {
    split(value, ',').into_iter().filter_map(left).collect()
}

/// Reads one member of the list: a name and its parameters (RFC 9651 section 3.1.2).
fn left(member: &str) -> Option<Left> {
    let mut parts = split(member, ';').into_iter();
    let name = parts.next()?.trim_matches('"');
    let (mut requests, mut seconds) = (None, None);
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        // The last of several parameters with one name counts (RFC 9651 section 4.2.3.2).
        match key {
            "r" => requests = value.parse().ok(),
            "t" => seconds = value.parse().ok(),
            _ => {}
        }
    }
    Some(Left {
        name: name.to_owned(),
        requests: requests?,
        time: Duration::from_secs(seconds?),
    })
}

/// The trimmed parts between separators that do not stand in a quoted text.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|character| {
        let literal = std::mem::take(&mut escaped);
        match character {
            '"' if !literal => quoted = !quoted,
            '\\' if quoted => escaped = !literal,
            _ => {}
        }
        !quoted && character == separator
    });
    parts.map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z, the date that RFC 9110 takes as its example.
    const EXAMPLE: i64 = 784_111_777;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn waits_are_read() {
        for (value, date, expected) in [
            ("120", None, Some(120)),
            (" 0 ", None, Some(0)),
            ("99999999999999999999999", None, Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None, Some(10)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None, Some(10)),
            ("Sun Nov  6 08:49:37 1994", None, Some(10)),
            // Past: now.
            ("Sun, 06 Nov 1994 08:49:20 GMT", None, Some(0)),
            // The server's clock counts for the server's date.
            (
                "Sun, 06 Nov 1994 08:49:37 GMT",
                Some("Sun, 06 Nov 1994 08:48:37 GMT"),
                Some(60),
            ),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some("yesterday"), Some(10)),
            ("", None, None),
            ("-1", None, None),
            ("1.5", None, None),
            ("soon", None, None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None, None),
            ("Sun, 31 Feb 1994 08:49:37 GMT", None, None),
        ] {
            let wait = retry_after(value, date, at(EXAMPLE - 10));
            assert_eq!(
                wait,
                expected.map(Duration::from_secs),
                "{value:?} {date:?}"
            );
        }
    }

    #[test]
    fn quotas_are_read() {
        for (value, expected) in [
            (r#""default";r=50;t=30"#, vec![("default", 50, 30)]),
            (r#" "default" ; r=0 ; t=1 "#, vec![("default", 0, 1)]),
            (
                r#""a";r=50;t=30, "b";t=1;r=3"#,
                vec![("a", 50, 30), ("b", 3, 1)],
            ),
            (r"default;r=1;t=2", vec![("default", 1, 2)]),
            (r#""a,b;r=9";r=1;t=2"#, vec![("a,b;r=9", 1, 2)]),
            (
                r#""a\",b";r=1;t=2,"c";r=3;t=4"#,
                vec![(r#"a\",b"#, 1, 2), ("c", 3, 4)],
            ),
            (
                r#""default";r=50;t=30;pk=:c2VjcmV0:"#,
                vec![("default", 50, 30)],
            ),
            // Nothing that says when to send again.
            (r#""default";r=50"#, vec![]),
            (r#""default";t=50"#, vec![]),
            (r#""default";r=-1;t=30"#, vec![]),
            (r#""default";r=many;t=30"#, vec![]),
            ("limit=100, remaining=50, reset=30", vec![]),
            ("", vec![]),
            (r#"",;"#, vec![]),
        ] {
            let expected: Vec<Left> = expected
                .into_iter()
                .map(|(name, requests, seconds)| Left {
                    name: name.to_owned(),
                    requests,
                    time: Duration::from_secs(seconds),
                })
                .collect();
            assert_eq!(rate_limit(value), expected, "{value}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_may_be_sent(value in ".{0,60}", quoted in "[\",;=rt0-9\\\\ ]{0,40}") {
            drop(rate_limit(&value));
            drop(rate_limit(&quoted));
            let _ = retry_after(&value, Some(&quoted), at(EXAMPLE));
        }
    }
}
