//! What the client writes of its own run: a file of JSON objects, one a line, told apart by `type`.

use super::deploy::{Deployed, Environment};
use serde::Deserialize;
use thiserror::Error;

/// What is known of a deployment by such a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// The deployment that was made, if one was.
    pub(super) deployed: Option<Deployed>,
    /// Why the client gave up, if it says so.
    pub(super) failed: Option<Failed>,
}

/// Why the client gave up.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Failed {
    /// The code of Cloudflare's answer, if it was one.
    pub(super) code: Option<i64>,
    /// What went wrong.
    #[serde(default)]
    pub(super) message: String,
}

/// Why such a file cannot be read.
#[derive(Debug, Error)]
#[error("line {line} of the client's record is not as expected")]
pub(super) struct RecordError {
    line: usize,
    #[source]
    source: serde_json::Error,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Entry {
    PagesDeployDetailed(DeployDetailed),
    CommandFailed(Failed),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct DeployDetailed {
    deployment_id: String,
    url: String,
    alias: Option<String>,
    environment: Environment,
}

impl Record {
    /// Reads such a file; entries of unknown types are passed over.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut record = Self::default();
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let entry = serde_json::from_slice(line).map_err(|source| RecordError {
                line: at + 1,
                source,
            })?;
            match entry {
                Entry::PagesDeployDetailed(entry) => {
                    record.deployed = Some(Deployed {
                        id: entry.deployment_id,
                        url: entry.url,
                        alias: entry.alias,
                        environment: entry.environment,
                    });
                }
                Entry::CommandFailed(entry) => record.failed = Some(entry),
                Entry::Other => {}
            }
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn entries_are_told_apart_by_their_type() {
        let record = Record::parse(
            br#"{"type":"wrangler-session","version":1,"wrangler_version":"4.86.0","command_line_args":["pages"]}
{"type":"pages-deploy","version":1,"pages_project":"p","deployment_id":"d1","url":"https://d1.p.pages.dev"}
{"type":"pages-deploy-detailed","version":1,"pages_project":"p","deployment_id":"d1","url":"https://d1.p.pages.dev","environment":"production","production_branch":"main","deployment_trigger":{"metadata":{"commit_hash":""}}}
{"type":"command-failed","version":1,"message":"fetch failed"}
"#,
        )
        .unwrap();
        let deployed = Deployed {
            id: "d1".into(),
            url: "https://d1.p.pages.dev".into(),
            alias: None,
            environment: Environment::Production,
        };
        assert_eq!(record.deployed, Some(deployed));
        let failed = record.failed.unwrap();
        assert_eq!((failed.code, &*failed.message), (None, "fetch failed"));
    }

    #[test]
    fn what_is_not_as_expected_is_named_by_its_line() {
        for (text, line) in [
            ("garbage", 1),
            (
                "{\"type\":\"x\"}\n\n{\"type\":\"pages-deploy-detailed\"}",
                3,
            ),
            ("{\"type\":\"x\"}\n[1]\n", 2),
        ] {
            let error = Record::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.source().is_some());
        }
        assert_eq!(Record::parse(b"").unwrap(), Record::default());
    }
}
