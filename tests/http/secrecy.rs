//! Nothing that is secret is logged or told, by whatever library, however an exchange ends.

use crate::client::client;
use crate::server::{Reply, Server, plain};
use mycelia_spore::edge::EdgeError;
use mycelia_spore::edge::http::{Budget, Request};
use mycelia_spore::edge::secret::Secret;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// Everything that is logged at the finest level: by `tracing` of this task, and by the crate `log`, which some
/// libraries use, of the whole process.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

static OLD_LOG: OldLog = OldLog(Mutex::new(Vec::new()));

struct OldLog(Mutex<Vec<Log>>);

impl log::Log for OldLog {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        for mut log in self.0.lock().unwrap().iter().cloned() {
            writeln!(log, "{}: {}", record.target(), record.args()).unwrap();
        }
    }

    fn flush(&self) {}
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Takes down what is logged while this work is done on this thread.
    pub(crate) async fn of<T>(work: impl Future<Output = T>) -> (T, String) {
        let log = Self::default();
        // Set by the first test that comes here.
        drop(log::set_logger(&OLD_LOG));
        log::set_max_level(log::LevelFilter::Trace);
        OLD_LOG.0.lock().unwrap().push(log.clone());
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        // The tasks of connections run on this thread too.
        let _default = tracing::subscriber::set_default(subscriber);
        let done = work.await;
        (done, log.text())
    }
}

/// A request full of secrets, all of which have this word in them.
pub(crate) const WORD: &str = "s3cr3t";

pub(crate) fn request(url: &str) -> Request {
    Request::put(format!(
        "{url}/visible-path?key=query-{WORD}#fragment-{WORD}"
    ))
    .bearer(&Secret::new(format!("token-{WORD}")))
    .secret_header("x-auth-key", &Secret::new(format!("key-{WORD}")))
    .header("x-plain", &format!("plain-{WORD}"))
    .json(&format!("body-{WORD}"))
}

#[tokio::test]
async fn no_log_shows_a_secret() {
    let header = format!("Set-Cookie: cookie-{WORD}\n");
    let page = format!("page-{WORD}");
    let broken = format!("HTTP/1.1 200 OK\r\nX-Page: {WORD}\r\nContent-Length: 99\r\n\r\n{page}");
    for reply in [
        plain(200, &header, &page),
        plain(403, &header, &page),
        plain(503, &header, &page),
        Reply::Last(broken.clone().into()),
        Reply::Reset(broken.into()),
        Reply::Reset(Vec::new()),
        Reply::Last(format!("{WORD} {WORD}\r\n").into()),
    ] {
        let server = Server::always(reply);
        let request = request(&server.url(""));
        let work = async || client().send(&request, &Budget::unlimited()).await;
        let (end, log) = Log::of(work()).await;
        assert!(server.count() > 0);
        assert!(!log.contains(WORD), "{log}");
        let target = log.contains("mycelia_spore::edge::http");
        assert!(target && log.contains("/visible-path"), "{log}");
        // Both ways of logging are taken down.
        assert!(
            log.contains("hyper_util") && log.contains("reqwest"),
            "{log}"
        );
        match end {
            Ok(answer) => assert!(!format!("{answer:?}").contains(WORD)),
            Err(error) => {
                assert!(!format!("{error} {error:?}").contains(WORD), "{error:?}");
                let error = EdgeError::from(error);
                assert!(!format!("{} {error:?}", error.full()).contains(WORD));
            }
        }
    }
}

#[tokio::test]
async fn an_exchange_is_logged_with_what_is_needed() {
    let server = Server::always(plain(404, "", ""));
    let request = request(&server.url(""));
    let (_, log) = Log::of(async { client().send(&request, &Budget::unlimited()).await }).await;
    let own = log
        .lines()
        .find(|line| line.contains("mycelia_spore"))
        .unwrap();
    for part in [
        "DEBUG",
        "method=\"PUT\"",
        "host=\"127.0.0.1\"",
        "path=\"/visible-path\"",
        "status=404",
        "attempt=1",
        "elapsed_ms=",
    ] {
        assert!(own.contains(part), "{part}: {own}");
    }
}
