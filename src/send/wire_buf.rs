//! Bytes on their way out, in an order that no longer changes.

use alloc::vec::Vec;
use core::fmt;

use bytes::{Buf, Bytes};

use super::queue::Queue;
use crate::wire::header::{self, Header};
use crate::wire::mask;

/// Payloads of at least this many bytes go out as they are, beside their header; smaller ones are copied behind it, which
/// costs less than one more slice for a vectored write.
const REFERENCE_FROM: usize = 1024;

/// The least room that is made for small bytes: what one write mostly has of them.
const MIN_STAGED: usize = 4 * 1024;

/// A queue of bytes: a run of small ones, copied together, and between them large payloads that are only referenced.
#[derive(Default)]
pub(crate) struct WireBuf {
    /// Headers and small payloads, back to back.
    staged: Vec<u8>,
    /// How many of the staged bytes have gone out.
    gone: usize,
    /// Each with how many of the staged bytes go out before it.
    referenced: Queue<(usize, Bytes)>,
    /// What the referenced payloads come to.
    referenced_len: usize,
}

impl WireBuf {
    /// That is a little more than one frame at most, so no sum overflows.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.staged_len().wrapping_add(self.referenced_len)
    }

    #[inline]
    fn staged_len(&self) -> usize {
        self.staged.len().wrapping_sub(self.gone)
    }

    /// Appends bytes as they are, by reference if they are many.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if bytes.len() >= REFERENCE_FROM {
            self.refer_to(bytes);
        } else {
            self.reserve(bytes.len());
            self.staged.extend_from_slice(&bytes);
        }
    }

    /// Appends a frame, its payload masked if there is a key, or else by reference if it is large.
    #[inline(always)]
    pub(crate) fn push_frame(&mut self, header: &Header, payload: Bytes) {
        if header.mask.is_none() && payload.len() >= REFERENCE_FROM {
            return self.push_by_reference(header, payload);
        }
        self.reserve(payload.len().wrapping_add(header::MAX_LEN));
        header.write(&mut self.staged);
        let start = self.staged.len();
        self.staged.extend_from_slice(&payload);
        if let (Some(key), Some(copy)) = (header.mask, self.staged.get_mut(start..)) {
            mask::apply(copy, key);
        }
    }

    #[inline(never)]
    fn push_by_reference(&mut self, header: &Header, payload: Bytes) {
        self.reserve(header::MAX_LEN);
        header.write(&mut self.staged);
        self.refer_to(payload);
    }

    fn refer_to(&mut self, payload: Bytes) {
        self.referenced_len = self.referenced_len.saturating_add(payload.len());
        self.referenced.push_back((self.staged.len(), payload));
    }

    #[inline]
    fn reserve(&mut self, size: usize) {
        if self.staged.capacity().wrapping_sub(self.staged.len()) < size {
            self.make_room(size);
        }
    }

    #[cold]
    fn make_room(&mut self, size: usize) {
        if self.staged.capacity() == 0 {
            self.staged = spare::take();
            if self.staged.capacity() >= size {
                return;
            }
        }
        // What moves is less than what has gone since it moved last.
        if self.gone > self.staged_len() {
            self.staged.drain(..self.gone);
            for (before, _) in self.referenced.iter_mut() {
                *before = before.saturating_sub(self.gone);
            }
            self.gone = 0;
        }
        // Several messages for one write are common, and moving them as they become more costs more than asking for
        // room that is given back with the write.
        self.staged.reserve(size.max(self.staged.len().saturating_mul(3)).max(MIN_STAGED));
    }

    /// Splits off the first `max` bytes, or all if there are fewer, as a queue of its own. Nothing is copied.
    pub(crate) fn split_to(&mut self, max: usize) -> Self {
        if max >= self.len() {
            return core::mem::take(self);
        }
        self.refer_to_all();
        let mut front = Self::default();
        while front.referenced_len < max
            && let Some((_, payload)) = self.referenced.front_mut()
        {
            let len = payload.len().min(max.wrapping_sub(front.referenced_len));
            front.refer_to(payload.split_to(len));
            self.passed(len);
        }
        front
    }

    /// Makes references of the staged bytes too, since references can be split.
    fn refer_to_all(&mut self) {
        let Self { staged, mut gone, mut referenced, .. } = core::mem::take(self);
        let staged = Bytes::from(staged);
        while let Some((before, payload)) = referenced.pop_front() {
            if before > gone {
                self.refer_to(staged.slice(gone..before));
            }
            self.refer_to(payload);
            gone = before;
        }
        if staged.len() > gone {
            self.refer_to(staged.slice(gone..));
        }
    }

    /// Passes over `left` bytes, which are not all.
    fn advance_within(&mut self, mut left: usize) {
        while left > 0 {
            let before = self.referenced.front().map_or(self.staged.len(), |(before, _)| *before);
            let run = before.saturating_sub(self.gone).min(left);
            self.gone = self.gone.saturating_add(run);
            left = left.saturating_sub(run);
            if left > 0
                && let Some((_, payload)) = self.referenced.front_mut()
            {
                let part = payload.len().min(left);
                payload.advance(part);
                self.passed(part);
                left = left.saturating_sub(part);
            }
        }
    }

    /// Notes that the first payload became shorter by this much.
    fn passed(&mut self, len: usize) {
        self.referenced_len = self.referenced_len.saturating_sub(len);
        if self.referenced.front().is_some_and(|(_, payload)| payload.is_empty()) {
            self.referenced.pop_front();
        }
    }

    /// Drops all, and gives the memory back.
    #[inline]
    pub(crate) fn clear(&mut self) {
        spare::give(core::mem::take(&mut self.staged));
        self.gone = 0;
        if self.referenced_len > 0 {
            self.referenced = Queue::default();
            self.referenced_len = 0;
        }
    }
}

/// The memory of a queue that was written, for the next one on the same thread: to ask the allocator for it costs more than
/// all else that is done for a small message.
#[cfg(feature = "std")]
mod spare {
    use core::cell::Cell;
    use std::thread_local;
    use std::vec::Vec;

    use super::MIN_STAGED;

    thread_local! {
        static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }

    pub(super) fn take() -> Vec<u8> {
        SPARE.try_with(Cell::take).unwrap_or_default()
    }

    #[inline]
    pub(super) fn give(mut buffer: Vec<u8>) {
        if buffer.capacity() == MIN_STAGED {
            buffer.clear();
            let _ = SPARE.try_with(|place| place.set(buffer));
        }
    }
}

#[cfg(not(feature = "std"))]
mod spare {
    use alloc::vec::Vec;

    pub(super) fn take() -> Vec<u8> {
        Vec::new()
    }

    pub(super) fn give(_: Vec<u8>) {}
}

/// Its length. The bytes may be a request with a password in it.
impl fmt::Debug for WireBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireBuf").field("len", &self.len()).finish()
    }
}

impl Buf for WireBuf {
    fn remaining(&self) -> usize {
        self.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        match self.referenced.front() {
            Some((before, payload)) if *before == self.gone => payload,
            Some((before, _)) => self.staged.get(self.gone..*before).unwrap_or_default(),
            None => self.staged.get(self.gone..).unwrap_or_default(),
        }
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, dst: &mut [std::io::IoSlice<'a>]) -> usize {
        let mut slots = dst.iter_mut();
        let mut filled = 0;
        let mut fill = |run: &'a [u8]| {
            if !run.is_empty()
                && let Some(slot) = slots.next()
            {
                *slot = std::io::IoSlice::new(run);
                filled += 1;
            }
        };
        let mut from = self.gone;
        for (before, payload) in self.referenced.iter() {
            fill(self.staged.get(from..*before).unwrap_or_default());
            fill(payload);
            from = *before;
        }
        fill(self.staged.get(from..).unwrap_or_default());
        filled
    }

    /// Passes over `count` bytes, or over all if there are fewer.
    #[inline]
    fn advance(&mut self, count: usize) {
        if count >= self.len() { self.clear() } else { self.advance_within(count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pushes of these sizes, and takes of those sizes by turns of both kinds, give the bytes in their order.
    fn check(pushes: &[usize], takes: &[usize]) {
        let mut buf = WireBuf::default();
        let mut expected = Vec::new();
        for (index, len) in pushes.iter().enumerate() {
            let payload = alloc::vec![index as u8; *len];
            expected.extend_from_slice(&payload);
            buf.push(payload.into());
        }
        #[cfg(feature = "std")]
        {
            let mut vectored = [std::io::IoSlice::new(&[]); 64];
            let filled = buf.chunks_vectored(&mut vectored);
            let seen: Vec<u8> = vectored[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
            assert_eq!(seen, expected);
        }

        let mut actual = Vec::new();
        for (turn, take) in takes.iter().cycle().enumerate() {
            if !buf.has_remaining() {
                break;
            }
            if turn % 2 == 0 {
                let mut piece = buf.split_to(*take);
                actual.extend_from_slice(&piece.copy_to_bytes(piece.remaining()));
            } else {
                let chunk = buf.chunk();
                let len = (*take).min(chunk.len());
                actual.extend_from_slice(&chunk[..len]);
                buf.advance(len);
            }
        }
        assert_eq!(actual, expected);
        assert_eq!(buf.staged.capacity(), 0, "an empty queue holds no memory");
    }

    proptest! {
        #[test]
        fn order_is_kept(
            pushes in prop::collection::vec(prop_oneof![0_usize..40, 1000_usize..1100], 0..20),
            takes in prop::collection::vec(1_usize..1500, 1..8),
        ) {
            check(&pushes, &takes);
        }
    }
}
