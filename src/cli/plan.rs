//! `plan`: shows what each message would change, and changes nothing.

use super::args::{Global, Plan};
use super::exit::{Exit, Failure};
use super::feed::Feed;
use super::run::{Work, exit, stream_in};
use super::{input, render, setup};
use crate::reconcile::{Mode, Summary};
use crate::report::Effect;
use crate::sink::Form;
use crate::store::Store;
use crate::words;

pub(super) fn run(global: &Global, args: &Plan) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let feed = Feed::Stream(input::open(args.input.as_ref())?);
    // A plan changes nothing, so it needs no lock and works beside a daemon.
    let store = Store::open_readonly(&settings.state_dir)?;
    let form = render::form(global, args.output);
    let work = Work {
        form,
        serve: None,
        only: args.site.clone(),
        mode: Mode::Plan,
        life: None,
    };
    let streamed = stream_in(&settings, store, feed, work);
    let (summary, _) = setup::runtime()?.block_on(streamed)?;
    if let Form::Text(_) = form {
        render::answer(format!("{}\n", closing(&summary)).as_bytes())?;
    }
    Ok(match exit(&summary, false) {
        Exit::Converged if args.detailed_exitcode && summary.pending => Exit::Pending,
        exit => exit,
    })
}

/// What the plans come to.
fn closing(summary: &Summary) -> String {
    let effect = |effect| summary.effects.get(&effect).copied().unwrap_or_default();
    let outcome = |name| summary.outcomes.get(name).copied().unwrap_or_default();
    let messages: u64 = summary.outcomes.values().sum();
    let messages = words::count(usize::try_from(messages).unwrap_or(usize::MAX), "message");
    let mut parts = vec![
        format!("{} to add", effect(Effect::Make)),
        format!("{} to change", effect(Effect::Change)),
        format!("{} to remove", effect(Effect::Remove)),
    ];
    for (count, what) in [
        (summary.withheld as u64, "withheld"),
        (outcome("unchanged"), "as asked"),
        (outcome("refused"), "refused"),
        (outcome("invalid"), "invalid"),
        (outcome("failed"), "failed"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    format!("{messages}: {}; nothing was changed", parts.join(", "))
}
