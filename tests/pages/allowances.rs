//! Allowances of tokens when settings are read anew.

use crate::cloudflare::Fake;
use crate::reach::reach;
use mycelia_spore::edge::EdgeError;
use mycelia_spore::edge::cloudflare::{Allowances, Cloudflare};
use mycelia_spore::edge::http::{Http, HttpSettings};
use serde_json::Value;
use std::time::Duration;
use tempfile::TempDir;

async fn ask(cloudflare: &Cloudflare) -> Result<(), EdgeError> {
    let account = cloudflare.account(None).unwrap();
    let projects = account.path("pages/projects?page=1&per_page=1");
    let answer = account.client.get::<Value>(&projects).await;
    answer.map(drop).map_err(EdgeError::from)
}

#[tokio::test]
async fn what_was_used_stays_used_and_the_new_size_holds() {
    let (fake, folder) = (Fake::start(), TempDir::new().unwrap());
    let allowances = Allowances::default();
    let reached = |requests| {
        let mut settings = reach(&fake, &folder);
        settings.requests = requests;
        let mut http = HttpSettings::new("mycelia-spore tests");
        http.retry.longest_wait = Duration::from_secs(1);
        Cloudflare::going_on(settings, Http::new(http), &allowances)
    };
    let before = reached(2);
    for _ in 0..2 {
        ask(&before).await.unwrap();
    }
    let same = reached(2);
    let error = ask(&same).await.unwrap_err().full();
    assert!(
        error.contains("allowance of requests is used up"),
        "{error}"
    );
    let larger = reached(3);
    ask(&larger).await.unwrap();
    assert_eq!(larger.budgets()[0].1.remaining(), Some(0));
    // All go by the newest.
    ask(&before).await.unwrap_err();
    assert_eq!(fake.calls().len(), 3);
}
