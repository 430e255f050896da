//! Values to keep, and the other halves of tests that need a second process.

use mycelia_spore::model::{HostingProvider, Parse, ProjectName, SiteId};
use mycelia_spore::release::{Digest, ReleaseId};
use mycelia_spore::store::{Cause, HistoryEntry, SiteRecord, SiteState, Store};
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The variable that names the state directory to the other half of a test.
const FOLDER: &str = "SPORE_TEST_STATE";

/// A state directory that is not there yet, and what holds it.
pub(crate) fn folder() -> (TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("state");
    (above, folder)
}

/// Runs to the end what the store is asked.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(work)
}

pub(crate) fn id(name: &str) -> SiteId {
    SiteId::parse(name).unwrap()
}

/// A time of the precision that is kept.
pub(crate) fn time(milliseconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(milliseconds).unwrap()
}

/// A record with all that is optional left out, told apart from others by its number.
pub(crate) fn record(number: u64) -> SiteRecord {
    SiteRecord {
        provider: HostingProvider::LocalStatic,
        project: ProjectName::parse("blog").unwrap(),
        config_digest: Digest::of(&number.to_le_bytes()),
        fingerprint: None,
        artifact: None,
        release: None,
        generation: number,
        applied_at: time(1_700_000_000_000),
        next_edge: None,
        protected: false,
        held: None,
        sent: [("env".to_owned(), Digest::of(b"sent"))].into(),
        state: SiteState::Live,
        primary: String::new(),
        labels: Vec::new(),
        detail: String::new(),
    }
}

/// A line of history, told apart from others by its number.
pub(crate) fn entry(number: u64) -> HistoryEntry {
    HistoryEntry {
        release: Some(ReleaseId::of(&number.to_le_bytes())),
        at: time(1_700_000_000_000),
        seq: number,
        cause: Cause::Apply,
        detail: format!("change {number}"),
    }
}

/// All records, by value.
pub(crate) fn all(store: &Store) -> BTreeMap<String, SiteRecord> {
    let pair = |(id, record): (SiteId, std::sync::Arc<SiteRecord>)| {
        (id.to_string(), SiteRecord::clone(&record))
    };
    store.sites().into_iter().map(pair).collect()
}

/// This test binary, asked to run the ignored test `name` on a state directory.
pub(crate) fn other_half(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(FOLDER, folder);
    command
}

/// The state directory of the other half of a test; `None` when it was not started by the first half.
pub(crate) fn given_folder() -> Option<PathBuf> {
    env::var_os(FOLDER).map(PathBuf::from)
}
