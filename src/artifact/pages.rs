//! The name under which Cloudflare Pages stores a file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The name under which Cloudflare Pages stores a file: the first 16 bytes of blake3 over the content's base64 and the
/// ending of the file's name, as Cloudflare's own client makes it; written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PagesHash([u8; 16]);

impl fmt::Display for PagesHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PagesHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PagesHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PagesHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = u128::from_str_radix(&text, 16).map_err(D::Error::custom)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// Makes the name of a file from its content's pieces; each but the last has a length that 3 divides, so that the
/// pieces' base64 joins without padding.
#[derive(Debug)]
pub struct PagesHasher {
    hash: blake3::Hasher,
    encoded: String,
    ending: String,
}

impl PagesHasher {
    /// Begins with the file of this path.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self {
            hash: blake3::Hasher::new(),
            encoded: String::new(),
            ending: ending(path).into(),
        }
    }

    /// Takes the next piece.
    pub fn update(&mut self, content: &[u8]) {
        self.encoded.clear();
        STANDARD.encode_string(content, &mut self.encoded);
        self.hash.update(self.encoded.as_bytes());
    }

    /// The name.
    #[must_use]
    pub fn finish(mut self) -> PagesHash {
        self.hash.update(self.ending.as_bytes());
        let mut name = [0; 16];
        self.hash.finalize_xof().fill(&mut name);
        PagesHash(name)
    }
}

/// The ending of a file's name without its dot, as node's `path.extname` has it: none for a name whose only dot
/// is its first character.
fn ending(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((before, ending)) if !before.is_empty() => ending,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let mut hasher = PagesHasher::new("index.html");
        hasher.update(b"hello");
        let name = hasher.finish();
        let text = serde_json::to_string(&name).unwrap();
        assert_eq!(text.len(), 34);
        assert_eq!(serde_json::from_str::<PagesHash>(&text).unwrap(), name);
    }

    #[test]
    fn endings_are_those_of_node() {
        for (path, expected) in [
            ("index.html", "html"),
            ("a/b.tar.gz", "gz"),
            ("LICENSE", ""),
            (".hidden", ""),
            ("dir.d/file", ""),
            ("a.", ""),
            ("IMAGE.PNG", "PNG"),
            ("..x", "x"),
        ] {
            assert_eq!(ending(path), expected, "{path}");
        }
    }
}
