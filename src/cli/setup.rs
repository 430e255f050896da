//! What commands have in common: the log, the settings, the runtime, the signals.

use super::args::{Global, LogFormat};
use super::exit::Failure;
use super::{render, screen};
use crate::build::{Builds, Listener};
use crate::dns::DnsBackends;
use crate::dns::cloudflare::CloudflareDns;
use crate::edge::cloudflare::{Allowances, Cloudflare};
use crate::edge::http::{AGENT, Http, HttpSettings};
use crate::hosting::Backends;
use crate::hosting::cloudflare_pages::CloudflarePages;
use crate::hosting::local_static::LocalStatic;
use crate::progress::{Progress, Telling};
use crate::reconcile::{Events, Happening, Mode, Reconciler};
use crate::settings::{Overrides, Settings};
use crate::store::Store;
use crate::telemetry::Recorder;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::FilterExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

/// Sends the log to standard error. Spans can be exported whatever the log shows: what keeps them is given.
pub(super) fn tracing(global: &Global) -> Recorder {
    let filter = EnvFilter::try_new(&global.log).unwrap_or_else(|_| EnvFilter::new("warn"));
    // A line says of which site it is, however few lines are shown.
    let filter = filter.or(Recorder::filter());
    let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let log = fmt::layer().with_writer(screen::Lines).with_ansi(colours);
    let recorder = Recorder::default();
    let layer = recorder.clone().with_filter(Recorder::filter());
    let subscriber = tracing_subscriber::registry().with(layer);
    match global.log_format {
        LogFormat::Text => subscriber.with(log.with_filter(filter)).init(),
        LogFormat::Json => subscriber.with(log.json().with_filter(filter)).init(),
    }
    recorder
}

/// The settings of this run.
pub(super) fn settings(global: &Global, jobs: Option<usize>) -> Result<Settings, Failure> {
    Ok(Settings::load(overrides(global, jobs))?)
}

/// What the command line says over the settings file.
pub(super) fn overrides(global: &Global, jobs: Option<usize>) -> Overrides {
    Overrides {
        file: global.settings.clone(),
        state_dir: global.state_dir.clone(),
        source_roots: global.source_root.clone(),
        jobs,
    }
}

/// The `LocalStatic` backend of a state directory.
pub(super) fn local_static(state_dir: &Path) -> LocalStatic {
    LocalStatic::new(state_dir.join("local-static"))
}

/// How long a daemon that lives on lets a step wait for a service: what takes longer is tried again later, and sites
/// of others take the place meanwhile.
const LONGEST_STEP_WAIT: Duration = Duration::from_secs(5);

/// The same for names that visitors cannot use yet, which mostly takes some seconds and sometimes hours.
const LONGEST_NAMES_WAIT: Duration = Duration::from_secs(10);

/// How long something is set up for.
pub(super) enum Lasting {
    /// For one command.
    Once,
    /// For a daemon that lives on. The allowances of its accounts outlive its settings.
    Lives(Allowances),
}

/// Cloudflare, as the settings say.
pub(super) fn cloudflare(settings: &Settings, lasting: &Lasting) -> Cloudflare {
    let mut http = HttpSettings::new(AGENT);
    let settings = settings.cloudflare.clone();
    match lasting {
        Lasting::Once => Cloudflare::new(settings, Http::new(http)),
        Lasting::Lives(allowances) => {
            http.retry.longest_wait = LONGEST_STEP_WAIT;
            Cloudflare::going_on(settings, Http::new(http), allowances)
        }
    }
}

/// The hosting backends, with a `LocalStatic` of the caller's, and the DNS backends.
pub(super) fn backends(
    settings: &Settings,
    local_static: LocalStatic,
    lasting: &Lasting,
) -> (Backends, DnsBackends) {
    let cloudflare = cloudflare(settings, lasting);
    let dns = DnsBackends {
        cloudflare: CloudflareDns::new(cloudflare.clone()),
    };
    let mut pages = settings.pages.clone();
    if let Lasting::Lives(_) = lasting {
        pages.domain_wait = pages.domain_wait.min(LONGEST_NAMES_WAIT);
    }
    let hosting = Backends {
        local_static,
        cloudflare_pages: CloudflarePages::new(cloudflare, pages),
    };
    (hosting, dns)
}

/// What outlives settings that are read anew.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) local_static: LocalStatic,
    pub(super) events: Events,
    pub(super) mode: Mode,
    pub(super) lasting: Lasting,
    /// Whether what builds do is told line by line, as there is nothing else to show it.
    pub(super) lines: bool,
}

impl Parts {
    /// What reconciles sites as the settings say.
    pub(super) fn reconciler(&self, settings: &Settings) -> Reconciler {
        let (mut backends, dns) = backends(settings, self.local_static.clone(), &self.lasting);
        let events = self.events.clone();
        let telling = Telling::to(move |site, progress| {
            events.tell(Some(site), Happening::Progress(progress));
        });
        backends.cloudflare_pages = backends.cloudflare_pages.telling(telling);
        Reconciler {
            backends,
            dns,
            builds: builds(settings, Some(self.listener())),
            store: self.store.clone(),
            policy: settings.policy.clone(),
            mode: self.mode,
            events: self.events.clone(),
        }
    }
}

impl Parts {
    /// Tells what builds do to those who watch.
    fn listener(&self) -> Listener {
        let (events, lines) = (self.events.clone(), self.lines);
        Arc::new(move |site, line| {
            let Some(begun) = line.strip_prefix("== ") else {
                return;
            };
            if lines {
                render::note(&format!("  {site}: {begun}"));
            }
            let progress = Progress::Build(begun.to_owned());
            events.tell(Some(site), Happening::Progress(progress));
        })
    }
}

/// What makes the files of sites. The listener is told what builds are doing.
pub(super) fn builds(settings: &Settings, listener: Option<Listener>) -> Builds {
    let (sources, credentials) = (settings.sources.clone(), settings.credentials.clone());
    Builds::new(settings.builds.clone(), sources, credentials, listener)
}

/// The runtime that everything asynchronous runs on.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::io("the runtime cannot be started"))
}

/// The signals that ask for the end.
pub(super) struct Stops {
    interrupt: Signal,
    terminate: Signal,
}

impl Stops {
    /// From now on these signals end nothing by themselves.
    pub(super) fn new() -> Result<Self, Failure> {
        let handle = |kind| signal(kind).map_err(Failure::io("signals cannot be handled"));
        Ok(Self {
            interrupt: handle(SignalKind::interrupt())?,
            terminate: handle(SignalKind::terminate())?,
        })
    }

    /// Resolves at the next SIGINT or SIGTERM.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
