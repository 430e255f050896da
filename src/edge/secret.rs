//! Secrets, and the places that the operator keeps them in.
//!
//! A message names a credential; the operator's settings say where it is kept. It is read when it is needed
//! and not before, so that a secret that was changed is used without a restart.

use super::{EdgeError, EdgeErrorKind};
use crate::model::SettingsName;
use crate::release::Digest;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use tracing::warn;
use zeroize::Zeroizing;

/// How long a secret may be, in bytes. Tokens have tens of bytes and private keys a few thousand; what is
/// longer is not a secret but a file named by mistake.
pub const SECRET_MAX: usize = 64 * 1024;

/// The variable by which systemd tells a service where its credentials are (`systemd.exec(5)`, "Credentials").
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The permission bits of those who are neither the owner nor of the group.
const OTHERS: u32 = 0o007;

/// What is said of a file that these may use.
const OPEN: &str = "may be read by everybody: take the permission away (chmod o= )";

/// A text that is never shown: it can be used, and it cannot be printed, written or compared. Clones share
/// one copy, which is overwritten when the last of them is dropped.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// A secret of this text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }

    /// The text itself. Hand it on only to what must have it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A value by which secrets are told apart without being known: blake3's key derivation with this
    /// context. A context is a constant that names the purpose; digests of different contexts do not compare.
    #[must_use]
    pub fn digest(&self, context: &str) -> Digest {
        blake3::derive_key(context, self.expose().as_bytes()).into()
    }

    /// Checks what was read at a place, and cuts off one final line break.
    fn from_bytes(bytes: &[u8], place: &SecretPlace) -> Result<Self, SecretError> {
        let place = || place.clone();
        if bytes.len() > SECRET_MAX {
            return Err(SecretError::TooLong { place: place() });
        }
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|_| SecretError::NotText { place: place() })?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(SecretError::Empty { place: place() });
        }
        Ok(Self::new(text.to_owned()))
    }
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// In this file.
    File(PathBuf),
    /// In the credential of this name that systemd gives to the service (`LoadCredential=` and the like).
    Systemd(String),
    /// In this environment variable of the daemon.
    Environment(String),
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Systemd(name) => write!(f, "systemd credential {name:?}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// Why a secret could not be read. Tells the place, never what is there.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("{place} cannot be read")]
    Unreadable {
        /// Where.
        place: SecretPlace,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a directory, a device or a pipe.
    #[error("{place} is not a regular file")]
    NotAFile {
        /// Where.
        place: SecretPlace,
    },
    /// The variable is not set.
    #[error("{place} is not set")]
    NotSet {
        /// Where.
        place: SecretPlace,
    },
    /// The daemon was not started by systemd, or without credentials.
    #[error("{place} cannot be read: ${CREDENTIALS_DIRECTORY} is not set")]
    NoCredentials {
        /// Where.
        place: SecretPlace,
    },
    /// The name of a systemd credential is that of a file and nothing else.
    #[error("{place} has a name that is not one: it is empty or a path")]
    BadName {
        /// Where.
        place: SecretPlace,
    },
    /// Nothing is there.
    #[error("{place} is empty")]
    Empty {
        /// Where.
        place: SecretPlace,
    },
    /// More is there than a secret may have.
    #[error("{place} is longer than {SECRET_MAX} bytes")]
    TooLong {
        /// Where.
        place: SecretPlace,
    },
    /// It is not UTF-8.
    #[error("{place} is not text (UTF-8)")]
    NotText {
        /// Where.
        place: SecretPlace,
    },
}

impl SecretPlace {
    /// Reads the secret. One final line break is cut off.
    ///
    /// A file that everybody may read is taken, with a warning in the log.
    ///
    /// # Errors
    /// A [`SecretError`] when there is nothing, more than [`SECRET_MAX`] bytes, no text, or no way to read it.
    pub fn read(&self) -> Result<Secret, SecretError> {
        self.read_with(|name| std::env::var_os(name))
    }

    /// The same with the environment given.
    fn read_with(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Secret, SecretError> {
        let place = || self.clone();
        let bytes = match self {
            Self::File(path) => self.read_file(path)?,
            Self::Systemd(name) => {
                let directory = variable(CREDENTIALS_DIRECTORY)
                    .ok_or_else(|| SecretError::NoCredentials { place: place() })?;
                if matches!(&**name, "" | "." | "..") || name.contains('/') {
                    return Err(SecretError::BadName { place: place() });
                }
                self.read_file(&Path::new(&directory).join(name))?
            }
            Self::Environment(name) => {
                let value = variable(name);
                let value = value.ok_or_else(|| SecretError::NotSet { place: place() })?;
                Zeroizing::new(value.into_vec())
            }
        };
        Secret::from_bytes(&bytes, self)
    }

    /// The bytes of a file, one more than allowed at most.
    fn read_file(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let failed = |source| SecretError::Unreadable {
            place: self.clone(),
            source,
        };
        // Asked before opening: opening a pipe waits for its writer.
        let metadata = fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(SecretError::NotAFile {
                place: self.clone(),
            });
        }
        if metadata.permissions().mode() & OTHERS != 0 {
            warn!("{self} {OPEN}");
        }
        let file = File::open(path).map_err(failed)?;
        // Larger than what is read into it: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * SECRET_MAX));
        let mut bounded = file.take(SECRET_MAX as u64 + 1);
        bounded.read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}

/// Where the operator keeps the credentials that messages name.
#[derive(Clone, Debug, Default)]
pub struct Credentials(BTreeMap<SettingsName, SecretPlace>);

impl Credentials {
    /// These credentials.
    #[must_use]
    pub const fn new(places: BTreeMap<SettingsName, SecretPlace>) -> Self {
        Self(places)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &SettingsName> {
        self.0.keys()
    }

    /// Whether the operator declared a credential of this name.
    #[must_use]
    pub fn has(&self, name: &SettingsName) -> bool {
        self.0.contains_key(name)
    }

    /// What a person should know of where a credential is kept; `None` when there is nothing to say.
    #[must_use]
    pub fn doubt(&self, name: &SettingsName) -> Option<String> {
        let SecretPlace::File(path) = self.0.get(name)? else {
            return None;
        };
        let open = fs::metadata(path).is_ok_and(|it| it.permissions().mode() & OTHERS != 0);
        open.then(|| format!("file {} {OPEN}", path.display()))
    }

    /// Reads a credential.
    ///
    /// # Errors
    /// [`EdgeErrorKind::Unauthorised`] when the operator has no such credential or it cannot be read.
    pub fn get(&self, name: &SettingsName) -> Result<Secret, EdgeError> {
        let unauthorised = |message| EdgeError::new(EdgeErrorKind::Unauthorised, message);
        let Some(place) = self.0.get(name) else {
            return Err(
                unauthorised(format!("no credential is named {name}")).hint(format!(
                    "the operator adds it to the settings: [credentials.{name}] with file = \"...\", \
                     systemd = \"...\" or env = \"...\""
                )),
            );
        };
        place.read().map_err(|error| {
            unauthorised(format!("credential {name} cannot be used"))
                .hint(format!(
                    "check [credentials.{name}] in the settings: file = \"...\", systemd = \"...\" or \
                     env = \"...\""
                ))
                .source(error)
        })
    }
}

#[cfg(test)]
mod tests;
