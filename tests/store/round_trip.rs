//! What was kept is found again as it was.

use super::common::{all, entry, folder, id, record, time, wait};
use mycelia_spore::model::{HostingProvider, Parse, ProjectName};
use mycelia_spore::release::{Digest, ReleaseId};
use mycelia_spore::store::{Cause, HistoryEntry, SiteRecord, SiteState, Store};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A record with something in every field.
fn full() -> SiteRecord {
    SiteRecord {
        provider: HostingProvider::S3Static,
        project: ProjectName::parse("other-name").unwrap(),
        config_digest: Digest::of(b"config"),
        fingerprint: Some(Digest::of(b"fingerprint")),
        artifact: Some(Digest::of(b"artifact")),
        release: Some(ReleaseId::of(b"release")),
        generation: u64::MAX,
        applied_at: time(1_790_000_000_123),
        next_edge: Some(time(-1)),
        protected: true,
        held: Some(Digest::of(b"held")),
        sent: [("env".to_owned(), Digest::of(b"sent"))].into(),
        state: SiteState::Failed,
        primary: "blog.example".into(),
        labels: vec![
            ("z".into(), "\"quoted\" \u{1f344}".into()),
            ("a".into(), String::new()),
        ],
        detail: "it's\nso".into(),
    }
}

#[test]
fn every_field_survives_a_reopen() {
    let (_above, folder) = folder();
    let (whole, bare) = (full(), record(0));
    let store = Store::open(&folder).unwrap();
    wait(store.commit(
        &id("whole"),
        whole.clone(),
        Some(vec![0, 1, 255]),
        Some(entry(7)),
    ))
    .unwrap();
    wait(store.commit(&id("bare"), bare.clone(), None, None)).unwrap();
    let look = |store: &Store| {
        assert_eq!(*store.site(&id("whole")).unwrap(), whole);
        assert_eq!(*store.site(&id("bare")).unwrap(), bare);
        assert_eq!(store.site(&id("unknown")), None);
        assert_eq!(store.message(&id("whole")).unwrap(), Some(vec![0, 1, 255]));
        assert_eq!(store.message(&id("bare")).unwrap(), None);
        assert_eq!(store.history(&id("whole"), 9).unwrap(), [entry(7)]);
        assert_eq!(store.history(&id("bare"), 9).unwrap(), []);
        let ids: Vec<String> = store.sites().iter().map(|(id, _)| id.to_string()).collect();
        assert_eq!(ids, ["bare", "whole"]);
    };
    look(&store);
    drop(store);
    look(&Store::open(&folder).unwrap());
    look(&Store::open_readonly(&folder).unwrap());
}

#[test]
fn every_provider_state_and_cause_survives_a_reopen() {
    let (_above, folder) = folder();
    let providers = [
        HostingProvider::CloudflarePages,
        HostingProvider::LocalStatic,
        HostingProvider::S3Static,
        HostingProvider::CriomosHost,
    ];
    let states = [
        SiteState::Live,
        SiteState::Absent,
        SiteState::Paused,
        SiteState::Failed,
    ];
    let causes = [Cause::Apply, Cause::Rollback, Cause::Remove];
    let store = Store::open(&folder).unwrap();
    for (number, (provider, state)) in providers.into_iter().zip(states).enumerate() {
        let kept = SiteRecord {
            provider,
            state,
            ..record(0)
        };
        let name = id(&format!("site-{number}"));
        wait(store.commit(&name, kept, None, None)).unwrap();
    }
    for cause in causes {
        let line = HistoryEntry {
            cause,
            release: None,
            ..entry(0)
        };
        wait(store.commit(&id("site-0"), record(1), None, Some(line))).unwrap();
    }
    let before = all(&store);
    drop(store);
    let store = Store::open(&folder).unwrap();
    assert_eq!(all(&store), before);
    for (number, (provider, state)) in providers.into_iter().zip(states).enumerate().skip(1) {
        let kept = store.site(&id(&format!("site-{number}"))).unwrap();
        assert_eq!((kept.provider, kept.state), (provider, state));
    }
    let kept = store.history(&id("site-0"), 9).unwrap();
    let kept: Vec<Cause> = kept.into_iter().rev().map(|line| line.cause).collect();
    assert_eq!(kept, causes);
}

#[test]
fn a_message_stays_until_another_is_given() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    let blog = id("blog");
    wait(store.commit(&blog, record(1), Some(b"one".to_vec()), None)).unwrap();
    wait(store.commit(&blog, record(2), None, None)).unwrap();
    assert_eq!(store.message(&blog).unwrap(), Some(b"one".to_vec()));
    wait(store.commit(&blog, record(3), Some(b"two".to_vec()), None)).unwrap();
    assert_eq!(store.message(&blog).unwrap(), Some(b"two".to_vec()));
    assert_eq!(store.site(&blog).unwrap().generation, 3);
}

#[test]
fn protection_changes_nothing_else_and_needs_a_known_site() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    wait(store.set_protected(&id("nobody"), true)).unwrap();
    assert_eq!(store.sites(), []);
    let blog = id("blog");
    let unprotected = SiteRecord {
        protected: false,
        ..full()
    };
    let message = Some(b"message".to_vec());
    wait(store.commit(&blog, unprotected.clone(), message.clone(), Some(entry(1)))).unwrap();
    wait(store.set_protected(&blog, true)).unwrap();
    drop(store);
    let store = Store::open(&folder).unwrap();
    assert_eq!(*store.site(&blog).unwrap(), full_protected(&unprotected));
    assert_eq!(store.message(&blog).unwrap(), message);
    assert_eq!(store.history(&blog, 9).unwrap(), [entry(1)]);
    wait(store.set_protected(&blog, false)).unwrap();
    assert_eq!(*store.site(&blog).unwrap(), unprotected);
}

fn full_protected(record: &SiteRecord) -> SiteRecord {
    SiteRecord {
        protected: true,
        ..record.clone()
    }
}

#[test]
fn two_thousand_sites_are_found_again() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    wait(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..2000 {
            let store = store.clone();
            tasks.spawn(async move {
                let name = id(&format!("site-{number}"));
                let kept = SiteRecord {
                    generation: number,
                    ..full()
                };
                store.commit(&name, kept, Some(vec![7; 500]), None).await
            });
        }
        while let Some(kept) = tasks.join_next().await {
            kept.unwrap().unwrap();
        }
    });
    drop(store);
    let sites = all(&Store::open(&folder).unwrap());
    assert_eq!(sites.len(), 2000);
    for number in 0..2000 {
        assert_eq!(sites[&format!("site-{number}")].generation, number);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Also the files that SQLite keeps beside the database while it is open: they hold messages as well.
#[test]
fn only_the_owner_can_read_what_is_kept() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    wait(store.commit(&id("blog"), record(1), Some(b"text".to_vec()), None)).unwrap();
    assert_eq!(mode(&folder), 0o700);
    let mut names = Vec::new();
    for found in fs::read_dir(&folder).unwrap() {
        let found = found.unwrap();
        names.push(found.file_name().into_string().unwrap());
        assert_eq!(mode(&found.path()), 0o600, "{}", found.path().display());
    }
    names.sort();
    assert_eq!(names, ["lock", "state.db", "state.db-shm", "state.db-wal"]);
}

#[test]
fn a_directory_that_is_there_keeps_its_mode() {
    let above = tempfile::tempdir().unwrap();
    fs::set_permissions(above.path(), fs::Permissions::from_mode(0o750)).unwrap();
    drop(Store::open(above.path()).unwrap());
    assert_eq!(mode(above.path()), 0o750);
    assert_eq!(mode(&above.path().join("state.db")), 0o600);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let above = tempfile::tempdir().unwrap();
    let file = above.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("state")).unwrap_err();
    assert!(error.to_string().contains("file/state"), "{error}");
}
