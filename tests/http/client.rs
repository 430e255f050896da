//! Clients for tests.

use mycelia_spore::edge::http::{Http, HttpSettings, Retry};
use std::time::Duration;

/// How often a request is tried.
pub(crate) const ATTEMPTS: usize = 3;

/// A client that does not wait for long.
pub(crate) fn client() -> Http {
    Http::new(settings())
}

pub(crate) fn settings() -> HttpSettings {
    HttpSettings {
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(20),
        retry: Retry {
            attempts: u32::try_from(ATTEMPTS).unwrap(),
            base: Duration::from_millis(1),
            max: Duration::from_millis(2),
            ..Retry::default()
        },
        ..HttpSettings::new("mycelia-spore/test")
    }
}
