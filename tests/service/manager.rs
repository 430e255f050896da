//! What a fake service manager is told of a real loop.

use crate::daemon::Daemon;
use mycelia_spore::edge::systemd::Manager;
use mycelia_spore::reconcile::{self, Inbox, Options};
use mycelia_spore::schedule;
use mycelia_spore::service::Service;
use mycelia_spore::sink::{Form, Sink};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// How often the manager wants to hear of the watchdog.
const WATCHDOG: Duration = Duration::from_millis(400);

/// Longer than anything here takes that does not fail.
const PATIENCE: Duration = Duration::from_secs(20);

struct Fake {
    _folder: TempDir,
    socket: tokio::net::UnixDatagram,
    service: Service,
}

impl Fake {
    fn new(watchdog: Option<Duration>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let socket = tokio::net::UnixDatagram::from_std(socket).unwrap();
        let manager = Manager::at(path.as_os_str(), watchdog).unwrap();
        Self {
            _folder: folder,
            socket,
            service: Service::new(manager),
        }
    }

    async fn told(&self) -> String {
        let mut buffer = [0; 4096];
        let length = timeout(PATIENCE, self.socket.recv(&mut buffer)).await;
        String::from_utf8(buffer[..length.unwrap().unwrap()].to_vec()).unwrap()
    }

    fn is_quiet(&self) -> bool {
        self.socket.try_recv(&mut [0; 4096]).is_err()
    }
}

type Living = (reconcile::Daemon<io::Sink>, reconcile::Control);

fn living(daemon: &Daemon) -> Living {
    let options = Options::lives(schedule::Options::default());
    let sink = Sink::new(Form::Json, io::sink());
    reconcile::Daemon::new(daemon.reconciler(), options, sink).unwrap()
}

#[tokio::test]
async fn the_way_of_a_service_is_told() {
    let fake = Fake::new(None);
    fake.service.ready();
    assert_eq!(fake.told().await, "READY=1");
    fake.service.reloading();
    let told = fake.told().await;
    assert!(told.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{told}");
    fake.service.ready();
    assert_eq!(fake.told().await, "READY=1");
    fake.service.stopping();
    assert!(fake.told().await.starts_with("STOPPING=1\nSTATUS=ending"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watchdog_is_told_while_the_loop_answers() {
    let (daemon, fake) = (Daemon::new(), Fake::new(Some(WATCHDOG)));
    let (running, control) = living(&daemon);
    let (held, receiver) = mpsc::channel(1);
    let mut inbox = Inbox::Stream(receiver);
    let run = tokio::spawn(async move { running.run(&mut inbox, std::future::pending()).await });
    let service = fake.service.clone();
    let watched = control.clone();
    let watch =
        tokio::spawn(async move { service.watch(watched, std::future::pending::<()>()).await });
    assert_eq!(fake.told().await, "WATCHDOG=1\nSTATUS=0 sites");
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(fake.told().await, "WATCHDOG=1");
    }
    assert!(begun.elapsed() >= WATCHDOG, "{:?}", begun.elapsed());
    control.drain(false).await.unwrap();
    drop(held);
    timeout(PATIENCE, run).await.unwrap().unwrap().unwrap();
    // With the loop gone there is nothing to vouch for.
    timeout(PATIENCE, watch).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_watchdog_is_not_told_when_the_loop_does_not_answer() {
    let (daemon, fake) = (Daemon::new(), Fake::new(Some(WATCHDOG)));
    // It is never run.
    let (_hung, control) = living(&daemon);
    let enough = tokio::time::sleep(3 * WATCHDOG);
    fake.service.watch(control, enough).await;
    assert!(fake.is_quiet());
}

#[tokio::test]
async fn without_a_manager_nobody_watches() {
    let daemon = Daemon::new();
    let (_hung, control) = living(&daemon);
    let service = Service::default();
    let watch = service.watch(control, std::future::pending::<()>());
    timeout(PATIENCE, watch).await.unwrap();
}
