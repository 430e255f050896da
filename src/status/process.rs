//! What the operating system knows of this process (proc(5)).

use rustix::param::{clock_ticks_per_second, page_size};
use std::fs;

/// What it uses. A number is missing where `/proc` is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// Memory in use, in bytes.
    pub(super) resident: Option<u64>,
    /// Processor time since the start, in seconds.
    pub(super) cpu: Option<f64>,
    /// Open file descriptors.
    pub(super) descriptors: Option<u64>,
}

impl Usage {
    /// As it is now.
    pub(super) fn now() -> Self {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        let files = fs::read_dir("/proc/self/fd");
        Self {
            resident: read("statm").and_then(|text| resident(&text, page_size() as u64)),
            cpu: read("stat").and_then(|text| cpu(&text, clock_ticks_per_second())),
            // The one that is used to look is among them.
            descriptors: files
                .ok()
                .map(|files| (files.count() as u64).saturating_sub(1)),
        }
    }
}

/// The second number of `statm` is in pages.
fn resident(statm: &str, page: u64) -> Option<u64> {
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(page)
}

/// `utime` and `stime`, fields 14 and 15 of `stat`, in ticks. The second field may hold anything, within
/// parentheses.
fn cpu(stat: &str, ticks: u64) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut field = || fields.next()?.parse::<u32>().ok();
    let used = f64::from(field()?) + f64::from(field()?);
    Some(used / f64::from(u32::try_from(ticks).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_found_by_their_place() {
        assert_eq!(resident("100 25 3 1 0 50 0", 4096), Some(102_400));
        assert_eq!(resident("100", 4096), None);
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 500 0 0 0 250 150 0 0 20 0 3 0 99 1 2";
        assert_eq!(cpu(stat, 100), Some(4.0));
        assert_eq!(cpu("7 (a", 100), None);
        let now = Usage::now();
        assert!(now.resident > Some(1 << 20) && now.descriptors > Some(2) && now.cpu.is_some());
    }
}
