//! Many messages: the order of reports, what overtakes what, and how a stream ends.

use crate::common::{files, page, site_id};
use crate::daemon::{Daemon, outcome, outcomes, reasons};
use std::future::{pending, ready};
use std::io::{self, Write};

fn titled(id: &str, title: &str, generation: u64) -> Vec<u8> {
    page(id, |mut config| {
        config.set_generation(generation);
        config.set_request_id(title);
        config.get_site().unwrap().set_title(title);
    })
}

#[test]
fn reports_come_in_the_order_of_the_messages() {
    let daemon = Daemon::new();
    let many: Vec<(String, &str)> = (0..200).map(|n| (format!("{n}.txt"), "text")).collect();
    let mut large: Vec<(&str, &str)> = many.iter().map(|(path, text)| (&**path, *text)).collect();
    large.push(("index.html", "large"));
    let large = daemon.source("large", &large);
    let messages: Vec<Vec<u8>> = (0..24)
        .map(|number| {
            let id = format!("site-{number}");
            match number % 3 {
                // Much work, some, and none.
                0 => files(&id, &large, |_| ()),
                1 => page(&id, |_| ()),
                _ => page("not a name", |_| ()),
            }
        })
        .collect();
    let run = daemon.run(&messages);
    let numbers: Vec<u64> = run
        .reports
        .iter()
        .map(|report| report["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
    for (number, report) in run.reports.iter().enumerate() {
        match number % 3 {
            2 => assert_eq!(outcome(report), "invalid"),
            _ => assert_eq!(report["site"], format!("site-{number}")),
        }
    }
    assert_eq!(run.summary.outcomes["applied"], 16);
    assert_eq!(run.summary.outcomes["invalid"], 8);
    assert_eq!(run.summary.failures, 8);
}

#[test]
fn more_messages_than_are_read_ahead() {
    let daemon = Daemon::new();
    let mut messages = vec![page("links", |_| ())];
    messages.extend((0..600).map(|_| page("not a name", |_| ())));
    messages.push(page("more-links", |_| ()));
    let run = daemon.run(&messages);
    assert_eq!(run.reports.len(), 602);
    assert_eq!(outcome(&run.reports[0]), "applied");
    assert_eq!(outcome(&run.reports[601]), "applied");
}

#[test]
fn the_newest_message_that_waits_is_the_one_that_counts() {
    let daemon = Daemon::new();
    let run = daemon.run(&[
        titled("links", "first", 0),
        titled("links", "second", 0),
        titled("other", "other", 0),
        titled("links", "third", 0),
    ]);
    // The first was begun when the second came; the third came before the second's turn.
    let expected = ["applied", "superseded", "applied", "applied"];
    assert_eq!(outcomes(&run.reports), expected);
    assert!(reasons(&run.reports[1])[0].contains("message 4"));
    assert_eq!(run.reports[1]["request_id"], "second");
    assert!(daemon.index("links").contains("third"));
    assert_eq!(run.summary.failures, 0);
}

#[test]
fn an_older_generation_is_superseded() {
    let daemon = Daemon::new();
    assert_eq!(
        outcome(&daemon.send(titled("links", "seven", 7))),
        "applied"
    );
    let report = daemon.send(titled("links", "six", 6));
    assert_eq!(outcome(&report), "superseded");
    assert!(reasons(&report)[0].contains("generation 7"));
    assert!(daemon.index("links").contains("seven"));
    // The same generation again, and a message that counts nothing, are taken as they come.
    assert_eq!(outcome(&daemon.send(titled("links", "same", 7))), "applied");
    assert_eq!(outcome(&daemon.send(titled("links", "none", 0))), "applied");
    // What was applied last by number still holds.
    let report = daemon.send(titled("links", "six", 6));
    assert_eq!(outcome(&report), "superseded");
    assert_eq!(outcome(&daemon.send(titled("links", "next", 8))), "applied");
}

#[test]
fn an_invalid_message_stops_nothing() {
    let daemon = Daemon::new();
    let run = daemon.run(&[
        page("one", |_| ()),
        page("two", |mut config| {
            config.set_request_id("token");
            config.init_domains().set_primary("no domain");
        }),
        crate::common::pack(|_| ()),
        page("three", |_| ()),
    ]);
    let expected = ["applied", "invalid", "invalid", "applied"];
    assert_eq!(outcomes(&run.reports), expected);
    // As much as can be told of it is told.
    assert_eq!(run.reports[1]["site"], "two");
    assert_eq!(run.reports[1]["request_id"], "token");
    assert_eq!(run.reports[1]["error"]["path"], "domains.primary");
    assert!(daemon.live("three").is_some());
}

#[test]
fn a_framing_error_ends_the_stream_with_a_last_report() {
    let daemon = Daemon::new();
    let torn = page("two", |_| ());
    let run = daemon.run(&[page("one", |_| ()), torn[..torn.len() / 2].to_vec()]);
    assert_eq!(outcomes(&run.reports), ["applied", "invalid"]);
    let last = &run.reports[1];
    assert_eq!(last["seq"], 2);
    assert_eq!(last["error"]["code"], "stream-framing");
    assert!(run.summary.stream.is_some());
    assert!(daemon.live("one").is_some());
    assert!(daemon.live("two").is_none());
}

#[test]
fn only_one_site_when_asked() {
    let mut daemon = Daemon::new();
    daemon.only = Some(site_id("two"));
    let run = daemon.run(&[
        page("one", |_| ()),
        page("two", |_| ()),
        page("not a name", |_| ()),
        page("three", |_| ()),
        page("two", |mut config| config.set_generation(2)),
    ]);
    let numbers: Vec<_> = run.reports.iter().map(|it| it["seq"].as_u64()).collect();
    assert_eq!(numbers, [Some(2), Some(5)]);
    assert!(daemon.live("two").is_some());
    assert!(daemon.live("one").is_none());
}

#[test]
fn a_plan_changes_nothing() {
    let mut daemon = Daemon::new();
    daemon.send(page("old", |_| ()));
    let before = daemon.published();
    daemon.mode = mycelia_spore::reconcile::Mode::Plan;
    let run = daemon.run(&[
        page("old", |_| ()),
        page("new", |_| ()),
        page("old", |config| {
            let ensure = mycelia_spore::model::Ensure::Absent;
            config.init_lifecycle().set_ensure(ensure);
        }),
        page("paused", |config| {
            let ensure = mycelia_spore::model::Ensure::Paused;
            config.init_lifecycle().set_ensure(ensure);
        }),
    ]);
    let expected = ["unchanged", "planned", "planned", "paused"];
    assert_eq!(outcomes(&run.reports), expected);
    assert_eq!(run.reports[1]["steps"][0]["outcome"], "planned");
    assert!(run.summary.pending);
    assert_eq!(daemon.published(), before);
    assert_eq!(daemon.record("new"), None);
    assert_eq!(daemon.record("paused"), None);
}

#[test]
fn after_a_shutdown_nothing_more_is_taken() {
    let daemon = Daemon::new();
    let (result, output) = daemon.run_into(&[page("one", |_| ())], Vec::new(), ready(()));
    assert!(result.unwrap().stopped);
    assert!(output.is_empty());
    assert!(daemon.live("one").is_none());
}

/// An output that fails from its first byte on.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn work_under_way_is_finished_when_reports_cannot_be_written() {
    let daemon = Daemon::new();
    daemon.send(titled("quick", "seven", 7));
    // The first is answered soon and its report fails; the second is still worked on then.
    let source = daemon.source("blog", &[("index.html", "one")]);
    let messages = [titled("quick", "six", 6), files("blog", &source, |_| ())];
    let full = Broken(io::ErrorKind::StorageFull);
    let (result, _) = daemon.run_into(&messages, full, pending());
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(daemon.live("blog").is_some());
    let record = daemon.record("blog").unwrap();
    assert_eq!(record.release, daemon.live("blog").map(|live| live.release));
}

#[test]
fn a_reader_that_went_away_does_not_end_the_work() {
    let daemon = Daemon::new();
    let messages = [page("one", |_| ()), page("two", |_| ())];
    let gone = Broken(io::ErrorKind::BrokenPipe);
    let (result, _) = daemon.run_into(&messages, gone, pending());
    assert_eq!(result.unwrap().outcomes["applied"], 2);
    assert!(daemon.live("two").is_some());
}
