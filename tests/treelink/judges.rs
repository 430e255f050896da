//! The size of whole pages, and what outside judges say of them.
//!
//! `SPORE_JUDGE=1` runs `scripts/judge_page.sh` on every sample; `SPORE_JUDGE_DIR` says where the
//! samples are written, otherwise to a temporary folder.

use crate::samples::{self, Sample};
use mycelia_spore::build::treelink::{Rendered, render};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// What a new connection may carry in its first round trip: ten segments of 1,460 bytes
/// (RFC 6928), less a little for response headers.
const FIRST_WINDOW: usize = 14 * 1024;

fn write(folder: &Path, site: &Rendered) {
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in &site.files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The length of these bytes after `gzip -9`, or nothing where there is no gzip.
fn gzipped(bytes: &[u8]) -> Option<usize> {
    let mut child = Command::new("gzip")
        .arg("-9c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let bytes = bytes.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    Some(output.stdout.len())
}

/// A page of 200 entries, the most that a message may hold.
fn longest() -> Sample {
    let mut sample = samples::many();
    let entries = (1..=200).map(|number| {
        let title = format!("Entry number {number} of the list");
        let url = format!("https://entries.example/{}/{number}", number * 7919 % 1000);
        samples::show(samples::link(
            &title,
            &url,
            "What it is about, in a few words",
        ))
    });
    sample.content.entries = entries.collect();
    sample.name = "longest";
    sample
}

#[test]
fn a_page_with_its_style_fits_in_the_first_window() {
    for sample in samples::all().into_iter().chain([longest()]) {
        let files = render(&sample.page()).unwrap().files;
        let Some(size) = gzipped(&files["index.html"]) else {
            eprintln!("!! gzip is missing: the size of pages was NOT tested");
            return;
        };
        eprintln!("{}: {size} bytes gzipped", sample.name);
        assert!(size <= FIRST_WINDOW, "{}: {size} bytes", sample.name);
    }
}

#[test]
fn outside_judges_find_no_fault() {
    let scratch = tempfile::tempdir().unwrap();
    let root = env::var_os("SPORE_JUDGE_DIR").map_or(scratch.path().into(), PathBuf::from);
    let folders = samples::all().into_iter().map(|sample| {
        let folder = root.join(sample.name);
        write(&folder, &render(&sample.page()).unwrap());
        folder
    });
    let folders: Vec<_> = folders.collect();
    if env::var_os("SPORE_JUDGE").is_none_or(|value| value != "1") {
        eprintln!("!! SPORE_JUDGE=1 is not set: outside judges were NOT run on the pages");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/judge_page.sh");
    for folder in folders {
        let status = Command::new(&script).arg(&folder).status().unwrap();
        assert!(status.success(), "{}: {status}", folder.display());
    }
}
