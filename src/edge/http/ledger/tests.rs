use super::Admission::{AfterAnother, Granted, NotBefore};
use super::*;
use proptest::prelude::*;

const WINDOW: Duration = Duration::from_secs(300);

/// A clock that goes only when it is told to.
struct Clock(Instant);

impl Clock {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn at(&self, seconds: u64) -> Instant {
        self.0 + Duration::from_secs(seconds)
    }
}

fn left(name: &str, requests: u64, seconds: u64) -> Left {
    Left {
        name: name.to_owned(),
        requests,
        time: Duration::from_secs(seconds),
    }
}

/// Sends this many requests, each of which ends at once.
fn send(ledger: &mut Ledger, count: usize, now: Instant) {
    for _ in 0..count {
        assert_eq!(ledger.admit(now), Granted);
        ledger.end(now);
    }
}

#[test]
fn a_window_has_room_for_its_limit() {
    let (clock, mut ledger) = (Clock::new(), Ledger::new(3, WINDOW));
    assert_eq!(ledger.remaining(clock.at(0)), 3);
    send(&mut ledger, 2, clock.at(0));
    send(&mut ledger, 1, clock.at(10));
    assert_eq!(ledger.remaining(clock.at(10)), 0);
    assert_eq!(ledger.admit(clock.at(20)), NotBefore(clock.at(300)));
    assert_eq!(ledger.admit(clock.at(299)), NotBefore(clock.at(300)));
    assert_eq!(ledger.remaining(clock.at(300)), 2);
    send(&mut ledger, 2, clock.at(300));
    assert_eq!(ledger.admit(clock.at(300)), NotBefore(clock.at(310)));
}

#[test]
fn a_request_takes_its_place_until_a_window_after_its_end() {
    let (clock, mut ledger) = (Clock::new(), Ledger::new(1, WINDOW));
    assert_eq!(ledger.admit(clock.at(0)), Granted);
    assert_eq!(ledger.admit(clock.at(1000)), AfterAnother);
    ledger.end(clock.at(1000));
    assert_eq!(ledger.admit(clock.at(1001)), NotBefore(clock.at(1300)));
    assert_eq!(ledger.admit(clock.at(1300)), Granted);
}

#[test]
fn nothing_is_never_the_limit() {
    assert_eq!(Ledger::new(0, WINDOW).admit(Instant::now()), Granted);
}

#[test]
fn the_server_knows_better() {
    let (clock, mut ledger) = (Clock::new(), Ledger::new(1200, WINDOW));
    send(&mut ledger, 1, clock.at(0));
    ledger.learn(&left("default", 2, 30), clock.at(0));
    assert_eq!(ledger.remaining(clock.at(0)), 2);
    send(&mut ledger, 2, clock.at(1));
    assert_eq!(ledger.admit(clock.at(2)), NotBefore(clock.at(30)));
    // Another quota may hold for longer.
    ledger.learn(&left("hourly", 0, 100), clock.at(2));
    assert_eq!(ledger.admit(clock.at(2)), NotBefore(clock.at(102)));
    assert_eq!(ledger.admit(clock.at(30)), NotBefore(clock.at(102)));
    // What was said is over: the own count holds.
    assert_eq!(ledger.remaining(clock.at(102)), 1197);
}

#[test]
fn answers_may_overtake_one_another() {
    let (clock, mut ledger) = (Clock::new(), Ledger::new(1200, WINDOW));
    for _ in 0..3 {
        assert_eq!(ledger.admit(clock.at(0)), Granted);
    }
    // The server has counted the third and perhaps not the other two.
    ledger.learn(&left("default", 10, 30), clock.at(1));
    ledger.end(clock.at(1));
    assert_eq!(ledger.remaining(clock.at(1)), 8);
    // An older answer: it knows less.
    ledger.learn(&left("default", 12, 30), clock.at(1));
    ledger.end(clock.at(1));
    assert_eq!(ledger.remaining(clock.at(1)), 8);
    // A new window of the server.
    ledger.learn(&left("default", 500, 300), clock.at(29));
    assert_eq!(ledger.remaining(clock.at(29)), 500);
}

#[test]
fn a_server_may_want_no_requests() {
    let (clock, mut ledger) = (Clock::new(), Ledger::new(5, WINDOW));
    ledger.close(Duration::from_secs(60), clock.at(0));
    ledger.close(Duration::from_secs(10), clock.at(1));
    assert_eq!(ledger.remaining(clock.at(2)), 0);
    assert_eq!(ledger.admit(clock.at(2)), NotBefore(clock.at(60)));
    assert_eq!(ledger.admit(clock.at(60)), Granted);
}

#[test]
fn a_server_may_say_anything() {
    let (clock, mut ledger) = (Clock::new(), Ledger::new(5, WINDOW));
    ledger.learn(&left("ages", 0, u64::MAX), clock.at(0));
    ledger.close(Duration::MAX, clock.at(0));
    for number in 0..100 {
        ledger.learn(&left(&format!("quota {number}"), 7, 60), clock.at(0));
    }
    assert_eq!(ledger.quotas.len(), QUOTAS_MAX);
    assert_eq!(ledger.admit(clock.at(0)), Granted);
    ledger.end(clock.at(0));
    ledger.end(clock.at(0));
    assert_eq!(ledger.remaining(clock.at(0)), 3);
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Event {
    /// Time goes by, in milliseconds.
    Wait(u64),
    Send,
    /// The request under way of this number, counted round, ends.
    End(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        (0..400_u64).prop_map(Event::Wait),
        Just(Event::Send),
        Just(Event::Send),
        any::<usize>().prop_map(Event::End),
    ];
    prop::collection::vec(event, 0..300)
}

/// A request as a server may have seen it: from when to when.
type Span = (Instant, Option<Instant>);

fn takes_place(span: &Span, window: Duration, now: Instant) -> bool {
    span.1.is_none_or(|end| end + window > now)
}

fn end_one(spans: &mut [Span], which: usize, now: Instant) -> bool {
    let mut open: Vec<&mut Span> = spans.iter_mut().filter(|span| span.1.is_none()).collect();
    if open.is_empty() {
        return false;
    }
    let at = which % open.len();
    open[at].1 = Some(now);
    true
}

proptest! {
    /// Never more than the limit in any window, whenever the server counts; and nobody waits when there is
    /// room, nor for longer than until there is.
    #[test]
    fn the_allowance_is_kept_and_used(
        limit in 1..6_usize,
        events in events(),
        counted in prop::collection::vec(0.0..=1.0_f64, 300),
    ) {
        let window = Duration::from_secs(1);
        let start = Instant::now();
        let mut now = start;
        let mut ledger = Ledger::new(u32::try_from(limit).unwrap(), window);
        let mut spans: Vec<Span> = Vec::new();
        for event in events {
            match event {
                Event::Wait(time) => now += Duration::from_millis(time),
                Event::End(which) if end_one(&mut spans, which, now) => ledger.end(now),
                Event::End(_) => {}
                Event::Send => {
                    let taken = spans.iter().filter(|it| takes_place(it, window, now)).count();
                    prop_assert_eq!(ledger.remaining(now) as usize, limit - taken);
                    match ledger.admit(now) {
                        Granted => {
                            prop_assert!(taken < limit);
                            spans.push((now, None));
                        }
                        AfterAnother => {
                            prop_assert_eq!(spans.iter().filter(|it| it.1.is_none()).count(), limit);
                        }
                        NotBefore(time) => {
                            prop_assert_eq!(taken, limit);
                            prop_assert!(time > now);
                            let then = spans.iter().filter(|it| takes_place(it, window, time));
                            prop_assert!(then.count() < limit, "there is room at the time it names");
                            let before = time.checked_sub(Duration::from_nanos(1)).unwrap();
                            let still = spans.iter().filter(|it| takes_place(it, window, before));
                            prop_assert_eq!(still.count(), limit, "and not before");
                        }
                    }
                }
            }
        }
        let mut counts: Vec<Instant> = spans
            .iter()
            .zip(counted)
            .map(|((from, to), part)| *from + (to.unwrap_or(now) - *from).mul_f64(part))
            .collect();
        counts.sort();
        for first in &counts {
            let within = counts.iter().filter(|time| *time >= first && **time - *first < window);
            prop_assert!(within.count() <= limit);
        }
    }
}
