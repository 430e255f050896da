//! Where messages come from: as the operator names it, and as it is told of each message.

use super::Peer;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use thiserror::Error;

/// A source of messages, as `--source` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSpec {
    /// Standard input, until its end.
    Stdin,
    /// A named pipe, one writer after another.
    Fifo(PathBuf),
    /// A Unix socket, many writers at once.
    Unix(PathBuf),
    /// A directory of message files.
    Dir(PathBuf),
}

/// A text that names no source.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SpecError {
    /// The kind of source is not known.
    #[error("{text:?} is no source: use stdin, fifo:PATH, unix:PATH or dir:PATH")]
    Unknown {
        /// The text.
        text: String,
    },
    /// There is no path.
    #[error("{kind}: lacks its path: use {kind}:PATH")]
    NoPath {
        /// The kind of source.
        kind: &'static str,
    },
    /// It is a source, but not one that can be written to by its name.
    #[error("{text:?} cannot be sent to: use unix:PATH or fifo:PATH")]
    NoTarget {
        /// The text.
        text: String,
    },
}

impl FromStr for SourceSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        if text == "stdin" {
            return Ok(Self::Stdin);
        }
        let unknown = || SpecError::Unknown { text: text.into() };
        let (kind, path) = text.split_once(':').ok_or_else(unknown)?;
        let (kind, spec): (_, fn(PathBuf) -> Self) = match kind {
            "fifo" => ("fifo", Self::Fifo),
            "unix" => ("unix", Self::Unix),
            "dir" => ("dir", Self::Dir),
            _ => return Err(unknown()),
        };
        if path.is_empty() {
            return Err(SpecError::NoPath { kind });
        }
        Ok(spec(path.into()))
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("stdin"),
            Self::Fifo(path) => write!(f, "fifo:{}", path.display()),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Dir(path) => write!(f, "dir:{}", path.display()),
        }
    }
}

/// Where one message came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Standard input.
    Stdin,
    /// A named pipe.
    Fifo {
        /// The pipe.
        path: PathBuf,
        /// The how manieth time it was read to its end, from 1.
        session: u64,
    },
    /// A connection to a Unix socket.
    Unix {
        /// The socket.
        path: PathBuf,
        /// The connection's number since the start, from 1.
        connection: u64,
        /// Who sent it.
        peer: Peer,
    },
    /// A file of a spool directory.
    File {
        /// The file, where it lay when it was found.
        path: PathBuf,
    },
}

impl Origin {
    /// Who sent it, where the kernel vouches for that.
    #[must_use]
    pub const fn peer(&self) -> Option<Peer> {
        match self {
            Self::Unix { peer, .. } => Some(*peer),
            Self::Stdin | Self::Fifo { .. } | Self::File { .. } => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("stdin"),
            Self::Fifo { path, session } => write!(f, "fifo:{} (writer {session})", path.display()),
            Self::Unix {
                path,
                connection,
                peer,
            } => write!(
                f,
                "unix:{} (connection {connection}, {peer})",
                path.display()
            ),
            Self::File { path } => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_they_are_written() {
        for text in ["stdin", "fifo:/run/a", "unix:a b", "dir:relative/x:y"] {
            let spec: SourceSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
        }
        let told = |text: &str| text.parse::<SourceSpec>().unwrap_err().to_string();
        for text in ["", "-", "/run/a", "pipe:/run/a", "FIFO:/run/a", "stdin:"] {
            assert_eq!(
                told(text),
                format!("{text:?} is no source: use stdin, fifo:PATH, unix:PATH or dir:PATH")
            );
        }
        assert_eq!(told("unix:"), "unix: lacks its path: use unix:PATH");
    }
}
