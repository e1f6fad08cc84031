//! Random bytes from the caller's seed: masks, handshake keys, heartbeat nonces.

use alloc::boxed::Box;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// A cryptographic generator, since masks must not be predictable to whoever chooses the payload (RFC 6455 §10.3).
pub(crate) enum Entropy {
    /// What it makes ahead takes 320 bytes, which pay where each message has a mask.
    Often(Box<ChaCha12Rng>),
    /// It begins anew each time, with the next stream of the same key.
    Seldom { seed: [u8; 32], stream: u64 },
}

impl Entropy {
    /// For whoever draws a few bytes for each message.
    pub(crate) fn often(seed: [u8; 32]) -> Self {
        Self::Often(Box::new(ChaCha12Rng::from_seed(seed)))
    }

    /// For whoever draws a few bytes now and then.
    pub(crate) fn seldom(seed: [u8; 32]) -> Self {
        Self::Seldom { seed, stream: 0 }
    }

    /// The key that a frame is masked with (RFC 6455 §5.3).
    #[inline]
    pub(crate) fn mask(&mut self) -> [u8; 4] {
        match self {
            // The same bytes as below, with less around them.
            Self::Often(generator) => generator.next_u32().to_le_bytes(),
            Self::Seldom { .. } => self.bytes(),
        }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::Often(generator) => generator.fill_bytes(&mut bytes),
            Self::Seldom { seed, stream } => {
                let mut generator = ChaCha12Rng::from_seed(*seed);
                generator.set_stream(*stream);
                *stream = stream.wrapping_add(1);
                generator.fill_bytes(&mut bytes);
            }
        }
        bytes
    }
}

impl core::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Entropy(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_mask_is_what_is_drawn_next() {
        for entropy in [Entropy::often, Entropy::seldom] {
            let [mut one, mut other] = [entropy([7; 32]), entropy([7; 32])];
            for _ in 0..1000 {
                assert_eq!(one.mask(), other.bytes());
                assert_eq!(one.bytes::<6>(), other.bytes());
            }
        }
    }

    #[test]
    fn masks_do_not_repeat_and_follow_the_seed() {
        for entropy in [Entropy::often, Entropy::seldom] {
            let mut drawn = entropy([7; 32]);
            let keys: HashSet<[u8; 16]> = (0..10_000).map(|_| drawn.bytes()).collect();
            assert_eq!(keys.len(), 10_000);
            assert_eq!(entropy([7; 32]).bytes::<16>(), entropy([7; 32]).bytes::<16>());
            assert_ne!(entropy([7; 32]).bytes::<16>(), entropy([8; 32]).bytes::<16>());
        }
    }
}
