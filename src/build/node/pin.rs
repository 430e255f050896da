//! Which Node.js a site asks for.

use crate::edge::EdgeError;
use nodejs_semver::{Range, Version};
use serde_json::Value;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

/// Files that hold nothing but a version.
const VERSION_FILES: [&str; 2] = [".nvmrc", ".node-version"];

/// The largest file that is read for a version, in bytes: more than any `package.json` made by people.
const LARGEST: u64 = 4 << 20;

/// A version that is asked for, and where.
#[derive(Clone, Debug)]
pub(in crate::build) struct Pin {
    /// The place, as `.nvmrc` or `package.json (engines.node)`.
    place: String,
    text: String,
    range: Range,
}

impl Pin {
    /// The versions that the folders of a project ask for; more than one place may.
    ///
    /// # Errors
    /// A place names something that is no version, or none names any.
    pub(in crate::build) fn read(folders: &[&Path]) -> Result<Vec<Self>, EdgeError> {
        let mut pins = Vec::new();
        for folder in folders {
            pins.extend(Self::of_folder(folder)?);
        }
        if pins.is_empty() {
            let message = "the source does not say which Node.js it is built with";
            return Err(EdgeError::rejected(message)
                .at("build.type")
                .hint("write the version, 22 say, to .nvmrc or to engines.node of package.json"));
        }
        Ok(pins)
    }

    fn of_folder(folder: &Path) -> Result<Vec<Self>, EdgeError> {
        let mut pins = Vec::new();
        for name in VERSION_FILES {
            if let Some(text) = read(&folder.join(name))? {
                pins.push(Self::of(name.into(), version_line(&text))?);
            }
        }
        if let Some(text) = read(&folder.join("package.json"))? {
            let manifest = manifest(&text)?;
            for (place, pointer) in [
                ("engines.node", "/engines/node"),
                ("volta.node", "/volta/node"),
            ] {
                if let Some(text) = manifest.pointer(pointer).and_then(Value::as_str) {
                    pins.push(Self::of(format!("package.json ({place})"), text)?);
                }
            }
        }
        Ok(pins)
    }

    fn of(place: String, text: &str) -> Result<Self, EdgeError> {
        let text = text.trim();
        let bare = text.strip_prefix('v').unwrap_or(text);
        let range = Range::parse(bare).map_err(|_| {
            let message = format!("{place} names Node.js {text:?}, which is no version");
            EdgeError::rejected(message)
                .at("build.type")
                .hint("write a version or a range of versions, 22 or >=22.12 say")
        })?;
        Ok(Self {
            place,
            text: text.to_owned(),
            range,
        })
    }

    /// Whether a version is what is asked for.
    pub(in crate::build) fn allows(&self, version: &Version) -> bool {
        version.satisfies(&self.range)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.text, self.place)
    }
}

/// The first line that is not a comment.
fn version_line(text: &str) -> &str {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or(line).trim())
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// A `package.json`.
///
/// # Errors
/// It is not JSON.
pub(super) fn manifest(text: &str) -> Result<Value, EdgeError> {
    serde_json::from_str(text).map_err(|error| {
        EdgeError::rejected("package.json cannot be read")
            .at("build.type")
            .source(error)
    })
}

/// The text of a file of the source, if it is there.
///
/// # Errors
/// It is too large, no UTF-8, or cannot be read.
pub(super) fn read(path: &Path) -> Result<Option<String>, EdgeError> {
    let told = || path.file_name().unwrap_or_default().to_string_lossy();
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > LARGEST => Err(EdgeError::rejected(format!(
            "{} has {} bytes; {LARGEST} are read at most",
            told(),
            metadata.len()
        ))),
        Ok(metadata) if metadata.is_file() => fs::read_to_string(path).map(Some).map_err(|error| {
            EdgeError::rejected(format!("{} cannot be read", told())).source(error)
        }),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EdgeError::io(
            format!("{} cannot be read", path.display()),
            error,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let project = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(project.path().join(name), text).unwrap();
        }
        let pins = Pin::read(&[project.path()]).map_err(|error| error.message)?;
        Ok(pins.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn versions_are_read_from_where_people_write_them() {
        let found = pins(&[
            (".nvmrc", "# the one of the server\nv22.12.0 # yes\n"),
            (".node-version", "22\n"),
            (
                "package.json",
                r#"{"engines": {"node": "^20.19.1 || >=22.12"}, "volta": {"node": "22.14.0"}}"#,
            ),
        ]);
        let expected = [
            "v22.12.0 of .nvmrc",
            "22 of .node-version",
            "^20.19.1 || >=22.12 of package.json (engines.node)",
            "22.14.0 of package.json (volta.node)",
        ];
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn a_source_that_names_none_or_nonsense_is_refused() {
        let none = pins(&[("package.json", "{}")]).unwrap_err();
        assert_eq!(
            none,
            "the source does not say which Node.js it is built with"
        );
        let alias = pins(&[(".nvmrc", "lts/*")]).unwrap_err();
        assert_eq!(alias, ".nvmrc names Node.js \"lts/*\", which is no version");
        let broken = pins(&[("package.json", "{")]).unwrap_err();
        assert_eq!(broken, "package.json cannot be read");
    }

    #[test]
    fn ranges_are_those_of_npm() {
        let cases = [
            ("22", "22.23.3", true),
            ("22", "20.20.2", false),
            (">=20", "22.0.0", true),
            ("^20.19.1 || >=22.12", "20.19.0", false),
            ("^20.19.1 || >=22.12", "22.12.0", true),
            ("v22.12.0", "22.12.0", true),
            ("v22.12.0", "22.12.1", false),
        ];
        for (range, version, allowed) in cases {
            let pin = Pin::of("test".into(), range).unwrap();
            let version = Version::parse(version).unwrap();
            assert_eq!(pin.allows(&version), allowed, "{range} {version}");
        }
    }
}
