//! `plan`: shows what each message would change, and changes nothing.

use super::args::{Global, Plan};
use super::exit::{Exit, Failure};
use super::feed::Feed;
use super::run::{Work, exit, stream_in};
use super::{input, render, setup};
use crate::reconcile::Mode;
use crate::store::Store;

pub(super) fn run(global: &Global, args: &Plan) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let feed = Feed::Stream(input::open(args.input.as_ref())?);
    // A plan changes nothing, so it needs no lock and works beside a daemon.
    let store = Store::open_readonly(&settings.state_dir)?;
    let work = Work {
        form: render::form(global, args.output),
        serve: None,
        only: args.site.clone(),
        mode: Mode::Plan,
        life: None,
    };
    let streamed = stream_in(&settings, store, feed, work);
    let (summary, _) = setup::runtime()?.block_on(streamed)?;
    Ok(match exit(&summary, false) {
        Exit::Converged if args.detailed_exitcode && summary.pending => Exit::Pending,
        exit => exit,
    })
}
