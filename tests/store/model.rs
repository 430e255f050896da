//! Any sequence of changes leaves what a plain map would hold, in memory and after each reopen.

use super::common::{all, entry, folder, id, record, wait};
use mycelia_spore::store::{HistoryEntry, SiteRecord, StepId, Store};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Clone, Debug)]
enum Change {
    Commit {
        site: u8,
        number: u64,
        message: bool,
        history: bool,
    },
    Protect {
        site: u8,
        protected: bool,
    },
    Begin {
        site: u8,
        seq: u64,
    },
    /// Ends one of the open steps, by its place among them.
    End {
        place: usize,
        done: bool,
        seen: bool,
    },
    Reopen,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        5 => (0..4_u8, any::<u64>(), any::<bool>(), any::<bool>()).prop_map(
            |(site, number, message, history)| Change::Commit { site, number, message, history }
        ),
        2 => (0..4_u8, any::<bool>()).prop_map(
            |(site, protected)| Change::Protect { site, protected }
        ),
        2 => (0..4_u8, any::<u64>()).prop_map(|(site, seq)| Change::Begin { site, seq }),
        2 => (any::<usize>(), any::<bool>(), any::<bool>()).prop_map(
            |(place, done, seen)| Change::End { place, done, seen }
        ),
        1 => Just(Change::Reopen),
    ];
    proptest::collection::vec(change, 1..40)
}

/// What should be kept.
#[derive(Default)]
struct Model {
    sites: BTreeMap<String, SiteRecord>,
    messages: BTreeMap<String, Vec<u8>>,
    /// Newest last.
    history: BTreeMap<String, Vec<HistoryEntry>>,
    /// Open steps with their site and message, oldest first.
    steps: Vec<(StepId, String, u64)>,
}

fn name(site: u8) -> String {
    format!("site-{site}")
}

impl Model {
    fn perform(&mut self, change: &Change, store: Store, folder: &Path) -> Store {
        match *change {
            Change::Commit {
                site,
                number,
                message,
                history,
            } => {
                let (name, number) = (name(site), number);
                let body = message.then(|| number.to_le_bytes().to_vec());
                let line = history.then(|| entry(number));
                wait(store.commit(&id(&name), record(number), body.clone(), line.clone())).unwrap();
                self.sites.insert(name.clone(), record(number));
                self.messages.extend(body.map(|body| (name.clone(), body)));
                self.history.entry(name).or_default().extend(line);
            }
            Change::Protect { site, protected } => {
                wait(store.set_protected(&id(&name(site)), protected)).unwrap();
                if let Some(record) = self.sites.get_mut(&name(site)) {
                    record.protected = protected;
                }
            }
            Change::Begin { site, seq } => {
                let step = wait(store.begin(&id(&name(site)), seq, "publish", "t")).unwrap();
                self.steps.push((step, name(site), seq));
            }
            Change::End { place, done, seen } => {
                if self.steps.is_empty() {
                    return store;
                }
                let (step, ..) = self.steps.remove(place % self.steps.len());
                if seen {
                    wait(store.resolve_interrupted(step, "seen")).unwrap();
                } else {
                    wait(store.finish(step, done, "")).unwrap();
                }
            }
            Change::Reopen => {
                drop(store);
                return Store::open(folder).unwrap();
            }
        }
        store
    }

    fn assert_same(&self, store: &Store) {
        assert_eq!(all(store), self.sites);
        for site in (0..4).map(name) {
            let message = store.message(&id(&site)).unwrap();
            assert_eq!(message.as_ref(), self.messages.get(&site));
            let mut lines = store.history(&id(&site), usize::MAX).unwrap();
            lines.reverse();
            assert_eq!(lines, self.history.get(&site).cloned().unwrap_or_default());
        }
        let open: Vec<_> = store
            .interrupted()
            .unwrap()
            .into_iter()
            .map(|step| (step.id, step.site.to_string(), step.seq))
            .collect();
        assert_eq!(open, self.steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_sequence_of_changes_leaves_what_a_map_would_hold(changes in changes()) {
        let (_above, folder) = folder();
        let mut store = Store::open(&folder).unwrap();
        let mut model = Model::default();
        for change in &changes {
            store = model.perform(change, store, &folder);
            model.assert_same(&store);
        }
        drop(store);
        model.assert_same(&Store::open_readonly(&folder).unwrap());
        model.assert_same(&Store::open(&folder).unwrap());
    }
}
