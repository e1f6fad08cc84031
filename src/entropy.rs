//! Random bytes from the caller's seed: masks, handshake keys, heartbeat nonces.

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// A cryptographic generator, since masks must not be predictable to whoever chooses the payload (RFC 6455 §10.3).
pub(crate) struct Entropy(ChaCha12Rng);

impl Entropy {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
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
    fn masks_do_not_repeat_and_follow_the_seed() {
        let mut entropy = Entropy::new([7; 32]);
        let keys: HashSet<[u8; 16]> = (0..10_000).map(|_| entropy.bytes()).collect();
        assert_eq!(keys.len(), 10_000);
        assert_eq!(Entropy::new([7; 32]).bytes::<16>(), Entropy::new([7; 32]).bytes::<16>());
        assert_ne!(Entropy::new([7; 32]).bytes::<16>(), Entropy::new([8; 32]).bytes::<16>());
    }
}
