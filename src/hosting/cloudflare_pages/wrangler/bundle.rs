//! Compiling Pages Functions into the parts of a deployment.

use super::room::Room;
use super::{FIELD, Wrangler, command, routes, said};
use crate::edge::EdgeError;
use crate::edge::process::{Output, ProcessError};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The status with which the client ends when a folder of Functions has no handler
/// (`EXIT_CODE_FUNCTIONS_NO_ROUTES_ERROR` of wrangler 4). `wrangler pages deploy` then publishes without.
const NO_HANDLERS: i32 = 156;

const WORKER: &str = "_worker.js";
const FUNCTIONS: &str = "functions";
const ROUTES: &str = "_routes.json";
const WORKER_BUNDLE: &str = "_worker.bundle";
const FILEPATH_ROUTING: &str = "functions-filepath-routing-config.json";

/// A site that brings Functions: a folder with its static files, and at its root `_worker.js` or
/// `functions/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionsSource {
    directory: PathBuf,
    form: Form,
}

/// How Functions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `_worker.js` is a file, with what it imports.
    WorkerFile,
    /// `_worker.js` is a folder of modules, `index.js` the first.
    WorkerFolder,
    /// `functions/` has a file for each route.
    Routes,
}

impl FunctionsSource {
    /// Looks for Functions in a site's folder; `None` when it has none. Where there are both, `_worker.js`
    /// is taken and `functions/` is not, as Cloudflare does
    /// (<https://developers.cloudflare.com/pages/functions/advanced-mode/>).
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn find(directory: &Path) -> Result<Option<Self>, EdgeError> {
        let form = form(directory).map_err(|source| unreadable(directory, source))?;
        let directory =
            std::path::absolute(directory).map_err(|source| unreadable(directory, source))?;
        Ok(form.map(|form| Self { directory, form }))
    }

    /// The site's folder.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The site's own `_routes.json`, checked; `None` when it has none.
    pub(super) fn routes(&self) -> Result<Option<Vec<u8>>, EdgeError> {
        let bytes = match fs::read(self.directory.join(ROUTES)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(unreadable(&self.directory.join(ROUTES), source)),
        };
        routes::check(&bytes).map_err(|error| {
            EdgeError::rejected("the site's _routes.json is not valid")
                .at(FIELD)
                .source(error)
                .hint(routes::HINT)
        })?;
        Ok(Some(bytes))
    }
}

fn form(directory: &Path) -> io::Result<Option<Form>> {
    // A link to a folder is taken for a file here by the client too, which then says what is wrong.
    if let Some(worker) = there(fs::symlink_metadata(directory.join(WORKER)))? {
        return Ok(Some(if worker.is_dir() {
            Form::WorkerFolder
        } else {
            Form::WorkerFile
        }));
    }
    let functions = there(fs::metadata(directory.join(FUNCTIONS)))?;
    Ok(functions.filter(fs::Metadata::is_dir).map(|_| Form::Routes))
}

fn there(found: io::Result<fs::Metadata>) -> io::Result<Option<fs::Metadata>> {
    match found {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn unreadable(path: &Path, source: io::Error) -> EdgeError {
    EdgeError::io(format!("{} cannot be read", path.display()), source).at(FIELD)
}

/// How Functions are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleOptions<'a> {
    /// The runtime's compatibility date, `YYYY-MM-DD`; `None` is the runtime of before such dates. The
    /// project's at Cloudflare should be given, as `wrangler pages deploy` takes it.
    pub compatibility_date: Option<&'a str>,
    /// The runtime's compatibility flags, as `nodejs_compat`.
    pub compatibility_flags: &'a [String],
    /// How long it may take.
    pub timeout: Duration,
}

impl Default for BundleOptions<'_> {
    /// No date, no flags, two minutes.
    fn default() -> Self {
        Self {
            compatibility_date: None,
            compatibility_flags: &[],
            timeout: Duration::from_secs(120),
        }
    }
}

/// What a deployment with Functions sends beside the static files, each the content of the file part of that
/// name, type `application/octet-stream`.
///
/// The client names the main module and separates the parts of a bundle by random numbers, so two bundles of
/// the same source are not equal: whether anything changed is to be told by the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// `_worker.bundle`: itself a multipart text with its boundary in its first line.
    pub worker: Vec<u8>,
    /// `_routes.json`: the site's own, else the one generated for `functions/`. Without one, every request
    /// goes to `_worker.js`.
    pub routes: Option<Vec<u8>>,
    /// `functions-filepath-routing-config.json`, generated for `functions/` only.
    pub filepath_routing: Option<Vec<u8>>,
    /// What the client warned of; empty when of nothing.
    pub warnings: String,
}

impl Wrangler {
    /// Compiles a site's Functions; `None` when a folder `functions/` has no handler. Blocks for seconds.
    /// Nothing is written into the site's folder, and no token is given to the client.
    ///
    /// # Errors
    /// `Rejected` when the Functions cannot be compiled, with all that the client said, or the site's own
    /// `_routes.json` is not valid; `Transient` when it took too long.
    pub fn bundle(
        &self,
        source: &FunctionsSource,
        options: &BundleOptions<'_>,
    ) -> Result<Option<Bundle>, EdgeError> {
        let own_routes = source.routes()?;
        let room = Room::new()?;
        let output = match self.build(&room, source, options) {
            Ok(output) => output,
            Err(ProcessError::Failed { status, .. }) if status.code() == Some(NO_HANDLERS) => {
                return Ok(None);
            }
            Err(error) => return Err(self.failed("pages functions build", error).at(FIELD)),
        };
        let worker = room.read(WORKER_BUNDLE)?.ok_or_else(|| {
            let version = self.version;
            EdgeError::rejected(format!("wrangler {version} wrote no {WORKER_BUNDLE}")).at(FIELD)
        })?;
        let routes = match own_routes {
            Some(routes) => Some(routes),
            None => room.read(ROUTES)?,
        };
        Ok(Some(Bundle {
            worker,
            routes,
            filepath_routing: room.read(FILEPATH_ROUTING)?,
            warnings: said(&output.stderr),
        }))
    }

    fn build(
        &self,
        room: &Room,
        source: &FunctionsSource,
        options: &BundleOptions<'_>,
    ) -> Result<Output, ProcessError> {
        let FunctionsSource { directory, form } = source;
        let mut call = command(&self.program, room)
            .args(["pages", "functions", "build"])
            // First, as a list of flags takes all words that follow it.
            .arg(directory.join(FUNCTIONS))
            .arg(option("--build-output-directory", directory))
            .arg(option("--outfile", &room.out(WORKER_BUNDLE)))
            .arg(option("--output-routes-path", &room.out(ROUTES)))
            .arg(option("--output-config-path", &room.out(FILEPATH_ROUTING)));
        if *form == Form::WorkerFile {
            // `wrangler pages deploy` does so for a single file, and the module's last line shows it.
            call = call.arg("--sourcemap");
        }
        if let Some(date) = options.compatibility_date {
            call = call.arg(format!("--compatibility-date={date}"));
        }
        for flag in options.compatibility_flags {
            call = call.arg(format!("--compatibility-flags={flag}"));
        }
        call.timeout(options.timeout).run()
    }
}

/// An option and its path in one argument, so that no path is taken for an option.
fn option(name: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(name);
    argument.push("=");
    argument.push(path);
    argument
}
