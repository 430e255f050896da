//! Bad moments of the machine: it stands still, and it runs out of file descriptors.

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// Gives a process bad moments until told to stop.
pub(crate) fn trouble(pid: Pid, stop: &AtomicBool, mut random: fastrand::Rng) {
    while !stop.load(Ordering::SeqCst) {
        sleep(Duration::from_millis(random.u64(200..800)));
        let pause = Duration::from_millis(random.u64(5..40));
        // It may have been killed meanwhile.
        let gone = if random.bool() {
            stand_still(pid, pause)
        } else {
            without_descriptors(pid, pause)
        };
        if gone.is_err() {
            return;
        }
    }
}

fn stand_still(pid: Pid, pause: Duration) -> rustix::io::Result<()> {
    kill_process(pid, Signal::STOP)?;
    sleep(pause);
    kill_process(pid, Signal::CONT)
}

/// Nothing further can be opened for a moment.
fn without_descriptors(pid: Pid, pause: Duration) -> rustix::io::Result<()> {
    let none = Rlimit {
        current: Some(3),
        // What a process may raise its limit to is inherited: the daemon's is this one's.
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    let before = prlimit(Some(pid), Resource::Nofile, none)?;
    sleep(pause);
    prlimit(Some(pid), Resource::Nofile, before)?;
    Ok(())
}
