//! The memory that a long stream takes: a process of its own reads a million messages and looks at itself.

use crate::harness::{Bar, Figure, Result, Row, Table, output};
use crate::message;
use mycelia_spore::stream;
use std::fs;
use std::hint::black_box;
use std::io::{BufReader, Read};
use std::process::Command;

/// Tells the program that it is the process to be looked at.
pub(crate) const CHILD: &str = "--memory-child";

const MESSAGES: u64 = 1_000_000;

/// Different messages; the stream repeats them.
const DIFFERENT: u64 = 1_000;

/// Runs the child and puts what it saw into the table.
pub(crate) fn run(table: &mut Table) -> Result<()> {
    let printed = output(Command::new(std::env::current_exe()?).arg(CHILD))?;
    print!("{printed}");
    let seen: Vec<f64> = printed
        .lines()
        .filter_map(|line| line.split_whitespace().rev().nth(1)?.parse().ok())
        .collect();
    let [early, _, late, _] = seen[..] else {
        return Err(format!("not what the child prints: {printed}").into());
    };
    // The kernel keeps its own account of the highest a little behind.
    let most = seen.iter().copied().fold(0.0, f64::max);
    table.add(Row {
        what: "memory, the most held while reading 1,000,000 messages".into(),
        own: Figure(most, "MB"),
        peer: None,
        bar: Bar::Most(40.0),
    });
    table.add(Row {
        what: "memory, growth from 10 % to 100 % of them".into(),
        own: Figure(late - early, "MB"),
        peer: None,
        bar: Bar::Most(2.0),
    });
    Ok(())
}

/// Reads the stream as the daemon does and prints the memory held on the way.
pub(crate) fn child() -> Result<()> {
    let repeated = message::packed(0..DIFFERENT, message::blog)?;
    let input = Repeated {
        bytes: repeated,
        at: 0,
        left: MESSAGES / DIFFERENT,
    };
    let mut stream = stream::spawn(BufReader::with_capacity(64 * 1024, input))?;
    let mut count = 0;
    while let Some(item) = stream.blocking_recv() {
        black_box(&item?.config).as_ref().map_err(Clone::clone)?;
        count += 1;
        if [MESSAGES / 10, MESSAGES / 2, MESSAGES].contains(&count) {
            let percent = count * 100 / MESSAGES;
            println!("  resident after {percent:>3} %: {:.2} MB", held("VmRSS")?);
        }
    }
    println!("  resident at most:    {:.2} MB", held("VmHWM")?);
    if count == MESSAGES {
        Ok(())
    } else {
        Err(format!("{count} messages instead of {MESSAGES}").into())
    }
}

/// A line of this process's status, in MB of 1,000,000 bytes.
pub(crate) fn held(what: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    let kibibytes: f64 = kibibytes.ok_or("no such line")?.parse()?;
    Ok(kibibytes * 1024.0 / 1e6)
}

/// The same bytes over and over.
struct Repeated {
    bytes: Vec<u8>,
    at: usize,
    left: u64,
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.bytes.len() {
            self.at = 0;
            self.left -= 1;
        }
        if self.left == 0 {
            return Ok(0);
        }
        let count = (&self.bytes[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}
