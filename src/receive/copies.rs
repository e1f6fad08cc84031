//! Copies of payloads, made while they are unmasked: for messages that would pin too much if they were split off the input.

use bytes::Bytes;

use crate::wire::mask;

/// Payloads of at most this many bytes share allocations with those that come before and after them on the same thread: one
/// for each would cost more than all else that is done for them.
#[cfg(feature = "std")]
const MAX_SHARED: usize = 128;

/// How much they share. It is small, since each of them may be kept, and pins all of it.
#[cfg(feature = "std")]
const ROOM: usize = 1024;

/// The payload as it was before it was masked with this key, in memory of its own or shared with a few like it.
#[inline(always)]
pub(super) fn copy(payload: &[u8], key: [u8; 4]) -> Bytes {
    #[cfg(feature = "std")]
    if payload.len() <= MAX_SHARED {
        return shared::copy(payload, key);
    }
    let mut copy = payload.to_vec();
    mask::apply(&mut copy, key);
    copy.into()
}

/// The room belongs to the thread and not to the connection, which would hold it while idle.
#[cfg(feature = "std")]
mod shared {
    use core::cell::Cell;
    use std::thread_local;

    use bytes::{Bytes, BytesMut};

    use super::ROOM;
    use crate::spare;
    use crate::wire::mask;

    thread_local! {
        static SHARED: Cell<Option<BytesMut>> = const { Cell::new(None) };
    }

    #[inline(always)]
    pub(super) fn copy(payload: &[u8], key: [u8; 4]) -> Bytes {
        if payload.is_empty() {
            return Bytes::new();
        }
        let mut room = spare::take(&SHARED)
            .filter(|room| room.capacity() >= payload.len())
            .unwrap_or_else(|| BytesMut::with_capacity(ROOM));
        room.extend_from_slice(payload);
        let mut copy = room.split();
        spare::keep(&SHARED, room);
        mask::apply(&mut copy, key);
        copy.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn copies_are_what_was_masked(payloads: Vec<(Vec<u8>, [u8; 4])>) {
            let copies: Vec<Bytes> = payloads.iter().map(|(payload, key)| copy(payload, *key)).collect();
            for ((mut payload, key), copy) in payloads.into_iter().zip(copies) {
                mask::apply(&mut payload, key);
                prop_assert_eq!(copy, payload);
            }
        }
    }
}
