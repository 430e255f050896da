//! What a daemon has beside its loop: the sockets it is asked and looked at, those whom it tells, and the signals
//! it heeds.

use super::chores::{self, Chores};
use super::exit::Failure;
use super::setup::{self, Parts};
use crate::edge::socket::{Listener, SocketError};
use crate::edge::systemd::{Listeners, Manager};
use crate::notify;
use crate::reconcile::Control;
use crate::rpc::{self, Server};
use crate::service::Service;
use crate::settings::{Overrides, Settings};
use crate::status::{self, Door};
use crate::store::Store;
use crate::stream::Access;
use crate::words;
use futures_util::future::BoxFuture;
use rustix::io::Errno;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

/// What the command line says of it.
pub(super) struct Life {
    /// Further sockets for calls.
    pub(super) rpc: Vec<PathBuf>,
    /// How the settings are read again.
    pub(super) overrides: Overrides,
    /// What the service manager handed over and wants to be told.
    pub(super) unit: Unit,
}

/// The process as its service manager started it.
pub(super) struct Unit {
    /// Sockets that it holds for this process.
    pub(super) listeners: Listeners,
    service: Service,
}

impl Unit {
    /// As the environment says. This comes before any thread is started.
    pub(super) fn of_environment() -> Result<Self, Failure> {
        Ok(Self {
            listeners: Listeners::from_env()?,
            service: Service::new(Manager::from_env()?),
        })
    }
}

/// It, running.
pub(super) struct Attendants {
    calls: Server,
    status: Option<Ending>,
    notify: Arc<Mutex<Ending>>,
    tasks: Vec<JoinHandle<()>>,
}

/// A task that can be asked to end.
pub(super) struct Ending {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Ending {
    /// Starts a task that is told by a future when to end.
    pub(super) fn start<T>(task: impl FnOnce(BoxFuture<'static, ()>) -> T) -> Self
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let (stop, mut stopped) = watch::channel(false);
        let shutdown = async move {
            // An error means that who could stop it is gone.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let task = tokio::spawn(task(Box::pin(shutdown)));
        Self { stop, task }
    }

    /// Waits for its end.
    pub(super) async fn end(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!("a part of the daemon ended early: {error}");
        }
    }
}

impl Life {
    /// Starts it, when messages can come already. Calls are answered when the loop runs.
    pub(super) async fn start(
        self,
        settings: &Settings,
        parts: Parts,
        chores: Chores,
        control: &Control,
    ) -> Result<Attendants, Failure> {
        let Unit {
            mut listeners,
            service,
        } = self.unit;
        let doors = doors(settings, &self.rpc, &mut listeners)?;
        let status = match &settings.status {
            Some(settings) => Some(Door::open(settings).await?),
            None => None,
        };
        for name in listeners.names() {
            tracing::warn!(
                "nothing was told to listen at the socket {name} of the service manager"
            );
        }
        let calls = Server::start(doors, control.clone())
            .map_err(Failure::io("calls cannot be answered"))?;
        let status = status.map(|door| {
            if let Some(address) = door.address() {
                tracing::info!("status at http://{address}/");
            }
            let control = control.clone();
            Ending::start(|shutdown| status::serve(door, control, shutdown))
        });
        let notify = Arc::new(Mutex::new(tell(settings, &parts.store, control)));
        let service = Arc::new(service);
        let (chores, due) = watch::channel(Arc::new(chores));
        let reload = Reload {
            overrides: self.overrides,
            parts,
            settings: settings.clone(),
            control: control.clone(),
            chores,
            notify: Arc::clone(&notify),
            service: Arc::clone(&service),
        };
        let (watched, watching) = (Arc::clone(&service), control.clone());
        let tasks = vec![
            ending(control.clone(), Arc::clone(&service))?,
            reload.heed()?,
            tokio::spawn(async move { watched.watch(watching, pending()).await }),
            tokio::spawn(chores::keep(due, chores::EVERY, Chores::sweep)),
        ];
        service.ready();
        Ok(Attendants {
            calls,
            status,
            notify,
            tasks,
        })
    }
}

/// Tells those who want to know what becomes of sites.
fn tell(settings: &Settings, store: &Store, control: &Control) -> Ending {
    let notifications = settings.notifications.clone();
    let (control, store) = (control.clone(), store.clone());
    Ending::start(|shutdown| notify::run(notifications, control, store, shutdown))
}

impl Attendants {
    /// Ends it after the loop.
    pub(super) async fn stop(self) {
        for task in self.tasks {
            task.abort();
        }
        if let Some(status) = self.status {
            status.end().await;
        }
        // Whoever read the settings again was just aborted.
        if let Some(notify) = Arc::into_inner(self.notify) {
            notify.into_inner().end().await;
        }
        let calls = self.calls;
        let stopped = tokio::task::spawn_blocking(|| calls.stop()).await;
        if let Ok(Err(error)) = stopped {
            tracing::warn!("{error}");
        }
    }
}

/// The sockets that calls come by: one for the daemon's own user, and those that were asked for.
fn doors(
    settings: &Settings,
    asked: &[PathBuf],
    handed: &mut Listeners,
) -> Result<Vec<rpc::Door>, Failure> {
    let mut doors = Vec::new();
    match listen(&settings.state_dir.join(rpc::CONTROL), 0o600) {
        Ok(listener) => doors.push(rpc::Door {
            listener,
            // Who may connect could change the state directory itself.
            access: Access::default(),
        }),
        // The address of a socket has 107 bytes (unix(7)).
        Err(SocketError::Io { path, source, .. }) if too_long(&source) => tracing::warn!(
            "no orders can be taken: {} is too long for the path of a socket",
            path.display()
        ),
        Err(error) => return Err(error.into()),
    }
    for path in asked {
        let listener = match handed.take_at(path) {
            Some(socket) => Listener::inherited(socket, path, Handle::current())?,
            None => listen(path, settings.streams.socket_mode)?,
        };
        doors.push(rpc::Door {
            listener,
            access: settings.streams.access.clone(),
        });
    }
    Ok(doors)
}

fn listen(path: &Path, mode: u32) -> Result<Listener, SocketError> {
    Listener::bind(path, mode, Handle::current())
}

fn too_long(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::NAMETOOLONG)
}

/// SIGINT and SIGTERM let a daemon drain; the second one ends it at once.
fn ending(control: Control, service: Arc<Service>) -> Result<JoinHandle<()>, Failure> {
    let mut stops = setup::Stops::new()?;
    Ok(tokio::spawn(async move {
        for now in [false, true] {
            stops.next().await;
            service.stopping();
            if control.drain(now).await.is_err() {
                return;
            }
        }
    }))
}

/// What reading the settings again takes.
struct Reload {
    overrides: Overrides,
    parts: Parts,
    /// As they are in force.
    settings: Settings,
    control: Control,
    chores: watch::Sender<Arc<Chores>>,
    notify: Arc<Mutex<Ending>>,
    service: Arc<Service>,
}

impl Reload {
    /// Lets SIGHUP read the settings again.
    fn heed(mut self) -> Result<JoinHandle<()>, Failure> {
        let hangup = signal(SignalKind::hangup());
        let mut hangup = hangup.map_err(Failure::io("signals cannot be handled"))?;
        Ok(tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                self.service.reloading();
                match Settings::load(self.overrides.clone()) {
                    Ok(settings) => self.adopt(settings).await,
                    Err(error) => {
                        let told = words::chain(&error);
                        tracing::error!("{told}; the settings in force are kept");
                    }
                }
                self.service.ready();
            }
        }))
    }

    async fn adopt(&mut self, settings: Settings) {
        let reconciler = Arc::new(self.parts.reconciler(&settings));
        let schedule = settings.schedule.clone();
        let chores = Arc::new(Chores::new(&settings, Arc::clone(&reconciler)));
        if self.control.adopt(reconciler, schedule).await.is_err() {
            return;
        }
        self.chores.send_replace(chores);
        for (table, same) in [
            ("state-dir", settings.state_dir == self.settings.state_dir),
            ("streams", settings.streams == self.settings.streams),
            ("status", same_status(&settings, &self.settings)),
            ("telemetry", same_telemetry(&settings, &self.settings)),
        ] {
            if !same {
                tracing::warn!("settings: {table} has changed, which takes a restart");
            }
        }
        tracing::warn!("settings: read again; what begins from now on goes by them");
        // What takes a restart is told each time.
        self.settings = Settings {
            state_dir: self.settings.state_dir.clone(),
            streams: self.settings.streams.clone(),
            status: self.settings.status.clone(),
            telemetry: self.settings.telemetry.clone(),
            ..settings
        };
        let mut notify = self.notify.lock().await;
        let next = tell(&self.settings, &self.parts.store, &self.control);
        std::mem::replace(&mut *notify, next).end().await;
    }
}

/// Whether the daemon is looked at in the same way.
fn same_status(one: &Settings, other: &Settings) -> bool {
    match (&one.status, &other.status) {
        (Some(one), Some(other)) => one.listen == other.listen && one.token == other.token,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether traces are exported in the same way.
fn same_telemetry(one: &Settings, other: &Settings) -> bool {
    match (&one.telemetry, &other.telemetry) {
        (Some(one), Some(other)) => one.is_like(other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
