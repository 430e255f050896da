//! A full disk below the state directory.

use crate::daemon::{Daemon, lines, until};
use crate::spooled;
use crate::tools::skipped;
use crate::world::World;
use mycelia_spore::release::{Digest, Layout, Live, Manifest};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Mounts a small file system of its own at `state`, which only what it starts can see.
const SMALL: &str = "mount -t tmpfs -o size=8m tmpfs state && exec \"$@\"";

fn isolated(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
    ]);
    command
}

/// Whether this machine lets a test mount something for itself.
fn may_mount() -> bool {
    let tried = isolated("mount -t tmpfs tmpfs /mnt")
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

/// The state directory as the daemon sees it.
struct Small<'w> {
    running: Daemon<'w>,
    state: PathBuf,
}

fn start(world: &World) -> Small<'_> {
    fs::create_dir_all(world.path("spool")).unwrap();
    fs::create_dir_all(world.path("state")).unwrap();
    world.write(
        "settings.toml",
        "[retry]\nfirst-seconds = 1\nmax-seconds = 1\nattempts = 2\n",
    );
    let program = world.command(&[
        "run",
        "--settings=settings.toml",
        "--state-dir=state",
        "--source-root=sites",
        "--output=json",
        "--source=dir:spool",
    ]);
    let mut command = isolated(SMALL);
    command
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(world.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(world.path("log")).unwrap());
    let running = Daemon::of(world, command.spawn().unwrap(), &["spool/failed"]);
    let root = format!("/proc/{}/root", running.pid());
    let state = PathBuf::from(format!("{root}{}", world.path("state").display()));
    until("the state is there", || state.join("control.sock").exists());
    Small { running, state }
}

impl Small<'_> {
    fn send(&self, world: &World, text: &str) -> Value {
        // More than one file, so that some may be written before there is no room.
        for page in 0..40 {
            world.write(
                &format!("sites/blog/page-{page}.html"),
                format!("{text} {page} {}", "x".repeat(20_000)),
            );
        }
        spooled::send(world, text, &world.site("blog", text));
        self.running.report()
    }

    /// The text that visitors see, of a release that is whole.
    fn seen(&self) -> String {
        let layout = Layout::new(self.state.join("local-static"));
        let live: Live = serde_json::from_slice(&fs::read(layout.live("blog")).unwrap()).unwrap();
        let manifest = fs::read(layout.manifest("blog", &live.release)).unwrap();
        let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
        let files = layout.files("blog", &live.release);
        for (path, file) in &manifest.files {
            assert_eq!(
                Digest::of(&fs::read(files.join(path)).unwrap()),
                file.digest
            );
        }
        fs::read_to_string(files.join("index.html")).unwrap()
    }

    /// The releases that lie there, begun ones too.
    fn releases(&self) -> usize {
        let layout = Layout::new(self.state.join("local-static"));
        fs::read_dir(layout.releases("blog")).unwrap().count()
    }
}

/// Fills a file system but for so many bytes.
fn fill(folder: &Path, free: u64) {
    let path = folder.join("fill");
    let mut file = File::create(&path).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(free)).unwrap();
}

#[test]
fn a_full_disk_fails_messages_and_leaves_the_old_site_until_there_is_room_again() {
    if !may_mount() {
        return skipped("no file system can be mounted here", "a full disk");
    }
    let world = World::new();
    let small = start(&world);
    assert_eq!(lines(&[small.send(&world, "one")]), ["1 blog applied"]);
    // Room for the acceptance and not for the release; then for neither.
    for (number, free) in [(2, 300_000), (3, 0)] {
        fill(&small.state, free);
        let report = small.send(&world, &format!("full-{free}"));
        assert_eq!(
            lines(std::slice::from_ref(&report)),
            [format!("{number} blog failed")]
        );
        let told = report["error"]["message"].as_str().unwrap();
        assert!(
            told.contains("No space left on device") || told.contains("disk is full"),
            "{told}"
        );
        assert_eq!(small.seen(), "one");
        fs::remove_file(small.state.join("fill")).unwrap();
    }
    let report = small.send(&world, "two");
    assert_eq!(lines(&[report]), ["4 blog applied"]);
    assert_eq!((small.seen(), small.releases()), ("two".to_owned(), 2));
    let log = fs::read_to_string(world.path("log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(small.running.stop(Signal::TERM).0, Some(0));
}
