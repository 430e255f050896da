//! Publishing a whole site by the client.

use super::record::{Failed, Record};
use super::room::Room;
use super::{FunctionsSource, Wrangler, command, plain};
use crate::edge::process::ProcessError;
use crate::edge::secret::Secret;
use crate::edge::{EdgeError, EdgeErrorKind};
use serde::Deserialize;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file in which the client writes what it did, one JSON object a line.
const RECORD: &str = "record.ndjson";

/// What lets a connection go through a proxy, as the client and Node.js know it. Passed on as it is.
const PROXY: [&str; 7] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    // The authorities that a proxy which looks into connections signs with.
    "NODE_EXTRA_CA_CERTS",
];

/// What at a site's root makes Functions.
const OF_FUNCTIONS: [&str; 3] = ["functions", "_worker.js", "_routes.json"];

/// Cloudflare's code for credentials that it does not accept.
const AUTHENTICATION: i64 = 10_000;

/// Cloudflare's codes that trying again may cure: an unknown error, which the client itself repeats, and too
/// many operations at once.
const TRANSIENT: [i64; 2] = [8_000_000, 10_046];

/// What the client says when it got no answer, or none that it understands.
const NO_ANSWER: [&str; 2] = ["fetch failed", "malformed response"];

/// What is to be published, where and for whom.
#[derive(Clone, Copy)]
pub struct Deploy<'a> {
    /// The site's folder. Links in it are followed.
    pub directory: &'a Path,
    /// Whether the site's Functions are published, if it has any.
    pub functions: bool,
    /// The project's name; it must exist.
    pub project: &'a str,
    /// The branch; the project's production branch publishes to visitors, any other makes a preview.
    pub branch: &'a str,
    /// The commit to show; none when empty.
    pub commit_hash: &'a str,
    /// Its message, which the client cuts at 384 bytes; none when empty.
    pub commit_message: &'a str,
    /// The API token.
    pub token: &'a Secret,
    /// The account's identifier.
    pub account_id: &'a str,
    /// The address of the API with its `/client/v4`; if not given, Cloudflare's.
    pub api_base_url: Option<&'a str>,
    /// How long it may take, all uploads included.
    pub timeout: Duration,
}

/// A deployment that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// Its identifier.
    pub id: String,
    /// Its own address.
    pub url: String,
    /// The address of its branch at `pages.dev`. Missing also when Cloudflare was not done with the
    /// deployment after half a minute: the client then ends well all the same.
    pub alias: Option<String>,
    /// Who sees it.
    pub environment: Environment,
}

/// Who sees a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Visitors.
    Production,
    /// Those who know its address.
    Preview,
}

impl Wrangler {
    /// Publishes a site by `wrangler pages deploy`. Blocks for as long as the uploads take. Each call makes
    /// a deployment, also when nothing changed.
    ///
    /// # Errors
    /// `Unauthorised` when Cloudflare does not accept the token; `Transient` when it gave no proper answer
    /// or the time was up, in which case there may be a deployment all the same; else `Rejected`, with all
    /// that the client said, or because the site's own `_routes.json` is not valid.
    pub fn deploy(&self, deploy: &Deploy<'_>) -> Result<Deployed, EdgeError> {
        if deploy.functions
            && let Some(source) = FunctionsSource::find(deploy.directory)?
        {
            source.routes()?;
        }
        let room = Room::new()?;
        let directory = staged(&room, deploy).map_err(|source| {
            let directory = deploy.directory.display();
            EdgeError::io(
                format!("{directory} cannot be made ready for wrangler"),
                source,
            )
        })?;
        let ended = self.run_deploy(&room, &directory, deploy);
        let record = room.read(RECORD)?.map(|bytes| Record::parse(&bytes));
        match ended {
            Ok(()) => self.deployed(record.transpose()),
            Err(error) => {
                // What the client said matters more than a record that cannot be read.
                let failed = record.and_then(Result::ok).and_then(|record| record.failed);
                Err(self.not_deployed(error, failed.as_ref(), deploy.token))
            }
        }
    }

    fn run_deploy(
        &self,
        room: &Room,
        directory: &Path,
        deploy: &Deploy<'_>,
    ) -> Result<(), ProcessError> {
        let mut call = command(&self.program, room)
            .env("CLOUDFLARE_API_TOKEN", deploy.token.expose())
            .env("CLOUDFLARE_ACCOUNT_ID", deploy.account_id)
            .env("WRANGLER_OUTPUT_FILE_PATH", room.out(RECORD))
            // The empty configuration that ends the client's search is warned of.
            .env("WRANGLER_LOG", "error")
            // The client asks git about the folder it runs in; the repository around it, if any, is not
            // the site's.
            .env("GIT_CEILING_DIRECTORIES", ceiling(room))
            .args(["pages", "deploy"])
            .arg(directory)
            .arg(format!("--project-name={}", deploy.project))
            .arg(format!("--branch={}", deploy.branch))
            .arg("--commit-dirty=false")
            .timeout(deploy.timeout);
        if let Some(url) = deploy.api_base_url {
            call = call.env("CLOUDFLARE_API_BASE_URL", url);
        }
        for name in PROXY {
            call = call.inherit(name);
        }
        for (name, value) in [
            ("--commit-hash", deploy.commit_hash),
            ("--commit-message", deploy.commit_message),
        ] {
            if !value.is_empty() {
                call = call.arg(format!("{name}={value}"));
            }
        }
        call.run().map(drop)
    }

    /// What the record of a client that ended well says.
    fn deployed<E>(&self, record: Result<Option<Record>, E>) -> Result<Deployed, EdgeError>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        // Not transient: doing it again would make one deployment after the other.
        let version = self.version;
        let rejected = |what: &str| {
            EdgeError::rejected(format!("wrangler {version} ended well, but {what}"))
                .hint("whether there is a deployment is shown in Cloudflare's dashboard")
        };
        record
            .map_err(|error| rejected("what it did cannot be read").source(error))?
            .and_then(|record| record.deployed)
            .ok_or_else(|| rejected("names no deployment"))
    }

    fn not_deployed(
        &self,
        error: ProcessError,
        failed: Option<&Failed>,
        token: &Secret,
    ) -> EdgeError {
        let mut told = self.failed("pages deploy", error);
        if let (EdgeErrorKind::Rejected, Some(failed)) = (told.kind, failed) {
            told.kind = kind(failed);
        }
        // The client does not show it; should it ever, it ends here.
        if !token.expose().is_empty() {
            told.message = told.message.replace(token.expose(), "***");
        }
        told
    }
}

fn kind(failed: &Failed) -> EdgeErrorKind {
    let message = plain(&failed.message);
    match failed.code {
        Some(AUTHENTICATION) => EdgeErrorKind::Unauthorised,
        Some(code) if TRANSIENT.contains(&code) => EdgeErrorKind::Transient { retry_after: None },
        None if NO_ANSWER.iter().any(|text| message.contains(text)) => {
            EdgeErrorKind::Transient { retry_after: None }
        }
        _ => EdgeErrorKind::Rejected,
    }
}

fn ceiling(room: &Room) -> PathBuf {
    room.path().parent().unwrap_or(room.path()).to_owned()
}

/// Puts the site where the client looks: `functions/` is taken from the folder that it runs in and not from
/// the site's. Where Functions are not wanted, a folder of links leaves out what would make any.
fn staged(room: &Room, deploy: &Deploy<'_>) -> io::Result<PathBuf> {
    let site = std::path::absolute(deploy.directory)?;
    if deploy.functions {
        let functions = site.join("functions");
        if functions.is_dir() {
            symlink(functions, room.path().join("functions"))?;
        }
        return Ok(site);
    }
    let links = room.path().join("site");
    fs::create_dir(&links)?;
    for entry in fs::read_dir(&site)? {
        let name = entry?.file_name();
        if OF_FUNCTIONS.iter().all(|of| name != *of) {
            symlink(site.join(&name), links.join(&name))?;
        }
    }
    Ok(links)
}
