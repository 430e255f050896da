//! Signatures after the Standard Webhooks specification, version 1.0.0 (www.standardwebhooks.com), by which a
//! receiver knows who sent a webhook: the symmetric scheme `v1`, HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

/// How keys are marked where people see them (section "Signature scheme").
const PREFIX: &str = "whsec_";

/// How long a key is, in bytes (the same section).
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The bytes that SHA-256 takes at once (RFC 6234 section 3).
const BLOCK: usize = 64;

/// A key to sign with.
pub struct Key(Zeroizing<Vec<u8>>);

/// Why a text is no key. It never tells the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// It is not base64.
    #[error("the secret of a webhook is base64, with or without {PREFIX} before it")]
    NotBase64,
    /// It is too short to be safe, or too long.
    #[error("the secret of a webhook has 24 to 64 bytes; this one has {0}")]
    Length(usize),
}

impl Key {
    /// The key of a text as receivers show it: base64, with or without `whsec_` before it.
    ///
    /// # Errors
    /// It is not base64, or not of 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::NotBase64)?;
        let bytes = Zeroizing::new(bytes);
        if !LENGTHS.contains(&bytes.len()) {
            return Err(KeyError::Length(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// The signature of a webhook, as it stands in `webhook-signature`. The time of the attempt is in seconds
    /// since 1970.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let head = format!("{id}.{timestamp}.");
        let code = hmac(&self.0, &[head.as_bytes(), body]);
        format!("v1,{}", STANDARD.encode(code))
    }
}

/// HMAC-SHA256 (RFC 2104) of a message in parts.
fn hmac(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    let mut block = Zeroizing::new([0_u8; BLOCK]);
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |pad: u8| Zeroizing::new(block.map(|byte| byte ^ pad));
    let mut inner = Sha256::new_with_prefix(*padded(0x36));
    for part in message {
        inner.update(part);
    }
    let mut outer = Sha256::new_with_prefix(*padded(0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<Vec<_>>().concat()
    }

    /// The test cases 1, 2, 3 and 6 of RFC 4231 section 4: a key shorter than a block, one as text, and one longer.
    #[test]
    fn codes_are_those_of_rfc_4231() {
        let cases: [(&[u8], &[u8], &str); 4] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 20],
                &[0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, code) in cases {
            assert_eq!(hex(&hmac(key, &[message])), code);
            let (one, two) = message.split_at(3);
            assert_eq!(hex(&hmac(key, &[one, two])), code, "in parts");
        }
    }

    /// The example of the reference implementations' own tests.
    #[test]
    fn a_signature_is_that_of_the_reference() {
        let key = Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .ok()
            .unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn keys_are_read_as_receivers_show_them() {
        let text = STANDARD.encode([7; 24]);
        let plain = Key::parse(&text).ok().unwrap().sign("msg_1", 1, b"{}");
        let marked = Key::parse(&format!("whsec_{text}")).ok().unwrap();
        assert_eq!(marked.sign("msg_1", 1, b"{}"), plain);
        for other in [
            marked.sign("msg_2", 1, b"{}"),
            marked.sign("msg_1", 2, b"{}"),
            marked.sign("msg_1", 1, b"{ }"),
        ] {
            assert_ne!(other, plain);
        }
        for (text, error) in [
            ("whsec_", KeyError::Length(0)),
            (&STANDARD.encode([7; 23]), KeyError::Length(23)),
            (&STANDARD.encode([7; 65]), KeyError::Length(65)),
            ("whsec_not base64", KeyError::NotBase64),
            ("whsk_AAAA", KeyError::NotBase64),
        ] {
            assert_eq!(Key::parse(text).err(), Some(error), "{text}");
        }
    }
}
