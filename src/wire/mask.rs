//! Masking (RFC 6455 §5.3), which is its own inverse.

/// XORs `payload` with the key repeated. Returns the key turned so that it continues where this payload ends.
///
/// Whole words at a time: the compiler makes vector instructions of it, without any `unsafe`.
pub(crate) fn apply(payload: &mut [u8], key: [u8; 4]) -> [u8; 4] {
    let [a, b, c, d] = key;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for chunk in words {
        *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= key;
    }
    let mut turned = key;
    turned.rotate_left(rest.len() % 4);
    turned
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_are_masked_as_the_whole(payload: Vec<u8>, key: [u8; 4], cuts: [u8; 3]) {
            let expected: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
            let mut actual = payload;
            let mut rest = &mut actual[..];
            let mut turned = key;
            for cut in cuts {
                let (piece, after) = rest.split_at_mut(usize::from(cut).min(rest.len()));
                turned = apply(piece, turned);
                rest = after;
            }
            apply(rest, turned);
            prop_assert_eq!(actual, expected);
        }
    }
}
