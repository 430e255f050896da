//! Orders for one site: a running daemon is asked; without one the state directory is changed here.

use super::args::{Global, Output, Rollback};
use super::exit::{Exit, Failure};
use super::{render, setup, sites};
use crate::edge::socket::SocketError;
use crate::model::SiteId;
use crate::reconcile::{Events, Mode, Reconciler, SiteOrder};
use crate::report::Report;
use crate::rpc::{self, Asking, CallError};
use crate::settings::Settings;
use crate::sink::Sink;
use std::io;

/// Asks the daemon of this state directory; `None` when none is running.
pub(super) fn ask<T>(
    settings: &Settings,
    ask: impl AsyncFnOnce(Asking) -> Result<T, CallError>,
) -> Result<Option<T>, Failure> {
    match rpc::ask(&settings.state_dir.join(rpc::CONTROL), ask) {
        Ok(answer) => Ok(Some(answer)),
        Err(CallError::Socket(SocketError::Nobody { .. })) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Lets the daemon do something with a site; `None` when none is running.
fn order(settings: &Settings, site: &SiteId, order: &SiteOrder) -> Result<Option<Report>, Failure> {
    ask(settings, async |daemon| daemon.order(site, order).await)
}

/// Prints a report, and ends as it says.
fn show(global: &Global, output: Option<Output>, report: &Report) -> Result<Exit, Failure> {
    Sink::new(render::form(global, output), io::stdout().lock())
        .report(report)
        .map_err(Failure::io("standard output cannot be written"))?;
    Ok(if report.converged() {
        Exit::Converged
    } else {
        Exit::Failed
    })
}

/// `rollback`: makes an earlier release of a site live again.
pub(super) fn rollback(global: &Global, args: &Rollback) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    let wanted = SiteOrder::Rollback(args.release.clone());
    if let Some(report) = order(&settings, &args.site, &wanted)? {
        return show(global, args.output, &report);
    }
    let store = sites::open_known(&settings, &args.site)?;
    let local_static = setup::local_static(&settings.state_dir);
    let (backends, dns) = setup::backends(&settings, local_static, &setup::Lasting::Once);
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
    show(global, args.output, &report)
}

/// `refresh` and `take-over`: what only a daemon can do, as it has the site's message.
pub(super) fn look(
    global: &Global,
    site: &SiteId,
    wanted: &SiteOrder,
    output: Option<Output>,
) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    match order(&settings, site, wanted)? {
        Some(report) => show(global, output, &report),
        None => Err(Failure::usage(
            format!(
                "no daemon is running for the state directory {}",
                settings.state_dir.display()
            ),
            match wanted {
                SiteOrder::TakeOver => {
                    "send the site's message with `policy.adopt` in the settings instead"
                }
                _ => "send the site's message again instead: `mycelia-spore < config.bin`",
            },
        )),
    }
}

/// The orders that leave a mark in the state directory and do nothing else.
pub(super) fn mark(global: &Global, site: &SiteId, wanted: &SiteOrder) -> Result<Exit, Failure> {
    let settings = setup::settings(global, None)?;
    match order(&settings, site, wanted)? {
        Some(report) if !report.converged() => return show(global, Some(Output::Text), &report),
        Some(_) => {}
        None => mark_here(&settings, site, wanted)?,
    }
    render::note(&format!("{site} {}", marked(wanted)));
    Ok(Exit::Converged)
}

fn mark_here(settings: &Settings, site: &SiteId, wanted: &SiteOrder) -> Result<(), Failure> {
    let store = sites::open_known(settings, site)?;
    setup::runtime()?.block_on(async {
        match wanted {
            SiteOrder::Protect(on) => store.set_protected(site, *on).await,
            SiteOrder::Suspend => store.suspend(site, true).await,
            SiteOrder::Resume => store.suspend(site, false).await,
            SiteOrder::Forget => store.forget(site).await,
            SiteOrder::Refresh | SiteOrder::Rollback(_) | SiteOrder::TakeOver => Ok(()),
        }
    })?;
    Ok(())
}

/// What is so from now on.
const fn marked(wanted: &SiteOrder) -> &'static str {
    match wanted {
        SiteOrder::Protect(true) => "is protected from being taken down",
        SiteOrder::Protect(false) => "is no longer protected",
        SiteOrder::Suspend => {
            "is left as it is until `resume`; messages for it are kept by the daemon"
        }
        SiteOrder::Resume => "is looked after again",
        SiteOrder::Forget => {
            "is forgotten; what is published of it stays, and its next message finds it as it is"
        }
        SiteOrder::Refresh | SiteOrder::Rollback(_) | SiteOrder::TakeOver => "is as asked",
    }
}
