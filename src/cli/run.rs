//! `run`: applies each message of a stream, and serves the sites when asked to.

use super::args::{Global, Run};
use super::chores::{self, Chores};
use super::exit::{Exit, Failure};
use super::feed::Feed;
use super::life::{Ending, Life, Unit};
use super::server::Server;
use super::{input, render, screen, setup};
use crate::edge::cloudflare::Allowances;
use crate::edge::systemd::Listeners;
use crate::model::SiteId;
use crate::reconcile::{Daemon, Events, Inbox, Mode, Options, Summary};
use crate::settings::Settings;
use crate::sink::{Form, Sink};
use crate::store::Store;
use crate::telemetry::{Exporter, Recorder};
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

pub(super) fn run(global: &Global, args: &Run, recorder: &Recorder) -> Result<Exit, Failure> {
    let unit = Unit::of_environment()?;
    let overrides = setup::overrides(global, args.jobs);
    let settings = Settings::load(overrides.clone())?;
    let feed = if args.source.is_empty() {
        Feed::Stream(input::open(args.input.as_ref())?)
    } else {
        Feed::sources(args.source.clone())?
    };
    let store = Store::open(&settings.state_dir)?;
    let work = Work {
        form: render::form(global, args.output),
        serve: args.serve,
        only: args.site.clone(),
        mode: Mode::Apply,
        life: feed.lives().then(|| Life {
            rpc: args.rpc.clone(),
            overrides,
            unit,
        }),
    };
    let lives = feed.lives();
    let runtime = setup::runtime()?;
    let ended = runtime.block_on(async {
        let export = export(&settings, recorder);
        let ended = stream_and_serve(&settings, store, feed, work).await;
        if let Some(export) = export {
            export.end().await;
        }
        ended.map(|summary| exit(&summary, lives))
    });
    // What a second signal gave up is not waited for.
    runtime.shutdown_background();
    ended
}

/// Exports spans, as the settings say.
fn export(settings: &Settings, recorder: &Recorder) -> Option<Ending> {
    let exporter = Exporter::new(settings.telemetry.clone()?, recorder)?;
    Some(Ending::start(|shutdown| exporter.run(shutdown)))
}

/// Reconciles what comes, and serves for as long as is asked.
async fn stream_and_serve(
    settings: &Settings,
    store: Store,
    feed: Feed,
    work: Work,
) -> Result<Summary, Failure> {
    let (summary, server) = stream_in(settings, store, feed, work).await?;
    match server {
        Some(server) if summary.stopped => server.stop().await,
        Some(server) => server.until_signal().await,
        None => {}
    }
    Ok(summary)
}

/// What is done with a stream.
pub(super) struct Work {
    pub(super) form: Form,
    pub(super) serve: Option<SocketAddr>,
    pub(super) only: Option<SiteId>,
    pub(super) mode: Mode,
    /// What makes it a daemon that lives on.
    pub(super) life: Option<Life>,
}

/// The exit code of a run. A daemon that was told to end has done its part, whatever became of single messages.
pub(super) fn exit(summary: &Summary, lives: bool) -> Exit {
    if let Some(error) = &summary.stream {
        render::note(&format!("error: {}", error.full()));
    }
    let orderly = lives && summary.stopped;
    if (summary.failures > 0 && !orderly) || summary.stream.is_some() {
        Exit::Failed
    } else {
        Exit::Converged
    }
}

/// Reconciles what comes and, when asked to, starts serving before its first message.
pub(super) async fn stream_in(
    settings: &Settings,
    store: Store,
    feed: Feed,
    work: Work,
) -> Result<(Summary, Option<Server>), Failure> {
    let mut local_static = setup::local_static(&settings.state_dir);
    let mut server = None;
    if let Some(address) = work.serve {
        let started = Server::start(address, &local_static).await?;
        local_static = started.told_by(local_static);
        server = Some(started);
    }
    let lives = work.life.is_some();
    let text = matches!(work.form, Form::Text(_));
    let bars = text && screen::is_there();
    let events = Events::default();
    let shown = bars.then(|| Ending::start(|shutdown| screen::show(&events, shutdown)));
    let parts = setup::Parts {
        store,
        local_static,
        events,
        mode: work.mode,
        lasting: if lives {
            setup::Lasting::Lives(Allowances::default())
        } else {
            setup::Lasting::Once
        },
        lines: text && !bars,
    };
    let reconciler = Arc::new(parts.reconciler(settings));
    if work.mode == Mode::Apply {
        chores::tell_interrupted(&parts.store, lives).await?;
    }
    let chores = Chores::new(settings, Arc::clone(&reconciler));
    if work.mode == Mode::Apply && !lives {
        chores.sweep();
    }
    let options = if lives {
        Options::lives(settings.schedule.clone())
    } else {
        Options {
            only: work.only,
            ..Options::once(settings.schedule.bounds.jobs)
        }
    };
    let sink = Sink::new(work.form, screen::Reports::default());
    let (daemon, control) = Daemon::new(reconciler, options, sink)?;
    let mut none = Listeners::default();
    let mut life = work.life;
    let handed = life
        .as_mut()
        .map_or(&mut none, |life| &mut life.unit.listeners);
    let mut inbox = feed.open(&settings.streams, handed)?;
    let summary = if let Some(life) = life {
        let attendants = life.start(settings, parts, chores, &control).await?;
        drop(control);
        let summary = daemon.run(&mut inbox, pending()).await;
        attendants.stop().await;
        summary
    } else {
        let mut stops = setup::Stops::new()?;
        daemon.run(&mut inbox, stops.next()).await
    };
    if let Inbox::Sources(intake) = inbox {
        let finish = tokio::task::spawn_blocking(|| intake.finish());
        if !matches!(finish.await, Ok(true)) {
            tracing::warn!("a source ended before all of its reports were taken");
        }
    }
    if let Some(shown) = shown {
        shown.end().await;
    }
    let summary = summary.map_err(Failure::io("reports cannot be written"))?;
    Ok((summary, server))
}
