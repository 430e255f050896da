//! The embedded web server beside a command.

use super::exit::Failure;
use super::setup;
use crate::hosting::local_static::LocalStatic;
use crate::serve::{self, Sites};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

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
