//! Sites that are already as asked: what a stream costs that changes nothing.

use crate::harness::{Bar, Figure, Result, Row, Table, folder};
use crate::message;
use mycelia_spore::build::{Builds, BuildsSettings};
use mycelia_spore::dns::DnsBackends;
use mycelia_spore::dns::cloudflare::CloudflareDns;
use mycelia_spore::edge::cloudflare::{Cloudflare, CloudflareSettings};
use mycelia_spore::edge::http::{Http, HttpSettings};
use mycelia_spore::edge::secret::Credentials;
use mycelia_spore::hosting::Backends;
use mycelia_spore::hosting::cloudflare_pages::{CloudflarePages, PagesOptions};
use mycelia_spore::hosting::local_static::LocalStatic;
use mycelia_spore::plan::Policy;
use mycelia_spore::reconcile::{Daemon, Events, Inbox, Mode, Options, Reconciler};
use mycelia_spore::sink::{Form, Sink};
use mycelia_spore::source::SourcesSettings;
use mycelia_spore::store::Store;
use mycelia_spore::stream;
use std::future;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;

/// Sites; more than are held in the window of messages read ahead, so that none overtakes itself.
const SITES: u64 = 2_000;

/// How often each site is sent again in one pass.
const ROUNDS: u64 = 20;

const PASSES: usize = 3;

/// Publishes the sites once, then measures sending them again.
pub(crate) fn run(table: &mut Table) -> Result<()> {
    let folder = folder()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let reconciler = Arc::new(reconciler(folder.path(), Vec::new())?);
    let once = message::packed(0..SITES, message::links)?;
    let begin = Instant::now();
    pass(&runtime, &reconciler, once.clone(), ("applied", SITES))?;
    let first = begin.elapsed().as_secs_f64();
    let often = once.repeat(usize::try_from(ROUNDS)?);
    let mut best = 0.0_f64;
    for _ in 0..PASSES {
        let begin = Instant::now();
        pass(
            &runtime,
            &reconciler,
            often.clone(),
            ("unchanged", SITES * ROUNDS),
        )?;
        let rate = (SITES * ROUNDS) as f64 / begin.elapsed().as_secs_f64();
        best = best.max(rate);
    }
    table.add(Row {
        what: "reconcile, unchanged sites per second".into(),
        own: Figure(best, "/s"),
        peer: None,
        bar: Bar::Least(20_000.0),
    });
    table.add(Row {
        what: "reconcile, first publication of a page, sites per second".into(),
        own: Figure(SITES as f64 / first, "/s"),
        peer: None,
        bar: Bar::None,
    });
    Ok(())
}

/// A daemon's reconciler with all its state below `folder`, which may read sources below `roots`.
pub(crate) fn reconciler(folder: &Path, roots: Vec<PathBuf>) -> Result<Reconciler> {
    let local_static = LocalStatic::new(folder.join("local-static"));
    let (backends, dns) = backends(local_static);
    Ok(Reconciler {
        backends,
        dns,
        builds: Builds::new(
            BuildsSettings {
                roots,
                ..BuildsSettings::new(folder.join("builds"))
            },
            SourcesSettings::new(folder.join("sources-cache")),
            Credentials::default(),
            None,
        ),
        store: Store::open(folder)?,
        policy: Policy::default(),
        mode: Mode::Apply,
        events: Events::default(),
    })
}

/// Sends a stream and checks that all its sites had the outcome that is expected.
fn pass(
    runtime: &Runtime,
    reconciler: &Arc<Reconciler>,
    bytes: Vec<u8>,
    (outcome, count): (&'static str, u64),
) -> Result<()> {
    let stream = stream::spawn(Cursor::new(bytes))?;
    let sink = Sink::new(Form::Json, io::sink());
    let (daemon, _control) = Daemon::new(Arc::clone(reconciler), Options::once(8), sink)?;
    let mut inbox = Inbox::Stream(stream);
    let summary = runtime.block_on(daemon.run(&mut inbox, future::pending()))?;
    if summary.outcomes.get(outcome) == Some(&count) {
        Ok(())
    } else {
        Err(format!("{count} {outcome} were expected: {summary:?}").into())
    }
}

/// The backends, `LocalStatic` alone in use.
fn backends(local_static: LocalStatic) -> (Backends, DnsBackends) {
    let http = Http::new(HttpSettings::new("mycelia-spore tests"));
    let cloudflare = Cloudflare::new(CloudflareSettings::default(), http);
    let dns = DnsBackends {
        cloudflare: CloudflareDns::new(cloudflare.clone()),
    };
    let hosting = Backends {
        local_static,
        cloudflare_pages: CloudflarePages::new(cloudflare, PagesOptions::default()),
    };
    (hosting, dns)
}
