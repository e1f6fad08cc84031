//! The key of a request, and the value that proves it was understood (RFC 6455 §1.3, §4.2.2 item 5.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A nonce of 16 bytes in base64.
pub(super) fn encode(nonce: [u8; 16]) -> [u8; 24] {
    let mut key = [0; 24];
    base64(&nonce, &mut key);
    key
}

/// Whether the value is 16 bytes in base64, padded, and written in the one way there is.
pub(super) fn is_valid(key: &[u8]) -> bool {
    // room for what 24 characters hold without padding
    let mut nonce = [0; 18];
    key.len() == 24 && STANDARD.decode_slice(key, &mut nonce) == Ok(16)
}

/// The `Sec-WebSocket-Accept` that belongs to the key, which is hashed as it was sent.
pub(super) fn accept_value(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut value = [0; 28];
    base64(&digest, &mut value);
    value
}

fn base64(bytes: &[u8], text: &mut [u8]) {
    // the sizes match at both calls: 16 bytes take 24 characters, 20 take 28
    let encoded = STANDARD.encode_slice(bytes, text);
    debug_assert_eq!(encoded, Ok(text.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_of_the_rfc() {
        let key = encode(*b"the sample nonce");
        assert_eq!(&key, b"dGhlIHNhbXBsZSBub25jZQ==");
        assert!(is_valid(&key));
        assert_eq!(&accept_value(&key), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn invalid_keys() {
        let table = [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZR==",
            "dGhlIHNhbXBsZSBub25jZQ==\t",
            "dGhlIHNhbXBsZSBub25jZTE=",
            "dGhlIHNhbXBsZSBub25jZTEx",
            "dGhlIHNhbXBsZSBub25j====",
            "dGhlIHNhbXBsZSBub25j-Q==",
            "dGhlIHNhbXBsZSBub25jZTEyMzQ=",
        ];
        for key in table {
            assert!(!is_valid(key.as_bytes()), "{key}");
        }
    }
}
