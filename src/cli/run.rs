//! `run`: applies each message of a stream, and serves the sites when asked to.

use super::args::{Global, Run};
use super::exit::{Exit, Failure};
use super::feed::Feed;
use super::{input, render, setup};
use crate::build::Listener;
use crate::hosting::local_static::LocalStatic;
use crate::model::SiteId;
use crate::reconcile::{Control, Daemon, Events, Inbox, Mode, Options, Summary};
use crate::release::Digest;
use crate::serve::{self, Sites};
use crate::settings::Settings;
use crate::sink::{Form, Sink};
use crate::store::{SiteRecord, Store};
use std::collections::BTreeSet;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(super) fn run(global: &Global, args: &Run) -> Result<Exit, Failure> {
    let settings = setup::settings(global, args.jobs)?;
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
    };
    let lives = feed.lives();
    let runtime = setup::runtime()?;
    let ended = runtime.block_on(async {
        let (summary, server) = stream_in(&settings, store, feed, work).await?;
        match server {
            Some(server) if summary.stopped => server.stop().await,
            Some(server) => server.until_signal().await,
            None => {}
        }
        Ok(exit(&summary, lives))
    });
    // What a second signal gave up is not waited for.
    runtime.shutdown_background();
    ended
}

/// What is done with a stream.
pub(super) struct Work {
    pub(super) form: Form,
    pub(super) serve: Option<SocketAddr>,
    pub(super) only: Option<SiteId>,
    pub(super) mode: Mode,
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
    let lives = feed.lives();
    let parts = setup::Parts {
        store,
        local_static,
        events: Events::default(),
        mode: work.mode,
        listener: progress(work.form),
    };
    let reconciler = Arc::new(parts.reconciler(settings));
    if work.mode == Mode::Apply {
        tidy(settings, &parts, lives).await?;
        // What takes too much room is no reason to leave sites as they are.
        if let Err(error) = reconciler.builds.sweep(&needed(&parts.store)) {
            tracing::warn!("{}", error.full());
        }
    }
    let options = if lives {
        Options::lives(settings.schedule.clone())
    } else {
        Options {
            only: work.only,
            ..Options::once(settings.schedule.bounds.jobs)
        }
    };
    let sink = Sink::new(work.form, io::stdout());
    let (daemon, control) = Daemon::new(reconciler, options, sink)?;
    let signals = signals(control, lives)?;
    let mut inbox = feed.open(&settings.streams)?;
    let summary = daemon.run(&mut inbox, signals.stop).await;
    if let Some(watch) = signals.watch {
        watch.abort();
    }
    if let Inbox::Sources(intake) = inbox {
        let finish = tokio::task::spawn_blocking(|| intake.finish());
        if !matches!(finish.await, Ok(true)) {
            tracing::warn!("a source ended before all of its reports were taken");
        }
    }
    let summary = summary.map_err(Failure::io("reports cannot be written"))?;
    Ok((summary, server))
}

/// What signals lead to.
struct Signals {
    /// The end of a single run.
    stop: Pin<Box<dyn Future<Output = ()>>>,
    /// What watches for those of a daemon.
    watch: Option<JoinHandle<()>>,
}

/// SIGINT and SIGTERM end a single run. They let a daemon drain, and the second one ends it at once.
fn signals(control: Control, lives: bool) -> Result<Signals, Failure> {
    let mut stops = setup::Stops::new()?;
    if !lives {
        let stop = Box::pin(async move { stops.next().await });
        return Ok(Signals { stop, watch: None });
    }
    let watch = tokio::spawn(async move {
        for now in [false, true] {
            stops.next().await;
            if control.drain(now).await.is_err() {
                return;
            }
        }
    });
    let stop = Box::pin(pending());
    let watch = Some(watch);
    Ok(Signals { stop, watch })
}

/// Looks after what an earlier run left: steps that were interrupted, and sites taken down long ago.
///
/// An interrupted step needs no repair of its own. Every message is planned against what is found, and the
/// record that would let a site be passed over as unchanged is only written after its last step. So the
/// step is noted as seen, and its site is told to a person.
async fn tidy(settings: &Settings, parts: &setup::Parts, lives: bool) -> Result<(), Failure> {
    for step in parts.store.interrupted()? {
        let next = if lives {
            "the site is looked at now"
        } else {
            "the site's next message finishes it"
        };
        tracing::warn!(
            site = %step.site,
            "{} {} was interrupted; {next}",
            step.action,
            step.target
        );
        // A daemon notes it when it has looked.
        if !lives {
            parts
                .store
                .resolve_interrupted(step.id, "seen at start")
                .await?;
        }
    }
    let days = i64::from(settings.tombstone_days);
    let before = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    for project in parts.local_static.sweep(before)? {
        tracing::info!(
            project,
            "removed what was left of a site taken down long ago"
        );
    }
    Ok(())
}

/// Tells a person what builds are doing; programs read the reports.
fn progress(form: Form) -> Option<Listener> {
    let tell = |site: &SiteId, line: &str| {
        if let Some(begun) = line.strip_prefix("== ") {
            render::note(&format!("  {site}: {begun}"));
        }
    };
    matches!(form, Form::Text(_)).then(|| -> Listener { Arc::new(tell) })
}

/// The artifacts that sites were made of, which may be needed again.
fn needed(store: &Store) -> BTreeSet<Digest> {
    let artifacts = |(_, record): (_, Arc<SiteRecord>)| [record.artifact, record.held];
    store
        .sites()
        .into_iter()
        .flat_map(artifacts)
        .flatten()
        .collect()
}

/// The embedded server, running.
pub(super) struct Server {
    sites: Arc<Sites>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Listens, and serves the sites that are there.
    pub(super) async fn start(
        address: SocketAddr,
        local_static: &LocalStatic,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(Failure::io(format!("cannot listen at {address}")))?;
        let address = listener
            .local_addr()
            .map_err(Failure::io("the listener has no address"))?;
        let sites = Sites::open(local_static.layout().clone()).map_err(|error| {
            Failure::Edge(
                crate::edge::EdgeError::rejected("the sites cannot be served").source(error),
            )
        })?;
        let (stop, stopped) = watch::channel(false);
        let until = |mut stopped: watch::Receiver<bool>| async move {
            // An error means that the sender is gone, which is a stop as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let server = serve::run(listener, Arc::clone(&sites), until(stopped.clone()));
        let watch = Arc::clone(&sites).watch(until(stopped));
        let watch = async {
            if let Err(error) = watch.await {
                tracing::error!("changes by other processes are not seen any more: {error}");
            }
        };
        Ok(Self {
            sites,
            address,
            stop,
            tasks: vec![tokio::spawn(server), tokio::spawn(watch)],
        })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The backend, telling this server of every switch.
    pub(super) fn told_by(&self, backend: LocalStatic) -> LocalStatic {
        let sites = Arc::clone(&self.sites);
        backend
            .on_switch(Arc::new(move |project| {
                if let Err(error) = sites.refresh(project) {
                    tracing::error!(project, "the server did not take in the change: {error}");
                }
            }))
            .served_at(self.address.port())
    }

    /// Serves until a signal, then drains.
    pub(super) async fn until_signal(self) {
        if let Ok(mut stops) = setup::Stops::new() {
            stops.next().await;
        }
        self.stop().await;
    }

    /// Lets requests under way finish and ends.
    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!("the server ended early: {error}");
            }
        }
    }
}
