//! The logs of builds, one file each.

use crate::edge::EdgeError;
use crate::model::SiteId;
use crate::words;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Logs that are kept of a site.
const KEPT: usize = 20;

/// The most that is kept of one build's output, in bytes; what comes later is not.
const LARGEST: u64 = 16 << 20;

/// Lines that are told when a build fails: of the beginning, where some programs say what is wrong before they explain
/// at length how they are used, and of the end, where most do.
const TOLD: (usize, usize) = (6, 14);

/// The most that is told of one line, in bytes.
const LINE: usize = 400;

/// The folder of the logs of all sites.
#[derive(Clone, Debug)]
pub struct Logs {
    folder: PathBuf,
}

/// The log of a build that is running.
pub(super) struct Log {
    file: File,
    path: PathBuf,
    written: u64,
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// What the program wrote first, and last.
    first: Vec<String>,
    last: VecDeque<String>,
    /// Lines between these that are not told.
    between: usize,
    /// Told of every line.
    listener: Box<dyn FnMut(&str) + Send>,
}

impl Logs {
    /// The logs of a folder of builds.
    #[must_use]
    pub fn new(builds: &Path) -> Self {
        Self {
            folder: builds.join("logs"),
        }
    }

    /// The logs of a site, newest first. Their names are the times at which the builds began.
    ///
    /// # Errors
    /// They cannot be listed.
    pub fn of(&self, site: &SiteId) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(self.folder.join(site.as_str())) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                paths.push(path);
            }
        }
        paths.sort_unstable_by(|one, two| two.cmp(one));
        Ok(paths)
    }

    /// Begins the log of a build, and removes the oldest ones of its site.
    pub(super) fn begin(
        &self,
        site: &SiteId,
        listener: Box<dyn FnMut(&str) + Send>,
    ) -> Result<Log, EdgeError> {
        let folder = self.folder.join(site.as_str());
        let begin = || -> io::Result<(File, PathBuf)> {
            fs::create_dir_all(&folder)?;
            for old in self.of(site)?.into_iter().skip(KEPT - 1) {
                fs::remove_file(old)?;
            }
            let now = jiff::Timestamp::now();
            // Colons are left out, so that the names are good on every file system.
            let name = format!("{}.log", now.strftime("%Y-%m-%dT%H%M%S.%6fZ"));
            let path = folder.join(name);
            Ok((File::create_new(&path)?, path))
        };
        let (file, path) = begin().map_err(|error| {
            EdgeError::io(format!("no log can be kept in {}", folder.display()), error)
        })?;
        Ok(Log {
            file,
            path,
            written: 0,
            line: Vec::new(),
            first: Vec::new(),
            last: VecDeque::new(),
            between: 0,
            listener,
        })
    }
}

impl Log {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A line of the daemon's own.
    pub(super) fn say(&mut self, text: &str) {
        self.end_line();
        self.output(format!("== {text}\n").as_bytes());
        // The lines told at a failure are the program's.
        (self.first, self.last, self.between) = Default::default();
    }

    /// What a program wrote.
    pub(super) fn output(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = (4 * LINE).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.take_line();
            }
        }
        let room = LARGEST.saturating_sub(self.written);
        let fits = usize::try_from(room).map_or(bytes.len(), |room| room.min(bytes.len()));
        // A log that cannot be written is no reason to end a build that can go on.
        drop(self.file.write_all(&bytes[..fits]));
        if fits < bytes.len() && room > 0 {
            drop(self.file.write_all(b"\n== the rest is left out\n"));
        }
        self.written = self.written.saturating_add(bytes.len() as u64);
    }

    fn end_line(&mut self) {
        if !self.line.is_empty() {
            self.output(b"\n");
        }
    }

    fn take_line(&mut self) {
        let text = plain(&self.line);
        self.line.clear();
        if text.is_empty() {
            return;
        }
        (self.listener)(&text);
        let (first, last) = TOLD;
        if self.first.len() < first {
            self.first.push(text);
            return;
        }
        if self.last.len() == last {
            self.last.pop_front();
            self.between += 1;
        }
        self.last.push_back(text);
    }

    /// The first and the last lines that a program wrote; all where there are few.
    pub(super) fn told(&mut self) -> String {
        self.end_line();
        let between = match self.between {
            0 => None,
            count => Some(format!("[{}]", words::count(count, "more line"))),
        };
        let lines = self.first.iter().chain(&between).chain(&self.last);
        lines.map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// A line as it can be shown anywhere: without the sequences that colour a terminal and other control characters,
/// of a line that was written over its last state, and not too long.
fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let stripped = anstream::adapter::strip_str(&text).to_string();
    let trimmed = stripped.trim_end();
    let shown = trimmed.rsplit('\r').next().unwrap_or(trimmed);
    let shown = shown.replace('\t', "    ");
    let mut shown: String = shown.chars().filter(|it| !it.is_control()).collect();
    if shown.len() > LINE {
        let cut = (0..=LINE).rfind(|cut| shown.is_char_boundary(*cut));
        shown.truncate(cut.unwrap_or_default());
        shown.push_str(" ...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Parse;
    use std::sync::{Arc, Mutex};

    #[test]
    fn lines_are_told_plainly_and_kept_as_they_came() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::new(folder.path());
        let site = SiteId::parse("blog").unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let listener = Box::new(move |line: &str| listener.lock().unwrap().push(line.to_owned()));
        let mut log = logs.begin(&site, listener).unwrap();
        log.say("building");
        log.output(b"\x1b[31mred\x1b[0m\tx\n10 %\r20 %\r");
        log.output("done \u{7}\nwhole ".as_bytes());
        log.output(&[b'x'; 1000]);
        let last = log.told();
        let cut = format!("whole {} ...", "x".repeat(LINE - 6));
        assert_eq!(last, format!("red    x\ndone\n{cut}"));
        assert_eq!(told.lock().unwrap()[0], "== building");
        let kept = fs::read(log.path()).unwrap();
        assert!(kept.starts_with(b"== building\n\x1b[31mred"));
        assert_eq!(logs.of(&site).unwrap(), [log.path()]);
    }

    #[test]
    fn the_beginning_and_the_end_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::new(folder.path());
        let site = SiteId::parse("blog").unwrap();
        let mut log = logs.begin(&site, Box::new(|_| ())).unwrap();
        log.output(b"of the program before\n");
        log.say("make");
        for line in 0..100 {
            log.output(format!("{line}\n").as_bytes());
        }
        let told = log.told();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 21);
        assert_eq!(lines[4..8], ["4", "5", "[80 more lines]", "86"]);
        assert_eq!(lines[20], "99");
    }

    #[test]
    fn a_log_and_the_number_of_logs_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::new(folder.path());
        let site = SiteId::parse("blog").unwrap();
        let mut newest = PathBuf::new();
        for _ in 0..KEPT + 3 {
            let mut log = logs.begin(&site, Box::new(|_| ())).unwrap();
            newest = log.path().to_owned();
            log.say("one");
        }
        let listed = logs.of(&site).unwrap();
        assert_eq!((listed.len(), &listed[0]), (KEPT, &newest));
        let mut log = logs.begin(&site, Box::new(|_| ())).unwrap();
        for _ in 0..20 {
            log.output(&vec![b'x'; 1 << 20]);
        }
        let kept = fs::metadata(log.path()).unwrap().len();
        assert!(kept < LARGEST + 100, "{kept}");
    }
}
