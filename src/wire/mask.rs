//! Masking (RFC 6455 §5.3), which is its own inverse.

/// XORs `payload` with the key repeated. Returns the key turned so that it continues where this payload ends.
///
/// The blocks are of a size that the compiler makes vector instructions of, without any `unsafe`.
#[inline]
pub(crate) fn apply(payload: &mut [u8], key: [u8; 4]) -> [u8; 4] {
    let (blocks, rest) = payload.as_chunks_mut::<32>();
    for block in blocks {
        xor_words(block, key);
    }
    let (short_blocks, rest) = rest.as_chunks_mut::<8>();
    for block in short_blocks {
        xor_words(block, key);
    }
    let (words, rest) = rest.as_chunks_mut::<4>();
    for word in words {
        xor_words(word, key);
    }
    for (byte, key) in rest.iter_mut().zip(&key) {
        *byte ^= key;
    }
    // At most three bytes are left, so this is less than a whole turn.
    u32::from_le_bytes(key).rotate_right(8 * rest.len() as u32).to_le_bytes()
}

/// XORs as many whole words as there are; inlined, the length is known.
#[inline(always)]
fn xor_words(bytes: &mut [u8], key: [u8; 4]) {
    let key = u32::from_ne_bytes(key);
    for word in bytes.as_chunks_mut::<4>().0 {
        *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
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
