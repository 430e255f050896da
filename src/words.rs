//! Numbers, times and errors as people read them.

use std::error::Error;

/// A number of things: "1 file", "12 files".
#[must_use]
pub fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// A length in bytes for people, in powers of 1,000.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let (mut whole, mut unit) = (count / 100, 0);
    while whole >= 10_000 && unit + 1 < UNITS.len() {
        whole /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", whole / 10, whole % 10, UNITS[unit])
}

/// A time span for people: "4 ms", "12.3 s", "2 min 5 s".
#[must_use]
pub fn duration(span: std::time::Duration) -> String {
    let (seconds, millis) = (span.as_secs(), span.subsec_millis());
    match seconds {
        0 => format!("{millis} ms"),
        1..=59 => format!("{seconds}.{} s", millis / 100),
        _ if seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// An error and all below it, joined by ": ".
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text.push_str(": ");
        text.push_str(&error.to_string());
        below = error.source();
    }
    text
}

/// A moment as seen from another: "just now", "3 min ago", "in 2 h", and a date when it is more than a month away.
#[must_use]
pub fn moment(at: jiff::Timestamp, now: jiff::Timestamp) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let span = at.duration_since(now);
    let (seconds, ahead) = (span.unsigned_abs().as_secs(), span.is_positive());
    let length = match seconds {
        0..10 if !ahead => return "just now".to_owned(),
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        _ if seconds < 31 * DAY => {
            count(usize::try_from(seconds / DAY).unwrap_or(usize::MAX), "day")
        }
        _ => return at.strftime("%Y-%m-%d").to_string(),
    };
    if ahead {
        format!("in {length}")
    } else {
        format!("{length} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_well() {
        let now = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        let cases = [
            (0, "just now"),
            (-9, "just now"),
            (-10, "10 s ago"),
            (3, "in 3 s"),
            (-59, "59 s ago"),
            (-60, "1 min ago"),
            (3599, "in 59 min"),
            (-7200, "2 h ago"),
            (86_400, "in 1 day"),
            (-30 * 86_400, "30 days ago"),
            (-31 * 86_400, "2026-12-15"),
        ];
        for (seconds, text) in cases {
            let at = now + jiff::SignedDuration::from_secs(seconds);
            assert_eq!(moment(at, now), text);
        }
    }

    #[test]
    fn numbers_read_well() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (48_123, "48.1 kB"),
            (999_999, "999.9 kB"),
            (1_000_000, "1.0 MB"),
            (150_000_000, "150.0 MB"),
            (2_500_000_000_000, "2.5 TB"),
        ];
        for (number, text) in cases {
            assert_eq!(bytes(number), text);
        }
        let millis = |millis| duration(std::time::Duration::from_millis(millis));
        assert_eq!(millis(4), "4 ms");
        assert_eq!(millis(12_345), "12.3 s");
        assert_eq!(millis(125_000), "2 min 5 s");
        assert_eq!(millis(1_200_000), "20 min");
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(0, "file"), "0 files");
    }
}
