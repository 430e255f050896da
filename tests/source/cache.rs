//! The cache: one fetch at a time, whole after whatever happened, and in bounds.

use crate::server::{Reply, Server};
use crate::world::{TRANSIENT, World, commit, repo, tree};
use mycelia_spore::source::{Limits, Sources};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, SystemTime};

/// The folders of the repositories that are cached.
fn kept(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.cache().join("git")).unwrap();
    let mut kept: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    kept.sort();
    kept
}

#[test]
fn fetches_of_one_repository_wait_for_each_other() {
    let world = World::new();
    let newest = world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let server = Server::open(&world.root());
    let sources = world.sources(&server);
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                let checkout =
                    sources.check_out(&repo("o/r"), &commit(&newest), None, &world.place());
                assert_eq!(tree(&checkout.unwrap().root)["a"], "1");
            });
        }
    });
    assert_eq!(server.fetches(), 1);
}

#[test]
fn a_cache_that_is_in_use_for_too_long_is_not_waited_for() {
    let world = World::new();
    let newest = world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let server = Server::open(&world.root());
    let mut settings = world.settings(&server.address());
    let sources = Sources::new(settings.clone()).unwrap();
    sources
        .check_out(&repo("o/r"), &commit(&newest), None, &world.place())
        .unwrap();
    let lock = File::open(kept(&world)[0].with_extension("lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    settings.timeout = Duration::from_millis(200);
    let sources = Sources::new(settings).unwrap();
    let error = sources
        .check_out(&repo("o/r"), &commit(&newest), None, &world.place())
        .unwrap_err();
    assert_eq!(error.kind, TRANSIENT);
    assert!(error.message.contains("another fetch"), "{}", error.message);
}

#[test]
fn a_fetch_that_was_killed_in_the_middle_is_made_good_by_the_next() {
    let world = World::new();
    let mut random = fastrand::Rng::with_seed(7);
    let noise: String = std::iter::repeat_with(|| random.alphanumeric())
        .take(400_000)
        .collect();
    world
        .upstream("o/r")
        .commit("main", &[("100644", "a", &noise)]);
    let broken = Arc::new(AtomicBool::new(true));
    let breaks = Arc::clone(&broken);
    let server = Server::start(&world.root(), move |request| {
        if request.is_fetch() && breaks.load(Ordering::SeqCst) {
            Reply::Part(200_000)
        } else {
            Reply::Git
        }
    });
    let mut settings = world.settings(&server.address());
    settings.timeout = Duration::from_secs(2);
    let error = world
        .get(&Sources::new(settings).unwrap(), &repo("o/r"), None)
        .unwrap_err();
    assert_eq!(error.kind, TRANSIENT, "{}", error.full());
    let packs = kept(&world)[0].join("objects/pack");
    assert_ne!(
        fs::read_dir(&packs).unwrap().count(),
        0,
        "nothing was left half done"
    );
    broken.store(false, Ordering::SeqCst);
    let checkout = world
        .get(&world.sources(&server), &repo("o/r"), None)
        .unwrap();
    assert_eq!(tree(&checkout.root)["a"], noise);
    let names = fs::read_dir(&packs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names
        .filter(|name| name.to_string_lossy().starts_with("tmp_"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What a crash of the machine may leave of a cache.
type Damage = fn(&Path);

#[test]
fn a_damaged_cache_is_made_good() {
    let every: [(&str, Damage); 9] = [
        ("stale locks", |cache| {
            for name in [
                "shallow.lock",
                "HEAD.lock",
                "config.lock",
                "packed-refs.lock",
            ] {
                fs::write(cache.join(name), "").unwrap();
            }
            fs::write(cache.join("refs/spore/x.lock"), "").unwrap();
        }),
        ("no objects", |cache| {
            fs::remove_dir_all(cache.join("objects")).unwrap();
            fs::create_dir_all(cache.join("objects/pack")).unwrap();
        }),
        ("empty objects", |cache| {
            files_below(&cache.join("objects"), |path| fs::write(path, "").unwrap());
        }),
        ("objects cut short", |cache| {
            files_below(&cache.join("objects"), |path| {
                let bytes = fs::read(path).unwrap();
                fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            });
        }),
        ("empty refs", |cache| {
            files_below(&cache.join("refs"), |path| fs::write(path, "").unwrap());
        }),
        ("no folders", |cache| {
            for folder in ["objects", "refs"] {
                fs::remove_dir_all(cache.join(folder)).unwrap();
            }
        }),
        ("no HEAD", |cache| {
            fs::remove_file(cache.join("HEAD")).unwrap();
        }),
        ("a HEAD of nonsense", |cache| {
            fs::write(cache.join("HEAD"), "nonsense").unwrap();
        }),
        ("settings of nonsense", |cache| {
            fs::write(cache.join("config"), "[[[").unwrap();
        }),
    ];
    for (what, damage) in every {
        let world = World::new();
        let upstream = world.upstream("o/r");
        upstream.commit("main", &[("100644", "a", "1"), ("100644", "d/b", "2")]);
        let server = Server::open(&world.root());
        let sources = world.sources(&server);
        world.get(&sources, &repo("o/r"), None).unwrap();
        damage_and_get(&world, &sources, what, damage);
        upstream.commit("main", &[("100644", "a", "3")]);
        damage_and_get(&world, &sources, what, damage);
    }
}

fn damage_and_get(world: &World, sources: &Sources, what: &str, damage: Damage) {
    damage(&kept(world)[0]);
    let checkout = world.get(sources, &repo("o/r"), None);
    let checkout = checkout.unwrap_or_else(|error| panic!("{what}: {}", error.full()));
    assert_eq!(tree(&checkout.root)["d/b"], "2", "{what}");
}

fn files_below(folder: &Path, work: impl Fn(&Path)) {
    for file in walkdir::WalkDir::new(folder).into_iter().flatten() {
        if file.file_type().is_file() {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            fs::set_permissions(file.path(), mode).unwrap();
            work(file.path());
        }
    }
}

#[test]
fn what_is_cached_is_for_nobody_else_to_read() {
    let world = World::new();
    world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let server = Server::open(&world.root());
    world
        .get(&world.sources(&server), &repo("o/r"), None)
        .unwrap();
    for folder in ["git", "run"] {
        let mode = fs::metadata(world.cache().join(folder))
            .unwrap()
            .permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o077, 0);
    }
}

#[test]
fn a_network_that_fails_costs_no_cache() {
    let world = World::new();
    let newest = world
        .upstream("o/r")
        .commit("main", &[("100644", "a", "1")]);
    let server = Server::open(&world.root());
    let sources = world.sources(&server);
    world.get(&sources, &repo("o/r"), None).unwrap();
    drop(server);
    let unknown = commit(&"1".repeat(40));
    sources
        .check_out(&repo("o/r"), &unknown, None, &world.place())
        .unwrap_err();
    sources
        .check_out(&repo("o/r"), &commit(&newest), None, &world.place())
        .unwrap();
}

#[test]
fn sweeping_removes_what_was_not_used_for_longest() {
    let world = World::new();
    for name in ["o/a", "o/b", "o/c"] {
        world
            .upstream(name)
            .commit("main", &[("100644", "a", name)]);
    }
    let server = Server::open(&world.root());
    let mut settings = world.settings(&server.address());
    let sources = Sources::new(settings.clone()).unwrap();
    assert_eq!(sources.sweep().unwrap().removed, 0);
    let mut folders = Vec::new();
    for (age, name) in [(30, "o/a"), (20, "o/b"), (10, "o/c")] {
        let checkout = world.get(&sources, &repo(name), None).unwrap();
        let lock = File::options()
            .write(true)
            .open(checkout.repository.with_extension("lock"));
        lock.unwrap()
            .set_modified(SystemTime::now() - Duration::from_secs(age))
            .unwrap();
        folders.push(checkout.repository);
    }
    let swept = sources.sweep().unwrap();
    assert_eq!((swept.removed, swept.bytes), (0, 0));

    // The oldest is used again, and the next one is in use while it is swept.
    world.get(&sources, &repo("o/a"), None).unwrap();
    let lock = File::open(folders[1].with_extension("lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    settings.limits = Limits {
        cache_bytes: swept.left * 2 / 3 + 100,
        ..Limits::default()
    };
    let small = Sources::new(settings).unwrap();
    let after = small.sweep().unwrap();
    assert_eq!((after.removed, after.bytes + after.left), (1, swept.left));
    let there: Vec<bool> = folders.iter().map(|folder| folder.exists()).collect();
    assert_eq!(there, [true, true, false]);
    assert!(!folders[2].with_extension("lock").exists());
    world.get(&sources, &repo("o/c"), None).unwrap();
}

#[test]
fn what_a_killed_fetch_left_is_swept_after_a_day() {
    let world = World::new();
    let server = Server::open(&world.root());
    let sources = world.sources(&server);
    let run = world.cache().join("run");
    for (name, hours) in [("old", 25), ("new", 1)] {
        fs::create_dir_all(run.join(name)).unwrap();
        let folder = File::open(run.join(name)).unwrap();
        folder
            .set_modified(SystemTime::now() - Duration::from_secs(hours * 3600))
            .unwrap();
    }
    sources.sweep().unwrap();
    assert!(!run.join("old").exists() && run.join("new").exists());
}
