//! Programs that use more than they may.

use crate::bench::{Bench, long_time, outside, running};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Both ways of running programs.
fn both(unchecked: &str) -> impl Iterator<Item = Bench> {
    [Bench::new(unchecked), Some(Bench::open())]
        .into_iter()
        .flatten()
}

#[test]
fn time_is_limited() {
    for mut bench in both("the limit of time") {
        bench.limits.wall = Duration::from_millis(300);
        let (time, begun) = (long_time(), Instant::now());
        let tried = bench.sh(&format!(
            "trap '' TERM INT; echo begun; sleep {time}; sleep {time}"
        ));
        assert_eq!(tried.output, "begun\n");
        assert_eq!(tried.ill(), "/bin/sh took longer than 300 ms and was ended");
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert!(running(&format!("sleep {time}")).is_empty());
    }
}

#[test]
fn processes_are_limited() {
    for mut bench in both("the limit of processes") {
        bench.limits.processes = 40;
        let time = long_time();
        let bomb = format!("import os, time\nmark = 'bomb-{time}'\nwhile True: os.fork()\n");
        let begun = Instant::now();
        let tried = bench.python(&bomb);
        assert!(begun.elapsed() < Duration::from_secs(35));
        // Where no control group counts them, the kernel refuses more to the user, and the program fails by itself.
        let refused = tried.output.contains("Resource temporarily unavailable");
        let told = tried.ill();
        assert!(
            refused || told.contains("ran more than 40 processes"),
            "{told}"
        );
        assert!(running(&format!("bomb-{time}")).is_empty());
    }
}

#[test]
fn memory_is_limited() {
    for mut bench in both("the limit of memory") {
        bench.limits.memory = 128 << 20;
        let hog = "import time\nheld = []\nwhile True:\n  held.append(bytearray(8 << 20)); time.sleep(0.005)\n";
        let told = bench.python(hog).ill();
        assert_eq!(
            told,
            "/usr/bin/python3 used more than 134.2 MB of memory and was ended"
        );
        // A few that use it together, none of them more than it may.
        let family = "import os, time\nfor _ in range(3):\n  if os.fork() == 0: break\n\
                      held = bytearray(60 << 20)\ntime.sleep(20)\n";
        let told = bench.python(family).ill();
        assert!(told.contains("of memory"), "{told}");
    }
}

#[test]
fn the_disk_is_limited() {
    for mut bench in both("the limit of disk") {
        bench.limits.disk = 8 << 20;
        let one = bench.sh("head -c 30000000 /dev/zero > one; sleep 30");
        assert_eq!(
            one.ill(),
            "/bin/sh wrote more than 8.3 MB to disk and was ended"
        );
        fs::remove_file(bench.folder().join("one")).unwrap();
        let many = bench.sh("i=0; while :; do i=$((i+1)); head -c 100000 /dev/zero > $i; done");
        assert!(many.ill().contains("to disk"));
        // Also when it is over before anyone looks.
        let quick = bench.sh("rm -f ?* ; head -c 20000000 /dev/zero > quick");
        assert!(quick.ill().contains("to disk"));
    }
}

#[test]
fn a_single_file_is_limited() {
    for bench in both("the limit of a file") {
        let told = bench.sh("exec head -c 50000000 /dev/zero > one").ill();
        assert_eq!(told, "/bin/sh failed (signal 25)");
        let size = fs::metadata(bench.folder().join("one")).unwrap().len();
        assert_eq!(size, bench.limits.file);
    }
}

#[test]
fn folders_in_memory_are_limited() {
    let Some(bench) = Bench::new("the limit of scratch folders") else {
        return;
    };
    for folder in ["/tmp", "/home/build", "/dev/shm"] {
        let tried = bench.sh(&format!("head -c 30000000 /dev/zero > {folder}/one"));
        assert!(
            tried.output.contains("No space left"),
            "{folder}: {}",
            tried.output
        );
    }
}

#[test]
fn output_without_end_does_no_harm() {
    for mut bench in both("endless output") {
        bench.limits.wall = Duration::from_millis(500);
        // The bench keeps it; the daemon's log does not.
        let tried = bench.sh("yes");
        assert!(tried.output.len() > 1000);
        assert!(tried.ill().contains("took longer"));
    }
}

#[test]
fn no_control_group_is_left() {
    // One that a killed process left.
    let left = "/sys/fs/cgroup/pids/spore-999999999-1";
    drop(fs::create_dir(left));
    // Without isolation a program sees its group.
    let groups = Bench::open().sh("cat /proc/self/cgroup").well();
    let names = groups.lines().filter_map(|line| line.rsplit('/').next());
    let own: Vec<_> = names.filter(|name| name.starts_with("spore-")).collect();
    assert!(!Path::new(left).exists() || own.is_empty());
    for name in own {
        assert_eq!(outside(&["find", "/sys/fs/cgroup", "-name", name]), "");
    }
}
