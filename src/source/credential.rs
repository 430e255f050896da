//! Hands a credential to git without showing it to anybody else.
//!
//! It goes by a pipe into the memory of `git credential-cache`, which answers at a socket in a private folder
//! and is ended with the fetch: no argument, variable, address, settings file or file on disk ever holds it.
//! Git asks it only for the scheme, host and port of the repository, and it answers only for these.

use super::Place;
use super::fault;
use super::git::Git;
use super::remote::{Protocol, Remote};
use crate::edge::process::ProcessError;
use crate::edge::secret::Secret;
use crate::edge::{EdgeError, EdgeErrorKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// How much longer than the fetch the credential is kept at most, should nobody be left to take it back.
const MARGIN: Duration = Duration::from_secs(10);

/// A credential that git can ask for.
pub(super) struct Access<'g> {
    git: &'g Git,
    origin: String,
    socket: PathBuf,
    user: String,
    password: Zeroizing<String>,
}

impl<'g> Access<'g> {
    /// Makes a credential known to the gits of this work, for one scheme, host and port.
    ///
    /// The user is the one that the place has for tokens, unless the credential is `USER:PASSWORD` itself: a
    /// user has no colon (RFC 7617 section 2), and no token of a forge has one.
    pub(super) fn open(
        git: &'g Git,
        place: &Place,
        secret: Option<&Secret>,
    ) -> Result<Option<Self>, EdgeError> {
        let Some(secret) = secret else {
            return Ok(None);
        };
        let (text, remote) = (secret.expose(), &place.remote);
        let (user, password) = text.split_once(':').unwrap_or((place.user, text));
        if text.is_empty() || text.contains(['\n', '\r', '\0']) {
            return Err(unusable("is empty or has a line break"));
        }
        if !matches!(remote.protocol(), Protocol::Https | Protocol::Http) {
            return Err(unusable(
                "is of no use to a repository that is not reached by https",
            ));
        }
        let access = Self {
            git,
            origin: remote.origin(),
            socket: git.private().join("credential"),
            user: user.to_owned(),
            password: Zeroizing::new(password.to_owned()),
        };
        access.store(remote)?;
        Ok(Some(access))
    }

    fn store(&self, remote: &Remote) -> Result<(), EdgeError> {
        let told = Zeroizing::new(format!(
            "protocol={}\nhost={}\nusername={}\npassword={}\n",
            remote.protocol().scheme(),
            remote.authority(),
            self.user,
            *self.password,
        ));
        let [timeout, socket] = self.options();
        let run = self
            .git
            .run(["credential-cache", &timeout, &socket, "store"]);
        let run = run.stdin(told.as_bytes());
        run.end().map(drop).map_err(|error| {
            fault::tool("keeping the credential for git", error).at("repo.credential")
        })
    }

    fn options(&self) -> [String; 2] {
        let seconds = (self.git.timeout() + MARGIN).as_secs();
        [
            format!("--timeout={seconds}"),
            format!("--socket={}", self.socket.display()),
        ]
    }

    /// The setting by which git asks for it.
    pub(super) fn config(&self) -> (String, String) {
        let [timeout, socket] = self.options();
        // Git hands it to a shell.
        let socket = socket.replace('\'', r"'\''");
        let key = format!("credential.{}.helper", self.origin);
        (key, format!("cache {timeout} '{socket}'"))
    }

    /// An error without the credential, in case the other side sent it back.
    pub(super) fn scrubbed(&self, mut error: ProcessError) -> ProcessError {
        if let ProcessError::Failed { stderr, .. } | ProcessError::TimedOut { stderr, .. } =
            &mut error
        {
            let pair = Zeroizing::new(format!("{}:{}", self.user, *self.password));
            let header = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
            for secret in [&*header, &*self.password] {
                if !secret.is_empty() {
                    *stderr = stderr.replace(secret.as_str(), "(credential)");
                }
            }
        }
        error
    }
}

impl Drop for Access<'_> {
    fn drop(&mut self) {
        let socket = format!("--socket={}", self.socket.display());
        // Nothing is lost when it does not answer: it ends by itself when its time is up.
        drop(
            self.git
                .run(["credential-cache", &socket, "exit"])
                .even_late()
                .end(),
        );
    }
}

fn unusable(why: &str) -> EdgeError {
    let kind = EdgeErrorKind::Unauthorised;
    EdgeError::new(kind, format!("the credential of the repository {why}")).at("repo.credential")
}
