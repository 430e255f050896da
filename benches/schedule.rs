//! When which site is worked on: what a decision costs, and what a site that rests.

use crate::harness::{Bar, Figure, Random, Result, Row, Table, best, output, thread_time};
use crate::memory::held;
use fastrand::Rng;
use mycelia_spore::model::{Parse, SiteId};
use mycelia_spore::schedule::{
    Account, Command, Ended, Event, Finding, Health, Options, Record, Schedule, Terms, Ticket, Time,
};
use std::hint::black_box;
use std::process;
use std::sync::Arc;
use std::time::Duration;

/// Tells the program that it is the process whose memory is looked at.
pub(crate) const CHILD: &str = "--schedule-child";

const SITES: u64 = 10_000;

const MESSAGES: u64 = 200_000;

/// Passes over all messages; the best one counts.
const PASSES: usize = 5;

/// Measures deciding about messages, and the memory of sites at rest.
pub(crate) fn run(table: &mut Table) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..PASSES {
        times.push(pass()?);
    }
    table.add(Row {
        what: "schedule, events per second among 10,000 sites".into(),
        own: Figure(best(&times).recip(), "/s"),
        peer: None,
        bar: Bar::Least(500_000.0),
    });
    let printed = output(process::Command::new(std::env::current_exe()?).arg(CHILD))?;
    table.add(Row {
        what: "schedule, memory of a site at rest, of 10,000".into(),
        own: Figure(printed.trim().parse()?, "bytes"),
        peer: None,
        bar: Bar::Most(300.0),
    });
    Ok(())
}

/// The processor seconds that one event takes: each message is one, the end of its run another.
fn pass() -> Result<f64> {
    let (mut schedule, sites) = resting()?;
    let terms = terms();
    let mut random = Random(0x5eed);
    let (mut events, mut out, mut ends) = (0_u64, Vec::new(), Vec::new());
    let start = thread_time();
    for number in 0..MESSAGES {
        let now = Time::after(Duration::from_millis(number));
        let site = usize::try_from(random.next() % SITES)?;
        let event = Event::Accepted {
            site: sites[site].clone(),
            ticket: Ticket(number),
            terms: terms.clone(),
        };
        schedule.handle(now, event, &mut out);
        events += 1;
        while !out.is_empty() {
            ends.extend(out.drain(..).filter_map(end));
            for event in ends.drain(..) {
                schedule.handle(now, event, &mut out);
                events += 1;
            }
        }
    }
    let time = thread_time().saturating_sub(start);
    if black_box(&schedule).counts().running > 0 || events < 2 * MESSAGES {
        return Err(format!("only {events} events").into());
    }
    Ok(time.as_secs_f64() / events as f64)
}

/// The end of a run that was asked for.
fn end(command: Command) -> Option<Event> {
    let Command::Start { site, .. } = command else {
        return None;
    };
    let ended = Ended::Completed {
        finding: Finding::AsAsked,
        next_edge: None,
    };
    Some(Event::Finished { site, ended })
}

/// Prints how many bytes a site takes, a copy of its name for the caller among them.
pub(crate) fn child() -> Result<()> {
    // The first makes what the others find: freed memory that is taken again would not be seen.
    let first = resting()?;
    let before = held("VmRSS")?;
    let kept: Vec<_> = (0..8).map(|_| resting()).collect::<Result<_>>()?;
    let bytes = (held("VmRSS")? - before) * 1e6 / (8 * SITES) as f64;
    black_box(&first);
    black_box(&kept);
    println!("{bytes:.1}");
    Ok(())
}

fn terms() -> Terms {
    let accounts: Arc<[Account]> = Arc::new([Account(1)]);
    Terms {
        accounts,
        paused: false,
        drift: None,
    }
}

/// A schedule with all sites at rest, and their names.
fn resting() -> Result<(Schedule, Vec<SiteId>)> {
    let mut schedule = Schedule::new(Options::default(), Rng::with_seed(1));
    let mut sites = Vec::new();
    let terms = terms();
    for number in 0..SITES {
        let name = format!("site-{number}");
        let site = SiteId::parse(&name).map_err(|defect| format!("{name}: {defect:?}"))?;
        sites.push(site.clone());
        let record = Record {
            terms: terms.clone(),
            unfinished: false,
            suspended: false,
            next_edge: None,
            health: Health::Good,
        };
        let event = Event::Known { site, record };
        schedule.handle(Time::default(), event, &mut Vec::new());
    }
    Ok((schedule, sites))
}
