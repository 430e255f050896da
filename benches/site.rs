//! The sites that are deployed: made by number, always the same.

use crate::harness::{Random, Result};
use std::fs;
use std::ops::Range;
use std::path::Path;

/// Bytes of the shortest file, and by how many the longest is longer.
const SHORTEST: f64 = 2_000.0;
const LONGER: f64 = 18_000.0;

/// Writes some of a site's files, always the same for the same edition.
pub(crate) fn write(site: &Path, numbers: Range<u32>, edition: usize) -> Result<()> {
    for number in numbers {
        let path = match number {
            0 => site.join("index.html"),
            _ => site.join(format!("part-{:02}/page-{number:05}.html", number % 50)),
        };
        let seed = (u64::from(number) << 32) + edition as u64 + 1;
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let length = SHORTEST + random.unit() * LONGER;
        let mut bytes = Vec::new();
        while (bytes.len() as f64) < length {
            bytes.extend(random.next().to_le_bytes());
        }
        fs::create_dir_all(path.parent().unwrap_or(site))?;
        fs::write(path, bytes)?;
    }
    Ok(())
}
