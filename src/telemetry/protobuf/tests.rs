use super::super::span::Place;
use super::*;
use proptest::prelude::*;
use std::time::Duration;

#[test]
fn numbers_are_written_as_the_format_says() {
    // The examples of protobuf.dev/programming-guides/encoding, and the bounds.
    let cases: [(u64, &[u8]); 5] = [
        (0, &[0]),
        (1, &[1]),
        (127, &[0x7f]),
        (150, &[0x96, 0x01]),
        (
            u64::MAX,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ),
    ];
    for (number, bytes) in cases {
        let mut message = Message::default();
        message.varint(number);
        assert_eq!(message.0, bytes, "{number}");
    }
    let mut message = Message::default();
    message.bytes(2, "testing");
    assert_eq!(message.0, b"\x12\x07testing");
}

#[test]
fn a_span_has_the_fields_of_the_definitions() {
    let span = Span {
        place: Place {
            trace: [0xaa; 16],
            span: [0xbb; 8],
        },
        parent: Some([0xcc; 8]),
        name: "step",
        begin: UNIX_EPOCH + Duration::from_nanos(1),
        took: Duration::from_nanos(2),
        attributes: vec![("n", Value::Int(-1)), ("b", Value::Bool(true))],
        error: Some("no".into()),
    };
    let mut message = Message::default();
    message.span(2, &span);
    let mut expected = b"\x0a\x10".to_vec();
    expected.extend([0xaa; 16]);
    expected.extend(b"\x12\x08\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb");
    expected.extend(b"\x22\x08\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc");
    expected.extend(b"\x2a\x04step\x30\x01");
    expected.extend(b"\x39\x01\0\0\0\0\0\0\0\x41\x03\0\0\0\0\0\0\0");
    expected.extend(b"\x4a\x10\x0a\x01n\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    expected.extend(b"\x4a\x07\x0a\x01b\x12\x02\x10\x01");
    expected.extend(b"\x7a\x06\x12\x02no\x18\x02");
    assert_eq!(
        message.0[..2],
        [0x12, u8::try_from(expected.len()).unwrap()]
    );
    assert_eq!(message.0[2..], expected);
}

#[test]
fn what_was_not_taken_is_read() {
    assert_eq!(rejected(b""), None);
    // No span, though there is a text: a warning.
    assert_eq!(rejected(b"\x0a\x04\x12\x02hm"), None);
    let told = Some((300, "old".to_owned()));
    assert_eq!(rejected(b"\x0a\x08\x08\xac\x02\x12\x03old"), told);
    // Fields of later versions, of every form, are passed over.
    let later =
        b"\x1d1234\x21\x31\x32\x33\x34\x35\x36\x37\x38\x0a\x08\x08\xac\x02\x12\x03old\x28\x07";
    assert_eq!(rejected(later), told);
    assert_eq!(rejected(b"<html>no</html>"), None);
}

proptest! {
    #[test]
    fn any_answer_is_read_without_harm(answer in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = rejected(&answer);
    }

    #[test]
    fn numbers_are_read_as_written(numbers in proptest::collection::vec((1..1000_u64, any::<u64>()), 0..8)) {
        let mut message = Message::default();
        for (field, value) in &numbers {
            message.number(*field, *value);
        }
        let expected: Vec<_> = numbers.iter().map(|(field, it)| (*field, Content::Number(*it))).collect();
        prop_assert_eq!(fields(&message.0).unwrap(), expected);
    }
}
