//! From bytes to the checked, owned configuration.

use crate::harness::{Bar, Figure, Result, Row, Table, best, thread_time};
use crate::{message, peer};
use mycelia_spore::model::SporeConfig;
use mycelia_spore::schema::spore_capnp::spore_config;
use mycelia_spore::stream::{Frame, Frames, Spore};
use std::hint::black_box;

const MESSAGES: u64 = 20_000;

/// Passes over all messages; the best one counts.
const PASSES: usize = 9;

/// Measures the decoding of one message and compares it with the C++ library's.
pub(crate) fn run(table: &mut Table) -> Result<()> {
    let bytes = message::packed(0..MESSAGES, message::blog)?;
    let peer = peer::Peer::compiled(&bytes)?;
    let (mut own, mut whole, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    // One after another within each pass, so that what else the machine does falls on all alike.
    for _ in 0..PASSES {
        own.push(pass(&bytes, config)?);
        whole.push(pass(&bytes, spore)?);
        if let Some(peer) = &peer {
            theirs.push(peer.pass()? / MESSAGES as f64);
        }
    }
    let (own, whole) = (best(&own), best(&whole));
    let theirs = peer.is_some().then(|| best(&theirs));
    let microseconds = |seconds: f64| Figure(seconds * 1e6, "us");
    table.add(Row {
        what: "decode and check, messages per second of one core".into(),
        own: Figure(own.recip(), "/s"),
        peer: theirs.map(|time| Figure(time.recip(), "/s")),
        bar: Bar::Least(150_000.0),
    });
    table.add(Row {
        what: "decode and check, time of one message".into(),
        own: microseconds(own),
        peer: theirs.map(microseconds),
        bar: Bar::Ratio(1.2),
    });
    table.add(Row {
        what: "the same with canonical form and digest".into(),
        own: microseconds(whole),
        peer: None,
        bar: Bar::None,
    });
    Ok(())
}

/// The processor seconds that one message takes.
fn pass(bytes: &[u8], each: fn(&Frame) -> Result<()>) -> Result<f64> {
    let start = thread_time();
    let mut count = 0;
    for frame in Frames::new(bytes) {
        each(&frame?)?;
        count += 1;
    }
    let time = thread_time().saturating_sub(start);
    if count != MESSAGES {
        return Err(format!("{count} messages instead of {MESSAGES}").into());
    }
    Ok(time.as_secs_f64() / MESSAGES as f64)
}

fn config(frame: &Frame) -> Result<()> {
    let root = frame.message.get_root::<spore_config::Reader<'_>>()?;
    black_box(SporeConfig::from_reader(root)?);
    Ok(())
}

fn spore(frame: &Frame) -> Result<()> {
    let spore = Spore::decode(frame);
    black_box(&spore).config.as_ref().map_err(Clone::clone)?;
    Ok(())
}
