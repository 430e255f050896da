//! Quick looks at short texts: most of a message's texts are plain ASCII, and most of its names are well
//! formed. What is wrong with one that is not is found out by whoever asked.

/// `a-z`.
pub(super) const LOWER: u8 = 1;
/// `A-Z`.
pub(super) const UPPER: u8 = 1 << 1;
/// `0-9`.
pub(super) const DIGIT: u8 = 1 << 2;
/// `-`.
pub(super) const HYPHEN: u8 = 1 << 3;
/// `_`.
pub(super) const UNDERSCORE: u8 = 1 << 4;
/// `.`.
pub(super) const DOT: u8 = 1 << 5;
/// `/`.
pub(super) const SLASH: u8 = 1 << 6;
/// Any other byte.
const OTHER: u8 = 1 << 7;

/// The class of each byte.
static CLASS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            b'-' => HYPHEN,
            b'_' => UNDERSCORE,
            b'.' => DOT,
            b'/' => SLASH,
            _ => OTHER,
        };
        byte += 1u8;
    }
    table
};

/// Whether every byte of a text is of one of these classes.
pub(super) fn all_of(text: &str, allowed: u8) -> bool {
    let seen = text
        .bytes()
        .fold(0, |seen, byte| seen | CLASS[usize::from(byte)]);
    seen & !allowed == 0
}

/// The classes of all bytes of a text together, if it is made of labels of 1 to 63 bytes between dots, none
/// with a hyphen at an end, and of `allowed` classes (of which the dot is one) alone.
#[inline]
pub(super) fn labels(text: &str, allowed: u8) -> Option<u8> {
    const EDGE: u8 = DOT | HYPHEN;
    // A dot stands at both ends in thought.
    let (mut seen, mut before) = (0, DOT);
    for byte in text.bytes() {
        let class = CLASS[usize::from(byte)];
        if class & EDGE != 0 && before & EDGE != 0 && (class | before) & DOT != 0 {
            return None;
        }
        seen |= class;
        before = class;
    }
    let short = || text.len() <= 63 || text.split('.').all(|label| label.len() <= 63);
    (seen & !allowed == 0 && before & EDGE == 0 && short()).then_some(seen)
}

/// Whether a text holds nothing but visible ASCII characters and spaces.
pub(super) fn plain(text: &str) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // A byte's high bit is set in `high` if it is DEL or not ASCII, and clear in `low` if it is a control
    // character. No sum carries into the next byte as long as all are ASCII.
    let eight = |bytes: &[u8; 8]| {
        let word = u64::from_le_bytes(*bytes);
        let high = word | word.wrapping_add(EACH);
        let low = word.wrapping_add(EACH * 0x60);
        (high | !low) & (EACH * 0x80) == 0
    };
    let (words, rest) = text.as_bytes().as_chunks();
    match text.as_bytes().last_chunk() {
        // The last eight bytes overlap those before, which costs less than a look at each of the rest.
        Some(last) => words.iter().all(eight) && eight(last),
        None => rest.iter().all(|byte| (0x20..0x7f).contains(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_told_of_every_byte_at_every_place() {
        for length in 1..20 {
            for place in 0..length {
                for character in (0..=0x17f).filter_map(char::from_u32) {
                    let mut text = "x".repeat(length);
                    text.replace_range(place..=place, &character.to_string());
                    let expected = (' '..='~').contains(&character);
                    assert_eq!(plain(&text), expected, "{text:?}");
                }
            }
        }
        assert!(plain(""));
    }

    #[test]
    fn classes_of_bytes() {
        assert!(all_of("", 0));
        assert!(all_of("a.B-9_/", !OTHER));
        assert!(!all_of("a b", LOWER));
        assert!(!all_of("é", !OTHER));
    }
}
