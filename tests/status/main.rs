//! The running daemon looked at over HTTP.
#![cfg(test)]

mod access;
#[path = "../streams/daemon.rs"]
#[allow(
    dead_code,
    reason = "this suite asks other questions than that of streams"
)]
mod daemon;
mod looks;
#[path = "../support/spooled.rs"]
mod spooled;
#[path = "../support/tools.rs"]
#[allow(dead_code, reason = "no program on PATH is asked for here")]
mod tools;
#[path = "../cli/world.rs"]
#[allow(
    dead_code,
    reason = "this suite asks other questions than that of the command line"
)]
mod world;

use crate::daemon::{Daemon, until};
use crate::world::World;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// A daemon that is looked at over TCP, and where.
struct Looked<'w> {
    daemon: Daemon<'w>,
    address: String,
}

/// An answer.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            status,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Starts a daemon with these further settings.
fn start<'w>(world: &'w World, settings: &str, environment: &[(&str, &str)]) -> Looked<'w> {
    world.write(
        "settings.toml",
        format!("[status]\nlisten = \"127.0.0.1:0\"\n{settings}"),
    );
    let log = ["--log", "warn,mycelia_spore::cli=info"];
    let mut command = spooled::command(world, &[&log[..], &["--source-root", "sites"]].concat());
    command.envs(environment.iter().copied());
    command.stderr(File::create(world.path("log")).unwrap());
    let daemon = Daemon::of(world, command.spawn().unwrap(), &["state/control.sock"]);
    let mut address = None;
    until("it says where it listens", || {
        let log = fs::read_to_string(world.path("log")).unwrap();
        let told = log.split_once("status at http://");
        address = told.and_then(|(_, rest)| Some(rest.split_once('/')?.0.to_owned()));
        address.is_some()
    });
    Looked {
        daemon,
        address: address.unwrap(),
    }
}

impl Looked<'_> {
    /// Sends a request with these further header lines.
    fn ask(&self, method: &str, path: &str, lines: &[&str]) -> Answer {
        let mut connection = self.open(method, path, lines);
        let mut text = String::new();
        connection.read_to_string(&mut text).unwrap();
        Answer::of(&text)
    }

    fn open(&self, method: &str, path: &str, lines: &[&str]) -> TcpStream {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !lines.iter().any(|line| line.starts_with("Host:")) {
            head.push_str("Host: localhost\r\n");
        }
        for line in lines {
            head.push_str(line);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        connection.write_all(head.as_bytes()).unwrap();
        connection
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }
}

/// Puts the message of a document where the daemon takes it.
fn send(world: &World, document: &serde_json::Value) {
    let id = document["site"]["id"].as_str().unwrap();
    spooled::send(world, id, document);
}
