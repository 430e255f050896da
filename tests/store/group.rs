//! Changes that come together share a transaction.

use super::common::{all, folder, id, record, wait};
use mycelia_spore::store::Store;
use tokio::task::JoinSet;

#[test]
fn changes_that_come_together_share_a_transaction() {
    const CHANGES: u64 = 500;
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    assert_eq!(store.commits(), 0);
    wait(async {
        let mut tasks = JoinSet::new();
        for number in 0..CHANGES {
            let store = store.clone();
            let name = id(&format!("site-{number}"));
            tasks.spawn(async move { store.commit(&name, record(number), None, None).await });
        }
        while let Some(kept) = tasks.join_next().await {
            kept.unwrap().unwrap();
        }
    });
    let commits = store.commits();
    assert!((1..CHANGES / 10).contains(&commits), "{commits} commits");
    let before = all(&store);
    assert_eq!(before.len(), 500);
    drop(store);
    assert_eq!(all(&Store::open(&folder).unwrap()), before);
}

#[test]
fn a_change_alone_has_a_transaction_of_its_own() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    for number in 0..3 {
        wait(store.commit(&id("blog"), record(number), None, None)).unwrap();
    }
    assert_eq!(store.commits(), 3);
}

/// Whoever asked may go away: the change counts all the same, in memory as on disk.
#[test]
fn a_change_nobody_waits_for_is_kept() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    wait(async {
        let name = id("blog");
        let change = store.commit(&name, record(1), None, None);
        let soon = std::time::Duration::ZERO;
        let _ = tokio::time::timeout(soon, change).await;
    });
    wait(store.commit(&id("other"), record(2), None, None)).unwrap();
    assert_eq!(all(&store).len(), 2);
    drop(store);
    assert_eq!(all(&Store::open(&folder).unwrap()).len(), 2);
}

/// Two changes of one site at once must not take each other back.
#[test]
fn protecting_a_site_does_not_undo_a_change_made_meanwhile() {
    let (_above, folder) = folder();
    let store = Store::open(&folder).unwrap();
    let blog = id("blog");
    wait(store.commit(&blog, record(0), None, None)).unwrap();
    wait(async {
        for number in 1..50 {
            let (one, two) = tokio::join!(
                store.commit(&blog, record(number), None, None),
                store.set_protected(&blog, true),
            );
            one.unwrap();
            two.unwrap();
            let kept = store.site(&blog).unwrap();
            assert_eq!((kept.generation, kept.protected), (number, true));
        }
    });
    let before = all(&store);
    drop(store);
    assert_eq!(all(&Store::open(&folder).unwrap()), before);
}
