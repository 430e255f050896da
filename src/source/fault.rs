//! What git says, by what is to be done about it.
//!
//! Git tells its faults in words alone. They are asked for in English (`LC_ALL=C`) and looked at here and
//! nowhere else; what is not known counts as transient, so that a new wording costs tries and no site.

use super::Place;
use crate::edge::process::ProcessError;
use crate::edge::{EdgeError, EdgeErrorKind};

/// What git said when it could not do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The credential is wrong, or one is missing.
    Credential,
    /// There is no such repository, or none for this credential.
    Repository,
    /// There is no such commit.
    Commit,
    /// The other side sends us elsewhere.
    Redirect,
    /// The certificate of the other side is not believed.
    Certificate,
    /// Git may not use this protocol.
    Protocol,
    /// An object is made to do harm, or is broken.
    Object,
    /// It is larger than allowed.
    Size,
    /// The other side or the way to it fails.
    Network,
    /// Nothing that is known.
    Unknown,
}

/// Words of git, curl and index-pack, and what they mean. The first that is found holds.
const WORDS: [(&str, Fault); 42] = [
    (
        "unable to update url base from redirection",
        Fault::Redirect,
    ),
    ("returned error: 301", Fault::Redirect),
    ("returned error: 302", Fault::Redirect),
    ("returned error: 303", Fault::Redirect),
    ("returned error: 307", Fault::Redirect),
    ("returned error: 308", Fault::Redirect),
    ("Authentication failed", Fault::Credential),
    ("could not read Username", Fault::Credential),
    ("could not read Password", Fault::Credential),
    ("returned error: 401", Fault::Credential),
    ("returned error: 403", Fault::Credential),
    (
        "access denied or repository not exported",
        Fault::Repository,
    ),
    ("not our ref", Fault::Commit),
    ("couldn't find remote ref", Fault::Commit),
    ("unadvertised object", Fault::Commit),
    ("no such remote ref", Fault::Commit),
    ("' not found", Fault::Repository),
    ("returned error: 404", Fault::Repository),
    ("returned error: 410", Fault::Repository),
    ("does not appear to be a git repository", Fault::Repository),
    ("not valid: is this a git repository?", Fault::Repository),
    ("transport '", Fault::Protocol),
    ("SSL certificate problem", Fault::Certificate),
    ("certificate verification failed", Fault::Certificate),
    (
        "no alternative certificate subject name",
        Fault::Certificate,
    ),
    ("fsck error", Fault::Object),
    // SIGXFSZ of Linux, and what a program says that ignores it.
    ("died of signal 25", Fault::Size),
    ("File too large", Fault::Size),
    ("Could not resolve host", Fault::Network),
    ("Failed to connect", Fault::Network),
    ("Couldn't connect", Fault::Network),
    ("Connection refused", Fault::Network),
    ("Connection reset", Fault::Network),
    ("Connection timed out", Fault::Network),
    ("Operation too slow", Fault::Network),
    ("Operation timed out", Fault::Network),
    ("Empty reply from server", Fault::Network),
    ("RPC failed", Fault::Network),
    ("early EOF", Fault::Network),
    ("hung up unexpectedly", Fault::Network),
    ("returned error: 429", Fault::Network),
    ("returned error: 5", Fault::Network),
];

impl Fault {
    /// What a run of git that talked to another machine ended with.
    pub(super) fn of(error: &ProcessError) -> Self {
        match error {
            ProcessError::Failed { stderr, .. } => WORDS
                .iter()
                .find(|(words, _)| stderr.contains(words))
                .map_or(Self::Unknown, |(_, fault)| *fault),
            ProcessError::TimedOut { .. } => Self::Network,
            ProcessError::NotFound { .. }
            | ProcessError::Io { .. }
            | ProcessError::TooMuchOutput { .. } => Self::Unknown,
        }
    }

    const fn kind(self) -> EdgeErrorKind {
        match self {
            Self::Credential => EdgeErrorKind::Unauthorised,
            Self::Repository
            | Self::Commit
            | Self::Redirect
            | Self::Certificate
            | Self::Object
            | Self::Size => EdgeErrorKind::Rejected,
            Self::Protocol => EdgeErrorKind::Forbidden,
            Self::Network | Self::Unknown => EdgeErrorKind::Transient { retry_after: None },
        }
    }

    const fn hint(self) -> Option<&'static str> {
        match self {
            Self::Credential => Some(
                "name a credential that may read the repository; forges also answer so when there is none of that name",
            ),
            Self::Repository => Some("check its name, and whether the credential may read it"),
            Self::Commit => Some("check that it was pushed and not removed since"),
            Self::Redirect => {
                Some("redirects are not followed: give the address that the repository moved to")
            }
            Self::Certificate => {
                Some("renew the certificate, or have its authority trusted by the settings")
            }
            Self::Protocol => Some("use https"),
            Self::Size => Some("the operator's settings bound what is fetched"),
            Self::Object | Self::Network | Self::Unknown => None,
        }
    }

    const fn path(self, place: &Place) -> &'static str {
        match self {
            Self::Credential => "repo.credential",
            Self::Commit => "repo.revision",
            Self::Repository
            | Self::Redirect
            | Self::Certificate
            | Self::Protocol
            | Self::Object
            | Self::Size
            | Self::Network
            | Self::Unknown => place.path,
        }
    }
}

/// The error of a run that talked to another machine.
pub(super) fn remote(place: &Place, error: ProcessError) -> EdgeError {
    if !matches!(
        error,
        ProcessError::Failed { .. } | ProcessError::TimedOut { .. }
    ) {
        return tool("git", error).at(place.path);
    }
    let fault = Fault::of(&error);
    let what = match fault {
        Fault::Credential => "does not accept the credential, or wants one",
        Fault::Repository => "cannot be found",
        Fault::Commit => "does not have the commit",
        Fault::Redirect => "sends us elsewhere",
        Fault::Certificate => "has a certificate that is not trusted",
        Fault::Protocol => "may not be reached by this protocol",
        Fault::Object => "holds what may not be fetched",
        Fault::Size => "is larger than allowed",
        Fault::Network | Fault::Unknown => "cannot be fetched",
    };
    let made = EdgeError::new(
        fault.kind(),
        format!("the repository {} {what}", place.remote),
    )
    .at(fault.path(place))
    .source(error);
    match fault.hint() {
        Some(hint) => made.hint(hint),
        None => made,
    }
}

/// The error of a program that is missing or fails by itself.
pub(super) fn tool(what: &str, error: ProcessError) -> EdgeError {
    match error {
        ProcessError::NotFound { program, hint } => {
            EdgeError::unsupported(format!("{program} is not installed")).hint(hint)
        }
        error => {
            let kind = EdgeErrorKind::Transient { retry_after: None };
            EdgeError::new(kind, format!("{what} failed")).source(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn fault(stderr: &str) -> Fault {
        Fault::of(&ProcessError::Failed {
            program: "git".into(),
            status: ExitStatus::from_raw(128 << 8),
            stderr: stderr.into(),
        })
    }

    #[test]
    fn what_git_says_is_understood() {
        let cases = [
            (
                "fatal: Authentication failed for 'http://h/r.git/'",
                Fault::Credential,
            ),
            (
                "fatal: could not read Username for 'http://h': terminal prompts disabled",
                Fault::Credential,
            ),
            (
                "fatal: unable to access 'http://h/r.git/': The requested URL returned error: 403",
                Fault::Credential,
            ),
            (
                "fatal: repository 'http://h/r.git/' not found",
                Fault::Repository,
            ),
            (
                "fatal: remote error: access denied or repository not exported: /r.git",
                Fault::Repository,
            ),
            (
                "fatal: remote error: upload-pack: not our ref 1111",
                Fault::Commit,
            ),
            (
                "error: Server does not allow request for unadvertised object 1111",
                Fault::Commit,
            ),
            (
                "fatal: unable to access 'http://h/r.git/': The requested URL returned error: 302",
                Fault::Redirect,
            ),
            ("fatal: transport 'ext' not allowed", Fault::Protocol),
            (
                "fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate",
                Fault::Certificate,
            ),
            (
                "fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none",
                Fault::Certificate,
            ),
            (
                "error: object 11: hasDotgit: contains '.git'\nfatal: fsck error in packed object",
                Fault::Object,
            ),
            (
                "error: --shallow-file died of signal 25\nfatal: index-pack failed",
                Fault::Size,
            ),
            (
                "fatal: unable to access 'https://h/': Could not resolve host: h",
                Fault::Network,
            ),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 503",
                Fault::Network,
            ),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 429",
                Fault::Network,
            ),
            ("fatal: the remote end hung up unexpectedly", Fault::Network),
            ("fatal: nobody has ever said this", Fault::Unknown),
        ];
        for (stderr, meaning) in cases {
            assert_eq!(fault(stderr), meaning, "{stderr}");
        }
    }
}
