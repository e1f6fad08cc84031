//! Bytes on their way out, in an order that no longer changes.

use alloc::collections::VecDeque;
use core::fmt;

use bytes::{Buf, Bytes, BytesMut};

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
    staged: BytesMut,
    /// Each with the number of staged bytes that go out before it and after the one in front of it.
    referenced: VecDeque<(usize, Bytes)>,
    /// How many of the staged bytes go out before a referenced payload.
    staged_before: usize,
    /// What the referenced payloads come to.
    referenced_len: usize,
}

impl WireBuf {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.staged.len().saturating_add(self.referenced_len)
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
    #[inline]
    pub(crate) fn push_frame(&mut self, header: &Header, payload: Bytes) {
        let by_reference = header.mask.is_none() && payload.len() >= REFERENCE_FROM;
        let copied = if by_reference { 0 } else { payload.len() };
        self.reserve(copied.saturating_add(header::MAX_LEN));
        header.write(&mut self.staged);
        if by_reference {
            return self.refer_to(payload);
        }
        let start = self.staged.len();
        self.staged.extend_from_slice(&payload);
        if let (Some(key), Some(copy)) = (header.mask, self.staged.get_mut(start..)) {
            mask::apply(copy, key);
        }
    }

    fn refer_to(&mut self, payload: Bytes) {
        let before = self.staged_tail();
        self.staged_before = self.staged.len();
        self.referenced_len = self.referenced_len.saturating_add(payload.len());
        self.referenced.push_back((before, payload));
    }

    /// Staged bytes that follow the last referenced payload.
    fn staged_tail(&self) -> usize {
        self.staged.len().saturating_sub(self.staged_before)
    }

    #[inline]
    fn reserve(&mut self, size: usize) {
        if self.staged.capacity().saturating_sub(self.staged.len()) < size {
            self.make_room(size);
        }
    }

    #[cold]
    fn make_room(&mut self, size: usize) {
        if self.staged.capacity() == 0 {
            self.staged = spare::take();
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
        let mut front = Self::default();
        let mut wanted = max;
        while wanted > 0 {
            let part = match self.referenced.front_mut() {
                Some((0, payload)) => {
                    let part = wanted.min(payload.len());
                    front.refer_to(payload.split_to(part));
                    part
                }
                next => {
                    let part = next.map_or(wanted, |(before, _)| wanted.min(*before));
                    front.staged.unsplit(self.staged.split_to(part));
                    part
                }
            };
            self.consumed(part);
            wanted = wanted.saturating_sub(part);
        }
        front
    }

    /// Settles the books after `part` bytes of the run in front were taken, and gives memory back when nothing is left.
    fn consumed(&mut self, part: usize) {
        match self.referenced.front_mut() {
            Some((0, payload)) => {
                self.referenced_len = self.referenced_len.saturating_sub(part);
                if payload.is_empty() {
                    self.referenced.pop_front();
                }
            }
            Some((before, _)) => {
                *before = before.saturating_sub(part);
                self.staged_before = self.staged_before.saturating_sub(part);
            }
            None => {}
        }
        if self.len() == 0 {
            self.clear();
        }
    }

    /// Drops all, and gives the memory back.
    pub(crate) fn clear(&mut self) {
        spare::give(core::mem::take(&mut self.staged));
        if self.referenced.capacity() > 0 {
            self.referenced = VecDeque::new();
        }
        self.staged_before = 0;
        self.referenced_len = 0;
    }
}

/// The memory of a queue that was written, for the next one on the same thread: to ask the allocator for it costs more than
/// all else that is done for a small message.
#[cfg(feature = "std")]
mod spare {
    use core::cell::Cell;
    use std::thread_local;

    use bytes::BytesMut;

    use super::MIN_STAGED;

    thread_local! {
        static SPARE: Cell<Option<BytesMut>> = const { Cell::new(None) };
    }

    pub(super) fn take() -> BytesMut {
        SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default()
    }

    pub(super) fn give(mut buffer: BytesMut) {
        buffer.clear();
        // One that was written piece by piece is wound back before its size shows.
        if buffer.try_reclaim(MIN_STAGED) && buffer.capacity() == MIN_STAGED {
            let _ = SPARE.try_with(|place| place.set(Some(buffer)));
        }
    }
}

#[cfg(not(feature = "std"))]
mod spare {
    use bytes::BytesMut;

    pub(super) fn take() -> BytesMut {
        BytesMut::new()
    }

    pub(super) fn give(_: BytesMut) {}
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

    fn chunk(&self) -> &[u8] {
        match self.referenced.front() {
            Some((0, payload)) => payload,
            Some((before, _)) => self.staged.get(..*before).unwrap_or_default(),
            None => &self.staged,
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
        let mut staged = &self.staged[..];
        for (before, payload) in &self.referenced {
            let (run, rest) = staged.split_at_checked(*before).unwrap_or_default();
            fill(run);
            fill(payload);
            staged = rest;
        }
        fill(staged);
        filled
    }

    /// Passes over `count` bytes, or over all if there are fewer.
    fn advance(&mut self, count: usize) {
        if count >= self.len() {
            return self.clear();
        }
        let mut left = count;
        while left > 0 {
            let part = match self.referenced.front_mut() {
                Some((0, payload)) => {
                    let part = left.min(payload.len());
                    payload.advance(part);
                    part
                }
                next => {
                    let part = next.map_or(left, |(before, _)| left.min(*before));
                    self.staged.advance(part);
                    part
                }
            };
            self.consumed(part);
            left = left.saturating_sub(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
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
