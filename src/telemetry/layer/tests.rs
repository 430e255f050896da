use super::*;
use tracing::subscriber::with_default;
use tracing::{debug_span, error, info_span};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

/// The spans that end while something is done, beside a log of these filters that goes nowhere.
fn kept(log: &str, work: impl FnOnce()) -> (Vec<Span>, u64) {
    let recorder = Recorder::default();
    let (mut spans, lost) = recorder.begin().unwrap();
    let log = fmt::layer()
        .with_writer(std::io::sink)
        .with_filter(EnvFilter::new(log));
    let layer = recorder.with_filter(Recorder::filter());
    with_default(registry().with(layer).with(log), work);
    let kept = std::iter::from_fn(|| spans.try_recv().ok()).collect();
    (kept, lost.load(Ordering::Relaxed))
}

fn names(spans: &[Span]) -> Vec<&'static str> {
    spans.iter().map(|span| span.name).collect()
}

#[test]
fn spans_are_kept_with_their_places_and_fields() {
    let (spans, lost) = kept("off", || {
        let site = info_span!("site", site = %"blog", attempt = 2, left = u64::MAX, whole = true);
        let within = site.enter();
        let step = info_span!("step", outcome = tracing::field::Empty, error = "no");
        step.record("outcome", "done");
        step.record("outcome", "failed");
        drop(step);
        drop(within);
    });
    assert_eq!((names(&spans), lost), (vec!["step", "site"], 0));
    let [step, site] = &spans[..] else { panic!() };
    assert_eq!(step.parent, Some(site.place.span));
    assert_eq!(step.place.trace, site.place.trace);
    assert_ne!(step.place.span, site.place.span);
    assert_eq!(site.parent, None);
    let text = |text: &str| Value::Text(text.into());
    assert_eq!(step.attributes, [("outcome", text("failed"))]);
    assert_eq!((step.error.as_deref(), &site.error), (Some("no"), &None));
    assert_eq!(
        site.attributes,
        [
            ("site", text("blog")),
            ("attempt", Value::Int(2)),
            ("left", text("18446744073709551615")),
            ("whole", Value::Bool(true)),
        ]
    );
    assert!(step.took <= site.took);
}

#[test]
fn roots_have_traces_of_their_own() {
    let (spans, _) = kept("off", || {
        drop(info_span!("one"));
        drop(info_span!("two"));
    });
    assert_ne!(spans[0].place.trace, spans[1].place.trace);
}

#[test]
fn what_the_log_shows_is_no_matter() {
    let work = || {
        let _site = info_span!("site").entered();
        error!("no span");
        drop(debug_span!("detail"));
        drop(info_span!(target: "hyper", "connection"));
        drop(info_span!(target: "mycelia_spores", "other"));
    };
    for log in ["off", "warn", "trace"] {
        assert_eq!(names(&kept(log, work).0), ["site"], "{log}");
    }
}

#[test]
fn what_the_exporter_does_is_not_exported() {
    let (spans, _) = kept("trace", || {
        let _export = info_span!(target: super::super::export::TARGET, "export").entered();
        let _request = info_span!("request").entered();
        drop(info_span!("below"));
    });
    assert_eq!(names(&spans), [""; 0]);
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let (spans, lost) = kept("off", || {
        for _ in 0..QUEUE + 3 {
            drop(info_span!("site"));
        }
    });
    assert_eq!((spans.len(), lost), (QUEUE, 3));
}

#[test]
fn long_texts_are_cut_between_characters() {
    let text = format!("a{}", "é".repeat(TEXT_MAX));
    let (spans, _) = kept("off", || drop(info_span!("step", error = text.as_str())));
    let error = spans[0].error.as_deref().unwrap();
    assert_eq!(error.len(), TEXT_MAX - 1);
    assert!(text.starts_with(error));
}

#[test]
fn without_an_exporter_nothing_is_kept() {
    let recorder = Recorder::default();
    let layer = recorder.clone().with_filter(Recorder::filter());
    with_default(registry().with(layer), || {
        let site = info_span!("site", error = tracing::field::Empty);
        let (mut spans, _) = recorder.begin().unwrap();
        assert!(recorder.begin().is_none(), "only one gets them");
        // Its beginning was not seen.
        site.record("error", "no");
        drop(info_span!(parent: &site, "step"));
        drop(site);
        assert!(spans.try_recv().is_err());
    });
}
