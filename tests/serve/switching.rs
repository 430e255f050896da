//! Releases and sites that change while they are served.

use crate::server::{Client, Server};
use crate::site::Site;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

const HOST: &str = "a.example";

/// A release in which every file tells its number.
fn numbered(number: u32) -> Site {
    let text = format!("release {number}");
    let large = text.repeat(40_000);
    let headers = format!("/*\n  X-Release: {number}\n");
    let redirects = format!("/moved /to-{number}\n");
    Site::new("a", HOST)
        .file("index.html", &text)
        .file("large.txt", large)
        .file(&format!("only-{number}.txt"), &text)
        .file("404.html", &text)
        .rules(&headers, &redirects)
}

/// Checks that an answer is wholly of one release, and tells which.
fn release_of(client: &mut Client, target: &str) -> u32 {
    let answer = client.request("GET", HOST, target, "");
    let number: u32 = answer
        .header("x-release")
        .expect("an answer of the site")
        .parse()
        .unwrap();
    let text = format!("release {number}");
    match target {
        "/moved" => assert_eq!(answer.gist(), format!("302 -> /to-{number}")),
        "/large.txt" => {
            assert_eq!(answer.status, 200);
            assert!(
                answer.text() == text.repeat(40_000),
                "a mixture in {number}"
            );
        }
        _ => assert_eq!(answer.text(), text),
    }
    number
}

#[test]
fn a_switch_under_load_is_whole_and_loses_nothing() {
    let server = Server::start(|layout| {
        numbered(0).publish(layout);
    });
    let (done, switches) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let mut readers = Vec::new();
        for offset in 0..3 {
            let (server, done) = (&server, &done);
            readers.push(scope.spawn(move || {
                let mut client = server.connect();
                let targets = ["/", "/large.txt", "/moved", "/absent"];
                let (mut asked, mut last) = (0_usize, 0);
                while !done.load(Ordering::Relaxed) {
                    let number = release_of(&mut client, targets[(asked + offset) % 4]);
                    assert!(number >= last, "{number} after {last}");
                    (asked, last) = (asked + 1, number);
                }
                asked
            }));
        }
        // The releases before the last but one are removed, as a publisher does.
        let mut kept = Vec::new();
        for number in 1..=60 {
            let release = numbered(number).write(&server.layout);
            release.switch(&server.layout);
            switches.fetch_add(1, Ordering::Relaxed);
            kept.push(release);
            if kept.len() > 2 {
                kept.remove(0).remove(&server.layout);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        server.wait_until("the last release", |server| {
            release_of(&mut server.connect(), "/") == switches.load(Ordering::Relaxed)
        });
        done.store(true, Ordering::Relaxed);
        let asked: usize = readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .sum();
        assert!(asked > 100, "only {asked} requests");
    });
    assert_eq!(server.get(HOST, "/only-60.txt").status, 200);
    assert_eq!(server.get(HOST, "/only-59.txt").status, 404);
}

#[test]
fn a_refresh_is_seen_at_once() {
    let server = Server::start(|layout| {
        numbered(1).publish(layout);
    });
    let mut client = server.connect();
    for number in 2..30 {
        numbered(number).publish(&server.layout);
        server.sites.refresh("a").unwrap();
        assert_eq!(release_of(&mut client, "/"), number);
    }
}

#[test]
fn a_removed_release_is_not_missed() {
    let server = Server::start(|layout| {
        numbered(1).publish(layout).remove(layout);
    });
    // The pointer names what is not there: the fault is the site's, and told as such.
    assert_eq!(server.get(HOST, "/").status, 500);
    numbered(2).publish(&server.layout);
    server.wait_until("the new release", |server| {
        server.get(HOST, "/").status == 200
    });
}

#[test]
fn sites_come_and_go_without_a_restart() {
    let server = Server::start(|_| {});
    assert_eq!(server.get(HOST, "/").status, 404);
    numbered(1).publish(&server.layout);
    server.wait_until("the new site", |server| server.get(HOST, "/").status == 200);

    let site = numbered(1).alias("also.example");
    site.publish(&server.layout);
    server.wait_until("the new name", |server| {
        server.get("also.example", "/").status == 200
    });

    fs::write(server.layout.live("broken"), "{").unwrap();
    fs::remove_file(server.layout.live("a")).unwrap();
    server.wait_until("the end", |server| server.get(HOST, "/").status == 404);
    assert_eq!(server.sites.hosts(), Vec::<String>::new());
}

#[test]
fn the_folder_of_pointers_may_be_replaced() {
    let server = Server::start(|layout| {
        numbered(1).publish(layout);
    });
    assert_eq!(server.get(HOST, "/").status, 200);
    fs::remove_dir_all(server.layout.live_dir()).unwrap();
    server.wait_until("the end", |server| server.get(HOST, "/").status == 404);
    server.wait_until("the new folder", |server| server.layout.live_dir().exists());
    numbered(2).publish(&server.layout);
    server.wait_until("the new site", |server| server.get(HOST, "/").status == 200);
}
