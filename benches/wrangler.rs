//! The peer of the pages case: Cloudflare's own client, wrangler, on Node.js.

use crate::child::{Child, Usage};
use crate::cloudflare::Fake;
use crate::harness::{Result, output};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The client, to be run against a fake.
pub(crate) struct Wrangler {
    child: Child,
    /// What it calls itself.
    pub(crate) version: String,
}

impl Wrangler {
    /// The client below `SPORE_NODE_MODULES`, or where the project's tools are put; `None`, said loudly, where
    /// it is missing.
    pub(crate) fn find(fake: &Fake, folder: &Path) -> Result<Option<Self>> {
        let Some(program) = program() else {
            println!("PEER MISSING: wrangler is not installed; only our own figures follow.");
            println!("It is looked for below SPORE_NODE_MODULES, the folder node_modules of npm.");
            return Ok(None);
        };
        let told = output(Command::new("node").arg(&program).arg("--version"));
        let version = match told {
            Ok(version) => version.trim().to_owned(),
            Err(error) => {
                println!("PEER MISSING: wrangler does not run; only our own figures follow.");
                println!("It needs Node.js 20 or later: {error}");
                return Ok(None);
            }
        };
        let place = folder.join("wrangler");
        fs::create_dir_all(&place)?;
        let environment = vec![
            ("HOME", place.display().to_string()),
            ("CI", "1".into()),
            ("NO_COLOR", "1".into()),
            ("WRANGLER_HIDE_BANNER", "true".into()),
            ("WRANGLER_SEND_METRICS", "false".into()),
            ("WRANGLER_SEND_ERROR_REPORTS", "false".into()),
            ("CLOUDFLARE_API_BASE_URL", fake.url()),
            ("CLOUDFLARE_API_TOKEN", fake.token().into()),
            ("CLOUDFLARE_ACCOUNT_ID", fake.account().into()),
        ];
        let child = Child::new(vec!["node".into(), program], environment, &place);
        Ok(Some(Self { child, version }))
    }

    /// Makes a project, which `deploy` needs.
    pub(crate) fn create(&self, project: &str) -> Result<()> {
        let arguments = ["pages", "project", "create", project];
        let branch = ["--production-branch", "main"];
        self.child.run(arguments.into_iter().chain(branch))?;
        Ok(())
    }

    /// Deploys a folder.
    pub(crate) fn deploy(&self, project: &str, site: &Path) -> Result<Usage> {
        let site = site.to_str().ok_or("a path that is not UTF-8")?;
        let arguments = ["pages", "deploy", site, "--project-name", project];
        let branch = ["--branch", "main"];
        self.child.run(arguments.into_iter().chain(branch))
    }
}

/// Where the client's script is.
fn program() -> Option<PathBuf> {
    let modules = match env::var_os("SPORE_NODE_MODULES") {
        Some(modules) => PathBuf::from(modules),
        None => {
            Path::new(&env::var_os("HOME")?).join(".cache/mycelia-spore/tools/node/node_modules")
        }
    };
    let script = modules.join("wrangler/bin/wrangler.js");
    script.is_file().then_some(script)
}
