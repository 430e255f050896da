//! What the cases share: clocks, the choice of the best and the middle of several rounds, and the table.

use std::borrow::Cow;
use std::fmt;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Whatever went wrong; a benchmark ends with it.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The processor time that this thread has used. Other programs on the machine do not lengthen it, as they
/// do the time on the wall.
pub(crate) fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The least of some times: the round that was disturbed least.
pub(crate) fn best(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The middle one of some times.
pub(crate) fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A folder for one case, on the file system that is to be measured: that of `SPORE_BENCH_DIR`, or else of
/// cargo's target folder.
pub(crate) fn folder() -> Result<TempDir> {
    let place = std::env::var_os("SPORE_BENCH_DIR");
    let place = place.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    Ok(tempfile::tempdir_in(place)?)
}

/// Runs a program and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} failed: {error}").into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A number with its unit.
#[derive(Clone, Copy)]
pub(crate) struct Figure(pub(crate) f64, pub(crate) &'static str);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, unit) = self;
        let decimals = match value.abs() {
            1000.0.. => 0,
            10.0.. => 1,
            _ => 2,
        };
        write!(f, "{value:.decimals$} {unit}")
    }
}

/// What a figure has to keep to.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// Nothing: the figure is told to explain another.
    None,
    /// Our own figure is at least this.
    Least(f64),
    /// Our own figure is at most this.
    Most(f64),
    /// Our own figure is at most so many times the peer's.
    Ratio(f64),
}

/// One line of the table.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: Cow<'static, str>,
    /// Our figure.
    pub(crate) own: Figure,
    /// The figure of the program we are compared with, when it could be run.
    pub(crate) peer: Option<Figure>,
    /// What is wanted.
    pub(crate) bar: Bar,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        self.peer.map(|peer| self.own.0 / peer.0)
    }

    /// Whether the bar is met; `None` when there is none, or no peer to tell by.
    fn meets(&self) -> Option<bool> {
        match self.bar {
            Bar::None => None,
            Bar::Least(bar) => Some(self.own.0 >= bar),
            Bar::Most(bar) => Some(self.own.0 <= bar),
            Bar::Ratio(bar) => self.ratio().map(|ratio| ratio <= bar),
        }
    }

    fn cells(&self) -> [String; 6] {
        let unit = self.own.1;
        [
            self.what.to_string(),
            self.own.to_string(),
            self.peer
                .map_or_else(|| "-".into(), |peer| peer.to_string()),
            self.ratio()
                .map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}")),
            match self.bar {
                Bar::None => "-".into(),
                Bar::Least(bar) => format!(">= {bar} {unit}"),
                Bar::Most(bar) => format!("<= {bar} {unit}"),
                Bar::Ratio(bar) => format!("<= {bar} x peer"),
            },
            match (self.bar, self.meets()) {
                (Bar::None, _) => "-",
                (_, None) => "NO PEER",
                (_, Some(true)) => "meets",
                (_, Some(false)) => "MISSES",
            }
            .into(),
        ]
    }
}

/// All figures of a run.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    /// Adds a line.
    pub(crate) fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// Whether a bar was missed.
    pub(crate) fn misses(&self) -> bool {
        self.0.iter().any(|row| row.meets() == Some(false))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "own", "peer", "ratio", "bar", "verdict"].map(String::from);
        let lines: Vec<[String; 6]> = std::iter::once(head)
            .chain(self.0.iter().map(Row::cells))
            .collect();
        let width = |column: usize| {
            let widths = lines.iter().map(|line| line[column].len());
            widths.max().unwrap_or_default()
        };
        for (number, line) in lines.iter().enumerate() {
            for (column, cell) in line.iter().enumerate() {
                write!(f, "| {cell:<0$} ", width(column))?;
            }
            writeln!(f, "|")?;
            if number == 0 {
                for column in 0..line.len() {
                    write!(f, "|{}", "-".repeat(width(column) + 2))?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// The xorshift64 generator (Marsaglia, 2003): the same numbers in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number from 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 12) as f64 / (1u64 << 52) as f64
    }
}
