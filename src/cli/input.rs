//! Where a stream comes from.

use super::exit::Failure;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};

/// How much of a stream is read at a time.
const BUFFER: usize = 64 * 1024;

/// Opens a stream: a file, or standard input for none and "-". A person at a terminal is told what is
/// expected instead of being waited for.
pub(super) fn open(path: Option<&PathBuf>) -> Result<Box<dyn BufRead + Send>, Failure> {
    match path.filter(|path| path.as_path() != Path::new("-")) {
        Some(path) => {
            let file = File::open(path)
                .map_err(Failure::io(format!("{} cannot be opened", path.display())))?;
            Ok(Box::new(BufReader::with_capacity(BUFFER, file)))
        }
        None if io::stdin().is_terminal() => Err(Failure::usage(
            "packed SporeConfig messages are read from standard input, which is a terminal",
            "try `mycelia-spore demo`, or `mycelia-spore encode site.yaml | mycelia-spore`",
        )),
        None => Ok(Box::new(BufReader::with_capacity(BUFFER, io::stdin()))),
    }
}
