//! `doctor`: checks settings, credentials, tools and reachability, and changes nothing.

use super::args::{Doctor, Global};
use super::exit::{Exit, Failure};
use super::{render, setup};
use crate::edge::EdgeError;
use crate::settings::Settings;
use crate::store::Store;
use crate::words;
use serde_json::{Value, json};

/// One thing that was looked at.
struct Check {
    what: String,
    found: Found,
}

/// How it was found.
enum Found {
    Good(String),
    /// Some sites cannot be done without it.
    Lacking(EdgeError),
    /// It was set up and does not work.
    Broken(EdgeError),
}

pub(super) fn run(global: &Global, args: &Doctor) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let mut checks = vec![state(&settings)];
    checks.extend(credentials(&settings));
    checks.extend(tools(&settings));
    if !args.offline {
        checks.extend(setup::runtime()?.block_on(cloudflare(&settings)));
    }
    if render::json(args.output) {
        for check in &checks {
            render::answer(format!("{}\n", check.json()).as_bytes())?;
        }
    } else {
        let rows: Vec<Vec<String>> = checks.iter().map(Check::row).collect();
        render::answer(render::table(&rows).as_bytes())?;
        for hint in checks.iter().filter_map(Check::hint) {
            render::note(&hint);
        }
    }
    let broken = |check: &Check| matches!(check.found, Found::Broken(_));
    Ok(if checks.iter().any(broken) {
        Exit::Failed
    } else {
        Exit::Converged
    })
}

/// The state directory.
fn state(settings: &Settings) -> Check {
    let folder = settings.state_dir.display();
    let found = match Store::open_readonly(&settings.state_dir) {
        Ok(store) => {
            let sites = words::count(store.sites().len(), "site");
            Found::Good(format!("{folder}: {sites}"))
        }
        Err(error) => {
            let message = format!("the state directory {folder} cannot be read");
            Found::Broken(EdgeError::rejected(message).source(error))
        }
    };
    Check::new("state", found)
}

/// Whether each credential can be read. What it is stays unsaid.
fn credentials(settings: &Settings) -> Vec<Check> {
    let check = |name| {
        let found = match settings.credentials.get(name) {
            Ok(_) => Found::Good("can be read".into()),
            Err(error) => Found::Broken(error),
        };
        Check::new(&format!("credential {name}"), found)
    };
    settings.credentials.names().map(check).collect()
}

/// The programs that sources and builds take.
fn tools(settings: &Settings) -> Vec<Check> {
    let found = setup::builds(settings, None).survey().into_iter();
    let check = |(name, version): (&'static str, Result<String, EdgeError>)| {
        let found = version.map_or_else(Found::Lacking, Found::Good);
        Check::new(name, found)
    };
    found.map(check).collect()
}

/// Whether each account answers and takes its token.
async fn cloudflare(settings: &Settings) -> Vec<Check> {
    let cloudflare = setup::cloudflare(settings, false);
    let named = settings.cloudflare.accounts.keys().map(Some);
    let default = settings.cloudflare.default_account.iter().map(|_| None);
    let mut checks = Vec::new();
    for name in default.chain(named) {
        let what = match name {
            Some(name) => format!("cloudflare account {name}"),
            None => "cloudflare account of the environment".to_owned(),
        };
        let found = match cloudflare.account(name) {
            Ok(account) => {
                let projects = account.path("pages/projects?page=1&per_page=1");
                let answer = account.client.get::<Value>(&projects).await;
                answer.map_err(EdgeError::from)
            }
            Err(error) => Err(error),
        };
        let found = match found {
            Ok(_) => Found::Good("answers, and its token may read Pages projects".into()),
            Err(error) => Found::Broken(error),
        };
        checks.push(Check::new(&what, found));
    }
    checks
}

impl Check {
    fn new(what: &str, found: Found) -> Self {
        Self {
            what: what.to_owned(),
            found,
        }
    }

    fn told(&self) -> (&'static str, String) {
        match &self.found {
            Found::Good(text) => ("ok", text.clone()),
            Found::Lacking(error) => ("lacking", error.full()),
            Found::Broken(error) => ("broken", error.full()),
        }
    }

    fn row(&self) -> Vec<String> {
        let (state, told) = self.told();
        // What other programs say may have many lines.
        let told = told.lines().next().unwrap_or_default().to_owned();
        vec![state.to_owned(), self.what.clone(), told]
    }

    fn hint(&self) -> Option<String> {
        match &self.found {
            Found::Good(_) => None,
            Found::Lacking(error) | Found::Broken(error) => {
                let hint = error.hint.as_ref()?;
                Some(format!("{}: {hint}", self.what))
            }
        }
    }

    fn json(&self) -> Value {
        let (state, told) = self.told();
        json!({ "v": 1, "check": self.what, "state": state, "told": told, "hint": match &self.found {
            Found::Good(_) => None,
            Found::Lacking(error) | Found::Broken(error) => error.hint.clone(),
        }})
    }
}
