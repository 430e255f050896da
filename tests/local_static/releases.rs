//! How a release comes to be live, and which stay.

use crate::common::{artifact, artifact_in, block_on, keeping, publication, write_files};
use crate::place::{Place, blog, index};
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::hosting::HostingBackend;
use mycelia_spore::release::{Live, ReleaseId};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// The site's files of one number.
fn numbered(number: u32) -> Arc<mycelia_spore::artifact::Artifact> {
    let text = format!("release {number}");
    let long = text.repeat(2000);
    artifact(&[("index.html", &text), ("long.txt", &long)])
}

/// Reads the live release as a visitor's server would, and gives its number: the pointer, then all files.
fn read_whole(place: &Place) -> u32 {
    let live: Live = place.live();
    let layout = place.backend.layout();
    let manifest = place.manifest(&live.release);
    let mut numbers: Vec<u32> = manifest
        .files
        .iter()
        .map(|(path, file)| {
            let bytes = fs::read(layout.files("blog", &live.release).join(path)).unwrap();
            assert_eq!(bytes.len() as u64, file.size, "{path}");
            assert_eq!(mycelia_spore::release::Digest::of(&bytes), file.digest);
            let text = String::from_utf8(bytes).unwrap();
            let number = text.split("release ").nth(1).unwrap();
            number.parse().unwrap()
        })
        .collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 1, "a mixture of releases");
    numbers[0]
}

#[test]
fn readers_see_whole_releases_while_they_are_switched() {
    const SWITCHES: u32 = 200;
    let place = Place::new();
    // More than a reader can fall behind, fewer than there are: releases are pruned as well.
    let mut site = blog();
    site.hosting.settings = keeping(100);
    place.publish(&site, &numbered(0));
    let done = AtomicBool::new(false);
    let read = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut read, mut last) = (0_u32, 0);
            while !done.load(Ordering::Relaxed) {
                let number = read_whole(&place);
                assert!(number >= last, "{number} after {last}");
                (read, last) = (read + 1, number);
            }
            read
        });
        for number in 1..=SWITCHES {
            place.publish(&site, &numbered(number));
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(read > 1);
    assert_eq!(read_whole(&place), SWITCHES);
    assert_eq!(place.releases().len(), 100);
}

#[test]
fn one_rename_makes_a_release_live() {
    let place = Place::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let pointer = place.backend.layout().live("blog");
    let notes = Arc::clone(&seen);
    let backend = place.backend.clone().on_switch(Arc::new(move |project| {
        let pointer = fs::read(&pointer).map(|bytes| {
            let live: Live = serde_json::from_slice(&bytes).unwrap();
            live.release
        });
        notes
            .lock()
            .unwrap()
            .push((project.to_owned(), pointer.ok()));
    }));
    let mut before = None;
    for text in ["one", "two", "two"] {
        let action = publication(&backend, &blog(), &index(text));
        block_on(backend.perform(&action)).unwrap();
        let path = place.backend.layout().live("blog");
        // A file of its own each time: readers of the old one keep it whole.
        let inode = fs::metadata(path).unwrap().ino();
        assert_ne!(before.replace(inode), Some(inode));
        let live = place.live().release;
        let told = seen.lock().unwrap().drain(..).collect::<Vec<_>>();
        assert_eq!(told, [("blog".to_owned(), Some(live))]);
    }
}

#[test]
fn content_is_compared_with_the_artifact() {
    let place = Place::new();
    let source = place.folder().join("source");
    let first = artifact_in(&source, &[("index.html", "one"), ("a.css", "a{}")]);
    let release = place.publish(&blog(), &first);
    let second = artifact_in(&source, &[("index.html", "two"), ("a.css", "b{}")]);
    // Of the same length, after the artifact was made.
    write_files(&source, &[("a.css", "c{}")]);
    let error = place.try_publish(&blog(), &second).unwrap_err();
    assert!(error.full().contains("a.css changed"), "{}", error.full());
    assert!(matches!(error.kind, EdgeErrorKind::Transient { .. }));
    assert_eq!(place.live().release, release);
    assert_eq!(
        fs::read_to_string(place.file(&release, "a.css")).unwrap(),
        "a{}"
    );
    // What was begun is cleared away by the next publication.
    let third = artifact_in(&source, &[("index.html", "two"), ("a.css", "c{}")]);
    let next = place.publish(&blog(), &third);
    let mut kept = [release.to_string(), next.to_string()];
    kept.sort();
    assert_eq!(place.releases(), kept);
}

#[test]
fn a_source_file_that_went_away_is_named() {
    let place = Place::new();
    let source = place.folder().join("source");
    let files = artifact_in(&source, &[("index.html", "one"), ("a.css", "a{}")]);
    fs::remove_file(source.join("a.css")).unwrap();
    let error = place.try_publish(&blog(), &files).unwrap_err().full();
    let path = source.join("a.css").display().to_string();
    assert!(
        error.contains(&format!("{path} cannot be read")),
        "the file that is missing is the source's: {error}"
    );
    assert_eq!(place.observe(&blog()), None);
}

#[test]
fn so_many_releases_are_kept_and_the_rest_pruned() {
    let place = Place::new();
    let mut site = blog();
    site.hosting.settings = keeping(3);
    let texts = ["one", "two", "three", "four", "five"];
    let releases: Vec<ReleaseId> = texts
        .iter()
        .map(|text| place.publish(&site, &index(text)))
        .collect();
    let live = place.live();
    assert_eq!(live.release, releases[4]);
    assert_eq!(live.previous, [releases[3].clone(), releases[2].clone()]);
    let mut kept: Vec<String> = releases[2..].iter().map(ToString::to_string).collect();
    kept.sort();
    assert_eq!(place.releases(), kept);
    // Fewer are kept when fewer are asked for.
    site.hosting.settings = keeping(2);
    place.publish(&site, &index("six"));
    assert_eq!(place.live().previous, [releases[4].clone()]);
    assert_eq!(place.releases().len(), 2);
}

#[test]
fn drafts_left_by_a_crash_are_removed() {
    let place = Place::new();
    let release = place.publish(&blog(), &index("one"));
    let folder = place.backend.layout().releases("blog");
    let draft = ReleaseId::of(b"never finished");
    write_files(&folder, &[(&format!(".{draft}/files/index.html"), "half")]);
    let next = place.publish(&blog(), &index("two"));
    let mut kept = [release.to_string(), next.to_string()];
    kept.sort();
    assert_eq!(place.releases(), kept);
}

#[test]
fn a_draft_of_the_very_release_does_not_get_in_its_way() {
    let place = Place::new();
    let release = place.publish(&blog(), &index("one"));
    place.remove(&blog());
    let folder = place.backend.layout().releases("blog");
    fs::rename(
        folder.join(release.as_str()),
        folder.join(format!(".{release}")),
    )
    .unwrap();
    assert_eq!(place.publish(&blog(), &index("one")), release);
    assert_eq!(place.releases(), [release.to_string()]);
}

#[test]
fn unchanged_files_are_shared_between_releases() {
    let place = Place::new();
    let both = |text: &str| artifact(&[("index.html", text), ("same.css", "b{}")]);
    let one = place.publish(&blog(), &both("one"));
    let applied = place.try_publish(&blog(), &both("two")).unwrap();
    let two = applied.release.unwrap();
    let inode = |release, path| fs::metadata(place.file(release, path)).unwrap().ino();
    assert_eq!(inode(&one, "same.css"), inode(&two, "same.css"));
    assert_ne!(inode(&one, "index.html"), inode(&two, "index.html"));
    assert!(applied.detail.contains("1 unchanged"), "{}", applied.detail);
    // Moved files are shared as well: content counts, not the path.
    let moved = artifact(&[("index.html", "three"), ("moved.css", "b{}")]);
    let three = place.publish(&blog(), &moved);
    assert_eq!(inode(&one, "same.css"), inode(&three, "moved.css"));
}

#[test]
fn files_are_read_only() {
    let place = Place::new();
    let source = place.folder().join("source");
    let files = artifact_in(&source, &[("index.html", "one"), ("a/run.sh", "#!")]);
    fs::set_permissions(source.join("a/run.sh"), fs::Permissions::from_mode(0o4777)).unwrap();
    for files in [files, index("two")] {
        let release = place.publish(&blog(), &files);
        for path in files.files().keys() {
            let mode = fs::metadata(place.file(&release, path)).unwrap().mode();
            assert_eq!(mode & 0o7333, 0, "{path}: {mode:o}");
        }
    }
}

#[test]
fn a_release_is_named_after_its_manifest() {
    let place = Place::new();
    let mut site = blog();
    let mut releases = Vec::new();
    for spa in [false, true] {
        site.hosting.rules.single_page_fallback = spa;
        let release = place.publish(&site, &index("one"));
        let path = place.backend.layout().manifest("blog", &release);
        assert_eq!(ReleaseId::of(&fs::read(path).unwrap()), release);
        releases.push(release);
    }
    assert_ne!(releases[0], releases[1]);
    // The same files and rules make the same release, whichever site they are of.
    let other = Place::new();
    assert_eq!(other.publish(&site, &index("one")), releases[1]);
}
