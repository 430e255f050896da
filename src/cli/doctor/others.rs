//! Those who are to be reached: providers, and receivers of notifications.

use super::{Check, Found};
use crate::cli::setup;
use crate::edge::EdgeError;
use crate::notify;
use crate::settings::Settings;
use crate::telemetry;
use serde_json::Value;

/// Asks all of them, and changes nothing with any.
pub(super) async fn checks(settings: &Settings) -> Vec<Check> {
    let mut checks = cloudflare(settings).await;
    for (notification, found) in notify::examine(&settings.notifications).await {
        let found = found.map_or_else(Found::Broken, Found::Good);
        checks.push(Check::new(
            &format!("notification {}", notification.name),
            found,
        ));
    }
    if let Some(telemetry) = &settings.telemetry {
        let found = telemetry::examine(telemetry).await;
        let found = found.map_or_else(Found::Broken, Found::Good);
        checks.push(Check::new("telemetry", found));
    }
    checks
}

/// Whether each account answers and takes its token.
async fn cloudflare(settings: &Settings) -> Vec<Check> {
    let cloudflare = setup::cloudflare(settings, &setup::Lasting::Once);
    let named = settings.cloudflare.accounts.keys().map(Some);
    let default = settings.cloudflare.default_account.iter().map(|_| None);
    let mut checks = Vec::new();
    for name in default.chain(named) {
        let what = match name {
            Some(name) => format!("cloudflare account {name}"),
            None => "cloudflare account of the environment".to_owned(),
        };
        let found = match cloudflare.account(name) {
            Ok(account) => {
                let projects = account.path("pages/projects?page=1&per_page=1");
                let answer = account.client.get::<Value>(&projects).await;
                answer.map_err(EdgeError::from)
            }
            Err(error) => Err(error),
        };
        let found = match found {
            Ok(_) => Found::Good("answers, and its token may read Pages projects".into()),
            Err(error) => Found::Broken(error),
        };
        checks.push(Check::new(&what, found));
    }
    checks
}
