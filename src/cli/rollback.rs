//! `rollback`: makes an earlier release of a site live again.

use super::args::{Global, Rollback};
use super::exit::{Exit, Failure};
use super::{render, setup, sites};
use crate::reconcile::{Events, Mode, Reconciler};
use crate::sink::Sink;
use std::io;

pub(super) fn run(global: &Global, args: &Rollback) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let store = sites::open_known(&settings, &args.site)?;
    let local_static = setup::local_static(&settings.state_dir);
    let (backends, dns) = setup::backends(&settings, local_static);
    let reconciler = Reconciler {
        backends,
        dns,
        builds: setup::builds(&settings, None),
        store,
        policy: settings.policy,
        mode: Mode::Apply,
        events: Events::default(),
    };
    let rolled = reconciler.rollback(&args.site, args.release.as_deref());
    let report = setup::runtime()?.block_on(rolled);
    Sink::new(render::form(global, args.output), io::stdout().lock())
        .report(&report)
        .map_err(Failure::io("standard output cannot be written"))?;
    Ok(if report.converged() {
        Exit::Converged
    } else {
        Exit::Failed
    })
}
