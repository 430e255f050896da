//! A fake of the Cloudflare API on the loopback interface: Pages, zones and DNS records.
//!
//! It keeps state as the service does and is stricter: what a client does wrong is refused, and noted in
//! [`World::violations`] where the service itself is not known to refuse it. The codes 7003, 10000, 80000057
//! and those from 8000000 and 81000 on are the service's, as far as people have met them; others, and HTTP
//! statuses within their class, are likely ones, so clients must not rest on them.
//!
//! Take it into a test program or a benchmark by
//!
//! ```text
//! #[path = "../fake/cloudflare/mod.rs"]
//! mod cloudflare;
//! ```
//!
//! A [`Fake`] runs on a thread of its own, so synchronous tests can use it too, and ends when it is dropped.
//! Paths in faults and in the log of calls are relative to `/client/v4`.
#![allow(
    dead_code,
    unused_imports,
    reason = "each of the programs that share this takes its part"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod access;
mod assets;
mod batch;
mod builds;
mod clock;
mod deployment;
mod deployments;
mod domain;
mod domains;
mod fault;
mod form;
mod jwt;
mod log;
mod project;
mod projects;
mod rate;
mod record;
mod record_types;
mod records;
mod refusal;
mod route;
mod server;
mod shape;
mod shapes;
mod upload;
mod wire;
mod world;
mod zones;

pub(crate) use access::{Permission, Token};
pub(crate) use assets::{Asset, asset_key};
pub(crate) use builds::{Build, BuildFailure, STAGES};
pub(crate) use deployment::{Deployment, Trigger};
pub(crate) use domain::{Domain, DomainClock};
pub(crate) use fault::{Fault, FaultId, Trouble};
pub(crate) use log::Call;
pub(crate) use project::Project;
pub(crate) use rate::Rate;
pub(crate) use record::Record;
pub(crate) use refusal::strict;
pub(crate) use world::{Account, Settings, World, Zone};

use server::{Server, Shared};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A running fake; its server ends when it is dropped.
pub(crate) struct Fake {
    shared: Arc<Shared>,
    server: Server,
    token: String,
    account: String,
}

impl Fake {
    /// Starts a fake with one account and one token that may do everything in it.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// Starts a fake after `prepare` has set up its world.
    pub(crate) fn with(prepare: impl FnOnce(&mut World)) -> Self {
        let mut world = World::new();
        let account = world.add_account("Spore Farm");
        let token = world.add_token(Token::over([account.clone()]));
        prepare(&mut world);
        let shared = Arc::new(Shared::new(world));
        let server = Server::start(Arc::clone(&shared));
        Self {
            shared,
            server,
            token,
            account,
        }
    }

    /// The base that paths are appended to, as `http://127.0.0.1:PORT/client/v4`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/client/v4", self.server.address())
    }

    /// The token that may do everything in the first account.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The identifier of the first account.
    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// Everything that the fake knows, to be set up or looked at. No request is answered while it is held:
    /// let go of it before the client is asked for something.
    pub(crate) fn state(&self) -> MutexGuard<'_, World> {
        locked(&self.shared.world)
    }

    /// A copy of a project of the first account.
    ///
    /// # Panics
    ///
    /// When there is no such project.
    pub(crate) fn project(&self, name: &str) -> Project {
        let state = self.state();
        let project = state.accounts[&self.account].projects.get(name);
        project
            .unwrap_or_else(|| panic!("there is no project {name}"))
            .clone()
    }

    /// Adds an active zone to the first account and returns its identifier.
    pub(crate) fn add_zone(&self, name: &str) -> String {
        self.state().add_zone(&self.account, name)
    }

    /// Scripts a fault: see [`Fault`]. Of several that match a call, the one scripted first strikes.
    pub(crate) fn fault(&self, fault: Fault) -> FaultId {
        locked(&self.shared.script).add(fault)
    }

    /// How often a fault has struck.
    pub(crate) fn struck(&self, fault: FaultId) -> u32 {
        locked(&self.shared.script).struck(fault)
    }

    /// Ends all scripted faults.
    pub(crate) fn clear_faults(&self) {
        locked(&self.shared.script).clear();
    }

    /// The calls since the last [`Self::clear_calls`], in the order of their arrival.
    pub(crate) fn calls(&self) -> Vec<Call> {
        locked(&self.shared.log).calls.clone()
    }

    /// The calls that were neither GET nor HEAD, each as `METHOD PATH STATUS`.
    pub(crate) fn changes(&self) -> Vec<String> {
        let calls = self.calls().into_iter();
        calls
            .filter(Call::is_change)
            .map(|call| call.to_string())
            .collect()
    }

    /// Forgets the calls so far and the highest number of calls at once.
    pub(crate) fn clear_calls(&self) {
        locked(&self.shared.log).clear();
    }

    /// The highest number of calls that were being answered at one time.
    pub(crate) fn peak(&self) -> usize {
        locked(&self.shared.log).peak
    }

    /// How many calls are being answered now.
    pub(crate) fn running(&self) -> usize {
        locked(&self.shared.log).running
    }

    /// How many connections were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        locked(&self.shared.log).connections
    }

    /// What clients did wrong so far that the service is not known to refuse, and so may pass over in silence.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// Moves the fake's clock: upload tokens age, the window of the rate limit passes.
    pub(crate) fn advance(&self, time: Duration) {
        self.state().clock.advance(time);
    }
}

/// Locks, whatever a panicking test has done to the lock.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
