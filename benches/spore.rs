//! The benchmark: `cargo bench`, or `cargo bench -- decode` for the cases whose name holds `decode`.
//!
//! Each case measures the program itself and, where there is one, a peer that does the same work, in turns
//! on the same machine. A table tells the figures and whether they keep to the bars that are set for them.
#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "the table is the output, and its figures need no more than 52 bits"
)]

mod builds;
mod child;
#[path = "../tests/fake/cloudflare/mod.rs"]
mod cloudflare;
mod daemon;
mod decode;
mod harness;
mod memory;
mod message;
mod pages;
mod peer;
mod publish;
mod reconcile;
mod schedule;
mod site;
mod wrangler;

use harness::{Result, Table};
use std::process::ExitCode;

type Case = fn(&mut Table) -> Result<()>;

const CASES: [(&str, Case); 8] = [
    ("decode", decode::run),
    ("memory", memory::run),
    ("reconcile", reconcile::run),
    ("schedule", schedule::run),
    ("daemon", daemon::run),
    ("publish", publish::run),
    ("builds", builds::run),
    ("pages", pages::run),
];

fn main() -> Result<ExitCode> {
    if std::env::args().any(|argument| argument == memory::CHILD) {
        memory::child()?;
        return Ok(ExitCode::SUCCESS);
    }
    if std::env::args().any(|argument| argument == schedule::CHILD) {
        schedule::child()?;
        return Ok(ExitCode::SUCCESS);
    }
    // `cargo bench` adds `--bench`; a test run of all targets does not, and is not kept waiting.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("nothing is measured without --bench, which `cargo bench` adds");
        return Ok(ExitCode::SUCCESS);
    }
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let wanted = |name: &str| {
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
    };
    let mut table = Table::default();
    for (name, case) in CASES {
        if wanted(name) {
            println!("{name} ...");
            case(&mut table)?;
        }
    }
    println!("\n{table}");
    Ok(if table.misses() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
