//! Where source lies: repositories, branches, commits and paths.

use super::super::ascii::{self, DIGIT, DOT, HYPHEN, LOWER, UNDERSCORE, UPPER};
use super::super::fault::Defect;
use super::{Parse, bytes_at_most};
use compact_str::CompactString;
use std::fmt;

text_type!(
    /// OWNER/NAME or GROUP/…/NAME of a hosted repository.
    Slug,
    |text| {
        bytes_at_most(text, 255)?;
        let inner = LOWER | UPPER | DIGIT | DOT | UNDERSCORE | HYPHEN;
        let part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && !part.starts_with('-')
                && ascii::all_of(part, inner)
        };
        if text.contains('/') && text.split('/').all(part) {
            return Ok(());
        }
        Err(
            Defect::new("slug-syntax", format!("not a repository: {text:?}"))
                .hint("write OWNER/NAME"),
        )
    }
);
text_type!(
    /// A git branch name that `git check-ref-format --branch` accepts and that cannot be read as an
    /// option.
    RefName,
    |text| {
        bytes_at_most(text, 255)?;
        let bad_byte = |byte| {
            matches!(byte, b' ' | b'~' | b'^' | b':' | b'?' | b'*' | b'[' | b'\\')
        };
        let bad_pair = |pair: &[u8]| matches!(pair, b".." | b"@{");
        let bad_part = |part: &str| {
            part.is_empty()
                || part.starts_with('.')
                || part.ends_with('.')
                || part.strip_suffix(".lock").is_some()
        };
        let bad = text.starts_with('-')
            || text == "@"
            || text.bytes().any(bad_byte)
            || text.as_bytes().windows(2).any(bad_pair)
            || text.split('/').any(bad_part);
        if bad {
            return Err(Defect::new(
                "ref-syntax",
                format!("not a branch name: {text:?}"),
            ));
        }
        Ok(())
    }
);
text_type!(
    /// A full git commit id: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits.
    CommitId,
    |text| {
        let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hex && matches!(text.len(), 40 | 64) {
            return Ok(());
        }
        Err(
            Defect::new("commit-syntax", format!("not a full commit id: {text:?}"))
                .hint("give all 40 or 64 hexadecimal digits"),
        )
    }
);
text_type!(
    /// A path below some root: `/` between parts, no empty part, no `.`, no `..`, at most 4,096 bytes.
    RelativePath,
    |text| {
        bytes_at_most(text, 4096)?;
        if !text.is_empty() && text.split('/').all(|part| !matches!(part, "" | "." | "..")) {
            return Ok(());
        }
        Err(
            Defect::new("path-syntax", format!("not a relative path: {text:?}"))
                .hint("write parts between single slashes, without . and .."),
        )
    }
);
text_type!(
    /// An absolute path of the daemon's machine: no empty part, no `.`, no `..`, at most 4,096 bytes.
    AbsolutePath,
    |text| {
        bytes_at_most(text, 4096)?;
        let good = text.strip_prefix('/').is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .trim_end_matches('/')
                    .split('/')
                    .all(|part| !matches!(part, "" | "." | ".."))
        });
        if good {
            return Ok(());
        }
        Err(
            Defect::new("path-syntax", format!("not an absolute path: {text:?}"))
                .hint("begin with '/', without . and .."),
        )
    }
);
