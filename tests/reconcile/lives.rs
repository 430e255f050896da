//! A daemon that lives on: it looks after its sites, takes orders, and takes up what another left.

use crate::common::{files, page, site_id};
use crate::daemon::Daemon;
use mycelia_spore::model::Drift;
use mycelia_spore::reconcile::{
    self, Activity, Control, Happening, Inbox, Options, SiteOrder, Snapshot, Which,
};
use mycelia_spore::report::{Cause, Outcome, Report};
use mycelia_spore::schedule::{self, DriftMode, Health, Notice};
use mycelia_spore::sink::{Form, Sink};
use mycelia_spore::store::{SiteState, Store};
use mycelia_spore::stream::{Frames, Spore};
use std::fs;
use std::io;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here takes that does not fail.
const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon that lives on a thread of the test.
struct Living {
    runtime: Runtime,
    control: Control,
    events: broadcast::Receiver<std::sync::Arc<reconcile::Event>>,
    ended: JoinHandle<io::Result<reconcile::Summary>>,
    held: mpsc::Sender<Result<Spore, mycelia_spore::stream::StreamError>>,
}

/// Looks every second, and waits for nothing else.
fn eager() -> schedule::Options {
    let mut options = schedule::Options::default();
    options.drift.interval = Duration::from_secs(1);
    options.retry.first = Duration::from_millis(1);
    options
}

/// Looks at nothing by itself.
fn calm() -> schedule::Options {
    let mut options = eager();
    options.drift.mode = DriftMode::Off;
    options
}

impl Living {
    fn new(daemon: &Daemon, options: schedule::Options) -> Self {
        let runtime = Runtime::new().unwrap();
        let reconciler = daemon.reconciler();
        let (sender, receiver) = mpsc::channel(1);
        let sink = Sink::new(Form::Json, io::sink());
        let options = Options::lives(options);
        let (events, control, ended) = runtime.block_on(async {
            let (living, control) = reconcile::Daemon::new(reconciler, options, sink).unwrap();
            let events = control.watch();
            let mut inbox = Inbox::Stream(receiver);
            let run = async move { living.run(&mut inbox, std::future::pending()).await };
            (events, control, tokio::spawn(run))
        });
        Self {
            runtime,
            control,
            events,
            ended,
            held: sender,
        }
    }

    fn send(&self, message: &[u8]) -> Report {
        self.runtime
            .block_on(self.control.apply(decoded(message)))
            .unwrap()
    }

    fn order(&self, site: &str, order: SiteOrder) -> Report {
        let asked = self.control.site(site_id(site), order);
        self.runtime.block_on(asked).unwrap()
    }

    fn snapshot(&self) -> Snapshot {
        let asked = self.control.snapshot(Which::All);
        self.runtime.block_on(asked).unwrap()
    }

    /// The next event that is looked for.
    fn next<T>(&mut self, wanted: impl Fn(&Happening) -> Option<T>) -> T {
        let events = &mut self.events;
        self.runtime.block_on(async {
            let found = async {
                loop {
                    if let Some(found) = wanted(&events.recv().await.unwrap().what) {
                        return found;
                    }
                }
            };
            timeout(PATIENCE, found).await.unwrap()
        })
    }

    /// The next report of work that was done for this.
    fn report(&mut self, cause: Cause) -> Report {
        self.next(|what| match what {
            Happening::Reported(report) if report.cause == cause => Some(Report::clone(report)),
            _ => None,
        })
    }

    fn notice(&mut self) -> Notice {
        self.next(|what| match what {
            Happening::Noticed { notice, .. } => Some(*notice),
            _ => None,
        })
    }

    /// Lets it end.
    fn end(self) -> reconcile::Summary {
        self.runtime.block_on(async {
            self.control.drain(false).await.unwrap();
            // The channel that no message came through.
            drop(self.held);
            timeout(PATIENCE, self.ended)
                .await
                .unwrap()
                .unwrap()
                .unwrap()
        })
    }
}

fn decoded(message: &[u8]) -> Spore {
    let frame = Frames::new(message).next().unwrap().unwrap();
    Spore::decode(&frame)
}

/// Takes a site's pointer away, as a person might who clears the wrong folder.
fn damage(daemon: &Daemon, project: &str) {
    fs::remove_file(daemon.layout().live(project)).unwrap();
}

fn drift(drift: Drift) -> Vec<u8> {
    page("links", |config| config.init_lifecycle().set_drift(drift))
}

#[test]
fn what_drifts_is_repaired_and_told_once() {
    let daemon = Daemon::new();
    let mut living = Living::new(&daemon, eager());
    assert_eq!(
        living.send(&page("links", |_| ())).outcome,
        Outcome::Applied
    );
    damage(&daemon, "links");
    let report = living.report(Cause::Drift);
    assert_eq!((report.outcome, report.seq), (Outcome::Applied, 0));
    assert_eq!(living.notice(), Notice::Drift { repaired: true });
    assert!(daemon.live("links").is_some());
    let totals = living.snapshot().totals;
    assert_eq!(totals.drifts[&true], 1);
    living.end();
}

#[test]
fn a_site_may_say_that_it_is_only_told() {
    let daemon = Daemon::new();
    let mut living = Living::new(&daemon, eager());
    living.send(&drift(Drift::Report));
    damage(&daemon, "links");
    let report = living.report(Cause::Drift);
    assert_eq!(report.outcome, Outcome::Planned);
    assert_eq!(living.notice(), Notice::Drift { repaired: false });
    let second = living.report(Cause::Drift);
    assert_eq!(second.outcome, Outcome::Planned, "it is looked at again");
    assert!(daemon.live("links").is_none());
    let snapshot = living.snapshot();
    assert_eq!(snapshot.sites[0].health, Health::Drifted);
    // A message is what it was waiting for.
    assert_eq!(living.send(&drift(Drift::Off)).outcome, Outcome::Applied);
    assert_eq!(living.notice(), Notice::Recovery);
    let snapshot = living.snapshot();
    let resting = Activity::Resting { until: None };
    assert_eq!(snapshot.sites[0].activity, resting, "nothing is looked for");
    living.end();
}

#[test]
fn a_page_changes_when_its_hour_has_come() {
    let daemon = Daemon::new();
    let mut living = Living::new(&daemon, calm());
    let later = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + 2);
    let later = later.unwrap().to_string();
    let message = page("links", |config| {
        let page = config.get_site().unwrap().get_treelink().unwrap();
        let mut entry = page.get_entries().unwrap().get(0);
        entry.set_not_before(&later);
    });
    assert_eq!(living.send(&message).outcome, Outcome::Applied);
    assert!(!daemon.index("links").contains("notes.example"));
    let report = living.report(Cause::Edge);
    assert_eq!(report.outcome, Outcome::Applied);
    assert!(daemon.index("links").contains("notes.example"));
    living.end();
}

#[test]
fn what_was_accepted_and_not_done_is_taken_up_by_the_next_daemon() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    let message = files("blog", &source, |mut config| {
        config.set_request_id("deploy-1");
    });
    let away = source.with_extension("away");
    fs::rename(&source, &away).unwrap();
    let mut living = Living::new(&daemon, calm());
    assert_eq!(living.send(&message).outcome, Outcome::Failed);
    let told = living.notice();
    assert!(matches!(told, Notice::Failure(_)), "{told:?}");
    living.send(&page("links", |_| ()));
    living.end();
    fs::rename(&away, &source).unwrap();
    let mut living = Living::new(&daemon, calm());
    let report = living.report(Cause::Resume);
    assert_eq!(report.outcome, Outcome::Applied);
    assert_eq!(report.request_id.as_str(), "deploy-1");
    assert_eq!(living.notice(), Notice::Recovery);
    assert_eq!(daemon.index("blog"), "one");
    let sites = living.snapshot().sites;
    assert!(sites.iter().all(|site| !site.unfinished), "{sites:?}");
    living.end();
    // What is done is not done again.
    let mut living = Living::new(&daemon, calm());
    assert_eq!(
        living.order("blog", SiteOrder::Refresh).outcome,
        Outcome::Unchanged
    );
    living.next(|what| match what {
        Happening::Reported(report) => {
            assert_eq!(report.cause, Cause::Operator);
            Some(())
        }
        _ => None,
    });
    living.end();
}

#[test]
fn a_refused_message_changes_nothing_of_what_was_accepted() {
    let mut daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    daemon.policy.domains = mycelia_spore::plan::Patterns::new(vec!["*.example".into()]);
    let living = Living::new(&daemon, calm());
    living.send(&files("blog", &source, |_| ()));
    let refused = files("blog", &source, |config| {
        config.init_domains().set_primary("blog.test");
    });
    assert_eq!(living.send(&refused).outcome, Outcome::Refused);
    damage(&daemon, "blog");
    let report = living.order("blog", SiteOrder::Refresh);
    assert_eq!(report.outcome, Outcome::Applied);
    assert_eq!(report.urls, ["http://blog.localhost/"]);
    living.end();
}

#[test]
fn the_operator_may_pause_a_site_and_messages_are_kept_meanwhile() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    let living = Living::new(&daemon, eager());
    living.send(&files("blog", &source, |_| ()));
    assert_eq!(
        living.order("blog", SiteOrder::Suspend).outcome,
        Outcome::Paused
    );
    fs::write(source.join("index.html"), "two").unwrap();
    let message = files("blog", &source, |mut config| config.set_request_id("later"));
    assert_eq!(living.send(&message).outcome, Outcome::Paused);
    assert_eq!(living.snapshot().sites[0].activity, Activity::Paused);
    living.end();
    assert_eq!(daemon.index("blog"), "one");
    // It stays so over a restart, until the operator says otherwise.
    let mut living = Living::new(&daemon, calm());
    assert_eq!(living.snapshot().sites[0].activity, Activity::Paused);
    living.order("blog", SiteOrder::Resume);
    let report = living.report(Cause::Resume);
    assert_eq!(report.request_id.as_str(), "later");
    assert_eq!(daemon.index("blog"), "two");
    living.end();
}

#[test]
fn the_operators_orders_are_carried_out_beside_messages() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    let message = files("blog", &source, |_| ());
    let living = Living::new(&daemon, calm());
    living.send(&message);
    fs::write(source.join("index.html"), "two").unwrap();
    living.send(&message);
    let rolled = living.order("blog", SiteOrder::Rollback(None));
    assert_eq!(
        (rolled.outcome, rolled.cause),
        (Outcome::Applied, Cause::Operator)
    );
    assert_eq!(daemon.index("blog"), "one");
    assert_eq!(
        living.send(&message).outcome,
        Outcome::Unchanged,
        "it holds"
    );
    living.order("blog", SiteOrder::Protect(true));
    let record = living.snapshot().sites[0].record.clone().unwrap();
    assert!(record.protected);
    let unknown = living.order("nobody", SiteOrder::Refresh);
    assert_eq!(unknown.faults[0].code, "site-unknown");
    let forgotten = living.order("blog", SiteOrder::Forget);
    assert_eq!(forgotten.outcome, Outcome::Unchanged);
    assert!(living.snapshot().sites.is_empty());
    assert_eq!(daemon.index("blog"), "one", "what is published stays");
    let unknown = living.order("blog", SiteOrder::Refresh);
    assert_eq!(unknown.outcome, Outcome::Failed);
    living.end();
    let store = Store::open_readonly(&daemon.state()).unwrap();
    assert!(store.sites().is_empty() && store.accepted().unwrap().is_empty());
}

#[test]
fn a_plan_changes_and_keeps_nothing() {
    let daemon = Daemon::new();
    let living = Living::new(&daemon, calm());
    let planned = living.control.plan(decoded(&page("links", |_| ())));
    let report = living.runtime.block_on(planned).unwrap();
    assert_eq!(report.outcome, Outcome::Planned);
    assert!(living.snapshot().sites.is_empty() && daemon.live("links").is_none());
    living.end();
}

#[test]
fn a_site_that_is_paused_or_gone_is_not_looked_at() {
    let daemon = Daemon::new();
    let living = Living::new(&daemon, eager());
    for (ensure, state) in [
        (mycelia_spore::model::Ensure::Paused, SiteState::Paused),
        (mycelia_spore::model::Ensure::Absent, SiteState::Absent),
    ] {
        living.send(&page("links", |_| ()));
        living.send(&page("links", |config| {
            config.init_lifecycle().set_ensure(ensure);
        }));
        let site = living.snapshot().sites.remove(0);
        assert_eq!(site.record.unwrap().state, state);
        assert_eq!(site.activity, Activity::Resting { until: None });
    }
    living.end();
}

#[test]
fn messages_that_are_not_begun_at_the_end_are_left_to_the_next_daemon() {
    let daemon = Daemon::new();
    let source = daemon.source("blog", &[("index.html", "one")]);
    for number in 0..400 {
        fs::write(source.join(format!("{number}.html")), "x".repeat(4096)).unwrap();
    }
    let mut options = calm();
    options.bounds.jobs = 1;
    let mut living = Living::new(&daemon, options);
    let sites = ["a", "b", "c"].map(|id| decoded(&files(id, &source, |_| ())));
    let control = living.control.clone();
    let asked = sites.map(|spore| {
        let control = control.clone();
        living
            .runtime
            .spawn(async move { control.apply(spore).await })
    });
    for _ in &asked {
        living.next(|what| matches!(what, Happening::Accepted { .. }).then_some(()));
    }
    let drain = living.control.drain(false);
    living.runtime.block_on(drain).unwrap();
    let answers = asked.map(|asked| living.runtime.block_on(asked).unwrap());
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(done < 3, "all was done: {answers:?}");
    living.end();
    let mut living = Living::new(&daemon, calm());
    for _ in done..3 {
        assert_eq!(living.report(Cause::Resume).outcome, Outcome::Applied);
    }
    living.end();
    for id in ["a", "b", "c"] {
        assert_eq!(daemon.index(id), "one");
    }
}

#[test]
fn an_older_generation_does_not_pass_a_newer_one_that_is_just_being_accepted() {
    let daemon = Daemon::new();
    let living = Living::new(&daemon, calm());
    let message = |generation: u64| {
        page("blog", |mut config| {
            config.set_generation(generation);
            let mut site = config.reborrow().get_site().unwrap();
            site.set_title(format!("generation {generation}"));
        })
    };
    for round in 1..=20 {
        let messages = [1, 3, 2].map(|number| message(10 * round + number));
        // All are there before the loop has kept the first.
        let reports = living.runtime.block_on(async {
            let [first, newest, older] = &messages;
            tokio::join!(
                living.control.apply(decoded(first)),
                living.control.apply(decoded(newest)),
                living.control.apply(decoded(older))
            )
        });
        assert_eq!(reports.1.unwrap().outcome, Outcome::Applied);
        assert_eq!(reports.2.unwrap().outcome, Outcome::Superseded);
    }
    living.end();
}
