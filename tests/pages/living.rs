//! A daemon that lives on, over a fake Cloudflare with two accounts.

use crate::cloudflare::{DomainClock, Fake, Token};
use mycelia_spore::build::{Builds, BuildsSettings};
use mycelia_spore::dns::DnsBackends;
use mycelia_spore::dns::cloudflare::CloudflareDns;
use mycelia_spore::edge::cloudflare::{AccountId, AccountSettings, Cloudflare, CloudflareSettings};
use mycelia_spore::edge::http::{Http, HttpSettings, Retry};
use mycelia_spore::edge::secret::{Credentials, SecretPlace};
use mycelia_spore::encode;
use mycelia_spore::hosting::Backends;
use mycelia_spore::hosting::cloudflare_pages::{CloudflarePages, PagesOptions};
use mycelia_spore::hosting::local_static::LocalStatic;
use mycelia_spore::model::{Parse, SettingsName, SiteId};
use mycelia_spore::plan::Policy;
use mycelia_spore::reconcile::{
    self, Control, Events, Gone, Happening, Inbox, Mode, Options, Reconciler, SiteOrder, Snapshot,
    Which,
};
use mycelia_spore::report::{Cause, Report};
use mycelia_spore::schedule::{self, DriftMode};
use mycelia_spore::sink::{Form, Sink};
use mycelia_spore::source::{Protocol, Protocols, Remote, SourcesSettings};
use mycelia_spore::store::Store;
use mycelia_spore::stream::{Frames, Spore, StreamError};
use serde_json::{Value, json};
use std::fs;
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here takes that does not fail.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a daemon is made.
pub(crate) struct Way {
    /// When sites are worked on.
    pub(crate) schedule: schedule::Options,
    /// How the network client tries again by itself.
    pub(crate) retry: Retry,
}

impl Way {
    /// Short waits, one attempt for each request, and no looks that nobody asks for.
    pub(crate) fn calm() -> Self {
        let mut schedule = schedule::Options::default();
        schedule.retry.first = Duration::from_millis(10);
        schedule.breaker.open_for = Duration::from_millis(500);
        schedule.drift.mode = DriftMode::Off;
        schedule.drift.interval = Duration::from_secs(1);
        Self {
            schedule,
            retry: Retry {
                attempts: 1,
                ..persistent()
            },
        }
    }

    /// The same, and what differs is repaired.
    pub(crate) fn eager() -> Self {
        let mut way = Self::calm();
        way.schedule.drift.mode = DriftMode::Repair;
        way
    }
}

/// A client that tries again as often as the real one, and soon.
pub(crate) fn persistent() -> Retry {
    Retry {
        base: Duration::from_millis(1),
        max: Duration::from_millis(5),
        longest_wait: Duration::from_secs(1),
        ..Retry::default()
    }
}

/// The daemon, and what it works with.
pub(crate) struct Living {
    pub(crate) fake: Fake,
    pub(crate) runtime: Runtime,
    pub(crate) control: Control,
    events: broadcast::Receiver<Arc<reconcile::Event>>,
    ended: JoinHandle<io::Result<reconcile::Summary>>,
    held: mpsc::Sender<Result<Spore, StreamError>>,
    folder: TempDir,
}

impl Living {
    pub(crate) fn new(way: Way) -> Self {
        let mut other = (String::new(), String::new());
        let fake = Fake::with(|world| {
            world.settings.domains = DomainClock::AtOnce;
            other.0 = world.add_account("Other Farm");
            other.1 = world.add_token(Token::over([other.0.clone()]));
        });
        fake.add_zone("spore.example");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token"), fake.token()).unwrap();
        fs::write(folder.path().join("other-token"), &other.1).unwrap();
        let cloudflare = cloudflare(&fake, &other.0, folder.path(), way.retry);
        let reconciler = Arc::new(reconciler(cloudflare, folder.path()));
        let runtime = Runtime::new().unwrap();
        let (held, receiver) = mpsc::channel(1);
        let sink = Sink::new(Form::Json, io::sink());
        let options = Options::lives(way.schedule);
        let (events, control, ended) = runtime.block_on(async {
            let (living, control) = reconcile::Daemon::new(reconciler, options, sink).unwrap();
            let events = control.watch();
            let mut inbox = Inbox::Stream(receiver);
            let run = async move { living.run(&mut inbox, std::future::pending()).await };
            (events, control, tokio::spawn(run))
        });
        Self {
            fake,
            runtime,
            control,
            events,
            ended,
            held,
            folder,
        }
    }

    /// Where the token of an account is kept, which is `token` or `other-token`.
    pub(crate) fn credential(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder that slugs of repositories are found in.
    pub(crate) fn repositories(&self) -> PathBuf {
        repositories(self.folder.path())
    }

    /// Sends a message and waits for its report.
    pub(crate) fn send(&self, message: &Value) -> Report {
        self.wait(self.control.apply(spore(message))).unwrap()
    }

    /// Hands a message over, before any that is sent later.
    pub(crate) fn begin(&self, message: &Value) -> JoinHandle<Result<Report, Gone>> {
        let (control, spore) = (self.control.clone(), spore(message));
        let mut asked = Box::pin(async move { control.apply(spore).await });
        let handed_over = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending()));
        assert!(self.runtime.block_on(handed_over), "answered at once");
        self.runtime.spawn(asked)
    }

    pub(crate) fn report_of(&self, sent: JoinHandle<Result<Report, Gone>>) -> Report {
        self.wait(sent).unwrap().unwrap()
    }

    pub(crate) fn order(&self, site: &str, order: SiteOrder) -> Report {
        let site = SiteId::parse(site).unwrap();
        self.wait(self.control.site(site, order)).unwrap()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.wait(self.control.snapshot(Which::All)).unwrap()
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime
            .block_on(async { timeout(PATIENCE, work).await.unwrap() })
    }

    /// The next event that is looked for.
    pub(crate) fn next<T>(&mut self, wanted: impl Fn(&reconcile::Event) -> Option<T>) -> T {
        let events = &mut self.events;
        self.runtime.block_on(async {
            let found = async {
                loop {
                    if let Some(found) = wanted(&events.recv().await.unwrap()) {
                        return found;
                    }
                }
            };
            timeout(PATIENCE, found).await.unwrap()
        })
    }

    /// The next report of a look at this site that found something.
    pub(crate) fn drift(&mut self, site: &str) -> Report {
        self.next(|event| match &event.what {
            Happening::Reported(report)
                if report.cause == Cause::Drift && is_of(event.site.as_ref(), site) =>
            {
                Some(Report::clone(report))
            }
            _ => None,
        })
    }

    /// All that has happened and was not waited for.
    pub(crate) fn events(&mut self) -> Vec<Arc<reconcile::Event>> {
        // Who asks is answered before those who watch are told; when this is answered, they have been.
        self.snapshot();
        let mut all = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            all.push(event);
        }
        all
    }

    /// Names, types and contents of the zone's records.
    pub(crate) fn records(&self) -> Vec<(String, String, String)> {
        let state = self.fake.state();
        let records = state.records("spore.example").iter();
        let mut records: Vec<_> = records
            .map(|it| (it.name.clone(), it.kind.clone(), it.content.clone()))
            .collect();
        records.sort();
        records
    }

    /// Lets it end.
    pub(crate) fn end(self) {
        assert_eq!(self.fake.violations(), Vec::<String>::new());
        self.runtime.block_on(async {
            self.control.drain(false).await.unwrap();
            drop(self.held);
            let ended = timeout(PATIENCE, self.ended).await.unwrap();
            ended.unwrap().unwrap();
        });
    }
}

/// Whether an event's site has this id.
pub(crate) fn is_of(site: Option<&SiteId>, id: &str) -> bool {
    site.is_some_and(|site| site.as_str() == id)
}

/// Two accounts at a fake.
fn cloudflare(fake: &Fake, other: &str, folder: &Path, retry: Retry) -> Cloudflare {
    let name = |text: &str| SettingsName::parse(text).unwrap();
    let account = |id: &str, token: &str| AccountSettings {
        id: AccountId::parse(id).unwrap(),
        token: name(token),
        max_files: None,
    };
    let place = |file: &str| (name(file), SecretPlace::File(folder.join(file)));
    let settings = CloudflareSettings {
        base_url: fake.url(),
        accounts: [
            (name("default"), account(fake.account(), "token")),
            (name("other"), account(other, "other-token")),
        ]
        .into(),
        credentials: Credentials::new([place("token"), place("other-token")].into()),
        ..CloudflareSettings::default()
    };
    let http = Http::new(HttpSettings {
        retry,
        ..HttpSettings::new("mycelia-spore tests")
    });
    Cloudflare::new(settings, http)
}

fn reconciler(cloudflare: Cloudflare, folder: &Path) -> Reconciler {
    let upstream = Remote::parse(&format!("file://{}", repositories(folder).display()));
    let sources = SourcesSettings {
        github: upstream.unwrap(),
        protocols: Protocols::HTTPS.and(Protocol::File),
        ..SourcesSettings::new(folder.join("sources-cache"))
    };
    Reconciler {
        backends: Backends {
            local_static: LocalStatic::new(folder.join("local")),
            cloudflare_pages: CloudflarePages::new(cloudflare.clone(), PagesOptions::default()),
        },
        dns: DnsBackends {
            cloudflare: CloudflareDns::new(cloudflare),
        },
        builds: Builds::new(
            BuildsSettings::new(folder.join("builds")),
            sources,
            Credentials::default(),
            None,
        ),
        store: Store::open(&folder.join("state")).unwrap(),
        policy: Policy::default(),
        mode: Mode::Apply,
        events: Events::default(),
    }
}

fn repositories(folder: &Path) -> PathBuf {
    folder.join("repositories")
}

fn spore(message: &Value) -> Spore {
    let document = encode::yaml(&message.to_string()).unwrap().remove(0);
    let bytes = encode::to_message(&document).unwrap();
    let frame = Frames::new(&bytes[..]).next().unwrap().unwrap();
    Spore::decode(&frame)
}

/// A page of links at the default account, without names.
pub(crate) fn page(id: &str) -> Value {
    json!({
        "schemaVersion": 1,
        "site": { "id": id, "treelink": { "entries": [
            { "link": { "title": "Notes", "url": "https://notes.example/" } },
        ] } },
        "hosting": { "provider": "cloudflarePages" },
    })
}

/// The same at the other account.
pub(crate) fn elsewhere(id: &str) -> Value {
    let mut message = page(id);
    message["hosting"]["cloudflarePages"] = json!({ "account": "other" });
    message
}

/// The same on this machine.
pub(crate) fn here(id: &str) -> Value {
    let mut message = page(id);
    message["hosting"] = json!({ "provider": "localStatic" });
    message
}

/// A page with a name, a record and a setting of its project.
pub(crate) fn whole(id: &str) -> Value {
    let mut message = page(id);
    message["domains"] = json!({ "primary": format!("{id}.spore.example") });
    message["dns"] = json!({ "provider": "cloudflare", "records": [
        { "name": format!("_note.{id}.spore.example"), "type": "txt", "value": id },
    ] });
    message["hosting"]["cloudflarePages"] = json!({
        "environment": [{ "name": "STAGE", "value": "live" }],
    });
    message
}
