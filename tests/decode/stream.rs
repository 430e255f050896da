//! Streams: where messages begin and end, and bytes that are no messages.

use super::sample::{Config, decode, decode_flat, message, site};
use capnp::serialize_packed;
use mycelia_spore::model::SporeConfig;
use mycelia_spore::schema::spore_capnp::spore_config;
use mycelia_spore::stream::{Frames, Spore, StreamError};
use proptest::prelude::*;
use std::io::{self, BufReader, Read};

/// Packed messages of sites with these ids.
fn packed(ids: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for id in ids {
        serialize_packed::write_message(&mut bytes, &message(|c| site(c).set_id(id))).unwrap();
    }
    bytes
}

/// The ids of the sites in a stream, read through a buffer of this many bytes.
fn ids(bytes: &[u8], buffer: usize) -> Result<Vec<String>, StreamError> {
    Frames::new(BufReader::with_capacity(buffer, bytes))
        .map(|frame| Ok(Spore::decode(&frame?).site.unwrap().to_string()))
        .collect()
}

#[test]
fn messages_stand_back_to_back_at_any_buffer_size() {
    let bytes = packed(&["one", "two", "three"]);
    for buffer in (1..40).chain([64, 4096, 65536]) {
        assert_eq!(
            ids(&bytes, buffer).unwrap(),
            ["one", "two", "three"],
            "{buffer}"
        );
    }
    assert!(ids(&[], 8).unwrap().is_empty());
}

#[test]
fn frames_tell_their_number_and_place() {
    let (one, both) = (packed(&["one"]), packed(&["one", "two"]));
    let mut frames = Frames::new(&both[..]);
    let places: Vec<_> = frames
        .by_ref()
        .map(|frame| frame.map(|frame| (frame.number, frame.offset)).unwrap())
        .collect();
    assert_eq!(places, [(1, 0), (2, one.len() as u64)]);
    assert_eq!(frames.bytes_read(), both.len() as u64);
}

#[test]
fn every_truncation_is_an_error_that_ends_the_stream() {
    let (one, both) = (packed(&["one"]), packed(&["one", "two"]));
    for end in 1..both.len() {
        let mut frames = Frames::new(&both[..end]);
        let good = frames.by_ref().take_while(Result::is_ok).count();
        assert_eq!(good, usize::from(end >= one.len()), "cut at {end}");
        assert!(frames.next().is_none(), "cut at {end}");
        let whole = end == one.len();
        assert_eq!(ids(&both[..end], 7).is_ok(), whole, "cut at {end}");
    }
}

#[test]
fn truncation_is_told_with_its_place() {
    let (one, both) = (packed(&["one"]), packed(&["one", "two"]));
    let error = ids(&both[..both.len() - 1], 64).unwrap_err();
    let told = error.to_string();
    let place = format!(
        "message 2 at byte {}: the stream ends within a message",
        one.len()
    );
    assert!(told.starts_with(&place), "{told}");
}

#[test]
fn claims_beyond_the_limits_are_refused_before_memory_is_taken() {
    let claims = |table: &[u8]| {
        let mut bytes = Vec::new();
        let mut writer = capnp_pack(&mut bytes);
        io::Write::write_all(&mut writer, table).unwrap();
        drop(writer);
        ids(&bytes, 64).unwrap_err().to_string()
    };
    // One segment of 131,073 words; then 512 segments.
    let told = claims(&[0, 0, 0, 0, 1, 0, 2, 0]);
    assert!(told.contains("at most 131072 (1 MiB)"), "{told}");
    let told = claims(&[0xff, 1, 0, 0, 1, 0, 0, 0]);
    assert!(told.contains("512 segments"), "{told}");
}

/// Packs words of eight bytes that have no zero run.
fn capnp_pack(bytes: &mut Vec<u8>) -> impl io::Write + '_ {
    struct Pack<'b>(&'b mut Vec<u8>);
    impl io::Write for Pack<'_> {
        fn write(&mut self, words: &[u8]) -> io::Result<usize> {
            for word in words.chunks(8) {
                let tag = (0..8)
                    .filter(|&bit| word[bit] != 0)
                    .map(|bit| 1 << bit)
                    .sum();
                self.0.push(tag);
                self.0.extend(word.iter().filter(|byte| **byte != 0));
            }
            Ok(words.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    Pack(bytes)
}

#[test]
fn errors_of_the_system_are_kept_and_interruptions_retried() {
    struct Failing<'b>(&'b [u8], u32);
    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1 % 2 == 1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let length = buffer.len().min(9);
            match self.0.read(&mut buffer[..length])? {
                0 => Err(io::Error::other("the cable was pulled")),
                count => Ok(count),
            }
        }
    }
    let bytes = packed(&["one"]);
    let mut frames = Frames::new(BufReader::new(Failing(&bytes, 0)));
    assert!(frames.next().unwrap().is_ok());
    let Err(error) = frames.next().unwrap() else {
        panic!("the second read fails");
    };
    assert!(
        matches!(error, StreamError::Io { number: 2, .. }),
        "{error}"
    );
    assert!(error.full().ends_with("the cable was pulled"), "{error}");
}

#[test]
fn content_faults_leave_the_stream_usable() {
    let bytes = packed(&["one", "NOT AN ID", "three"]);
    let spores: Vec<Spore> = Frames::new(&bytes[..])
        .map(|frame| Spore::decode(&frame.unwrap()))
        .collect();
    let good: Vec<bool> = spores.iter().map(|spore| spore.config.is_ok()).collect();
    assert_eq!(good, [true, false, true]);
    assert_eq!(spores[1].request_id.as_str(), "deploy-4711");
    assert_ne!(spores[0].digest, spores[2].digest);
}

/// Decodes all that can be decoded, and gives how many messages there were.
fn read_all(bytes: &[u8]) -> usize {
    let mut count = 0;
    for frame in Frames::new(bytes).map_while(Result::ok) {
        count += 1;
        let root = frame.message.get_root::<spore_config::Reader<'_>>();
        let config = root.ok().map(SporeConfig::from_reader);
        if let Some(Err(faults)) = &config {
            // Lists are bounded, so one message cannot make an unbounded report.
            let told = faults.as_slice().len();
            assert!(told < 20_000, "{told} faults");
        }
        let spore = Spore::decode(&frame);
        let sound = matches!(config, Some(Ok(_))) && !spore.canonical.is_empty();
        assert_eq!(spore.config.is_ok(), sound);
        assert!(spore.canonical.len() <= 8 << 20);
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(read_all(&bytes) <= bytes.len());
    }

    #[test]
    fn damaged_messages_are_read_without_a_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = packed(&["one", "two"]);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        prop_assert!(read_all(&bytes) <= bytes.len());
    }
}

#[test]
fn a_stream_decodes_as_its_messages_do() {
    let bytes = packed(&["one"]);
    let frame = Frames::new(&bytes[..]).next().unwrap().unwrap();
    let spore = Spore::decode(&frame);
    let alone = decode(&message(|c| site(c).set_id("one"))).unwrap();
    assert_eq!(*spore.config.unwrap(), alone);
}

#[test]
fn canonical_form_is_a_message_of_equal_meaning() {
    let frame_of = |bytes: &[u8]| Frames::new(bytes).next().unwrap().unwrap();
    let spore = Spore::decode(&frame_of(&packed(&["one"])));
    let again = decode_flat(&spore.canonical).unwrap();
    assert_eq!(again, *spore.config.unwrap());
    // Written in another order, with a field set to its default: the same meaning, the same digest.
    let mut other = capnp::message::Builder::new_default();
    let one = message(|c| site(c).set_id("one"));
    let mut root = other.init_root::<Config<'_>>();
    root.set_generation(7);
    let reader: spore_config::Reader<'_> = one.get_root_as_reader().unwrap();
    root.set_hosting(reader.get_hosting().unwrap()).unwrap();
    root.set_purchase(reader.get_purchase().unwrap()).unwrap();
    root.set_dns(reader.get_dns().unwrap()).unwrap();
    root.set_domains(reader.get_domains().unwrap()).unwrap();
    root.set_build(reader.get_build().unwrap()).unwrap();
    root.set_repo(reader.get_repo().unwrap()).unwrap();
    root.set_site(reader.get_site().unwrap()).unwrap();
    root.set_labels(reader.get_labels().unwrap()).unwrap();
    root.set_request_id("deploy-4711");
    root.set_schema_version(1);
    root.set_min_reader_version(0);
    let mut bytes = Vec::new();
    serialize_packed::write_message(&mut bytes, &other).unwrap();
    let rewritten = Spore::decode(&frame_of(&bytes));
    assert_eq!(rewritten.digest, spore.digest);
    assert_eq!(rewritten.canonical, spore.canonical);
}
