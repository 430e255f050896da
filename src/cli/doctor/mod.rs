//! `doctor`: checks settings, credentials, tools, the machine and who is to be reached, and changes nothing.

mod machine;
mod others;

use super::args::{Doctor, Global};
use super::exit::{Exit, Failure};
use super::table::{self, Cell};
use super::{render, setup};
use crate::edge::EdgeError;
use crate::settings::Settings;
use anstyle::AnsiColor;
use serde_json::{Value, json};

/// One thing that was looked at.
struct Check {
    what: String,
    found: Found,
}

/// How it was found.
enum Found {
    Good(String),
    /// It works, and a person should know something of it.
    Doubtful(EdgeError),
    /// Some sites cannot be done without it.
    Lacking(EdgeError),
    /// It was set up and does not work.
    Broken(EdgeError),
}

pub(super) fn run(global: &Global, args: &Doctor) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let mut checks = vec![read(&settings)];
    checks.extend(machine::checks(&settings));
    checks.extend(credentials(&settings));
    checks.extend(tools(&settings));
    if !args.offline {
        checks.extend(setup::runtime()?.block_on(others::checks(&settings)));
    }
    if render::json(args.output) {
        for check in &checks {
            render::answer(format!("{}\n", check.json()).as_bytes())?;
        }
    } else {
        let rows: Vec<Vec<Cell>> = checks.iter().map(Check::row).collect();
        let form = table::Form::of_output(render::color(global));
        render::answer(table::table(&rows, form).as_bytes())?;
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

/// The settings. Wrong ones end the command before.
fn read(settings: &Settings) -> Check {
    let found = match &settings.file {
        Some(file) => format!("{} is in order", file.display()),
        None => "no file; all is as it is built in".to_owned(),
    };
    Check::new("settings", Found::Good(found))
}

/// Whether each credential can be read. What it is stays unsaid.
fn credentials(settings: &Settings) -> Vec<Check> {
    let credentials = &settings.credentials;
    let check = |name| {
        let found = match (credentials.get(name), credentials.doubt(name)) {
            (Ok(_), None) => Found::Good("can be read".into()),
            (Ok(_), Some(doubt)) => Found::Doubtful(EdgeError::rejected(doubt)),
            (Err(error), _) => Found::Broken(error),
        };
        Check::new(&format!("credential {name}"), found)
    };
    credentials.names().map(check).collect()
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
            Found::Doubtful(error) => ("doubtful", error.full()),
            Found::Lacking(error) => ("lacking", error.full()),
            Found::Broken(error) => ("broken", error.full()),
        }
    }

    /// What is to be done about it.
    fn advice(&self) -> Option<&str> {
        match &self.found {
            Found::Good(_) => None,
            Found::Doubtful(error) | Found::Lacking(error) | Found::Broken(error) => {
                error.hint.as_deref()
            }
        }
    }

    fn row(&self) -> Vec<Cell> {
        let (state, told) = self.told();
        let color = match &self.found {
            Found::Good(_) => AnsiColor::Green,
            Found::Doubtful(_) | Found::Lacking(_) => AnsiColor::Yellow,
            Found::Broken(_) => AnsiColor::Red,
        };
        // What other programs say may have many lines.
        let told = told.lines().next().unwrap_or_default();
        vec![
            Cell::colored(state, color),
            self.what.as_str().into(),
            told.into(),
        ]
    }

    fn hint(&self) -> Option<String> {
        let advice = self.advice()?;
        Some(format!("{}: {advice}", self.what))
    }

    fn json(&self) -> Value {
        let (state, told) = self.told();
        json!({ "v": 1, "check": self.what, "state": state, "told": told, "hint": self.advice() })
    }
}
