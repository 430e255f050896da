//! Three producers, each by a way of its own. When the daemon goes away each sends again what has no report.

use crate::farm::Farm;
use crate::ledger::{Ledger, Message};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use mycelia_spore::rpc::CallError;
use mycelia_spore::stream::Target;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The longest run of messages for one site, one after another.
const BURST: usize = 6;

/// Calls that are under way at once.
const CALLS: usize = 48;

/// What a producer has of one life of the daemon.
pub(crate) struct Shift<'a> {
    pub(crate) farm: &'a Farm,
    pub(crate) ledger: &'a Arc<Ledger>,
    pub(crate) over: &'a AtomicBool,
    pub(crate) random: fastrand::Rng,
}

impl Shift<'_> {
    fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// What goes out: first what has no report, then new messages.
    fn messages(&self, producer: char) -> impl Iterator<Item = Message> + use<> {
        let again = self.ledger.open(producer);
        let (ledger, mut random) = (Arc::clone(self.ledger), self.random.clone());
        let (mut site, mut left) = (0, 0);
        let new = std::iter::from_fn(move || {
            if left == 0 {
                (site, left) = (random.usize(..ledger.sites()), random.usize(1..=BURST));
            }
            left -= 1;
            ledger.make(producer, site)
        });
        again.into_iter().chain(new)
    }
}

/// Writes into the pipe, and hears nothing.
pub(crate) fn pipe(shift: &Shift<'_>) {
    let Ok(mut pipe) = OpenOptions::new().write(true).open(shift.farm.path("pipe")) else {
        return;
    };
    for message in shift.messages('p') {
        let sent = shift.ledger.send(&message, || shift.over());
        if !sent || pipe.write_all(&Farm::packed(&message)).is_err() {
            return;
        }
    }
}

/// Sends over the socket, and reads its reports.
pub(crate) fn socket(shift: &Shift<'_>) {
    let target = Target::Unix(shift.farm.path("socket"));
    let Ok((mut writer, Some(replies))) = target.open(true) else {
        return;
    };
    std::thread::scope(|scope| {
        let ledger = shift.ledger;
        let reading = scope.spawn(move || {
            for report in replies.map_while(Result::ok) {
                ledger.answer(report.request_id.as_str());
            }
        });
        for message in shift.messages('s') {
            let sent = shift.ledger.send(&message, || shift.over());
            if !sent || writer.send(&Farm::packed(&message)).is_err() {
                break;
            }
        }
        drop(writer.end());
        reading.join().unwrap();
    });
}

/// Calls, many at once.
pub(crate) fn calls(shift: &Shift<'_>) {
    let socket = shift.farm.path("calls");
    let messages = shift.messages('c');
    let (ledger, over) = (shift.ledger, shift.over);
    let asked = mycelia_spore::rpc::ask(&socket, async |daemon| {
        let mut calls = FuturesUnordered::new();
        for message in messages {
            if calls.len() >= CALLS
                && let Some(answered) = calls.next().await
            {
                let _: () = answered?;
            }
            if !ledger.send(&message, || over.load(Ordering::SeqCst)) {
                break;
            }
            let daemon = &daemon;
            calls.push(async move {
                let built = Farm::built(&message);
                let root = built.get_root_as_reader().map_err(CallError::from)?;
                let report = daemon.apply(root).await?;
                assert_eq!(report.request_id.as_str(), message.id);
                ledger.answer(&message.id);
                Ok::<_, CallError>(())
            });
        }
        while let Some(answered) = calls.next().await {
            answered?;
        }
        Ok(())
    });
    match asked {
        Ok(()) | Err(CallError::Gone(_) | CallError::Socket(_)) => {}
        Err(error) => panic!("{error}"),
    }
}
