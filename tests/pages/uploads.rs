//! Uploads that do not go well, and those that may not be made.

use crate::cloudflare::{Fake, Fault, Trouble};
use crate::common::{artifact, artifact_in, block_on};
use crate::place::{Place, site};
use mycelia_spore::artifact::Artifact;
use mycelia_spore::edge::EdgeErrorKind;
use mycelia_spore::hosting::cloudflare_pages::PagesOptions;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

const UPLOAD: &str = "/pages/assets/upload";

/// Files that need several requests.
fn large() -> Arc<Artifact> {
    let text: Vec<(String, String)> = (0..12)
        .map(|number| {
            (
                format!("{number}.txt"),
                number.to_string().repeat(1_500_000),
            )
        })
        .collect();
    let mut files: Vec<(&str, &str)> = text.iter().map(|(name, it)| (&**name, &**it)).collect();
    files.push(("index.html", "<h1>large"));
    artifact(&files)
}

/// How often files were sent, and how many bytes in all.
fn sent(place: &Place) -> (usize, usize) {
    let calls = place.fake.calls();
    let uploads = calls.iter().filter(|call| call.path == UPLOAD);
    let good = uploads.filter(|call| call.status == Some(200));
    good.fold((0, 0), |(count, bytes), call| {
        (count + 1, bytes + call.bytes)
    })
}

#[test]
fn few_requests_are_under_way_at_once() {
    block_on(async {
        let place = Place::new();
        let slow = Fault::new(Trouble::SlowAnswer(Duration::from_millis(50)));
        place.fake.fault(slow.on("POST", UPLOAD));
        let applying = place.apply(&site("blog", &[]), &large()).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let (count, bytes) = sent(&place);
        assert!(count > 3, "{count} requests of {bytes} bytes");
        assert!(place.fake.peak() <= 3, "{} at once", place.fake.peak());
    });
}

#[test]
fn a_token_that_runs_out_is_renewed_and_nothing_is_sent_twice() {
    block_on(async {
        let whole = Place::new();
        whole.apply(&site("blog", &[]), &large()).await;
        let fake = Fake::start();
        let place = Place::over(fake, PagesOptions::default());
        place
            .fake
            .fault(Fault::expired_jwt().on("POST", UPLOAD).nth(2));
        let refused = Fault::error(401, 8_000_013, "Authentication failed");
        place.fake.fault(refused.on("POST", UPLOAD).nth(4));
        let applying = place.apply(&site("blog", &[]), &large()).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        assert_eq!(sent(&place), sent(&whole));
        // One that is about to end is not used at all.
        let fake = Fake::with(|world| world.settings.jwt_lifetime = Duration::from_secs(20));
        let place = Place::over(fake, PagesOptions::default());
        let applying = place.apply(&site("blog", &[]), &large()).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
    });
}

#[test]
fn an_upload_that_was_cut_off_goes_on_where_it_stopped() {
    block_on(async {
        let whole = Place::new();
        whole.apply(&site("blog", &[]), &large()).await;
        let place = Place::new();
        let cut = Fault::new(Trouble::Reset).on("POST", UPLOAD);
        // All requests but the first few come to nothing.
        let ids: Vec<_> = (3..40)
            .map(|nth| place.fake.fault(cut.clone().nth(nth)))
            .collect();
        let applying = place.apply(&site("blog", &[]), &large()).await;
        assert_eq!(applying.errors.len(), 1, "{:?}", applying.steps);
        assert!(matches!(
            applying.errors[0].kind,
            EdgeErrorKind::Transient { .. }
        ));
        assert!(ids.iter().any(|id| place.fake.struck(*id) > 0));
        let (before, _) = sent(&place);
        assert!(before > 0, "some of it was sent");
        place.fake.clear_faults();
        let applying = place.apply(&site("blog", &[]), &large()).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let (sent, of) = (sent(&place).1, sent(&whole).1);
        assert!(sent < of + of / 10, "{sent} bytes were sent for {of}");
        assert_eq!(place.fake.project("blog").deployments.len(), 1);
    });
}

#[test]
fn too_much_going_on_is_waited_out() {
    block_on(async {
        let place = Place::new();
        let busy = Fault::error(400, 10_046, "Too many bulk operations already in progress");
        place.fake.fault(busy.on("POST", UPLOAD).first(1));
        let files = artifact(&[("index.html", "one")]);
        let applying = place.apply(&site("blog", &[]), &files).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
    });
}

#[test]
fn what_pages_does_not_take_is_withheld_with_its_name() {
    block_on(async {
        let place = Place::new();
        let long = "x".repeat(25 * 1024 * 1024 + 1);
        let files = artifact(&[("index.html", "one"), ("video.bin", &long)]);
        let plan = place.plan(&site("blog", &[]), Some(&files)).await;
        assert!(plan.refuses() && plan.is_empty());
        assert!(
            plan.withheld[0].reason.contains("video.bin"),
            "{:?}",
            plan.withheld
        );
        let names: Vec<String> = (0..20_001).map(|number| format!("{number}.txt")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "x")).collect();
        let plan = place
            .plan(&site("blog", &[]), Some(&artifact(&files)))
            .await;
        assert!(plan.refuses() && plan.is_empty());
        assert!(
            plan.withheld[0].reason.contains("20001 files"),
            "{:?}",
            plan.withheld
        );
        assert_eq!(place.fake.changes(), Vec::<String>::new());
    });
}

#[test]
fn a_file_that_changes_meanwhile_is_not_stored_under_another_name() {
    block_on(async {
        let place = Place::new();
        let folder = tempfile::tempdir().unwrap();
        let files = artifact_in(folder.path(), &[("index.html", "one"), ("a.txt", "aaa")]);
        fs::write(folder.path().join("a.txt"), "bbb").unwrap();
        let applying = place.apply(&site("blog", &[]), &files).await;
        assert_eq!(applying.errors.len(), 1, "{:?}", applying.steps);
        let error = &applying.errors[0];
        assert!(matches!(error.kind, EdgeErrorKind::Transient { .. }));
        assert!(error.message.contains("a.txt was changed"), "{error}");
        assert!(place.fake.project("blog").assets.is_empty());
    });
}
