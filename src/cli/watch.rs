//! `watch`: tells what happens in the running daemon.

use super::args::{Global, Watch};
use super::exit::{Exit, Failure};
use super::{control, render, setup};
use crate::report::Report;
use crate::rpc::{Told, What};
use crate::schema::enumerant_name;
use crate::sink::{Form, Sink};
use crate::words;

pub(super) fn run(global: &Global, args: &Watch) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let form = if render::json(args.output) {
        Form::Json
    } else {
        render::form(global, Some(super::args::Output::Text))
    };
    let only = args.site.clone();
    let watched = control::ask(&settings, async move |daemon| {
        let tell = move |told: Told| {
            let text = match form {
                Form::Json => format!("{}\n", told.json()),
                Form::Text(_) | Form::Capnp => line(&told, form),
            };
            // Nobody reads on: that is enough.
            render::piped(text.as_bytes())
        };
        daemon.watch(only.as_ref(), tell).await
    })?;
    match watched {
        Some(()) => Ok(Exit::Converged),
        None => Err(Failure::usage(
            format!(
                "no daemon is running for the state directory {}",
                settings.state_dir.display()
            ),
            "start one: `mycelia-spore run --source unix:PATH`",
        )),
    }
}

/// An event for people.
fn line(told: &Told, form: Form) -> String {
    let at = told
        .at
        .to_zoned(jiff::tz::TimeZone::UTC)
        .strftime("%H:%M:%SZ")
        .to_string();
    let site = told.site.as_ref().map_or("-", |site| site.as_str());
    if let What::Reported(report) = &told.what {
        return format!("{at}  {}", text_of(report, form));
    }
    format!("{at}  {site}  {}\n", sentence(&told.what))
}

fn sentence(what: &What) -> String {
    match what {
        What::Accepted { seq, request_id } if request_id.is_empty() => {
            format!("message {seq} is accepted")
        }
        What::Accepted { seq, request_id } => format!("message {seq} ({request_id}) is accepted"),
        What::Started { cause, attempt } => {
            let cause = enumerant_name(*cause);
            if *attempt > 1 {
                format!("is worked on ({cause}, attempt {attempt})")
            } else {
                format!("is worked on ({cause})")
            }
        }
        What::Progress(line) => line.clone(),
        What::Step(step) => {
            let outcome = enumerant_name(step.outcome);
            let detail = if step.detail.is_empty() {
                String::new()
            } else {
                format!(": {}", step.detail)
            };
            format!("{} {} {outcome}{detail}", step.action, step.target)
        }
        What::Retrying {
            problem,
            attempt,
            at,
        } => format!(
            "attempt {attempt} failed: {}; tried again at {}",
            problem.message,
            at.strftime("%H:%M:%SZ")
        ),
        What::Reported(_) => String::new(),
        What::Noticed { notice, problem } => {
            let told = problem
                .as_ref()
                .map(|problem| format!(": {}", problem.message));
            format!("{}{}", enumerant_name(*notice), told.unwrap_or_default())
        }
        What::Circuit {
            account,
            until: Some(until),
        } => format!(
            "account {account} is left alone until {}: its service fails",
            until.strftime("%H:%M:%SZ")
        ),
        What::Circuit {
            account,
            until: None,
        } => format!("account {account} is used again"),
        What::Forgotten => "is forgotten".to_owned(),
        What::Draining => "the daemon ends: nothing further is started".to_owned(),
        What::Missed(missed) => {
            let many = usize::try_from(*missed).unwrap_or(usize::MAX);
            format!("{} passed untold", words::count(many, "event"))
        }
        What::Unknown => "something that only a newer version of this program can tell".to_owned(),
    }
}

fn text_of(report: &Report, form: Form) -> String {
    let mut text = Vec::new();
    // Memory takes every write.
    drop(Sink::new(form, &mut text).report(report));
    String::from_utf8_lossy(&text).into_owned()
}
