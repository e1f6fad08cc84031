//! Masking (RFC 6455 §5.3), which is its own inverse.

/// From how many bytes on it pays to ask what the CPU can do.
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
const LONG: usize = 512;

/// As many bytes as AVX2 handles at once.
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
const VECTOR: usize = 32;

/// XORs `payload` with the key repeated; zeros change nothing. Returns the key turned so that it continues where this payload ends.
#[inline]
pub(crate) fn apply(payload: &mut [u8], key: [u8; 4]) -> [u8; 4] {
    #[cfg(all(feature = "simd", target_arch = "x86_64"))]
    if payload.len() >= LONG {
        return apply_long(payload, key);
    }
    apply_in_blocks::<16>(payload, key)
}

/// From how many bytes on it pays to begin with a whole vector: behind a header a payload begins anywhere, and a vector that
/// crosses a cache line costs two accesses.
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
const ALIGNED: usize = 4 * 1024;

/// With AVX2, where there is: x86-64 guarantees vectors of half that size only. AVX-512 gains nothing.
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
#[inline(never)]
fn apply_long(payload: &mut [u8], key: [u8; 4]) -> [u8; 4] {
    use fearless_simd::{Level, Simd};

    let Some(avx2) = Level::new().as_avx2() else { return apply_in_blocks::<32>(payload, key) };
    let ahead =
        if payload.len() < ALIGNED { 0 } else { payload.as_ptr().align_offset(VECTOR).min(payload.len()) };
    let (head, aligned) = payload.split_at_mut(ahead);
    let key = apply_in_blocks::<VECTOR>(head, key);
    avx2.vectorize(
        #[inline(always)]
        move || apply_in_blocks::<VECTOR>(xor_blocks::<{ 4 * VECTOR }>(aligned, key), key),
    )
}

/// The blocks are of a size that the compiler makes vector instructions of, without any `unsafe`.
#[inline(always)]
fn apply_in_blocks<const BLOCK: usize>(payload: &mut [u8], key: [u8; 4]) -> [u8; 4] {
    let rest = xor_blocks::<BLOCK>(payload, key);
    let rest = xor_blocks::<8>(rest, key);
    let rest = xor_blocks::<4>(rest, key);
    for (byte, key) in rest.iter_mut().zip(&key) {
        *byte ^= key;
    }
    // At most three bytes are left, so this is less than a whole turn.
    u32::from_le_bytes(key).rotate_right(8 * rest.len() as u32).to_le_bytes()
}

/// XORs as many whole blocks as there are, each a number of words, and returns the rest.
#[inline(always)]
fn xor_blocks<const BLOCK: usize>(bytes: &mut [u8], key: [u8; 4]) -> &mut [u8] {
    let key = u32::from_ne_bytes(key);
    let (blocks, rest) = bytes.as_chunks_mut::<BLOCK>();
    for block in blocks {
        for word in block.as_chunks_mut::<4>().0 {
            *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
    }
    rest
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

    #[test]
    fn long_payloads_are_masked_as_short_ones() {
        let key = [0x12, 0x34, 0x56, 0x78];
        for len in 0..2048 {
            let mut payload: Vec<u8> = (0..len).map(|index| index as u8).collect();
            let expected: Vec<u8> =
                payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
            let turned = apply(&mut payload, key);
            assert_eq!(payload, expected, "{len}");
            assert_eq!(turned, core::array::from_fn(|index| key[(index + len) % 4]), "{len}");
        }
    }
}
