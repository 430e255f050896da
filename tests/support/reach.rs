//! Cloudflare as a program reaches a fake of it.
#![allow(
    dead_code,
    reason = "each of the test programs that share this takes its part"
)]

use crate::cloudflare::Fake;
use mycelia_spore::edge::cloudflare::{AccountId, AccountSettings, Cloudflare, CloudflareSettings};
use mycelia_spore::edge::http::{Http, HttpSettings, Retry};
use mycelia_spore::edge::secret::{Credentials, SecretPlace};
use mycelia_spore::hosting::cloudflare_pages::{CloudflarePages, PagesOptions};
use mycelia_spore::model::{self, HostingSettings, Parse, SettingsName};
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

fn name(text: &str) -> SettingsName {
    SettingsName::parse(text).unwrap()
}

/// How long a client waits for an answer whose server is silent on purpose.
pub(crate) const IMPATIENT: Duration = Duration::from_millis(500);

/// How long a client waits for an answer on a busy machine.
const PATIENT: Duration = Duration::from_secs(20);

/// A client that tries again as often as the real one, and at once.
fn http(timeout: Duration) -> Http {
    Http::new(HttpSettings {
        timeout,
        retry: Retry {
            base: Duration::from_millis(1),
            max: Duration::from_millis(5),
            ..Retry::default()
        },
        ..HttpSettings::new("mycelia-spore tests")
    })
}

/// Cloudflare as the fake's token reaches it.
pub(crate) fn reached(fake: &Fake, folder: &TempDir) -> Cloudflare {
    reached_within(fake, folder, PATIENT)
}

/// The same by a client that waits no longer for an answer.
pub(crate) fn reached_within(fake: &Fake, folder: &TempDir, timeout: Duration) -> Cloudflare {
    Cloudflare::new(reach(fake, folder), http(timeout))
}

/// How the fake's token reaches it.
pub(crate) fn reach(fake: &Fake, folder: &TempDir) -> CloudflareSettings {
    let file = folder.path().join("token");
    fs::write(&file, fake.token()).unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "mushroom-5ecret").unwrap();
    let account = AccountSettings {
        id: AccountId::parse(fake.account()).unwrap(),
        token: name("token"),
        max_files: None,
    };
    CloudflareSettings {
        base_url: fake.url(),
        accounts: [(name("default"), account)].into(),
        credentials: Credentials::new(
            [
                (name("token"), SecretPlace::File(file)),
                (name("api-key"), SecretPlace::File(secret)),
            ]
            .into(),
        ),
        ..CloudflareSettings::default()
    }
}

/// A backend over a fake, with credentials in a folder.
pub(crate) fn backend(fake: &Fake, folder: &TempDir, options: PagesOptions) -> CloudflarePages {
    CloudflarePages::new(reached(fake, folder), options)
}

/// The settings of a message that says no more than the provider.
pub(crate) fn settings() -> HostingSettings {
    HostingSettings::CloudflarePages(model::CloudflarePages::default())
}
