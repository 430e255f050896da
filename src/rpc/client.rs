//! The side that asks.

use super::ANSWER;
use super::told::{Told, Trouble, time};
use crate::edge::socket::{AsyncConnection, SocketError};
use crate::model::SiteId;
use crate::reconcile::SiteOrder;
use crate::report::{Cause, Report};
use crate::schema::daemon_capnp::{
    Activity, Health, daemon_status, site_order, site_status, spore, watcher,
};
use crate::schema::spore_capnp::spore_config;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::twoparty::VatNetwork;
use capnp_rpc::{RpcSystem, new_client};
use futures_util::io::{BufReader, BufWriter};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::rc::Rc;
use thiserror::Error;
use tokio::task::{LocalSet, spawn_local};

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum CallError {
    /// The socket cannot be connected to.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The process has no thread or descriptor left.
    #[error("the daemon cannot be asked")]
    Exhausted(#[source] io::Error),
    /// The daemon, or the connection to it, ended.
    #[error("the daemon went away: {0}")]
    Gone(String),
    /// The daemon does not answer this.
    #[error("{0}")]
    Refused(String),
}

impl From<capnp::Error> for CallError {
    fn from(error: capnp::Error) -> Self {
        match error.kind {
            capnp::ErrorKind::Disconnected => Self::Gone(error.extra),
            // What the other side says is told with a prefix that says so.
            capnp::ErrorKind::Failed => {
                let said = error.extra.strip_prefix("remote exception: ");
                Self::Refused(said.unwrap_or(&error.extra).to_owned())
            }
            _ => Self::Refused(error.to_string()),
        }
    }
}

/// A connection to a running daemon.
#[derive(Clone)]
pub struct Asking {
    spore: spore::Client,
}

/// Connects to the daemon that listens at `path`, and asks it. It blocks, and may not be called from within an
/// asynchronous runtime.
///
/// # Errors
/// Nobody listens there, or what `ask` says.
pub fn ask<T>(
    path: &Path,
    ask: impl AsyncFnOnce(Asking) -> Result<T, CallError>,
) -> Result<T, CallError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CallError::Exhausted)?;
    LocalSet::new().block_on(&runtime, async {
        let asking = Asking::connect(path).await?;
        ask(asking).await
    })
}

impl Asking {
    /// Connects. It is used within a [`LocalSet`], whose tasks it lives by.
    ///
    /// # Errors
    /// Nobody listens there, or this process may not connect.
    pub async fn connect(path: &Path) -> Result<Self, CallError> {
        let (input, output) = AsyncConnection::connect(path).await?.split();
        let (input, output) = (BufReader::new(input), BufWriter::new(output));
        let network = VatNetwork::new(input, output, Side::Client, ANSWER);
        let mut system = RpcSystem::new(Box::new(network), None);
        let spore = system.bootstrap(Side::Server);
        spawn_local(async move {
            if let Err(error) = system.await {
                tracing::debug!("rpc: {error}");
            }
        });
        Ok(Self { spore })
    }

    /// Lets a message be carried out, and gives its report.
    ///
    /// # Errors
    /// The daemon went away before it had the report.
    pub async fn apply(&self, config: spore_config::Reader<'_>) -> Result<Report, CallError> {
        let mut request = self.spore.apply_request();
        request.get().set_config(config)?;
        let response = request.send().promise.await?;
        Ok(Report::from_reader(response.get()?.get_report()?)?)
    }

    /// What a message would change.
    ///
    /// # Errors
    /// The daemon went away.
    pub async fn plan(&self, config: spore_config::Reader<'_>) -> Result<Report, CallError> {
        let mut request = self.spore.plan_request();
        request.get().set_config(config)?;
        let response = request.send().promise.await?;
        Ok(Report::from_reader(response.get()?.get_report()?)?)
    }

    /// Does something with one site, and gives the report of it.
    ///
    /// # Errors
    /// The daemon went away before it had the report.
    pub async fn order(&self, site: &SiteId, order: &SiteOrder) -> Result<Report, CallError> {
        let mut request = self.spore.order_request();
        request.get().set_site(site.as_str());
        put(request.get().init_order(), order);
        let response = request.send().promise.await?;
        Ok(Report::from_reader(response.get()?.get_report()?)?)
    }

    /// The daemon as it is now, with one site or all that this process may change.
    ///
    /// # Errors
    /// The daemon went away.
    pub async fn status(&self, only: Option<&SiteId>) -> Result<Status, CallError> {
        let mut request = self.spore.status_request();
        request.get().set_site(only.map_or("", SiteId::as_str));
        let response = request.send().promise.await?;
        Ok(Status::read(response.get()?.get_status()?)?)
    }

    /// Hands on what happens, to one site or to all that this process may change, until the daemon ends or `tell`
    /// says that it is enough.
    ///
    /// # Errors
    /// The daemon went away without a word, or does not let this process watch.
    pub async fn watch(
        &self,
        only: Option<&SiteId>,
        tell: impl FnMut(Told) -> bool + 'static,
    ) -> Result<(), CallError> {
        let (enough, told_enough) = tokio::sync::oneshot::channel();
        let watcher = Watcher(RefCell::new(Some(Listening { tell, enough })));
        let watcher: watcher::Client = new_client(watcher);
        let mut request = self.spore.watch_request();
        request.get().set_site(only.map_or("", SiteId::as_str));
        request.get().set_watcher(watcher);
        let mut ended = request.send().promise;
        tokio::select! {
            ended = &mut ended => ended.map(drop)?,
            enough = told_enough => {
                // The daemon let go of the watcher: why, is said by the answer on its way.
                if enough.is_err() {
                    ended.await?;
                }
            }
        }
        Ok(())
    }
}

fn put(mut to: site_order::Builder<'_>, order: &SiteOrder) {
    match order {
        SiteOrder::Refresh => to.set_refresh(()),
        SiteOrder::Rollback(release) => to.set_rollback(release.as_deref().unwrap_or_default()),
        SiteOrder::Protect(true) => to.set_protect(()),
        SiteOrder::Protect(false) => to.set_unprotect(()),
        SiteOrder::Suspend => to.set_pause(()),
        SiteOrder::Resume => to.set_resume(()),
        SiteOrder::Forget => to.set_forget(()),
        SiteOrder::TakeOver => to.set_take_over(()),
    }
}

/// Who is told, until it has heard enough.
struct Watcher<F>(RefCell<Option<Listening<F>>>);

struct Listening<F> {
    tell: F,
    enough: tokio::sync::oneshot::Sender<()>,
}

impl<F: FnMut(Told) -> bool + 'static> watcher::Server for Watcher<F> {
    async fn event(
        self: Rc<Self>,
        params: watcher::EventParams,
        _results: watcher::EventResults,
    ) -> capnp::Result<()> {
        let told = Told::read(params.get()?.get_event()?)?;
        let mut listening = self.0.borrow_mut();
        let goes_on = listening
            .as_mut()
            .is_some_and(|listening| (listening.tell)(told));
        if !goes_on && let Some(listening) = listening.take() {
            // An error means that the watch has ended by itself.
            let _ = listening.enough.send(());
        }
        Ok(())
    }
}

/// A daemon at one moment.
#[derive(Clone, Debug)]
pub struct Status {
    /// The moment.
    pub at: jiff::Timestamp,
    /// When it was ready for its first message.
    pub started: jiff::Timestamp,
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Whether it ends.
    pub draining: bool,
    /// Messages that wait for their turn.
    pub queued: u32,
    /// The sites.
    pub sites: BTreeMap<String, Site>,
    /// Accounts that are left alone, and until when; `None` when they are just tried.
    pub circuits: Vec<(String, Option<jiff::Timestamp>)>,
}

/// What a site does, and how it is.
#[derive(Clone, Debug)]
pub struct Site {
    /// What it does.
    pub activity: Activity,
    /// Until when, or since when if it is worked on.
    pub until: Option<jiff::Timestamp>,
    /// How many attempts it had, or which one it is.
    pub attempt: u32,
    /// The account it waits for.
    pub account: String,
    /// What it is worked on for.
    pub cause: Cause,
    /// How it is.
    pub health: Health,
    /// How its last attempt failed.
    pub problem: Option<Trouble>,
    /// Whether the configuration last accepted still has to be carried out.
    pub unfinished: bool,
}

impl Status {
    fn read(status: daemon_status::Reader<'_>) -> capnp::Result<Self> {
        let mut sites = BTreeMap::new();
        for site in status.get_sites()? {
            sites.insert(site.get_site()?.to_string()?, Site::read(site)?);
        }
        let mut circuits = Vec::new();
        for circuit in status.get_circuits()? {
            let account = circuit.get_account()?.to_string()?;
            circuits.push((account, time(circuit.get_until())));
        }
        Ok(Self {
            at: time(status.get_at()).unwrap_or_default(),
            started: time(status.get_started()).unwrap_or_default(),
            version: status.get_version()?.to_string()?,
            pid: status.get_pid(),
            draining: status.get_draining(),
            queued: status.get_counts()?.get_queued(),
            sites,
            circuits,
        })
    }
}

impl Site {
    fn read(site: site_status::Reader<'_>) -> capnp::Result<Self> {
        let problem = site
            .has_problem()
            .then(|| Trouble::read(site.get_problem()?));
        Ok(Self {
            activity: site.get_activity()?,
            until: time(site.get_until()),
            attempt: site.get_attempt(),
            account: site.get_account()?.to_string()?,
            cause: site.get_cause().unwrap_or(Cause::Operator),
            health: site.get_health()?,
            problem: problem.transpose()?,
            unfinished: site.get_unfinished(),
        })
    }
}
