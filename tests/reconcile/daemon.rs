//! A state directory, and runs over it as a process makes them.

use crate::common::write_files;
use mycelia_spore::build::{Builds, BuildsSettings};
use mycelia_spore::dns::DnsBackends;
use mycelia_spore::dns::cloudflare::CloudflareDns;
use mycelia_spore::edge::cloudflare::{Cloudflare, CloudflareSettings};
use mycelia_spore::edge::http::{Http, HttpSettings};
use mycelia_spore::edge::secret::Credentials;
use mycelia_spore::hosting::Backends;
use mycelia_spore::hosting::cloudflare_pages::{CloudflarePages, PagesOptions};
use mycelia_spore::hosting::local_static::{LocalStatic, Switched};
use mycelia_spore::model::SiteId;
use mycelia_spore::plan::Policy;
use mycelia_spore::reconcile::{self, Events, Inbox, Mode, Options, Reconciler, Summary};
use mycelia_spore::release::{Layout, Live};
use mycelia_spore::sink::{Form, Sink};
use mycelia_spore::source::SourcesSettings;
use mycelia_spore::store::{HistoryEntry, SiteRecord, Store};
use mycelia_spore::stream::{Frames, Spore, StreamError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::future::pending;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::mpsc;

/// All that outlives a process, and the operator's settings.
pub(crate) struct Daemon {
    folder: tempfile::TempDir,
    pub(crate) policy: Policy,
    pub(crate) mode: Mode,
    pub(crate) only: Option<SiteId>,
    pub(crate) switched: Option<Switched>,
}

/// How a run ended.
pub(crate) struct Run {
    pub(crate) summary: Summary,
    pub(crate) reports: Vec<Value>,
}

impl Daemon {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            policy: Policy::default(),
            mode: Mode::Apply,
            only: None,
            switched: None,
        }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A folder that messages may name as a source, with these files.
    pub(crate) fn source(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.folder.path().join("sources").join(name);
        write_files(&folder, files);
        folder
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout::new(self.state().join("local-static"))
    }

    /// The pointer of a project; `None` when it is not live.
    pub(crate) fn live(&self, project: &str) -> Option<Live> {
        let bytes = fs::read(self.layout().live(project)).ok()?;
        Some(serde_json::from_slice(&bytes).unwrap())
    }

    /// The live index page of a project.
    pub(crate) fn index(&self, project: &str) -> String {
        let live = self.live(project).unwrap();
        let files = self.layout().files(project, &live.release);
        fs::read_to_string(files.join("index.html")).unwrap()
    }

    /// All published files with when they were changed: equal when nothing was written.
    pub(crate) fn published(&self) -> BTreeMap<PathBuf, SystemTime> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.layout().root().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let entry = entry.unwrap();
                let modified = entry.metadata().unwrap().modified().unwrap();
                if entry.path().is_dir() {
                    folders.push(entry.path());
                }
                found.insert(entry.path(), modified);
            }
        }
        found
    }

    /// What the next process knows of a site.
    pub(crate) fn record(&self, id: &str) -> Option<Arc<SiteRecord>> {
        let store = Store::open_readonly(&self.state()).unwrap();
        store.site(&crate::common::site_id(id))
    }

    pub(crate) fn history(&self, id: &str) -> Vec<HistoryEntry> {
        let store = Store::open_readonly(&self.state()).unwrap();
        store.history(&crate::common::site_id(id), 100).unwrap()
    }

    /// What a new process would work with.
    pub(crate) fn reconciler(&self) -> Arc<Reconciler> {
        let mut local_static = LocalStatic::new(self.layout().root());
        if let Some(switched) = &self.switched {
            local_static = local_static.on_switch(Arc::clone(switched));
        }
        let (backends, dns) = backends(local_static);
        Arc::new(Reconciler {
            backends,
            dns,
            builds: Builds::new(
                BuildsSettings {
                    roots: vec![self.folder.path().join("sources")],
                    ..BuildsSettings::new(self.folder.path().join("builds"))
                },
                SourcesSettings::new(self.folder.path().join("sources-cache")),
                Credentials::default(),
                None,
            ),
            store: Store::open(&self.state()).unwrap(),
            policy: self.policy.clone(),
            mode: self.mode,
            events: Events::default(),
        })
    }

    /// Runs a process over these messages.
    pub(crate) fn run(&self, messages: &[Vec<u8>]) -> Run {
        let (result, output) = self.run_into(messages, Vec::new(), pending());
        Run {
            summary: result.unwrap(),
            reports: parse(&output),
        }
    }

    /// The same with its own output and end. All messages wait in the channel before the first is taken, and
    /// tasks run only when the loop waits, so that what overtakes what is the same each time.
    pub(crate) fn run_into<W: Write>(
        &self,
        messages: &[Vec<u8>],
        mut output: W,
        shutdown: impl Future<Output = ()>,
    ) -> (io::Result<Summary>, W) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let options = Options {
            only: self.only.clone(),
            ..Options::once(8)
        };
        let reconciler = self.reconciler();
        let result = runtime.block_on(async {
            let mut inbox = Inbox::Stream(waiting(&messages.concat()));
            let sink = Sink::new(Form::Json, &mut output);
            let (daemon, _control) = reconcile::Daemon::new(reconciler, options, sink).unwrap();
            daemon.run(&mut inbox, shutdown).await
        });
        (result, output)
    }

    /// Runs a process over one message and gives its report.
    pub(crate) fn send(&self, message: Vec<u8>) -> Value {
        let mut reports = self.run(&[message]).reports;
        assert_eq!(reports.len(), 1);
        reports.remove(0)
    }

    /// Goes back to an earlier release, as the operator does.
    pub(crate) fn rollback(&self, id: &str, to: Option<&str>) -> mycelia_spore::report::Report {
        let reconciler = self.reconciler();
        crate::common::block_on(reconciler.rollback(&crate::common::site_id(id), to))
    }
}

/// A channel in which all messages of a stream wait.
fn waiting(bytes: &[u8]) -> mpsc::Receiver<Result<Spore, StreamError>> {
    let frames = Frames::new(bytes);
    let items: Vec<_> = frames
        .map(|frame| frame.map(|frame| Spore::decode(&frame)))
        .collect();
    let (sender, receiver) = mpsc::channel(items.len().max(1));
    for item in items {
        sender.try_send(item).unwrap();
    }
    receiver
}

fn parse(output: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(output).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The outcome of a report.
pub(crate) fn outcome(report: &Value) -> &str {
    report["outcome"].as_str().unwrap()
}

/// The outcomes of reports.
pub(crate) fn outcomes(reports: &[Value]) -> Vec<&str> {
    reports.iter().map(outcome).collect()
}

/// Code and path of each fault of a report.
pub(crate) fn faults(report: &Value) -> Vec<(&str, &str)> {
    let first = report.get("error").into_iter().collect();
    let all = report["faults"].as_array();
    let faults: Vec<&Value> = all.map_or(first, |all| all.iter().collect());
    faults
        .into_iter()
        .map(|fault| {
            let text = |key| fault[key].as_str().unwrap();
            (text("code"), text("path"))
        })
        .collect()
}

/// The actions of a report's steps.
pub(crate) fn steps(report: &Value) -> Vec<&str> {
    let steps = report["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| step["action"].as_str().unwrap())
        .collect()
}

/// Why things were withheld.
pub(crate) fn reasons(report: &Value) -> Vec<&str> {
    let withheld = report["withheld"].as_array().unwrap();
    withheld
        .iter()
        .map(|item| item["reason"].as_str().unwrap())
        .collect()
}

/// A folder that is no site.
pub(crate) fn nowhere(daemon: &Daemon) -> PathBuf {
    let folder = daemon.source("nowhere", &[("readme.txt", "no index")]);
    Path::new(&folder).join("missing")
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
