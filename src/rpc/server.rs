//! The daemon's side: sockets, connections, the thread that answers.

use super::CALL;
use super::calls::Calls;
use super::room::{Gate, Room};
use crate::edge::socket::{AsyncConnection, AsyncListener, Listener, Peer};
use crate::reconcile::Control;
use crate::schema::daemon_capnp::spore;
use crate::stream::Access;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::twoparty::VatNetwork;
use capnp_rpc::{Disconnector, RpcSystem, new_client};
use futures_util::io::{BufReader, BufWriter};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::{LocalSet, spawn_local};

/// Connections that are answered at once; others wait until one ends.
const CONNECTIONS: usize = 64;

/// How much of a connection is read or written at a time, in bytes.
const BUFFER: usize = 16 * 1024;

/// How long nothing is accepted after that has failed.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the last answers may take to be written when the daemon ends.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Turns that the library may take from the end of a call until its answer is among those to be written: more
/// than the promises that it lays over each other.
const PROMISES: usize = 16;

/// A socket, and who of those that may connect may change which site.
#[derive(Debug)]
pub struct Door {
    /// The socket.
    pub listener: Listener,
    /// The rules.
    pub access: Access,
}

/// The thread that answers calls.
#[derive(Debug)]
pub struct Server {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// What all connections have in common.
#[derive(Clone)]
struct Shared {
    control: Control,
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Server {
    /// Answers what comes through these doors, from now on until [`stop`](Self::stop).
    ///
    /// # Errors
    /// The process has no thread or descriptor left.
    pub fn start(doors: Vec<Door>, control: Control) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut open = Vec::new();
        for door in doors {
            let _inside = runtime.enter();
            open.push((door.listener.waiting()?, door.access));
        }
        let answer = move || {
            let local = LocalSet::new();
            let shared = Shared {
                control,
                places: Arc::new(Semaphore::new(CONNECTIONS)),
                stop: stopped,
            };
            for (listener, access) in open {
                local.spawn_local(attend(listener, access, shared.clone()));
            }
            drop(shared);
            runtime.block_on(local);
        };
        let thread = std::thread::Builder::new()
            .name("rpc".into())
            .spawn(answer)?;
        Ok(Self { stop, thread })
    }

    /// Accepts no more connections, lets the answers that are due be written and ends. It may take seconds where
    /// somebody does not read.
    ///
    /// # Errors
    /// The thread ended early.
    pub fn stop(self) -> io::Result<()> {
        self.stop.send_replace(true);
        let early = |_| io::Error::other("the thread that answers calls ended early");
        self.thread.join().map_err(early)
    }
}

/// Accepts connections until the stop.
async fn attend(listener: AsyncListener, access: Access, shared: Shared) {
    let mut stop = shared.stop.clone();
    loop {
        let next = async {
            let place = Arc::clone(&shared.places).acquire_owned().await;
            let (connection, peer) = listener.accept().await?;
            Ok::<_, io::Error>((connection, peer, place))
        };
        let accepted = tokio::select! {
            // An error means that who could stop this is gone.
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = next => accepted,
        };
        match accepted {
            Ok((connection, peer, place)) => {
                tracing::debug!("rpc connection of {peer}");
                let talk = converse(connection, peer, access.clone(), shared.clone());
                spawn_local(async move {
                    talk.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::error!("no rpc connection: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Answers one connection until it ends.
async fn converse(connection: AsyncConnection, peer: Peer, access: Access, mut shared: Shared) {
    let room = Rc::new(Room::default());
    let calls = Calls::new(
        shared.control,
        Rc::clone(&room),
        peer,
        access,
        shared.stop.clone(),
    );
    let spore: spore::Client = new_client(calls);
    let (input, output) = connection.split();
    let input = Gate::new(BufReader::with_capacity(BUFFER, input), Rc::clone(&room));
    let output = BufWriter::with_capacity(BUFFER, output);
    let network = VatNetwork::new(input, output, Side::Server, CALL);
    let mut system = RpcSystem::new(Box::new(network), Some(spore.client));
    let disconnector = system.get_disconnector();
    let ended = tokio::select! {
        ended = &mut system => ended,
        _ = shared.stop.wait_for(|stop| *stop) => {
            let last = farewell(&mut system, &room, disconnector);
            if tokio::time::timeout(LAST_ANSWERS, last).await.is_err() {
                tracing::info!("{peer} does not take its last answers");
            }
            return;
        }
    };
    if let Err(error) = ended {
        tracing::info!("rpc connection of {peer}: {error}");
    }
}

/// Lets calls under way be answered, and the answers be written.
async fn farewell(system: &mut RpcSystem<Side>, room: &Room, disconnector: Disconnector<Side>) {
    let goodbye = async {
        room.empty().await;
        // The answers of the last calls are handed on from promise to promise before they are written.
        for _ in 0..PROMISES {
            tokio::task::yield_now().await;
        }
        drop(disconnector.await);
    };
    tokio::select! {
        _ = system => {}
        () = goodbye => {}
    }
}
