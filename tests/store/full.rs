//! A full disk: nothing is half kept, and the store works again when there is space.

use super::common::{all, entry, folder, given_folder, id, other_half, record, wait};
use mycelia_spore::store::{Store, StoreError};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// The other half, on a file system of 2 MiB of its own.
#[test]
#[ignore = "started on a small file system"]
fn on_a_small_disk() {
    let Some(disk) = given_folder() else { return };
    let folder = disk.join("state");
    let store = Store::open(&folder).unwrap();
    let blog = id("blog");
    let message = Some(b"good".to_vec());
    wait(store.commit(&blog, record(1), message.clone(), Some(entry(1)))).unwrap();
    let ballast = disk.join("ballast");
    fill(&ballast);

    let (number, error) = fails(&store, &id("other"));
    let told = error.to_string();
    assert!(matches!(error, StoreError::Database { .. }));
    assert!(told.contains("disk is full"), "{told}");
    assert!(told.contains("state.db"), "the file is not named: {told}");
    assert_eq!(kept(&store, &id("other")), number - 1);
    let failed = wait(store.commit(&blog, record(2), Some(vec![0; 1 << 20]), Some(entry(2))));
    failed.unwrap_err();
    assert_eq!(*store.site(&blog).unwrap(), record(1));
    assert_eq!(store.message(&blog).unwrap(), message);
    assert_eq!(store.history(&blog, 9).unwrap(), [entry(1)]);

    fs::remove_file(&ballast).unwrap();
    wait(store.commit(&blog, record(3), Some(b"better".to_vec()), None)).unwrap();
    let before = all(&store);
    drop(store);
    let store = Store::open(&folder).unwrap();
    assert_eq!(all(&store), before);
    assert_eq!(*store.site(&blog).unwrap(), record(3));
    assert_eq!(kept(&store, &id("other")), number - 1);
}

fn kept(store: &Store, site: &mycelia_spore::model::SiteId) -> u64 {
    store.site(site).map_or(0, |record| record.generation)
}

/// Takes all space that is left.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
}

/// Writes until it fails.
fn fails(store: &Store, site: &mycelia_spore::model::SiteId) -> (u64, StoreError) {
    for number in 1..1000 {
        let message = Some(vec![1; 50_000]);
        if let Err(error) = wait(store.commit(site, record(number), message, None)) {
            return (number, error);
        }
    }
    panic!("the disk does not get full");
}

#[test]
fn a_full_disk_leaves_what_was_kept_and_hinders_no_longer_than_it_lasts() {
    let (above, _) = folder();
    let mount = "mount -t tmpfs -o size=2m,mode=700 none \"$0\"";
    let can = Command::new("unshare")
        .args(["-m", "sh", "-c", mount])
        .arg(above.path())
        .output();
    if !can.is_ok_and(|can| can.status.success()) {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: a file system of its own needs root (or CAP_SYS_ADMIN) and unshare"
        );
        return;
    }
    let half = other_half("full::on_a_small_disk", above.path());
    let ended = Command::new("unshare")
        .args(["-m", "sh", "-c", &format!("{mount} && exec \"$@\"")])
        .arg(above.path())
        .arg(half.get_program())
        .args(half.get_args())
        .envs(
            half.get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    let ran = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{ran}{told}");
    assert!(
        ran.contains("1 passed"),
        "the other half did not run: {ran}"
    );
}
