//! What a daemon has beside its loop: the sockets it is asked at, and the signals it heeds.

use super::exit::Failure;
use super::render;
use super::setup::{self, Parts};
use crate::edge::socket::{Listener, SocketError};
use crate::reconcile::Control;
use crate::rpc::{self, Door, Server};
use crate::settings::{Overrides, Settings};
use crate::stream::Access;
use rustix::io::Errno;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// What the command line says of it.
pub(super) struct Life {
    /// Further sockets for calls.
    pub(super) rpc: Vec<PathBuf>,
    /// How the settings are read again.
    pub(super) overrides: Overrides,
}

/// It, running.
pub(super) struct Attendants {
    calls: Server,
    tasks: Vec<JoinHandle<()>>,
}

impl Life {
    /// Starts it. Calls are answered when the loop runs.
    pub(super) fn start(
        self,
        settings: &Settings,
        parts: Parts,
        control: &Control,
    ) -> Result<Attendants, Failure> {
        let doors = doors(settings, &self.rpc)?;
        let calls = Server::start(doors, control.clone())
            .map_err(Failure::io("calls cannot be answered"))?;
        let reload = Reload {
            overrides: self.overrides,
            parts,
            settings: settings.clone(),
            control: control.clone(),
        };
        let tasks = vec![ending(control.clone())?, reload.heed()?];
        Ok(Attendants { calls, tasks })
    }
}

impl Attendants {
    /// Ends it after the loop.
    pub(super) async fn stop(self) {
        for task in self.tasks {
            task.abort();
        }
        let calls = self.calls;
        let stopped = tokio::task::spawn_blocking(|| calls.stop()).await;
        if let Ok(Err(error)) = stopped {
            tracing::warn!("{error}");
        }
    }
}

/// The sockets that calls come by: one for the daemon's own user, and those that were asked for.
fn doors(settings: &Settings, asked: &[PathBuf]) -> Result<Vec<Door>, Failure> {
    let mut doors = Vec::new();
    match listen(&settings.state_dir.join(rpc::CONTROL), 0o600) {
        Ok(listener) => doors.push(Door {
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
        doors.push(Door {
            listener: listen(path, settings.streams.socket_mode)?,
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
fn ending(control: Control) -> Result<JoinHandle<()>, Failure> {
    let mut stops = setup::Stops::new()?;
    Ok(tokio::spawn(async move {
        for now in [false, true] {
            stops.next().await;
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
}

impl Reload {
    /// Lets SIGHUP read the settings again.
    fn heed(mut self) -> Result<JoinHandle<()>, Failure> {
        let hangup = signal(SignalKind::hangup());
        let mut hangup = hangup.map_err(Failure::io("signals cannot be handled"))?;
        Ok(tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                match Settings::load(self.overrides.clone()) {
                    Ok(settings) => self.adopt(settings).await,
                    Err(error) => {
                        let told = render::chain(&error);
                        tracing::error!("{told}; the settings in force are kept");
                    }
                }
            }
        }))
    }

    async fn adopt(&mut self, settings: Settings) {
        let reconciler = Arc::new(self.parts.reconciler(&settings));
        let schedule = settings.schedule.clone();
        if self.control.adopt(reconciler, schedule).await.is_err() {
            return;
        }
        for (table, same) in [
            ("state-dir", settings.state_dir == self.settings.state_dir),
            ("streams", settings.streams == self.settings.streams),
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
            ..settings
        };
    }
}
