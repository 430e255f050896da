//! Compressed content, written out by hand (RFC 1951 and 1952).

/// The header of a gzip file: deflate, no name, no time.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// This content in one stored block.
pub(crate) fn stored(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let mut file = HEADER.to_vec();
    file.push(1);
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(content);
    file.extend(crc32(content).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}

fn crc32(content: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in content {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

/// The beginning of a bomb, and what may follow it without end: each time 13 bytes become 2,064.
pub(crate) fn bomb() -> (Vec<u8>, Vec<u8>) {
    // A block with fixed codes: the final bit, the kind in two bits from the lowest, and the byte 0.
    let start = [1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0];
    // "258 bytes from one byte ago": code 285 in eight bits and distance 0 in five.
    let again = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    // Filled up such that what follows begins at a whole byte.
    let bits: Vec<u8> = start.into_iter().chain(again).collect();
    assert_eq!(bits.len() % 8, 0);
    let mut head = HEADER.to_vec();
    head.extend(packed(&bits));
    (head, packed(&again.repeat(8)))
}

/// Bits in bytes, the first in the lowest place.
fn packed(bits: &[u8]) -> Vec<u8> {
    let bytes = bits.chunks(8);
    bytes
        .map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | bit))
        .collect()
}
