//! A packed stream, as far as a configuration that could be acted on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mycelia_spore::desired::DesiredSite;
use mycelia_spore::stream::{Frames, Spore};

fuzz_target!(|stream: &[u8]| {
    for frame in Frames::new(stream).map_while(Result::ok) {
        let spore = Spore::decode(&frame);
        let Ok(config) = &spore.config else {
            continue;
        };
        let _ = DesiredSite::from_config(config);
        // What is kept for later means the same as what came.
        let again = again(&spore.canonical);
        assert_eq!(again.digest, spore.digest);
        assert_eq!(again.config.as_ref(), Ok(config));
    }
});

/// Decodes a message that is not packed.
fn again(mut bytes: &[u8]) -> Spore {
    let message = capnp::serialize::read_message(&mut bytes, capnp::message::ReaderOptions::new())
        .expect("the canonical form is a message");
    Spore::decode(&mycelia_spore::stream::Frame {
        number: 1,
        offset: 0,
        message,
    })
}
