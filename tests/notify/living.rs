//! A daemon that lives on, with notifications.

use crate::common::files;
use crate::daemon::Daemon;
use mycelia_spore::edge::http::Retry;
use mycelia_spore::edge::secret::{Credentials, SecretPlace};
use mycelia_spore::model::{Parse, SettingsName};
use mycelia_spore::notify::{self, Attempts, Kind, Notification, Notifications, Receiver};
use mycelia_spore::plan::Patterns;
use mycelia_spore::reconcile::{self, Control, Inbox, Options};
use mycelia_spore::report::Outcome;
use mycelia_spore::schedule::{self, DriftMode};
use mycelia_spore::sink::{Form, Sink};
use mycelia_spore::stream::{Frames, Spore, StreamError};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here takes that does not fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The key that webhooks are signed with, as receivers show it.
pub(crate) const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A daemon with notifications, on threads of its own.
pub(crate) struct Living {
    runtime: Runtime,
    pub(crate) control: Control,
    ended: JoinHandle<io::Result<reconcile::Summary>>,
    telling: JoinHandle<()>,
    stop: oneshot::Sender<()>,
    held: mpsc::Sender<Result<Spore, StreamError>>,
}

impl Living {
    pub(crate) fn new(daemon: &Daemon, notifications: Notifications) -> Self {
        let runtime = Runtime::new().unwrap();
        let reconciler = daemon.reconciler();
        let store = reconciler.store.clone();
        let (held, receiver) = mpsc::channel(1);
        let mut options = schedule::Options::default();
        options.drift.mode = DriftMode::Off;
        let options = Options::lives(options);
        let sink = Sink::new(Form::Json, io::sink());
        let (stop, stopped) = oneshot::channel();
        let (control, ended, telling) = runtime.block_on(async {
            let (living, control) = reconcile::Daemon::new(reconciler, options, sink).unwrap();
            let mut inbox = Inbox::Stream(receiver);
            let run = async move { living.run(&mut inbox, std::future::pending()).await };
            let shutdown = async { drop(stopped.await) };
            let telling = notify::run(notifications, control.clone(), store, shutdown);
            (control, tokio::spawn(run), tokio::spawn(telling))
        });
        Self {
            runtime,
            control,
            ended,
            telling,
            stop,
            held,
        }
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime
            .block_on(async { timeout(PATIENCE, work).await.unwrap() })
    }

    /// Sends the message of a site whose source is at a path, and tells its outcome.
    pub(crate) fn send(&self, site: &str, source: &Path) -> Outcome {
        let message = files(site, source, |_| ());
        let frame = Frames::new(&message[..]).next().unwrap().unwrap();
        let sent = self.control.apply(Spore::decode(&frame));
        self.wait(sent).unwrap().outcome
    }

    /// Ends the telling, then the loop.
    pub(crate) fn end(self) {
        // Without any notification the telling has ended already.
        let _ = self.stop.send(());
        self.runtime.block_on(async {
            timeout(PATIENCE, self.telling).await.unwrap().unwrap();
            self.control.drain(false).await.unwrap();
            drop(self.held);
            timeout(PATIENCE, self.ended)
                .await
                .unwrap()
                .unwrap()
                .unwrap();
        });
    }
}

/// These receivers, each told everything, with short waits between attempts.
pub(crate) fn notifications(list: Vec<Notification>) -> Notifications {
    let folder = std::env::temp_dir();
    let place = SecretPlace::File(folder.join("none"));
    Notifications {
        list,
        credentials: Credentials::new([(name("none"), place)].into()),
        retry: Attempts(Retry {
            attempts: 5,
            base: Duration::from_millis(10),
            max: Duration::from_millis(20),
            ..Retry::default()
        }),
    }
}

/// One webhook, with its key in a file of the folder.
pub(crate) fn webhook(folder: &Path, url: String) -> Notifications {
    let file = folder.join("key");
    fs::write(&file, KEY).unwrap();
    let place = SecretPlace::File(file);
    let receiver = Receiver::Webhook {
        url,
        secret: name("key"),
    };
    Notifications {
        credentials: Credentials::new([(name("key"), place)].into()),
        ..notifications(vec![notification("chat", receiver)])
    }
}

pub(crate) fn notification(called: &str, receiver: Receiver) -> Notification {
    Notification {
        name: name(called),
        on: Kind::ALL.to_vec(),
        sites: Patterns::default(),
        receiver,
    }
}

pub(crate) fn name(text: &str) -> SettingsName {
    SettingsName::parse(text).unwrap()
}
