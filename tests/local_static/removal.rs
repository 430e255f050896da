//! Sites that were taken down, and what is kept of them.

use crate::common::{desired, keeping, names};
use crate::place::{Place, blog, index};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A moment so many days from now.
fn in_days(days: i64) -> jiff::Timestamp {
    jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days)
}

#[test]
fn a_site_that_is_taken_down_leaves_a_tombstone() {
    let place = Place::new();
    let release = place.publish(&blog(), &index("one"));
    place.remove(&blog());
    let layout = place.backend.layout();
    assert!(!layout.live("blog").exists());
    assert!(layout.tombstone("blog").exists());
    assert!(layout.release("blog", &release).exists());
    assert!(!place.backend.is_live("blog", &release));
}

#[test]
fn what_was_taken_down_is_swept_after_its_time() {
    let place = Place::new();
    place.publish(&blog(), &index("one"));
    let other = desired("other", keeping(5), names(&["other.example"]));
    place.publish(&other, &index("one"));
    place.remove(&blog());
    let before = place.tree();
    assert_eq!(place.backend.sweep(in_days(-30)).unwrap(), [""; 0]);
    assert_eq!(place.tree(), before);
    assert_eq!(place.backend.sweep(in_days(1)).unwrap(), ["blog"]);
    let layout = place.backend.layout();
    assert!(!layout.tombstone("blog").exists());
    assert!(!layout.releases("blog").exists());
    // What is live stays, however old.
    assert!(place.observe(&other).is_some());
    assert!(layout.releases("other").exists());
    assert_eq!(place.backend.sweep(in_days(1)).unwrap(), [""; 0]);
}

#[test]
fn sweeping_where_nothing_ever_was_is_fine() {
    assert_eq!(Place::new().backend.sweep(in_days(1)).unwrap(), [""; 0]);
}

#[test]
fn coming_back_in_time_keeps_the_history() {
    let place = Place::new();
    let one = place.publish(&blog(), &index("one"));
    let two = place.publish(&blog(), &index("two"));
    place.remove(&blog());
    place.publish(&blog(), &index("three"));
    assert_eq!(place.live().previous, [two.clone(), one.clone()]);
    let layout = place.backend.layout();
    assert!(!layout.tombstone("blog").exists());
    assert!(layout.release("blog", &one).exists());
    // It is not swept: it lives.
    place.backend.sweep(in_days(1)).unwrap();
    assert!(layout.release("blog", &two).exists());
}

#[test]
fn coming_back_too_late_begins_anew() {
    let place = Place::new();
    place.publish(&blog(), &index("one"));
    place.remove(&blog());
    place.backend.sweep(in_days(1)).unwrap();
    place.publish(&blog(), &index("two"));
    assert_eq!(place.live().previous, []);
    assert_eq!(place.releases().len(), 1);
}

#[test]
fn a_tombstone_beside_a_live_site_takes_no_releases_along() {
    let place = Place::new();
    place.publish(&blog(), &index("one"));
    place.remove(&blog());
    let path = place.backend.layout().tombstone("blog");
    let tombstone = fs::read(&path).unwrap();
    let release = place.publish(&blog(), &index("one"));
    // As a crash between the pointer's rename and the tombstone's removal leaves it.
    fs::write(&path, tombstone).unwrap();
    assert_eq!(place.backend.sweep(in_days(1)).unwrap(), [""; 0]);
    assert!(!path.exists());
    assert!(place.backend.layout().release("blog", &release).exists());
}

#[test]
fn a_damaged_tombstone_does_not_keep_others_from_being_swept() {
    let place = Place::new();
    for id in ["a", "blog", "z"] {
        let site = desired(id, keeping(5), names(&[&format!("{id}.example")]));
        place.publish(&site, &index("one"));
        place.remove(&site);
    }
    let damaged = place.backend.layout().tombstone("blog");
    fs::write(&damaged, "{").unwrap();
    let mut swept = place.backend.sweep(in_days(1)).unwrap();
    swept.sort();
    assert_eq!(swept, ["a", "z"]);
    assert!(damaged.exists(), "what cannot be read is left to a person");
    assert!(place.backend.layout().releases("blog").exists());
}

#[test]
fn a_site_comes_back_whole_while_what_is_gone_is_swept() {
    let place = Place::new();
    let backend = place.backend.clone();
    let over = AtomicBool::new(false);
    let swept = thread::scope(|scope| {
        let sweeper = scope.spawn(|| {
            let mut swept = 0;
            while !over.load(Ordering::Relaxed) {
                swept += backend.sweep(in_days(1)).unwrap().len();
            }
            swept
        });
        for round in 0..200 {
            let release = place.publish(&blog(), &index(&round.to_string()));
            let folder = place.backend.layout().release("blog", &release);
            let whole = place
                .observe(&blog())
                .is_some_and(|it| it.artifact.is_some());
            if !whole || !folder.is_dir() {
                over.store(true, Ordering::Relaxed);
                panic!("round {round}: the release is not whole");
            }
            place.remove(&blog());
        }
        over.store(true, Ordering::Relaxed);
        sweeper.join().unwrap()
    });
    assert!(swept > 0, "nothing was ever swept");
    backend.sweep(in_days(1)).unwrap();
    let left = fs::read_dir(backend.layout().root().join("releases")).unwrap();
    assert_eq!(left.count(), 0);
}
